//! The fold's part that ends a trip: what the silence of the bus means, and whether the car may drive.

use super::VehicleFold;
use crate::cadence::STEP_MS_MAX;
use crate::evidence::TripEnd;
use crate::reading::{Ignition, STANDSTILL_KMH};
use crate::trip::{GAP_MS, OpenTrip};

/// A car that says nothing of ignition or gear, and stands for so long, is on no trip.
const STOOD_MS_MAX: i64 = 600_000;
/// One that says ON stands for so long in no jam.
const STOOD_ON_MS_MAX: i64 = 2_700_000;

impl VehicleFold {
    /// Returns whether the car says that it may drive, or says nothing that speaks against it: a head unit boots with the ignition, and
    /// does not hear of it.
    pub(super) fn may_drive(&self) -> bool {
        let picture = &self.picture;
        match (picture.ignition, picture.in_park) {
            (Some(Ignition::On), _) | (None, Some(false) | None) => true,
            (Some(Ignition::Off), Some(false)) => picture.is_in_gear_since_off(),
            (None | Some(Ignition::Off), Some(true)) | (Some(Ignition::Off), None) => false,
        }
    }

    /// Returns how the open trip has ended when the time has come so far.
    pub(super) fn ends_by(&self, now_ms: i64) -> Option<TripEnd> {
        let trip = self.trip.as_ref()?;
        let told_ms = if self.says_on() {
            // Whatever it speaks of: a car that stands in a jam is silent about its motion.
            trip.last_ms().max(self.last_ms.unwrap_or(i64::MIN))
        } else {
            trip.last_ms()
        };
        let is_silent = now_ms.saturating_sub(told_ms) > self.silence_ms();
        (is_silent || self.has_stood(trip, now_ms)).then_some(TripEnd::Gap)
    }

    /// Returns whether the car has said that it may drive, and not that it is in park.
    fn says_on(&self) -> bool {
        let in_park = self.picture.in_park;
        let is_on = self.picture.ignition == Some(Ignition::On) || in_park == Some(false);
        is_on && in_park != Some(true) && self.may_drive()
    }

    /// Longest silence within a trip.
    fn silence_ms(&self) -> i64 {
        if !self.pace.is_heard() {
            return GAP_MS;
        }
        if self.says_on() {
            return STEP_MS_MAX;
        }
        self.pace.usual_silence_ms()
    }

    /// Returns whether the car has stood for so long that it is parked, whatever it says.
    fn has_stood(&self, trip: &OpenTrip, now_ms: i64) -> bool {
        let is_unsaid = self.picture.ignition.is_none() && self.picture.in_park.is_none();
        let most_ms = if is_unsaid {
            STOOD_MS_MAX
        } else {
            STOOD_ON_MS_MAX
        };
        now_ms.saturating_sub(trip.moved_or_began_ms()) > most_ms && !self.may_roll()
    }

    /// Returns whether the last that the car has said of its motion is that it moves.
    pub(super) fn may_roll(&self) -> bool {
        match (self.picture.speed, self.picture.moving) {
            (Some((_, speed_kmh)), _) => speed_kmh > STANDSTILL_KMH,
            (None, moving) => moving == Some(true),
        }
    }
}
