//! Recordings of driving: speed tables, recorded days, and recorded VSS signals.

mod recorded_day;
mod row;
mod speed_table;
mod table;
mod vss_rows;

use std::fs;
use std::path::Path;

use jiff::civil;

use crate::error::SimError;
pub use row::{Observation, RecordingRow};
use table::Table;
pub(crate) use vss_rows::is_vss_path;

const KNOWN_HEADERS: &str = "`cycSecs,cycMps` or `second,m/s` (a speed table), \
     `timestamp,cycle_sec,timestep,speed_mph` (a recorded day), \
     `field,signal,value,delay` (recorded VSS signals)";

/// A recording, whatever file it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct DriveRecording {
    /// The name of the file or of the cycle.
    pub name: String,
    pub kind: DriveRecordingKind,
    /// At least one, in order of their time.
    pub rows: Vec<RecordingRow>,
}

/// The kind of a recording file, known by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriveRecordingKind {
    /// Seconds and m/s.
    SpeedTable,
    /// A household's day at 1 Hz, with local time and real gaps in it.
    RecordedDay { begins: civil::DateTime },
    /// The format of KUKSA's csv-provider.
    VssRows,
}

impl DriveRecording {
    /// Reads a recording from a file; the header says what it is.
    ///
    /// # Errors
    /// When the file cannot be read, its header is not known, or a row makes no sense: the line is named.
    pub fn open(path: &Path) -> Result<Self, SimError> {
        let text = fs::read_to_string(path).map_err(|source| SimError::Read {
            path: path.to_owned(),
            source,
        })?;
        let name = path
            .file_name()
            .map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        Self::parse(&name, &text)
    }

    /// Reads a recording from text; `name` is for messages.
    ///
    /// # Errors
    /// As [`DriveRecording::open`].
    pub fn parse(name: &str, text: &str) -> Result<Self, SimError> {
        let table = Table::open(name, text)?;
        let (kind, rows) = if table.has(&vss_rows::COLUMNS) {
            (DriveRecordingKind::VssRows, vss_rows::rows(table)?)
        } else if table.has(&recorded_day::COLUMNS) {
            let (begins, rows) = recorded_day::rows(table)?;
            (DriveRecordingKind::RecordedDay { begins }, rows)
        } else if let Some(columns) = speed_table::COLUMNS
            .iter()
            .find(|columns| table.has(*columns))
        {
            (
                DriveRecordingKind::SpeedTable,
                speed_table::rows(table, columns)?,
            )
        } else {
            return Err(table.unknown_header(KNOWN_HEADERS));
        };
        if rows
            .iter()
            .any(|row| matches!(row.observation, Observation::Speed(_)))
        {
            Ok(Self {
                name: name.to_owned(),
                kind,
                rows,
            })
        } else {
            Err(SimError::EmptyRecording {
                name: name.to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vss::VssValue;

    fn seconds(recording: &DriveRecording) -> Vec<f64> {
        recording
            .rows
            .iter()
            .map(|row| row.offset.as_secs_f64())
            .collect()
    }

    #[test]
    fn a_speed_table_is_told_by_its_header() {
        for header in ["cycSecs,cycMps,cycGrade,cycRoadType", "second,m/s,x,y"] {
            let recording =
                DriveRecording::parse("t", &format!("# a comment\n{header}\n5,0,0,0\n6,1.5,0,0\n"))
                    .unwrap();
            assert_eq!(recording.kind, DriveRecordingKind::SpeedTable);
            assert_eq!(seconds(&recording), [0.0, 1.0]);
            assert_eq!(recording.rows[1].observation, Observation::Speed(1.5));
        }
    }

    #[test]
    fn a_recorded_day_keeps_its_gaps_and_its_time() {
        let text = "timestamp,cycle_sec,timestep,speed_mph,accel_meters_ps\n\
                    2007-05-25 09:05:16,0,40804,0.0,0.0\n2007-05-25 09:05:17,1,1,10.0,10\n2007-05-25 09:07:17,121,120,0.0,0\n";
        let recording = DriveRecording::parse("day", text).unwrap();
        let begins = civil::date(2007, 5, 25).at(9, 5, 16, 0);
        assert_eq!(recording.kind, DriveRecordingKind::RecordedDay { begins });
        assert_eq!(seconds(&recording), [0.0, 1.0, 121.0]);
        let gaps: Vec<bool> = recording.rows.iter().map(|row| row.after_gap).collect();
        assert_eq!(gaps, [false, false, true]);
        assert_eq!(recording.rows[1].observation, Observation::Speed(4.4704));
    }

    #[test]
    fn recorded_signals_keep_their_delays() {
        let text = "field,signal,value,delay\ncurrent,Vehicle.Speed,36,0\n\
                    current,Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted,true,0.25\ntarget,Vehicle.Body.X,1,0.25\n\
                    current,Vehicle.Speed,72,0.5\n";
        let recording = DriveRecording::parse("vss", text).unwrap();
        assert_eq!(seconds(&recording), [0.0, 0.25, 1.0]);
        assert_eq!(recording.rows[2].observation, Observation::Speed(20.0));
        let Observation::Other { value, .. } = &recording.rows[1].observation else {
            panic!("a signal")
        };
        assert_eq!(*value, VssValue::Bool(true));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_line() {
        for (text, part) in [
            ("a,b\n1,2\n", "unknown columns `a,b`"),
            ("cycSecs,cycMps\n", "holds no speed"),
            ("", "unknown columns"),
            (
                "cycSecs,cycMps\n0,0\n1,fast\n",
                "t, line 3: cycMps is `fast`",
            ),
            ("cycSecs,cycMps\n0,0\n1,NaN\n", "line 3"),
            ("cycSecs,cycMps\n0,0\n1,-3\n", "line 3"),
            ("cycSecs,cycMps\n0,0\n0,1\n", "line 3: cycSecs"),
            ("cycSecs,cycMps\n0\n", "line 2: cycMps is ``"),
            ("cycSecs,cycMps\n0,0\n1e18,1\n", "line 3: cycSecs"),
            (
                "timestamp,cycle_sec,timestep,speed_mph\nnoon,0,1,0\n",
                "line 2: timestamp is `noon`",
            ),
            (
                "field,signal,value,delay\ncurrent,Vehicle.Speed,1,-1\n",
                "line 2: delay",
            ),
        ] {
            let error = DriveRecording::parse("t", text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
