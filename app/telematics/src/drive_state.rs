//! Derives the drive state: the car moves, might move, or is parked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::intake::{LATENESS_MS, Stamped};
use crate::reading::{Ignition, STANDSTILL_KMH, SignalReading};
use crate::signal::Signal;

/// The drive state that the screen must assume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriveState {
    /// It moves.
    Moving,
    /// It stands, but not in park: a red light.
    Standing,
    /// In park, or ignition off.
    Parked,
    /// Nobody knows: to be treated as moving.
    Unknown,
}

impl DriveState {
    /// Returns whether the driver may be offered more than a glance.
    #[must_use]
    pub const fn is_parked(self) -> bool {
        matches!(self, Self::Parked)
    }
}

/// The known signals of the car's motion; each part may be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Motion {
    /// Speed in km/h, without a sign.
    pub speed_kmh: Option<f64>,
    /// True when the car says that it moves.
    pub is_moving: Option<bool>,
    /// True when park is selected.
    pub in_park: Option<bool>,
    /// True when the ignition is on.
    pub ignition_on: Option<bool>,
}

/// Tells the drive state. The parking brake alone says nothing: it is also set at red lights.
#[must_use]
pub fn drive_state(motion: Motion) -> DriveState {
    let rolls = motion
        .speed_kmh
        .is_some_and(|speed_kmh| speed_kmh > STANDSTILL_KMH);
    if rolls || motion.is_moving == Some(true) {
        DriveState::Moving
    } else if motion.in_park == Some(true) || motion.ignition_on == Some(false) {
        DriveState::Parked
    } else if motion.speed_kmh.is_some() || motion.is_moving == Some(false) {
        DriveState::Standing
    } else {
        DriveState::Unknown
    }
}

/// Age from which on a speed no longer speaks against a park or an ignition off that was said after it. Buses freeze at
/// their last sample when the car is switched off.
const STALE_MS: i64 = 60_000;

/// Follows the motion as samples arrive, without waiting for late ones: the screen must not be two seconds behind.
#[derive(Debug, Default)]
pub(crate) struct MotionWatch {
    motion: Motion,
    seen_ms: BTreeMap<Signal, i64>,
    /// Signals whose last word was state that the broker had kept.
    kept: BTreeSet<Signal>,
    /// Signals whose last word has a time that was not believed: nobody knows how old it is.
    undated: BTreeSet<Signal>,
    /// Newest time of any signal whose time was believed.
    newest_ms: Option<i64>,
    told: Option<DriveState>,
}

impl MotionWatch {
    /// Takes a reading that was not refused for its value; gives the drive state when it is another than before.
    ///
    /// A reading whose time is not believed can only restrict: it counts when it says that the car moves, and does not stand
    /// in the way of those that follow.
    pub(crate) fn take(&mut self, stamped: &Stamped, is_strange: bool) -> Option<DriveState> {
        let Stamped {
            signal,
            at_ms,
            reading,
            retained,
            ..
        } = stamped;
        let is_ignored = if is_strange {
            !reading.is_movement()
        } else {
            self.newest_ms = self.newest_ms.max(Some(*at_ms));
            let seen_ms = self.seen_ms.get(signal);
            seen_ms.is_some_and(|seen_ms| at_ms < seen_ms)
        };
        let is_motion = !is_ignored && self.set(reading);
        if is_motion {
            if is_strange {
                self.undated.insert(*signal);
            } else {
                self.seen_ms.insert(*signal, *at_ms);
                self.undated.remove(signal);
            }
            if *retained {
                self.kept.insert(*signal);
            } else {
                self.kept.remove(signal);
            }
        }
        if is_motion || self.told.is_some() {
            self.news()
        } else {
            None
        }
    }

    /// Time has come so far without a sample; gives the drive state when it is another than before.
    pub(crate) fn pass(&mut self, now_ms: i64) -> Option<DriveState> {
        self.newest_ms = self.newest_ms.max(Some(now_ms));
        self.told.and_then(|_| self.news())
    }

    /// Forgets the times: the bus has moved to another time.
    pub(crate) fn forget_times(&mut self) {
        self.seen_ms.clear();
        self.newest_ms = None;
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        for at_ms in self.seen_ms.values_mut().chain(&mut self.newest_ms) {
            *at_ms = at_ms.saturating_add(by_ms);
        }
    }

