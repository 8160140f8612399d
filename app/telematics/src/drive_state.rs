//! Derives the drive state: the car moves, might move, or is parked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::intake::Stamped;
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

/// Follows the motion as samples arrive, without waiting for late ones: the screen must not be two seconds behind.
#[derive(Debug, Default)]
pub(crate) struct MotionWatch {
    motion: Motion,
    seen_ms: BTreeMap<Signal, i64>,
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
            ..
        } = stamped;
        let is_ignored = if is_strange {
            !reading.is_movement()
        } else {
            let seen_ms = self.seen_ms.get(signal);
            seen_ms.is_some_and(|seen_ms| at_ms < seen_ms)
        };
        if is_ignored {
            return None;
        }
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
            _ => return None,
        }
        if !is_strange {
            self.seen_ms.insert(*signal, *at_ms);
        }
        let state = drive_state(self.motion);
        (self.told.replace(state) != Some(state)).then_some(state)
    }

    /// Forgets the times: the bus has moved to another time.
    pub(crate) fn forget_times(&mut self) {
        self.seen_ms.clear();
    }

    pub(crate) fn state(&self) -> DriveState {
        drive_state(self.motion)
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
