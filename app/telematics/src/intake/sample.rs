//! A sample with its time, and the result of taking it.

use serde::{Deserialize, Serialize};

use crate::reading::SignalReading;
use crate::signal::Signal;

/// Delay that a sample may have and still be folded in order.
pub(crate) const LATENESS_MS: i64 = 2_000;

/// A reading at its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stamped {
    pub(crate) signal: Signal,
    pub(crate) at_ms: i64,
    pub(crate) reading: SignalReading,
    pub(crate) retained: bool,
    /// The clock of its signal has just been fitted: the time since its last sample is not known.
    #[serde(default)]
    pub(crate) refitted: bool,
    /// Its stamp, as it came.
    #[serde(default)]
    pub(crate) said_ms: i64,
    /// Earliest time of the bus at which it may have been captured.
    #[serde(default)]
    pub(crate) captured_ms: i64,
}

/// Everything that was so at one time: folded together, so that the order within a millisecond cannot matter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Batch {
    /// Live samples of one millisecond.
    Instant { at_ms: i64, readings: Vec<Stamped> },
    /// State that the broker kept, of different times.
    Retained(Vec<Stamped>),
    /// A name that was refused for its time: of who drives, the last word counts for something all the same.
    OutOfOrder(Stamped),
    /// The time of the bus was wrong by so many milliseconds: all times that are known move by them.
    Translated(i64),
}

/// Result of the check of a sample's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TimeCheck {
    /// In order at this time, told before, or state that the broker had kept.
    Believed(i64),
    /// Behind a sample of its own signal that was folded, at this time of the bus.
    Late(i64),
    /// Off the bus; it waits for other signals to agree.
    Strange,
    /// Among those that were released now.
    Released,
}

/// A change of the time of the bus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TimeChange {
    /// It began anew.
    Anew,
    /// It was wrong by so many milliseconds.
    By(i64),
}

/// Result of taking a sample.
#[derive(Debug, Default)]
pub(crate) struct TakenSample {
    pub(crate) check: Option<TimeCheck>,
    pub(crate) change: Option<TimeChange>,
    /// Samples that had waited for the bus to reach their time, in its time.
    pub(crate) released: Vec<Stamped>,
    /// To be folded before anything that waits.
    pub(crate) batches: Vec<Batch>,
}

impl Stamped {
    /// Returns whether it may be older than what comes late is.
    pub(crate) const fn may_be_old(&self) -> bool {
        self.at_ms.saturating_sub(self.captured_ms) > LATENESS_MS
    }

    /// Returns it at a time of the bus.
    pub(super) fn at(&self, at_ms: i64) -> Self {
        Self {
            at_ms,
            ..self.clone()
        }
    }

    /// Returns the value of a lifetime meter that rises only when something is driven or charged.
    pub(super) fn meter_value(&self) -> Option<u64> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the others are no such meters"
        )]
        match self.reading {
            SignalReading::OdometerM(value) | SignalReading::ChargedWh(value) => Some(value),
            _ => None,
        }
    }
}
