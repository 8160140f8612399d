//! Reviews: entries whose evidence is in doubt, and what operators decided.

use dashpoint_membership::{EntryRef, ServerTime, VehicleId};
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::error::CloudError;

/// Writes that an entry is in doubt; `awaits_meter`: it waits with the opening of its meter.
pub(crate) fn open(
    db: &Connection,
    entry: EntryRef,
    vehicle: VehicleId,
    doubt: &str,
    awaits_meter: bool,
    now: ServerTime,
) -> Result<(), CloudError> {
    db.prepare_cached(
        "INSERT INTO reviews (device, epoch, seq, vehicle, doubt, opened, took_room, awaits_meter)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)",
    )?
    .execute((
        Col(entry.device),
        Col(entry.epoch),
        Col(entry.seq),
        Col(vehicle),
        doubt,
        Col(now),
        awaits_meter,
    ))?;
    Ok(())
}

/// The doubt about an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Review {
    /// The doubt in words.
    pub doubt: String,
    /// What is held back took its room in the caps, and its thousandths, when it came: an older program held it.
    pub took_room: bool,
}

/// Reads the doubt about an entry, if there is one.
pub(crate) fn find(db: &Connection, entry: EntryRef) -> Result<Option<Review>, CloudError> {
    let review = db
        .prepare_cached(
            "SELECT doubt, took_room FROM reviews WHERE device = ?1 AND epoch = ?2 AND seq = ?3",
        )?
        .query_row(
            (Col(entry.device), Col(entry.epoch), Col(entry.seq)),
            |row| {
                Ok(Review {
                    doubt: row.get(0)?,
                    took_room: row.get(1)?,
                })
            },
        )
        .optional()?;
    Ok(review)
}

/// Lists the entries of a vehicle that came on a meter that was not open, in the order in which the log took them: not those that an
/// operator has decided, nor those that hold a stretch since, or lost it.
pub(crate) fn awaiting_meter(
    db: &Connection,
    vehicle: VehicleId,
) -> Result<Vec<EntryRef>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT device, epoch, seq FROM reviews AS waiting WHERE vehicle = ?1 AND awaits_meter = 1
             AND NOT EXISTS (SELECT 1 FROM decisions WHERE (device, epoch, seq) = (waiting.device, waiting.epoch, waiting.seq))
             AND NOT EXISTS (SELECT 1 FROM intervals WHERE (device, epoch, seq) = (waiting.device, waiting.epoch, waiting.seq))
             AND NOT EXISTS (SELECT 1 FROM freed WHERE (device, epoch, seq) = (waiting.device, waiting.epoch, waiting.seq))
         ORDER BY rowid",
    )?;
    let rows = statement.query_map([Col(vehicle)], |row| {
        Ok(EntryRef {
            device: row.get::<_, Col<_>>(0)?.0,
            epoch: row.get::<_, Col<_>>(1)?.0,
            seq: row.get::<_, Col<_>>(2)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes what an operator decided.
pub(crate) fn decide(
    db: &Connection,
    entry: EntryRef,
    now: ServerTime,
    accepted: bool,
    reason: &str,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO decisions (device, epoch, seq, decided, accepted, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            Col(entry.device),
            Col(entry.epoch),
            Col(entry.seq),
            Col(now),
            accepted,
            reason,
        ),
    )?;
    Ok(())
}

/// Returns whether an operator has decided on what was held back for an entry.
pub(crate) fn is_decided(db: &Connection, entry: EntryRef) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM decisions WHERE (device, epoch, seq) = (?1, ?2, ?3)")?
        .exists((Col(entry.device), Col(entry.epoch), Col(entry.seq)))?)
}
