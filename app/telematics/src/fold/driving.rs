//! The fold's part that drives: when a trip begins, what it takes, when it ends.

use super::parking::read_odometer;
use super::{FoldContext, FoldOutcome, PriorState, VehicleFold};
use crate::cadence::STEP_MS_MAX;
use crate::driver::Driver;
use crate::evidence::TripEnd;
use crate::factors::Around;
use crate::intake::Stamped;
use crate::paced_time::PaceStep;
use crate::parked_trip::UnreadWay;
use crate::reading::{ROLLING_KMH, STANDSTILL_KMH, SignalReading};
use crate::settings::Settings;
use crate::tick::{TICK_MS_MAX, Tick};
use crate::trip::{GAP_MS, OpenTrip};

/// Faster, a speed is no noise.
const FAST_KMH: f64 = 20.0;
/// Distance that the odometer may show although the car has only just set off, in metres.
const STOOD_M: u64 = 100;

impl VehicleFold {
    pub(super) fn drive(
        &mut self,
        at_ms: i64,
        news: &[&Stamped],
        before: &PriorState,
        context: &mut FoldContext<'_>,
    ) {
        self.follow_driver(context);
        let ready_ms = self.ready_ms;
        self.ready_ms = ready_ms.or(Some(at_ms)).filter(|_| self.may_drive());
        if self.has_stood_in_silence(at_ms, news, before) {
            self.end_by_silence(TripEnd::Gap, context);
        }
        self.park_blind(at_ms, ready_ms, before, context);
        let is_read = self.take_parked_odometer(at_ms, news, context);
        if self.trip.is_none()
            && self.sets_off(at_ms, news, before, is_read)
            && !self.goes_on(at_ms, before, context)
        {
            self.end_parked(context);
            let from_m = self.begins_at_m(news, is_read, before);
            self.start_trip(at_ms, from_m, before, context);
        }
        for stamped in news {
            self.take_driving(stamped, before, context);
        }
        if self.is_off() && !self.rolls(at_ms) {
            self.park(at_ms, context);
        }
        let is_told = |unread: &mut UnreadWay| {
            let metres = read_odometer(news);
            metres.is_some_and(|metres| unread.is_told_by(metres))
        };
        self.unread.take_if(is_told);
    }

    /// Returns the odometer at which a trip begins: what the last trip has left to be read is not of another driver.
    fn begins_at_m(&self, news: &[&Stamped], is_read: bool, before: &PriorState) -> Option<u64> {
        let driver = self.picture.driver();
        let unread = self.unread.as_ref();
        let others = unread.filter(|unread| unread.is_of_other_than(&driver));
        match (read_odometer(news), others) {
            (read_m, Some(unread)) => read_m.filter(|read_m| unread.is_told_by(*read_m)),
            (read_m @ Some(_), None) if is_read => read_m,
            (Some(_) | None, None) => before.odometer_m,
        }
    }

    /// Ends a trip, of a guest or of its driver.
    pub(super) fn finish_as(
        &mut self,
        is_guest: bool,
        trip: OpenTrip,
        end: TripEnd,
        context: &mut FoldContext<'_>,
    ) {
        let speeds = self.pace.speeds();
        let finished = trip.finish(end, speeds, &mut self.marks, context.settings);
        self.checkpoint_due_ms = None;
        self.emit_as(is_guest, finished, context);
    }

    pub(super) fn end_trip(&mut self, end: TripEnd, context: &mut FoldContext<'_>) {
        if let Some(trip) = self.trip.take() {
            self.trip_ended_ms = Some(trip.last_ms());
            self.finish_as(context.settings.is_guest, trip, end, context);
        }
    }

