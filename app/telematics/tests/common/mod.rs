//! A car that talks straight to the fold.

pub mod drift;
pub mod history;

use std::path::PathBuf;

use dashpoint_membership::policy::DEFAULT_POLICY_TOML;
use dashpoint_membership::{Charge, Evidence, Meter, MeterInterval, Policy, Trip};
use dashpoint_telematics::{Finished, Marks, Outcome, Sample, Settings, Signal, Telematics, Value};

/// 2026-11-22T00:00:00Z, 08:00 in China.
pub const START_MS: i64 = 1_795_305_600_000;
/// China's.
pub const UTC_OFFSET_MIN: i16 = 480;

/// The default policy.
pub fn policy() -> Policy {
    toml::from_str(DEFAULT_POLICY_TOML).expect("the default policy is well formed")
}

/// The default policy, in China.
pub fn settings() -> Settings {
    Settings::new(&policy(), UTC_OFFSET_MIN)
}

/// A file of the shared recordings; `None`, with a line that says so, when it is not there.
#[expect(clippy::print_stdout, reason = "a skipped test says what it misses")]
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/");
    let file = PathBuf::from(format!("{root}{path}"));
    if file.exists() {
        return Some(file);
    }
    let required = std::env::var("DASHPOINT_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "missing: {}", file.display());
    println!("skipped: {} is missing", file.display());
    None
}

/// Speeds of a table: seconds since its start and metres per second.
pub fn cycle(name: &str) -> Option<Vec<(f64, f64)>> {
    let rows = |row: csv::StringRecord| (row[0].parse().unwrap(), row[1].parse().unwrap());
    let mut table = csv::Reader::from_path(shared(&format!("cycles/{name}.csv"))?).unwrap();
    Some(table.records().map(|row| rows(row.unwrap())).collect())
}

/// Speeds of the recorded day, with its gaps.
pub fn recorded_day() -> Option<Vec<(f64, f64)>> {
    const MPS_PER_MPH: f64 = 0.44704;
    let file = shared("drives/cmap-4107032_1-2007-05-25.csv")?;
    let mut at_s = 0.0;
    let mut first = true;
    let mut table = csv::Reader::from_path(file).unwrap();
    let rows = table.records().map(|row| {
        let row = row.unwrap();
        let step_s: f64 = row[2].parse().unwrap();
        at_s += if std::mem::take(&mut first) {
            0.0
        } else {
            step_s
        };
        (at_s, row[3].parse::<f64>().unwrap() * MPS_PER_MPH)
    });
    Some(rows.collect())
}

/// What a car has said, and what it goes on from.
pub struct Car {
    pub samples: Vec<Sample>,
    /// Times without a word: the number of samples before each, and its length.
    pub silences_ms: Vec<(usize, i64)>,
    pub now_ms: i64,
    pub odometer_m: f64,
    pub charged_kwh: f64,
    /// Energy that braking gives back while it drives, which its counter of charged energy counts.
    pub regains_wh_per_s: f64,
    /// The part of the counter that braking gave back.
    pub regained_wh: f64,
    pub publishes_acceleration: bool,
}

impl Car {
    pub fn new() -> Self {
        Self {
            samples: Vec::new(),
            silences_ms: Vec::new(),
            now_ms: START_MS,
            odometer_m: 12_345_678.25,
            charged_kwh: 4_000.0,
            regains_wh_per_s: 0.0,
            regained_wh: 0.0,
            publishes_acceleration: true,
        }
    }

    pub fn say(&mut self, signal: Signal, value: Value) {
        self.samples.push(Sample {
            signal,
            value,
            ts_ms: self.now_ms,
            retained: false,
        });
    }

    pub fn number(&mut self, signal: Signal, number: f64) {
        self.say(signal, Value::Number(number));
    }

    pub fn text(&mut self, signal: Signal, text: &str) {
        self.say(signal, Value::Text(text.to_owned()));
    }

    pub fn flag(&mut self, signal: Signal, flag: bool) {
        self.say(signal, Value::Bool(flag));
    }

    pub fn wait(&mut self, ms: i64) {
        self.now_ms += ms;
        self.silences_ms.push((self.samples.len(), ms));
    }

    pub fn meters(&mut self) {
        self.number(Signal::Odometer, self.odometer_m.floor());
        self.number(Signal::ChargedEnergy, self.charged_kwh);
    }

    pub fn switch_on(&mut self) {
        self.number(Signal::Gear, 127.0);
        self.text(Signal::Ignition, "ON");
        self.meters();
    }

    pub fn switch_off(&mut self) {
        self.wait(1_000);
        self.number(Signal::Gear, 126.0);
        self.wait(1_000);
        self.text(Signal::Ignition, "OFF");
    }

