//! Bugs that the harness plants at its seams, to show that it would find them. The rooms themselves know none of this.

use std::collections::BTreeMap;

use dashpoint_crash_vfs::CrashVfs;
use dashpoint_membership::{DeviceId, ServerTime};
use dashpoint_wire::PublicKey;
use dashpoint_wire::message::EntriesRequest;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde_json::Value;

/// Name of the cloud's database on its disk.
pub(super) const DATABASE: &str = "/cloud.db";

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Planted {
    /// The car's disk says that it has synced and has not.
    SyncsIgnored,
    /// The cloud forgets which entries it has, and settles a repeated one again.
    DedupeOff,
    /// The screen keeps pending as a flag of its own, cleared by the answer, instead of the fold.
    PendingFlag,
    /// The cloud's head and log are durable before the effect, and a crash comes in between.
    HeadBeforeEffect,
    /// A number that was used before a restore is taken for the same entry.
    SeqReused,
    /// The cloud does not check meter intervals.
    IntervalsOff,
    /// The car takes receipts that nobody has verified.
    ReceiptUnverified,
    /// Each device has caps of its own.
    CapPerDevice,
    /// Expired points are left out of the balance, without an entry of the ledger.
    ExpiryFilter,
    /// The head unit takes whatever key lies in its folder for its own.
    KeyUnchecked,
    /// The cloud tells a car that has no policy that there is nothing new.
    NothingNew,
    /// The operator says yes to whoever asks.
    StrangerLetIn,
    /// The cloud believes its clock, whatever it shows.
    ClockBelieved,
    /// The cloud does not remember which receipts it has signed.
    ReceiptsForgotten,
    /// The cloud does not remember which meters it has opened.
    MeterTwice,
    /// The car raises a mark by a value that stands for none.
    MarkOfNothing,
}

impl Planted {
    /// Every bug that the seams allow.
    pub const ALL: [Self; 16] = [
        Self::SyncsIgnored,
        Self::DedupeOff,
        Self::PendingFlag,
        Self::HeadBeforeEffect,
        Self::SeqReused,
        Self::IntervalsOff,
        Self::ReceiptUnverified,
        Self::CapPerDevice,
        Self::ExpiryFilter,
        Self::KeyUnchecked,
        Self::NothingNew,
        Self::StrangerLetIn,
        Self::ClockBelieved,
        Self::ReceiptsForgotten,
        Self::MeterTwice,
        Self::MarkOfNothing,
    ];
}

/// The cloud's database as a second program reaches it.
pub struct Tampering {
    db: Connection,
}

/// An account as it stood.
pub struct AccountRow {
    member: Vec<u8>,
    row: (String, i64, i64, i64, i64, String),
}

