//! Head units that ask to be enrolled.

use dashpoint_membership::{BindingId, DriverTag, ServerTime, VehicleId};
use dashpoint_wire::PublicKey;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Col;
use crate::error::CloudError;

/// One request to be enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Enrolment {
    pub id: [u8; 16],
    pub code: String,
    pub key: PublicKey,
    pub vehicle: VehicleId,
    pub vin_last4: String,
    pub driver: Option<DriverTag>,
    pub asked: ServerTime,
    pub expires: ServerTime,
    pub answer: EnrolmentAnswer,
}

/// A person's answer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnrolmentAnswer {
    Waiting,
    Refused,
    Approved(BindingId),
}

impl EnrolmentAnswer {
    const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Approved(_) => "approved",
        }
    }

    const fn binding(self) -> Option<BindingId> {
        match self {
            Self::Waiting | Self::Refused => None,
            Self::Approved(binding) => Some(binding),
        }
    }
}

const COLUMNS: &str =
    "enrolment, code, key, vehicle, vin_last4, driver, asked, expires, answer = 'refused', binding";

fn read(row: &Row<'_>) -> rusqlite::Result<Enrolment> {
    let refused = row.get(8)?;
    let binding = row.get::<_, Option<Col<_>>>(9)?.map(|binding| binding.0);
    Ok(Enrolment {
        id: row.get(0)?,
        code: row.get(1)?,
        key: PublicKey::from_bytes(row.get(2)?),
        vehicle: row.get::<_, Col<_>>(3)?.0,
        vin_last4: row.get(4)?,
        driver: row.get::<_, Option<Col<_>>>(5)?.map(|driver| driver.0),
        asked: row.get::<_, Col<_>>(6)?.0,
        expires: row.get::<_, Col<_>>(7)?.0,
        answer: match binding {
            Some(binding) => EnrolmentAnswer::Approved(binding),
            None if refused => EnrolmentAnswer::Refused,
            None => EnrolmentAnswer::Waiting,
        },
    })
}

/// Reads a request by the id that the car knows.
pub(crate) fn find(db: &Connection, id: [u8; 16]) -> Result<Option<Enrolment>, CloudError> {
    let row = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM enrolments WHERE enrolment = ?1"
        ))?
        .query_row([id], read)
        .optional()?;
    Ok(row)
}

/// Reads a request by the code that a person knows.
pub(crate) fn by_code(db: &Connection, code: &str) -> Result<Option<Enrolment>, CloudError> {
    let row = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM enrolments WHERE code = ?1"))?
        .query_row([code], read)
        .optional()?;
    Ok(row)
}

/// Requests that wait for an answer at that time, oldest first.
pub(crate) fn waiting(db: &Connection, now: ServerTime) -> Result<Vec<Enrolment>, CloudError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM enrolments WHERE answer = 'waiting' AND expires > ?1 ORDER BY asked, code"
    ))?;
    let rows = statement.query_map([Col(now)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Requests that wait for their own member at that time, oldest first.
pub(crate) fn unclaimed(db: &Connection, now: ServerTime) -> Result<Vec<[u8; 16]>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT enrolment FROM enrolments WHERE answer = 'waiting' AND expires > ?1
         AND enrolment NOT IN (SELECT enrolment FROM claims) ORDER BY asked, rowid",
    )?;
    let rows = statement.query_map([Col(now)], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ends a request now, as if its time were over.
pub(crate) fn end(db: &Connection, id: [u8; 16], now: ServerTime) -> Result<(), CloudError> {
    db.execute(
        "UPDATE enrolments SET expires = ?2 WHERE enrolment = ?1",
        (id, Col(now)),
    )?;
    Ok(())
}

/// Writes a new request.
pub(crate) fn insert(db: &Connection, enrolment: &Enrolment) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO enrolments (enrolment, code, key, vehicle, vin_last4, driver, asked, expires, answer, binding)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            enrolment.id,
            &enrolment.code,
            enrolment.key.as_bytes().as_slice(),
            Col(enrolment.vehicle),
            &enrolment.vin_last4,
            enrolment.driver.map(Col),
            Col(enrolment.asked),
            Col(enrolment.expires),
            enrolment.answer.name(),
            enrolment.answer.binding().map(Col),
        ),
    )?;
    Ok(())
}

/// Writes the answer to a request.
pub(crate) fn answer(
    db: &Connection,
    id: [u8; 16],
    answer: EnrolmentAnswer,
) -> Result<(), CloudError> {
    db.execute(
        "UPDATE enrolments SET answer = ?2, binding = ?3 WHERE enrolment = ?1",
        (id, answer.name(), answer.binding().map(Col)),
    )?;
    Ok(())
}

/// Forgets requests that ended before a time, whatever came of them.
pub(crate) fn forget(db: &Connection, before: ServerTime) -> Result<(), CloudError> {
    db.execute("DELETE FROM enrolments WHERE expires < ?1", [Col(before)])?;
    Ok(())
}
