//! The fold's part that drives: when a trip begins, what it takes, when it ends.

use super::{FoldContext, FoldOutcome, PriorState, VehicleFold};
use crate::driver::Driver;
use crate::evidence::TripEnd;
use crate::factors::{Around, TICK_MS_MAX, Tick};
use crate::intake::Stamped;
use crate::reading::{Ignition, STANDSTILL_KMH, SignalReading};
use crate::trip::OpenTrip;

impl VehicleFold {
    pub(super) fn drive(
        &mut self,
        at_ms: i64,
        news: &[&Stamped],
        before: &PriorState,
        context: &mut FoldContext<'_>,
    ) {
        self.follow_driver(context);
        if self.trip.is_none() && self.sets_off(news) {
            self.start_trip(at_ms, before, context);
        }
        for stamped in news {
            self.take_driving(stamped, before, context);
        }
        if self.trip.is_some() && self.picture.ignition == Some(Ignition::Off) && !self.rolls(at_ms)
        {
            self.end_trip(TripEnd::Parked, context);
        }
    }

    pub(super) fn end_trip(&mut self, end: TripEnd, context: &mut FoldContext<'_>) {
        if let Some(trip) = self.trip.take() {
            self.trip_ended_ms = Some(trip.last_ms());
            let finished = trip.finish(end, &mut self.marks, context.settings);
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

    fn sets_off(&self, news: &[&Stamped]) -> bool {
        let moves = |stamped: &&Stamped| stamped.reading.is_movement();
        let live = |stamped: &&&Stamped| !stamped.retained;
        self.picture.ignition == Some(Ignition::On) && news.iter().filter(live).any(moves)
    }

    /// Returns whether the car was last seen rolling, and that not too long ago.
    pub(super) fn rolls(&self, at_ms: i64) -> bool {
        match self.picture.speed {
            Some((speed_ms, speed_kmh)) => {
                speed_kmh > STANDSTILL_KMH && at_ms.saturating_sub(speed_ms) <= TICK_MS_MAX
            }
            None => self.picture.moving == Some(true),
        }
    }

    fn start_trip(&mut self, at_ms: i64, before: &PriorState, context: &mut FoldContext<'_>) {
        self.stop_charging(at_ms, before.charged_wh, context);
        let tick = before
            .speed
            .and_then(|(speed_ms, _)| Tick::between(speed_ms, at_ms));
        let started_ms = tick.map_or(at_ms, |tick| tick.from_ms);
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

    fn take_driving(
        &mut self,
        stamped: &Stamped,
        before: &PriorState,
        context: &mut FoldContext<'_>,
    ) {
        let at_ms = stamped.at_ms;
        let Some(trip) = self.trip.as_mut().filter(|trip| !trip.is_over_by(at_ms)) else {
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
                trip.take_odometer(at_ms, metres);
            }
            SignalReading::ConsumedWh(wh) => trip.take_consumed(at_ms, wh),
            _ if stamped.retained => {}
            SignalReading::Moving(_) => trip.seen(at_ms),
            SignalReading::SpeedKmh(speed_kmh) => {
                trip.seen(at_ms);
                if stamped.refitted {
                    trip.lose_pace();
                } else if let Some((from_ms, from_kmh)) = before.speed
                    && let Some(tick) = Tick::between(from_ms, at_ms)
                {
                    let around = Around {
                        belted: picture.belted,
                        front: picture.front,
                    };
                    let in_park = picture.in_park == Some(true);
                    trip.speed(tick, (from_kmh, speed_kmh), in_park, around, settings);
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
                let tick = before
                    .battery_w
                    .and_then(|(from_ms, _)| Tick::between(from_ms, at_ms));
                if let Some(tick) = tick {
                    trip.battery(tick, watts);
                }
            }
            _ => {}
        }
    }
}
