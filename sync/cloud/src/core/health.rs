//! Tells whether changes are possible now, and takes an operator's word on a clock that leapt.

use std::collections::BTreeMap;

use dashpoint_membership::{DeviceId, ServerTime};
use rusqlite::Connection;

use super::CloudCore;
use super::clock_guard::heed;
use super::clock_leap::is_leap;
use super::consent::given;
use super::waits;
use crate::clock::ClockKind;
use crate::error::CloudError;
use crate::lacking::Lacking;
use crate::store::{bindings, bundles, clock_leap, cloud_row, devices, members, room};

impl CloudCore {
    /// Takes the clock for right although it leapt, with an operator's reason, which is kept: one that is not believed, and one
    /// that waits to be confirmed. With a clock that did not leap nothing happens and nothing is kept; returns whether it leapt.
    ///
    /// # Errors
    /// [`CloudError::NoReason`] for a reason without a word, or what the database said.
    pub fn accept_clock(&mut self, reason: &str, now: ServerTime) -> Result<bool, CloudError> {
        let reason = given(reason)?;
        self.unguarded(now, |unit, life| {
            let unconfirmed = clock_leap::find(unit.db)?;
            if heed(life, now).is_ok() && !is_leap(life, now) && unconfirmed.is_none() {
                return Ok(false);
            }
            let known = unconfirmed.map_or(life.known, |leap| leap.known);
            cloud_row::keep_accepted(unit.db, known, now, reason)?;
            cloud_row::believe(unit.db, now)?;
            clock_leap::confirm(unit.db)?;
            bindings::begin_by(unit.db, now)?;
            tracing::warn!(%known, %now, reason, "an operator takes the clock for right");
            Ok(true)
        })
    }

    /// Checks the clock as each change does, and writes down that the database is at work. Once a write has failed by the
    /// disk, as much as a whole batch needs must find room: a row fits into the log also where a batch does not.
    ///
    /// # Errors
    /// [`CloudError::ClockLeapt`], [`CloudError::DatabaseGone`], [`CloudError::NoRoom`], or what the disk said.
    pub fn heartbeat(&mut self, now: ServerTime) -> Result<(), CloudError> {
        let known = self.work(now, |unit| {
            cloud_row::know(unit.db, unit.now)?;
            Ok(unit.now)
        })?;
        self.known_at_beat = Some(known);
        if self.has_failed {
            self.work(now, |unit| room::fill(unit.db))?;
            self.work(now, |unit| room::clear(unit.db))?;
            self.has_failed = false;
        }
        self.watch.check_room()
    }

    /// Lets the last known time go on by the `elapsed_s` seconds since the last heartbeat, which a clock that cannot leap has
    /// counted: all of them when the cloud's own clock was not believed at their beginning, for one that is behind would be taken
    /// for right after as long as it is behind; else but for a sixtieth, by which a sound clock may be slower. One that stands
    /// still, or is set back again and again, is noticed so. A day of them confirms a clock that leapt ahead.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn time_passes(&mut self, elapsed_s: i64, now: ServerTime) -> Result<(), CloudError> {
        let known_at_beat = self.known_at_beat;
        self.unguarded(now, |unit, life| {
            unit.confirm_by_work(life, elapsed_s)?;
            let least = match (heed(life, now.plus_s(-elapsed_s)), known_at_beat) {
                (Err(_), _) => life.known.plus_s(elapsed_s),
                (Ok(_), Some(known)) => known.plus_s(elapsed_s - elapsed_s / 60),
                (Ok(_), None) => return Ok(()),
            };
            if life.clock == ClockKind::System && least > life.known {
                cloud_row::know(unit.db, least)?;
            }
            Ok(())
        })
    }

    /// The reason why a batch may not be taken now, if there is one. Nothing is written unless a write has failed.
    ///
    /// # Errors
    /// As for [`Self::heartbeat`].
    pub fn health(&mut self, now: ServerTime) -> Result<(), CloudError> {
        if self.has_failed {
            return self.heartbeat(now);
        }
        self.watch.check()?;
        self.watch.check_room()?;
        let life = cloud_row::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        heed(&life, now).map(|_| ())
    }

    /// Takes note of a request that has to wait, and logs once what it waits for. Other requests of the device that are done
    /// say nothing of it.
    pub(super) fn note_wait<T>(&mut self, device: DeviceId, done: &Result<T, CloudError>) {
        if let Err(failed) = done
            && let Some(lacking) = waits::awaited(failed)
            && self.waits.begin(device, lacking)
        {
            tracing::warn!(%device, %failed, "entries wait");
        }
    }

    /// Says what entries wait for since this program started, a line each; `None` when none wait. What has come, and what only a
    /// device waits for that was shut out, is waited for no more.
    pub fn waits(&mut self) -> Option<String> {
        let db = &self.db;
        let mut known = BTreeMap::new();
        self.waits.retain(|device, lacking| {
            // What the database does not tell now is waited for until it does.
            let is_lacking = known
                .entry(lacking)
                .or_insert_with(|| is_lacking(db, lacking).unwrap_or(true));
            *is_lacking && !devices::is_revoked(db, device).unwrap_or(false)
        });
        self.waits.lines()
    }
}

fn is_lacking(db: &Connection, lacking: Lacking) -> Result<bool, CloudError> {
    Ok(match lacking {
        // The device itself shows it.
        Lacking::Binding(_) | Lacking::Epoch(_) => true,
        Lacking::Policy(version) => bundles::policy(db, version)?.is_none(),
        Lacking::Member(member) => members::profile(db, member)?.is_none(),
    })
}
