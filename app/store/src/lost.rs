//! Own entries that a damaged disk has lost.

use std::collections::BTreeSet;

use dashpoint_membership::{Epoch, Seq};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::entry::{place, row_id};
use crate::error::{Doing as _, StoreError};
use crate::store::StoreReader;

/// Name under which the ledger keeps their row numbers, separated by spaces.
const NAME: &str = "lost-entries";
/// Entries that are remembered at most, the eldest ones.
const MOST: usize = 1_000;

/// Adds entries that a salvage could not read to those that were lost before.
pub(crate) fn add(
    ledger: &Connection,
    unreadable: impl Iterator<Item = i64>,
) -> Result<(), StoreError> {
    let mut lost = known(ledger)?;
    let before = lost.len();
    lost.extend(unreadable);
    if lost.len() == before {
        return Ok(());
    }
    let value: Vec<String> = lost.iter().take(MOST).map(i64::to_string).collect();
    ledger
        .execute(
            "INSERT INTO meta (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![NAME, value.join(" ").into_bytes()],
        )
        .map(|_| ())
        .doing("remember what was lost")
}

fn known(ledger: &Connection) -> Result<BTreeSet<i64>, StoreError> {
    let value: Option<Vec<u8>> = ledger
        .query_row("SELECT value FROM meta WHERE name = ?1", [NAME], |row| {
            row.get(0)
        })
        .optional()
        .doing("read what was lost")?;
    let value = String::from_utf8(value.unwrap_or_default()).unwrap_or_default();
    Ok(value.split(' ').filter_map(|id| id.parse().ok()).collect())
}

impl StoreReader {
    /// Lists the own entries that a damaged disk has lost and that no receipt covers: the cloud never had them, and no entry says
    /// again what they said.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn lost_entries(&self) -> Result<Vec<(Epoch, Seq)>, StoreError> {
        let mut lost = Vec::new();
        for id in known(&self.ledger)? {
            let (epoch, seq) = place(id)?;
            let is_there: bool = self
                .ledger
                .query_row(
                    "SELECT EXISTS (SELECT 1 FROM entry WHERE id = ?1)
                         OR EXISTS (SELECT 1 FROM receipt WHERE epoch = ?2 AND through >= ?3)",
                    params![row_id(epoch, seq)?, epoch.get(), seq.get().cast_signed()],
                    |row| row.get(0),
                )
                .doing("look for what was lost")?;
            if !is_there {
                lost.push((epoch, seq));
            }
        }
        Ok(lost)
    }
}
