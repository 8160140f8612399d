//! Stretches of lifetime meters that were paid.

use dashpoint_membership::{
    DeviceId, EntryHash, EntryRef, Given, Meter, MeterInterval, ServerTime, VehicleId,
};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::{Col, Json};
use crate::error::CloudError;

/// The reason kept with a stretch that became free with its device, for which it was paid nothing.
pub(crate) const FREED_UNPAID: &str = "its device was shut out, and it was paid nothing";

/// Returns whether a unit of the interval that an entry claims was paid before, to any device of the vehicle: also by the database
/// before a restore, for an entry of another origin that is to come again.
pub(crate) fn overlaps(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
    origin: EntryHash,
) -> Result<bool, CloudError> {
    Ok(is_held(db, vehicle, interval)? || is_kept(db, vehicle, interval, origin)?)
}

/// Returns whether an entry holds a unit of the interval.
pub(crate) fn is_held(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
) -> Result<bool, CloudError> {
    let (lo, hi) = bounds(interval)?;
    // Paid stretches never overlap, so the last one that begins below the end is the only one that can reach into it.
    let below = db
        .prepare_cached(
            "SELECT hi FROM intervals WHERE vehicle = ?1 AND meter = ?2 AND number = ?3 AND lo < ?4
             ORDER BY lo DESC LIMIT 1",
        )?
        .query_row(
            (Col(vehicle), Col(interval.meter), Col(interval.number), hi),
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    Ok(below.is_some_and(|reached| reached > lo))
}

/// Returns whether a unit of the interval is kept for an entry of another origin.
pub(crate) fn is_kept(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
    origin: EntryHash,
) -> Result<bool, CloudError> {
    let (lo, hi) = bounds(interval)?;
    // Those that are kept never overlap, so the last one that begins below the end is the only one that can reach into it.
    let reached: Option<i64> = db
        .prepare_cached(
            "SELECT hi FROM awaited
             WHERE vehicle = ?1 AND meter = ?2 AND number = ?3 AND lo < ?4 AND gone IS NULL AND origin <> ?5
             ORDER BY lo DESC LIMIT 1",
        )?
        .query_row(
            (
                Col(vehicle),
                Col(interval.meter),
                Col(interval.number),
                hi,
                Col(origin),
            ),
            |row| row.get(0),
        )
        .optional()?;
    Ok(reached.is_some_and(|reached| reached > lo))
}

/// One stretch that an entry holds, or held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeterStretch {
    /// The entry.
    pub entry: EntryRef,
    /// The vehicle.
    pub vehicle: VehicleId,
    /// The stretch.
    #[serde(serialize_with = "readings")]
    pub interval: MeterInterval,
    /// The act that took it from the entry, if one did.
    pub freed: Option<Freed>,
    /// The database before a restore had paid it to the entry, which is to come again.
    pub awaited: bool,
    /// Thousandths of the entry that holds it; `None` when an older program stored it, or it is freed.
    #[serde(skip)]
    pub given: Option<Given>,
}

/// A stretch as a program reads it: each reading has its unit in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterReadings(pub MeterInterval);

impl Serialize for MeterReadings {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(interval) = self;
        let (from, until) = match interval.meter {
            Meter::Odometer => ("from_m", "to_m"),
            Meter::Charged | Meter::Discharged => ("from_wh", "to_wh"),
        };
        let is_later = !interval.number.is_first();
        let mut fields = to.serialize_struct("MeterReadings", 3 + usize::from(is_later))?;
        fields.serialize_field("meter", &interval.meter)?;
        if is_later {
            fields.serialize_field("number", &interval.number)?;
        } else {
            fields.skip_field("number")?;
        }
        fields.serialize_field(from, &interval.from)?;
        fields.serialize_field(until, &interval.to)?;
        fields.end()
    }
}

fn readings<S: Serializer>(interval: &MeterInterval, to: S) -> Result<S::Ok, S::Error> {
    MeterReadings(*interval).serialize(to)
}

/// An operator's act that took a stretch from an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freed {
    /// Time of it.
    #[serde(rename = "at_unix_s")]
    pub at: ServerTime,
    /// Its reason.
    pub reason: String,
    /// The member kept the points.
    pub keeps_points: bool,
}

