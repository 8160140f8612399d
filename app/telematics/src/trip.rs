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

/// A longer silence ends a trip.
pub(crate) const GAP_MS: i64 = 120_000;
/// Distance that the odometer may be from its last known value when a trip begins, in metres.
const START_SLACK_M: u64 = 200;
const START_PACE_M_PER_S: u64 = 100;
/// The same for the counter of consumption, in watt-hours: what 200 m take at most, and then half a megawatt.
const START_SLACK_WH: u64 = 200;
const START_PACE_WH_PER_S: u64 = 140;

const MS_PER_HOUR: f64 = 3_600_000.0;
const MPS_PER_KMH: f64 = 1.0 / 3.6;

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

    /// Returns whether so much time has passed since its last sample that it is over.
    pub(crate) fn is_over_by(&self, at_ms: i64) -> bool {
        at_ms.saturating_sub(self.last_ms) > GAP_MS
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

    pub(crate) fn take_odometer(&mut self, at_ms: i64, odometer_m: u64) {
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

    /// Ends it; `None` when the odometer tells of no way that is not settled yet. Raises the mark.
    pub(crate) fn finish(
        self,
        end: TripEnd,
        marks: &mut Marks,
        settings: &Settings,
    ) -> Option<Finished> {
        let stretch = self.odometer?;
        let odometer = marks.unsettled(Meter::Odometer, stretch.from, stretch.to)?;
        marks.raise(MeterMark {
            meter: Meter::Odometer,
            at: odometer.to,
        });
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
