//! Entries that the database before a restore had, that this one lacks, and that their head units send again.

use dashpoint_membership::{
    DeviceId, EntryHash, EntryRef, Meter, MeterInterval, MeterNumber, ServerTime, VehicleId,
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::intervals::{Freed, unsigned};
use super::left_behind::LeftOutcome;
use super::{Col, Json};
use crate::error::CloudError;

/// One entry that is to come again.
pub(crate) struct AwaitedEntry {
    pub vehicle: VehicleId,
    pub(super) origin: EntryHash,
    pub(super) entry: EntryRef,
    pub outcome: LeftOutcome,
    /// The bytes that the database before had.
    pub raw: Vec<u8>,
    pub stretch: Option<MeterInterval>,
    /// Time at which the stretch became free.
    pub(super) gone: Option<ServerTime>,
}

impl AwaitedEntry {
    /// Returns whether a stretch is kept for it.
    pub const fn keeps_stretch(&self) -> bool {
        self.stretch.is_some() && self.gone.is_none()
    }
}

/// Narrows a question to entries that are here: they wait for an operator's word, or for a stretch that another one has. The origin
/// tells them from another entry that was made for the same place since.
macro_rules! is_here {
    () => {
        "EXISTS (SELECT 1 FROM entries WHERE (entries.device, entries.epoch, entries.seq, entries.origin)
             = (awaited.device, awaited.epoch, awaited.seq, awaited.origin))"
    };
}

/// Narrows a question to entries that are to be sent again.
pub(super) const IS_SENT_AGAIN: &str = concat!("gone IS NULL AND NOT ", is_here!());

pub(super) const COLUMNS: &str =
    "vehicle, origin, device, epoch, seq, outcome, raw, meter, lo, hi, gone, number";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<AwaitedEntry> {
    let meter: Option<Col<Meter>> = row.get(7)?;
    let (lo, hi): (Option<i64>, Option<i64>) = (row.get(8)?, row.get(9)?);
    let number: Col<MeterNumber> = row.get(11)?;
    let stretch = meter.zip(lo).zip(hi);
    Ok(AwaitedEntry {
        vehicle: row.get::<_, Col<_>>(0)?.0,
        origin: row.get::<_, Col<_>>(1)?.0,
        entry: EntryRef {
            device: row.get::<_, Col<_>>(2)?.0,
            epoch: row.get::<_, Col<_>>(3)?.0,
            seq: row.get::<_, Col<_>>(4)?.0,
        },
        outcome: row.get::<_, Json<_>>(5)?.0,
        raw: row.get(6)?,
        stretch: stretch.map(|((meter, lo), hi)| MeterInterval {
            meter: meter.0,
            number: number.0,
            from: unsigned(lo),
            to: unsigned(hi),
        }),
        gone: row.get::<_, Option<Col<_>>>(10)?.map(|gone| gone.0),
    })
}

/// Returns whether the database before had paid an entry that is here, and was not paid here.
pub(crate) fn is_due(db: &Connection, entry: EntryRef) -> Result<bool, CloudError> {
    Ok(outcome_here(db, entry)?.is_some_and(|outcome| outcome.had_paid()))
}

/// Finds the act that took its stretch from an entry in the database before, while it is rejected or in doubt here and never had it.
pub(crate) fn freed_there(db: &Connection, entry: EntryRef) -> Result<Option<Freed>, CloudError> {
    Ok(match outcome_here(db, entry)? {
        Some(LeftOutcome::Freed(freed)) => Some(freed),
        Some(_) | None => None,
    })
}

/// Returns whether an entry came second in the database before as well, and was not paid either when its stretch became free.
pub(crate) fn stays_second(db: &Connection, entry: EntryRef) -> Result<bool, CloudError> {
    Ok(outcome_here(db, entry)? == Some(LeftOutcome::StaysSecond))
}