    /// Drives along a table of (seconds, m/s), starting now. Across a gap the odometer stands still.
    pub fn follow(&mut self, rows: &[(f64, f64)]) {
        let start_ms = self.now_ms;
        let mut last: Option<(f64, f64)> = None;
        for &(at_s, mps) in rows {
            self.wait(start_ms + (at_s * 1_000.0).round() as i64 - self.now_ms);
            self.number(Signal::Speed, mps * 3.6);
            if let Some((last_s, last_mps)) = last.filter(|(last_s, _)| at_s - last_s < 1.5) {
                self.odometer_m += (mps + last_mps) / 2.0 * (at_s - last_s);
                if self.publishes_acceleration {
                    self.number(Signal::Longitudinal, (mps - last_mps) / (at_s - last_s));
                }
                self.number(Signal::Odometer, self.odometer_m.floor());
                if self.regains_wh_per_s > 0.0 && mps > 0.0 {
                    let wh = self.regains_wh_per_s * (at_s - last_s);
                    self.regained_wh += wh;
                    self.charged_kwh += wh / 1_000.0;
                    self.number(Signal::ChargedEnergy, self.charged_kwh);
                }
            }
            last = Some((at_s, mps));
        }
    }

    /// From ignition on to park with ignition off.
    pub fn drive(&mut self, rows: &[(f64, f64)]) {
        self.switch_on();
        self.follow(rows);
        self.switch_off();
    }

    /// Charges evenly, a step each ten seconds.
    pub fn charge(&mut self, kwh: f64, steps: u32) {
        self.flag(Signal::IsCharging, true);
        self.number(Signal::BatteryPower, 7_000.0);
        let from_kwh = self.charged_kwh;
        for step in 1..=steps {
            self.wait(10_000);
            self.charged_kwh = from_kwh + kwh * f64::from(step) / f64::from(steps);
            self.number(Signal::ChargedEnergy, self.charged_kwh);
        }
        self.wait(1_000);
        self.flag(Signal::IsCharging, false);
    }
}

/// Folds all samples, to the end.
pub fn fold(samples: &[Sample], marks: Marks) -> Vec<Outcome> {
    let mut telematics = Telematics::new(settings(), marks);
    let mut outcomes: Vec<Outcome> = samples
        .iter()
        .flat_map(|sample| telematics.observe(sample))
        .collect();
    outcomes.extend(telematics.drain());
    outcomes
}

pub fn finished(outcomes: &[Outcome]) -> Vec<Finished> {
    let finished = |outcome: &Outcome| match outcome {
        Outcome::Finished(finished) => Some((**finished).clone()),
        Outcome::DriveState(_)
        | Outcome::VehicleFact(_)
        | Outcome::TripStarted { .. }
        | Outcome::Mark(_)
        | Outcome::MeterOpened(_)
        | Outcome::Checkpoint(_) => None,
    };
    outcomes.iter().filter_map(finished).collect()
}

pub fn trips(finished: &[Finished]) -> Vec<Trip> {
    let trip = |finished: &Finished| match &finished.evidence {
        Evidence::Trip(trip) => Some(trip.clone()),
        Evidence::Charge(_) | Evidence::Discharge(_) => None,
    };
    finished.iter().filter_map(trip).collect()
}

pub fn charges(finished: &[Finished]) -> Vec<Charge> {
    let charge = |finished: &Finished| match &finished.evidence {
        Evidence::Charge(charge) => Some(charge.clone()),
        Evidence::Trip(_) | Evidence::Discharge(_) => None,
    };
    finished.iter().filter_map(charge).collect()
}

/// A drive of a minute and a half: off, up to 20 m/s, down hard, stop.
pub fn short_drive() -> Vec<(f64, f64)> {
    let speed = |second: u32| match second {
        0..=2 => 0.0,
        3..=22 => f64::from(second - 2),
        23..=70 => 20.0,
        71..=76 => 20.0 - 3.5 * f64::from(second - 70) + 1.0,
        _ => 0.0,
    };
    (0..90)
        .map(|second| (f64::from(second), speed(second).max(0.0)))
        .collect()
}

/// A stretch of the charge counter.
pub fn charged(from: u64, to: u64) -> MeterInterval {
    MeterInterval::of_first(Meter::Charged, from, to)
}

/// The car says of its charging point where the share of renewable energy comes from, and the share.
pub fn station(car: &mut Car, source: &str, percent: f64) {
    car.text(Signal::EvseId, "CNTSTE000001");
    car.text(Signal::MixSource, source);
    car.number(Signal::RenewablePercentage, percent);
}

/// Returns the evidence that a fold under these settings has finished when the samples are through.
pub fn fold_under(settings: Settings, samples: &[Sample]) -> Vec<Finished> {
    let mut telematics = Telematics::new(settings, Marks::default());
    let mut outcomes: Vec<Outcome> = samples
        .iter()
        .flat_map(|sample| telematics.observe(sample))
        .collect();
    outcomes.extend(telematics.drain());
    finished(&outcomes)
}
