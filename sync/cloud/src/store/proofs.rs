//! Devices that have shown all that they hold of their enrolment since the database went back.

use dashpoint_membership::{DeviceId, ServerEpoch};
use rusqlite::Connection;

use super::Col;
use crate::error::CloudError;

/// Takes note that a device has shown its proof in a life of the database.
pub(crate) fn keep(db: &Connection, device: DeviceId, life: ServerEpoch) -> Result<(), CloudError> {
    db.prepare_cached("INSERT OR REPLACE INTO proofs (device, server_epoch) VALUES (?1, ?2)")?
        .execute((Col(device), Col(life)))?;
    Ok(())
}

/// Returns whether a device has shown its proof in a life of the database.
pub(crate) fn was_shown(
    db: &Connection,
    device: DeviceId,
    life: ServerEpoch,
) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM proofs WHERE device = ?1 AND server_epoch = ?2")?
        .exists((Col(device), Col(life)))?)
}
