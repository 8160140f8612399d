//! Openings of meters: a battery or an instrument cluster that was replaced.

use dashpoint_membership::{
    CoarseTime, EntryHash, EntryRef, Meter, MeterNumber, MeterOpening, ServerTime, VehicleId,
};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::Col;
use super::intervals::{signed, unsigned};
use crate::error::CloudError;

/// State of an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpeningState {
    /// An operator has to decide; what is claimed on the meter waits with it.
    Waits,
    /// The meter is open.
    Open,
    /// An operator refused it, or its head unit was a fraud's.
    Refused,
}

/// The opening of a meter, as the cloud has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OpenedMeter {
    /// The vehicle.
    pub vehicle: VehicleId,
    /// The entry that said it.
    pub entry: EntryRef,
    /// Hash of the first entry that said it.
    pub origin: EntryHash,
    /// What it said, with the readings that hold now.
    #[serde(flatten)]
    pub opening: MeterOpening,
    /// The newest receipt that the car is known to have held then.
    #[serde(skip)]
    pub receipt_at: ServerTime,
    /// Time of its arrival.
    #[serde(rename = "arrived_unix_s")]
    pub arrived: ServerTime,
    /// Its state.
    pub state: OpeningState,
}

/// An operator's word on an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpeningWord {
    Accepted,
    Corrected,
    Refused,
}

impl OpeningState {
    const fn name(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Open => "open",
            Self::Refused => "refused",
        }
    }
}

impl OpeningWord {
    const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Corrected => "corrected",
            Self::Refused => "refused",
        }
    }
}

const COLUMNS: &str = "vehicle, origin, meter, number, device, epoch, seq, last_reading, first_reading, since, receipt_at, arrived,
    state";

fn read(row: &Row<'_>) -> rusqlite::Result<OpenedMeter> {
    let state: String = row.get(12)?;
    let all = [OpeningState::Waits, OpeningState::Open];
    let state = all.into_iter().find(|known| known.name() == state);
    let since: Col<ServerTime> = row.get(9)?;
    Ok(OpenedMeter {
        vehicle: row.get::<_, Col<_>>(0)?.0,
        origin: row.get::<_, Col<_>>(1)?.0,
        opening: MeterOpening {
            meter: row.get::<_, Col<_>>(2)?.0,
            number: row.get::<_, Col<_>>(3)?.0,
            last: unsigned(row.get(7)?),
            first: unsigned(row.get(8)?),
            since: CoarseTime::containing_unix_s(since.0.as_unix_s()),
        },
        entry: EntryRef {
            device: row.get::<_, Col<_>>(4)?.0,
            epoch: row.get::<_, Col<_>>(5)?.0,
            seq: row.get::<_, Col<_>>(6)?.0,
        },
        receipt_at: row.get::<_, Col<_>>(10)?.0,
        arrived: row.get::<_, Col<_>>(11)?.0,
        state: state.unwrap_or(OpeningState::Refused),
    })
}

/// Finds the opening that an entry of that origin has said.
pub(crate) fn find(
    db: &Connection,
    vehicle: VehicleId,
    origin: EntryHash,
) -> Result<Option<OpenedMeter>, CloudError> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM openings WHERE vehicle = ?1 AND origin = ?2"
        ))?
        .query_row((Col(vehicle), Col(origin)), read)
        .optional()?;
    Ok(found)
}

/// Finds the opening that an entry says.
pub(crate) fn of_entry(
    db: &Connection,
    entry: EntryRef,
) -> Result<Option<OpenedMeter>, CloudError> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM openings WHERE (device, epoch, seq) = (?1, ?2, ?3)"
        ))?
        .query_row((Col(entry.device), Col(entry.epoch), Col(entry.seq)), read)
        .optional()?;
    Ok(found)
}

/// Finds the opening of a meter that is open.
pub(crate) fn open(
    db: &Connection,
    vehicle: VehicleId,
    meter: Meter,
    number: MeterNumber,
) -> Result<Option<OpenedMeter>, CloudError> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM openings INDEXED BY openings_open
             WHERE vehicle = ?1 AND meter = ?2 AND number = ?3 AND state = 'open'"
        ))?
        .query_row((Col(vehicle), Col(meter), Col(number)), read)
        .optional()?;
    Ok(found)
}

