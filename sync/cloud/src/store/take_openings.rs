//! The restore's part of the openings of meters: what was opened stays open, whichever entry comes again first.

use rusqlite::Connection;

use super::openings::{self, OpenedMeter};
use super::{Col, devices};
use crate::error::CloudError;

/// An operator's word on an opening, as its row has it.
type WordRow = (i64, String, i64, i64, String);

/// Writes the openings that the replaced database has, each with its state and an operator's words; not those of frauds, and not
/// one whose number another entry has opened here.
pub(crate) fn take_over(replaced: &Connection, db: &Connection) -> Result<(), CloudError> {
    // One that is only read may be of an older program.
    if !replaced.table_exists(None, "openings")? {
        return Ok(());
    }
    for opened in openings::list(replaced, None)? {
        let device = opened.entry.device;
        if devices::is_fraud(replaced, device)? || devices::is_fraud(db, device)? {
            continue;
        }
        let open = openings::open(
            db,
            opened.vehicle,
            opened.opening.meter,
            opened.opening.number,
        )?;
        if open.is_some_and(|open| open.origin != opened.origin) {
            continue;
        }
        openings::write(db, &opened)?;
        openings::correct(db, &opened, opened.opening.last, opened.opening.first)?;
        for word in words(replaced, &opened)? {
            keep_word(db, &opened, &word)?;
        }
    }
    Ok(())
}

fn words(replaced: &Connection, opened: &OpenedMeter) -> Result<Vec<WordRow>, CloudError> {
    let mut statement = replaced.prepare_cached(
        "SELECT said, word, last_reading, first_reading, reason FROM opening_words
         WHERE vehicle = ?1 AND origin = ?2 ORDER BY rowid",
    )?;
    let rows = statement.query_map((Col(opened.vehicle), Col(opened.origin)), |row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn keep_word(db: &Connection, opened: &OpenedMeter, word: &WordRow) -> Result<(), CloudError> {
    let (said, name, last, first, reason) = word;
    db.execute(
        "INSERT INTO opening_words (vehicle, origin, said, word, last_reading, first_reading, reason)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM opening_words
             WHERE (vehicle, origin, said, word, reason) = (?1, ?2, ?3, ?4, ?7))",
        (
            Col(opened.vehicle),
            Col(opened.origin),
            said,
            name,
            last,
            first,
            reason,
        ),
    )?;
    Ok(())
}
