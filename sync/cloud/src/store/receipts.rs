//! Times of the receipts and grants that were signed for a device, which its entries name.

use dashpoint_membership::{DeviceId, ServerTime};
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::error::CloudError;

/// Most times that are kept of one device, up to now and again beyond it. An honest entry names one of the last few, and a
/// time that is gone only makes the time before it count.
const KEPT_MAX: u32 = 128;

/// Keeps the time of a receipt or grant.
pub(crate) fn keep(db: &Connection, device: DeviceId, at: ServerTime) -> Result<(), CloudError> {
    db.prepare_cached("INSERT OR IGNORE INTO receipt_times (device, at) VALUES (?1, ?2)")?
        .execute((Col(device), Col(at)))?;
    Ok(())
}

/// Finds the newest time that is not after another.
pub(crate) fn newest_up_to(
    db: &Connection,
    device: DeviceId,
    at: ServerTime,
) -> Result<Option<ServerTime>, CloudError> {
    let row = db
        .prepare_cached(
            "SELECT at FROM receipt_times WHERE device = ?1 AND at <= ?2 ORDER BY at DESC LIMIT 1",
        )?
        .query_row((Col(device), Col(at)), |row| Ok(row.get::<_, Col<_>>(0)?.0))
        .optional()?;
    Ok(row)
}

/// Forgets the times of receipts before `before`, and all but the newest up to now and the newest beyond it.
pub(crate) fn forget(
    db: &Connection,
    device: DeviceId,
    before: ServerTime,
    now: ServerTime,
) -> Result<(), CloudError> {
    // That of a grant stays: a car whose receipts are older than its grant names it, also after later receipts of a clock
    // that was ahead.
    db.prepare_cached(
        "DELETE FROM receipt_times WHERE device = ?1 AND at < ?2
         AND at NOT IN (SELECT issued FROM grants WHERE device = ?1)",
    )?
    .execute((Col(device), Col(before)))?;
    for side in [
        "DELETE FROM receipt_times WHERE device = ?1 AND at <= ?2 AND at < (
             SELECT at FROM receipt_times WHERE device = ?1 AND at <= ?2
             ORDER BY at DESC LIMIT 1 OFFSET ?3)",
        "DELETE FROM receipt_times WHERE device = ?1 AND at > ?2 AND at < (
             SELECT at FROM receipt_times WHERE device = ?1 AND at > ?2
             ORDER BY at DESC LIMIT 1 OFFSET ?3)",
    ] {
        db.prepare_cached(side)?
            .execute((Col(device), Col(now), KEPT_MAX - 1))?;
    }
    Ok(())
}
