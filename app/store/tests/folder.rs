//! The folder: one owner, files told apart, nothing thrown away.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod common;

use std::fs;
use std::path::Path;

use common::{Car, SEAL, first, new_entry, open, options};
use dashpoint_membership::{Epoch, Meter, Seq};
use dashpoint_store::{CheckDepth, NewEntry, Store, StoreError, StoreReader, Trouble};
use rusqlite::Connection;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_second_program_is_refused_until_the_first_lets_go() {
    let car = Car::with_trips(1);
    let path = car.folder.path().to_owned();
    let second = Store::open(&path, options(CheckDepth::Ends)).unwrap_err();
    assert!(second.is_in_use());
    assert_eq!(
        second.to_string(),
        format!(
            "the data folder {} is in use by another program",
            path.display()
        )
    );
    let reader = StoreReader::open(&path, None, Some(SEAL)).unwrap();
    assert_eq!(reader.head(Epoch::new(1)).unwrap(), Some(car.chain.head));
    let (folder, ..) = car.parked();
    open(folder.path());
}

#[test]
fn a_reader_sees_what_the_owner_commits_and_writes_nothing() {
    let mut car = Car::with_trips(1);
    let reader = StoreReader::open(car.folder.path(), None, Some(SEAL)).unwrap();
    car.store
        .commit_entry(&new_entry(&car.chain.trip(10)))
        .unwrap();
    assert_eq!(reader.head(Epoch::new(1)).unwrap(), Some(car.chain.head));
    let empty = tempfile::tempdir().unwrap();
    let missing = StoreReader::open(empty.path(), None, None);
    assert!(matches!(missing, Err(StoreError::NotThere { .. })));
    assert!(names(empty.path()).is_empty());
}

#[test]
fn a_new_ledger_is_in_its_file_before_the_first_award() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let bytes = fs::read(folder.path().join("ledger.db")).unwrap();
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    assert_eq!(&bytes[60..64], [0, 0, 0, 3], "the schema's version");
    assert_eq!(&bytes[68..72], b"DPLG", "the mark of the programme");
    let log = fs::metadata(folder.path().join("ledger.db-wal")).unwrap();
    assert_eq!(log.len(), 0);
    assert!(store.incidents().is_empty());
}

#[test]
fn a_newer_schema_is_refused_and_not_touched() {
    for file in ["ledger.db", "cache.db"] {
        let (folder, ..) = Car::with_trips(2).parked();
        let path = folder.path().join(file);
        let newer = Connection::open(&path).unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
        newer
            .execute_batch("CREATE TABLE tomorrow (id INTEGER PRIMARY KEY)")
            .unwrap();
        // The newer program was killed: part of its work is only in the log.
        let left_behind = tempfile::tempdir().unwrap();
        for name in ["ledger.db", "cache.db", "ledger.db-wal", "cache.db-wal"] {
            if folder.path().join(name).exists() {
                fs::copy(folder.path().join(name), left_behind.path().join(name)).unwrap();
            }
        }
        let before: Vec<Vec<u8>> = ["ledger.db", "cache.db"]
            .map(|name| fs::read(left_behind.path().join(name)).unwrap())
            .into();
        let error = Store::open(left_behind.path(), options(CheckDepth::Full)).unwrap_err();
        assert!(error.is_newer_schema(), "{file}: {error}");
        let reader = StoreReader::open(left_behind.path(), None, None);
        assert_eq!(reader.is_err(), file == "ledger.db");
        let after: Vec<Vec<u8>> = ["ledger.db", "cache.db"]
            .map(|name| fs::read(left_behind.path().join(name)).unwrap())
            .into();
        assert!(before == after, "{file}: bytes changed");
        assert!(
            !names(left_behind.path())
                .iter()
                .any(|name| name.contains("corrupt") || name.contains("foreign")),
            "{file}: set aside"
        );
    }
}

