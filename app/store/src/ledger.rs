//! Writing the chain: entries, epochs, marks, and what waits to be signed.

use dashpoint_membership::{EntryHash, Epoch, Seq};
use dashpoint_wire::{ChainPoint, EpochGrant, Signed};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::chain;
use crate::entry::{NewEntry, meter_code, meter_value, row_id};
use crate::error::{Doing as _, StoreError};
use crate::sealing::{SealedPlace, close};
use crate::store::Store;
use crate::types::{AwaitingId, Begun, RestoredEntries, SettledMark};

impl Store {
    /// Appends an entry to the newest epoch and settles the meters that it claims. When this returns, it is on the
    /// disk.
    ///
    /// A checkpoint that is still there after a crash lies at or below the new marks, and is to be dropped for it.
    ///
    /// # Errors
    /// [`StoreError::Taken`], [`StoreError::NotNext`], [`StoreError::NotGranted`],
    /// [`StoreError::OldEpoch`] when it is not the next link; [`StoreError::AlreadySettled`] when it claims again what
    /// was claimed; [`StoreError::is_disk_full`].
    pub fn commit_entry(&mut self, entry: &NewEntry) -> Result<ChainPoint, StoreError> {
        let entry = self.sealed(entry)?;
        let tx = self.begin()?;
        let point = append(&tx, &entry, Claim::Fresh)?;
        tx.commit().doing("commit an entry")?;
        Ok(point)
    }

    /// Opens an epoch and commits what is carried into it: entries that the cloud lacks, signed again from seq 1.
    ///
    /// # Errors
    /// [`StoreError::OldEpoch`] unless it is later than every other; those of [`Self::commit_entry`] for the carries.
    pub fn begin_epoch(
        &mut self,
        grant: &Signed<EpochGrant>,
        carries: &[NewEntry],
    ) -> Result<Begun, StoreError> {
        let epoch = grant.body().epoch;
        let carries = self.all_sealed(carries)?;
        let tx = self.begin()?;
        match granted(&tx, epoch)? {
            Some(hash) if hash == grant.hash() => return Ok(Begun::Before),
            Some(_) => return Err(taken(epoch)),
            None => {}
        }
        if let Some(newest) = chain::newest_epoch(&tx)?
            && newest > epoch
        {
            return Err(StoreError::OldEpoch { epoch, newest });
        }
        insert_grant(&tx, grant)?;
        for carry in &carries {
            append(&tx, carry, Claim::Settled)?;
        }
        tx.commit().doing("begin an epoch")?;
        Ok(Begun::Now)
    }

    /// Puts back what the disk lost: grants and entries that the cloud has of this device, each epoch's in the order
    /// of the chain. Private evidence is gone; the marks rise to what the entries claim.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when something else is in one of the places, [`StoreError::NotNext`] when one has no
    /// entry before it: then nothing is changed, and [`Self::keep_beside`] takes them.
    pub fn restore_entries(
        &mut self,
        grants: &[Signed<EpochGrant>],
        entries: &[NewEntry],
    ) -> Result<RestoredEntries, StoreError> {
        let entries = self.all_sealed(entries)?;
        let tx = self.begin()?;
        for grant in grants {
            let epoch = grant.body().epoch;
            match granted(&tx, epoch)? {
                None => insert_grant(&tx, grant)?,
                Some(hash) if hash == grant.hash() => {}
                Some(_) => return Err(taken(epoch)),
            }
        }
        let mut restored = RestoredEntries {
            filled: 0,
            known: 0,
            adopted: 0,
        };
        for entry in &entries {
            if restore(&tx, entry)? {
                restored.filled += 1;
            } else {
                restored.known += 1;
            }
        }
        restored.adopted = adopt(&tx)?;
        tx.commit().doing("restore entries")?;
        Ok(restored)
    }

