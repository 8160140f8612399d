//! The fold's part that drives: when a trip begins, what it takes, when it ends.

use super::{FoldContext, FoldOutcome, PriorState, VehicleFold};
use crate::cadence::STEP_MS_MAX;
use crate::driver::Driver;
use crate::evidence::TripEnd;
use crate::factors::{Around, TICK_MS_MAX, Tick};
use crate::intake::Stamped;
use crate::reading::{Ignition, STANDSTILL_KMH, SignalReading};
use crate::trip::{GAP_MS, OpenTrip, PaceStep};

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
        self.ready_ms = self.ready_ms.or(Some(at_ms)).filter(|_| self.may_drive());
        if self.has_stood_in_silence(at_ms, news, before) {
            self.end_trip(TripEnd::Gap, context);
        }
        let is_parked = |trip: &OpenTrip| trip.parked_at_ms().is_some();
        if self.trip.as_ref().is_none_or(is_parked) && self.sets_off(news, before) {
            self.end_trip(TripEnd::Parked, context);
            self.start_trip(at_ms, before, context);
        }
        for stamped in news {
            self.take_driving(stamped, before, context);
        }
        let is_off = match self.picture.ignition {
            Some(ignition) => ignition == Ignition::Off,
            None => self.picture.in_park == Some(true),
        };
        if is_off && !self.rolls(at_ms) {
            self.park(at_ms, context);
        }
    }

    /// The car is parked: the trip is over when its odometer is known.
    fn park(&mut self, at_ms: i64, context: &mut FoldContext<'_>) {
        let Some(trip) = &mut self.trip else {
            return;
        };
        // Where only the odometer tells of motion, the car may have moved until now.
        let is_blind = self.picture.speed.is_none() && self.picture.moving.is_none();
        let lacks_odometer = trip.lacks_odometer(is_blind.then_some(at_ms));
        if self.odometer.value().is_none() || !lacks_odometer {
            self.end_trip(TripEnd::Parked, context);
        } else if trip.parked_at_ms().is_none() {
            trip.park(at_ms);
            // The head unit may be switched off now.
            self.checkpoint_due_ms = None;
        }
    }

    pub(super) fn end_trip(&mut self, end: TripEnd, context: &mut FoldContext<'_>) {
        if let Some(trip) = self.trip.take() {
            self.trip_ended_ms = Some(trip.last_ms());
            let patience_ms = self.pace.speed_patience_ms();
            let finished = trip.finish(end, patience_ms, &mut self.marks, context.settings);
            self.checkpoint_due_ms = None;
            context.finished(finished);
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
        } else {
            self.end_trip(TripEnd::DriverChanged, context);
        }
    }

    fn sets_off(&self, news: &[&Stamped], before: &PriorState) -> bool {
        let live = || news.iter().filter(|stamped| !stamped.retained);
        let is_odometer =
            |stamped: &&Stamped| matches!(stamped.reading, SignalReading::OdometerM(_));
        let rises = self.has_risen(before) && live().any(is_odometer);
        let moves = rises || live().any(|stamped| stamped.reading.is_movement());
        // At a charging point a speed is a fault, or noise, until the odometer says the same.
        let is_plugged = self.charge.is_some() && self.picture.charging == Some(true);
        let has_left = self.charge_from_m.is_some() && self.odometer.value() > self.charge_from_m;
        moves && self.may_drive() && (!is_plugged || has_left)
    }

    /// Returns whether the car tells of its motion again after a silence in which it stood: by its odometer, else by its last speed.
    fn has_stood_in_silence(&self, at_ms: i64, news: &[&Stamped], before: &PriorState) -> bool {
        let Some(trip) = self
            .trip
            .as_ref()
            .filter(|trip| trip.parked_at_ms().is_none())
        else {
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

    fn start_trip(&mut self, at_ms: i64, before: &PriorState, context: &mut FoldContext<'_>) {
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
        self.trip = Some(OpenTrip::start(
            driver,
            started_ms,
            before.odometer_m,
            before.consumed_wh,
        ));
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
        let since_ms = before.odometer_ms.max(self.ready_ms).unwrap_or(at_ms);
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
        if trip.parked_at_ms().is_some() {
            if let SignalReading::OdometerM(metres) = stamped.reading {
                if trip.is_own_odometer(metres) {
                    trip.take_odometer(at_ms, metres);
                }
                self.end_trip(TripEnd::Parked, context);
            }
            return;
        }
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
                }
                trip.take_odometer(at_ms, metres);
            }
            SignalReading::ConsumedWh(wh) => trip.take_consumed(at_ms, wh),
            _ if stamped.retained => {}
            SignalReading::Moving(moving) => {
                trip.seen(at_ms);
                // It has moved until it says that it does not.
                if moving || before.moving == Some(true) {
                    trip.moves(at_ms);
                }
            }
            SignalReading::SpeedKmh(speed_kmh) => {
                trip.seen(at_ms);
                let moved_ms = trip.moved_or_began_ms();
                let from_kmh = before.speed.map_or(0.0, |(_, from_kmh)| from_kmh);
                if speed_kmh.max(from_kmh) > STANDSTILL_KMH {
                    trip.moves(at_ms);
                }
                if stamped.refitted {
                    trip.lose_pace();
                } else if let Some((from_ms, from_kmh)) = before.speed {
                    let around = Around {
                        belted: picture.belted,
                        front: picture.front,
                    };
                    let kmh = (from_kmh, speed_kmh);
                    let in_park = picture.in_park == Some(true);
                    if let Some(tick) = Tick::between(from_ms, at_ms) {
                        trip.speed(tick, kmh, in_park, around, settings);
                    } else if from_ms >= trip.started_ms() && from_ms < at_ms {
                        let ms = at_ms.saturating_sub(from_ms);
                        // A car that says only what has changed is silent while it stands, as its odometer shows.
                        let stood = self.pace.is_on_change()
                            && from_kmh <= STANDSTILL_KMH
                            && moved_ms <= from_ms;
                        let step = match self.pace.speed_step(ms) {
                            PaceStep::Untold if stood && ms <= GAP_MS => PaceStep::Unchanged,
                            known => known,
                        };
                        let tick = Tick::step(from_ms, at_ms);
                        trip.paced(tick, kmh, step, in_park, around, settings);
                    }
                }
            }
            SignalReading::LongitudinalMps2(mps2) if !stamped.refitted => {
                if let Some(tick) = since(before.longitudinal_ms) {
                    trip.longitudinal(tick, mps2, settings);
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
                } else if from_ms >= trip.started_ms() && from_ms < at_ms {
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
}