#[test]
fn an_emptied_ledger_is_kept_with_its_log() {
    let car = Car::with_trips(2);
    let folder = tempfile::tempdir().unwrap();
    let log = fs::read(car.folder.path().join("ledger.db-wal")).unwrap();
    assert!(!log.is_empty());
    fs::write(folder.path().join("ledger.db"), b"").unwrap();
    fs::write(folder.path().join("ledger.db-wal"), &log).unwrap();
    let store = open(folder.path());
    let incident = &store.incidents()[0];
    assert_eq!(incident.trouble, Trouble::Empty);
    assert_eq!(incident.kept_as, folder.path().join("ledger.empty-1.db"));
    let kept = fs::read(folder.path().join("ledger.empty-1.db-wal")).unwrap();
    assert!(kept == log, "the log was changed");
    assert_eq!(store.read().newest_epoch().unwrap(), None);
    drop(store);

    // Only the log is left.
    let alone = tempfile::tempdir().unwrap();
    fs::write(alone.path().join("ledger.db-wal"), &log).unwrap();
    let store = open(alone.path());
    assert_eq!(store.incidents()[0].trouble, Trouble::Empty);
    assert!(alone.path().join("ledger.empty-1.db-wal").exists());
}

#[test]
fn another_programs_file_is_kept_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let other = Connection::open(folder.path().join("ledger.db")).unwrap();
    other
        .execute_batch("CREATE TABLE recipes (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO recipes (name) VALUES ('soup')")
        .unwrap();
    drop(other);
    fs::write(folder.path().join("cache.db"), vec![b'x'; 9_000]).unwrap();
    let store = open(folder.path());
    let troubles: Vec<_> = store.incidents().iter().map(|i| i.trouble).collect();
    assert_eq!(troubles, [Trouble::Foreign, Trouble::Corrupt]);
    let kept = Connection::open(&store.incidents()[0].kept_as).unwrap();
    let name: String = kept
        .query_row("SELECT name FROM recipes", [], |row| row.get(0))
        .unwrap();
    assert_eq!(name, "soup");
    assert_eq!(
        fs::read(folder.path().join("cache.corrupt-1.db")).unwrap(),
        vec![b'x'; 9_000]
    );
    drop(store);
    assert!(open(folder.path()).incidents().is_empty());
}

#[test]
fn a_damaged_cache_is_begun_anew_and_the_ledger_stays() {
    let mut car = Car::with_trips(2);
    car.store.put_checkpoint("trip", b"open trip").unwrap();
    let head = car.chain.head;
    let (folder, ..) = car.parked();
    let path = folder.path().join("cache.db");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let store = open(folder.path());
    assert_eq!(store.incidents()[0].trouble, Trouble::Corrupt);
    assert!(folder.path().join("cache.corrupt-1.db").exists());
    assert_eq!(store.read().checkpoint("trip").unwrap(), None);
    assert_eq!(store.read().head(Epoch::new(1)).unwrap(), Some(head));
}

