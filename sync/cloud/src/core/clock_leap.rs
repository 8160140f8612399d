//! A clock that leapt ahead by less than what is not believed at all: cars are served and paid, and what goes by the clock alone
//! waits until the leap is confirmed, by an operator or by a day at work.

use dashpoint_membership::ServerTime;

use super::CloudCore;
use super::clock_guard::heed;
use super::unit_of_work::UnitOfWork;
use crate::clock::{ClockKind, UnconfirmedClock};
use crate::error::CloudError;
use crate::store::clock_leap::{self, ClockLeap};
use crate::store::cloud_row::{self, CloudRow};

/// Farthest that the clock may come ahead of the last known time with nobody to confirm it, in seconds: a day. What ends by such
/// a leap would have ended a day later, and a cloud that is stopped at night needs no word.
const UNCONFIRMED_S_MAX: i64 = 86_400;
/// Time at work that confirms a leap, in seconds: an operator had a day in which to read of it.
const CONFIRMS_S: i64 = 86_400;

/// Returns whether a time is so far ahead of the last known one that it has to be confirmed.
pub(super) fn is_leap(life: &CloudRow, now: ServerTime) -> bool {
    life.clock == ClockKind::System && now > life.known.plus_s(UNCONFIRMED_S_MAX)
}

impl CloudCore {
    /// Returns the leap that waits to be confirmed, if the clock is believed otherwise.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn unconfirmed_clock(
        &self,
        now: ServerTime,
    ) -> Result<Option<UnconfirmedClock>, CloudError> {
        let life = cloud_row::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        if heed(&life, now).is_err() {
            return Ok(None);
        }
        let leap = if is_leap(&life, now) {
            Some(ClockLeap::from(life.known, now))
        } else {
            clock_leap::find(&self.db)?
        };
        Ok(leap.map(|leap| leap.unconfirmed(now)))
    }

    /// Takes over the leap of a database that this one takes the place of, or that it waits for none.
    pub(crate) fn take_leap(&self, leap: Option<ClockLeap>) -> Result<(), CloudError> {
        clock_leap::confirm(&self.db)?;
        leap.map_or(Ok(()), |leap| clock_leap::keep(&self.db, leap))
    }

    /// Runs one unit of work that goes by the clock alone, and that nothing takes back.
    ///
    /// # Errors
    /// [`CloudError::ClockUnconfirmed`] when the clock leapt; what the work returns.
    pub(super) fn work_by_clock<R>(
        &mut self,
        now: ServerTime,
        work: impl FnOnce(&UnitOfWork<'_>) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        self.work(now, |unit| match clock_leap::find(unit.db)? {
            None => work(unit),
            Some(leap) => Err(CloudError::ClockUnconfirmed(leap.unconfirmed(unit.now))),
        })
    }
}

impl UnitOfWork<'_> {
    /// Takes note of a leap.
    pub fn note_leap(&self, life: &CloudRow) -> Result<(), CloudError> {
        if is_leap(life, self.now) {
            clock_leap::keep(self.db, ClockLeap::from(life.known, self.now))?;
        }
        Ok(())
    }

    /// Counts time at work under a clock that is believed; a day of it confirms a leap.
    pub fn confirm_by_work(&self, life: &CloudRow, elapsed_s: i64) -> Result<(), CloudError> {
        let Some(leap) = clock_leap::find(self.db)? else {
            return Ok(());
        };
        if heed(life, self.now).is_err() {
            return Ok(());
        }
        if leap.worked_s + elapsed_s < CONFIRMS_S {
            return clock_leap::work_on(self.db, elapsed_s);
        }
        tracing::warn!(known = %leap.known, leapt = %leap.leapt, "the cloud was at work for a day since its clock leapt: the clock is taken for right");
        clock_leap::confirm(self.db)
    }
}

impl ClockLeap {
    const fn from(known: ServerTime, leapt: ServerTime) -> Self {
        Self {
            known,
            leapt,
            worked_s: 0,
        }
    }

    fn unconfirmed(self, now: ServerTime) -> UnconfirmedClock {
        UnconfirmedClock {
            known: self.known,
            leapt: self.leapt,
            until: now.plus_s(CONFIRMS_S - self.worked_s),
        }
    }
}
