//! The guard against a clock that leaps: what it forbids is not done before an operator has spoken.

use dashpoint_membership::ServerTime;

use super::CloudCore;
use super::consent::given;
use crate::clock::ClockKind;
use crate::error::CloudError;
use crate::store::bindings;
use crate::store::life::{self, Life};

/// Farthest that the clock may be ahead of the last time at which the database was at work, in seconds: 30 days. A cloud that
/// stood still for a weekend or over a holiday needs no word, and what ends by such a leap would have ended within the month.
const AHEAD_S_MAX: i64 = 30 * 86_400;
/// Farthest that it may be behind, in seconds: a day. A machine that keeps local time in its hardware clock is wrong by up to
/// 14 hours until somebody corrects it, and nothing that ends by time ends earlier for a clock that is behind.
const BEHIND_S_MAX: i64 = 86_400;
/// Age that the known time may reach while the database is at work, in seconds.
const KNOWN_S: i64 = 60;

/// Checks a time against the last one at which the database was at work; a posted clock leaps by design.
pub(super) fn check(life: &Life, now: ServerTime) -> Result<(), CloudError> {
    let believed = life.known.plus_s(-BEHIND_S_MAX)..=life.known.plus_s(AHEAD_S_MAX);
    if life.clock == ClockKind::Posted || believed.contains(&now) {
        Ok(())
    } else {
        Err(CloudError::ClockLeapt {
            known: life.known,
            now,
        })
    }
}

/// The time to go by when nothing is changed: the last known one instead of one that is not believed.
pub(super) fn believed(life: &Life, now: ServerTime) -> ServerTime {
    check(life, now).map_or(life.known, |()| now)
}

/// Tells when the known time is to be written anew.
pub(super) fn is_old(life: &Life, now: ServerTime) -> bool {
    now >= life.known.plus_s(KNOWN_S)
}

impl CloudCore {
    /// Takes the clock for right although it leapt, with an operator's reason, which is kept. With a clock that did not leap
    /// nothing happens and nothing is kept; returns whether it leapt.
    ///
    /// # Errors
    /// [`CloudError::NoReason`] for a reason without a word, or what the database said.
    pub fn accept_clock(&mut self, reason: &str, now: ServerTime) -> Result<bool, CloudError> {
        let reason = given(reason)?;
        self.unguarded(now, |desk, life| {
            if check(life, now).is_ok() {
                return Ok(false);
            }
            life::keep_accepted(desk.db, life.known, now, reason)?;
            life::believe(desk.db, now)?;
            bindings::begin_by(desk.db, now)?;
            tracing::warn!(known = %life.known, %now, reason, "an operator takes the clock for right");
            Ok(true)
        })
    }

    /// Checks the clock as each change does, and writes down that the database is at work.
    ///
    /// # Errors
    /// [`CloudError::ClockLeapt`], [`CloudError::DatabaseGone`], or what the disk said.
    pub fn heartbeat(&mut self, now: ServerTime) -> Result<(), CloudError> {
        self.work(now, |desk| life::know(desk.db, now))
    }

    /// The reason why nothing can be changed now, if there is one. Nothing is written unless the last write failed.
    ///
    /// # Errors
    /// As for [`Self::heartbeat`].
    pub fn health(&mut self, now: ServerTime) -> Result<(), CloudError> {
        if self.has_failed {
            return self.heartbeat(now);
        }
        self.watch.check()?;
        let life = life::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        check(&life, now)
    }
}
