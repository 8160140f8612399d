//! The leap of the clock that nothing has confirmed yet.

use dashpoint_membership::ServerTime;
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::error::CloudError;

/// A leap of the clock ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockLeap {
    /// The last time before it at which the database was at work.
    pub known: ServerTime,
    /// The time that the clock showed first after it.
    pub leapt: ServerTime,
    /// Seconds for which the cloud was at work since.
    pub worked_s: i64,
}

/// Reads it; `None` when there is none, also in a database of an older schema.
pub(crate) fn find(db: &Connection) -> Result<Option<ClockLeap>, CloudError> {
    if !db.table_exists(None, "unconfirmed_clock")? {
        return Ok(None);
    }
    let leap = db
        .prepare_cached("SELECT known, leapt, worked_s FROM unconfirmed_clock")?
        .query_row([], |row| {
            Ok(ClockLeap {
                known: row.get::<_, Col<_>>(0)?.0,
                leapt: row.get::<_, Col<_>>(1)?.0,
                worked_s: row.get(2)?,
            })
        })
        .optional()?;
    Ok(leap)
}

/// Keeps it. One that comes before another was confirmed goes on from the beginning of that one.
pub(crate) fn keep(db: &Connection, leap: ClockLeap) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO unconfirmed_clock (one, known, leapt, worked_s) VALUES (1, ?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET leapt = excluded.leapt, worked_s = excluded.worked_s",
        (Col(leap.known), Col(leap.leapt), leap.worked_s),
    )?;
    Ok(())
}

/// Counts time at work since.
pub(crate) fn work_on(db: &Connection, seconds: i64) -> Result<(), CloudError> {
    db.execute(
        "UPDATE unconfirmed_clock SET worked_s = worked_s + ?1",
        [seconds],
    )?;
    Ok(())
}

/// Ends it: the clock is taken for right.
pub(crate) fn confirm(db: &Connection) -> Result<(), CloudError> {
    db.execute("DELETE FROM unconfirmed_clock", [])?;
    Ok(())
}
