//! Devices: who they are, and the heads of their chains.

use dashpoint_membership::{Chain, DeviceId, EntryHash, Epoch, Points, Seq, ServerTime, VehicleId};
use dashpoint_wire::{ChainPoint, PublicKey};
use rusqlite::{Connection, OptionalExtension, Row};

use super::Col;
use crate::error::CloudError;

/// One enrolled head unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The device.
    pub id: DeviceId,
    /// The vehicle it is built into.
    pub vehicle: VehicleId,
    /// Last four characters of the VIN, for people.
    pub vin_last4: String,
    /// The key that its entries and requests are signed with.
    pub key: PublicKey,
    /// Its certificate, as signed.
    pub certificate: Vec<u8>,
    /// Time of the enrolment.
    pub enrolled: ServerTime,
    /// End of its certificate.
    pub valid_until: ServerTime,
    /// Time of the revocation, if it was revoked.
    pub revoked: Option<ServerTime>,
    /// Time at which two different entries for one place of its chain were first seen, if they were.
    pub forked: Option<ServerTime>,
    /// The head of its chain.
    pub head: Head,
}

/// The head of a device's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The life of the chain.
    pub epoch: Epoch,
    /// The last entry; 0 for none of this epoch yet.
    pub seq: Seq,
    /// Its hash; for 0, of the epoch's grant.
    pub hash: EntryHash,
    /// State of the chain after that entry.
    pub chain: Chain,
}

impl Head {
    /// Its place in the chain.
    pub(crate) const fn point(&self) -> ChainPoint {
        ChainPoint {
            epoch: self.epoch,
            seq: self.seq,
            hash: self.hash,
        }
    }
}

const COLUMNS: &str =
    "device, vehicle, vin_last4, key, certificate, enrolled, valid_until, revoked, forked,
    epoch, seq, head, cap_time, receipt_at, chain_entries, chain_points";

fn read(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device {
        id: row.get::<_, Col<_>>(0)?.0,
        vehicle: row.get::<_, Col<_>>(1)?.0,
        vin_last4: row.get(2)?,
        key: PublicKey::from_bytes(row.get(3)?),
        certificate: row.get(4)?,
        enrolled: row.get::<_, Col<_>>(5)?.0,
        valid_until: row.get::<_, Col<_>>(6)?.0,
        revoked: row.get::<_, Option<Col<_>>>(7)?.map(|at| at.0),
        forked: row.get::<_, Option<Col<_>>>(8)?.map(|at| at.0),
        head: Head {
            epoch: row.get::<_, Col<_>>(9)?.0,
            seq: row.get::<_, Col<_>>(10)?.0,
            hash: row.get::<_, Col<_>>(11)?.0,
            chain: Chain {
                cap_time: row.get::<_, Col<_>>(12)?.0,
                receipt_at: row.get::<_, Col<_>>(13)?.0,
                entries: row.get(14)?,
                points: Points::new(row.get(15)?),
            },
        },
    })
}

/// Reads one device.
pub(crate) fn find(db: &Connection, device: DeviceId) -> Result<Option<Device>, CloudError> {
    let row = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM devices WHERE device = ?1"))?
        .query_row([Col(device)], read)
        .optional()?;
    Ok(row)
}

/// Reads the device that holds a key.
pub(crate) fn by_key(db: &Connection, key: &PublicKey) -> Result<Option<Device>, CloudError> {
    let row = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM devices WHERE key = ?1"))?
        .query_row([key.as_bytes().as_slice()], read)
        .optional()?;
    Ok(row)
}

/// Reads the end of a vehicle's VIN as its first device gave it, one that was not shut out where there is one, and never a fraud.
pub(crate) fn vin_last4(db: &Connection, vehicle: VehicleId) -> Result<Option<String>, CloudError> {
    let found = db
        .prepare_cached(
            "SELECT vin_last4 FROM devices WHERE vehicle = ?1 AND vin_last4 <> ''
                AND device NOT IN (SELECT device FROM frauds) ORDER BY revoked IS NOT NULL, enrolled, device LIMIT 1",
        )?
        .query_row([Col(vehicle)], |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// Writes the end of the VIN of a device's vehicle, where it is not known.
pub(crate) fn name_vin(
    db: &Connection,
    device: DeviceId,
    vin_last4: &str,
) -> Result<(), CloudError> {
    db.execute(
        "UPDATE devices SET vin_last4 = ?2 WHERE device = ?1 AND vin_last4 = ''",
        (Col(device), vin_last4),
    )?;
    Ok(())
}

/// Keeps a device out that is not known here, should it show an enrolment. Returns whether that is new.
pub(crate) fn bar(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
    reason: Option<&str>,
) -> Result<bool, CloudError> {
    let new = db.execute(
        "INSERT INTO barred (device, said, reason) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (Col(device), Col(now), reason),
    )?;
    Ok(new > 0)
}

/// Returns whether a device that is not known here is kept out.
pub(crate) fn is_barred(db: &Connection, device: DeviceId) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM barred WHERE device = ?1)")?
        .query_row([Col(device)], |row| row.get(0))?)
}

