//! The fold's part that parks: a trip whose odometer is still to come stands aside until it is read.

use super::{FoldContext, PriorState, VehicleFold};
use crate::cadence::STEP_MS_MAX;
use crate::driver::Driver;
use crate::evidence::TripEnd;
use crate::intake::Stamped;
use crate::parked_trip::{ParkedTrip, UnreadWay};
use crate::reading::{Ignition, SignalReading};
use crate::trip::{GAP_MS, OpenTrip};

/// A parked car says its odometer within so long, or it was said before.
const PARKED_MS_MIN: i64 = 60_000;

impl VehicleFold {
    /// Returns whether ignition, or else the gear, says that the car is parked.
    pub(super) fn is_off(&self) -> bool {
        match self.picture.ignition {
            Some(ignition) => ignition == Ignition::Off,
            None => self.picture.in_park == Some(true),
        }
    }

    /// Returns whether only the odometer tells that the car moves.
    pub(super) fn is_blind(&self) -> bool {
        self.picture.speed.is_none() && self.picture.moving.is_none()
    }

    /// The car is parked: the trip is over when its odometer is known.
    pub(super) fn park(&mut self, at_ms: i64, context: &mut FoldContext<'_>) {
        let Some(trip) = &self.trip else {
            return;
        };
        // Where only the odometer tells of motion, the car may have moved until now.
        let lacks_odometer = trip.lacks_odometer(self.is_blind().then_some(at_ms));
        self.end_or_wait(lacks_odometer, at_ms, TripEnd::Parked, context);
    }

    /// A car of whose motion only its odometer tells was switched off: it may have driven since it was switched on.
    pub(super) fn park_blind(
        &mut self,
        at_ms: i64,
        ready_ms: Option<i64>,
        before: &PriorState,
        context: &mut FoldContext<'_>,
    ) {
        let (Some(ready_ms), Some(from_m)) = (ready_ms, before.odometer_m) else {
            return;
        };
        if self.trip.is_some() || !self.is_off() || !self.is_blind() {
            return;
        }
        let driver = self.picture.driver();
        let is_others = |unread: &UnreadWay| unread.is_of_other_than(&driver);
        if self.unread.as_ref().is_some_and(is_others) {
            return;
        }
        // A door, or the climate: the one that waits goes on waiting.
        let waits_on = |parked: &&mut ParkedTrip| {
            let is_soon = at_ms.saturating_sub(parked.at_ms) <= STEP_MS_MAX;
            is_soon && !parked.trip.has_moved() && parked.may_go_on(&driver)
        };
        if let Some(parked) = self.parked.as_mut().filter(waits_on) {
            parked.trip.seen(at_ms);
            parked.at_ms = at_ms;
            return;
        }
        let started_ms = before.odometer_ms.max(Some(ready_ms)).unwrap_or(ready_ms);
        let mut trip = OpenTrip::start(driver, started_ms, Some(from_m), before.consumed_wh);
        trip.seen(at_ms);
        if trip.lacks_odometer(Some(at_ms)) {
            self.end_parked(context);
            self.parked = Some(ParkedTrip::new(trip, at_ms, TripEnd::Parked));
            self.checkpoint_due_ms = None;
        }
    }

    /// The car is silent: the trip is over, or waits for its odometer as that of a parked car does.
    pub(super) fn end_by_silence(&mut self, end: TripEnd, context: &mut FoldContext<'_>) {
        let Some(trip) = &self.trip else {
            return;
        };
        let (last_ms, lacks_odometer) = (trip.last_ms(), trip.lacks_odometer(None));
        self.end_or_wait(lacks_odometer, last_ms, end, context);
    }

    pub(super) fn end_or_wait(
        &mut self,
        lacks_odometer: bool,
        at_ms: i64,
        end: TripEnd,
        context: &mut FoldContext<'_>,
    ) {
        if self.odometer.value().is_none() || !lacks_odometer {
            self.end_trip(end, context);
            return;
        }
        self.end_parked(context);
        if let Some(trip) = self.trip.take() {
            self.trip_ended_ms = Some(trip.last_ms());
            self.parked = Some(ParkedTrip::new(trip, at_ms, end));
            // The head unit may be switched off now.
            self.checkpoint_due_ms = None;
        }
    }

    /// The trip of a parked car ends with what is known of its odometer. What is still to be read is its driver's.
    pub(super) fn end_parked(&mut self, context: &mut FoldContext<'_>) {
        if let Some(parked) = self.parked.take() {
            // One that only may have moved leaves nothing behind that anybody knows of.
            if parked.trip.has_moved() || parked.is_guest.is_some() {
                let driver = parked.trip.driver.clone();
                let driver = Some(driver).filter(|_| parked.is_guest.is_none());
                self.unread = Some(self.unread_of(driver, &parked.trip));
            }
            self.finish_parked(parked, context);
        }
    }

