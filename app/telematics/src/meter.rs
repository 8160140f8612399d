//! A lifetime meter as the bus shows it: it only rises, and no faster than a car can.

use serde::{Deserialize, Serialize};

use crate::counts::Fault;
use crate::no_reading::{SLACK, is_no_reading};
use crate::probation::Probation;

/// The rate at which a meter may rise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Units per second.
    pub(crate) per_s: u64,
    /// Units that no silence is long enough for.
    pub(crate) most: u64,
    /// Units ahead at which it is the same meter all the same, which nobody has listened to.
    pub(crate) near: u64,
    /// Units that the car has told of otherwise.
    pub(crate) told: u64,
    /// True when it may also fall by that much, and nothing is paid for it.
    pub(crate) falls: bool,
}

impl Pace {
    /// Metres: 100 m/s is more than any road car drives.
    pub(crate) const ODOMETER: Self = Self {
        per_s: 100,
        most: u64::MAX,
        near: 50_000,
        told: 0,
        falls: false,
    };
    /// Watt-hours while it charges: 300 Wh/s is more than a megawatt.
    pub(crate) const CHARGED: Self = Self {
        per_s: 300,
        most: Self::BATTERY_WH,
        near: Self::BATTERY_WH,
        told: 0,
        falls: false,
    };
    /// Watt-hours while nobody has said that it charges: 400 kW, at which an empty battery is swapped faster than filled.
    pub(crate) const CHARGED_UNSEEN: Self = Self {
        per_s: 111,
        ..Self::CHARGED
    };
    /// Watt-hours: a counter that is net of what braking gives back may also fall.
    pub(crate) const CONSUMED: Self = Self {
        per_s: 300,
        most: u64::MAX,
        near: u64::MAX,
        told: 0,
        falls: true,
    };
    /// The largest battery: a car that was driven meanwhile has said so.
    const BATTERY_WH: u64 = 250_000;

    /// The same with so many units more at once.
    pub(crate) const fn beyond(self, units: u64) -> Self {
        Self {
            told: units,
            ..self
        }
    }

    /// Returns whether a counter leads from a value to another one in the time of a step.
    fn leads(self, known: (i64, u64), seen: (i64, u64)) -> bool {
        let step_ms = seen.0.saturating_sub(known.0).clamp(0, STEP_MS);
        self.judge((0, known.1), (step_ms, seen.1)).is_ok()
    }

    pub(crate) fn judge(self, known: (i64, u64), seen: (i64, u64)) -> Result<(), Fault> {
        let seconds = seen.0.saturating_sub(known.0).max(0).unsigned_abs() / 1_000;
        let at_once = SLACK.saturating_add(self.told);
        let most = self.per_s.saturating_mul(seconds).saturating_add(at_once);
        if seen.1 < known.1 && !self.falls {
            Err(Fault::WentBack)
        } else if known.1.abs_diff(seen.1) > most.min(self.most) {
            Err(Fault::Jumped)
        } else {
            Ok(())
        }
    }
}

/// A silence in which a counter may have come to all ones by itself, in milliseconds.
const STEP_MS: i64 = 60_000;

/// The result for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is the meter now.
    Moved,
    /// It is the meter now, and nothing is known of the way there: the same counter, a little lower or further on.
    Slipped,
    /// It is the meter now: what was believed first, here from a value on, was none.
    Replaced {
        /// The first value that is believed now.
        first: u64,
    },
    /// It is the meter now, and may be another one, from a value on.
    Left {
        /// Its first value.
        first: u64,
    },
    /// It is the meter from before again.
    Returned {
        /// The meter that it had been taken for.
        left: Probation,
        /// The last value of that one.
        last: u64,
    },
    /// It is not believed.
    Refused(Fault),
}

/// So many refused values that follow from each other, and the meter is believed to be where they say.
const COHERENT: u8 = 5;
/// So many, and the meter is believed to be where it was before.
const COHERENT_BEFORE: u8 = 2;
/// Time of a mark that no value has been heard of since.
const LONG_AGO_MS: i64 = i64::MIN / 4;

const fn coherent() -> u8 {
    COHERENT
}

/// Refused values that follow from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    from: (i64, u64),
    to: (i64, u64),
    times: u8,
}

/// The last believed value of a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MeterTrack {
    known: Option<(i64, u64)>,
    /// Values that have borne it out, up to [`COHERENT`]: a first one is not believed for being the first.
    #[serde(default = "coherent")]
    times: u8,
    #[serde(default)]
    run: Option<Run>,
    /// It may have risen since, while nobody listened.
    #[serde(default)]
    is_old: bool,
    /// Value up to which the meter is settled on the disk.
    #[serde(default)]
    floor: Option<u64>,
    #[serde(default)]
    probation: Option<Probation>,
}

impl Default for MeterTrack {
    fn default() -> Self {
        Self::above(None)
    }
}

impl MeterTrack {
    /// A meter that no value was heard of, and that is settled up to one.
    pub(crate) const fn above(floor: Option<u64>) -> Self {
        Self {
            known: None,
            times: 0,
            run: None,
            is_old: false,
            floor,
            probation: None,
        }
    }

    /// The meter is settled up to a value on the disk.
    pub(crate) fn settle(&mut self, mark: Option<u64>) {
        self.floor = mark;
    }

    pub(crate) fn value(&self) -> Option<u64> {
        self.known.map(|(_, value)| value)
    }

    /// Returns the value, unless it may have risen unseen since.
    pub(crate) fn current(&self) -> Option<u64> {
        self.value().filter(|_| !self.is_old)
    }

    /// Returns the meter that it may be instead of the one before.
    pub(crate) const fn probation(&self) -> Option<Probation> {
        self.probation
    }