/// Returns whether a device that is not known here is kept out as a fraud.
pub(crate) fn is_barred_fraud(db: &Connection, device: DeviceId) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM barred WHERE device = ?1 AND reason IS NOT NULL")?
        .exists([Col(device)])?)
}

/// Lists devices, in the order they were enrolled.
pub(crate) fn list(db: &Connection) -> Result<Vec<Device>, CloudError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM devices ORDER BY enrolled, device"
    ))?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes a new device.
pub(crate) fn insert(db: &Connection, device: &Device) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO devices (device, vehicle, vin_last4, key, certificate, enrolled, valid_until, revoked, forked,
            epoch, seq, head, cap_time, receipt_at, chain_entries, chain_points)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        rusqlite::params![
            Col(device.id),
            Col(device.vehicle),
            device.vin_last4,
            device.key.as_bytes().as_slice(),
            device.certificate,
            Col(device.enrolled),
            Col(device.valid_until),
            device.revoked.map(Col),
            device.forked.map(Col),
            Col(device.head.epoch),
            Col(device.head.seq),
            Col(device.head.hash),
            Col(device.head.chain.cap_time),
            Col(device.head.chain.receipt_at),
            device.head.chain.entries,
            Col(device.head.chain.points),
        ],
    )?;
    Ok(())
}

/// Moves the head of a device's chain.
pub(crate) fn move_head(db: &Connection, device: DeviceId, head: &Head) -> Result<(), CloudError> {
    db.prepare_cached(
        "UPDATE devices SET epoch = ?2, seq = ?3, head = ?4,
            cap_time = ?5, receipt_at = ?6, chain_entries = ?7, chain_points = ?8
         WHERE device = ?1",
    )?
    .execute((
        Col(device),
        Col(head.epoch),
        Col(head.seq),
        Col(head.hash),
        Col(head.chain.cap_time),
        Col(head.chain.receipt_at),
        head.chain.entries,
        Col(head.chain.points),
    ))?;
    Ok(())
}

/// Keeps the last receipt that was signed for a device.
pub(crate) fn keep_receipt(
    db: &Connection,
    device: DeviceId,
    receipt: &[u8],
) -> Result<(), CloudError> {
    db.prepare_cached("UPDATE devices SET receipt = ?2 WHERE device = ?1")?
        .execute((Col(device), receipt))?;
    Ok(())
}

/// Lists the last receipts that were signed, each with its device.
pub(crate) fn receipts(db: &Connection) -> Result<Vec<(DeviceId, Vec<u8>)>, CloudError> {
    let mut statement =
        db.prepare("SELECT device, receipt FROM devices WHERE receipt IS NOT NULL")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, Col<_>>(0)?.0, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Shuts a device out; `false` when it was already, or does not exist.
pub(crate) fn revoke(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
) -> Result<bool, CloudError> {
    let changed = db.execute(
        "UPDATE devices SET revoked = ?2 WHERE device = ?1 AND revoked IS NULL",
        (Col(device), Col(now)),
    )?;
    Ok(changed == 1)
}

/// Keeps that a device claimed what was not its own; the first reason stays.
pub(crate) fn mark_fraud(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
    reason: &str,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT OR IGNORE INTO frauds (device, said, reason) VALUES (?1, ?2, ?3)",
        (Col(device), Col(now), reason),
    )?;
    Ok(())
}

/// Returns whether a device was shut out.
pub(crate) fn is_revoked(db: &Connection, device: DeviceId) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM devices WHERE device = ?1 AND revoked IS NOT NULL")?
        .exists([Col(device)])?)
}

/// Returns whether an operator shut a device out as a fraud.
pub(crate) fn is_fraud(db: &Connection, device: DeviceId) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM frauds WHERE device = ?1")?
        .exists([Col(device)])?)
}

/// Marks that a device's chain was seen to fork; the first time stays.
pub(crate) fn mark_forked(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
) -> Result<(), CloudError> {
    db.execute(
        "UPDATE devices SET forked = ?2 WHERE device = ?1 AND forked IS NULL",
        (Col(device), Col(now)),
    )?;
    Ok(())
}
