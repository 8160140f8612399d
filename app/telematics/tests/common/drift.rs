//! A car whose signals say other times than they are said at.

use dashpoint_telematics::{Counts, Marks, Outcome, Sample, Signal, Telematics, Value};

use super::{Car, finished, settings, trips};

pub const METRES_PER_S: f64 = 60.0 / 3.6;

/// A sample that says another time than it is said at.
pub fn say(car: &mut Car, signal: Signal, value: Value, off_ms: i64) {
    car.samples.push(Sample {
        signal,
        value,
        ts_ms: car.now_ms + off_ms,
        retained: false,
    });
}

pub fn number(car: &mut Car, signal: Signal, number: f64, off_ms: i64) {
    say(car, signal, Value::Number(number), off_ms);
}

pub fn counter(car: &mut Car, off_ms: i64) {
    let kwh = car.charged_kwh;
    number(car, Signal::ChargedEnergy, kwh, off_ms);
}

/// Drives so many seconds at 60 km/h; each second is said with this.
pub fn cruise(car: &mut Car, seconds: u32, mut tell: impl FnMut(&mut Car, u32)) {
    for second in 0..seconds {
        car.wait(1_000);
        car.odometer_m += METRES_PER_S;
        tell(car, second);
    }
}

pub fn tell_all(car: &mut Car, off_ms: i64) {
    number(car, Signal::Speed, 60.0, off_ms);
    number(car, Signal::Odometer, car.odometer_m, off_ms);
}

/// Gives back 10 kW for ten minutes, with a word each ten seconds.
pub fn give_back(car: &mut Car) {
    say(car, Signal::IsDischarging, Value::Bool(true), 0);
    for _ in 0..60 {
        car.wait(10_000);
        number(car, Signal::BatteryPower, -10_000.0, 0);
        number(car, Signal::StateOfCharge, 60.0, 0);
    }
    say(car, Signal::IsDischarging, Value::Bool(false), 0);
}

pub fn stop(car: &mut Car, off_ms: i64) {
    car.wait(1_000);
    number(car, Signal::Speed, 0.0, off_ms);
    number(car, Signal::Odometer, car.odometer_m, off_ms);
    car.wait(1_000);
    number(car, Signal::Gear, 126.0, off_ms);
    say(car, Signal::Ignition, Value::Text("OFF".to_owned()), off_ms);
}

pub fn start(car: &mut Car, off_ms: i64) {
    number(car, Signal::Gear, 127.0, off_ms);
    say(car, Signal::Ignition, Value::Text("ON".to_owned()), off_ms);
    number(car, Signal::Odometer, car.odometer_m, off_ms);
}

/// One thing that reaches a head unit.
#[derive(Debug, Clone)]
pub enum Arrival {
    Sample(Sample),
    /// So many milliseconds without a word.
    Silence(i64),
    /// The head unit is stopped in order, and goes on.
    Restart,
}

/// A head unit that is told of silences, as in a car twice a second, or reads a recording, which has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Recording,
    Live,
}

pub const PACES: [Pace; 2] = [Pace::Recording, Pace::Live];
/// Time between two words to the head unit that the bus is quiet.
const QUIET_EVERY_MS: i64 = 500;

/// All samples of a car as they arrive, with the silences between them.
pub fn arrivals(car: &Car) -> Vec<Arrival> {
    let mut silences = car.silences_ms.iter().peekable();
    let mut arriving = Vec::new();
    for (index, sample) in car.samples.iter().enumerate() {
        while let Some((_, ms)) = silences.next_if(|(before, _)| *before <= index) {
            arriving.push(Arrival::Silence(*ms));
        }
        arriving.push(Arrival::Sample(sample.clone()));
    }
    arriving.extend(silences.map(|(_, ms)| Arrival::Silence(*ms)));
    arriving
}

/// Lets all of it arrive; a restart goes through the bytes of the checkpoint.
pub fn live(telematics: &mut Telematics, arriving: &[Arrival], pace: Pace) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut silent_ms = 0;
    for arrival in arriving {
        match arrival {
            Arrival::Sample(sample) => {
                if pace == Pace::Live && silent_ms >= Telematics::QUIET_MS_MAX {
                    outcomes.extend(telematics.quiet(silent_ms));
                }
                silent_ms = 0;
                outcomes.extend(telematics.observe(sample));
            }
            Arrival::Silence(ms) => {
                let until_ms = silent_ms + ms;
                let mut told_ms = silent_ms - silent_ms % QUIET_EVERY_MS + QUIET_EVERY_MS;
                while pace == Pace::Live && told_ms < until_ms.min(Telematics::QUIET_MS_MAX) {
                    outcomes.extend(telematics.quiet(told_ms));
                    told_ms += QUIET_EVERY_MS;
                }
                silent_ms = until_ms;
            }
            Arrival::Restart => {
                let kept = serde_json::to_vec(&telematics.checkpoint()).unwrap();
                let checkpoint = serde_json::from_slice(&kept).unwrap();
                let marks = telematics.marks();
                let (woken, first) = Telematics::resume(settings(), marks, checkpoint);
                *telematics = woken;
                outcomes.extend(first);
                silent_ms = 0;
            }
        }
    }
    outcomes
}

/// Lets all that a car says arrive, and the silence after it.
pub fn fold_at(pace: Pace, car: &Car) -> (Vec<Outcome>, Counts) {
    fold_arrivals(pace, &arrivals(car))
}

/// The same live, and from a recording.
pub fn fold_both(car: &Car) -> [(Vec<Outcome>, Counts); 2] {
    PACES.map(|pace| fold_at(pace, car))
}

/// Lets all of it arrive at a new head unit, and the silence after it.
pub fn fold_arrivals(pace: Pace, arriving: &[Arrival]) -> (Vec<Outcome>, Counts) {
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes = live(&mut telematics, arriving, pace);
    outcomes.extend(live(
        &mut telematics,
        &[Arrival::Silence(Telematics::QUIET_MS_MAX)],
        pace,
    ));
    outcomes.extend(telematics.drain());
    // The end of a recording ends a trip.
    outcomes.extend(telematics.quiet(Telematics::QUIET_MS_MAX));
    (outcomes, telematics.counts().clone())
}

/// Checks that these metres were paid, but for so many, in no more than so many trips: live, and from a recording.
pub fn assert_driven(car: &Car, metres: f64, lost_m: f64, most: usize, case: &str) {
    for pace in PACES {
        assert_arrived(pace, &arrivals(car), metres, lost_m, most, case);
    }
}

/// The same of what arrives at one pace.
pub fn assert_arrived(
    pace: Pace,
    arriving: &[Arrival],
    metres: f64,
    lost_m: f64,
    most: usize,
    case: &str,
) {
    let (outcomes, counts) = fold_arrivals(pace, arriving);
    let trips = trips(&finished(&outcomes));
    let lengths: Vec<u64> = trips.iter().map(|trip| trip.odometer.length()).collect();
    let paid = lengths.iter().sum::<u64>() as f64;
    assert!(
        paid <= metres + 1.0 && paid >= metres - lost_m - 1.0,
        "{case}, {pace:?}: {lengths:?} of {metres}, {counts:?}"
    );
    assert!(lengths.len() <= most, "{case}, {pace:?}: {lengths:?}");
}
