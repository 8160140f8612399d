//! Epoch grants.

use dashpoint_membership::{DeviceId, Epoch, ServerTime};
use dashpoint_wire::ChainPoint;
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::error::CloudError;

/// Reads the grant of an epoch.
pub(crate) fn find(
    db: &Connection,
    device: DeviceId,
    epoch: Epoch,
) -> Result<Option<Vec<u8>>, CloudError> {
    let row = db
        .prepare_cached("SELECT raw FROM grants WHERE device = ?1 AND epoch = ?2")?
        .query_row((Col(device), Col(epoch)), |row| row.get(0))
        .optional()?;
    Ok(row)
}

/// The newest epoch of a device that was granted.
pub(crate) fn newest(db: &Connection, device: DeviceId) -> Result<Option<Epoch>, CloudError> {
    let row = db
        .prepare_cached("SELECT epoch FROM grants WHERE device = ?1 ORDER BY epoch DESC LIMIT 1")?
        .query_row([Col(device)], |row| Ok(row.get::<_, Col<_>>(0)?.0))
        .optional()?;
    Ok(row)
}

/// Returns whether the grant of an epoch was asked for by a device that named that head.
pub(crate) fn was_asked_with(
    db: &Connection,
    device: DeviceId,
    epoch: Epoch,
    head: ChainPoint,
) -> Result<bool, CloudError> {
    let row = db
        .prepare_cached(
            "SELECT 1 FROM grants WHERE device = ?1 AND epoch = ?2
             AND asked_epoch = ?3 AND asked_seq = ?4 AND asked_head = ?5",
        )?
        .query_row(
            (
                Col(device),
                Col(epoch),
                Col(head.epoch),
                Col(head.seq),
                Col(head.hash),
            ),
            |_| Ok(()),
        )
        .optional()?;
    Ok(row.is_some())
}

/// Writes a new grant, with the head that the device named; the first grant of a chain was asked by nobody.
pub(crate) fn insert(
    db: &Connection,
    device: DeviceId,
    epoch: Epoch,
    raw: &[u8],
    issued: ServerTime,
    asked: Option<ChainPoint>,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO grants (device, epoch, raw, issued, asked_epoch, asked_seq, asked_head)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            Col(device),
            Col(epoch),
            raw,
            Col(issued),
            asked.map(|head| Col(head.epoch)),
            asked.map(|head| Col(head.seq)),
            asked.map(|head| Col(head.hash)),
        ),
    )?;
    Ok(())
}
