//! The part of the replaced database that a restore keeps: an operator's word that is never wrong to keep.

use dashpoint_membership::DeviceId;
use rusqlite::Connection;

use super::{Col, devices};
use crate::error::CloudError;

/// Keeps the head units out that the replaced database had shut out and the restored one does not know: each would show its
/// enrolment, and be let in again. Returns all of them.
pub(crate) fn keep_out(
    replaced: &Connection,
    restored: &Connection,
) -> Result<Vec<DeviceId>, CloudError> {
    let mut statement = replaced.prepare(
        "SELECT device, said, reason FROM barred WHERE device NOT IN (SELECT device FROM devices)
         UNION ALL
         SELECT device, revoked, reason FROM devices LEFT JOIN frauds USING (device) WHERE revoked IS NOT NULL
         ORDER BY 2, 1",
    )?;
    let rows = statement.query_map([], |row| {
        let (device, said): (Col<_>, Col<_>) = (row.get(0)?, row.get(1)?);
        Ok((device.0, said.0, row.get::<_, Option<String>>(2)?))
    })?;
    let mut kept_out = Vec::new();
    for row in rows.collect::<Result<Vec<_>, _>>()? {
        let (device, said, reason) = row;
        if devices::find(restored, device)?.is_none() {
            devices::bar(restored, device, said, reason.as_deref())?;
            kept_out.push(device);
        }
    }
    Ok(kept_out)
}

/// Keeps the operator's words on leaps of the clock. Returns whether there was one that the restored database lacked.
pub(crate) fn keep_accepted_clocks(
    replaced: &Connection,
    restored: &Connection,
) -> Result<bool, CloudError> {
    let mut statement =
        replaced.prepare("SELECT known, now, reason FROM accepted_clocks ORDER BY number")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))
    })?;
    let mut kept = 0;
    for (known, now, reason) in rows.collect::<Result<Vec<(i64, i64, String)>, _>>()? {
        kept += restored.execute(
            "INSERT INTO accepted_clocks (known, now, reason) SELECT ?1, ?2, ?3
             WHERE NOT EXISTS (SELECT 1 FROM accepted_clocks WHERE (known, now, reason) = (?1, ?2, ?3))",
            (known, now, reason),
        )?;
    }
    Ok(kept > 0)
}
