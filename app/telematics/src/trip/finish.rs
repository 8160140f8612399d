//! The evidence of a trip that is over.

use dashpoint_membership::{
    CoarseTime, DrivingTime, Evidence, Meter, MeterInterval, Trip, score_x100,
};

use super::{GRAIN_M, OpenTrip};
use crate::cadence::Cadence;
use crate::evidence::{Finished, PrivateEvidence, TripEnd, TripTrace};
use crate::factors::Factors;
use crate::marks::{Marks, MeterMark};
use crate::settings::Settings;
use crate::stretch::Stretch;

/// The least distance that speeds are held against.
const DEAD_SPEED_M: u64 = 1_000;

impl OpenTrip {
    /// Adds the times that were not known to be driven before the whole trip was: `patience_ms` is the longest time between two
    /// speeds that is no silence.
    fn judge_times(&mut self, metres: u64, patience_ms: Option<i64>) {
        let patience_ms = patience_ms.map_or(0, i64::unsigned_abs);
        for untold in std::mem::take(&mut self.untold) {
            if untold.ms <= patience_ms {
                self.driving_ms += untold.ms;
                self.integral_m += untold.way_m;
                self.assisted_m += untold.assisted_m;
            }
        }
        // A speed that stood still while the car slowed down or drove off tells of another way than the odometer.
        let way_m = metres as f64;
        let unchanged = std::mem::take(&mut self.unchanged);
        if self.integral_m + unchanged.way_m <= way_m.mul_add(1.1, 2.0 * GRAIN_M) {
            self.driving_ms += unchanged.ms;
            self.integral_m += unchanged.way_m;
            self.assisted_m += unchanged.assisted_m;
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
        speeds: &Cadence,
        marks: &mut Marks,
        settings: &Settings,
    ) -> Option<Finished> {
        let stretch = self.odometer?;
        let odometer = marks.unsettled(Meter::Odometer, stretch.from, stretch.to)?;
        marks.raise(MeterMark::after(odometer));
        self.factors.judge_last_span(&settings.score.thresholds);
        self.judge_times(odometer.length(), speeds.patience_ms());
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
            assisted_percent: self.assisted_percent(settings),
            braking_resolution_s: speeds.step_s().filter(|_| settings.states_profile_2),
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

    /// The assisted share of the distance in whole percent.
    fn assisted_percent(&self, settings: &Settings) -> Option<u8> {
        let share = self.assisted_m / self.integral_m.max(1.0);
        let is_stated = self.says_assistance && settings.states_profile_2;
        is_stated.then_some((share.clamp(0.0, 1.0) * 100.0).round() as u8)
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
