//! The log of entries: append-only, keyed by device.

use dashpoint_membership::{
    DeviceId, EntryHash, EntryRef, Epoch, MemberId, Rejection, Seq, ServerTime, VehicleId, Verdict,
};
use rusqlite::{Connection, OptionalExtension};

use super::{Col, Json};
use crate::error::CloudError;

/// The log's record of an entry that came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedEntry {
    pub hash: EntryHash,
    pub member: Option<MemberId>,
    pub verdict: Verdict,
}

impl LoggedEntry {
    /// Returns whether it was rejected because another one had been paid for its stretch.
    pub fn came_second(&self) -> bool {
        let reason = Rejection::AlreadyPaid;
        self.verdict == Verdict::Rejected { reason }
    }
}

/// One row to append.
#[derive(Debug)]
pub(crate) struct NewRow<'a> {
    pub entry: EntryRef,
    pub hash: EntryHash,
    pub origin: EntryHash,
    pub vehicle: VehicleId,
    pub member: Option<MemberId>,
    pub arrived: ServerTime,
    pub verdict: &'a Verdict,
    pub raw: &'a [u8],
}

/// One row as `entries` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The entry.
    pub entry: EntryRef,
    /// The member, when the binding named one.
    pub member: Option<MemberId>,
    /// Time of its arrival.
    pub arrived: ServerTime,
    /// The verdict.
    pub verdict: Verdict,
    /// The bytes that the device signed.
    pub raw: Vec<u8>,
}

/// Reads the verdict on an entry.
pub(crate) fn find(db: &Connection, entry: EntryRef) -> Result<Option<LoggedEntry>, CloudError> {
    let row = db
        .prepare_cached(
            "SELECT hash, member, verdict FROM entries WHERE device = ?1 AND epoch = ?2 AND seq = ?3",
        )?
        .query_row(
            (Col(entry.device), Col(entry.epoch), Col(entry.seq)),
            |row| {
                Ok(LoggedEntry {
                    hash: row.get::<_, Col<_>>(0)?.0,
                    member: row.get::<_, Option<Col<_>>>(1)?.map(|member| member.0),
                    verdict: row.get::<_, Json<_>>(2)?.0,
                })
            },
        )
        .optional()?;
    Ok(row)
}

/// One entry that was rejected because its units were paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loser {
    pub entry: EntryRef,
    pub vehicle: VehicleId,
    pub member: MemberId,
}

