//! Recorded VSS signals, in the format of KUKSA's csv-provider.

use jiff::SignedDuration;

use super::row::{Observation, RecordingRow};
use super::table::{Table, TableLine};
use crate::error::SimError;
use crate::vss::{VssSignal, VssValue};

pub(super) const COLUMNS: [&str; 4] = ["field", "signal", "value", "delay"];

const KMH_PER_MPS: f64 = 3.6;

/// Beyond it the speed is not taken to have changed evenly since the row before: the recorder was off.
const LONGEST_STEP: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn rows(mut table: Table<'_>) -> Result<Vec<RecordingRow>, SimError> {
    let mut rows = Vec::new();
    let mut offset = SignedDuration::ZERO;
    let mut first = true;
    let mut speed_at = SignedDuration::ZERO;
    while let Some(line) = table.next_line()? {
        let delay = line.seconds("delay")?;
        // Nothing happens before the first row, so its delay is not waited for.
        if !first {
            offset += delay;
        }
        first = false;
        // `target` is what somebody wished an actuator to do; only `current` is what the car did.
        if line.text("field") != "current" {
            continue;
        }
        let Some(observation) = observe(&line)? else {
            continue;
        };
        let is_speed = matches!(observation, Observation::Speed(_));
        let after_gap = is_speed && offset - speed_at > LONGEST_STEP;
        if is_speed {
            speed_at = offset;
        }
        rows.push(RecordingRow {
            offset,
            after_gap,
            observation,
        });
    }
    Ok(rows)
}

/// Reads a row; `None` for a signal that the simulated car publishes itself: its meters go on from command to command,
/// and a recorded odometer would throw them back.
fn observe(line: &TableLine<'_>) -> Result<Option<Observation>, SimError> {
    let path = line.text("signal");
    if !is_vss_path(path) {
        return Err(line.bad("signal", "a VSS path like Vehicle.Speed"));
    }
    Ok(match VssSignal::from_path(path) {
        Some(VssSignal::Speed) => Some(Observation::Speed(line.number("value")? / KMH_PER_MPS)),
        Some(_) => None,
        None => Some(Observation::Other {
            path: path.to_owned(),
            value: scalar(line.text("value")),
        }),
    })
}

pub(crate) fn is_vss_path(path: &str) -> bool {
    path.starts_with("Vehicle.")
        && path
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()))
}

fn scalar(text: &str) -> VssValue {
    if let Ok(int) = text.parse::<i64>() {
        return VssValue::Int(int);
    }
    match (text.parse::<f64>(), text.parse::<bool>()) {
        (Ok(float), _) if float.is_finite() => VssValue::Float(float),
        (_, Ok(truth)) => VssValue::Bool(truth),
        (_, Err(_)) => VssValue::from(text),
    }
}