/// Each page of a ledger in turn: whatever of it is lost, the rest is there, in order, and the marks never go back
/// below what is there.
#[test]
fn each_page_may_be_lost_and_the_rest_is_salvaged() {
    let (folder, chain, entries) = Car::with_trips(60).parked();
    let whole = fs::read(folder.path().join("ledger.db")).unwrap();
    let fetched: Vec<NewEntry> = entries
        .iter()
        .map(|entry| NewEntry::new(entry, None, 0))
        .collect();
    let (mut salvaged, mut with_strays) = (0, 0);
    for page in 0..whole.len() / 4_096 {
        let mut bytes = whole.clone();
        // Not the whole page: its first byte and a stretch inside, as a worn sector leaves it.
        let from = page * 4_096 + if page == 0 { 100 } else { 0 };
        bytes[from] ^= 0xff;
        bytes[from + 8..from + 600].fill(0x5a);
        let damaged = tempfile::tempdir().unwrap();
        fs::write(damaged.path().join("ledger.db"), &bytes).unwrap();
        let mut store = Store::open(damaged.path(), options(CheckDepth::Full)).unwrap();
        let Some(incident) = store.incidents().first().cloned() else {
            panic!("page {page}: the damage went unnoticed");
        };
        assert_eq!(incident.trouble, Trouble::Corrupt, "page {page}");
        assert_eq!(fs::read(&incident.kept_as).unwrap(), bytes, "page {page}");
        assert!(store.read().check(CheckDepth::Full).unwrap().is_empty());
        let there = store
            .read()
            .entries_after(Epoch::new(1), Seq::new(0), 100)
            .unwrap();
        let expected: Vec<_> = entries[..there.len()].iter().map(|e| e.to_raw()).collect();
        assert_eq!(
            there, expected,
            "page {page}: a part of the chain from its start"
        );
        assert_eq!(incident.chained, there.len() as u64);
        if incident.chained + incident.beside > 0 {
            salvaged += 1;
            // 60 trips of a kilometre: the last one that is there says how far the odometer is settled at least.
            let strays = store.read().strays().unwrap();
            let last = strays
                .last()
                .map_or(incident.chained, |stray| stray.point.seq.get());
            let mark = store.read().marks().unwrap()[&first(Meter::Odometer)];
            assert!(mark >= 1_000 + 1_000 * last, "page {page}: {mark}");
        }
        // What the cloud gives back closes the gap, and the rest of the car's own entries falls into place.
        if incident.beside > 0 && incident.chained > 0 {
            with_strays += 1;
            let gap = there.len()..entries.len() - incident.beside as usize;
            let restored = store.restore_entries(&[], &fetched[gap.clone()]).unwrap();
            assert_eq!(restored.filled, gap.len() as u64, "page {page}");
            assert_eq!(restored.adopted, incident.beside, "page {page}");
            assert_eq!(store.read().head(Epoch::new(1)).unwrap(), Some(chain.head));
            let last = store.read().entry(Epoch::new(1), chain.head.seq).unwrap();
            assert!(
                last.unwrap().private.is_some(),
                "its evidence is still there"
            );
        }
    }
    assert!(
        salvaged >= 5 && with_strays >= 3,
        "{salvaged} {with_strays}"
    );
}

/// Damage inside a row is no damage to SQLite; the hash tells.
#[test]
fn a_flipped_bit_in_a_signed_row_is_found_and_what_follows_is_kept() {
    let (folder, _, entries) = Car::with_trips(9).parked();
    let path = folder.path().join("ledger.db");
    let mut bytes = fs::read(&path).unwrap();
    let raw = entries[3].raw();
    // Also where a page that was split has left a copy.
    let found = bytes.windows(raw.len()).enumerate();
    let places: Vec<_> = found
        .filter_map(|(at, window)| (window == raw).then_some(at))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + raw.len() / 2] ^= 1;
    }
    fs::write(&path, &bytes).unwrap();
    let store = Store::open(folder.path(), options(CheckDepth::Pages)).unwrap();
    assert!(store.incidents().is_empty(), "the pages are whole");
    let findings = store.read().check(CheckDepth::Full).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].to_string(),
        "the bytes of entry 1-4 were changed"
    );
    drop(store);
    let store = Store::open(folder.path(), options(CheckDepth::Full)).unwrap();
    let incident = &store.incidents()[0];
    assert_eq!(
        (incident.chained, incident.beside, incident.unreadable),
        (3, 5, 1)
    );
    // It stays known: the file that has it is beside, and nothing else will ever send it.
    let lost = [(Epoch::new(1), Seq::new(4))];
    assert_eq!(store.read().lost_entries().unwrap(), lost);
    drop(store);
    let mut store = Store::open(folder.path(), options(CheckDepth::Full)).unwrap();
    assert!(store.incidents().is_empty());
    assert_eq!(store.read().lost_entries().unwrap(), lost);
    // The cloud gives back what it had: then it was not lost.
    store
        .restore_entries(&[], &[new_entry(&entries[3])])
        .unwrap();
    assert_eq!(store.read().lost_entries().unwrap(), []);
    assert_eq!(
        store.read().marks().unwrap()[&first(Meter::Odometer)],
        10_000
    );
}

