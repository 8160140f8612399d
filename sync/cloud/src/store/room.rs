//! Room on the disk, proved by writing: more than one batch can need is written and taken out again.

use rusqlite::Connection;

use crate::error::CloudError;

/// Bytes that must find room: more than the pages that the largest batch changes, each in a place of its own.
pub(crate) const ROOM: u32 = 4 * 1_024 * 1_024;

/// Writes so much, as a request to be enrolled that was refused long ago: nobody is let in by it, and what a crash leaves of it is
/// forgotten with the old requests.
pub(crate) fn fill(db: &Connection) -> Result<(), CloudError> {
    db.execute(
        "INSERT OR REPLACE INTO enrolments (enrolment, code, key, vehicle, vin_last4, asked, expires, answer)
         VALUES (zeroblob(16), '', zeroblob(32), zeroblob(16), hex(zeroblob(?1 / 2)), 0, 0, 'refused')",
        [ROOM],
    )?;
    Ok(())
}

/// Takes it out again.
pub(crate) fn clear(db: &Connection) -> Result<(), CloudError> {
    db.execute("DELETE FROM enrolments WHERE enrolment = zeroblob(16)", [])?;
    Ok(())
}
