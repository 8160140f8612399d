//! Bindings: which member a device's entries may be for.

use std::collections::BTreeSet;

use dashpoint_membership::{BindingId, DeviceId, DriverTag, MemberId, ServerTime, VehicleId};
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::error::CloudError;

/// One binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub id: BindingId,
    pub device: DeviceId,
    pub member: MemberId,
    pub driver: Option<DriverTag>,
    pub valid_from: ServerTime,
    pub valid_until: ServerTime,
    pub raw: Vec<u8>,
}

/// Reads one binding.
pub(crate) fn find(db: &Connection, binding: BindingId) -> Result<Option<Bound>, CloudError> {
    let row = db
        .prepare_cached(
            "SELECT binding, device, member, driver, valid_from, valid_until, raw
             FROM bindings WHERE binding = ?1",
        )?
        .query_row([Col(binding)], |row| {
            Ok(Bound {
                id: row.get::<_, Col<_>>(0)?.0,
                device: row.get::<_, Col<_>>(1)?.0,
                member: row.get::<_, Col<_>>(2)?.0,
                driver: row.get::<_, Option<Col<_>>>(3)?.map(|driver| driver.0),
                valid_from: row.get::<_, Col<_>>(4)?.0,
                valid_until: row.get::<_, Col<_>>(5)?.0,
                raw: row.get(6)?,
            })
        })
        .optional()?;
    Ok(row)
}

/// Reads the bindings of a device as they were signed.
pub(crate) fn signed(db: &Connection, device: DeviceId) -> Result<BTreeSet<Vec<u8>>, CloudError> {
    let mut statement = db.prepare_cached("SELECT raw FROM bindings WHERE device = ?1")?;
    let rows = statement.query_map([Col(device)], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lets the bindings that begin later than now begin now: a clock that was ahead made them, and what is earned under them
/// must not wait for the time that it showed.
pub(crate) fn begin_by(db: &Connection, now: ServerTime) -> Result<(), CloudError> {
    db.prepare_cached("UPDATE bindings SET valid_from = ?1 WHERE valid_from > ?1")?
        .execute([Col(now)])?;
    Ok(())
}

/// Writes a new binding.
pub(crate) fn insert(db: &Connection, bound: &Bound) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO bindings (binding, device, member, driver, valid_from, valid_until, raw)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            Col(bound.id),
            Col(bound.device),
            Col(bound.member),
            bound.driver.map(Col),
            Col(bound.valid_from),
            Col(bound.valid_until),
            &bound.raw,
        ),
    )?;
    Ok(())
}

/// Devices that have, or had, a binding to a member; ascending.
pub(crate) fn devices_of(db: &Connection, member: MemberId) -> Result<Vec<DeviceId>, CloudError> {
    let mut statement = db
        .prepare_cached("SELECT DISTINCT device FROM bindings WHERE member = ?1 ORDER BY device")?;
    let rows = statement.query_map([Col(member)], |row| Ok(row.get::<_, Col<_>>(0)?.0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Members that a device has, or had, a binding to; ascending.
pub(crate) fn members_of(db: &Connection, device: DeviceId) -> Result<Vec<MemberId>, CloudError> {
    let mut statement = db
        .prepare_cached("SELECT DISTINCT member FROM bindings WHERE device = ?1 ORDER BY member")?;
    let rows = statement.query_map([Col(device)], |row| Ok(row.get::<_, Col<_>>(0)?.0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Members who have a say over a vehicle: with a binding that has not ended, on a device of it that is not shut out; ascending.
/// Of a vehicle whose devices are all shut out they are those of the last one: a head unit that is replaced takes nobody's say away, and who sold the
/// vehicle has none once it has earned for the next. A device that was shut out for fraud counts for nobody.
pub(crate) fn holders(
    db: &Connection,
    vehicle: VehicleId,
    now: ServerTime,
) -> Result<Vec<MemberId>, CloudError> {
    let mut statement = db.prepare_cached(
        "WITH held AS (
             SELECT member, coalesce(revoked, 9223372036854775807) AS until FROM devices JOIN bindings USING (device)
             WHERE vehicle = ?1 AND device NOT IN (SELECT device FROM frauds) AND ?2 < devices.valid_until
             AND ?2 < bindings.valid_until
         )
         SELECT DISTINCT member FROM held WHERE until = (SELECT max(until) FROM held) ORDER BY member",
    )?;
    let rows = statement.query_map((Col(vehicle), Col(now)), |row| {
        Ok(row.get::<_, Col<_>>(0)?.0)
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