impl Freed {
    /// Returns whether the entry had been paid for it, and the operator left its member the points.
    pub(crate) fn left_points(&self) -> bool {
        self.keeps_points && self.reason != FREED_UNPAID
    }
}

pub(super) fn unsigned(unit: i64) -> u64 {
    u64::try_from(unit).unwrap_or(0)
}

fn stretch(row: &Row<'_>) -> rusqlite::Result<MeterStretch> {
    let at = row.get::<_, Option<Col<_>>>(7)?.map(|at| at.0);
    let reason: Option<String> = row.get(8)?;
    let keeps_points: Option<bool> = row.get(9)?;
    let given: Option<Json<Given>> = row.get(10)?;
    Ok(MeterStretch {
        entry: EntryRef {
            device: row.get::<_, Col<_>>(0)?.0,
            epoch: row.get::<_, Col<_>>(1)?.0,
            seq: row.get::<_, Col<_>>(2)?.0,
        },
        vehicle: row.get::<_, Col<_>>(3)?.0,
        interval: MeterInterval {
            meter: row.get::<_, Col<_>>(4)?.0,
            number: row.get::<_, Col<_>>(11)?.0,
            from: unsigned(row.get(5)?),
            to: unsigned(row.get(6)?),
        },
        freed: at.zip(reason).map(|(at, reason)| Freed {
            at,
            reason,
            keeps_points: keeps_points.unwrap_or(false),
        }),
        awaited: false,
        given: given.map(|given| given.0),
    })
}

/// Lists the stretches of a vehicle, held, awaited and freed, by meter and reading.
pub(crate) fn list(db: &Connection, vehicle: VehicleId) -> Result<Vec<MeterStretch>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT device, epoch, seq, vehicle, meter, lo, hi, NULL, NULL, NULL, given, number, 0 FROM intervals WHERE vehicle = ?1
         UNION ALL
         SELECT device, epoch, seq, vehicle, meter, lo, hi, freed, reason, keeps_points, NULL, number, 0 FROM freed
         WHERE vehicle = ?1
         UNION ALL
         SELECT device, epoch, seq, vehicle, meter, lo, hi, NULL, NULL, NULL, NULL, number, 1 FROM awaited
         WHERE vehicle = ?1 AND meter IS NOT NULL AND gone IS NULL
         ORDER BY meter, number, lo, device, epoch, seq",
    )?;
    let rows = statement.query_map([Col(vehicle)], |row| {
        Ok(MeterStretch {
            awaited: row.get(12)?,
            ..stretch(row)?
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lists the stretches of a vehicle that were taken from entries, with the device of each, and those that the database before a
/// restore had paid to devices that were shut out since.
pub(crate) fn freed(
    db: &Connection,
    vehicle: VehicleId,
) -> Result<Vec<(DeviceId, MeterInterval)>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT device, meter, lo, hi, number FROM freed WHERE vehicle = ?1
         UNION ALL SELECT device, meter, lo, hi, number FROM awaited
         WHERE vehicle = ?1 AND gone IS NOT NULL AND meter IS NOT NULL",
    )?;
    let rows = statement.query_map([Col(vehicle)], |row| {
        let interval = MeterInterval {
            meter: row.get::<_, Col<_>>(1)?.0,
            number: row.get::<_, Col<_>>(4)?.0,
            from: unsigned(row.get(2)?),
            to: unsigned(row.get(3)?),
        };
        Ok((row.get::<_, Col<_>>(0)?.0, interval))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns whether an entry holds a stretch.
pub(crate) fn holds(db: &Connection, entry: EntryRef) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM intervals WHERE device = ?1 AND epoch = ?2 AND seq = ?3")?
        .exists((Col(entry.device), Col(entry.epoch), Col(entry.seq)))?)
}

/// Returns whether an entry holds a stretch, or held one that was taken from it.
pub(crate) fn has_held(db: &Connection, entry: EntryRef) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM intervals WHERE device = ?1 AND epoch = ?2 AND seq = ?3
             UNION ALL SELECT 1 FROM freed WHERE device = ?1 AND epoch = ?2 AND seq = ?3",
        )?
        .exists((Col(entry.device), Col(entry.epoch), Col(entry.seq)))?)
}