    /// A change of driver ends the trip. A name that comes late is no change, unless the bus took the name back before it.
    pub(super) fn follow_driver(&mut self, context: &mut FoldContext<'_>) {
        let driver = self.picture.driver();
        let is_taken_back = driver == Driver::Unidentified && self.picture.has_told_driver();
        let was_taken_back = std::mem::replace(&mut self.is_name_taken_back, is_taken_back);
        if is_taken_back && self.last_driver != Some(Driver::Unidentified) {
            self.last_driver = None;
        }
        let Some(trip) = &mut self.trip else {
            return;
        };
        if trip.driver == driver {
            return;
        }
        if trip.driver == Driver::Unidentified && !was_taken_back {
            self.last_driver = Some(driver.clone());
            trip.driver = driver;
            return;
        }
        // A name that comes after the first metres tells who drove them.
        let is_late_name = trip.driver == Driver::Unidentified && trip.has_gone_a_step();
        let lacks_odometer = trip.lacks_odometer(None) && !is_late_name;
        let last_ms = trip.last_ms();
        if !self.rolls(self.last_ms.unwrap_or(last_ms)) {
            // Whoever sat there may have got out: what the odometer is still to show is his.
            self.end_or_wait(lacks_odometer, last_ms, TripEnd::DriverChanged, context);
            return;
        }
        // Nobody gets out while the car rolls.
        if driver == Driver::Unidentified {
            return;
        }
        if lacks_odometer {
            // It is of both.
            self.odometer.lose_sight();
            if let Some(trip) = &self.trip {
                self.unread = Some(self.unread_of(Some(trip.driver.clone()), trip));
            }
        }
        self.end_trip(TripEnd::DriverChanged, context);
    }

    /// Returns whether a trip begins; `is_read` when the odometer in it is that of the last one.
    fn sets_off(&self, at_ms: i64, news: &[&Stamped], before: &PriorState, is_read: bool) -> bool {
        let live = || news.iter().filter(|stamped| !stamped.retained);
        let is_odometer =
            |stamped: &&Stamped| matches!(stamped.reading, SignalReading::OdometerM(_));
        let rises = !is_read && self.has_risen(before) && live().any(is_odometer);
        // In park a slow speed is noise.
        let in_park = self.picture.in_park == Some(true);
        let moves = |stamped: &&Stamped| {
            if let (SignalReading::SpeedKmh(kmh), true) = (&stamped.reading, in_park) {
                *kmh > ROLLING_KMH
            } else {
                stamped.reading.is_movement()
            }
        };
        let moves = rises || live().any(moves);
        // At a charging point a speed is a fault, or noise, until the odometer says the same, or another fast one.
        let is_plugged = self.charge.is_some() && self.picture.charging == Some(true);
        let fast = |kmh: f64| kmh > FAST_KMH;
        let is_fast = live().any(|stamped| {
            let SignalReading::SpeedKmh(kmh) = stamped.reading else {
                return false;
            };
            // One that was said long ago may be as stale as this one.
            let near_ms = self.pace.speeds().patience_ms().max(Some(TICK_MS_MAX));
            let is_near = |said_ms: i64| Some(at_ms.saturating_sub(said_ms)) <= near_ms;
            let known = before.speed.filter(|(said_ms, _)| is_near(*said_ms));
            let known_kmh = known.map_or(kmh, |(_, known_kmh)| known_kmh);
            fast(kmh) && fast(known_kmh) && known_kmh != kmh
        });
        let has_left =
            is_fast || self.charge_from_m.is_some() && self.odometer.value() > self.charge_from_m;
        moves && self.may_drive() && (!is_plugged || has_left)
    }

    /// Returns whether the car tells of its motion again after a silence in which it stood: by its odometer, else by its last speed.
    fn has_stood_in_silence(&self, at_ms: i64, news: &[&Stamped], before: &PriorState) -> bool {
        let Some(trip) = &self.trip else {
            return false;
        };
        let silent_ms = at_ms.saturating_sub(trip.last_ms());
        if silent_ms <= self.pace.usual_silence_ms() || !self.pace.was_hushed() {
            return false;
        }
        let says = |is: fn(&SignalReading) -> bool| news.iter().any(|stamped| is(&stamped.reading));
        if says(|reading| matches!(reading, SignalReading::OdometerM(_))) {
            let known_m = before.odometer_m.unwrap_or(0);
            return self.odometer.value() <= Some(known_m.saturating_add(STOOD_M));
        }
        let rolled = before.speed.map(|(_, kmh)| kmh > STANDSTILL_KMH);
        says(|reading| {
            matches!(
                reading,
                SignalReading::SpeedKmh(_) | SignalReading::Moving(_)
            )
        }) && rolled == Some(false)
    }

