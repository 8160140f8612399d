//! Figures of what holds a stretch of a meter: what the next claims of the vehicle are judged by.

use std::ops::RangeInclusive;

use dashpoint_membership::{
    DeviceId, EntryRef, Evidence, Meter, MeterInterval, MeterNumber, MeterOpening, ServerTime,
    VehicleId,
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::intervals::bounds;
use super::{Col, openings};
use crate::error::CloudError;
use crate::plausible::{
    EnergyWindow, EntryTimes, ExcessEnergy, History, KnownSpan, MeterReading, MeterState,
    MeterSums, OpeningHistory, Overlaps, RecentUse, YEAR_S, energy_window_starts, lasted_s,
    neighbours, window_start,
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
    let excess = ExcessEnergy::of(new.evidence);
    db.prepare_cached(
        "INSERT INTO uses (device, epoch, seq, vehicle, meter, lo, hi, receipt_at, arrived, started, ended, sure,
            lasted, regained_over, used_over, number)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
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
        seconds(new.evidence).cast_signed(),
        excess.regained_wh,
        excess.used_wh,
        Col(interval.number),
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
    let highest_number = openings::highest(db, vehicle, interval.meter)?;
    let opened = if interval.number.is_first() {
        None
    } else {
        openings::open(db, vehicle, interval.meter, interval.number)?
    };
    let first_reading = opened.map(|opened| MeterReading {
        at: opened.opening.first,
        since: opened.receipt_at,
    });
    let within = window_start(claim.receipt_at, now)..=now;
    let recent = recent(db, vehicle, interval, &within, claim.entry.device)?;
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
        meter: MeterState {
            is_open: interval.number.is_first() || opened.is_some(),
            first: first_reading.map(|reading| reading.at),
            is_one_of_several: !highest_number.is_first(),
        },
        known_then: highest(db, vehicle, interval, i64::MAX, claim.receipt_at)?
            .map(|found| found.at),
        below: highest(db, vehicle, interval, bounds(interval)?.0, now)?
            .or(first_reading)
            .map(right),
        day_ago: match highest(db, vehicle, interval, i64::MAX, now.plus_s(-86_400))? {
            None if first_reading.is_some() => first_reading,
            None => first(db, vehicle, interval)?,
            found => found,
        },
        lately: MeterSums::of(&recent),
        neighbours: match claim.evidence {
            Evidence::Trip(_) => neighbours(&recent, interval),
            Evidence::Charge(_) | Evidence::Discharge(_) => ExcessEnergy::default(),
        },
        energy: match claim.evidence {
            Evidence::Trip(_) => Vec::new(),
            Evidence::Charge(_) => energy(db, claim, Meter::Discharged)?,
            Evidence::Discharge(_) => energy(db, claim, Meter::Charged)?,
        },
        overlaps: overlaps(db, claim)?,
    })
}

/// Gathers what the opening of a meter is judged by.
pub(crate) fn opening_history(
    db: &Connection,
    vehicle: VehicleId,
    opening: &MeterOpening,
    enrolled: ServerTime,
    receipt_at: ServerTime,
    now: ServerTime,
) -> Result<OpeningHistory, CloudError> {
    let meter = opening.meter;
    let before = opening.number.before().unwrap_or_default();
    let interval = MeterInterval {
        number: before,
        ..MeterInterval::of_first(meter, 0, 0)
    };
    let opened = openings::open(db, vehicle, meter, before)?;
    let first_reading = opened.map(|opened| MeterReading {
        at: opened.opening.first,
        since: opened.receipt_at,
    });
    let known = highest(db, vehicle, interval, i64::MAX, now)?.or(first_reading);
    let counted_at: Option<Col<ServerTime>> = db
        .prepare_cached(
            "SELECT max(started) FROM (SELECT started FROM uses INDEXED BY uses_by_end
                WHERE sure = 1 AND vehicle = ?1 AND meter = ?2 AND ended > ?3 AND number = ?4
                    AND ended <= arrived + 900
                ORDER BY ended DESC LIMIT ?5)",
        )?
        .query_row(
            (
                Col(vehicle),
                Col(meter),
                opening.since.as_unix_s(),
                Col(before),
                LOOKED_AT_MAX,
            ),
            |row| row.get(0),
        )?;
    Ok(OpeningHistory {
        enrolled,
        receipt_at,
        highest: openings::highest(db, vehicle, meter)?,
        opened_lately: openings::opened_after(db, vehicle, meter, now.plus_s(-YEAR_S))?,
        known: known.map(|found| MeterReading {
            since: if found.since > now {
                enrolled.min(now)
            } else {
                found.since
            },
            ..found
        }),
        counted_at: counted_at.map(|counted| counted.0),
    })
}

/// Seconds of driving, seen or missed; none for a session.
fn seconds(evidence: &Evidence) -> u64 {
    match evidence {
        Evidence::Trip(trip) => lasted_s(trip),
        Evidence::Charge(_) | Evidence::Discharge(_) => 0,
    }
}

fn reading(row: &Row<'_>) -> rusqlite::Result<MeterReading> {
    Ok(MeterReading {
        at: unsigned(row.get(0)?),
        since: row.get::<_, Col<_>>(1)?.0,
    })
}