    /// The meter is what it was taken for.
    pub(crate) fn pass(&mut self) {
        self.probation = None;
    }

    /// Returns whether it is settled up to a value on the disk.
    pub(crate) const fn is_settled(&self) -> bool {
        self.floor.is_some()
    }

    /// Returns whether nothing bears out its value: no other one, and nothing on the disk.
    pub(crate) const fn is_unsure(&self) -> bool {
        self.times < COHERENT && self.floor.is_none()
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
        self.run = None;
        if let Some(probation) = &mut self.probation {
            probation.rewind(at_ms);
        }
        self.lose_sight();
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        let known = self.known.as_mut().map(|(at_ms, _)| at_ms);
        let run = self.run.as_mut().into_iter();
        let run = run.flat_map(|run| [&mut run.from.0, &mut run.to.0]);
        for at_ms in known.into_iter().chain(run) {
            *at_ms = at_ms.saturating_add(by_ms);
        }
        if let Some(probation) = &mut self.probation {
            probation.translate(by_ms);
        }
    }

    pub(crate) fn take(&mut self, pace: Pace, at_ms: i64, value: u64) -> Taken {
        let seen = (at_ms, value);
        let settled = self.floor.map(|floor| (LONG_AGO_MS, floor));
        let prior = self.known.or(settled);
        let is_led_to = prior.is_some_and(|prior| pace.leads(prior, seen));
        if !pace.falls && !is_led_to && is_no_reading(prior.is_some(), value) {
            return Taken::Refused(Fault::NotAvailable);
        }
        let Some(prior) = prior else {
            return self.believe(seen, 1, Taken::Moved);
        };
        let Err(fault) = pace.judge(prior, seen) else {
            if let (Some(probation), Some(known)) = (&mut self.probation, self.known) {
                probation.hear(known.0, at_ms);
            }
            // A counter that says nothing but zero bears out no zero.
            let times = self
                .times
                .saturating_add(u8::from(value > 0 || self.times == 0));
            return self.believe(seen, times.min(COHERENT), Taken::Moved);
        };
        let follows = |run: &Run| pace.judge(run.to, seen).is_ok();
        let run = self.run.filter(follows).map_or(
            Run {
                from: seen,
                to: seen,
                times: 1,
            },
            // The same moment told twice bears nothing out.
            |run| Run {
                to: seen,
                times: run.times.saturating_add(u8::from(run.to.0 != at_ms)),
                ..run
            },
        );
        if let Some(left) = self.probation
            && run.times >= COHERENT_BEFORE
            && pace.judge(left.before, run.from).is_ok()
            && pace.judge(left.before, seen).is_ok()
        {
            self.probation = None;
            let last = prior.1;
            return self.believe(seen, COHERENT, Taken::Returned { left, last });
        }
        let first = run.from.1;
        if self.is_unsure() && self.probation.is_none() {
            if run.times <= self.times {
                self.run = Some(run);
                return Taken::Refused(fault);
            }
            return self.believe(seen, run.times, Taken::Replaced { first });
        }
        if run.times < COHERENT {
            self.run = Some(run);
            return Taken::Refused(fault);
        }
        let is_ahead = first > prior.1;
        let is_near = prior.1.abs_diff(first) <= if is_ahead { pace.near } else { SLACK };
        if pace.falls || is_near || (self.probation.is_some() && is_ahead) {
            return self.believe(seen, COHERENT, Taken::Slipped);
        }
        // Of a mark alone nobody knows since when: its time runs from now.
        let before = self.known.unwrap_or((run.from.0, prior.1));
        let before = self.probation.map_or(before, |probation| probation.before);
        self.probation = Some(Probation::new(before, run.from, at_ms));
        self.believe(seen, COHERENT, Taken::Left { first })
    }

    fn believe(&mut self, seen: (i64, u64), times: u8, taken: Taken) -> Taken {
        self.known = Some(seen);
        self.times = times;
        self.run = None;
        self.is_old = false;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_that_leaps_is_not_believed_until_it_stays_there() {
        let mut track = MeterTrack::default();
        let mut take = |at_s: i64, value| track.take(Pace::ODOMETER, at_s * 1_000, value);
        for step in 0..5 {
            assert_eq!(take(step - 4, 49_999), Taken::Moved);
        }
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
        assert_eq!(take(12, 40), Taken::Left { first: 1 });
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

    #[test]
    fn a_wrong_first_value_gives_way() {
        let mut track = MeterTrack::default();
        let mut take = |at_s: i64, value| track.take(Pace::ODOMETER, at_s * 1_000, value);
        assert_eq!(take(0, 3_000_000_000), Taken::Moved);
        assert_eq!(take(1, 50_000), Taken::Refused(Fault::WentBack));
        assert_eq!(take(2, 50_020), Taken::Replaced { first: 50_000 });
        assert_eq!(take(3, 50_040), Taken::Moved);
        assert!(track.is_unsure());
    }

    #[test]
    fn a_meter_that_comes_back_is_the_one_from_before() {
        let mut track = MeterTrack::above(Some(4_010_000));
        let mut take = |at_s: i64, value| track.take(Pace::CHARGED, at_s * 1_000, value);
        assert_eq!(take(0, 4_010_000), Taken::Moved);
        for step in 1..5 {
            assert_eq!(take(step, 123), Taken::Refused(Fault::WentBack));
        }
        assert_eq!(take(5, 123), Taken::Left { first: 123 });
        assert_eq!(take(6, 4_010_500), Taken::Refused(Fault::Jumped));
        assert!(matches!(
            take(7, 4_010_500),
            Taken::Returned { last: 123, .. }
        ));
        assert_eq!(track.probation(), None);
    }
}
