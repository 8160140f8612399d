//! Evidence that a chain went on twice from one place.

use dashpoint_membership::{DeviceId, EntryHash, EntryRef, ServerTime};
use rusqlite::Connection;

use super::Col;
use crate::error::CloudError;

/// Branches kept of one device: enough to prove what happened, and no way to fill the disk.
const KEPT: i64 = 1_000;

/// Keeps the other entry for a place that was taken already; one that is kept already stays as it is.
pub(crate) fn keep(
    db: &Connection,
    entry: EntryRef,
    hash: EntryHash,
    seen: ServerTime,
    raw: &[u8],
) -> Result<(), CloudError> {
    if count(db, entry.device)? >= KEPT {
        return Ok(());
    }
    db.execute(
        "INSERT INTO forks (device, epoch, seq, hash, seen, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
        (
            Col(entry.device),
            Col(entry.epoch),
            Col(entry.seq),
            Col(hash),
            Col(seen),
            raw,
        ),
    )?;
    Ok(())
}

/// Returns the number of entries of other branches that are kept of a device.
pub(crate) fn count(db: &Connection, device: DeviceId) -> Result<i64, CloudError> {
    Ok(db
        .prepare_cached("SELECT count(*) FROM forks WHERE device = ?1")?
        .query_row([Col(device)], |row| row.get(0))?)
}
