//! The cloud's decisions and writes: synchronous, on one connection, with the time and new ids as parameters.
//!
//! HTTP and the command line sit on top of it; a simulation calls it as it is.

mod asked_from;
mod asked_proofs;
mod bring_over;
mod bundles;
mod claw_back;
mod clock_guard;
mod clock_leap;
mod consent;
mod dropped_rules;
mod dropped_tiers;
mod enrol;
mod entries;
mod entry_payments;
mod epochs;
mod expiry;
mod freed_meters;
mod health;
mod holds;
mod intake;
mod judged;
mod ledger_view;
mod losers;
mod maintain;
mod members;
mod meters;
mod named;
mod named_caps;
mod openings;
mod policies;
mod proof;
mod review;
mod rule_report;
mod selected;
mod server_epochs;
mod settler;
mod statement;
mod unit_of_work;
mod waits;

use std::path::Path;

use dashpoint_membership::{Policies, ServerTime};
use dashpoint_wire::{CloudKey, PublicKey, Raw, Receipt, SigningKey};
use rusqlite::{Connection, TransactionBehavior};

pub use bring_over::{BroughtOver, LeftOut, StaysBehind};
pub use bundles::PolicyLine;
pub(crate) use consent::REASON_MAX;
pub use consent::Word;
pub use dropped_rules::DroppedRule;
pub use dropped_tiers::DroppedTier;
pub use enrol::{Approval, Approved, AskIds, GrantedIds, Waiting};
pub use entries::PostOutcome;
pub use expiry::Reversed;
pub(crate) use intake::ENTRIES_A_DAY;
pub use ledger_view::{EntryChange, EntryLine};
pub use losers::{LateEntries, LatePayment};
pub use maintain::Maintained;
pub use members::{DeviceLine, NewMember};
pub use meters::{FreedStretches, Revocation, Selected};
pub use named::{NamedDevice, NamedMember, NamedVehicle};
pub use named_caps::NamedCap;
pub use openings::{CorrectedReadings, OpeningLine, OpeningRuling, WaitedEntries};
pub use review::{HeldLine, Ruling};
pub use rule_report::RuleLine;
pub use selected::SelectedEntries;

use crate::clock::ClockKind;
use crate::error::CloudError;
use crate::folder::CommandLock;
use crate::store::cloud_row::{self, CloudRow};
use crate::store::{bindings, devices, receipts};
use crate::watch::Watch;
use asked_from::AskedFrom;
use asked_proofs::AskedProofs;
use unit_of_work::UnitOfWork;
use waits::Waits;

/// The member cloud without its network.
#[derive(Debug)]
pub struct CloudCore {
    db: Connection,
    key: SigningKey,
    /// Every version that was signed; they never change, so only newer ones are ever looked for.
    policies: Policies,
    watch: Watch,
    /// A write failed for a reason that lies outside the program, and no heartbeat has proved since that there is room.
    has_failed: bool,
    /// The time that was known at the last heartbeat.
    known_at_beat: Option<ServerTime>,
    entries_a_day: u32,
    asked_from: AskedFrom,
    waits: Waits,
    asked_proofs: AskedProofs,
    /// Let go of after the database.
    lock: Option<CommandLock>,
}

impl CloudCore {
    /// Takes a database of [`crate::open_file`] or [`crate::open_in_memory`] and the cloud's key. A database that was never
    /// started gets its first life, on `clock`, with the default policy and catalogue.
    ///
    /// # Errors
    /// [`CloudError::ClockKept`] when the database has another clock; [`CloudError::OtherKey`] when it is another cloud's;
    /// [`CloudError`] when it fails.
    pub fn start(
        db: Connection,
        key: SigningKey,
        clock: ClockKind,
        now: ServerTime,
    ) -> Result<Self, CloudError> {
        let mut db = db;
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = cloud_row::find(&tx)?;
        match &found {
            Some(found) if found.clock == clock => {}
            Some(found) => {
                return Err(CloudError::ClockKept {
                    made: found.clock.name(),
                });
            }
            None => {
                cloud_row::begin(&tx, clock, &key.public(), now)?;
                policies::sign_defaults(&tx, &key, now)?;
            }
        }
        own(found.as_ref(), &key.public())?;
        let policies = policies::load(&tx, &key.public())?;
        if found.is_some_and(|found| found.key.is_none()) {
            bind(&tx, &key.public())?;
        }
        tx.commit()?;
        Ok(Self {
            db,
            key,
            policies,
            watch: Watch::default(),
            has_failed: false,
            known_at_beat: None,
            entries_a_day: ENTRIES_A_DAY,
            asked_from: AskedFrom::default(),
            waits: Waits::default(),
            asked_proofs: AskedProofs::default(),
            lock: None,
        })
    }

    /// Notices from now on when the database at that path, which this core has open, is deleted or replaced.
    pub(crate) fn watch(&mut self, database: &Path) {
        self.watch = Watch::on(database);
    }

    /// Keeps a lock for as long as it has the database open.
    pub(crate) fn hold(&mut self, lock: CommandLock) {
        self.lock = Some(lock);
    }

