//! The open trip.

mod finish;

use serde::{Deserialize, Serialize};

use crate::driver::Driver;
use crate::factors::{Around, Factors};
use crate::intake::LATENESS_MS;
use crate::paced_time::{PaceStep, PacedTime};
use crate::settings::Settings;
use crate::stretch::Stretch;
use crate::tick::Tick;

/// A longer silence ends a trip of a car that does not say that it still drives.
pub(crate) const GAP_MS: i64 = 120_000;
/// Times without a word of speed that are remembered until it is known how often the car speaks.
const UNTOLD_MAX: usize = 64;
/// An odometer tells nothing of less: whole kilometres.
const GRAIN_M: f64 = 1_000.0;
/// Time after its last movement in which a counter may still show what a car has braked.
const BRAKED_MS_MAX: i64 = 60_000;
/// The least way since the last reading of the odometer that a parked car waits for, in metres.
const LACKING_M: f64 = 50.0;
/// And the part of the whole way that is less than the resolution.
const LACKING_PART: f64 = 100.0;
/// Age from which on an odometer does not tell the end of a drive, in milliseconds.
const ODOMETER_LAG_MS: i64 = LATENESS_MS;
/// Distance that the odometer may be from its last known value when a trip begins, in metres.
const START_SLACK_M: u64 = 200;
const START_PACE_M_PER_S: u64 = 100;
/// The same for the counter of consumption, in watt-hours: what 200 m take at most, and then half a megawatt.
const START_SLACK_WH: u64 = 200;
const START_PACE_WH_PER_S: u64 = 140;

const MS_PER_HOUR: f64 = 3_600_000.0;
const MPS_PER_KMH: f64 = 1.0 / 3.6;

/// A trip that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenTrip {
    pub(crate) driver: Driver,
    started_ms: i64,
    /// The last sample of the car's motion.
    last_ms: i64,
    odometer: Option<Stretch>,
    /// True when the odometer was read within the trip.
    odometer_read: bool,
    consumed_wh: Option<Stretch>,
    /// True when the counter of consumption was read within the trip.
    #[serde(default)]
    consumed_read: bool,
    drawn_wh: f64,
    regained_wh: f64,
    driving_ms: u64,
    parked_ms: u64,
    integral_m: f64,
    /// Part of it that was driven with assistance, in metres.
    #[serde(default)]
    assisted_m: f64,
    /// The car says whether it assists.
    #[serde(default)]
    says_assistance: bool,
    /// The greatest step of time within it.
    #[serde(default)]
    leap_ms: i64,
    /// Times at one speed while the bus lived and said no other.
    #[serde(default)]
    unchanged: PacedTime,
    /// Longer times of which nobody knows.
    #[serde(default)]
    untold: Vec<PacedTime>,
    /// The last time at which it moved by its speed.
    #[serde(default)]
    moved_ms: Option<i64>,
    /// The last time at which it was fast enough to give energy back by braking.
    #[serde(default)]
    rolled_ms: Option<i64>,
    /// The last reading of the odometer, with the way by the speeds until then.
    #[serde(default)]
    odometer_at: Option<(i64, f64)>,
    /// The way by the speeds until the odometer last rose.
    #[serde(default)]
    risen_m: f64,
    /// The way by the greater speed of each longer time, beyond that by the mean of both.
    #[serde(default)]
    slack_m: f64,
    /// The odometer as it was when nobody listened any more, for a trip that begins before it is read.
    #[serde(default)]
    old_m: Option<u64>,
    /// Time at which it went on after the car had been parked.
    #[serde(default)]
    resumed_ms: Option<i64>,
    factors: Factors,
}

impl OpenTrip {
    pub(crate) fn start(
        driver: Driver,
        started_ms: i64,
        odometer_m: Option<u64>,
        consumed_wh: Option<u64>,
    ) -> Self {
        Self {
            driver,
            started_ms,
            last_ms: started_ms,
            odometer: odometer_m.map(Stretch::at),
            odometer_read: false,
            consumed_wh: consumed_wh.map(Stretch::at),
            consumed_read: false,
            drawn_wh: 0.0,
            regained_wh: 0.0,
            driving_ms: 0,
            parked_ms: 0,
            integral_m: 0.0,
            assisted_m: 0.0,
            says_assistance: false,
            leap_ms: 0,
            unchanged: PacedTime::default(),
            untold: Vec::new(),
            moved_ms: None,
            rolled_ms: None,
            odometer_at: None,
            risen_m: 0.0,
            slack_m: 0.0,
            old_m: None,
            resumed_ms: None,
            factors: Factors::default(),
        }
    }

