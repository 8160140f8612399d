//! A vehicle at a coarse rate: two lifetime meters and what the bus says of them.

use std::collections::BTreeMap;

use dashpoint::BusInput;
use dashpoint_telematics::{Signal, Value};

use super::drivers::{Log, Wheel};
use super::random::SeededRandom;

/// Gear position of VSS for park.
const PARK: f64 = 126.0;
/// And for drive.
const DRIVE: f64 = 127.0;

/// A vehicle; its meters only rise, whatever happens to the head unit.
#[derive(Debug, Clone)]
pub struct SimulatedVehicle {
    /// Metres ever driven.
    pub odometer_m: f64,
    /// Energy ever charged.
    pub charged_kwh: f64,
    /// Energy ever consumed.
    pub consumed_kwh: f64,
    /// Error of its clock, which stamps the samples, in milliseconds.
    pub skew_ms: i64,
    /// The driver of each metre.
    pub log: Log,
    kept: BTreeMap<Signal, (i64, Value)>,
}

/// State that is published as retained.
const KEPT: [Signal; 8] = [
    Signal::DriverIssuer,
    Signal::DriverSubject,
    Signal::Ignition,
    Signal::Gear,
    Signal::IsCharging,
    Signal::Odometer,
    Signal::ChargedEnergy,
    Signal::ConsumedEnergy,
];

/// Signals of the bus at one time, in milliseconds after the beginning of the session.
#[derive(Debug, Clone)]
pub struct ScriptStep {
    /// Time of the signals.
    pub after_ms: u64,
    /// The signals, each without its time.
    pub signals: Vec<(Signal, Value)>,
}

impl SimulatedVehicle {
    /// A vehicle that has been driven before.
    #[must_use]
    pub fn used(number: u64) -> Self {
        Self {
            odometer_m: 10_000_000.0 + 1_000_000.0 * number as f64,
            charged_kwh: 3_000.0 + 500.0 * number as f64,
            consumed_kwh: 2_800.0 + 500.0 * number as f64,
            skew_ms: 0,
            log: Log::default(),
            kept: BTreeMap::new(),
        }
    }

    /// Returns the messages that the broker has retained for a head unit that wakes up, each with its own time.
    #[must_use]
    pub fn retained(&self) -> Vec<BusInput> {
        let kept = |(signal, (ts_ms, value)): (&Signal, &(i64, Value))| BusInput::Sample {
            signal: *signal,
            value: value.clone(),
            ts_ms: Some(*ts_ms),
            retained: true,
        };
        self.kept.iter().map(kept).collect()
    }

    /// A drive of some minutes from ignition on to ignition off.
    pub fn drive(&mut self, random: &mut SeededRandom, wheel: Wheel) -> Vec<ScriptStep> {
        let step_ms = if random.one_in(2) { 4_000 } else { 15_000 };
        let seconds = random.range(180, 1_500);
        self.log.takes_over(self.odometer_m as u64, wheel);
        let mut said = self.drive_for(random, seconds, step_ms);
        // Before anything else that is said.
        said[0].signals.splice(0..0, wheel.signals());
        said
    }

    /// Another one takes the wheel in the middle of a drive that was planned.
    pub fn hand_over(&mut self, said: &mut [ScriptStep], random: &mut SeededRandom, wheel: Wheel) {
        let place = random.range(1, said.len() as u64 - 2);
        let (before, after) = said.split_at_mut(usize::try_from(place).unwrap_or(1));
        let odometer = before.iter().rev().flat_map(|said| &said.signals);
        let odometer = odometer.filter(|(signal, _)| *signal == Signal::Odometer);
        let metres = odometer.filter_map(|(_, value)| match value {
            Value::Number(metres) => Some(*metres as u64),
            Value::Bool(_) | Value::Text(_) => None,
        });
        if let (Some(metres), Some(next)) = (metres.max(), after.first_mut()) {
            self.log.takes_over(metres, wheel);
            next.signals.splice(0..0, wheel.signals());
        }
    }

    /// A drive of seven minutes with few samples: some checkpoints, and an entry.
    pub fn short_drive(&mut self, random: &mut SeededRandom) -> Vec<ScriptStep> {
        self.drive_for(random, 420, 15_000)
    }