/// Outcome that an entry which is here waits for.
fn outcome_here(db: &Connection, entry: EntryRef) -> Result<Option<LeftOutcome>, CloudError> {
    let outcome: Option<Json<LeftOutcome>> = db
        .prepare_cached(concat!(
            "SELECT outcome FROM awaited WHERE (device, epoch, seq) = (?1, ?2, ?3) AND gone IS NULL AND ",
            is_here!()
        ))?
        .query_row(
            (Col(entry.device), Col(entry.epoch), Col(entry.seq)),
            |row| row.get(0),
        )
        .optional()?;
    Ok(outcome.map(|outcome| outcome.0))
}

/// Finds what the database before had of an entry of a device.
pub(crate) fn find(
    db: &Connection,
    device: DeviceId,
    vehicle: VehicleId,
    origin: EntryHash,
) -> Result<Option<AwaitedEntry>, CloudError> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM awaited WHERE vehicle = ?1 AND origin = ?2 AND device = ?3"
        ))?
        .query_row((Col(vehicle), Col(origin), Col(device)), read)
        .optional()?;
    Ok(found)
}

/// Awaits an entry no more: it has come.
pub(crate) fn came(db: &Connection, one: &AwaitedEntry) -> Result<(), CloudError> {
    db.prepare_cached("DELETE FROM awaited WHERE vehicle = ?1 AND origin = ?2")?
        .execute((Col(one.vehicle), Col(one.origin)))?;
    Ok(())
}

/// Keeps the stretch for an entry that has come and could not have it: whoever holds it may lose it.
pub(crate) fn keep_for(
    db: &Connection,
    one: &AwaitedEntry,
    entry: EntryRef,
) -> Result<(), CloudError> {
    db.prepare_cached(
        "UPDATE awaited SET epoch = ?3, seq = ?4 WHERE vehicle = ?1 AND origin = ?2",
    )?
    .execute((
        Col(one.vehicle),
        Col(one.origin),
        Col(entry.epoch),
        Col(entry.seq),
    ))?;
    Ok(())
}

/// Frees what is kept for an entry that is here and is not paid for it.
pub(crate) fn let_go(db: &Connection, entry: EntryRef, now: ServerTime) -> Result<(), CloudError> {
    db.prepare_cached(concat!(
        "UPDATE awaited SET gone = ?4 WHERE (device, epoch, seq) = (?1, ?2, ?3) AND gone IS NULL AND ",
        is_here!()
    ))?
    .execute((
        Col(entry.device),
        Col(entry.epoch),
        Col(entry.seq),
        Col(now),
    ))?;
    Ok(())
}

/// Leaves an entry that is here its points without the stretch, once an operator accepts it.
pub(crate) fn leave_points(
    db: &Connection,
    entry: EntryRef,
    freed: &Freed,
) -> Result<(), CloudError> {
    db.prepare_cached(concat!(
        "UPDATE awaited SET outcome = ?4, meter = NULL, lo = NULL, hi = NULL
         WHERE (device, epoch, seq) = (?1, ?2, ?3) AND gone IS NULL AND ",
        is_here!()
    ))?
    .execute((
        Col(entry.device),
        Col(entry.epoch),
        Col(entry.seq),
        Json(LeftOutcome::Freed(freed.clone())),
    ))?;
    Ok(())
}

/// Lists the entries of a vehicle that are here, and that the database before had paid: one, or all of a device.
pub(crate) fn due_here(
    db: &Connection,
    vehicle: VehicleId,
    device: DeviceId,
    only: Option<EntryRef>,
) -> Result<Vec<EntryRef>, CloudError> {
    let mut statement = db.prepare_cached(concat!(
        "SELECT epoch, seq, outcome FROM awaited
         WHERE vehicle = ?1 AND device = ?2 AND gone IS NULL AND (?3 IS NULL OR (epoch, seq) = (?3, ?4)) AND ",
        is_here!(),
        " ORDER BY epoch, seq"
    ))?;
    let rows = statement.query_map(
        (
            Col(vehicle),
            Col(device),
            only.map(|only| Col(only.epoch)),
            only.map(|only| Col(only.seq)),
        ),
        |row| {
            let entry = EntryRef {
                device,
                epoch: row.get::<_, Col<_>>(0)?.0,
                seq: row.get::<_, Col<_>>(1)?.0,
            };
            Ok((entry, row.get::<_, Json<LeftOutcome>>(2)?.0))
        },
    )?;
    let rows: Vec<(EntryRef, LeftOutcome)> = rows.collect::<Result<_, _>>()?;
    let due = rows.into_iter().filter(|(_, outcome)| outcome.had_paid());
    Ok(due.map(|(entry, _)| entry).collect())
}

