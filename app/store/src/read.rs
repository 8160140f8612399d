//! Questions to the ledger.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use dashpoint_membership::{Entry, EntryHash, Epoch, Meter, MeterNumber, Points, Seq};
use dashpoint_wire::{ChainPoint, Raw};
use rusqlite::{Row, params};

use crate::chain;
use crate::entry::{Activity, EntrySummary, SEQ_MAX, StoredEntry, meter_of, row_id};
use crate::error::{Doing as _, StoreError};
use crate::sealing::{Opened, SealedPlace, open};
use crate::store::StoreReader;
use crate::types::{Awaiting, AwaitingId, StoredEpoch, StoredVerdict, Unconfirmed};

const ENTRY_COLUMNS: &str =
    "id, hash, prev, raw, private, made_at, binding, trigger, carried, points,
    at_min, meter, meter_from, meter_to";

impl StoreReader {
    /// The newest grant.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn newest_epoch(&self) -> Result<Option<StoredEpoch>, StoreError> {
        Ok(self.epochs()?.pop())
    }

    /// All grants, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn epochs(&self) -> Result<Vec<StoredEpoch>, StoreError> {
        let doing = "read the epochs";
        let mut statement = self
            .ledger
            .prepare_cached("SELECT epoch, hash, raw FROM epoch ORDER BY epoch")
            .doing(doing)?;
        let rows = statement.query_map([], |row| {
            Ok(StoredEpoch {
                epoch: Epoch::new(row.get(0)?),
                hash: EntryHash::from_bytes(row.get(1)?),
                raw: Raw::from(row.get::<_, Vec<u8>>(2)?),
            })
        });
        rows.and_then(Iterator::collect).doing(doing)
    }

    /// The last link of an epoch: its grant while it has no entry; `None` when it was not granted.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn head(&self, epoch: Epoch) -> Result<Option<ChainPoint>, StoreError> {
        chain::head(&self.ledger, epoch)
    }

    /// The link at a place, 0 being the epoch's grant.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn point(&self, epoch: Epoch, seq: Seq) -> Result<Option<ChainPoint>, StoreError> {
        chain::point(&self.ledger, epoch, seq)
    }

    /// The signed bytes of the entries of an epoch after a place, in order, at most `limit`.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn entries_after(
        &self,
        epoch: Epoch,
        seq: Seq,
        limit: u32,
    ) -> Result<Vec<Raw<Entry>>, StoreError> {
        let doing = "read entries to send";
        let after = row_id(epoch, seq)?;
        let last = row_id(epoch, Seq::new(SEQ_MAX))?;
        let mut statement = self
            .ledger
            .prepare_cached("SELECT raw FROM entry WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3")
            .doing(doing)?;
        let rows = statement.query_map(params![after, last, limit], |row| {
            Ok(Raw::from(row.get::<_, Vec<u8>>(0)?))
        });
        rows.and_then(Iterator::collect).doing(doing)
    }

    /// The signed bytes of the newest entries, the newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn newest_entries(&self, limit: u32) -> Result<Vec<Raw<Entry>>, StoreError> {
        let doing = "read the newest entries";
        let mut statement = self
            .ledger
            .prepare_cached("SELECT raw FROM entry ORDER BY id DESC LIMIT ?1")
            .doing(doing)?;
        let rows = statement.query_map([limit], |row| Ok(Raw::from(row.get::<_, Vec<u8>>(0)?)));
        rows.and_then(Iterator::collect).doing(doing)
    }

    /// One entry with its private evidence.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn entry(&self, epoch: Epoch, seq: Seq) -> Result<Option<StoredEntry>, StoreError> {
        let doing = "read an entry";
        let sql = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE id = ?1");
        let mut statement = self.ledger.prepare_cached(&sql).doing(doing)?;
        let mut rows = statement.query([row_id(epoch, seq)?]).doing(doing)?;
        rows.next()
            .doing(doing)?
            .map(|row| self.stored_entry(row))
            .transpose()
    }

    /// Shows every entry to `look` in the order of the chain, epoch by epoch, until it breaks off.
    ///
    /// One at a time is in memory.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn for_each_entry(
        &self,
        mut look: impl FnMut(StoredEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let doing = "read all entries";
        let sql = format!("SELECT {ENTRY_COLUMNS} FROM entry ORDER BY id");
        let mut statement = self.ledger.prepare_cached(&sql).doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            if look(self.stored_entry(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Entries of this device that do not fit the chain here, in the order of their places.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn strays(&self) -> Result<Vec<StoredEntry>, StoreError> {
        let doing = "read the entries beside the chain";
        let sql = format!("SELECT {ENTRY_COLUMNS} FROM stray ORDER BY id, hash");
        let mut statement = self.ledger.prepare_cached(&sql).doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut strays = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            strays.push(self.stored_entry(row)?);
        }
        Ok(strays)
    }

    /// Returns whether entries of this epoch, or of a later one, are stored as strays.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn is_forked(&self, epoch: Epoch) -> Result<bool, StoreError> {
        let doing = "look for entries beside the chain";
        let sql = "SELECT EXISTS (SELECT 1 FROM stray WHERE id >= ?1)";
        let mut statement = self.ledger.prepare_cached(sql).doing(doing)?;
        let first = row_id(epoch, Seq::new(0))?;
        statement.query_row([first], |row| row.get(0)).doing(doing)
    }

    /// A page of entries with the cloud's word on each, newest first: those before a place, or the last ones.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn activity(
        &self,
        before: Option<(Epoch, Seq)>,
        limit: u32,
    ) -> Result<Vec<Activity>, StoreError> {
        const SQL: &str = "SELECT e.id, e.hash, e.raw, v.server_epoch, v.raw,
                e.binding, e.trigger, e.carried, e.points, e.at_min, e.meter, e.meter_from, e.meter_to
            FROM entry e
            LEFT JOIN verdict v ON v.entry = e.id
                AND v.server_epoch = (SELECT max(server_epoch) FROM verdict WHERE entry = e.id)
            WHERE e.id < ?1 ORDER BY e.id DESC LIMIT ?2";
        let doing = "read the activity";
        let before = before.map_or(Ok(i64::MAX), |(epoch, seq)| row_id(epoch, seq))?;
        let mut statement = self.ledger.prepare_cached(SQL).doing(doing)?;
        let mut rows = statement.query(params![before, limit]).doing(doing)?;
        let mut page = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            page.push(Activity {
                point: chain::chain_point(row)?,
                raw: Raw::from(row.get::<_, Vec<u8>>(2).doing(doing)?),
                summary: EntrySummary::read(row, 5)?,
                verdict: StoredVerdict::read_if_any(row, 3)?,
            });
        }
        Ok(page)
    }

    /// Counts the entries of an epoch that no receipt covers: derived each time, never kept.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn unconfirmed(&self, epoch: Epoch) -> Result<Unconfirmed, StoreError> {
        let through = match self.last_receipt()? {
            Some(receipt) if receipt.through.epoch == epoch => receipt.through.seq,
            Some(_) | None => Seq::new(0),
        };
        let last = row_id(epoch, Seq::new(SEQ_MAX))?;
        self.ledger
            .prepare_cached(
                "SELECT count(*), coalesce(sum(points), 0), min(made_at) FROM entry WHERE id > ?1 AND id <= ?2",
            )
            .doing("count what is unconfirmed")?
            .query_row(params![row_id(epoch, through)?, last], |row| {
                Ok(Unconfirmed {
                    entries: row.get(0)?,
                    points: Points::new(row.get(1)?),
                    since_unix_s: row.get(2)?,
                })
            })
            .doing("count what is unconfirmed")
    }

    /// Up to where each meter has been settled.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn marks(&self) -> Result<BTreeMap<(Meter, MeterNumber), u64>, StoreError> {
        let doing = "read the meter marks";
        let mut statement = self
            .ledger
            .prepare_cached("SELECT meter, high FROM mark")
            .doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut marks = BTreeMap::new();
        while let Some(row) = rows.next().doing(doing)? {
            marks.insert(
                meter_of(row.get(0).doing(doing)?)?,
                row.get(1).doing(doing)?,
            );
        }
        Ok(marks)
    }

    /// Evidence that waits to be signed, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn awaiting(&self) -> Result<Vec<Awaiting>, StoreError> {
        let doing = "read the evidence that awaits signing";
        let mut statement = self
            .ledger
            .prepare_cached("SELECT id, evidence, made_at, private FROM awaiting ORDER BY id")
            .doing(doing)?;
        let rows = statement.query_map([], |row| {
            let evidence: Vec<u8> = row.get(1)?;
            let private: Option<Vec<u8>> = row.get(3)?;
            let place = SealedPlace::Awaiting(dashpoint_wire::digest(&evidence));
            let private = private.and_then(|kept| open(self.seal.as_ref(), &place, kept).plain());
            Ok(Awaiting {
                id: AwaitingId(row.get(0)?),
                evidence,
                private,
                made_at_unix_s: row.get(2)?,
            })
        });
        rows.and_then(Iterator::collect).doing(doing)
    }

    /// Reads [`ENTRY_COLUMNS`].
    fn stored_entry(&self, row: &Row<'_>) -> Result<StoredEntry, StoreError> {
        let doing = "read an entry";
        let point = chain::chain_point(row)?;
        let private: Option<Vec<u8>> = row.get(4).doing(doing)?;
        let place = SealedPlace::Entry(*point.hash.as_bytes());
        let opened = private.map(|kept| open(self.seal.as_ref(), &place, kept));
        Ok(StoredEntry {
            point,
            prev: EntryHash::from_bytes(row.get(2).doing(doing)?),
            raw: Raw::from(row.get::<_, Vec<u8>>(3).doing(doing)?),
            is_private_damaged: opened == Some(Opened::Damaged),
            private: opened.and_then(Opened::plain),
            summary: EntrySummary::read(row, 6)?,
            made_at_unix_s: row.get(5).doing(doing)?,
        })
    }
}