/// Lists the entries of a vehicle's members that were rejected because their units were paid, in the order in which the log
/// took them (it appends only, and the time of arrival is kept to five minutes): not those that were paid later, which hold a stretch or lost it, nor those of frauds.
pub(crate) fn already_paid(db: &Connection, vehicle: VehicleId) -> Result<Vec<Loser>, CloudError> {
    let verdict = Verdict::Rejected {
        reason: Rejection::AlreadyPaid,
    };
    let mut statement = db.prepare_cached(
        "SELECT device, epoch, seq, member FROM entries AS lost
         WHERE vehicle = ?1 AND verdict = ?2 AND member IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM intervals WHERE (device, epoch, seq) = (lost.device, lost.epoch, lost.seq))
             AND NOT EXISTS (SELECT 1 FROM freed WHERE (device, epoch, seq) = (lost.device, lost.epoch, lost.seq))
             AND NOT EXISTS (SELECT 1 FROM frauds WHERE device = lost.device)
         ORDER BY rowid",
    )?;
    let rows = statement.query_map((Col(vehicle), Json(&verdict)), |row| {
        Ok(Loser {
            entry: EntryRef {
                device: row.get::<_, Col<_>>(0)?.0,
                epoch: row.get::<_, Col<_>>(1)?.0,
                seq: row.get::<_, Col<_>>(2)?.0,
            },
            vehicle,
            member: row.get::<_, Col<_>>(3)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns whether an entry of this vehicle had the same origin before.
pub(crate) fn knows_origin(
    db: &Connection,
    vehicle: VehicleId,
    origin: EntryHash,
) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM entries WHERE vehicle = ?1 AND origin = ?2")?
        .exists((Col(vehicle), Col(origin)))?)
}

/// Reads the hash of the first entry that said what an entry of the log says.
pub(crate) fn origin(db: &Connection, entry: EntryRef) -> Result<EntryHash, CloudError> {
    let origin = db
        .prepare_cached("SELECT origin FROM entries WHERE device = ?1 AND epoch = ?2 AND seq = ?3")?
        .query_row(
            (Col(entry.device), Col(entry.epoch), Col(entry.seq)),
            |row| Ok(row.get::<_, Col<_>>(0)?.0),
        )?;
    Ok(origin)
}

/// Reads when an entry came.
pub(crate) fn arrived(db: &Connection, entry: EntryRef) -> Result<Option<ServerTime>, CloudError> {
    let arrived = db
        .prepare_cached(
            "SELECT arrived FROM entries WHERE device = ?1 AND epoch = ?2 AND seq = ?3",
        )?
        .query_row(
            (Col(entry.device), Col(entry.epoch), Col(entry.seq)),
            |row| Ok(row.get::<_, Col<_>>(0)?.0),
        )
        .optional()?;
    Ok(arrived)
}

/// Appends a row; the key (device, epoch, seq) refuses a second one.
pub(crate) fn append(db: &Connection, row: &NewRow<'_>) -> Result<(), CloudError> {
    db.prepare_cached(
        "INSERT INTO entries (device, epoch, seq, hash, origin, vehicle, member, arrived, verdict, raw)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute((
        Col(row.entry.device),
        Col(row.entry.epoch),
        Col(row.entry.seq),
        Col(row.hash),
        Col(row.origin),
        Col(row.vehicle),
        row.member.map(Col),
        Col(row.arrived),
        Json(row.verdict),
        row.raw,
    ))?;
    Ok(())
}

/// Reads the newest entry of a device's chain, as it was signed.
pub(crate) fn newest_raw(db: &Connection, device: DeviceId) -> Result<Option<Vec<u8>>, CloudError> {
    let raw = db
        .prepare_cached(
            "SELECT raw FROM entries WHERE device = ?1 ORDER BY epoch DESC, seq DESC LIMIT 1",
        )?
        .query_row([Col(device)], |row| row.get(0))
        .optional()?;
    Ok(raw)
}

/// The raw entries of one epoch from a place on, at most so many.
pub(crate) fn raw_from(
    db: &Connection,
    device: DeviceId,
    epoch: Epoch,
    from: Seq,
    most: u32,
) -> Result<Vec<Vec<u8>>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT raw FROM entries WHERE device = ?1 AND epoch = ?2 AND seq >= ?3 ORDER BY seq LIMIT ?4",
    )?;
    let rows = statement.query_map((Col(device), Col(epoch), Col(from), most), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lists the members for whom a device has entries, ascending.
pub(crate) fn members_of(db: &Connection, device: DeviceId) -> Result<Vec<MemberId>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT member FROM entries WHERE device = ?1 AND member IS NOT NULL ORDER BY member",
    )?;
    let rows = statement.query_map([Col(device)], |row| Ok(row.get::<_, Col<_>>(0)?.0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Rows in the order they came to five minutes, then by device and chain; of one device or one member or all.
pub(crate) fn each(
    db: &Connection,
    device: Option<DeviceId>,
    member: Option<MemberId>,
    mut take: impl FnMut(LogLine) -> Result<(), CloudError>,
) -> Result<(), CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT device, epoch, seq, member, arrived, verdict, raw FROM entries
         WHERE (?1 IS NULL OR device = ?1) AND (?2 IS NULL OR member = ?2)
         ORDER BY arrived, device, epoch, seq",
    )?;
    let rows = statement.query_map((device.map(Col), member.map(Col)), |row| {
        Ok(LogLine {
            entry: EntryRef {
                device: row.get::<_, Col<_>>(0)?.0,
                epoch: row.get::<_, Col<_>>(1)?.0,
                seq: row.get::<_, Col<_>>(2)?.0,
            },
            member: row.get::<_, Option<Col<_>>>(3)?.map(|member| member.0),
            arrived: row.get::<_, Col<_>>(4)?.0,
            verdict: row.get::<_, Json<_>>(5)?.0,
            raw: row.get(6)?,
        })
    })?;
    for row in rows {
        take(row?)?;
    }
    Ok(())
}
