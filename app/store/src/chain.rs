//! Links of the chain as the ledger holds them.

use dashpoint_membership::{EntryHash, Epoch, Seq};
use dashpoint_wire::ChainPoint;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::entry::{SEQ_MAX, place, row_id};
use crate::error::{Doing as _, StoreError};

pub(crate) fn newest_epoch(ledger: &Connection) -> Result<Option<Epoch>, StoreError> {
    ledger
        .prepare_cached("SELECT max(epoch) FROM epoch")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, Option<u32>>(0)))
        .map(|newest| newest.map(Epoch::new))
        .doing("read the newest epoch")
}

pub(crate) fn head(ledger: &Connection, epoch: Epoch) -> Result<Option<ChainPoint>, StoreError> {
    let doing = "read the head of the chain";
    let grant = row_id(epoch, Seq::new(0))?;
    let last = row_id(epoch, Seq::new(SEQ_MAX))?;
    let mut statement = ledger
        .prepare_cached(
            "SELECT id, hash FROM entry WHERE id > ?1 AND id <= ?2 ORDER BY id DESC LIMIT 1",
        )
        .doing(doing)?;
    let mut rows = statement.query(params![grant, last]).doing(doing)?;
    match rows.next().doing(doing)? {
        Some(row) => chain_point(row).map(Some),
        None => point(ledger, epoch, Seq::new(0)),
    }
}

pub(crate) fn point(
    ledger: &Connection,
    epoch: Epoch,
    seq: Seq,
) -> Result<Option<ChainPoint>, StoreError> {
    let (sql, key) = if seq.get() == 0 {
        (
            "SELECT hash FROM epoch WHERE epoch = ?1",
            i64::from(epoch.get()),
        )
    } else {
        ("SELECT hash FROM entry WHERE id = ?1", row_id(epoch, seq)?)
    };
    let hash: Option<[u8; EntryHash::LEN]> = ledger
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([key], |row| row.get(0)).optional())
        .doing("read a link of the chain")?;
    Ok(hash.map(|hash| ChainPoint {
        epoch,
        seq,
        hash: EntryHash::from_bytes(hash),
    }))
}

/// Reads the columns `id, hash`.
pub(crate) fn chain_point(row: &Row<'_>) -> Result<ChainPoint, StoreError> {
    let doing = "read a link of the chain";
    let (epoch, seq) = place(row.get(0).doing(doing)?)?;
    Ok(ChainPoint {
        epoch,
        seq,
        hash: EntryHash::from_bytes(row.get(1).doing(doing)?),
    })
}
