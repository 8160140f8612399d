//! The power goes at any call, and what an award costs the disk: on the disk in memory under SQLite.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod common;

use common::{Chain, first, new_entry, options};
use dashpoint_crash_vfs::{CrashVfs, Disk, DiskFault};
use dashpoint_membership::{Epoch, Meter, Seq};
use dashpoint_store::{CheckDepth, Store, StoreError, StoreOptions};
use dashpoint_wire::{EpochGrant, Signed};

fn on(vfs: &CrashVfs) -> StoreOptions {
    StoreOptions {
        vfs: Some(vfs.name().to_owned()),
        ..options(CheckDepth::Full)
    }
}

/// Opens, begins the epoch if need be and commits trips until something fails; says how many were reported durable.
fn drive(
    folder: &std::path::Path,
    vfs: &CrashVfs,
    grant: &Signed<EpochGrant>,
    trips: &[dashpoint_store::NewEntry],
) -> Result<u64, (u64, StoreError)> {
    let mut done = 0;
    let mut store = Store::open(folder, on(vfs)).map_err(|error| (done, error))?;
    store
        .begin_epoch(grant, &[])
        .map_err(|error| (done, error))?;
    let head = store.read().head(Epoch::new(1)).map_err(|e| (done, e))?;
    done = head.map_or(0, |head| head.seq.get());
    for trip in trips.iter().skip(done as usize) {
        store.commit_entry(trip).map_err(|error| (done, error))?;
        done += 1;
        store
            .put_checkpoint("trip", &[7; 700])
            .map_err(|error| (done, error))?;
    }
    Ok(done)
}

fn trips(count: u64) -> (Signed<EpochGrant>, Vec<dashpoint_store::NewEntry>) {
    let (mut chain, grant) = Chain::start();
    let trips = (0..count).map(|_| new_entry(&chain.trip(100))).collect();
    (grant, trips)
}

/// After the fault: as many entries as were reported, or one more that was being committed; the marks agree; nothing
/// was set aside; and the car drives on.
fn assert_whole(
    folder: &std::path::Path,
    vfs: &CrashVfs,
    grant: &Signed<EpochGrant>,
    trips: &[dashpoint_store::NewEntry],
    done: u64,
    at: &str,
) {
    let store = Store::open(folder, on(vfs)).unwrap();
    assert!(
        store.incidents().is_empty(),
        "{at}: {:?}",
        store.incidents()
    );
    let read = store.read();
    assert_eq!(read.check(CheckDepth::Full).unwrap(), [], "{at}");
    let there = read
        .head(Epoch::new(1))
        .unwrap()
        .map_or(0, |head| head.seq.get());
    assert!(
        there == done || there == done + 1,
        "{at}: {there} of {done}"
    );
    let mark = read.marks().unwrap().get(&first(Meter::Odometer)).copied();
    assert_eq!(mark, (there > 0).then_some(1_000 + 100 * there), "{at}");
    drop(store);
    let total = trips.len() as u64;
    assert_eq!(drive(folder, vfs, grant, trips).unwrap(), total, "{at}");
}

#[test]
fn a_power_cut_at_any_call_takes_nothing_that_was_reported() {
    let (grant, trips) = trips(6);
    let folder = tempfile::tempdir().unwrap();
    let calls = {
        let vfs = CrashVfs::register("store-power-whole", Disk::new(0));
        drive(folder.path(), &vfs, &grant, &trips).unwrap();
        vfs.disk().counts().calls
    };
    let mut cuts = 0;
    for call in 1..=calls {
        let vfs = CrashVfs::register(&format!("store-power-{call}"), Disk::new(call));
        vfs.disk().plan(call, DiskFault::PowerCut);
        let done = match drive(folder.path(), &vfs, &grant, &trips) {
            Ok(done) => done,
            Err((done, _)) => done,
        };
        cuts += vfs.disk().counts().power_cuts;
        vfs.disk().clear_fault();
        assert_whole(
            folder.path(),
            &vfs,
            &grant,
            &trips,
            done,
            &format!("call {call}"),
        );
    }
    assert_eq!(cuts, calls, "every call was a cut");
}

/// Returns what a power cut has left of a checkpoint that was written by `put`.
fn checkpoint_after_power_cut(
    seed: u64,
    put: fn(&mut Store, &[u8]) -> Result<(), StoreError>,
) -> Option<Vec<u8>> {
    let vfs = CrashVfs::register(&format!("store-checkpoint-{seed}"), Disk::new(seed));
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), on(&vfs)).unwrap();
    put(&mut store, b"over").unwrap();
    vfs.disk().cut_power();
    drop(store);
    let store = Store::open(folder.path(), on(&vfs)).unwrap();
    store.read().checkpoint("trip").unwrap()
}

/// That of what is open is a hint; that of what is over is as durable as the ledger.
#[test]
fn a_durable_checkpoint_outlives_a_power_cut() {
    let hint = |store: &mut Store, raw: &[u8]| store.put_checkpoint("trip", raw);
    let durable = |store: &mut Store, raw: &[u8]| store.put_checkpoint_durably("trip", raw);
    let mut lost = 0;
    for seed in 0..12 {
        let kept = checkpoint_after_power_cut(seed, durable);
        assert_eq!(kept.as_deref(), Some(&b"over"[..]), "seed {seed}");
        lost += u32::from(checkpoint_after_power_cut(100 + seed, hint).is_none());
    }
    assert!(
        lost > 0,
        "this disk loses nothing, and the test tells nothing"
    );
}

/// What one award costs the flash, beside the least that SQLite could write for 250 bytes.
#[test]
fn an_award_writes_at_most_three_times_what_a_bare_row_does() {
    const AWARDS: u64 = 400;
    let bare = {
        let vfs = CrashVfs::register("store-bare", Disk::new(0));
        let flags = rusqlite::OpenFlags::default();
        let db =
            rusqlite::Connection::open_with_flags_and_vfs("bare.db", flags, vfs.name()).unwrap();
        db.pragma_update(None, "journal_mode", "WAL").unwrap();
        db.pragma_update(None, "synchronous", "FULL").unwrap();
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)", [])
            .unwrap();
        let before = vfs.disk().counts().bytes_written;
        for _ in 0..AWARDS {
            db.execute("INSERT INTO t (b) VALUES (randomblob(250))", [])
                .unwrap();
        }
        vfs.disk().counts().bytes_written - before
    };
    let (grant, trips) = trips(AWARDS);
    let folder = tempfile::tempdir().unwrap();
    let vfs = CrashVfs::register("store-award", Disk::new(0));
    let mut store = Store::open(folder.path(), on(&vfs)).unwrap();
    store.begin_epoch(&grant, &[]).unwrap();
    let before = vfs.disk().counts();
    for trip in &trips {
        store.commit_entry(trip).unwrap();
    }
    let after = vfs.disk().counts();
    let award = after.bytes_written - before.bytes_written;
    println!(
        "one award: {} bytes written in {:.2} syncs; a bare row of 250 bytes: {} bytes; {:.2} times",
        award / AWARDS,
        (after.syncs - before.syncs) as f64 / AWARDS as f64,
        bare / AWARDS,
        award as f64 / bare as f64,
    );
    assert!(award <= bare * 3, "{award} bytes, bare {bare}");
    let head = store.read().head(Epoch::new(1)).unwrap().unwrap();
    assert_eq!(head.seq, Seq::new(AWARDS));
}
