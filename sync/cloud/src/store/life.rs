//! Server epoch of this database, and its clock.

use dashpoint_membership::{ServerEpoch, ServerTime};
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::clock::ClockKind;
use crate::error::CloudError;

/// The first life of a database: it never went back.
pub(crate) const FIRST: ServerEpoch = ServerEpoch::new(1);

/// The one row of table `cloud`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub server_epoch: ServerEpoch,
    pub clock: ClockKind,
    pub posted_now: ServerTime,
}

/// Reads it; `None` in a database that was never started.
pub(crate) fn find(db: &Connection) -> Result<Option<Life>, CloudError> {
    let row = db
        .prepare_cached("SELECT server_epoch, clock = 'posted', posted_now FROM cloud")?
        .query_row([], |row| {
            Ok(Life {
                server_epoch: row.get::<_, Col<_>>(0)?.0,
                clock: if row.get(1)? {
                    ClockKind::Posted
                } else {
                    ClockKind::System
                },
                posted_now: row.get::<_, Col<_>>(2)?.0,
            })
        })
        .optional()?;
    Ok(row)
}

/// Begins the first life.
pub(crate) fn begin(db: &Connection, clock: ClockKind, now: ServerTime) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO cloud (one, server_epoch, clock, posted_now) VALUES (1, 1, ?1, ?2)",
        (clock.name(), Col(now)),
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