    /// Returns whether the odometer has risen by this batch.
    fn has_risen(&self, before: &PriorState) -> bool {
        before.odometer_m.is_some() && self.odometer.value() > before.odometer_m
    }

    /// Returns whether the car was last seen rolling, and that not too long ago.
    pub(super) fn rolls(&self, at_ms: i64) -> bool {
        match self.picture.speed {
            Some((speed_ms, speed_kmh)) => {
                speed_kmh > STANDSTILL_KMH && at_ms.saturating_sub(speed_ms) <= TICK_MS_MAX
            }
            None => self.picture.moving == Some(true) && !self.picture.is_off_since_moving(),
        }
    }

    fn start_trip(
        &mut self,
        at_ms: i64,
        from_m: Option<u64>,
        before: &PriorState,
        context: &mut FoldContext<'_>,
    ) {
        self.stop_charging(at_ms, before.charged_wh, context);
        let tick = before
            .speed
            .and_then(|(speed_ms, _)| Tick::between(speed_ms, at_ms));
        let tick_ms = tick.map_or(at_ms, |tick| tick.from_ms);
        let started_ms = self.set_off_ms(tick_ms, before);
        let driver = self.picture.driver();
        self.last_driver = Some(driver.clone());
        context.out.push(FoldOutcome::TripStarted {
            driver: driver.clone(),
            at_ms: started_ms,
        });
        self.checkpoint_due_ms = None;
        self.braking.set_off(started_ms);
        let mut trip = OpenTrip::start(driver, started_ms, from_m, before.consumed_wh);
        let is_others = |unread: &UnreadWay| unread.is_of_other_than(&trip.driver);
        if !self.unread.as_ref().is_some_and(is_others) {
            trip.stood_at(self.odometer.value());
        }
        if let (Some((from_ms, _)), Some((_, kmh))) = (before.speed, self.picture.speed) {
            let since_ms = Some(from_ms)
                .max(self.ready_ms)
                .max(self.pace.heard_since_ms());
            let ms = at_ms.saturating_sub(since_ms.unwrap_or(at_ms));
            trip.began_within(ms.min(STEP_MS_MAX), kmh);
        }
        self.trip = Some(trip);
    }

    /// Returns the time since which the car may have driven what its odometer has risen by: its last reading, or the time at which it
    /// was switched on.
    fn set_off_ms(&self, at_ms: i64, before: &PriorState) -> i64 {
        let stood_m = before
            .odometer_m
            .map(|known_m| known_m.saturating_add(STOOD_M));
        if stood_m.is_none() || self.odometer.value() <= stood_m {
            return at_ms;
        }
        // A speed that was said since tells that it stood.
        let stood_ms = before.speed.map(|(speed_ms, _)| speed_ms);
        let since_ms = before
            .odometer_ms
            .max(self.ready_ms)
            .max(stood_ms)
            .unwrap_or(at_ms);
        since_ms.max(at_ms.saturating_sub(STEP_MS_MAX)).min(at_ms)
    }

