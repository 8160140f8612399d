//! The open session of giving energy back to the grid.

use dashpoint_membership::{Discharge, Evidence, Meter, MeterInterval};
use serde::{Deserialize, Serialize};

use crate::charge::coarse;
use crate::driver::Driver;
use crate::evidence::{DischargeTrace, Finished, PrivateEvidence};
use crate::marks::{Marks, MeterMark};
use crate::settings::Settings;

/// A longer time between two samples of power counts for nothing.
const STEP_MS_MAX: i64 = 60_000;
const MS_PER_HOUR: f64 = 3_600_000.0;

/// A session of giving back. VSS has no counter for it: the power is added up, and the meter is the sum of sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenDischarge {
    driver: Driver,
    /// Unknown when it had begun before the head unit woke.
    started_ms: Option<i64>,
    last_ms: i64,
    given_wh: f64,
    /// Value of the meter at its start.
    pub(crate) from_wh: u64,
}

impl OpenDischarge {
    pub(crate) fn start(
        driver: Driver,
        started_ms: Option<i64>,
        at_ms: i64,
        marks: &Marks,
    ) -> Self {
        let from_wh = marks.discharged.unwrap_or(0);
        Self {
            driver,
            started_ms,
            last_ms: at_ms,
            given_wh: 0.0,
            from_wh,
        }
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        for at_ms in self.started_ms.iter_mut().chain([&mut self.last_ms]) {
            *at_ms = at_ms.saturating_add(by_ms);
        }
    }

    /// Power until this time counts for nothing: nobody knows since when it was so.
    pub(crate) fn skip_to(&mut self, at_ms: i64) {
        self.last_ms = self.last_ms.max(at_ms);
    }

    /// Takes the power that the battery has had since a time, positive into the battery.
    pub(crate) fn power(&mut self, from_ms: i64, to_ms: i64, watts: f64) {
        let since_ms = to_ms.saturating_sub(from_ms.max(self.last_ms));
        self.last_ms = self.last_ms.max(to_ms);
        if watts < 0.0 && (1..=STEP_MS_MAX).contains(&since_ms) {
            self.given_wh -= watts * since_ms as f64 / MS_PER_HOUR;
        }
    }

    /// Ends it; `None` when it gave less than a watt-hour. Raises the mark.
    pub(crate) fn finish(self, marks: &mut Marks, settings: &Settings) -> Option<Finished> {
        let to_wh = self.from_wh.saturating_add(self.given_wh as u64);
        let discharged: MeterInterval = marks.unsettled(Meter::Discharged, self.from_wh, to_wh)?;
        marks.raise(MeterMark::after(discharged));
        let (started_ms, ended_ms) = (self.started_ms, self.last_ms);
        Some(Finished {
            evidence: Evidence::Discharge(Discharge {
                discharged,
                started: started_ms.map(coarse),
            }),
            driver: self.driver,
            ended_ms,
            utc_offset_min: settings.utc_offset_min,
            private: PrivateEvidence::Discharge(DischargeTrace {
                started_ms,
                ended_ms,
            }),
            marks: *marks,
        })
    }
}
