//! The open trip.

use dashpoint_membership::{
    CoarseTime, DrivingTime, Evidence, Meter, MeterInterval, Trip, score_x100,
};
use serde::{Deserialize, Serialize};

use crate::driver::Driver;
use crate::evidence::{Finished, PrivateEvidence, TripEnd, TripTrace};
use crate::factors::{Around, Factors, Tick};
use crate::intake::LATENESS_MS;
use crate::marks::{Marks, MeterMark};
use crate::settings::Settings;

/// A longer silence ends a trip of a car that does not say that it still drives.
pub(crate) const GAP_MS: i64 = 120_000;
/// Times without a word of speed that are remembered until it is known how often the car speaks.
const UNTOLD_MAX: usize = 64;
/// The least distance that speeds are held against.
const DEAD_SPEED_M: u64 = 1_000;
/// An odometer tells nothing of less: whole kilometres.
const GRAIN_M: f64 = 1_000.0;
/// Time after its last movement in which a counter may still show what a car has braked.
const BRAKED_MS_MAX: i64 = 60_000;
/// The least way since the last reading of the odometer that a parked car waits for, in metres.
const LACKING_M: f64 = 100.0;
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

/// The knowledge of a time between two speeds that is longer than a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaceStep {
    /// The car says its speed so seldom.
    Usual,
    /// The bus lived, and said no other speed.
    Unchanged,
    /// Nobody knows.
    Untold,
}

/// A time between two speeds, with the way by both of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct PacedTime {
    ms: u64,
    way_m: f64,
}

/// A stretch of a meter within the trip.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Stretch {
    from: u64,
    to: u64,
}

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
    /// The last reading of the odometer, with the way by the speeds until then.
    #[serde(default)]
    odometer_at: Option<(i64, f64)>,
    /// The time at which the car was parked, while the odometer of then is still to come.
    #[serde(default)]
    parked_at_ms: Option<i64>,
    factors: Factors,
}

impl Stretch {
    const fn at(value: u64) -> Self {
        Self {
            from: value,
            to: value,
        }
    }
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
            leap_ms: 0,
            unchanged: PacedTime::default(),
            untold: Vec::new(),
            moved_ms: None,
            odometer_at: None,
            parked_at_ms: None,
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

    /// Returns the time at which it began.
    pub(crate) fn started_ms(&self) -> i64 {
        self.started_ms
    }

    /// Returns the time at which the car was parked, when only the odometer is still to come.
    pub(crate) fn parked_at_ms(&self) -> Option<i64> {
        self.parked_at_ms
    }

    /// The car is parked.
    pub(crate) fn park(&mut self, at_ms: i64) {
        self.parked_at_ms = Some(at_ms);
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
        let is_short = way_m > 0.0 && way_m < LACKING_M;
        !is_short && self.moved_ms.max(moves_until_ms).is_some_and(is_old)
    }

    /// Returns whether the odometer of a parked car is that of this drive: no more than the speeds since its last reading say.
    pub(crate) fn is_own_odometer(&self, odometer_m: u64) -> bool {
        let Some(known) = self.odometer else {
            return false;
        };
        let (read_ms, read_m) = self.odometer_at.unwrap_or((self.started_ms, 0.0));
        let rise_m = odometer_m.saturating_sub(known.to) as f64;
        let way_m = self.way_m() - read_m;
        if way_m > 0.0 {
            return rise_m <= way_m.mul_add(1.2, GRAIN_M);
        }
        let parked_ms = self.parked_at_ms.unwrap_or(self.last_ms);
        let drove_s = parked_ms.saturating_sub(read_ms).max(0).unsigned_abs() / 1_000;
        rise_m <= near(START_SLACK_M, START_PACE_M_PER_S, drove_s) as f64
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
        let moved_ms = self.moved_or_began_ms();
        read_ms.is_some_and(|read_ms| read_ms.saturating_sub(moved_ms) >= BRAKED_MS_MAX)
    }

    /// Notes that the car moves.
    pub(crate) fn moves(&mut self, at_ms: i64) {
        self.moved_ms = self.moved_ms.max(Some(at_ms));
    }

    pub(crate) fn take_odometer(&mut self, at_ms: i64, odometer_m: u64) {
        self.odometer_at = Some((at_ms, self.way_m()));
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
        self.integral_m += (kmh.0 + kmh.1) / 2.0 * MPS_PER_KMH * tick.ms() as f64 / 1_000.0;
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
        let way_m = mean_kmh * MPS_PER_KMH * ms as f64 / 1_000.0;
        match step {
            PaceStep::Usual => {
                self.driving_ms += ms;
                self.integral_m += way_m;
                self.factors.pace(tick, mean_kmh, false, around, settings);
            }
            PaceStep::Unchanged => {
                self.unchanged.ms += ms;
                self.unchanged.way_m += way_m;
                self.factors.pace(tick, mean_kmh, true, around, settings);
            }
            PaceStep::Untold => {
                self.lose_pace();
                if self.untold.len() < UNTOLD_MAX {
                    self.untold.push(PacedTime { ms, way_m });
                }
            }
        }
    }