    fn take_driving(
        &mut self,
        stamped: &Stamped,
        before: &PriorState,
        context: &mut FoldContext<'_>,
    ) {
        let at_ms = stamped.at_ms;
        let Some(trip) = &mut self.trip else {
            return;
        };
        let settings = context.settings;
        let picture = &self.picture;
        let since = |before_ms: Option<i64>| {
            let speed_ms = before
                .speed
                .map(|(speed_ms, _)| speed_ms)
                .filter(|&speed_ms| speed_ms < at_ms);
            Tick::between(before_ms.max(speed_ms)?, at_ms)
        };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "nothing else is of the trip"
        )]
        match stamped.reading {
            SignalReading::OdometerM(metres) => {
                trip.seen(at_ms);
                if before.odometer_m.is_some_and(|known_m| metres > known_m) {
                    trip.moves(at_ms);
                    trip.rolls(at_ms);
                }
                // Until it has risen beyond what another one drove, it tells nothing of this trip.
                let is_told = |unread: &UnreadWay| unread.is_told_by(metres);
                if trip.has_begun_at() || self.unread.as_ref().is_none_or(is_told) {
                    trip.take_odometer(at_ms, metres);
                }
            }
            SignalReading::ConsumedWh(wh) => trip.take_consumed(at_ms, wh),
            _ if stamped.retained => {}
            SignalReading::Moving(moving) => {
                trip.seen(at_ms);
                // It has moved until it says that it does not.
                if moving || before.moving == Some(true) {
                    trip.moves(at_ms);
                    // Without a speed nobody knows how fast.
                    if before.speed.is_none() {
                        trip.rolls(at_ms);
                    }
                }
            }
            SignalReading::SpeedKmh(speed_kmh) => {
                self.take_speed(stamped, speed_kmh, before, settings);
            }
            SignalReading::LongitudinalMps2(mps2) if !stamped.refitted => {
                // Slowly, it still brakes: only at 0 it stands.
                let moves = |speed: Option<(i64, f64)>| speed.is_none_or(|(_, kmh)| kmh > 0.0);
                if let Some(tick) = since(before.longitudinal_ms) {
                    let is_moving = moves(before.speed)
                        || moves(picture.speed)
                        || trip.moved_or_began_ms() > tick.from_ms;
                    trip.longitudinal(tick, mps2, is_moving, settings);
                }
            }
            SignalReading::LateralMps2(mps2) if !stamped.refitted => {
                if let Some(tick) = since(before.lateral_ms) {
                    trip.lateral(tick, mps2, settings);
                }
            }
            SignalReading::BatteryW(watts)
                if picture.charging != Some(true) && !stamped.refitted =>
            {
                let Some((from_ms, from_w)) = before.battery_w else {
                    return;
                };
                if let Some(tick) = Tick::between(from_ms, at_ms) {
                    trip.battery(tick, watts);
                } else if from_ms >= trip.paced_since_ms() && from_ms < at_ms {
                    let mean_w = match self.pace.battery_step(at_ms.saturating_sub(from_ms)) {
                        PaceStep::Usual => (from_w + watts) / 2.0,
                        PaceStep::Unchanged => from_w,
                        PaceStep::Untold => return,
                    };
                    trip.battery(Tick::step(from_ms, at_ms), mean_w);
                }
            }
            _ => {}
        }
    }

    fn take_speed(
        &mut self,
        stamped: &Stamped,
        speed_kmh: f64,
        before: &PriorState,
        settings: &Settings,
    ) {
        let Some(trip) = &mut self.trip else {
            return;
        };
        let at_ms = stamped.at_ms;
        trip.seen(at_ms);
        let moved_ms = trip.moved_or_began_ms();
        let from_kmh = before.speed.map_or(0.0, |(_, from_kmh)| from_kmh);
        if speed_kmh.max(from_kmh) > STANDSTILL_KMH {
            trip.moves(at_ms);
        }
        if speed_kmh.max(from_kmh) > ROLLING_KMH {
            trip.rolls(at_ms);
        }
        if stamped.refitted {
            trip.lose_pace();
            return;
        }
        let Some((from_ms, from_kmh)) = before.speed else {
            return;
        };
        let kmh = (from_kmh, speed_kmh);
        let in_park = self.picture.in_park == Some(true);
        let around = Around {
            belted: self.picture.belted,
            assisted: self.picture.assisted,
            front: self.picture.front,
        };
        if let Some(tick) = Tick::between(from_ms, at_ms) {
            trip.speed(tick, kmh, in_park, around, settings);
        } else if from_ms >= trip.paced_since_ms() && from_ms < at_ms {
            let ms = at_ms.saturating_sub(from_ms);
            // A car that says only what has changed is silent while it stands, as its odometer shows.
            let stood =
                self.pace.is_on_change() && from_kmh <= STANDSTILL_KMH && moved_ms <= from_ms;
            let known = self.pace.speed_step(ms);
            let step = if known == PaceStep::Untold && stood && ms <= GAP_MS {
                PaceStep::Unchanged
            } else {
                known
            };
            trip.paced(
                Tick::step(from_ms, at_ms),
                kmh,
                step,
                in_park,
                around,
                settings,
            );
        }
    }
}
