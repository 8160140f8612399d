//! Speeds that are said again until the car has a new one.

use serde::{Deserialize, Serialize};

/// A greater change of speed within a tick is a leap: whole kilometres an hour are none.
const LEAP_KMH: f64 = 3.0;
/// So many more leaps behind a held value than behind a new one, and the speed is held.
const HELD_MIN: i8 = 3;
const HELD_MAX: i8 = 8;
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
    /// Leaps behind held values, less those behind new ones.
    held: i8,
}

/// What a speed tells of the time since the last one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HeldStep {
    /// The speed has changed from this value, in as long as it was held: that may be longer than the time since it was said.
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
        }
        let ms = to_ms.saturating_sub(from_ms);
        let changed = |over_ms: i64| HeldStep::Changed { from_kmh, over_ms };
        if to_kmh == from_kmh {
            let may_be_held = self.is_held() && to_kmh > 0.0;
            return if may_be_held {
                HeldStep::Same
            } else {
                changed(ms)
            };
        }
        let lasted_ms = to_ms.saturating_sub(self.since_ms);
        let was_again = self.since_ms < from_ms;
        if (to_kmh - from_kmh).abs() >= LEAP_KMH && from_kmh > 0.0 {
            let step = if was_again { 1 } else { -1 };
            self.held = self.held.saturating_add(step).clamp(-HELD_MAX, HELD_MAX);
            if was_again && lasted_ms <= HOLD_MS_MAX {
                self.hold_ms = self.hold_ms.max(lasted_ms);
            }
        }
        (self.kmh, self.since_ms) = (Some(to_kmh), to_ms);
        changed(if self.is_held() {
            ms.max(self.hold_ms)
        } else {
            ms
        })
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