    /// Takes a database that was started before, and the key that signed what it holds.
    pub(crate) fn of(db: Connection, key: SigningKey) -> Result<Self, CloudError> {
        own(cloud_row::find(&db)?.as_ref(), &key.public())?;
        let policies = policies::load(&db, &key.public())?;
        Ok(Self {
            db,
            key,
            policies,
            watch: Watch::default(),
            has_failed: false,
            known_at_beat: None,
            entries_a_day: ENTRIES_A_DAY,
            asked_from: AskedFrom::default(),
            waits: Waits::default(),
            asked_proofs: AskedProofs::default(),
            lock: None,
        })
    }

    /// The open database.
    pub(crate) const fn database(&self) -> &Connection {
        &self.db
    }

    /// Ends the core and hands its database over.
    pub(crate) fn into_database(self) -> Connection {
        self.db
    }

    /// Lets each device have so many entries recorded in a day, in place of the default.
    pub const fn allow_entries_a_day(&mut self, entries: u32) {
        self.entries_a_day = entries;
    }

    /// Returns what cars are configured with: the public key and the salt that belongs to it.
    #[must_use]
    pub fn cloud_key(&self) -> CloudKey {
        CloudKey {
            public: self.key.public(),
            salt: Some(self.key.name_salt()),
        }
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
        let life = cloud_row::find(&self.db)?;
        Ok(match life {
            Some(life) if life.clock == ClockKind::Posted => life.posted_now,
            Some(_) | None => system,
        })
    }

    /// The time to go by when nothing is changed.
    fn believed(&self, now: ServerTime) -> Result<ServerTime, CloudError> {
        let life = cloud_row::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        Ok(clock_guard::believed(&life, now))
    }

    /// Runs one unit of work at a time that is believed: all of it is on the disk when this returns `Ok`, and none of it
    /// otherwise.
    fn work<R>(
        &mut self,
        now: ServerTime,
        work: impl FnOnce(&UnitOfWork<'_>) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        let at = |life: &CloudRow| clock_guard::heed(life, now);
        self.write(at, |unit, life| {
            unit.note_leap(life)?;
            if clock_guard::is_old(life, unit.now) {
                cloud_row::know(unit.db, unit.now)?;
            }
            // Only a posted clock goes back without an operator's word.
            if unit.now < life.known {
                bindings::begin_by(unit.db, unit.now)?;
            }
            work(unit)
        })
    }

    /// Runs one unit of work whatever the clock shows.
    fn unguarded<R>(
        &mut self,
        now: ServerTime,
        work: impl FnOnce(&UnitOfWork<'_>, &CloudRow) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        self.write(|_| Ok(now), work)
    }

    fn write<R>(
        &mut self,
        at: impl FnOnce(&CloudRow) -> Result<ServerTime, CloudError>,
        work: impl FnOnce(&UnitOfWork<'_>, &CloudRow) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        self.watch.check()?;
        let done = self.unit(TransactionBehavior::Immediate, at, work);
        if let Err(failed) = &done {
            self.has_failed |= failed.is_the_disks();
        }
        // What was committed to a file that nobody finds again is not done.
        self.watch.check()?;
        done
    }

    /// Looks something up and signs it, at the last known time when the clock is not believed: nothing is changed.
    fn look<R>(
        &mut self,
        now: ServerTime,
        look: impl FnOnce(&UnitOfWork<'_>) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        self.watch.check()?;
        let at = |life: &CloudRow| Ok(clock_guard::believed(life, now));
        self.unit(TransactionBehavior::Deferred, at, |unit, _| look(unit))
    }

    fn unit<R>(
        &mut self,
        behavior: TransactionBehavior,
        at: impl FnOnce(&CloudRow) -> Result<ServerTime, CloudError>,
        work: impl FnOnce(&UnitOfWork<'_>, &CloudRow) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        let tx = self.db.transaction_with_behavior(behavior)?;
        policies::learn(&tx, &self.key.public(), &mut self.policies)?;
        let life = cloud_row::find(&tx)?.ok_or(CloudError::ForeignDatabase)?;
        let now = at(&life)?;
        let unit = UnitOfWork {
            db: &tx,
            key: &self.key,
            policies: &self.policies,
            server_epoch: life.server_epoch,
            now,
            entries_a_day: self.entries_a_day,
        };
        let done = work(&unit, &life)?;
        tx.commit()?;
        Ok(done)
    }
}

/// Refuses a database that another key has signed.
fn own(life: Option<&CloudRow>, key: &PublicKey) -> Result<(), CloudError> {
    match life.and_then(|life| life.key) {
        Some(made) if made != *key => Err(CloudError::OtherKey { made, here: *key }),
        Some(_) | None => Ok(()),
    }
}

/// Writes down whose database this is, and the times of the last receipts, when it comes from a schema that had neither.
fn bind(db: &Connection, key: &PublicKey) -> Result<(), CloudError> {
    for (device, receipt) in devices::receipts(db)? {
        if let Ok(receipt) = Raw::<Receipt>::from(receipt).verify(key, &device) {
            receipts::keep(db, device, receipt.body().server_time)?;
        }
    }
    cloud_row::bind(db, key)
}
