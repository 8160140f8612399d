//! Completes a recording with the signals that a car would publish: ignition, odometer, energy.

use std::collections::BTreeSet;

use dashpoint_telematics::{Sample, Signal, Value};
use serde::Serialize;

/// Across a longer step the odometer stands still: nobody knows what the car did.
const STEP_MS_MAX: i64 = 1_500;
const MPS_PER_KMH: f64 = 1.0 / 3.6;
const DRIVE: f64 = 127.0;
const PARK: f64 = 126.0;

/// An assumption where the recording has no signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assumption {
    /// On at the first row, off and in park after the last.
    Ignition,
    /// The integral of speed; it stands still across gaps.
    Odometer,
    /// The energy of the stated consumption.
    Consumption,
    /// No energy at all: it counts as if none had been used, and a rule may ask for more than that.
    NoEnergy,
}

/// Adds the signals that a car would publish and the samples lack, and returns what was assumed for them.
pub(super) fn complete(
    samples: &mut Vec<Sample>,
    wh_per_100_km: Option<u32>,
) -> BTreeSet<Assumption> {
    let mut all = BTreeSet::new();
    samples.sort_by_key(|sample| sample.ts_ms);
    let has = |samples: &[Sample], signal| samples.iter().any(|sample| sample.signal == signal);
    if !has(samples, Signal::Odometer) {
        add_odometer(samples);
        all.insert(Assumption::Odometer);
    }
    if !has(samples, Signal::ConsumedEnergy) && !has(samples, Signal::BatteryPower) {
        let assumed = match wh_per_100_km {
            Some(wh_per_100_km) => {
                add_consumption(samples, wh_per_100_km);
                Assumption::Consumption
            }
            None => Assumption::NoEnergy,
        };
        all.insert(assumed);
    }
    if !has(samples, Signal::Ignition) {
        add_ignition(samples);
        all.insert(Assumption::Ignition);
    }
    samples.sort_by_key(|sample| sample.ts_ms);
    all
}

fn sample(signal: Signal, value: Value, ts_ms: i64) -> Sample {
    Sample {
        signal,
        value,
        ts_ms,
        retained: false,
    }
}

/// The step above which time was missed: a table may be coarser than one row a second.
fn step_ms_max(speeds: &[(i64, f64)]) -> i64 {
    let steps = speeds.windows(2).map(|pair| pair[1].0 - pair[0].0);
    let least_ms = steps.filter(|step_ms| *step_ms > 0).min().unwrap_or(0);
    STEP_MS_MAX.max(least_ms * 3 / 2)
}

fn numbers(samples: &[Sample], wanted: Signal) -> Vec<(i64, f64)> {
    let number = |sample: &Sample| match sample.value {
        Value::Number(number) if sample.signal == wanted => Some((sample.ts_ms, number)),
        Value::Number(_) | Value::Bool(_) | Value::Text(_) => None,
    };
    samples.iter().filter_map(number).collect()
}

fn add_odometer(samples: &mut Vec<Sample>) {
    let speeds = numbers(samples, Signal::Speed);
    let step_ms_max = step_ms_max(&speeds);
    let mut odometer_m = 0.0;
    let mut last: Option<(i64, f64)> = None;
    for (at_ms, kmh) in speeds {
        if let Some((last_ms, last_kmh)) =
            last.filter(|(last_ms, _)| at_ms - last_ms <= step_ms_max)
        {
            let mps = (kmh.abs() + last_kmh.abs()) / 2.0 * MPS_PER_KMH;
            odometer_m += mps * (at_ms - last_ms) as f64 / 1_000.0;
        }
        last = Some((at_ms, kmh));
        samples.push(sample(
            Signal::Odometer,
            Value::Number(odometer_m.floor()),
            at_ms,
        ));
    }
}

fn add_consumption(samples: &mut Vec<Sample>, wh_per_100_km: u32) {
    for (at_ms, odometer_m) in numbers(samples, Signal::Odometer) {
        let kwh = odometer_m / 100_000.0 * f64::from(wh_per_100_km) / 1_000.0;
        samples.push(sample(Signal::ConsumedEnergy, Value::Number(kwh), at_ms));
    }
}

fn add_ignition(samples: &mut Vec<Sample>) {
    let times = || samples.iter().map(|sample| sample.ts_ms);
    let (Some(from_ms), Some(to_ms)) = (times().min(), times().max()) else {
        return;
    };
    let state = |text: &str| Value::Text(text.to_owned());
    let added = [
        (Signal::Gear, Value::Number(DRIVE), from_ms),
        (Signal::Ignition, state("ON"), from_ms),
        (Signal::Gear, Value::Number(PARK), to_ms + 1_000),
        (Signal::Ignition, state("OFF"), to_ms + 2_000),
    ];
    samples.extend(added.map(|(signal, value, ts_ms)| sample(signal, value, ts_ms)));
}
