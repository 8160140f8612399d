//! The state that a restart goes on from after a crash.

use serde::{Deserialize, Deserializer, Serialize};

use crate::fold::VehicleFold;
use crate::intake::{KeptClocks, Stamped};
use crate::reading::SignalReading;
use crate::signal::Signal;

/// The open trip and sessions, with all that is needed to go on with them.
///
/// It is private evidence: it stays in the car. One that this version cannot read is dropped, and with it at most what
/// was open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub(crate) fold: VehicleFold,
    #[serde(deserialize_with = "used_readings")]
    pub(crate) waiting: Vec<Stamped>,
    #[serde(default)]
    pub(crate) clocks: KeptClocks,
}

/// A waiting reading as a checkpoint keeps it, perhaps of a signal that only an earlier version knew.
#[derive(Deserialize)]
struct KeptReading {
    signal: String,
    at_ms: i64,
    reading: SignalReading,
    retained: bool,
    #[serde(default)]
    refitted: bool,
    said_ms: Option<i64>,
    captured_ms: Option<i64>,
}

/// Reads the waiting readings of the signals that are used.
fn used_readings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Stamped>, D::Error> {
    let kept = Vec::<KeptReading>::deserialize(deserializer)?;
    let used = |kept: KeptReading| {
        Some(Stamped {
            signal: Signal::of_kept_name(&kept.signal)?,
            at_ms: kept.at_ms,
            reading: kept.reading,
            retained: kept.retained,
            refitted: kept.refitted,
            said_ms: kept.said_ms.unwrap_or(kept.at_ms),
            captured_ms: kept.captured_ms.unwrap_or(kept.at_ms),
        })
    };
    Ok(kept.into_iter().filter_map(used).collect())
}

impl Checkpoint {
    /// The event time it was taken at, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn at_ms(&self) -> Option<i64> {
        self.fold.last_ms()
    }
}
