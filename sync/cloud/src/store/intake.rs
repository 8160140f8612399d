//! Amounts that each device has stored lately, and the part that was left out.

use dashpoint_membership::{DeviceId, ServerTime};
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::bucket::{Bucket, Stored};
use crate::error::CloudError;

const fn name(what: Stored) -> &'static str {
    match what {
        Stored::Entries => "entries",
        Stored::Bytes => "bytes",
        Stored::Epochs => "epochs",
    }
}

/// Reads one bucket of a device.
pub(crate) fn find(
    db: &Connection,
    device: DeviceId,
    what: Stored,
) -> Result<Option<Bucket>, CloudError> {
    let row = db
        .prepare_cached("SELECT at, level FROM intake WHERE device = ?1 AND kind = ?2")?
        .query_row((Col(device), name(what)), |row| {
            Ok(Bucket {
                at: row.get::<_, Col<_>>(0)?.0,
                level: row.get(1)?,
            })
        })
        .optional()?;
    Ok(row)
}

/// Writes one bucket of a device.
pub(crate) fn put(
    db: &Connection,
    device: DeviceId,
    what: Stored,
    bucket: Bucket,
) -> Result<(), CloudError> {
    write(db, device, name(what), bucket)
}

/// Counts one entry of another branch that was not kept, since enough of them are.
pub(crate) fn leave_out_branch(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
) -> Result<(), CloudError> {
    let level = branches_left_out(db, device)?.saturating_add(1);
    write(db, device, LEFT_OUT, Bucket { at: now, level })
}

/// The number of entries of other branches that were not kept.
pub(crate) fn branches_left_out(db: &Connection, device: DeviceId) -> Result<i64, CloudError> {
    let row = db
        .prepare_cached("SELECT level FROM intake WHERE device = ?1 AND kind = ?2")?
        .query_row((Col(device), LEFT_OUT), |row| row.get(0))
        .optional()?;
    Ok(row.unwrap_or(0))
}

const LEFT_OUT: &str = "branches-left-out";

fn write(db: &Connection, device: DeviceId, kind: &str, bucket: Bucket) -> Result<(), CloudError> {
    db.prepare_cached(
        "INSERT INTO intake (device, kind, at, level) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (device, kind) DO UPDATE SET at = excluded.at, level = excluded.level",
    )?
    .execute((Col(device), kind, Col(bucket.at), bucket.level))?;
    Ok(())
}
