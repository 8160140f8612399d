//! Stretches of lifetime meters that were paid.

use dashpoint_membership::{EntryRef, MeterInterval, VehicleId};
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::error::CloudError;

/// Returns whether a unit of the interval was paid before, to any device of the vehicle.
pub(crate) fn overlaps(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
) -> Result<bool, CloudError> {
    let (lo, hi) = bounds(interval)?;
    // Paid stretches never overlap, so the last one that begins below the end is the only one that can reach into it.
    let below = db
        .prepare_cached(
            "SELECT hi FROM intervals WHERE vehicle = ?1 AND meter = ?2 AND lo < ?3
             ORDER BY lo DESC LIMIT 1",
        )?
        .query_row((Col(vehicle), Col(interval.meter), hi), |row| {
            row.get::<_, i64>(0)
        })
        .optional()?;
    Ok(below.is_some_and(|reached| reached > lo))
}

/// Claims the stretch for an entry.
pub(crate) fn claim(
    db: &Connection,
    vehicle: VehicleId,
    interval: MeterInterval,
    entry: EntryRef,
) -> Result<(), CloudError> {
    let (lo, hi) = bounds(interval)?;
    db.prepare_cached(
        "INSERT INTO intervals (vehicle, meter, lo, hi, device, epoch, seq)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute((
        Col(vehicle),
        Col(interval.meter),
        lo,
        hi,
        Col(entry.device),
        Col(entry.epoch),
        Col(entry.seq),
    ))?;
    Ok(())
}

fn bounds(interval: MeterInterval) -> Result<(i64, i64), CloudError> {
    let fits = |unit: u64| {
        i64::try_from(unit)
            .map_err(|refused| rusqlite::Error::ToSqlConversionFailure(refused.into()))
    };
    Ok((fits(interval.from)?, fits(interval.to)?))
}