/// Lists the entries of a vehicle that are here, and that the database before had paid.
pub(crate) fn due_in(db: &Connection, vehicle: VehicleId) -> Result<Vec<EntryRef>, CloudError> {
    let mut devices = db.prepare_cached(
        "SELECT DISTINCT device FROM awaited WHERE vehicle = ?1 AND gone IS NULL",
    )?;
    let devices = devices.query_map([Col(vehicle)], |row| Ok(row.get::<_, Col<_>>(0)?.0))?;
    let devices: Vec<DeviceId> = devices.collect::<Result<_, _>>()?;
    let mut due = Vec::new();
    for device in devices {
        due.extend(due_here(db, vehicle, device, None)?);
    }
    Ok(due)
}

/// Awaits an entry no more that is here: it has its stretch now, or had it and lost it.
pub(crate) fn settled(db: &Connection, entry: EntryRef) -> Result<(), CloudError> {
    db.prepare_cached(concat!(
        "DELETE FROM awaited WHERE (device, epoch, seq) = (?1, ?2, ?3) AND ",
        is_here!()
    ))?
    .execute((Col(entry.device), Col(entry.epoch), Col(entry.seq)))?;
    Ok(())
}

/// Frees what is kept for a device that is shut out: it sends nothing again. Returns the vehicle of each entry that would have
/// counted.
pub(crate) fn give_up(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
) -> Result<Vec<VehicleId>, CloudError> {
    give_up_those(db, device, now, IS_SENT_AGAIN)
}

/// Does the same for a fraud, also for entries that are here.
pub(crate) fn give_all_up(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
) -> Result<Vec<VehicleId>, CloudError> {
    give_up_those(db, device, now, "gone IS NULL")
}

fn give_up_those(
    db: &Connection,
    device: DeviceId,
    now: ServerTime,
    which: &str,
) -> Result<Vec<VehicleId>, CloudError> {
    let mut statement = db.prepare_cached(&format!(
        "UPDATE awaited SET gone = ?2 WHERE device = ?1 AND {which} RETURNING vehicle, meter IS NOT NULL",
    ))?;
    let rows = statement.query_map((Col(device), Col(now)), |row| {
        Ok((row.get::<_, Col<_>>(0)?.0, row.get::<_, bool>(1)?))
    })?;
    let rows: Vec<(VehicleId, bool)> = rows.collect::<Result<_, _>>()?;
    let counted = rows.into_iter().filter(|(_, counted)| *counted);
    Ok(counted.map(|(vehicle, _)| vehicle).collect())
}

/// Frees stretches of a vehicle that are kept for entries to come: that of one, or all of a device. Returns their entries.
pub(crate) fn free(
    db: &Connection,
    vehicle: VehicleId,
    device: DeviceId,
    only: Option<EntryRef>,
    freed: &Freed,
) -> Result<Vec<EntryRef>, CloudError> {
    let mut statement = db.prepare_cached(&format!(
        "UPDATE awaited SET gone = ?1, outcome = ?2
         WHERE vehicle = ?3 AND device = ?4 AND meter IS NOT NULL AND (?5 IS NULL OR (epoch, seq) = (?5, ?6)) AND {IS_SENT_AGAIN}
         RETURNING epoch, seq",
    ))?;
    let rows = statement.query_map(
        (
            Col(freed.at),
            Json(LeftOutcome::Freed(freed.clone())),
            Col(vehicle),
            Col(device),
            only.map(|only| Col(only.epoch)),
            only.map(|only| Col(only.seq)),
        ),
        |row| {
            Ok(EntryRef {
                device,
                epoch: row.get::<_, Col<_>>(0)?.0,
                seq: row.get::<_, Col<_>>(1)?.0,
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
