//! Evidence that a chain went on twice from one place.

use dashpoint_membership::{CoarseTime, DeviceId, EntryHash, EntryRef, ServerTime};
use rusqlite::Connection;

use super::{Col, intake};
use crate::error::CloudError;

/// Branches kept of one device, and for one place of its chain: enough to prove what happened, and no way to fill the disk.
/// The rest is counted.
const KEPT: i64 = 256;
const KEPT_OF_PLACE: i64 = 4;

/// Keeps the other entry for a place that was taken already, with the time to five minutes; one that is kept already stays as it is.
pub(crate) fn keep(
    db: &Connection,
    entry: EntryRef,
    hash: EntryHash,
    seen: ServerTime,
    raw: &[u8],
) -> Result<(), CloudError> {
    let (of_place, is_kept) = db
        .prepare_cached(
            "SELECT count(*), coalesce(max(hash = ?4), 0) FROM forks WHERE device = ?1 AND epoch = ?2 AND seq = ?3",
        )?
        .query_row(
            (Col(entry.device), Col(entry.epoch), Col(entry.seq), Col(hash)),
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)),
        )?;
    if is_kept {
        return Ok(());
    }
    if of_place >= KEPT_OF_PLACE || count(db, entry.device)? >= KEPT {
        return intake::leave_out_branch(db, entry.device, seen);
    }
    let seen = CoarseTime::containing_unix_s(seen.as_unix_s()).as_unix_s();
    db.execute(
        "INSERT INTO forks (device, epoch, seq, hash, seen, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
        (
            Col(entry.device),
            Col(entry.epoch),
            Col(entry.seq),
            Col(hash),
            seen,
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
