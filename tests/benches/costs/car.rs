//! A car that drives: one sample of each signal a second, until the head unit has made an entry of it.

use dashpoint::BusInput;
use dashpoint::engine::{Engine, Outgoing};
use dashpoint_membership::Seq;
use dashpoint_store::Store;
use dashpoint_sync::Event;
use dashpoint_telematics::{Signal, Value};
use tokio::sync::mpsc;

use super::enrolled::{BEGIN_S, BenchClock, Enrolled};

/// Seconds of one drive: above the two kilometres that earn.
const DRIVE_S: u32 = 150;
/// A trip is over long before.
const PARKED_S_MAX: u32 = 600;
/// Between two drives.
const PAUSE_MS: i64 = 2 * 3_600 * 1_000;

/// A car without a network.
pub struct DrivenCar {
    engine: Engine,
    // Held, so that the engine can send.
    _sent: mpsc::Receiver<Outgoing>,
    clock: BenchClock,
    odometer_m: f64,
    consumed_kwh: f64,
}

impl DrivenCar {
    /// A car whose head unit lies on that store.
    pub fn new(enrolled: &Enrolled, store: Store) -> Self {
        let clock = BenchClock::at(BEGIN_S + 3_600);
        let (mut engine, sent) = enrolled.start(store, &clock);
        engine.tell(Event::ConnectivityChanged { available: false });
        Self {
            engine,
            _sent: sent,
            clock,
            odometer_m: 12_345_678.0,
            consumed_kwh: 2_345.0,
        }
    }

    /// Drives; `step` lets the engine take what comes after the ignition went off, second by second, until the entry of
    /// the trip is on the disk.
    pub fn drive(&mut self, mut step: impl FnMut(&mut Engine, Vec<BusInput>)) {
        self.clock.pass_ms(PAUSE_MS);
        let before = self.head();
        self.say(&[
            (Signal::Gear, Value::Number(127.0)),
            (Signal::Ignition, Value::Text("ON".to_owned())),
            (Signal::Speed, Value::Number(0.0)),
            (Signal::Odometer, Value::Number(self.odometer_m.floor())),
            (Signal::ConsumedEnergy, Value::Number(self.consumed_kwh)),
        ]);
        for second in 0..DRIVE_S {
            let kmh = 70.0 + f64::from(second % 9);
            self.odometer_m += kmh / 3.6;
            self.consumed_kwh += kmh / 3_600.0 * 0.16;
            self.say(&[
                (Signal::Speed, Value::Number(kmh)),
                (Signal::Odometer, Value::Number(self.odometer_m.floor())),
                (Signal::ConsumedEnergy, Value::Number(self.consumed_kwh)),
            ]);
        }
        self.say(&[(Signal::Speed, Value::Number(0.0))]);
        self.say(&[(Signal::Gear, Value::Number(126.0))]);
        let mut inputs = self.inputs(&[(Signal::Ignition, Value::Text("OFF".to_owned()))]);
        for _ in 0..PARKED_S_MAX {
            step(&mut self.engine, inputs);
            if self.head() == before.next() {
                return;
            }
            inputs = self.inputs(&[]);
        }
        panic!("a drive is one entry");
    }

    /// What a second brings: what is said, and the engine's own time.
    pub fn second(engine: &mut Engine, inputs: Vec<BusInput>) {
        if !inputs.is_empty() {
            engine.take(inputs.into_iter());
        }
        engine.wake();
    }

    fn head(&self) -> Seq {
        self.engine.books().head.seq
    }

    fn say(&mut self, signals: &[(Signal, Value)]) {
        let inputs = self.inputs(signals);
        self.engine.take(inputs.into_iter());
        self.engine.wake();
    }

    fn inputs(&self, signals: &[(Signal, Value)]) -> Vec<BusInput> {
        self.clock.pass_ms(1_000);
        let sample = |(signal, value): &(Signal, Value)| BusInput::Sample {
            signal: *signal,
            value: value.clone(),
            ts_ms: Some(self.clock.unix_ms()),
            retained: false,
        };
        signals.iter().map(sample).collect()
    }
}
