//! The search for what must not leave the car, in every form that a program would write it in.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// Times are told to five minutes and no finer.
const COARSE_S: i64 = 300;
/// Digits behind the point that are a place: eleven metres.
const PLACES: usize = 4;
/// CBOR writes these before a double, a float, a positive and a negative integer of four bytes.
const CBOR_DOUBLE: u8 = 0xfb;
const CBOR_FLOAT: u8 = 0xfa;
const CBOR_UINT: u8 = 0x1a;
const CBOR_NINT: u8 = 0x3a;

/// Needles of one kind, by their length.
type Needles = BTreeMap<usize, HashMap<Vec<u8>, &'static str>>;

/// What must not be found.
#[derive(Default)]
pub struct Secrets {
    bytes: Needles,
    /// In lower case.
    words: Needles,
    /// Seconds in which something happened.
    during: Option<(i64, i64)>,
}

impl Secrets {
    /// A name or a number of something, in capitals or not.
    pub fn word(&mut self, what: &'static str, word: &str) {
        add(&mut self.words, what, word.to_ascii_lowercase());
    }

    /// A latitude or a longitude.
    pub fn degrees(&mut self, degrees: f64) {
        let whole = format!("{:.12}", degrees.abs());
        let point = whole.find('.').unwrap();
        self.word("a position in words", &whole[..=point + PLACES]);
        let mut double = vec![CBOR_DOUBLE];
        double.extend(degrees.to_be_bytes());
        add(&mut self.bytes, "a position as a double", &double[1..]);
        double[1..].reverse();
        add(&mut self.bytes, "a position as a double", &double[1..]);
        #[expect(clippy::cast_possible_truncation, reason = "that is the form")]
        let float = (degrees as f32).to_be_bytes();
        add(
            &mut self.bytes,
            "a position as a float",
            [&[CBOR_FLOAT][..], &float].concat(),
        );
        for scale in [1e5, 1e6, 1e7] {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "below 1.8e9: a position has 180 degrees at most"
            )]
            let scaled = (degrees * scale).round() as i32;
            let (sign, number) = if scaled < 0 {
                (CBOR_NINT, -1 - scaled)
            } else {
                (CBOR_UINT, scaled)
            };
            add(
                &mut self.bytes,
                "a position as an integer",
                [&[sign][..], &number.to_be_bytes()].concat(),
            );
        }
    }

    /// Every second of something that happened, and the very milliseconds of it.
    pub fn happened(&mut self, times: &[Timestamp]) {
        let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        let (first, last) = (first.as_second(), last.as_second());
        self.during = Some((first, last));
        for second in (first..=last).filter(|second| second % COARSE_S != 0) {
            self.second(second);
        }
        let exact = times.iter().map(|at| at.as_millisecond());
        for ms in exact.filter(|ms| ms % (COARSE_S * 1_000) != 0) {
            self.count("a time in milliseconds", ms);
            // SQLite leaves out the bytes that are zero.
            add(
                &mut self.bytes,
                "a time in milliseconds",
                &ms.to_be_bytes()[2..],
            );
        }
    }

    fn second(&mut self, second: i64) {
        let at = Timestamp::from_second(second).unwrap();
        let local = at + SignedDuration::from_hours(8);
        for at in [at, local] {
            let civil = at.to_zoned(TimeZone::UTC).datetime();
            self.word("a time in words", &civil.to_string());
            self.word("a time in words", &civil.to_string().replace('T', " "));
        }
        self.word("a time in words", &second.to_string());
        self.count("a time in seconds", second);
        let short = u32::try_from(second).unwrap();
        add(
            &mut self.bytes,
            "a time in seconds",
            [&[CBOR_UINT][..], &short.to_be_bytes()].concat(),
        );
    }

    /// A number that is too large to be met by chance.
    fn count(&mut self, what: &'static str, number: i64) {
        add(&mut self.bytes, what, number.to_be_bytes());
        add(&mut self.bytes, what, number.to_le_bytes());
        let double = number as f64;
        add(&mut self.bytes, what, double.to_be_bytes());
        add(&mut self.bytes, what, double.to_le_bytes());
    }

    /// What of it is in these bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<String> {
        let lower = bytes.to_ascii_lowercase();
        find(&self.bytes, bytes).or_else(|| find(&self.words, &lower))
    }

    /// Fails when something of it is there.
    #[track_caller]
    pub fn assert_not_in(&self, place: &str, bytes: &[u8]) {
        let found = self.find(bytes);
        assert_eq!(found, None, "in {place}, {} bytes", bytes.len());
    }

    /// Fails when something of it is in a log. When a line was written is no secret: its clock is that of the test, and
    /// what happened did so a day earlier.
    #[track_caller]
    pub fn assert_not_in_log(&self, place: &str, log: &str) {
        assert!(log.lines().count() > 3, "a log that says nothing: {log}");
        for line in log.lines() {
            let (stamp, rest) = line.trim_start().split_once(' ').unwrap_or((line, ""));
            let plain: String = stamp.chars().filter(|c| !c.is_control()).collect();
            let plain = plain.trim_start_matches("[2m").trim_end_matches("[0m");
            let line = match plain.parse::<Timestamp>() {
                Ok(_) => rest,
                Err(_) => line,
            };
            self.assert_not_in(place, line.as_bytes());
        }
    }

    /// Fails when something of it is in a file of a folder, or in a cell of a database there.
    pub fn assert_not_in_folder(&self, folder: &Path) -> usize {
        let mut cells = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                cells += self.assert_not_in_folder(&path);
                continue;
            }
            self.assert_not_in(&path.display().to_string(), &fs::read(&path).unwrap());
            if path.extension().is_some_and(|end| end == "db") {
                cells += self.assert_not_in_database(&path);
            }
        }
        cells
    }

    fn assert_not_in_database(&self, path: &Path) -> usize {
        let file = Connection::open(path).unwrap();
        let mut tables = file
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
            .unwrap();
        let tables: Vec<String> = tables
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let mut cells = 0;
        for table in tables {
            let mut rows = file.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = rows.column_count();
            let mut rows = rows.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    let cell = row.get_ref(column).unwrap();
                    assert!(!self.tells(cell), "{table}, column {column}: {cell:?}");
                    cells += 1;
                }
            }
        }
        cells
    }

    fn tells(&self, cell: ValueRef<'_>) -> bool {
        let fine = |number: i64, unit: i64| {
            let (first, last) = self.during.unwrap();
            (first * unit..=last * unit).contains(&number) && number % (COARSE_S * unit) != 0
        };
        match cell {
            ValueRef::Null | ValueRef::Real(_) => false,
            ValueRef::Integer(number) => fine(number, 1) || fine(number, 1_000),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => self.find(bytes).is_some(),
        }
    }
}

