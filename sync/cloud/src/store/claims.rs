//! Claims: requests of vehicles that earn for somebody already, to which their own member has said yes.

use dashpoint_membership::{MemberId, ServerTime, VehicleId};
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::error::CloudError;

/// Reads who said yes to a request.
pub(crate) fn find(db: &Connection, enrolment: [u8; 16]) -> Result<Option<MemberId>, CloudError> {
    let member = db
        .prepare_cached("SELECT member FROM claims WHERE enrolment = ?1")?
        .query_row([enrolment], |row| Ok(row.get::<_, Col<_>>(0)?.0))
        .optional()?;
    Ok(member)
}

/// Writes who said yes, and gives the request until then.
pub(crate) fn insert(
    db: &Connection,
    enrolment: [u8; 16],
    member: MemberId,
    now: ServerTime,
    expires: ServerTime,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO claims (enrolment, member, claimed) VALUES (?1, ?2, ?3)",
        (enrolment, Col(member), Col(now)),
    )?;
    db.execute(
        "UPDATE enrolments SET expires = ?2 WHERE enrolment = ?1",
        (enrolment, Col(expires)),
    )?;
    Ok(())
}

/// Ends the claims of a member on a vehicle that still wait: a newer one is made.
pub(crate) fn withdraw(
    db: &Connection,
    member: MemberId,
    vehicle: VehicleId,
) -> Result<(), CloudError> {
    db.execute(
        "UPDATE enrolments SET answer = 'refused' WHERE answer = 'waiting' AND vehicle = ?2
         AND enrolment IN (SELECT enrolment FROM claims WHERE member = ?1)",
        (Col(member), Col(vehicle)),
    )?;
    Ok(())
}

/// Counts the claims of a member that wait.
pub(crate) fn waiting_of(
    db: &Connection,
    member: MemberId,
    now: ServerTime,
) -> Result<u32, CloudError> {
    Ok(db
        .prepare_cached(
            "SELECT count(*) FROM claims JOIN enrolments USING (enrolment)
             WHERE claims.member = ?1 AND answer = 'waiting' AND expires > ?2",
        )?
        .query_row((Col(member), Col(now)), |row| row.get(0))?)
}