/// Lists the stretches that a device holds, in the order of its chain.
pub(crate) fn held_by(db: &Connection, device: DeviceId) -> Result<Vec<MeterStretch>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT device, epoch, seq, vehicle, meter, lo, hi, NULL, NULL, NULL, given, number FROM intervals
         WHERE device = ?1 ORDER BY epoch, seq",
    )?;
    let rows = statement.query_map([Col(device)], stretch)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads the stretch that an entry holds.
pub(crate) fn of(db: &Connection, entry: EntryRef) -> Result<Option<MeterStretch>, CloudError> {
    let found = db
        .prepare_cached(
            "SELECT device, epoch, seq, vehicle, meter, lo, hi, NULL, NULL, NULL, given, number FROM intervals
             WHERE device = ?1 AND epoch = ?2 AND seq = ?3",
        )?
        .query_row(
            (Col(entry.device), Col(entry.epoch), Col(entry.seq)),
            stretch,
        )
        .optional()?;
    Ok(found)
}

/// Reads the act that took its stretch from an entry.
pub(crate) fn freed_from(db: &Connection, entry: EntryRef) -> Result<Option<Freed>, CloudError> {
    let freed = db
        .prepare_cached(
            "SELECT freed, reason, keeps_points FROM freed WHERE device = ?1 AND epoch = ?2 AND seq = ?3",
        )?
        .query_row(
            (Col(entry.device), Col(entry.epoch), Col(entry.seq)),
            |row| {
                Ok(Freed {
                    at: row.get::<_, Col<_>>(0)?.0,
                    reason: row.get(1)?,
                    keeps_points: row.get(2)?,
                })
            },
        )
        .optional()?;
    Ok(freed)
}

/// Takes a stretch from the entry that holds it, and keeps that it held it.
pub(crate) fn free(
    db: &Connection,
    stretch: &MeterStretch,
    freed: &Freed,
) -> Result<(), CloudError> {
    keep_freed(db, stretch.entry, stretch.vehicle, stretch.interval, freed)?;
    let (lo, _) = bounds(stretch.interval)?;
    db.execute(
        "DELETE FROM intervals WHERE vehicle = ?1 AND meter = ?2 AND number = ?3 AND lo = ?4",
        (
            Col(stretch.vehicle),
            Col(stretch.interval.meter),
            Col(stretch.interval.number),
            lo,
        ),
    )?;
    Ok(())
}

/// Keeps that an entry held a stretch and lost it.
pub(crate) fn keep_freed(
    db: &Connection,
    entry: EntryRef,
    vehicle: VehicleId,
    interval: MeterInterval,
    freed: &Freed,
) -> Result<(), CloudError> {
    let (lo, hi) = bounds(interval)?;
    db.execute(
        "INSERT INTO freed (device, epoch, seq, vehicle, meter, lo, hi, freed, keeps_points, reason, number)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        rusqlite::params![
            Col(entry.device),
            Col(entry.epoch),
            Col(entry.seq),
            Col(vehicle),
            Col(interval.meter),
            lo,
            hi,
            Col(freed.at),
            freed.keeps_points,
            freed.reason,
            Col(interval.number),
        ],
    )?;
    Ok(())
}

/// Claims the stretch for an entry, with what it was given.
pub(crate) fn claim(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
    entry: EntryRef,
    given: Option<&Given>,
) -> Result<(), CloudError> {
    let (lo, hi) = bounds(interval)?;
    db.prepare_cached(
        "INSERT INTO intervals (vehicle, meter, number, lo, hi, device, epoch, seq, given)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute((
        Col(vehicle),
        Col(interval.meter),
        Col(interval.number),
        lo,
        hi,
        Col(entry.device),
        Col(entry.epoch),
        Col(entry.seq),
        given.map(Json),
    ))?;
    Ok(())
}

pub(super) fn bounds(interval: MeterInterval) -> Result<(i64, i64), CloudError> {
    Ok((signed(interval.from)?, signed(interval.to)?))
}

pub(super) fn signed(unit: u64) -> Result<i64, CloudError> {
    let fits = i64::try_from(unit)
        .map_err(|refused| rusqlite::Error::ToSqlConversionFailure(refused.into()));
    Ok(fits?)
}
