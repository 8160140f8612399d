//! Settlements: the rows of an account that a statement lists.

use dashpoint_membership::{
    Allocation, Cause, DeviceId, LedgerVersion, MemberId, Settlement, TierId,
};
use rusqlite::{Connection, Row};

use super::{Col, Json};
use crate::error::CloudError;

/// Older versions that are searched for what became of entries: some eight years of a car.
const LOOKED_THROUGH: u64 = 20_000;

/// Reads the newest settlements after a version, oldest first, and at most so many.
pub(crate) fn newest(
    db: &Connection,
    member: MemberId,
    after: LedgerVersion,
    most: u32,
) -> Result<Vec<Settlement>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT version, at, cause, points, growth, arrears, promoted FROM settlements
         WHERE member = ?1 AND version > ?2 ORDER BY version DESC LIMIT ?3",
    )?;
    let rows = statement.query_map((Col(member), Col(after), most), settlement)?;
    let mut settlements = rows.collect::<Result<Vec<_>, _>>()?;
    settlements.reverse();
    for settlement in &mut settlements {
        settlement.allocations = allocations(db, member, settlement.version)?;
    }
    Ok(settlements)
}

/// Reads what became of a device's entries after their verdicts, after one version and before another: the newest of it,
/// oldest first, and at most so many.
pub(crate) fn changes_of_entries(
    db: &Connection,
    member: MemberId,
    device: DeviceId,
    (after, before): (LedgerVersion, LedgerVersion),
    most: usize,
) -> Result<Vec<Settlement>, CloudError> {
    let oldest = LedgerVersion::new(before.get().saturating_sub(LOOKED_THROUGH));
    let mut statement = db.prepare_cached(
        "SELECT version, at, cause, points, growth, arrears, promoted FROM settlements
         WHERE member = ?1 AND version > ?2 AND version < ?3 AND kind IN ('released', 'clawed-back')
         ORDER BY version DESC",
    )?;
    let rows = statement.query_map(
        (Col(member), Col(after.max(oldest)), Col(before)),
        settlement,
    )?;
    let mut changes = Vec::new();
    for row in rows {
        let mut row = row?;
        if changes.len() == most {
            break;
        }
        if is_of(&row.cause, device) {
            row.allocations = allocations(db, member, row.version)?;
            changes.push(row);
        }
    }
    changes.reverse();
    Ok(changes)
}

/// Returns whether a settlement changed what was paid for an entry of that device.
pub(crate) fn is_of(cause: &Cause, device: DeviceId) -> bool {
    let changed = cause.changed_entry();
    changed.is_some_and(|entry| entry.device == device)
}

/// Reads a row without the parts that it took from lots.
fn settlement(row: &Row<'_>) -> rusqlite::Result<Settlement> {
    Ok(Settlement {
        version: row.get::<_, Col<_>>(0)?.0,
        at: row.get::<_, Col<_>>(1)?.0,
        cause: row.get::<_, Json<Cause>>(2)?.0,
        points: row.get::<_, Col<_>>(3)?.0,
        growth: row.get::<_, Col<_>>(4)?.0,
        arrears: row.get::<_, Col<_>>(5)?.0,
        allocations: Vec::new(),
        promoted: row.get::<_, Option<Col<TierId>>>(6)?.map(|tier| tier.0),
    })
}

/// Reads the parts that a settlement took from lots.
fn allocations(
    db: &Connection,
    member: MemberId,
    version: LedgerVersion,
) -> Result<Vec<Allocation>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT lot, points, size, expires FROM allocations
         WHERE member = ?1 AND version = ?2 ORDER BY expires, lot",
    )?;
    let rows = statement.query_map((Col(member), Col(version)), |row| {
        Ok(Allocation {
            lot: row.get::<_, Col<_>>(0)?.0,
            points: row.get::<_, Col<_>>(1)?.0,
            size: row.get::<_, Col<_>>(2)?.0,
            expires: row.get::<_, Col<_>>(3)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