    /// From where to where its odometer has gone.
    pub(crate) fn stretch_m(&self) -> Option<(u64, u64)> {
        self.odometer.map(|stretch| (stretch.from, stretch.to))
    }

    /// Returns the time of the last sample of the car's motion.
    pub(crate) fn last_ms(&self) -> i64 {
        self.last_ms
    }

    /// Returns whether the odometer was read within it.
    pub(crate) fn has_odometer(&self) -> bool {
        self.odometer_at.is_some()
    }

    /// Returns whether the car has moved since its odometer was last read, or may have until `moves_until_ms`.
    pub(crate) fn lacks_odometer(&self, moves_until_ms: Option<i64>) -> bool {
        let read_ms = self.odometer_at.map_or(self.started_ms, |(at_ms, _)| at_ms);
        let is_old = |moved_ms: i64| moved_ms.saturating_sub(read_ms) > ODOMETER_LAG_MS;
        let way_m = self.way_m() - self.odometer_at.map_or(0.0, |(_, read_m)| read_m);
        let seen_m = self
            .odometer
            .map_or(0, |known| known.to.saturating_sub(known.from)) as f64;
        let is_short = way_m > 0.0 && way_m < LACKING_M.max(seen_m / LACKING_PART);
        !is_short && self.moved_ms.max(moves_until_ms).is_some_and(is_old)
    }

    /// Returns whether a reading is of before the drive: it has not risen, although the speeds say that the car has moved.
    pub(crate) fn is_stale_odometer(&self, odometer_m: u64) -> bool {
        let known_m = self.known_m();
        let moved_m = self.way_m() - self.risen_m;
        known_m.is_some_and(|known_m| odometer_m <= known_m) && moved_m > GRAIN_M
    }

    /// Returns whether the odometer of a car that was parked at this time is that of this drive: no more than the speeds since its
    /// last reading say.
    pub(crate) fn is_own_odometer(&self, parked_ms: i64, odometer_m: u64) -> bool {
        let Some(known_m) = self.known_m() else {
            return false;
        };
        let (read_ms, read_m) = self.odometer_at.unwrap_or((self.started_ms, 0.0));
        let rise_m = odometer_m.saturating_sub(known_m) as f64;
        let way_m = self.way_m() - read_m;
        if way_m > 0.0 {
            return rise_m <= (way_m + self.slack_m).mul_add(1.2, GRAIN_M);
        }
        let drove_s = parked_ms.saturating_sub(read_ms).max(0).unsigned_abs() / 1_000;
        self.odometer.is_some() && rise_m <= near(START_SLACK_M, START_PACE_M_PER_S, drove_s) as f64
    }

    /// Returns the way by the speeds since the odometer last rose, in metres.
    pub(crate) fn unread_m(&self) -> u64 {
        (self.way_m() + self.slack_m - self.risen_m).max(0.0) as u64
    }

    /// Notes that its first speed, in km/h, was said so many milliseconds after the one before it.
    pub(crate) fn began_within(&mut self, ms: i64, kmh: f64) {
        self.slack_m += kmh * MPS_PER_KMH * ms.max(0) as f64 / 1_000.0;
    }

    /// Takes the odometer of a parked car that is this drive's.
    pub(crate) fn take_own_odometer(&mut self, at_ms: i64, odometer_m: u64) {
        self.odometer = self.odometer.or(self.old_m.map(Stretch::at));
        self.odometer_read = true;
        self.take_odometer(at_ms, odometer_m);
    }

    /// Notes where the odometer stood when nobody listened any more.
    pub(crate) fn stood_at(&mut self, odometer_m: Option<u64>) {
        self.old_m = odometer_m.filter(|_| self.odometer.is_none());
    }

    /// Returns whether the car is known to have moved in it.
    pub(crate) fn has_moved(&self) -> bool {
        self.moved_ms.is_some()
    }

    /// Returns whether its speeds tell of no more than a step of the odometer since that last rose.
    pub(crate) fn has_gone_a_step(&self) -> bool {
        self.way_m() - self.risen_m <= GRAIN_M
    }

    /// Returns the odometer as the trip knows it, in metres.
    pub(crate) fn known_m(&self) -> Option<u64> {
        self.odometer.map(|known| known.to).or(self.old_m)
    }