    pub(crate) fn longitudinal(&mut self, tick: Tick, mps2: f64, settings: &Settings) {
        self.factors.longitudinal(tick, mps2, settings);
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

    /// Adds the times that were not known to be driven before the whole trip was: `patience_ms` is the longest time between two
    /// speeds that is no silence.
    fn judge_times(&mut self, metres: u64, patience_ms: Option<i64>) {
        let patience_ms = patience_ms.map_or(0, i64::unsigned_abs);
        for untold in std::mem::take(&mut self.untold) {
            if untold.ms <= patience_ms {
                self.driving_ms += untold.ms;
                self.integral_m += untold.way_m;
            }
        }
        // A speed that stood still while the car slowed down or drove off tells of another way than the odometer.
        let way_m = metres as f64;
        let unchanged = std::mem::take(&mut self.unchanged);
        if self.integral_m + unchanged.way_m <= way_m.mul_add(1.1, 2.0 * GRAIN_M) {
            self.driving_ms += unchanged.ms;
            self.integral_m += unchanged.way_m;
        }
        let was_told = self.driving_ms > 0;
        if was_told && metres >= DEAD_SPEED_M && self.integral_m * 5.0 < way_m {
            // The speed is not kept fresh: it is as if there were none.
            let seen_ms = self.last_ms.abs_diff(self.started_ms);
            if self.driving_ms * 2 > seen_ms {
                self.driving_ms = 0;
                self.factors = Factors::default();
            }
        }
    }

    /// Ends it; `None` when the odometer tells of no way that is not settled yet. Raises the mark. `patience_ms` is the longest time
    /// between two speeds that is no silence of this car.
    pub(crate) fn finish(
        mut self,
        end: TripEnd,
        patience_ms: Option<i64>,
        marks: &mut Marks,
        settings: &Settings,
    ) -> Option<Finished> {
        let stretch = self.odometer?;
        let odometer = marks.unsettled(Meter::Odometer, stretch.from, stretch.to)?;
        marks.raise(MeterMark {
            meter: Meter::Odometer,
            at: odometer.to,
        });
        self.judge_times(odometer.length(), patience_ms);
        let duration_ms = self.last_ms.abs_diff(self.started_ms);
        let missed_ms = duration_ms
            .saturating_sub(self.driving_ms)
            .saturating_sub(self.parked_ms);
        let driving = DrivingTime::rounded_up(self.driving_ms);
        let missed_s = missed_s(missed_ms, odometer, driving);
        let factors = self.factors.seen();
        let (used_wh, regained_wh) = self.energy_wh();
        let evidence = Trip {
            odometer,
            started: CoarseTime::containing_unix_s(self.started_ms.div_euclid(1_000)),
            driving,
            missed_s,
            used_wh,
            regained_wh,
            score_x100: score_x100(&settings.score, &factors),
            factors,
        };
        let (spells, spells_unlisted) = self.factors.spells();
        let trace = TripTrace {
            started_ms: self.started_ms,
            ended_ms: self.last_ms,
            end,
            parked_ms: self.parked_ms,
            speed_integral_m: self.integral_m.round() as u64,
            braking: self.factors.braking_source(),
            spells,
            spells_unlisted,
        };
        Some(Finished {
            evidence: Evidence::Trip(evidence),
            driver: self.driver,
            ended_ms: self.last_ms,
            utc_offset_min: settings.utc_offset_min,
            private: PrivateEvidence::Trip(trace),
            marks: *marks,
        })
    }

    /// Energy drawn and put back. Counters of consumption are net of what braking gives back; should one not be,
    /// this errs towards more energy used, never towards less.
    fn energy_wh(&self) -> (u32, u32) {
        let regained_wh = self.regained_wh.round();
        let used_wh = match self.consumed_wh {
            Some(Stretch { from, to }) => (to as f64 - from as f64 + regained_wh).max(0.0),
            None => self.drawn_wh.round(),
        };
        (used_wh as u32, regained_wh as u32)
    }
}

/// Returns the most that a meter can have moved so soon after its last reading.
const fn near(slack: u64, pace: u64, since_s: u64) -> u64 {
    slack.saturating_add(pace.saturating_mul(since_s))
}

/// The time of a trip of which nothing was seen, in seconds.
///
/// Metres that a restart or a gap left without their time took no less than the shortest time in which any car covers them:
/// at 400 km/h, the most that a speed may say. The driving time counts as it leaves the car, so that the difference does
/// not give the exact one; and where no driving was seen, the missed time is the whole trip and is in whole minutes too.
fn missed_s(missed_ms: u64, odometer: MeterInterval, driving: DrivingTime) -> u32 {
    let shortest_s = (odometer.length() * 9).div_ceil(1_000);
    let missed_s = (missed_ms / 1_000).max(shortest_s.saturating_sub(driving.at_most_s()));
    let missed_s = if driving.minutes() == 0 {
        missed_s.div_ceil(60) * 60
    } else {
        missed_s
    };
    u32::try_from(missed_s).unwrap_or(u32::MAX)
}
