//! A counter that may be another meter, from its first value until it is taken for one.

use dashpoint_membership::Meter;
use serde::{Deserialize, Serialize};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// A longer time between two values counts for so much, in milliseconds: a gateway that speaks rarely is heard all the same.
const HEARD_MS_MAX: i64 = 900_000;
/// The most that the cloud takes for a reading, in metres or watt-hours.
const READING_MAX: u64 = 10_000_000_000;

/// A counter that does not go on where the meter was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Probation {
    /// Time and value of the meter before.
    pub(crate) before: (i64, u64),
    /// Time of its first value.
    pub(crate) since_ms: i64,
    /// Its first value.
    pub(crate) first: u64,
    /// Time for which it was heard, in milliseconds.
    heard_ms: i64,
}

/// The meter that a counter turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CounterIdentity {
    /// It has not been steady for long enough to tell.
    Open,
    /// The meter before, which went on unseen.
    Same,
    /// Another meter.
    Other,
}

impl Probation {
    pub(crate) fn new(before: (i64, u64), from: (i64, u64), at_ms: i64) -> Self {
        let mut new = Self {
            before,
            since_ms: from.0,
            first: from.1,
            heard_ms: 0,
        };
        new.hear(from.0, at_ms);
        new
    }

    /// Takes a value that follows the one before it.
    pub(crate) fn hear(&mut self, from_ms: i64, to_ms: i64) {
        let step_ms = to_ms.saturating_sub(from_ms).clamp(0, HEARD_MS_MAX);
        self.heard_ms = self.heard_ms.saturating_add(step_ms);
    }

    pub(crate) fn rewind(&mut self, at_ms: i64) {
        self.since_ms = self.since_ms.min(at_ms);
        self.before.0 = self.before.0.min(at_ms);
    }

    pub(crate) fn translate(&mut self, by_ms: i64) {
        self.since_ms = self.since_ms.saturating_add(by_ms);
        self.before.0 = self.before.0.saturating_add(by_ms);
    }

    /// Judges it by what was heard until now: it has to be steady for a day, and heard for an hour of it.
    pub(crate) fn judge(&self, meter: Meter, at_ms: i64) -> CounterIdentity {
        let lasted_ms = at_ms.saturating_sub(self.since_ms);
        let (before_ms, before) = self.before;
        if lasted_ms < DAY_MS || self.heard_ms < HOUR_MS {
            return CounterIdentity::Open;
        }
        // The cloud takes the same for the meter before.
        let (at_once, a_day) = match meter {
            Meter::Odometer => (50_000, 4_000_000),
            Meter::Charged | Meter::Discharged => (250_000, 1_000_000),
        };
        let passed_ms = at_ms.saturating_sub(before_ms).max(0).unsigned_abs();
        let reach = passed_ms.saturating_mul(a_day) / DAY_MS.unsigned_abs() + at_once;
        if (before..=before.saturating_add(reach)).contains(&self.first) {
            CounterIdentity::Same
        } else if self.first.max(before) <= READING_MAX {
            CounterIdentity::Other
        } else {
            CounterIdentity::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: (i64, u64) = (0, 80_010_000);

    fn steady(first: u64, lasted_ms: i64, step_ms: i64) -> CounterIdentity {
        let mut one = Probation::new(BEFORE, (0, first), 0);
        for step in 1..=lasted_ms / step_ms {
            one.hear((step - 1) * step_ms, step * step_ms);
        }
        one.judge(Meter::Odometer, lasted_ms)
    }

    #[test]
    fn an_hour_and_a_day_tell_another_meter() {
        assert_eq!(steady(12_000, DAY_MS, 60_000), CounterIdentity::Other);
        assert_eq!(
            steady(12_000, DAY_MS - 60_000, 60_000),
            CounterIdentity::Open
        );
        assert_eq!(steady(12_000, DAY_MS, DAY_MS / 3), CounterIdentity::Open);
        assert_eq!(steady(12_000, DAY_MS, DAY_MS / 4), CounterIdentity::Other);
    }

    #[test]
    fn a_counter_that_goes_on_is_the_same() {
        assert_eq!(steady(80_010_000, DAY_MS, 60_000), CounterIdentity::Same);
        assert_eq!(steady(84_060_000, DAY_MS, 60_000), CounterIdentity::Same);
        assert_eq!(steady(84_060_001, DAY_MS, 60_000), CounterIdentity::Other);
        assert_eq!(steady(80_009_999, DAY_MS, 60_000), CounterIdentity::Other);
    }

    #[test]
    fn no_meter_reads_more_than_the_cloud_takes() {
        assert_eq!(
            steady(READING_MAX + 1, DAY_MS, 60_000),
            CounterIdentity::Open
        );
    }
}
