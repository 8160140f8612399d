//! Speeds that are said again until the car has a new one.

use serde::{Deserialize, Serialize};

/// A greater change of speed within a tick is a leap: whole kilometres an hour are none.
const LEAP_KMH: f64 = 3.0;
/// A leap behind a held value counts for as many behind new ones: a car that measures each 1.2 s and speaks each second holds one of six.
const HOLD_WEIGHT: i8 = 8;
/// From so much on the speed is held. Two holds in one braking are no chance.
const HELD_MIN: i8 = 12;
const HELD_MAX: i8 = 64;
const FRESH_MAX: i8 = 8;
/// A value that was held for no longer changes within the time over which braking is told.
const HOLD_MS_MIN: i64 = 1_100;
/// Longest time for which a value is held.
const HOLD_MS_MAX: i64 = 5_000;

/// Recognises a speed beneath which the car measures seldom: equal neighbours and then a leap are one span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct HeldSpeed {
    kmh: Option<f64>,
    /// Time since which it is the same.
    since_ms: i64,
    /// Time for which the last value was held before a leap.
    hold_ms: i64,
    /// Leaps behind held values by their weight, less those behind new ones.
    held: i8,
    /// Sign of the last change, when that was a leap.
    #[serde(default)]
    leap: i8,
    /// That leap came behind a held value, and no other one of its sign before it: the next values tell.
    #[serde(default)]
    is_alone: bool,
}

/// The meaning of a speed for the time since the last one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HeldStep {
    /// The speed has changed from this value, in as long as it was held: that may be longer than the time since it was said. It is 0 for
    /// one that is the same, and new.
    Changed { from_kmh: f64, over_ms: i64 },
    /// It is the same, and may only not be new.
    Same,
}

impl HeldSpeed {
    /// Takes the speed at the end of a tick: its times in milliseconds, and the speeds in km/h.
    pub(crate) fn take(
        &mut self,
        (from_ms, to_ms): (i64, i64),
        (from_kmh, to_kmh): (f64, f64),
    ) -> HeldStep {
        if self.kmh != Some(from_kmh) {
            (self.kmh, self.since_ms) = (Some(from_kmh), from_ms);
            (self.leap, self.is_alone) = (0, false);
        }
        let ms = to_ms.saturating_sub(from_ms);
        let changed = |over_ms: i64| HeldStep::Changed { from_kmh, over_ms };
        let lasted_ms = to_ms.saturating_sub(self.since_ms);
        if to_kmh == from_kmh {
            if self.is_alone && lasted_ms > HOLD_MS_MIN && to_kmh > 0.0 {
                // No car keeps a speed, changes it within a second, and keeps the new one.
                self.is_alone = false;
                self.count(HOLD_WEIGHT);
            }
            let may_be_held = self.is_held() && to_kmh > 0.0;
            return if may_be_held {
                HeldStep::Same
            } else {
                changed(0)
            };
        }
        let is_leap = (to_kmh - from_kmh).abs() >= LEAP_KMH && from_kmh > 0.0;
        let leap = match (is_leap, to_kmh > from_kmh) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => -1,
        };
        let was_again = self.since_ms < from_ms;
        let is_behind_hold = is_leap && was_again && lasted_ms > HOLD_MS_MIN;
        // Between a braking and a speeding up a car may well keep its speed.
        let is_within = leap == self.leap && lasted_ms <= HOLD_MS_MAX;
        self.is_alone = is_behind_hold && !is_within && ms <= HOLD_MS_MIN;
        if is_behind_hold {
            self.hold_ms = self.hold_ms.max(lasted_ms.min(HOLD_MS_MAX));
            if is_within {
                self.count(HOLD_WEIGHT);
            }
        } else if is_leap {
            self.count(-1);
        }
        (self.kmh, self.since_ms, self.leap) = (Some(to_kmh), to_ms, leap);
        changed(if self.is_held() {
            ms.max(self.hold_ms)
        } else if is_leap && !is_behind_hold {
            lasted_ms
        } else {
            ms
        })
    }

    fn count(&mut self, step: i8) {
        self.held = self.held.saturating_add(step).clamp(-FRESH_MAX, HELD_MAX);
    }

    /// Returns whether the speed is known to be held.
    pub(crate) fn is_held(&self) -> bool {
        self.held >= HELD_MIN
    }

    /// Forgets what was said last: the time since is not known.
    pub(crate) fn lose_pace(&mut self) {
        self.kmh = None;
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        self.since_ms = self.since_ms.saturating_add(by_ms);
    }
}
