//! Counts of taken and refused samples, by signal and by kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::signal::Signal;

/// The reason for refusing a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// A text where a number belongs, and the like.
    WrongType,
    /// NaN or infinite.
    NotANumber,
    /// No car does that.
    OutOfRange,
    /// A lifetime meter lower than before.
    WentBack,
    /// A lifetime meter higher than the time since allows.
    Jumped,
    /// Behind a sample of its own signal that was folded.
    Late,
    /// Taken before.
    Duplicate,
    /// More than a day off the bus; taken after all once three signals agree.
    Quarantined,
    /// A value by which a counter says that it has none.
    NotAvailable,
}

impl Fault {
    /// Its name in reports and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongType => "wrong-type",
            Self::NotANumber => "not-a-number",
            Self::OutOfRange => "out-of-range",
            Self::WentBack => "went-back",
            Self::Jumped => "jumped",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
            Self::NotAvailable => "not-available",
        }
    }
}

/// Counts of one signal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SignalCounts {
    /// Samples taken; one whose value is judged later counts until it is refused.
    pub taken: u64,
    /// Newest time that was believed, in milliseconds since 1970-01-01T00:00:00Z.
    pub last_ts_ms: Option<i64>,
    /// Samples refused, by kind. One that waited for other signals to agree on its time may be taken after all.
    pub faults: BTreeMap<Fault, u64>,
}

/// Counts of every signal that was ever seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Counts {
    signals: BTreeMap<Signal, SignalCounts>,
    #[serde(skip)]
    kept: u64,
}

impl Counts {
    /// Returns the counts of one signal; `None` when it was never seen.
    #[must_use]
    pub fn of(&self, signal: Signal) -> Option<&SignalCounts> {
        self.signals.get(&signal)
    }

    /// Every signal that was ever seen.
    pub fn iter(&self) -> impl Iterator<Item = (Signal, &SignalCounts)> {
        self.signals
            .iter()
            .map(|(signal, counts)| (*signal, counts))
    }

    /// Returns the number of samples of a signal that were refused for this reason.
    #[must_use]
    pub fn faults(&self, signal: Signal, fault: Fault) -> u64 {
        let counts = self.signals.get(&signal);
        counts
            .and_then(|counts| counts.faults.get(&fault))
            .copied()
            .unwrap_or(0)
    }

    /// Returns the number of samples that were refused for this reason, of all signals.
    #[must_use]
    pub fn all_faults(&self, fault: Fault) -> u64 {
        self.signals
            .values()
            .filter_map(|counts| counts.faults.get(&fault))
            .sum()
    }

    /// Returns the number of samples that were taken, of all signals.
    #[must_use]
    pub fn all_taken(&self) -> u64 {
        self.signals.values().map(|counts| counts.taken).sum()
    }

    /// Returns the number of taken samples that were state that the broker had retained: published before this head
    /// unit listened, and perhaps received by an earlier one.
    #[must_use]
    pub const fn all_kept(&self) -> u64 {
        self.kept
    }

    pub(crate) fn take_kept(&mut self, signal: Signal, ts_ms: i64) {
        self.kept += 1;
        self.take(signal, ts_ms);
    }

    pub(crate) fn take(&mut self, signal: Signal, ts_ms: i64) {
        let counts = self.signals.entry(signal).or_default();
        counts.taken += 1;
        counts.last_ts_ms = counts.last_ts_ms.max(Some(ts_ms));
    }

    /// Refuses a sample for its value that was taken for its time.
    pub(crate) fn refuse_taken(&mut self, signal: Signal, fault: Fault, was_kept: bool) {
        let counts = self.signals.entry(signal).or_default();
        // One that a checkpoint held was counted before the start.
        if counts.taken > 0 {
            counts.taken -= 1;
            self.kept = self.kept.saturating_sub(u64::from(was_kept));
        }
        self.refuse(signal, fault);
    }

    pub(crate) fn refuse(&mut self, signal: Signal, fault: Fault) {
        *self
            .signals
            .entry(signal)
            .or_default()
            .faults
            .entry(fault)
            .or_default() += 1;
    }
}
