//! Speed tables: seconds and m/s.

use super::row::{Observation, RecordingRow};
use super::table::Table;
use crate::error::SimError;

/// The columns of a speed table: those of FASTSim, and those of the tables in this crate.
pub(super) const COLUMNS: [[&str; 2]; 2] = [["cycSecs", "cycMps"], ["second", "m/s"]];

pub(super) fn rows(
    mut table: Table<'_>,
    columns: &[&'static str; 2],
) -> Result<Vec<RecordingRow>, SimError> {
    let [second, speed] = *columns;
    let mut rows: Vec<RecordingRow> = Vec::new();
    let mut first = None;
    while let Some(line) = table.next_line()? {
        let at = line.seconds(second)?;
        let offset = at - *first.get_or_insert(at);
        if rows.last().is_some_and(|row| row.offset >= offset) {
            return Err(line.bad(second, "more than in the row before"));
        }
        let observation = Observation::Speed(line.number(speed)?);
        rows.push(RecordingRow {
            offset,
            after_gap: false,
            observation,
        });
    }
    Ok(rows)
}
