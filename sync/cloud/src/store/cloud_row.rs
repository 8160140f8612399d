//! Server epoch of this database, and its clock.

use dashpoint_membership::{ServerEpoch, ServerTime};
use dashpoint_wire::PublicKey;
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::clock::ClockKind;
use crate::error::CloudError;

/// The first life of a database: it never went back.
pub(crate) const FIRST: ServerEpoch = ServerEpoch::new(1);

/// The one row of table `cloud`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CloudRow {
    pub server_epoch: ServerEpoch,
    pub clock: ClockKind,
    pub posted_now: ServerTime,
    /// Newest time at which the database was at work.
    pub known: ServerTime,
    /// Key of the cloud that the database belongs to; `None` before the first start with this schema.
    pub key: Option<PublicKey>,
}

/// Reads it; `None` in a database that was never started.
pub(crate) fn find(db: &Connection) -> Result<Option<CloudRow>, CloudError> {
    let row = db
        .prepare_cached("SELECT server_epoch, clock = 'posted', posted_now, known, key FROM cloud")?
        .query_row([], |row| {
            Ok(CloudRow {
                server_epoch: row.get::<_, Col<_>>(0)?.0,
                clock: if row.get(1)? {
                    ClockKind::Posted
                } else {
                    ClockKind::System
                },
                posted_now: row.get::<_, Col<_>>(2)?.0,
                known: row.get::<_, Col<_>>(3)?.0,
                key: row.get::<_, Option<_>>(4)?.map(PublicKey::from_bytes),
            })
        })
        .optional()?;
    Ok(row)
}

/// Begins the first life, of the cloud with that key.
pub(crate) fn begin(
    db: &Connection,
    clock: ClockKind,
    key: &PublicKey,
    now: ServerTime,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO cloud (one, server_epoch, clock, posted_now, known, key) VALUES (1, 1, ?1, ?2, ?2, ?3)",
        (clock.name(), Col(now), key.as_bytes().as_slice()),
    )?;
    Ok(())
}

/// Writes down whose database it is.
pub(crate) fn bind(db: &Connection, key: &PublicKey) -> Result<(), CloudError> {
    db.execute("UPDATE cloud SET key = ?1", [key.as_bytes().as_slice()])?;
    Ok(())
}

/// Moves the newest known time on; it never goes back.
pub(crate) fn know(db: &Connection, now: ServerTime) -> Result<(), CloudError> {
    db.prepare_cached("UPDATE cloud SET known = max(known, ?1)")?
        .execute([Col(now)])?;
    Ok(())
}

/// Takes a time for the newest known one, also when it is before it.
pub(crate) fn believe(db: &Connection, now: ServerTime) -> Result<(), CloudError> {
    db.execute("UPDATE cloud SET known = ?1", [Col(now)])?;
    Ok(())
}

/// Keeps an operator's word on a clock that leapt from `known` to `now`.
pub(crate) fn keep_accepted(
    db: &Connection,
    known: ServerTime,
    now: ServerTime,
    reason: &str,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO accepted_clocks (known, now, reason) VALUES (?1, ?2, ?3)",
        (Col(known), Col(now), reason),
    )?;
    Ok(())
}

/// Moves the posted clock; it never goes back.
pub(crate) fn post_now(db: &Connection, now: ServerTime) -> Result<(), CloudError> {
    db.prepare_cached("UPDATE cloud SET posted_now = ?1 WHERE posted_now < ?1")?
        .execute([Col(now)])?;
    Ok(())
}

/// Begins another life; it never goes back.
pub(crate) fn raise(db: &Connection, server_epoch: ServerEpoch) -> Result<(), CloudError> {
    db.execute(
        "UPDATE cloud SET server_epoch = ?1 WHERE server_epoch < ?1",
        [Col(server_epoch)],
    )?;
    Ok(())
}
