//! Recorded days, like the household days of the NREL secure data centre: 1 Hz, local time, and real gaps.

use jiff::civil::DateTime;

use super::row::{Observation, RecordingRow};
use super::table::Table;
use crate::error::SimError;

/// A column of acceleration may follow; it is not read: in the days at hand it is in mph/s, whatever its name says.
pub(super) const COLUMNS: [&str; 4] = ["timestamp", "cycle_sec", "timestep", "speed_mph"];

const METRES_PER_MILE: f64 = 1609.344;
const SECONDS_PER_HOUR: f64 = 3600.0;

/// The local time of the first row, and the rows.
pub(super) fn rows(mut table: Table<'_>) -> Result<(DateTime, Vec<RecordingRow>), SimError> {
    let mut rows: Vec<RecordingRow> = Vec::new();
    let mut first = None;
    while let Some(line) = table.next_line()? {
        let at = line.seconds("cycle_sec")?;
        let (first_at, _) = match first {
            Some(first) => first,
            None => {
                let begins = line
                    .text("timestamp")
                    .parse::<DateTime>()
                    .map_err(|_| line.bad("timestamp", "a local time like 2007-05-25 09:05:16"))?;
                *first.insert((at, begins))
            }
        };
        let offset = at - first_at;
        if rows.last().is_some_and(|row| row.offset >= offset) {
            return Err(line.bad("cycle_sec", "more than in the row before"));
        }
        // The first row's step is the time since the recorder last ran, which is no gap within the day.
        let after_gap = !rows.is_empty() && line.number("timestep")? > 1.0;
        let speed_mps = line.number("speed_mph")? * METRES_PER_MILE / SECONDS_PER_HOUR;
        rows.push(RecordingRow {
            offset,
            after_gap,
            observation: Observation::Speed(speed_mps),
        });
    }
    match first {
        Some((_, begins)) => Ok((begins, rows)),
        None => Err(SimError::EmptyRecording {
            name: table.name.to_owned(),
        }),
    }
}
