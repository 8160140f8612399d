//! Recordings of drives, read into samples of the bus.
//!
//! The simulator has a reader of its own: they share no code, so that a mistake in one shows against the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use dashpoint_telematics::{Sample, Signal, Value, ValueKind};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::assume::{Assumption, complete};
use crate::bus::typed;

/// More rows than this are no recording of a drive: two months at one a second.
pub const ROWS_MAX: u64 = 5_000_000;
const KMH_PER_MPS: f64 = 3.6;
const KMH_PER_MPH: f64 = 1.609_344;
/// More seconds than this are no time of a drive: a year.
const SECONDS_MAX: f64 = 366.0 * 86_400.0;

/// Reasons for refusing a recording: one line each.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be opened.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The path is a folder, and no recording is in it.
    #[error("{}: a folder with no recording (.csv) in it", path.display())]
    Folder {
        /// Path of the folder.
        path: PathBuf,
    },
    /// The first line names no columns that are known.
    #[error(
        "{}: not a recording; expected a first line with second,m/s or cycSecs,cycMps (speed table), or timestamp,timestep,speed_mph \
         (recorded day), or field,signal,value,delay (KUKSA csv-provider)",
        path.display()
    )]
    UnknownHeader {
        /// Path of the file.
        path: PathBuf,
    },
    /// A row is not what the header promises.
    #[error("{}: line {line}: {what}", path.display())]
    Row {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The expected content.
        what: String,
    },
    /// There is nothing in it that the head unit uses.
    #[error("{}: no signal in it that the head unit uses", path.display())]
    NothingUsed {
        /// Path of the file.
        path: PathBuf,
    },
    /// It is too long.
    #[error("{}: more than {ROWS_MAX} rows", path.display())]
    TooLong {
        /// Path of the file.
        path: PathBuf,
    },
}

/// Kind of the columns of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingKind {
    /// Seconds and metres per second.
    SpeedTable,
    /// Local time, seconds since the row before, and miles per hour.
    RecordedDay,
    /// VSS signals with the seconds since the row before.
    VssRows,
}

/// A recording, ready to be folded.
#[derive(Debug)]
pub struct Recording {
    /// Kind of its columns.
    pub kind: RecordingKind,
    /// The samples, oldest first.
    pub samples: Vec<Sample>,
    /// Rows of it.
    pub rows: u64,
    /// Rows of signals that the head unit does not use, by signal. Their values were never looked at.
    pub unused: BTreeMap<String, u64>,
    /// Assumptions where it has no signal.
    pub assumed: BTreeSet<Assumption>,
}

/// Values that a recording may leave out.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Local time at which one without a date begins.
    pub start: DateTime,
    /// Zone of its local times.
    pub zone: TimeZone,
    /// Energy drawn per 100 km where it tells of none, in watt-hours.
    pub wh_per_100_km: Option<u32>,
}

/// Reads a recording; what it is shows in its first line.
///
/// # Errors
/// [`RecordingError`].
pub fn read(path: &Path, setting: &Setting) -> Result<Recording, RecordingError> {
    if path.is_dir() {
        return Err(RecordingError::Folder {
            path: path.to_owned(),
        });
    }
    let file = File::open(path).map_err(|source| RecordingError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let mut table = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .flexible(true)
        .from_reader(file);
    let rows = Rows {
        path,
        start_ms: setting.unix_ms(setting.start),
    };
    let header = table
        .headers()
        .map_err(|error| rows.broken(&error))?
        .clone();
    let (kind, columns) = recognise(&header).ok_or_else(|| RecordingError::UnknownHeader {
        path: path.to_owned(),
    })?;
    let mut recording = Recording {
        kind,
        samples: Vec::new(),
        rows: 0,
        unused: BTreeMap::new(),
        assumed: BTreeSet::new(),
    };
    let mut at_ms = None;
    for row in table.records() {
        let row = row.map_err(|error| rows.broken(&error))?;
        recording.rows += 1;
        if recording.rows > ROWS_MAX {
            return Err(RecordingError::TooLong {
                path: path.to_owned(),
            });
        }
        let row = Row {
            rows: &rows,
            line: row.position().map_or(0, csv::Position::line),
            cells: columns.iter().map(|column| row.get(*column)).collect(),
        };
        at_ms = Some(recording.take(&row, at_ms, setting)?);
    }
    if recording.samples.is_empty() {
        return Err(RecordingError::NothingUsed {
            path: path.to_owned(),
        });
    }
    recording.assumed = complete(&mut recording.samples, setting.wh_per_100_km);
    Ok(recording)
}

impl Setting {
    fn unix_ms(&self, at: DateTime) -> i64 {
        self.zone
            .to_ambiguous_zoned(at)
            .compatible()
            .map_or(0, |zoned| zoned.timestamp().as_millisecond())
    }
}

/// Recognises the kind of a recording and the indexes of its columns.
fn recognise(header: &StringRecord) -> Option<(RecordingKind, Vec<usize>)> {
    const KINDS: [(RecordingKind, &[&str]); 4] = [
        (RecordingKind::SpeedTable, &["second", "m/s"]),
        (RecordingKind::SpeedTable, &["cycSecs", "cycMps"]),
        (
            RecordingKind::RecordedDay,
            &["timestamp", "timestep", "speed_mph"],
        ),
        (
            RecordingKind::VssRows,
            &["field", "signal", "value", "delay"],
        ),
    ];
    let place = |name: &&str| {
        header.iter().position(|cell| {
            cell.trim_start_matches('\u{feff}')
                .eq_ignore_ascii_case(name)
        })
    };
    KINDS.iter().find_map(|(kind, names)| {
        let columns: Option<Vec<_>> = names.iter().map(place).collect();
        Some((*kind, columns?))
    })
}

/// Source of the rows.
struct Rows<'a> {
    path: &'a Path,
    start_ms: i64,
}