    pub(crate) fn state(&self) -> DriveState {
        let state = drive_state(self.motion);
        if state == DriveState::Moving && self.has_parked_since() {
            DriveState::Parked
        } else {
            state
        }
    }

    fn news(&mut self) -> Option<DriveState> {
        let state = self.state();
        (self.told.replace(state) != Some(state)).then_some(state)
    }

    fn set(&mut self, reading: &SignalReading) -> bool {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the others say nothing of motion"
        )]
        match reading {
            SignalReading::SpeedKmh(speed_kmh) => self.motion.speed_kmh = Some(*speed_kmh),
            SignalReading::Moving(moving) => self.motion.is_moving = Some(*moving),
            SignalReading::InPark(in_park) => self.motion.in_park = Some(*in_park),
            SignalReading::Ignition(ignition) => {
                self.motion.ignition_on = Some(*ignition == Ignition::On);
            }
            _ => return false,
        }
        true
    }

    /// Returns whether all that says that the car moves is stale, and park or ignition off was said after it.
    fn has_parked_since(&self) -> bool {
        let said_ms = |signal: Signal| self.seen_ms.get(&signal).copied();
        let Motion {
            speed_kmh,
            is_moving,
            in_park,
            ignition_on,
        } = self.motion;
        let parked_ms = match (in_park, ignition_on) {
            (Some(true), Some(false)) => said_ms(Signal::Gear).max(said_ms(Signal::Ignition)),
            (Some(true), Some(true) | None) => said_ms(Signal::Gear),
            (Some(false) | None, Some(false)) => said_ms(Signal::Ignition)
                .filter(|off_ms| said_ms(Signal::Gear).is_none_or(|gear_ms| gear_ms <= *off_ms)),
            (Some(false) | None, Some(true) | None) => None,
        };
        let Some(parked_ms) = parked_ms else {
            return false;
        };
        let rolls = speed_kmh.is_some_and(|speed_kmh| speed_kmh > STANDSTILL_KMH);
        [
            (Signal::Speed, rolls),
            (Signal::IsMoving, is_moving == Some(true)),
        ]
        .into_iter()
        .filter(|(_, moves)| *moves)
        .all(|(signal, _)| self.is_over(signal, parked_ms))
    }

    /// Returns whether a movement is older than a park, and stale by now. What the broker has kept is no movement of now;
    /// bare values of one connection are all stamped at their arrival, in any order.
    fn is_over(&self, signal: Signal, parked_ms: i64) -> bool {
        if self.undated.contains(&signal) {
            return false;
        }
        // Without a time it is from before the bus moved to another one.
        let Some(moved_ms) = self.seen_ms.get(&signal) else {
            return true;
        };
        if self.kept.contains(&signal) {
            return *moved_ms <= parked_ms.saturating_add(LATENESS_MS);
        }
        let newest_ms = self.newest_ms.unwrap_or(*moved_ms);
        *moved_ms <= parked_ms && newest_ms.saturating_sub(*moved_ms) >= STALE_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parked_needs_park_or_ignition_off_and_anything_that_moves_wins() {
        let motion = |speed_kmh, is_moving, in_park, ignition_on| {
            drive_state(Motion {
                speed_kmh,
                is_moving,
                in_park,
                ignition_on,
            })
        };
        assert_eq!(motion(None, None, None, None), DriveState::Unknown);
        assert_eq!(
            motion(None, None, Some(false), Some(true)),
            DriveState::Unknown
        );
        assert_eq!(
            motion(Some(0.0), None, Some(false), Some(true)),
            DriveState::Standing
        );
        assert_eq!(motion(Some(0.0), None, None, None), DriveState::Standing);
        assert_eq!(
            motion(Some(0.0), None, Some(true), Some(true)),
            DriveState::Parked
        );
        assert_eq!(motion(None, None, None, Some(false)), DriveState::Parked);
        assert_eq!(
            motion(Some(3.0), None, Some(true), Some(false)),
            DriveState::Moving
        );
        assert_eq!(
            motion(Some(0.0), Some(true), Some(true), None),
            DriveState::Moving
        );
    }
}