    fn drive_for(
        &mut self,
        random: &mut SeededRandom,
        seconds: u64,
        step_ms: u64,
    ) -> Vec<ScriptStep> {
        let speed_kmh = random.range(30, 121) as f64;
        let mut after_ms = 2_000;
        let mut said = vec![live(
            after_ms,
            vec![
                (Signal::Gear, number(DRIVE)),
                (Signal::Ignition, text("ON")),
                (Signal::Speed, number(0.0)),
                (Signal::Odometer, number(self.odometer_m.floor())),
                (Signal::ChargedEnergy, number(self.charged_kwh)),
            ],
        )];
        let end_ms = after_ms + seconds * 1_000;
        while after_ms < end_ms {
            after_ms += step_ms;
            let metres = speed_kmh / 3.6 * step_ms as f64 / 1_000.0;
            self.odometer_m += metres;
            self.consumed_kwh += metres / 1_000.0 * 0.16;
            said.push(live(
                after_ms,
                vec![
                    (Signal::Speed, number(speed_kmh)),
                    (Signal::Odometer, number(self.odometer_m.floor())),
                    (Signal::ConsumedEnergy, number(self.consumed_kwh)),
                ],
            ));
        }
        said.push(live(after_ms + 3_000, vec![(Signal::Speed, number(0.0))]));
        said.push(live(
            after_ms + 5_000,
            vec![
                (Signal::Gear, number(PARK)),
                (Signal::Ignition, text("OFF")),
            ],
        ));
        said
    }

    /// A charging session that the head unit sees.
    pub fn charge(&mut self, random: &mut SeededRandom) -> Vec<ScriptStep> {
        let steps = random.range(4, 30);
        let kwh = random.range(2, 45) as f64;
        let metered = random.one_in(2);
        let mut after_ms = 2_000;
        let mut first = vec![
            (Signal::IsCharging, Value::Bool(true)),
            // As fast as the counter rises below.
            (Signal::BatteryPower, number(kwh / steps as f64 * 60_000.0)),
            (Signal::ChargedEnergy, number(self.charged_kwh)),
        ];
        if metered {
            first.push((Signal::MixSource, text("SITE")));
            first.push((Signal::RenewablePercentage, number(80.0)));
        }
        let mut said = vec![live(after_ms, first)];
        for _ in 0..steps {
            after_ms += 60_000;
            self.charged_kwh += kwh / steps as f64;
            let mut now = vec![(Signal::ChargedEnergy, number(self.charged_kwh))];
            if metered {
                now.push((Signal::RenewablePercentage, number(80.0)));
            }
            said.push(live(after_ms, now));
        }
        said.push(live(
            after_ms + 2_000,
            vec![(Signal::IsCharging, Value::Bool(false))],
        ));
        said
    }

    /// Charges while nobody looks.
    pub fn charge_asleep(&mut self, random: &mut SeededRandom, now_ms: u64) {
        self.charged_kwh += random.range(3, 40) as f64;
        let now_ms = now_ms.cast_signed() + self.skew_ms;
        self.kept
            .insert(Signal::ChargedEnergy, (now_ms, number(self.charged_kwh)));
    }

    /// Says something at a time of the world, stamped with the clock of the vehicle.
    pub fn say(&mut self, said: &ScriptStep, now_ms: u64) -> Vec<BusInput> {
        let ts_ms = now_ms.cast_signed() + self.skew_ms;
        for (signal, value) in &said.signals {
            if KEPT.contains(signal) {
                self.kept.insert(*signal, (ts_ms, value.clone()));
            }
        }
        let sample = |(signal, value): &(Signal, Value)| BusInput::Sample {
            signal: *signal,
            value: value.clone(),
            ts_ms: Some(ts_ms),
            retained: false,
        };
        said.signals.iter().map(sample).collect()
    }
}

fn live(after_ms: u64, signals: Vec<(Signal, Value)>) -> ScriptStep {
    ScriptStep { after_ms, signals }
}

const fn number(number: f64) -> Value {
    Value::Number(number)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