    /// Returns what a trip leaves to be read: where it did not know itself where it began, from where the one before it did.
    pub(super) fn unread_of(&self, driver: Option<Driver>, trip: &OpenTrip) -> UnreadWay {
        let before_m = self.unread.as_ref().and_then(UnreadWay::before_m);
        UnreadWay::new(driver, trip.known_m().or(before_m))
    }

    fn finish_parked(&mut self, parked: ParkedTrip, context: &mut FoldContext<'_>) {
        let is_guest = parked.is_guest.unwrap_or(context.settings.is_guest);
        self.finish_as(is_guest, parked.trip, parked.end, context);
    }

    /// The car passes to somebody else whom the bus does not name: what is over is of the one before, and so is what nobody has read.
    /// The trip of a car that may be driving goes by the choice at its end.
    pub(crate) fn hand_over(&mut self, context: &mut FoldContext<'_>) {
        self.pass_charging(i64::MAX, context);
        if let Some(parked) = &mut self.parked {
            parked.is_guest.get_or_insert(context.settings.is_guest);
        }
        let now_ms = self.last_ms.unwrap_or(i64::MIN);
        let is_at_rest = self.is_off() || self.picture.in_park == Some(true);
        let may_roll = self.may_roll();
        let stands = |trip: &mut OpenTrip| {
            let stood_ms = now_ms.saturating_sub(trip.moved_or_began_ms());
            is_at_rest || !may_roll && stood_ms > GAP_MS
        };
        if self.trip.as_mut().is_some_and(stands) {
            self.park(now_ms, context);
            if let Some(parked) = &mut self.parked {
                parked.is_guest.get_or_insert(context.settings.is_guest);
            }
        }
    }

    /// Ends the trip of a parked car by the odometer that it has waited for; returns whether what it has risen by is of that trip.
    pub(super) fn take_parked_odometer(
        &mut self,
        at_ms: i64,
        news: &[&Stamped],
        context: &mut FoldContext<'_>,
    ) -> bool {
        let driver = self.picture.driver();
        let (Some(metres), Some(parked)) = (read_odometer(news), &mut self.parked) else {
            return false;
        };
        let is_told = |unread: &UnreadWay| unread.is_told_by(metres);
        let tells_nothing =
            parked.trip.known_m().is_none() && !self.unread.as_ref().is_none_or(is_told);
        if tells_nothing || parked.trip.is_stale_odometer(metres) {
            return false;
        }
        // Where nothing but the odometer tells of motion, what it has risen by may be of the drive since.
        let is_others = self.ready_ms > Some(parked.at_ms) && !parked.may_go_on(&driver);
        let is_unsure = is_others && !parked.trip.has_moved();
        let is_own = !is_unsure && parked.trip.is_own_odometer(parked.at_ms, metres);
        if is_own {
            parked.trip.take_own_odometer(at_ms, metres);
        }
        // The reading is the end of what was unread.
        if let Some(parked) = self.parked.take() {
            self.finish_parked(parked, context);
        }
        is_own
    }

    /// Lets the trip of a parked car go on when its driver sets off before its odometer was read: nobody could tell the metres of one
    /// drive from those of the other.
    pub(super) fn goes_on(
        &mut self,
        at_ms: i64,
        before: &PriorState,
        context: &mut FoldContext<'_>,
    ) -> bool {
        let driver = self.picture.driver();
        let goes_on = |parked: &mut ParkedTrip| {
            parked.may_go_on(&driver) && at_ms.saturating_sub(parked.at_ms) <= STEP_MS_MAX
        };
        let Some(ParkedTrip { mut trip, end, .. }) = self.parked.take_if(goes_on) else {
            return false;
        };
        self.stop_charging(at_ms, before.charged_wh, context);
        trip.go_on(at_ms, end != TripEnd::Gap);
        self.trip = Some(trip);
        self.checkpoint_due_ms = None;
        true
    }

    fn odometer_patience_ms(&self, trip: &OpenTrip) -> i64 {
        let usual_ms = self.pace.odometer_patience_ms();
        match usual_ms {
            Some(usual_ms) if trip.has_odometer() => usual_ms.max(PARKED_MS_MIN),
            Some(_) | None => STEP_MS_MAX,
        }
    }

    /// Returns whether the trip of a parked car has waited for its odometer for long enough: after a restart it waits anew, and as long
    /// as nothing of it can be paid it has nothing to lose.
    pub(super) fn has_waited(&self, now_ms: i64) -> bool {
        let (Some(parked), Some(heard_ms)) = (&self.parked, self.pace.heard_since_ms()) else {
            return false;
        };
        let waited_ms = now_ms.saturating_sub(heard_ms.max(parked.at_ms));
        parked.can_be_paid(self.marks.odometer)
            && waited_ms > self.odometer_patience_ms(&parked.trip)
    }
}

/// Returns the odometer in a batch, in metres.
pub(super) fn read_odometer(news: &[&Stamped]) -> Option<u64> {
    news.iter().find_map(|stamped| {
        if let SignalReading::OdometerM(metres) = stamped.reading {
            Some(metres)
        } else {
            None
        }
    })
}