/// Returns the highest number of a quantity that is open: 1 when none was opened.
pub(crate) fn highest(
    db: &Connection,
    vehicle: VehicleId,
    meter: Meter,
) -> Result<MeterNumber, CloudError> {
    let highest: Option<Col<MeterNumber>> = db
        .prepare_cached(
            "SELECT max(number) FROM openings INDEXED BY openings_open
             WHERE vehicle = ?1 AND meter = ?2 AND state = 'open'",
        )?
        .query_row((Col(vehicle), Col(meter)), |row| row.get(0))?;
    Ok(highest.map_or(MeterNumber::FIRST, |number| number.0))
}

/// Counts the meters of a quantity that were opened after a time.
pub(crate) fn opened_after(
    db: &Connection,
    vehicle: VehicleId,
    meter: Meter,
    after: ServerTime,
) -> Result<u64, CloudError> {
    let count: i64 = db
        .prepare_cached(
            "SELECT count(*) FROM openings INDEXED BY openings_open
             WHERE vehicle = ?1 AND meter = ?2 AND state = 'open' AND arrived > ?3",
        )?
        .query_row((Col(vehicle), Col(meter), Col(after)), |row| row.get(0))?;
    Ok(unsigned(count))
}

/// Lists the openings of a vehicle, or of all, by meter and number.
pub(crate) fn list(
    db: &Connection,
    vehicle: Option<VehicleId>,
) -> Result<Vec<OpenedMeter>, CloudError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM openings WHERE ?1 IS NULL OR vehicle = ?1
         ORDER BY vehicle, meter, number, arrived, origin"
    ))?;
    let rows = statement.query_map([vehicle.map(Col)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes an opening; one of the same origin gets the place and the state.
pub(crate) fn write(db: &Connection, new: &OpenedMeter) -> Result<(), CloudError> {
    let MeterOpening {
        meter,
        number,
        last,
        first,
        since,
    } = new.opening;
    db.prepare_cached(&format!(
        "INSERT INTO openings ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (vehicle, origin) DO UPDATE SET
             device = excluded.device, epoch = excluded.epoch, seq = excluded.seq, state = excluded.state",
    ))?
    .execute(rusqlite::params![
        Col(new.vehicle),
        Col(new.origin),
        Col(meter),
        Col(number),
        Col(new.entry.device),
        Col(new.entry.epoch),
        Col(new.entry.seq),
        signed(last)?,
        signed(first)?,
        since.as_unix_s(),
        Col(new.receipt_at),
        Col(new.arrived),
        new.state.name(),
    ])?;
    Ok(())
}

/// Moves an opening into a state.
pub(crate) fn enter(
    db: &Connection,
    opened: &OpenedMeter,
    state: OpeningState,
) -> Result<(), CloudError> {
    db.prepare_cached("UPDATE openings SET state = ?3 WHERE vehicle = ?1 AND origin = ?2")?
        .execute((Col(opened.vehicle), Col(opened.origin), state.name()))?;
    Ok(())
}

/// Gives an opening other readings.
pub(crate) fn correct(
    db: &Connection,
    opened: &OpenedMeter,
    last: u64,
    first: u64,
) -> Result<(), CloudError> {
    db.execute(
        "UPDATE openings SET last_reading = ?3, first_reading = ?4 WHERE vehicle = ?1 AND origin = ?2",
        (
            Col(opened.vehicle),
            Col(opened.origin),
            signed(last)?,
            signed(first)?,
        ),
    )?;
    Ok(())
}

/// Keeps an operator's word on an opening, with the readings that hold since.
pub(crate) fn keep_word(
    db: &Connection,
    opened: &OpenedMeter,
    word: OpeningWord,
    reason: &str,
    now: ServerTime,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO opening_words (vehicle, origin, said, word, last_reading, first_reading, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            Col(opened.vehicle),
            Col(opened.origin),
            Col(now),
            word.name(),
            signed(opened.opening.last)?,
            signed(opened.opening.first)?,
            reason,
        ),
    )?;
    Ok(())
}

/// Returns whether a device other than one holds a stretch of a meter.
pub(crate) fn is_used_by_others(db: &Connection, opened: &OpenedMeter) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM intervals WHERE vehicle = ?1 AND meter = ?2 AND number = ?3 AND device <> ?4",
        )?
        .exists((
            Col(opened.vehicle),
            Col(opened.opening.meter),
            Col(opened.opening.number),
            Col(opened.entry.device),
        ))?)
}
