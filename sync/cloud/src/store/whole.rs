//! Finds out whether a database is one whole.

use std::path::Path;

use rusqlite::Connection;

use super::open::{is_newest, open_to_read};
use crate::error::CloudError;

/// Questions that find something only in a database of which a part is from another time.
const BOOKS: [&str; 4] = [
    // The last entry of a chain is in the log.
    "SELECT 1 FROM devices WHERE seq > 0 AND NOT EXISTS (SELECT 1 FROM entries
     WHERE (entries.device, entries.epoch, entries.seq, entries.hash) = (devices.device, devices.epoch, devices.seq, devices.head))",
    // No entry of the log is after the end of its chain.
    "SELECT 1 FROM devices JOIN entries USING (device)
     WHERE (entries.epoch, entries.seq) > (devices.epoch, devices.seq)",
    // The newest settlement is the account's.
    "SELECT 1 FROM members WHERE version IS NOT
     coalesce((SELECT max(settlements.version) FROM settlements WHERE settlements.member = members.member), 0)",
    // The lots add up to the balance.
    "SELECT 1 FROM members WHERE balance IS NOT
     coalesce((SELECT sum(remaining) FROM lots WHERE lots.member = members.member), 0)",
];

/// Returns whether a database, with the log beside it, is of one piece: each page where it belongs, each index that of its
/// table, and the accounts and chains those of their rows. Nothing is written.
///
/// # Errors
/// [`CloudError`] when it cannot be read for another reason than that it is damaged.
pub(crate) fn is_whole(database: &Path) -> Result<bool, CloudError> {
    let db = open_to_read(database)?;
    match is_sound(&db) {
        Err(error) if error.is_damage() => Ok(false),
        found => found,
    }
}

fn is_sound(db: &Connection) -> Result<bool, CloudError> {
    let said: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        return Ok(false);
    }
    // The questions are about the tables of today.
    if !is_newest(db)? {
        return Ok(true);
    }
    for question in BOOKS {
        if db.prepare(question)?.exists([])? {
            return Ok(false);
        }
    }
    Ok(true)
}
