//! A table with named columns, read row by row, that can say where it is wrong.

use csv::{ReaderBuilder, StringRecord, Trim};
use jiff::SignedDuration;

use crate::error::SimError;

/// Ten years: beyond it a time is a mistake, and far below what the calendar holds.
const LONGEST_S: f64 = 10.0 * 366.0 * 86_400.0;

/// A table whose header has been read.
pub(super) struct Table<'a> {
    pub(super) name: &'a str,
    header: StringRecord,
    reader: csv::Reader<&'a [u8]>,
}

impl<'a> Table<'a> {
    pub(super) fn open(name: &'a str, text: &'a str) -> Result<Self, SimError> {
        let mut reader = ReaderBuilder::new()
            .comment(Some(b'#'))
            .trim(Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let header = reader
            .headers()
            .map_err(|source| SimError::Csv {
                name: name.to_owned(),
                source,
            })?
            .clone();
        Ok(Self {
            name,
            header,
            reader,
        })
    }

    pub(super) fn has(&self, columns: &[&str]) -> bool {
        columns
            .iter()
            .all(|column| self.header.iter().any(|name| name == *column))
    }

    pub(super) fn unknown_header(&self, expected: &'static str) -> SimError {
        let header = self.header.iter().collect::<Vec<_>>().join(",");
        SimError::UnknownHeader {
            name: self.name.to_owned(),
            header,
            expected,
        }
    }

    /// The next row, or `None` at the end.
    pub(super) fn next_line(&mut self) -> Result<Option<TableLine<'_>>, SimError> {
        let mut record = StringRecord::new();
        let more = self
            .reader
            .read_record(&mut record)
            .map_err(|source| SimError::Csv {
                name: self.name.to_owned(),
                source,
            })?;
        Ok(more.then_some(TableLine {
            name: self.name,
            header: &self.header,
            record,
        }))
    }
}

/// One row of a table.
pub(super) struct TableLine<'a> {
    name: &'a str,
    header: &'a StringRecord,
    record: StringRecord,
}

impl TableLine<'_> {
    /// The text in a column; empty when the row is too short.
    pub(super) fn text(&self, column: &str) -> &str {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| self.record.get(at)).unwrap_or_default()
    }

    /// A finite number that is not below 0.
    pub(super) fn number(&self, column: &'static str) -> Result<f64, SimError> {
        match self.text(column).parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
            Ok(_) | Err(_) => Err(self.bad(column, "a number that is not below 0")),
        }
    }

    /// A time in seconds, to the millisecond.
    pub(super) fn seconds(&self, column: &'static str) -> Result<SignedDuration, SimError> {
        let seconds = self.number(column)?;
        if seconds > LONGEST_S {
            return Err(self.bad(column, "at most ten years in seconds"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked just above to be within ten years"
        )]
        let millis = (seconds * 1000.0).round() as i64;
        Ok(SignedDuration::from_millis(millis))
    }

    pub(super) fn bad(&self, column: &'static str, expected: &'static str) -> SimError {
        SimError::BadRow {
            name: self.name.to_owned(),
            line: self.record.position().map_or(0, csv::Position::line),
            column,
            text: self.text(column).to_owned(),
            expected,
        }
    }
}
