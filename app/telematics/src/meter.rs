//! A lifetime meter as the bus shows it: it only rises, and no faster than a car can.

use serde::{Deserialize, Serialize};

use crate::counts::Fault;

/// The rate at which a meter may rise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Units per second.
    pub(crate) per_s: u64,
    /// Units at once, for grain and delay.
    pub(crate) slack: u64,
    /// True when it may also fall by that much.
    pub(crate) falls: bool,
}

impl Pace {
    /// Metres: 100 m/s is more than any road car drives.
    pub(crate) const ODOMETER: Self = Self {
        per_s: 100,
        slack: 1_000,
        falls: false,
    };
    /// Watt-hours: 300 Wh/s is more than a megawatt.
    pub(crate) const CHARGED: Self = Self {
        per_s: 300,
        slack: 1_000,
        falls: false,
    };
    /// Watt-hours: a counter that is net of what braking gives back may also fall.
    pub(crate) const CONSUMED: Self = Self {
        per_s: 300,
        slack: 1_000,
        falls: true,
    };

    /// The same with so many units more at once.
    pub(crate) const fn beyond(self, units: u64) -> Self {
        Self {
            slack: self.slack.saturating_add(units),
            ..self
        }
    }

    fn judge(self, known: (i64, u64), seen: (i64, u64)) -> Result<(), Fault> {
        let seconds = seen.0.saturating_sub(known.0).max(0).unsigned_abs() / 1_000;
        let most = self
            .per_s
            .saturating_mul(seconds)
            .saturating_add(self.slack);
        if seen.1 < known.1 && !self.falls {
            Err(Fault::WentBack)
        } else if known.1.abs_diff(seen.1) > most {
            Err(Fault::Jumped)
        } else {
            Ok(())
        }
    }
}

/// The result for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is the meter now.
    Moved,
    /// It is the meter now, but has nothing to do with what the meter was before.
    Rebased,
    /// It is not believed.
    Refused(Fault),
}

/// So many refused values that follow from each other, and the meter is believed to be where they say.
const COHERENT: u8 = 5;

/// The last believed value of a meter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MeterTrack {
    known: Option<(i64, u64)>,
    suspect: Option<(i64, u64, u8)>,
    /// It may have risen since, while nobody listened.
    #[serde(default)]
    is_old: bool,
}

impl MeterTrack {
    pub(crate) fn value(&self) -> Option<u64> {
        self.known.map(|(_, value)| value)
    }

    /// Returns the value, unless it may have risen unseen since.
    pub(crate) fn current(&self) -> Option<u64> {
        self.value().filter(|_| !self.is_old)
    }

    /// Notes that it may rise unseen from now on.
    pub(crate) fn lose_sight(&mut self) {
        self.is_old = true;
    }

    /// Takes the known reading once more, as the broker keeps it: the meter is where it was.
    pub(crate) fn confirm(&mut self, at_ms: i64, value: u64) {
        self.is_old &= self.known != Some((at_ms, value));
    }

    /// Returns the time of that reading.
    pub(crate) fn seen_ms(&self) -> Option<i64> {
        self.known.map(|(at_ms, _)| at_ms)
    }

    /// The clock of the bus has been set back: the meter was as it is at that time, or has risen since.
    pub(crate) fn rewind(&mut self, at_ms: i64) {
        self.known = self.value().map(|value| (at_ms, value));
        self.suspect = None;
        self.lose_sight();
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        let known = self.known.as_mut().map(|(at_ms, _)| at_ms);
        let suspect = self.suspect.as_mut().map(|(at_ms, ..)| at_ms);
        for at_ms in known.into_iter().chain(suspect) {
            *at_ms = at_ms.saturating_add(by_ms);
        }
    }

    pub(crate) fn take(&mut self, pace: Pace, at_ms: i64, value: u64) -> Taken {
        let seen = (at_ms, value);
        let Some(known) = self.known else {
            *self = Self {
                known: Some(seen),
                ..Self::default()
            };
            return Taken::Moved;
        };
        let Err(fault) = pace.judge(known, seen) else {
            *self = Self {
                known: Some(seen),
                ..Self::default()
            };
            return Taken::Moved;
        };
        let follows = |&(suspect_ms, suspect, _): &(i64, u64, u8)| {
            pace.judge((suspect_ms, suspect), seen).is_ok()
        };
        let times = self
            .suspect
            .filter(follows)
            .map_or(1, |(.., times)| times + 1);
        if times < COHERENT {
            self.suspect = Some((at_ms, value, times));
            return Taken::Refused(fault);
        }
        *self = Self {
            known: Some(seen),
            ..Self::default()
        };
        Taken::Rebased
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_that_leaps_is_not_believed_until_it_stays_there() {
        let mut track = MeterTrack::default();
        let mut take = |at_s: i64, value| track.take(Pace::ODOMETER, at_s * 1_000, value);
        assert_eq!(take(0, 50_000), Taken::Moved);
        assert_eq!(take(1, 50_030), Taken::Moved);
        assert_eq!(take(2, 10_050_030), Taken::Refused(Fault::Jumped));
        assert_eq!(take(3, 50_090), Taken::Moved);
        assert_eq!(take(4, 50_000), Taken::Refused(Fault::WentBack));
        for step in 5..8 {
            assert_eq!(take(step, 40_000), Taken::Refused(Fault::WentBack));
        }
        assert_eq!(take(8, 1), Taken::Refused(Fault::WentBack), "another story");
        for step in 9..12 {
            assert_eq!(take(step, 20), Taken::Refused(Fault::WentBack));
        }
        assert_eq!(take(12, 40), Taken::Rebased);
        assert_eq!(take(13, 60), Taken::Moved);
    }

    #[test]
    fn the_first_reading_of_all_is_current_also_after_a_wake() {
        let mut track = MeterTrack::default();
        track.lose_sight();
        assert_eq!(track.current(), None);
        assert_eq!(track.take(Pace::ODOMETER, 0, 50_000), Taken::Moved);
        assert_eq!(track.current(), Some(50_000));
        track.lose_sight();
        assert_eq!(track.current(), None);
        assert_eq!(track.value(), Some(50_000));
        assert_eq!(track.take(Pace::ODOMETER, 1_000, 50_010), Taken::Moved);
        assert_eq!(track.current(), Some(50_010));
    }

    #[test]
    fn after_a_night_a_day_of_driving_is_no_leap() {
        let mut track = MeterTrack::default();
        assert_eq!(track.take(Pace::ODOMETER, 0, 0), Taken::Moved);
        assert_eq!(
            track.take(Pace::ODOMETER, 36_000_000, 800_000),
            Taken::Moved
        );
    }
}
