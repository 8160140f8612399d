//! Figures of what holds a stretch of a meter: what the next claims of the vehicle are judged by.

use std::ops::RangeInclusive;

use dashpoint_membership::{DeviceId, EntryRef, Evidence, MeterInterval, ServerTime, VehicleId};
use rusqlite::{Connection, OptionalExtension, Row};

use super::Col;
use super::intervals::bounds;
use crate::error::CloudError;
use crate::plausible::{
    EntryTimes, ExcessEnergy, History, MeterReading, MeterSums, Overlaps, lasted_s, window_start,
};

/// Trips or sessions that are looked at for one claim, the latest: more than a car makes in three months. It bounds the
/// work that one entry costs.
const LOOKED_AT_MAX: i64 = 1_000;

/// One trip or session, with where and when it was claimed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use<'a> {
    pub entry: EntryRef,
    pub vehicle: VehicleId,
    pub evidence: &'a Evidence,
    pub span: EntryTimes,
    /// The newest receipt that the car is known to have held, never after the arrival.
    pub receipt_at: ServerTime,
    pub arrived: ServerTime,
}

/// Writes the figures of one.
pub(crate) fn insert(db: &Connection, new: &Use<'_>) -> Result<(), CloudError> {
    let interval = new.evidence.interval();
    let (lo, hi) = bounds(interval)?;
    let lasted_s = match new.evidence {
        Evidence::Trip(trip) => lasted_s(trip),
        Evidence::Charge(_) | Evidence::Discharge(_) => 0,
    };
    let excess = ExcessEnergy::of(new.evidence);
    db.prepare_cached(
        "INSERT INTO uses (device, epoch, seq, vehicle, meter, lo, hi, receipt_at, arrived, started, ended, sure,
            lasted, regained_over, used_over)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?
    .execute(rusqlite::params![
        Col(new.entry.device),
        Col(new.entry.epoch),
        Col(new.entry.seq),
        Col(new.vehicle),
        Col(interval.meter),
        lo,
        hi,
        Col(new.receipt_at),
        Col(new.arrived),
        Col(new.span.started),
        Col(new.span.ended),
        new.span.is_sure,
        lasted_s.cast_signed(),
        excess.regained_wh,
        excess.used_wh,
    ])?;
    Ok(())
}

/// Forgets the figures of one that holds its stretch no more.
pub(crate) fn delete(db: &Connection, entry: EntryRef) -> Result<(), CloudError> {
    db.execute(
        "DELETE FROM uses WHERE device = ?1 AND epoch = ?2 AND seq = ?3",
        (Col(entry.device), Col(entry.epoch), Col(entry.seq)),
    )?;
    Ok(())
}

/// Forgets the figures of all that a device claimed.
pub(crate) fn delete_all_of(db: &Connection, device: DeviceId) -> Result<(), CloudError> {
    db.execute("DELETE FROM uses WHERE device = ?1", [Col(device)])?;
    Ok(())
}

/// Gathers what a claim is judged by.
///
/// A row under a receipt that is later than now was written by a clock that was ahead: it enters no sum, and says of the time
/// of its reading only that it came after the enrolment.
pub(crate) fn history(
    db: &Connection,
    claim: &Use<'_>,
    enrolled: ServerTime,
) -> Result<History, CloudError> {
    let interval = claim.evidence.interval();
    let (vehicle, now) = (claim.vehicle, claim.arrived);
    let right = |found: MeterReading| MeterReading {
        since: if found.since > now {
            enrolled.min(now)
        } else {
            found.since
        },
        ..found
    };
    Ok(History {
        enrolled,
        receipt_at: claim.receipt_at,
        known_then: highest(db, vehicle, interval, i64::MAX, claim.receipt_at)?
            .map(|found| found.at),
        below: highest(db, vehicle, interval, bounds(interval)?.0, now)?.map(right),
        day_ago: match highest(db, vehicle, interval, i64::MAX, now.plus_s(-86_400))? {
            None => first(db, vehicle, interval)?,
            found => found,
        },
        lately: sums(
            db,
            vehicle,
            interval,
            window_start(claim.receipt_at, now)..=now,
            claim.entry.device,
        )?,
        overlaps: overlaps(db, vehicle, interval, &claim.span)?,
    })
}