fn add(needles: &mut Needles, what: &'static str, form: impl Into<Vec<u8>>) {
    let form = form.into();
    needles.entry(form.len()).or_default().insert(form, what);
}

fn find(needles: &Needles, bytes: &[u8]) -> Option<String> {
    needles.iter().find_map(|(length, known)| {
        let mut windows = bytes.windows(*length);
        let window = windows.find(|window| known.contains_key(*window))?;
        Some(format!("{}: {window:02x?}", known[window]))
    })
}

#[test]
fn every_form_is_found_wherever_it_is() {
    let at: Timestamp = "2026-11-21T08:00:01.250Z".parse().unwrap();
    let mut secrets = Secrets::default();
    secrets.word("the car", "LDPTESTCAR0000042");
    secrets.degrees(43.403_671_26);
    secrets.degrees(-80.525_383);
    secrets.happened(&[at, at + SignedDuration::from_mins(4)]);
    let second = u32::try_from(at.as_second()).unwrap();
    let found: Vec<Vec<u8>> = vec![
        b"ldptestcar0000042".to_vec(),
        b"[43.40367126, 1]".to_vec(),
        b"lon=-80.5253".to_vec(),
        43.403_671_26_f64.to_be_bytes().to_vec(),
        (-80.525_383_f64).to_le_bytes().to_vec(),
        [&[CBOR_FLOAT][..], &(-80.525_383_f64 as f32).to_be_bytes()].concat(),
        [&[CBOR_UINT][..], &434_036_713_u32.to_be_bytes()].concat(),
        [&[CBOR_NINT][..], &(80_525_383_u32 - 1).to_be_bytes()].concat(),
        b"2026-11-21T08:02:07Z".to_vec(),
        b"2026-11-21 16:02:07".to_vec(),
        at.as_second().to_string().into_bytes(),
        at.as_millisecond().to_string().into_bytes(),
        at.as_millisecond().to_be_bytes().to_vec(),
        at.as_millisecond().to_le_bytes().to_vec(),
        at.as_millisecond().to_be_bytes()[2..].to_vec(),
        [&[CBOR_UINT][..], &second.to_be_bytes()].concat(),
        (at.as_second() as f64).to_be_bytes().to_vec(),
    ];
    for form in found {
        let hidden = [&[7; 100], &form[..], &[7; 3]].concat();
        assert!(secrets.find(&hidden).is_some(), "{form:02x?}");
    }
    let coarse = at.as_second() - 1;
    assert_eq!(coarse % COARSE_S, 0);
    assert_eq!(secrets.find(coarse.to_string().as_bytes()), None);
    assert_eq!(secrets.find(&coarse.to_be_bytes()), None);
    assert!(secrets.tells(ValueRef::Integer(coarse + 1)));
    assert!(secrets.tells(ValueRef::Integer((coarse + 1) * 1_000)));
    assert!(!secrets.tells(ValueRef::Integer(coarse)));
}