    /// Keeps entries of this device that contradict the chain here: the other branch, as the cloud has it. What they
    /// claim is settled, so that this branch does not claim it again. Ones that are kept already are passed over.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn keep_beside(&mut self, entries: &[NewEntry]) -> Result<u64, StoreError> {
        let entries = self.all_sealed(entries)?;
        let tx = self.begin()?;
        let mut kept = 0;
        for entry in &entries {
            let point = entry.point;
            if chain::point(&tx, point.epoch, point.seq)? != Some(point) {
                kept += insert(&tx, INSERT_STRAY, entry)?;
            }
            settle(&tx, entry)?;
        }
        tx.commit().doing("keep entries beside the chain")?;
        Ok(kept)
    }

    /// Raises meter marks without an entry: where a meter is first seen, or for what earns nothing. Lower ones are
    /// passed over.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn raise_marks(&mut self, marks: &[SettledMark]) -> Result<(), StoreError> {
        let tx = self.begin()?;
        marks.iter().try_for_each(|mark| raise(&tx, *mark))?;
        tx.commit().doing("raise the meter marks")
    }

    /// Keeps evidence that cannot be signed now, and settles the meters that it claims. Its private part is sealed; it is
    /// passed over without the key.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn keep_awaiting(
        &mut self,
        evidence: &[u8],
        private: Option<&[u8]>,
        marks: &[SettledMark],
        made_at_unix_s: i64,
    ) -> Result<AwaitingId, StoreError> {
        let private = self.sealed_part(evidence, private)?;
        let tx = self.begin()?;
        tx.prepare_cached("INSERT INTO awaiting (evidence, private, made_at) VALUES (?1, ?2, ?3)")
            .and_then(|mut statement| statement.execute(params![evidence, private, made_at_unix_s]))
            .doing("keep evidence until it can be signed")?;
        let id = AwaitingId(tx.last_insert_rowid());
        marks.iter().try_for_each(|mark| raise(&tx, *mark))?;
        tx.commit().doing("keep evidence until it can be signed")?;
        Ok(id)
    }

    /// Keeps evidence that waits in another form, with its private part apart.
    ///
    /// # Errors
    /// [`StoreError::NotAwaiting`]; [`StoreError::is_disk_full`] and its like.
    pub fn rewrite_awaiting(
        &mut self,
        id: AwaitingId,
        evidence: &[u8],
        private: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let private = self.sealed_part(evidence, private)?;
        let changed = self
            .read
            .ledger
            .execute(
                "UPDATE awaiting SET evidence = ?2, private = ?3 WHERE id = ?1",
                params![id.0, evidence, private],
            )
            .doing("rewrite evidence that waits")?;
        if changed == 0 {
            return Err(StoreError::NotAwaiting);
        }
        Ok(())
    }

    /// Appends the entry that evidence was waiting for; it waits no longer. What it claims was settled before.
    ///
    /// # Errors
    /// [`StoreError::NotAwaiting`]; those of [`Self::commit_entry`].
    pub fn commit_awaited(
        &mut self,
        id: AwaitingId,
        entry: &NewEntry,
    ) -> Result<ChainPoint, StoreError> {
        let entry = self.sealed(entry)?;
        let tx = self.begin()?;
        let point = append(&tx, &entry, Claim::Settled)?;
        let gone = tx
            .execute("DELETE FROM awaiting WHERE id = ?1", [id.0])
            .doing("commit signed evidence")?;
        if gone == 0 {
            return Err(StoreError::NotAwaiting);
        }
        tx.commit().doing("commit signed evidence")?;
        Ok(point)
    }

    fn sealed_part(
        &mut self,
        evidence: &[u8],
        private: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let place = SealedPlace::Awaiting(dashpoint_wire::digest(evidence));
        match private.zip(self.read.seal.as_ref()) {
            Some((plain, key)) => close(key, &mut self.nonces, &place, plain).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.read
            .ledger
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing("begin a transaction")
    }
}

/// The claim of an entry on its meters: they are settled with it, or were before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    Fresh,
    Settled,
}

fn append(tx: &Connection, entry: &NewEntry, claim: Claim) -> Result<ChainPoint, StoreError> {
    let ChainPoint { epoch, seq, .. } = entry.point;
    let head = chain::head(tx, epoch)?.ok_or(StoreError::NotGranted { epoch })?;
    if let Some(newest) = chain::newest_epoch(tx)?
        && newest > epoch
    {
        return Err(StoreError::OldEpoch { epoch, newest });
    }
    if seq <= head.seq {
        return Err(StoreError::Taken { epoch, seq });
    }
    if seq != head.seq.next() || entry.prev != head.hash {
        return Err(StoreError::NotNext { epoch, seq, head });
    }
    if claim == Claim::Fresh {
        check_claim(tx, entry)?;
    }
    insert(tx, INSERT_ENTRY, entry)?;
    settle(tx, entry)?;
    Ok(entry.point)
}

/// Puts an entry into its place unless it is there; says whether it was missing.
fn restore(tx: &Connection, entry: &NewEntry) -> Result<bool, StoreError> {
    let ChainPoint { epoch, seq, .. } = entry.point;
    if let Some(there) = chain::point(tx, epoch, seq)? {
        return if there == entry.point {
            Ok(false)
        } else {
            Err(StoreError::Taken { epoch, seq })
        };
    }
    let before = Seq::new(seq.get().saturating_sub(1));
    let head = chain::head(tx, epoch)?.ok_or(StoreError::NotGranted { epoch })?;
    if chain::point(tx, epoch, before)?.is_none_or(|before| before.hash != entry.prev) {
        return Err(StoreError::NotNext { epoch, seq, head });
    }
    insert(tx, INSERT_ENTRY, entry)?;
    settle(tx, entry)?;
    Ok(true)
}

/// The last line of "each metre is paid at most once": a checkpoint that outlived its entry claims below the mark.
fn check_claim(tx: &Connection, entry: &NewEntry) -> Result<(), StoreError> {
    let Some(claim) = entry.summary.claim else {
        return Ok(());
    };
    let mark: Option<u64> = tx
        .prepare_cached("SELECT high FROM mark WHERE meter = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([meter_code(claim.meter, claim.number)], |row| row.get(0))
                .optional()
        })
        .doing("read a meter mark")?;
    match mark {
        Some(mark) if claim.from < mark => Err(StoreError::AlreadySettled {
            meter: claim.meter,
            from: claim.from,
            mark,
        }),
        Some(_) | None => Ok(()),
    }
}

