//! Every schema that was ever released, as the program of its time left it, brought to the newest.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Chain, SEAL, accepted, first, new_entry, open, options, private, receipt};
use dashpoint_membership::{Entry, Epoch, Meter, Seq};
use dashpoint_store::{CheckDepth, Reconciled, Store, StoreError, StoreReader};
use dashpoint_wire::{EpochGrant, Signed};
use rusqlite::Connection;

const FILES: [&str; 2] = ["ledger", "cache"];
/// Entries in the folder, the first of them with a receipt.
const ENTRIES: u64 = 4;
const METRES: u64 = 1_000;

/// The chain that was signed in it, with entries as the first programs have made them.
fn chain() -> (Chain, Signed<EpochGrant>, Vec<Signed<Entry>>) {
    let (mut chain, grant) = Chain::start();
    let entries = (0..ENTRIES).map(|_| chain.old_trip(METRES)).collect();
    (chain, grant, entries)
}

/// A folder as a head unit is killed with: one entry confirmed, the rest unsent, evidence that waits for its key, an open
/// trip.
fn live_in(folder: &Path) {
    let (_, grant, entries) = chain();
    let mut store = open(folder);
    store.put_meta("device", b"a device").unwrap();
    store.begin_epoch(&grant, &[]).unwrap();
    for entry in &entries {
        store.commit_entry(&new_entry(entry)).unwrap();
    }
    let first = store.read().point(Epoch::new(1), Seq::new(1));
    let answer = Reconciled {
        receipt: receipt(first.unwrap().unwrap(), 1, 1_790_000_100),
        verdicts: vec![accepted(1, 12)],
        statements: Vec::new(),
    };
    store.apply(&answer).unwrap();
    store
        .keep_awaiting(b"evidence", Some(b"private part"), &[], 1_790_000_200)
        .unwrap();
    store.put_checkpoint("trip", b"open trip").unwrap();
}

fn fixture(file: &str, schema: u32) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema");
    folder.join(format!("{file}-{schema}.rows.sql"))
}

fn script(file: &str, schema: u32) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema");
    folder.join(format!("{file}-{schema}.sql"))
}

/// Every row as a statement that makes it again.
fn rows(file: &Path) -> String {
    let db = Connection::open(file).unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let mut script = String::new();
    for pragma in ["application_id", "user_version"] {
        let value: i64 = db
            .pragma_query_value(None, pragma, |row| row.get(0))
            .unwrap();
        script.push_str(&format!("PRAGMA {pragma} = {value};\n"));
    }
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    for table in names(tables) {
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let values: Vec<_> = columns
            .iter()
            .map(|name| format!("quote({name})"))
            .collect();
        let (columns, values) = (columns.join(", "), values.join(" || ', ' || "));
        for row in names(&format!("SELECT {values} FROM {table}")) {
            script.push_str(&format!(
                "INSERT INTO {table} ({columns}) VALUES ({row});\n"
            ));
        }
    }
    script
}

fn newest(file: &str) -> u32 {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let db = Connection::open(folder.path().join(format!("{file}.db"))).unwrap();
    db.pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// Makes the files of a schema anew, in the mode that its program kept them in.
fn as_left_by(schema: u32, folder: &Path) {
    for file in FILES {
        let of_file = schema.min(newest(file));
        let db = Connection::open(folder.join(format!("{file}.db"))).unwrap();
        db.pragma_update(None, "journal_mode", "WAL").unwrap();
        for part in [script(file, of_file), fixture(file, of_file)] {
            let text = fs::read_to_string(&part);
            db.execute_batch(&text.unwrap_or_else(|error| panic!("{}: {error}", part.display())))
                .unwrap();
        }
    }
}

#[test]
fn the_rows_of_the_newest_schema_are_written_down() {
    let folder = tempfile::tempdir().unwrap();
    live_in(folder.path());
    for file in FILES {
        let found = rows(&folder.path().join(format!("{file}.db")));
        let written_down = fixture(file, newest(file));
        if std::env::var_os("DASHPOINT_BLESS").is_some() {
            fs::write(&written_down, &found).unwrap();
        }
        let expected = fs::read_to_string(&written_down).unwrap_or_default();
        assert_eq!(
            found,
            expected,
            "{}: run with DASHPOINT_BLESS=1",
            written_down.display()
        );
    }
}

#[test]
fn every_schema_with_unsent_entries_inside_is_brought_to_the_newest() {
    for schema in 1..=newest("ledger").max(newest("cache")) {
        let folder = tempfile::tempdir().unwrap();
        as_left_by(schema, folder.path());
        let (mut chain, _, entries) = chain();
        let mut store = Store::open(folder.path(), options(CheckDepth::Full)).unwrap();
        assert!(store.incidents().is_empty(), "schema {schema}");
        let read = store.read();
        assert_eq!(read.check(CheckDepth::Full).unwrap(), []);
        assert_eq!(read.head(Epoch::new(1)).unwrap(), Some(chain.head));
        for (seq, entry) in (1..).zip(&entries) {
            let stored = read.entry(Epoch::new(1), Seq::new(seq)).unwrap().unwrap();
            assert_eq!(stored.raw, entry.to_raw(), "schema {schema}");
            assert_eq!(stored.private, Some(private(entry)), "schema {schema}");
        }
        let unconfirmed = read.unconfirmed(Epoch::new(1)).unwrap();
        assert_eq!(unconfirmed.entries, ENTRIES - 1, "schema {schema}");
        let mark = read.marks().unwrap()[&first(Meter::Odometer)];
        assert_eq!(mark, 1_000 + ENTRIES * METRES, "schema {schema}");
        assert_eq!(read.awaiting().unwrap()[0].evidence, b"evidence");
        assert_eq!(read.checkpoint("trip").unwrap().unwrap(), b"open trip");
        for file in fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            for clear in [&b"private evidence of"[..], b"open trip", b"private part"] {
                let found = bytes.windows(clear.len()).any(|bytes| bytes == clear);
                assert!(!found, "schema {schema}: {}", path.display());
            }
        }
        // The chain goes on.
        store.commit_entry(&new_entry(&chain.trip(METRES))).unwrap();
        assert_eq!(store.read().head(Epoch::new(1)).unwrap(), Some(chain.head));
    }
}

/// One file may be of another program's time than the other: a cache that was begun anew.
#[test]
fn a_file_of_a_newer_schema_is_refused_beside_one_that_is_known() {
    for newer in FILES {
        let folder = tempfile::tempdir().unwrap();
        as_left_by(1, folder.path());
        let path = folder.path().join(format!("{newer}.db"));
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "user_version", newest(newer) + 1)
            .unwrap();
        drop(db);
        let bytes =
            || FILES.map(|file| fs::read(folder.path().join(format!("{file}.db"))).unwrap());
        let before = bytes();
        let refused = Store::open(folder.path(), options(CheckDepth::Ends)).unwrap_err();
        assert!(refused.is_newer_schema(), "{newer}: {refused}");
        assert!(bytes() == before, "{newer}: bytes changed");
    }
}

/// Whoever only reads leaves the migration to the owner of the folder, and says so.
#[test]
fn a_reader_migrates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    as_left_by(1, folder.path());
    let opened = StoreReader::open(folder.path(), None, Some(SEAL));
    if newest("ledger") > 1 {
        assert!(matches!(opened, Err(StoreError::OlderSchema { .. })));
    } else {
        opened.unwrap();
    }
}
