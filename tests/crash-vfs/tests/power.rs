//! SQLite on the disk that loses power: what was committed stays, or the disk lied.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use dashpoint_crash_vfs::{CrashVfs, Disk, DiskFault};
use rusqlite::{Connection, OpenFlags};

fn open(vfs: &CrashVfs) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags_and_vfs("ledger.db", OpenFlags::default(), vfs.name())?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute(
        "CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, body BLOB) STRICT",
        [],
    )?;
    Ok(db)
}

/// Commits until the power goes; returns how many commits were acknowledged.
fn commit_until_cut(vfs: &CrashVfs, from: i64) -> i64 {
    let Ok(db) = open(vfs) else { return from };
    let mut acknowledged = from;
    for seq in from + 1..from + 200 {
        let body = vec![seq as u8; 900];
        if db
            .execute("INSERT OR REPLACE INTO entry VALUES (?1, ?2)", (seq, body))
            .is_err()
        {
            break;
        }
        acknowledged = seq;
    }
    acknowledged
}

/// Commits found after the cut, without a gap.
fn found(vfs: &CrashVfs) -> i64 {
    let db = open(vfs).unwrap();
    let check: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let (count, last): (i64, i64) = db
        .query_row(
            "SELECT count(*), coalesce(max(seq), 0) FROM entry",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(count, last, "no gap");
    last
}

fn lost_commits(seed: u64, ignore_syncs: bool) -> bool {
    let vfs = CrashVfs::register(&format!("power-{seed}-{ignore_syncs}"), Disk::new(seed));
    drop(open(&vfs).unwrap());
    vfs.disk().ignore_syncs(ignore_syncs);
    let mut kept = 0;
    for round in 0..4 {
        vfs.disk()
            .plan(1 + (seed * 37 + round * 101) % 400, DiskFault::PowerCut);
        let acknowledged = commit_until_cut(&vfs, kept);
        vfs.disk().cut_power();
        if ignore_syncs {
            let outcome = open(&vfs).and_then(|db| {
                db.query_row("SELECT coalesce(max(seq), 0) FROM entry", [], |row| {
                    row.get(0)
                })
            });
            if outcome.map_or(true, |last: i64| last < acknowledged) {
                return true;
            }
            return false;
        }
        let last = found(&vfs);
        assert!(
            last >= acknowledged,
            "seed {seed}: {acknowledged} acknowledged, {last} found"
        );
        kept = last;
    }
    false
}

#[test]
fn a_synced_commit_survives_every_power_cut() {
    for seed in 0..150 {
        assert!(!lost_commits(seed, false));
    }
}

#[test]
fn a_disk_that_ignores_syncs_is_found_out() {
    assert!(
        (0..20).any(|seed| lost_commits(seed, true)),
        "the model must be able to lose data"
    );
}

#[test]
fn a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let vfs = CrashVfs::register("full", Disk::new(1));
    let db = open(&vfs).unwrap();
    vfs.disk().plan(1, DiskFault::Full);
    let refused = db
        .execute("INSERT INTO entry VALUES (1, zeroblob(9000))", [])
        .unwrap_err();
    assert_eq!(
        refused.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DiskFull)
    );
    vfs.disk().clear_fault();
    db.execute("INSERT INTO entry VALUES (1, zeroblob(9000))", [])
        .unwrap();
}

/// Lengths, not bytes: SQLite salts its log from a generator of its own.
#[test]
fn the_same_seed_leaves_the_same_medium() {
    let run = |name: &str| {
        let vfs = CrashVfs::register(name, Disk::new(7));
        vfs.disk().plan(150, DiskFault::PowerCut);
        commit_until_cut(&vfs, 0);
        vfs.disk().image()
    };
    assert_eq!(run("same-1").lengths(), run("same-2").lengths());
}

#[test]
fn a_reader_and_a_writer_share_the_log() {
    let vfs = CrashVfs::register("two", Disk::new(3));
    let writer = open(&vfs).unwrap();
    let reader = open(&vfs).unwrap();
    writer
        .execute("INSERT INTO entry VALUES (1, x'00')", [])
        .unwrap();
    let count: i64 = reader
        .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}