const INSERT_ENTRY: &str =
    "INSERT INTO entry (id, hash, prev, raw, private, binding, trigger, carried, points,
    at_min, meter, meter_from, meter_to, made_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
pub(crate) const INSERT_STRAY: &str =
    "INSERT OR IGNORE INTO stray (id, hash, prev, raw, private, binding, trigger, carried, points,
    at_min, meter, meter_from, meter_to, made_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

fn insert(tx: &Connection, sql: &str, entry: &NewEntry) -> Result<u64, StoreError> {
    let summary = &entry.summary;
    let claim = summary.claim;
    let bound = |end: fn(&dashpoint_membership::MeterInterval) -> u64| {
        claim.as_ref().map(end).map(meter_value).transpose()
    };
    tx.prepare_cached(sql)
        .and_then(|mut statement| {
            statement.execute(params![
                row_id(entry.point.epoch, entry.point.seq).map_err(to_sql_failure)?,
                entry.point.hash.as_bytes(),
                entry.prev.as_bytes(),
                entry.raw,
                entry.private,
                summary.binding.as_bytes(),
                summary.kind.number(),
                summary.carried,
                summary.predicted.get(),
                summary.at.as_unix_min(),
                claim.map(|claim| meter_code(claim.meter, claim.number)),
                bound(|claim| claim.from).map_err(to_sql_failure)?,
                bound(|claim| claim.to).map_err(to_sql_failure)?,
                entry.made_at_unix_s,
            ])
        })
        .map(|rows| rows as u64)
        .doing("write an entry")
}

fn to_sql_failure(error: StoreError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

fn settle(tx: &Connection, entry: &NewEntry) -> Result<(), StoreError> {
    let claimed = entry.summary.claim.map(|claim| SettledMark {
        meter: claim.meter,
        number: claim.number,
        high: claim.to,
    });
    claimed
        .iter()
        .chain(&entry.marks)
        .try_for_each(|mark| raise(tx, *mark))
}

pub(crate) fn raise(tx: &Connection, mark: SettledMark) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO mark (meter, high) VALUES (?1, ?2)
         ON CONFLICT (meter) DO UPDATE SET high = excluded.high WHERE excluded.high > high",
    )
    .doing("raise a meter mark")?
    .execute(params![
        meter_code(mark.meter, mark.number),
        meter_value(mark.high)?
    ])
    .map(|_| ())
    .doing("raise a meter mark")
}

fn granted(tx: &Connection, epoch: Epoch) -> Result<Option<EntryHash>, StoreError> {
    Ok(chain::point(tx, epoch, Seq::new(0))?.map(|point| point.hash))
}

fn insert_grant(tx: &Connection, grant: &Signed<EpochGrant>) -> Result<(), StoreError> {
    let epoch = grant.body().epoch;
    // Its entries must have row numbers.
    row_id(epoch, Seq::new(0))?;
    tx.execute(
        "INSERT INTO epoch (epoch, hash, raw) VALUES (?1, ?2, ?3)",
        params![epoch.get(), grant.hash().as_bytes(), grant.raw()],
    )
    .map(|_| ())
    .doing("write an epoch's grant")
}

const fn taken(epoch: Epoch) -> StoreError {
    StoreError::Taken {
        epoch,
        seq: Seq::new(0),
    }
}

/// Moves strays into the chain as long as one follows what is there and leads to what comes after.
pub(crate) fn adopt(tx: &Connection) -> Result<u64, StoreError> {
    const FITTING: &str = "SELECT id, hash FROM stray
        WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = stray.id)
        AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = stray.id + 1 AND entry.prev IS NOT stray.hash)
        AND prev = CASE id & 1099511627775
            WHEN 1 THEN (SELECT hash FROM epoch WHERE epoch = stray.id >> 40)
            ELSE (SELECT hash FROM entry WHERE entry.id = stray.id - 1)
        END
        ORDER BY id LIMIT 1";
    const MOVE_IN: &str =
        "INSERT INTO entry (id, hash, prev, raw, private, binding, trigger, carried, points,
            at_min, meter, meter_from, meter_to, made_at)
        SELECT id, hash, prev, raw, private, binding, trigger, carried, points,
            at_min, meter, meter_from, meter_to, made_at
        FROM stray WHERE id = ?1 AND hash = ?2";
    let doing = "move entries back into the chain";
    let mut adopted = 0;
    loop {
        let next: Option<(i64, Vec<u8>)> = tx
            .prepare_cached(FITTING)
            .and_then(|mut statement| {
                statement
                    .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .doing(doing)?;
        let Some((id, hash)) = next else {
            return Ok(adopted);
        };
        tx.execute(MOVE_IN, params![id, hash]).doing(doing)?;
        tx.execute(
            "DELETE FROM stray WHERE id = ?1 AND hash = ?2",
            params![id, hash],
        )
        .doing(doing)?;
        adopted += 1;
    }
}