impl Rows<'_> {
    fn broken(&self, error: &csv::Error) -> RecordingError {
        let line = error.position().map_or(1, csv::Position::line);
        self.refuse(line, "not a line of comma-separated text".to_owned())
    }

    fn refuse(&self, line: u64, what: String) -> RecordingError {
        RecordingError::Row {
            path: self.path.to_owned(),
            line,
            what,
        }
    }
}

/// The cells of one row that matter.
struct Row<'a> {
    rows: &'a Rows<'a>,
    line: u64,
    cells: Vec<Option<&'a str>>,
}

impl Row<'_> {
    fn text(&self, place: usize) -> &str {
        self.cells.get(place).copied().flatten().unwrap_or_default()
    }

    fn number(&self, place: usize, name: &str) -> Result<f64, RecordingError> {
        let text = self.text(place);
        text.parse().map_err(|_| {
            let shown: String = text.chars().take(20).collect();
            self.refuse(format!("{name} is {shown:?}; expected a number"))
        })
    }

    /// Seconds since the row before, or since the start.
    fn seconds(&self, place: usize, name: &str) -> Result<i64, RecordingError> {
        let seconds = self.number(place, name)?;
        if (0.0..=SECONDS_MAX).contains(&seconds) {
            Ok((seconds * 1_000.0).round() as i64)
        } else {
            Err(self.refuse(format!("{name} is {seconds}; expected seconds, 0 or more")))
        }
    }

    fn refuse(&self, what: String) -> RecordingError {
        self.rows.refuse(self.line, what)
    }
}

impl Recording {
    /// Takes one row, and gives its time.
    fn take(
        &mut self,
        row: &Row<'_>,
        before_ms: Option<i64>,
        setting: &Setting,
    ) -> Result<i64, RecordingError> {
        let start_ms = row.rows.start_ms;
        match self.kind {
            RecordingKind::SpeedTable => {
                let at_ms = start_ms + row.seconds(0, "the second")?;
                if before_ms.is_some_and(|before_ms| at_ms <= before_ms) {
                    return Err(row.refuse("the second goes back".to_owned()));
                }
                self.speed(at_ms, row.number(1, "the speed")? * KMH_PER_MPS);
                Ok(at_ms)
            }
            RecordingKind::RecordedDay => {
                let at_ms = match before_ms {
                    Some(before_ms) => before_ms + row.seconds(1, "timestep")?,
                    None => setting.unix_ms(row.text(0).parse().map_err(|_| {
                        row.refuse("timestamp: expected YYYY-MM-DD HH:MM:SS".to_owned())
                    })?),
                };
                self.speed(at_ms, row.number(2, "speed_mph")? * KMH_PER_MPH);
                Ok(at_ms)
            }
            RecordingKind::VssRows => {
                let at_ms = before_ms.unwrap_or(start_ms) + row.seconds(3, "delay")?;
                let (field, path) = (row.text(0), row.text(1));
                match Signal::from_path(path).filter(|_| field == "current") {
                    Some(signal) => self.samples.push(Sample {
                        signal,
                        value: value(signal, row.text(2)),
                        ts_ms: at_ms,
                        retained: false,
                    }),
                    None if path.is_empty() => {
                        return Err(row.refuse("signal: expected a VSS path".to_owned()));
                    }
                    None => *self.unused.entry(path.to_owned()).or_default() += 1,
                }
                Ok(at_ms)
            }
        }
    }

    fn speed(&mut self, ts_ms: i64, kmh: f64) {
        self.samples.push(Sample {
            signal: Signal::Speed,
            value: Value::Number(kmh),
            ts_ms,
            retained: false,
        });
    }
}

/// The provider writes flags as Python does.
fn value(signal: Signal, text: &str) -> Value {
    let text = match signal.kind() {
        ValueKind::Flag => text.to_ascii_lowercase(),
        ValueKind::Number { .. } | ValueKind::Text => text.to_owned(),
    };
    typed(signal, Value::Text(text))
}