/// The highest reading up to one, of what had arrived by then.
///
/// Rows are read until one had arrived: to leave out the others in the statement, SQLite would sort them all once more.
fn highest(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
    up_to: i64,
    arrived: ServerTime,
) -> Result<Option<MeterReading>, CloudError> {
    let mut downwards = db.prepare_cached(
        "SELECT hi, receipt_at, arrived FROM uses INDEXED BY uses_by_reading
         WHERE vehicle = ?1 AND meter = ?2 AND number = ?3 AND hi <= ?4 ORDER BY hi DESC LIMIT ?5",
    )?;
    let meter = (Col(interval.meter), Col(interval.number));
    let mut rows = downwards.query((Col(vehicle), meter.0, meter.1, up_to, LOOKED_AT_MAX))?;
    while let Some(row) = rows.next()? {
        if row.get::<_, Col<ServerTime>>(2)?.0 <= arrived {
            return Ok(Some(reading(row)?));
        }
    }
    Ok(None)
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
             WHERE vehicle = ?1 AND meter = ?2 AND number = ?3 ORDER BY hi LIMIT 1",
        )?
        .query_row(
            (Col(vehicle), Col(interval.meter), Col(interval.number)),
            reading,
        )
        .optional()?;
    Ok(found)
}

/// Lists the trips or sessions under receipts of a stretch of server time, the latest first.
fn recent(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
    within: &RangeInclusive<ServerTime>,
    own: DeviceId,
) -> Result<Vec<RecentUse>, CloudError> {
    let found = db
        .prepare_cached(
            "SELECT device = ?6, lo, hi, lasted, regained_over, used_over, number FROM uses INDEXED BY uses_by_receipt
             WHERE vehicle = ?1 AND meter = ?2 AND receipt_at BETWEEN ?3 AND ?4
             ORDER BY receipt_at DESC, lasted DESC LIMIT ?5",
        )?
        .query_map(
            (
                Col(vehicle),
                Col(interval.meter),
                Col(*within.start()),
                Col(*within.end()),
                LOOKED_AT_MAX,
                Col(own),
            ),
            |row| {
                Ok(RecentUse {
                    is_own: row.get(0)?,
                    number: row.get::<_, Col<MeterNumber>>(6)?.0,
                    from: unsigned(row.get(1)?),
                    to: unsigned(row.get(2)?),
                    lasted_s: unsigned(row.get(3)?),
                    excess: ExcessEnergy {
                        regained_wh: row.get(4)?,
                        used_wh: row.get(5)?,
                    },
                })
            },
        )?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// Sums what sessions have taken and given, and what accounts for it.
fn energy(db: &Connection, claim: &Use<'_>, other: Meter) -> Result<Vec<EnergyWindow>, CloudError> {
    let now = claim.arrived;
    let windows = energy_window_starts(claim.receipt_at, now).map(|since| {
        let sum = |meter| units(db, claim.vehicle, meter, since..=now);
        Ok(EnergyWindow {
            since,
            same_wh: sum(claim.evidence.interval().meter)?,
            other_wh: sum(other)?,
            metres: sum(Meter::Odometer)?,
        })
    });
    windows.into_iter().collect()
}

fn units(
    db: &Connection,
    vehicle: VehicleId,
    meter: Meter,
    within: RangeInclusive<ServerTime>,
) -> Result<u64, CloudError> {
    Ok(db
        .prepare_cached(
            "SELECT coalesce(sum(hi - lo), 0) FROM (SELECT lo, hi FROM uses INDEXED BY uses_by_receipt
                WHERE vehicle = ?1 AND meter = ?2 AND receipt_at BETWEEN ?3 AND ?4
                ORDER BY receipt_at DESC, lasted DESC LIMIT ?5)",
        )?
        .query_row(
            (
                Col(vehicle),
                Col(meter),
                Col(*within.start()),
                Col(*within.end()),
                LOOKED_AT_MAX,
            ),
            |row| Ok(unsigned(row.get(0)?)),
        )?)
}

/// Measures for how long others of the vehicle happen at the same time, of those that end last.
fn overlaps(db: &Connection, claim: &Use<'_>) -> Result<Overlaps, CloudError> {
    if !claim.span.is_sure {
        return Ok(Overlaps::default());
    }
    let mut known = Vec::new();
    for meter in [Meter::Odometer, Meter::Charged, Meter::Discharged] {
        let mut ended_later = db.prepare_cached(
            "SELECT started, ended, arrived, lasted, device = ?4 FROM uses INDEXED BY uses_by_end
             WHERE sure = 1 AND vehicle = ?1 AND meter = ?2 AND ended > ?3
             ORDER BY ended DESC LIMIT ?5",
        )?;
        let spans = ended_later.query_map(
            (
                Col(claim.vehicle),
                Col(meter),
                Col(claim.span.started),
                Col(claim.entry.device),
                LOOKED_AT_MAX,
            ),
            |row| {
                Ok(KnownSpan {
                    meter,
                    started: row.get::<_, Col<_>>(0)?.0,
                    ended: row.get::<_, Col<_>>(1)?.0,
                    arrived: row.get::<_, Col<_>>(2)?.0,
                    lasted_s: unsigned(row.get(3)?),
                    is_own: row.get(4)?,
                })
            },
        )?;
        known.extend(spans.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    let own = KnownSpan {
        meter: claim.evidence.interval().meter,
        started: claim.span.started,
        ended: claim.span.ended,
        arrived: claim.arrived,
        lasted_s: seconds(claim.evidence),
        is_own: true,
    };
    Ok(Overlaps::of(&own, &known))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
