//! The cloud's answers: verdicts, receipts and the statements that came with them.

use std::ops::ControlFlow;

use dashpoint_membership::{EntryHash, Epoch, Seq, ServerEpoch, ServerTime, Statement, Verdict};
use dashpoint_wire::{ChainPoint, EntryVerdict, Raw, Receipt, Signed, encode};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::cache::Put;
use crate::chain;
use crate::entry::row_id;
use crate::error::{Doing as _, StoreError};
use crate::store::{Store, StoreReader};
use crate::types::{StoredReceipt, StoredVerdict};

/// One answer of the cloud to entries that were sent, every signature in it verified.
#[derive(Debug, Clone)]
pub struct Reconciled {
    /// The receipt.
    pub receipt: Signed<Receipt>,
    /// Verdicts on entries of the receipt's epoch.
    pub verdicts: Vec<EntryVerdict>,
    /// Statements of the members it touched.
    pub statements: Vec<Signed<Statement>>,
}

/// The new parts of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Verdicts that were not known.
    pub verdicts: u64,
    /// Those of them that hold an entry back.
    pub held_back: u64,
    /// Those of them that reject an entry.
    pub rejected: u64,
    /// Verdicts that contradict an earlier one of the same life of the cloud: the earlier one stays.
    pub contradictions: u64,
    /// Verdicts on entries that are not here.
    pub elsewhere: u64,
    /// Statements that took the place of an older one.
    pub statements: u64,
}

impl Store {
    /// Records an answer: verdicts and receipt in one transaction of the ledger, then the statements in one of the
    /// cache. The same answer again changes nothing.
    ///
    /// Should the power fail between the two, the older statement still counts the entries as pending, and the next
    /// answer or question brings the new one. Without a key to seal with, statements are passed over.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the receipt names another entry than the one here; [`StoreError::is_disk_full`].
    pub fn apply(&mut self, answer: &Reconciled) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let receipt = answer.receipt.body();
        let tx = self.begin()?;
        if let Some(there) = chain::point(&tx, receipt.epoch, receipt.through)?
            && there.hash != receipt.head
        {
            return Err(StoreError::Taken {
                epoch: receipt.epoch,
                seq: receipt.through,
            });
        }
        for verdict in &answer.verdicts {
            judge(&tx, receipt, verdict, &mut applied)?;
        }
        keep_receipt(&tx, &answer.receipt)?;
        name_last(&tx, receipt)?;
        tx.commit().doing("record the cloud's answer")?;
        if self.read.seal.is_some() {
            for put in self.put_statements(&answer.statements)? {
                applied.statements += u64::from(put == Put::Stored);
            }
        }
        Ok(applied)
    }
}

