//! What lies in the folder is for its owner alone, and what is about a person is sealed.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Car, open, options, private};
use dashpoint_membership::{Epoch, Seq};
use dashpoint_store::{CheckDepth, SealKey, Store, StoreOptions, StoreReader, Tightened};
use rusqlite::Connection;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn assert_closed(folder: &Path) {
    assert_eq!(mode(folder), 0o700);
    for file in files(folder) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn folder_and_files_are_for_their_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = open(&folder);
    assert_eq!(store.tightened().refused, 0);
    assert_closed(&folder);
    assert!(files(&folder).len() >= 5, "{:?}", files(&folder));
    store.close().unwrap();
    assert_closed(&folder);
}

/// A folder of an older program, with files set aside and copies in it; what is not ours stays as it is.
#[test]
fn what_others_could_open_is_closed_at_the_start() {
    let car = Car::with_trips(2);
    let (folder, ..) = car.parked();
    let folder = folder.path();
    fs::write(folder.join("ledger.corrupt-1.db"), b"old").unwrap();
    fs::write(folder.join("notes.txt"), b"not ours").unwrap();
    set_mode(folder, 0o755);
    files(folder).iter().for_each(|file| set_mode(file, 0o644));
    let ours = files(folder).len() as u64 - 1;
    let store = open(folder);
    assert_eq!(
        store.tightened(),
        Tightened {
            closed: ours + 1,
            refused: 0
        }
    );
    assert_eq!(mode(&folder.join("notes.txt")), 0o644);
    fs::remove_file(folder.join("notes.txt")).unwrap();
    assert_closed(folder);
    store.close().unwrap();
    assert_eq!(open(folder).tightened(), Tightened::default());
}

fn holds_in_the_clear(folder: &Path, text: &[u8]) -> bool {
    let holds = |file: &std::path::PathBuf| {
        let bytes = fs::read(file).unwrap();
        bytes.windows(text.len()).any(|bytes| bytes == text)
    };
    files(folder).iter().any(holds)
}

#[test]
fn private_evidence_and_checkpoints_lie_sealed_on_the_disk() {
    let mut car = Car::with_trips(2);
    car.store
        .keep_awaiting(b"what leaves the car", Some(b"a secret trace"), &[], 7)
        .unwrap();
    car.store
        .put_checkpoint("trip", b"+86 138 1234 5678")
        .unwrap();
    let folder = car.folder.path();
    for clear in [&b"private evidence"[..], b"a secret trace", b"+86 138"] {
        assert!(!holds_in_the_clear(folder, clear));
    }
    let read = car.store.read();
    let entry = read.entry(Epoch::new(1), Seq::new(2)).unwrap().unwrap();
    assert_eq!(entry.private, Some(private(&car.entries[1])));
    let waits = &read.awaiting().unwrap()[0];
    assert_eq!(waits.private.as_deref(), Some(&b"a secret trace"[..]));
    assert_eq!(
        read.checkpoint("trip").unwrap().unwrap(),
        b"+86 138 1234 5678"
    );
    assert_eq!(read.checkpoint("other").unwrap(), None);
}

/// Another key opens nothing private, and costs no entry and nothing of what waits.
#[test]
fn a_lost_seal_key_costs_no_more_than_what_was_private() {
    let mut car = Car::with_trips(2);
    car.store
        .keep_awaiting(b"what leaves the car", Some(b"a secret trace"), &[], 7)
        .unwrap();
    let (folder, mut chain, entries) = car.parked();
    for seal in [Some(SealKey::from_bytes([8; 32])), None] {
        let options = StoreOptions {
            seal,
            ..options(CheckDepth::Full)
        };
        let mut store = Store::open(folder.path(), options).unwrap();
        let read = store.read();
        for (seq, entry) in (1..).zip(&entries) {
            let stored = read.entry(Epoch::new(1), Seq::new(seq)).unwrap().unwrap();
            assert_eq!((stored.raw, stored.private), (entry.to_raw(), None));
        }
        let waits = read.awaiting().unwrap();
        assert_eq!(waits[0].evidence, b"what leaves the car");
        assert_eq!(waits[0].private, None);
        let trip = chain.trip(1_000);
        store.commit_entry(&common::new_entry(&trip)).unwrap();
        store.close().unwrap();
    }
    let reader = StoreReader::open(folder.path(), None, Some(common::SEAL)).unwrap();
    let first = reader.entry(Epoch::new(1), Seq::new(1)).unwrap().unwrap();
    assert_eq!(first.private, Some(private(&entries[0])));
    assert!(!holds_in_the_clear(folder.path(), b"private evidence"));
}

/// Sealed bytes are of one place: beside another entry they are not opened.
#[test]
fn what_is_sealed_is_opened_in_its_place_only() {
    let car = Car::with_trips(2);
    let (folder, ..) = car.parked();
    let ledger = Connection::open(folder.path().join("ledger.db")).unwrap();
    ledger
        .execute_batch(
            "DROP TRIGGER entry_is_final;
             UPDATE entry SET private = (SELECT private FROM entry WHERE seq = 1) WHERE seq = 2;
             CREATE TRIGGER entry_is_final BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entry: never changed'); END;",
        )
        .unwrap();
    drop(ledger);
    let store = open(folder.path());
    let second = store.read().entry(Epoch::new(1), Seq::new(2)).unwrap();
    assert_eq!(second.unwrap().private, None);
}
