//! The cloud's decisions and writes: synchronous, on one connection, with the time and new ids as parameters.
//!
//! HTTP and the command line sit on top of it; a simulation calls it as it is.

mod bundles;
mod consent;
mod desk;
mod enrol;
mod entries;
mod epochs;
mod ledger_view;
mod lives;
mod maintain;
mod members;
mod plausible;
mod settler;
mod statement;

use std::path::Path;

use dashpoint_membership::{Policies, ServerTime};
use dashpoint_wire::{PublicKey, SigningKey};
use rusqlite::{Connection, TransactionBehavior};

pub use bundles::PolicyLine;
pub use consent::Word;
pub use enrol::{Approval, Approved, AskIds, GrantedIds, Waiting};
pub use entries::Posted;
pub use ledger_view::EntryLine;
pub use maintain::Maintained;
pub use members::{DeviceLine, NewMember};
pub use plausible::{Flaw, flaw};
pub use statement::SETTLEMENTS_MAX;

use crate::clock::ClockKind;
use crate::error::CloudError;
use crate::folder::Folder;
use crate::store::life;
use desk::Desk;

/// The member cloud without its network.
#[derive(Debug)]
pub struct CloudCore {
    db: Connection,
    key: SigningKey,
    /// Every version that was signed; they never change, so only newer ones are ever looked for.
    policies: Policies,
}

impl CloudCore {
    /// Takes a database of [`crate::open_file`] or [`crate::open_in_memory`] and the cloud's key. A database that was never
    /// started gets its first life, on `clock`, with the default policy and catalogue.
    ///
    /// # Errors
    /// [`CloudError::ClockKept`] when the database has another clock; [`CloudError`] when it fails.
    pub fn start(
        db: Connection,
        key: SigningKey,
        clock: ClockKind,
        now: ServerTime,
    ) -> Result<Self, CloudError> {
        let mut db = db;
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match life::find(&tx)? {
            Some(found) if found.clock == clock => {}
            Some(found) => {
                return Err(CloudError::ClockKept {
                    made: found.clock.name(),
                });
            }
            None => {
                life::begin(&tx, clock, now)?;
                bundles::sign_defaults(&tx, &key, now)?;
            }
        }
        let policies = bundles::load(&tx, &key.public())?;
        tx.commit()?;
        Ok(Self { db, key, policies })
    }

    /// Opens the cloud of a data folder that was started before, for a program that works beside the one that serves.
    ///
    /// # Errors
    /// [`CloudError::NoCloud`] when there is none; [`CloudError`] when it cannot be read.
    pub fn open_folder(data: &Path) -> Result<Self, CloudError> {
        let folder = Folder::new(data);
        if !folder.has_cloud() {
            return Err(CloudError::NoCloud(data.to_owned()));
        }
        let db = crate::store::open_file(&folder.database())?;
        if life::find(&db)?.is_none() {
            return Err(CloudError::NoCloud(data.to_owned()));
        }
        Self::of(db, folder.read_key()?)
    }

    /// Takes a database that was started before, and the key that signed what it holds.
    pub(crate) fn of(db: Connection, key: SigningKey) -> Result<Self, CloudError> {
        let policies = bundles::load(&db, &key.public())?;
        Ok(Self { db, key, policies })
    }

    /// Writes a copy of the database to a file that does not exist yet.
    pub(crate) fn copy_into(&self, file: &Path) -> Result<(), CloudError> {
        let file = file.to_string_lossy();
        self.db.execute("VACUUM INTO ?1", [file.as_ref()])?;
        Ok(())
    }

    /// Brings everything into the one file of the database, and closes it.
    pub(crate) fn close(self) -> Result<(), CloudError> {
        self.db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.db.close().map_err(|(_, refused)| refused.into())
    }

    /// The key that verifies what this cloud signs.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    /// The time by the clock of this cloud, given the machine's.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn now(&self, system: ServerTime) -> Result<ServerTime, CloudError> {
        let life = life::find(&self.db)?;
        Ok(match life {
            Some(life) if life.clock == ClockKind::Posted => life.posted_now,
            Some(_) | None => system,
        })
    }

    /// Runs one unit of work: all of it is on the disk when this returns `Ok`, and none of it otherwise.
    fn work<R>(
        &mut self,
        now: ServerTime,
        work: impl FnOnce(&Desk<'_>) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        bundles::learn(&tx, &self.key.public(), &mut self.policies)?;
        let life = life::find(&tx)?.ok_or(CloudError::ForeignDatabase)?;
        let done = work(&Desk {
            db: &tx,
            key: &self.key,
            policies: &self.policies,
            server_epoch: life.server_epoch,
            now,
        })?;
        tx.commit()?;
        Ok(done)
    }
}