impl StoreReader {
    /// The newest receipt of the newest life of the cloud: of several for one place the one that was recorded last, whatever
    /// its time.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn last_receipt(&self) -> Result<Option<StoredReceipt>, StoreError> {
        last_receipt(&self.ledger)
    }

    /// Shows every receipt to `look`, oldest first, until it breaks off.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn for_each_receipt(
        &self,
        mut look: impl FnMut(StoredReceipt) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let doing = "read the receipts";
        let mut statement = self
            .ledger
            .prepare_cached(
                "SELECT epoch, through, head, server_time, server_epoch, raw FROM receipt
                 ORDER BY server_epoch, epoch, through, server_time",
            )
            .doing(doing)?;
        for receipt in statement.query_map([], stored_receipt).doing(doing)? {
            if look(receipt.doing(doing)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The newest word of the cloud on an entry.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn verdict(&self, epoch: Epoch, seq: Seq) -> Result<Option<StoredVerdict>, StoreError> {
        let doing = "read a verdict";
        let mut statement = self
            .ledger
            .prepare_cached(
                "SELECT server_epoch, raw FROM verdict WHERE entry = ?1
                 ORDER BY server_epoch DESC LIMIT 1",
            )
            .doing(doing)?;
        let mut rows = statement.query([row_id(epoch, seq)?]).doing(doing)?;
        match rows.next().doing(doing)? {
            Some(row) => StoredVerdict::read_if_any(row, 0),
            None => Ok(None),
        }
    }
}

fn stored_receipt(row: &Row<'_>) -> rusqlite::Result<StoredReceipt> {
    Ok(StoredReceipt {
        through: ChainPoint {
            epoch: Epoch::new(row.get(0)?),
            seq: Seq::new(row.get(1)?),
            hash: EntryHash::from_bytes(row.get(2)?),
        },
        server_time: ServerTime::from_unix_s(row.get(3)?),
        server_epoch: ServerEpoch::new(row.get(4)?),
        raw: Raw::from(row.get::<_, Vec<u8>>(5)?),
    })
}

fn judge(
    tx: &Connection,
    receipt: &Receipt,
    given: &EntryVerdict,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let doing = "write a verdict";
    if chain::point(tx, receipt.epoch, given.seq)?.is_none() {
        applied.elsewhere += 1;
        return Ok(());
    }
    let entry = row_id(receipt.epoch, given.seq)?;
    let raw = encode(&given.verdict);
    let before: Option<Vec<u8>> = tx
        .prepare_cached("SELECT raw FROM verdict WHERE entry = ?1 AND server_epoch = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![entry, receipt.server_epoch.get()], |row| row.get(0))
                .optional()
        })
        .doing(doing)?;
    match before {
        Some(before) if before == raw => {}
        Some(_) => applied.contradictions += 1,
        None => {
            tx.prepare_cached("INSERT INTO verdict (entry, server_epoch, raw) VALUES (?1, ?2, ?3)")
                .and_then(|mut statement| {
                    statement.execute(params![entry, receipt.server_epoch.get(), raw])
                })
                .doing(doing)?;
            applied.verdicts += 1;
            applied.held_back += u64::from(matches!(given.verdict, Verdict::Review { .. }));
            applied.rejected += u64::from(matches!(given.verdict, Verdict::Rejected { .. }));
        }
    }
    Ok(())
}

fn last_receipt(ledger: &Connection) -> Result<Option<StoredReceipt>, StoreError> {
    ledger
        .prepare_cached(
            "SELECT epoch, through, head, server_time, server_epoch, raw FROM receipt
             ORDER BY server_epoch DESC, epoch DESC, through DESC,
                 server_time IS (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'receipt') DESC,
                 server_time DESC
             LIMIT 1",
        )
        .and_then(|mut statement| statement.query_row([], stored_receipt).optional())
        .doing("read the last receipt")
}

/// Names the time of a receipt that came after one with a later time for the same place: a clock of the cloud was wrong, and
/// the rows alone do not tell in which order they came.
fn name_last(tx: &Connection, receipt: &Receipt) -> Result<(), StoreError> {
    let is_last = last_receipt(tx)?.is_none_or(|last| {
        let place = (last.server_epoch, last.through.epoch, last.through.seq);
        place != (receipt.server_epoch, receipt.epoch, receipt.through)
            || last.server_time == receipt.server_time
    });
    if is_last {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO meta (name, value) VALUES ('receipt', CAST(?1 AS BLOB))
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [receipt.server_time.as_unix_s().to_string()],
    )
    .map(|_| ())
    .doing("name the last receipt")
}

fn keep_receipt(tx: &Connection, signed: &Signed<Receipt>) -> Result<(), StoreError> {
    let receipt = signed.body();
    row_id(receipt.epoch, receipt.through)?;
    tx.prepare_cached(
        "INSERT INTO receipt (server_epoch, epoch, through, server_time, head, raw)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            receipt.server_epoch.get(),
            receipt.epoch.get(),
            receipt.through.get().cast_signed(),
            receipt.server_time.as_unix_s(),
            receipt.head.as_bytes(),
            signed.raw(),
        ])
    })
    .map(|_| ())
    .doing("write a receipt")
}