fn reading(row: &Row<'_>) -> rusqlite::Result<MeterReading> {
    Ok(MeterReading {
        at: unsigned(row.get(0)?),
        since: row.get::<_, Col<_>>(1)?.0,
    })
}

/// The highest reading up to one, of what had arrived by then.
fn highest(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
    up_to: i64,
    arrived: ServerTime,
) -> Result<Option<MeterReading>, CloudError> {
    let found = db
        .prepare_cached(
            "SELECT hi, receipt_at FROM (
                SELECT hi, receipt_at, arrived FROM uses INDEXED BY uses_by_reading
                WHERE vehicle = ?1 AND meter = ?2 AND hi <= ?3 ORDER BY hi DESC LIMIT ?5
             ) WHERE arrived <= ?4 ORDER BY hi DESC LIMIT 1",
        )?
        .query_row(
            (
                Col(vehicle),
                Col(interval.meter),
                up_to,
                Col(arrived),
                LOOKED_AT_MAX,
            ),
            reading,
        )
        .optional()?;
    Ok(found)
}

/// The reading at which the vehicle was first seen.
fn first(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
) -> Result<Option<MeterReading>, CloudError> {
    let found = db
        .prepare_cached(
            "SELECT lo, receipt_at FROM uses INDEXED BY uses_by_reading
             WHERE vehicle = ?1 AND meter = ?2 ORDER BY hi LIMIT 1",
        )?
        .query_row((Col(vehicle), Col(interval.meter)), reading)
        .optional()?;
    Ok(found)
}

fn sums(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
    within: RangeInclusive<ServerTime>,
    own: DeviceId,
) -> Result<MeterSums, CloudError> {
    Ok(db
        .prepare_cached(
            "SELECT coalesce(sum(lasted), 0), coalesce(max(lasted), 0), coalesce(sum(hi - lo), 0),
                coalesce(sum(lasted) FILTER (WHERE device = ?6), 0),
                coalesce(sum(hi - lo) FILTER (WHERE device = ?6), 0),
                coalesce(sum(regained_over), 0), coalesce(sum(used_over), 0)
             FROM (SELECT device, lasted, lo, hi, regained_over, used_over FROM uses INDEXED BY uses_by_receipt
                WHERE vehicle = ?1 AND meter = ?2 AND receipt_at BETWEEN ?3 AND ?4
                ORDER BY receipt_at DESC, lasted DESC LIMIT ?5)",
        )?
        .query_row(
            (
                Col(vehicle),
                Col(interval.meter),
                Col(*within.start()),
                Col(*within.end()),
                LOOKED_AT_MAX,
                Col(own),
            ),
            |row| {
                Ok(MeterSums {
                    lasted_s: unsigned(row.get(0)?),
                    longest_s: unsigned(row.get(1)?),
                    units: unsigned(row.get(2)?),
                    own_lasted_s: unsigned(row.get(3)?),
                    own_units: unsigned(row.get(4)?),
                    excess: ExcessEnergy {
                        regained_wh: row.get(5)?,
                        used_wh: row.get(6)?,
                    },
                })
            },
        )?)
}

fn overlaps(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
    span: &EntryTimes,
) -> Result<Overlaps, CloudError> {
    if !span.is_sure {
        return Ok(Overlaps::default());
    }
    // Both ends are rounded down to five minutes: what remains of an overlap is there for certain.
    let grain_s = 300_i64;
    Ok(db
        .prepare_cached(
            "SELECT count(*), coalesce(sum(min(ended, ?4) - max(started, ?3) - ?5), 0) FROM uses
             WHERE sure = 1 AND vehicle = ?1 AND meter = ?2 AND ended > ?3 + ?5
               AND min(ended, ?4) - max(started, ?3) > 2 * ?5",
        )?
        .query_row(
            (
                Col(vehicle),
                Col(interval.meter),
                Col(span.started),
                Col(span.ended),
                grain_s,
            ),
            |row| {
                Ok(Overlaps {
                    count: unsigned(row.get(0)?),
                    seconds: unsigned(row.get(1)?),
                })
            },
        )?)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
