//! The fold's part that ends a trip: what the silence of the bus means, and whether the car may drive.

use super::VehicleFold;
use crate::cadence::STEP_MS_MAX;
use crate::evidence::TripEnd;
use crate::reading::Ignition;
use crate::trip::{GAP_MS, OpenTrip};

/// A parked car says its odometer within so long, or it was said before.
const PARKED_MS_MIN: i64 = 60_000;
/// A car that says nothing of ignition or gear, and stands for so long, is on no trip.
const STOOD_MS_MAX: i64 = 600_000;

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
        if let Some(parked_ms) = trip.parked_at_ms() {
            let is_over = now_ms.saturating_sub(parked_ms) > self.odometer_patience_ms(trip);
            return (is_over && self.pace.is_metered()).then_some(TripEnd::Parked);
        }
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

    fn odometer_patience_ms(&self, trip: &OpenTrip) -> i64 {
        let usual_ms = self.pace.odometer_patience_ms();
        match usual_ms {
            Some(usual_ms) if trip.has_odometer() => usual_ms.max(PARKED_MS_MIN),
            Some(_) | None => STEP_MS_MAX,
        }
    }

    /// Returns whether a car that says neither ignition nor gear has stood for long.
    fn has_stood(&self, trip: &OpenTrip, now_ms: i64) -> bool {
        let is_unsaid = self.picture.ignition.is_none() && self.picture.in_park.is_none();
        is_unsaid && now_ms.saturating_sub(trip.moved_or_began_ms()) > STOOD_MS_MAX
    }
}