impl Tampering {
    /// Opens the database beside the cloud.
    pub fn of(vfs: &CrashVfs) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags_and_vfs(DATABASE, flags, vfs.name())?;
        db.execute_batch(
            "PRAGMA foreign_keys = OFF;
             DROP TRIGGER IF EXISTS entries_kept;
             DROP TRIGGER IF EXISTS settlements_kept;
             DROP TRIGGER IF EXISTS allocations_kept;",
        )?;
        Ok(Self { db })
    }

    /// Forgets the entries of a request that repeats the end of the chain.
    pub fn forget_entries(
        &self,
        device: DeviceId,
        key: &PublicKey,
        request: &EntriesRequest,
    ) -> rusqlite::Result<()> {
        let id = device.as_bytes();
        let (epoch, head): (u32, u64) = self.db.query_row(
            "SELECT epoch, seq FROM devices WHERE device = ?1",
            [id],
            |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())),
        )?;
        let from = request.from.get();
        let last = from + request.entries.len() as u64;
        let Some(first) = request.entries.first() else {
            return Ok(());
        };
        let Ok(first) = first.clone().verify(key, &device) else {
            return Ok(());
        };
        if epoch != request.epoch.get() || from > head || last <= head {
            return Ok(());
        }
        let from = from.cast_signed();
        for sql in [
            "DELETE FROM intervals WHERE device = ?1 AND epoch = ?2 AND seq >= ?3",
            "DELETE FROM entries WHERE device = ?1 AND epoch = ?2 AND seq >= ?3",
        ] {
            self.db.execute(sql, params![id, epoch, from])?;
        }
        self.db.execute(
            "UPDATE devices SET seq = ?2, head = ?3 WHERE device = ?1",
            params![id, from - 1, first.body().prev.as_bytes()],
        )?;
        Ok(())
    }

    /// Believes that the cloud was at work at that time.
    pub fn believe(&self, now: ServerTime) -> rusqlite::Result<()> {
        let sql = "UPDATE cloud SET known = ?1";
        self.db.execute(sql, [now.as_unix_s()]).map(|_| ())
    }

    /// Forgets which receipts were signed.
    pub fn forget_receipts(&self) -> rusqlite::Result<()> {
        self.db.execute("DELETE FROM receipt_times", []).map(|_| ())
    }

    /// Forgets which meters were opened.
    pub fn forget_openings(&self) -> rusqlite::Result<()> {
        let sql = "UPDATE openings SET state = 'refused'";
        self.db.execute(sql, []).map(|_| ())
    }

    /// Forgets what was paid.
    pub fn forget_intervals(&self) -> rusqlite::Result<()> {
        self.db.execute("DELETE FROM intervals", []).map(|_| ())
    }

    /// Every account as it stands.
    pub fn accounts(&self) -> rusqlite::Result<Vec<AccountRow>> {
        let mut statement = self.db.prepare(
            "SELECT member, account, version, balance, growth, arrears, tier FROM members",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(AccountRow {
                member: row.get(0)?,
                row: (
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                    row.get(6)?,
                ),
            })
        })?;
        rows.collect()
    }

    /// Puts accounts back as they stood: the effect since then was not durable.
    pub fn put_back(&self, accounts: &[AccountRow]) -> rusqlite::Result<()> {
        for AccountRow { member, row } in accounts {
            self.db.execute(
                "UPDATE members SET account = ?2, version = ?3, balance = ?4, growth = ?5, arrears = ?6, tier = ?7
                 WHERE member = ?1",
                params![member, row.0, row.1, row.2, row.3, row.4, row.5],
            )?;
            for sql in [
                "DELETE FROM allocations WHERE member = ?1 AND version > ?2",
                "DELETE FROM settlements WHERE member = ?1 AND version > ?2",
            ] {
                self.db.execute(sql, params![member, row.1])?;
            }
        }
        Ok(())
    }

    /// Returns the amounts used against caps, of every member.
    pub fn used(&self) -> rusqlite::Result<BTreeMap<Vec<u8>, Value>> {
        let accounts = self.accounts()?.into_iter();
        let used = accounts.filter_map(|AccountRow { member, row }| {
            let mut account: Value = serde_json::from_str(&row.0).ok()?;
            Some((member, account.get_mut("used")?.take()))
        });
        Ok(used.collect())
    }

    /// Lets the caps count what one device was paid alone.
    pub fn put_used(&self, used: &BTreeMap<Vec<u8>, Value>) -> rusqlite::Result<()> {
        for AccountRow { member, row } in self.accounts()? {
            let Ok(mut account) = serde_json::from_str::<Value>(&row.0) else {
                continue;
            };
            let empty = Value::Object(serde_json::Map::new());
            account["used"] = used.get(&member).cloned().unwrap_or(empty);
            self.put_account(&member, &account)?;
        }
        Ok(())
    }

    /// Leaves expired lots out of the balance.
    pub fn filter_expired(&self, now: ServerTime) -> rusqlite::Result<()> {
        for AccountRow { member, row } in self.accounts()? {
            let Ok(mut account) = serde_json::from_str::<Value>(&row.0) else {
                continue;
            };
            let Some(lots) = account.get_mut("lots").and_then(Value::as_array_mut) else {
                continue;
            };
            let before = lots.len();
            lots.retain(|lot| {
                lot["expires"]
                    .as_i64()
                    .is_none_or(|at| at > now.as_unix_s())
            });
            if lots.len() < before {
                self.put_account(&member, &account)?;
            }
        }
        Ok(())
    }

    fn put_account(&self, member: &[u8], account: &Value) -> rusqlite::Result<()> {
        let sql = "UPDATE members SET account = ?2 WHERE member = ?1";
        self.db
            .execute(sql, params![member, account.to_string()])
            .map(|_| ())
    }

    /// Returns whether the place of an entry is taken in the log.
    pub fn is_taken(&self, device: DeviceId, epoch: u32, seq: u64) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM entries WHERE device = ?1 AND epoch = ?2 AND seq = ?3";
        let place = params![device.as_bytes(), epoch, seq.cast_signed()];
        let found = self.db.query_row(sql, place, |_| Ok(())).optional()?;
        Ok(found.is_some())
    }
}