#[test]
fn a_ledger_that_lost_its_header_keeps_its_entries() {
    let (folder, chain, _) = Car::with_trips(30).parked();
    let path = folder.path().join("ledger.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[..100].fill(0xee);
    fs::write(&path, &bytes).unwrap();
    let store = open(folder.path());
    let incident = &store.incidents()[0];
    assert_eq!((incident.trouble, incident.chained), (Trouble::Corrupt, 30));
    assert_eq!(fs::read(&incident.kept_as).unwrap(), bytes);
    assert_eq!(store.read().head(Epoch::new(1)).unwrap(), Some(chain.head));
    assert_eq!(
        names(folder.path()),
        [
            "cache.db",
            "cache.db-shm",
            "cache.db-wal",
            "dashpoint.lock",
            "ledger.corrupt-1.db",
            "ledger.db",
            "ledger.db-shm",
            "ledger.db-wal",
        ]
    );
}

/// The log of a damaged ledger holds the newest entries: it is read before both are renamed.
#[test]
fn what_was_only_in_the_log_is_salvaged_too() {
    let (folder, mut chain, _) = Car::with_trips(3).parked();
    let mut store = open(folder.path());
    store.commit_entry(&new_entry(&chain.trip(5))).unwrap();
    // Killed: a copy of the folder as it is now.
    let killed = tempfile::tempdir().unwrap();
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    let path = killed.path().join("ledger.db");
    let mut bytes = fs::read(&path).unwrap();
    let certificates = bytes.len() - 4_096;
    bytes[certificates] ^= 0xff;
    fs::write(&path, &bytes).unwrap();
    let store = Store::open(killed.path(), options(CheckDepth::Full)).unwrap();
    assert_eq!(store.incidents()[0].chained, 4);
    assert_eq!(store.read().head(Epoch::new(1)).unwrap(), Some(chain.head));
}

/// A crash at each step of replacing a damaged ledger.
#[test]
fn an_interrupted_salvage_is_finished_or_begun_again() {
    let (folder, chain, _) = Car::with_trips(3).parked();
    let whole = fs::read(folder.path().join("ledger.db")).unwrap();

    // Before the damaged file had its new name: the scratch is worthless.
    fs::write(folder.path().join("ledger.new.db"), b"half").unwrap();
    drop(open(folder.path()));
    assert!(!folder.path().join("ledger.new.db").exists());

    // After it: the salvaged file is complete, and a log left behind belongs to the one set aside.
    let after = tempfile::tempdir().unwrap();
    fs::write(after.path().join("ledger.new.db"), &whole).unwrap();
    fs::write(after.path().join("ledger.corrupt-1.db"), b"damaged").unwrap();
    fs::write(after.path().join("ledger.db-wal"), b"its log").unwrap();
    let store = open(after.path());
    assert_eq!(store.read().head(Epoch::new(1)).unwrap(), Some(chain.head));
    assert_eq!(
        fs::read(after.path().join("ledger.corrupt-1.db-wal")).unwrap(),
        b"its log"
    );
}

#[test]
fn the_newest_schema_is_written_down() {
    let (folder, ..) = Car::with_trips(0).parked();
    for (file, name, golden) in [
        (
            "ledger.db",
            "ledger-3.sql",
            include_str!("schema/ledger-3.sql"),
        ),
        (
            "cache.db",
            "cache-4.sql",
            include_str!("schema/cache-4.sql"),
        ),
    ] {
        let connection = Connection::open(folder.path().join(file)).unwrap();
        let mut statement = connection
            .prepare("SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
            .unwrap();
        let rows: Vec<String> = statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let dump = rows.join("\n\n") + "\n";
        if std::env::var_os("DASHPOINT_BLESS").is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/schema")
                .join(name);
            fs::write(path, &dump).unwrap();
        }
        assert_eq!(dump, golden, "{file}: a released schema is never edited");
    }
}
