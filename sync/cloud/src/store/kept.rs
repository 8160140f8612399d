//! The part of the replaced database that a restore keeps: an operator's word that is never wrong to keep.

use dashpoint_membership::{DeviceId, ServerTime};
use rusqlite::Connection;

use super::{Col, devices};
use crate::error::CloudError;

/// One head unit that the replaced database had shut out: its id, the time, and the reason when it was a fraud.
type ShutOut = (DeviceId, ServerTime, Option<String>);

/// One word of an operator on a leap of the clock: the time that was known, the one that was right, and the reason.
type AcceptedClock = (i64, i64, String);

/// Lists the head units that a database has shut out, in the order in which that was done.
pub(crate) fn shut_out(replaced: &Connection) -> Result<Vec<ShutOut>, CloudError> {
    let mut statement = replaced.prepare(
        "SELECT device, said, reason FROM barred WHERE device NOT IN (SELECT device FROM devices)
         UNION ALL
         SELECT device, revoked, reason FROM devices LEFT JOIN frauds USING (device) WHERE revoked IS NOT NULL
         ORDER BY 2, 1",
    )?;
    let rows = statement.query_map([], |row| {
        let (device, said): (Col<_>, Col<_>) = (row.get(0)?, row.get(1)?);
        Ok((device.0, said.0, row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps the head units out that the restored database does not know: each would show its enrolment, and be let in again. Returns
/// all of them.
pub(crate) fn keep_out(
    shut_out: &[ShutOut],
    restored: &Connection,
) -> Result<Vec<DeviceId>, CloudError> {
    let mut kept_out = Vec::new();
    for (device, said, reason) in shut_out {
        if devices::find(restored, *device)?.is_none() {
            devices::bar(restored, *device, *said, reason.as_deref())?;
            kept_out.push(*device);
        }
    }
    Ok(kept_out)
}

/// Lists the operator's words on leaps of the clock.
pub(crate) fn accepted_clocks(replaced: &Connection) -> Result<Vec<AcceptedClock>, CloudError> {
    let mut statement =
        replaced.prepare("SELECT known, now, reason FROM accepted_clocks ORDER BY number")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps the operator's words on leaps of the clock. Returns whether there was one that the restored database lacked.
pub(crate) fn keep_accepted_clocks(
    accepted: &[AcceptedClock],
    restored: &Connection,
) -> Result<bool, CloudError> {
    let mut kept = 0;
    for (known, now, reason) in accepted {
        kept += restored.execute(
            "INSERT INTO accepted_clocks (known, now, reason) SELECT ?1, ?2, ?3
             WHERE NOT EXISTS (SELECT 1 FROM accepted_clocks WHERE (known, now, reason) = (?1, ?2, ?3))",
            (known, now, reason),
        )?;
    }
    Ok(kept > 0)
}