    /// Returns whether it is known where it began.
    pub(crate) fn has_begun_at(&self) -> bool {
        self.odometer.is_some()
    }

    /// Goes on after the car was parked, or was silent.
    pub(crate) fn go_on(&mut self, at_ms: i64, was_parked: bool) {
        if was_parked {
            self.parked_ms += at_ms.saturating_sub(self.last_ms).max(0).unsigned_abs();
            self.resumed_ms = Some(at_ms);
            self.last_ms = self.last_ms.max(at_ms);
        }
        self.lose_pace();
    }

    /// Returns the time since which a time between two speeds is of it.
    pub(crate) fn paced_since_ms(&self) -> i64 {
        self.resumed_ms.unwrap_or(self.started_ms)
    }

    fn way_m(&self) -> f64 {
        let untold_m: f64 = self.untold.iter().map(|untold| untold.way_m).sum();
        self.integral_m + self.unchanged.way_m + untold_m
    }

    /// The time of the bus was wrong by so many milliseconds. What takes back a leap within the trip leaves its start where
    /// it was.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        self.last_ms = self.last_ms.saturating_add(by_ms);
        let is_taken_back = by_ms < 0
            && self.leap_ms > LATENESS_MS
            && by_ms.saturating_add(self.leap_ms) >= -LATENESS_MS;
        if is_taken_back {
            self.leap_ms = 0;
            self.started_ms = self.started_ms.min(self.last_ms);
            self.factors.lose_pace();
        } else {
            self.started_ms = self.started_ms.saturating_add(by_ms);
            self.factors.translate(by_ms);
        }
        let read_ms = self.odometer_at.as_mut().map(|(at_ms, _)| at_ms);
        let times = self.moved_ms.iter_mut().chain(&mut self.rolled_ms);
        let times = times.chain(&mut self.resumed_ms);
        for at_ms in times.chain(read_ms) {
            *at_ms = if is_taken_back {
                (*at_ms).min(self.last_ms)
            } else {
                at_ms.saturating_add(by_ms)
            };
        }
    }

    /// Forgets the speed that braking is told from: the time since is not known.
    pub(crate) fn lose_pace(&mut self) {
        self.factors.lose_pace();
    }

    /// Notes a sample of the car's motion.
    pub(crate) fn seen(&mut self, at_ms: i64) {
        self.leap_ms = self.leap_ms.max(at_ms.saturating_sub(self.last_ms));
        self.last_ms = self.last_ms.max(at_ms);
    }

    /// Returns the last time at which it moved, or began.
    pub(crate) fn moved_or_began_ms(&self) -> i64 {
        self.moved_ms.unwrap_or(self.started_ms)
    }

    /// Returns whether the car stood when a counter was read, and for so long before that none of its rise since is of braking.
    pub(crate) fn stands_since(&self, read_ms: Option<i64>) -> bool {
        let rolled_ms = self.rolled_ms.unwrap_or(self.started_ms);
        read_ms.is_some_and(|read_ms| read_ms.saturating_sub(rolled_ms) >= BRAKED_MS_MAX)
    }

    /// Notes that the car rolls so that braking gives energy back.
    pub(crate) fn rolls(&mut self, at_ms: i64) {
        self.rolled_ms = self.rolled_ms.max(Some(at_ms));
    }

    /// Notes that the car moves.
    pub(crate) fn moves(&mut self, at_ms: i64) {
        self.moved_ms = self.moved_ms.max(Some(at_ms));
    }

    pub(crate) fn take_odometer(&mut self, at_ms: i64, odometer_m: u64) {
        if !self.is_stale_odometer(odometer_m) {
            self.odometer_at = Some((at_ms, self.way_m()));
        }
        if self.odometer.is_none_or(|known| odometer_m > known.to) {
            (self.risen_m, self.slack_m) = (self.way_m(), 0.0);
        }
        let near_m = near(START_SLACK_M, START_PACE_M_PER_S, self.since_s(at_ms));
        let stale = |known: Stretch| odometer_m.saturating_sub(known.to) > near_m;
        match &mut self.odometer {
            // The car has been driven unseen since the odometer was known: the trip begins here.
            Some(known) if !self.odometer_read && stale(*known) => {
                *known = Stretch::at(odometer_m);
            }
            Some(known) => known.to = known.to.max(odometer_m),
            None => {
                self.odometer = Some(Stretch::at(odometer_m));
            }
        }
        self.odometer_read = true;
    }

    pub(crate) fn take_consumed(&mut self, at_ms: i64, consumed_wh: u64) {
        let near_wh = near(START_SLACK_WH, START_PACE_WH_PER_S, self.since_s(at_ms));
        let stale = |known: Stretch| consumed_wh.saturating_sub(known.to) > near_wh;
        match &mut self.consumed_wh {
            // What was used unseen belongs to no metre of this trip.
            Some(known) if !self.consumed_read && stale(*known) => {
                *known = Stretch::at(consumed_wh);
            }
            Some(known) => known.to = consumed_wh,
            None => {
                self.consumed_wh = Some(Stretch::at(consumed_wh));
            }
        }
        self.consumed_read = true;
    }

    fn since_s(&self, at_ms: i64) -> u64 {
        at_ms.saturating_sub(self.started_ms).max(0).unsigned_abs() / 1_000
    }

    /// Takes one tick of speed.
    pub(crate) fn speed(
        &mut self,
        tick: Tick,
        kmh: (f64, f64),
        in_park: bool,
        around: Around,
        settings: &Settings,
    ) {
        if in_park {
            self.parked_ms += tick.ms();
            return;
        }
        self.driving_ms += tick.ms();
        let metres = (kmh.0 + kmh.1) / 2.0 * MPS_PER_KMH * tick.ms() as f64 / 1_000.0;
        self.integral_m += metres;
        self.assisted_m += self.assisted_part(metres, around);
        self.factors.speed(tick, kmh.0, kmh.1, around, settings);
    }

    /// Takes a longer time between two speeds.
    pub(crate) fn paced(
        &mut self,
        tick: Tick,
        kmh: (f64, f64),
        step: PaceStep,
        in_park: bool,
        around: Around,
        settings: &Settings,
    ) {
        if in_park && step != PaceStep::Untold {
            self.parked_ms += tick.ms();
            return;
        }
        let mean_kmh = match step {
            PaceStep::Unchanged => kmh.0,
            PaceStep::Usual | PaceStep::Untold => (kmh.0 + kmh.1) / 2.0,
        };
        let ms = tick.ms();
        let way_of = |kmh: f64| kmh * MPS_PER_KMH * ms as f64 / 1_000.0;
        let way_m = way_of(mean_kmh);
        self.slack_m += way_of(kmh.0.max(kmh.1)) - way_m;
        let assisted_m = self.assisted_part(way_m, around);
        match step {
            PaceStep::Usual => {
                self.driving_ms += ms;
                self.integral_m += way_m;
                self.assisted_m += assisted_m;
                self.factors.pace(tick, mean_kmh, false, settings);
            }
            PaceStep::Unchanged => {
                self.unchanged.ms += ms;
                self.unchanged.way_m += way_m;
                self.unchanged.assisted_m += assisted_m;
                self.factors.pace(tick, mean_kmh, true, settings);
            }
            PaceStep::Untold => {
                self.lose_pace();
                if self.untold.len() < UNTOLD_MAX {
                    self.untold.push(PacedTime {
                        ms,
                        way_m,
                        assisted_m,
                    });
                }
            }
        }
    }

    pub(crate) fn longitudinal(
        &mut self,
        tick: Tick,
        mps2: f64,
        is_moving: bool,
        settings: &Settings,
    ) {
        self.factors.longitudinal(tick, mps2, is_moving, settings);
    }

    pub(crate) fn lateral(&mut self, tick: Tick, mps2: f64, settings: &Settings) {
        self.factors.lateral(tick, mps2, settings);
    }

    /// Takes one tick of battery power, positive into the battery.
    pub(crate) fn battery(&mut self, tick: Tick, watts: f64) {
        let wh = watts * tick.ms() as f64 / MS_PER_HOUR;
        if wh > 0.0 {
            self.regained_wh += wh;
        } else {
            self.drawn_wh -= wh;
        }
    }

    /// Returns how much of a way was driven with assistance: what was driven before the car said whether it assists was not.
    fn assisted_part(&mut self, way_m: f64, around: Around) -> f64 {
        self.says_assistance |= around.assisted.is_some();
        match around.assisted {
            Some(true) => way_m,
            Some(false) | None => 0.0,
        }
    }
}

/// Returns the most that a meter can have moved so soon after its last reading.
const fn near(slack: u64, pace: u64, since_s: u64) -> u64 {
    slack.saturating_add(pace.saturating_mul(since_s))
}
