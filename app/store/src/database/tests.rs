//! Opening, telling apart and migrating one file.

use dashpoint_crash_vfs::{CrashVfs, Disk, DiskFault};

use super::*;

const V1: &str = "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;";
const OLD: FileKind = FileKind {
    stem: "things",
    application_id: 7,
    schemas: &[V1],
    synchronous: "FULL",
};

fn make_old(folder: &Path) -> PathBuf {
    let file = OLD.file(folder);
    let connection = create(&OLD, &file, None).unwrap();
    connection
        .execute("INSERT INTO thing (name) VALUES ('kept')", [])
        .unwrap();
    file
}

#[test]
fn a_migration_keeps_the_rows_and_leaves_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let file = make_old(folder.path());
    let new = FileKind {
        schemas: &[V1, "ALTER TABLE thing ADD COLUMN colour TEXT;"],
        ..OLD
    };
    let connection = open_and_migrate(&new, &file, None, 1).unwrap();
    let name: String = connection
        .query_row("SELECT name FROM thing WHERE colour IS NULL", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(name, "kept");
    drop(connection);
    assert!(matches!(probe(&new, &file, None), Ok(FileState::Ours(2))));
    let copy = folder.path().join("things.schema-1.copy-1.db");
    assert!(matches!(probe(&OLD, &copy, None), Ok(FileState::Ours(1))));
}

#[test]
fn a_failed_migration_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = make_old(folder.path());
    let broken = FileKind {
        schemas: &[V1, "DROP TABLE thing; CREATE TABLE thing (nonsense"],
        ..OLD
    };
    for number in 1..=2 {
        let error = open_and_migrate(&broken, &file, None, 1).unwrap_err();
        assert!(
            matches!(error, StoreError::Migration { from: 1, to: 2, .. }),
            "{error}"
        );
        let copy = format!("things.schema-1.copy-{number}.db");
        assert!(folder.path().join(copy).exists());
    }
    let connection = open_and_migrate(&OLD, &file, None, 1).unwrap();
    let rows: u32 = connection
        .query_row("SELECT count(*) FROM thing", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
}

/// 200 rows with the newer schema, or 200 with the older one, and nothing between.
fn assert_whole(new: &FileKind, file: &Path, vfs: &CrashVfs, at: &str) {
    let found = probe(new, file, Some(vfs.name())).unwrap();
    let FileState::Ours(found) = found else {
        panic!("{at}: {found:?}");
    };
    let connection = open_and_migrate(new, file, Some(vfs.name()), found).unwrap();
    let rows: u32 = connection
        .query_row(
            "SELECT count(*) FROM thing WHERE colour = 'none'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(rows, 200, "{at}");
    let sound: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok", "{at}");
}

#[test]
fn a_migration_that_the_disk_breaks_off_at_any_call_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = OLD.file(folder.path());
    let new = FileKind {
        schemas: &[
            V1,
            "ALTER TABLE thing ADD COLUMN colour TEXT; UPDATE thing SET colour = 'none';",
        ],
        ..OLD
    };
    let old = {
        let vfs = CrashVfs::register("migration-old", Disk::new(0));
        let connection = create(&OLD, &file, Some(vfs.name())).unwrap();
        for _ in 0..200 {
            connection
                .execute("INSERT INTO thing (name) VALUES (hex(zeroblob(40)))", [])
                .unwrap();
        }
        drop(connection);
        vfs.disk().image()
    };
    let calls = {
        let vfs = CrashVfs::register("migration-whole", Disk::from_image(&old, 0));
        assert_whole(&new, &file, &vfs, "whole");
        vfs.disk().counts().calls
    };
    let mut failed = 0;
    for call in 1..=calls {
        for fault in [DiskFault::PowerCut, DiskFault::Full, DiskFault::IoError] {
            let at = format!("migration-{fault:?}-{call}");
            let vfs = CrashVfs::register(&at, Disk::from_image(&old, call));
            vfs.disk().plan(call, fault);
            failed += u32::from(open_and_migrate(&new, &file, Some(vfs.name()), 1).is_err());
            vfs.disk().clear_fault();
            assert_whole(&new, &file, &vfs, &at);
        }
    }
    assert!(failed > 100, "{failed} of {calls} calls");
}

/// Names the folder to the program that is killed; see below.
const ENDLESS: &str = "DASHPOINT_ENDLESS_MIGRATION";

/// The program that is killed: the step never ends, so that the kill finds it in the middle of its transaction.
#[test]
fn the_program_of_an_endless_migration() {
    let Some(folder) = std::env::var_os(ENDLESS) else {
        return;
    };
    let endless = FileKind {
        schemas: &[
            V1,
            "ALTER TABLE thing ADD COLUMN colour TEXT;
             INSERT INTO thing (name, colour)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
             SELECT hex(zeroblob(500)), i FROM n;",
        ],
        ..OLD
    };
    drop(open_and_migrate(
        &endless,
        &OLD.file(Path::new(&folder)),
        None,
        1,
    ));
}

#[test]
fn a_program_killed_while_migrating_leaves_the_old_schema() {
    let folder = tempfile::tempdir().unwrap();
    let file = make_old(folder.path());
    let mut program = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "database::tests::the_program_of_an_endless_migration",
        ])
        .env(ENDLESS, folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // So much of the transaction is in the log already; it is killed even when that never comes.
    let log = sidecar_file(&file, "-wal");
    let mut looks = 0;
    while log.metadata().map_or(0, |log| log.len()) < 1_000_000 && looks < 6_000 {
        looks += 1;
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let ended = program.try_wait().unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(
        looks < 6_000 && ended.is_none(),
        "it was migrating: {ended:?}"
    );

    assert!(matches!(probe(&OLD, &file, None), Ok(FileState::Ours(1))));
    let copy = folder.path().join("things.schema-1.copy-1.db");
    assert!(matches!(probe(&OLD, &copy, None), Ok(FileState::Ours(1))));
    let new = FileKind {
        schemas: &[V1, "ALTER TABLE thing ADD COLUMN colour TEXT;"],
        ..OLD
    };
    let connection = open_and_migrate(&new, &file, None, 1).unwrap();
    let names: String = connection
        .query_row("SELECT group_concat(name) FROM thing", [], |row| row.get(0))
        .unwrap();
    assert_eq!(names, "kept");
}

#[test]
fn a_file_is_told_by_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    assert!(matches!(probe(&OLD, &file, None), Ok(FileState::Absent)));
    std::fs::write(&file, b"").unwrap();
    assert!(matches!(probe(&OLD, &file, None), Ok(FileState::Blank)));
    std::fs::write(&file, [b'x'; 5000]).unwrap();
    assert!(matches!(probe(&OLD, &file, None), Ok(FileState::Damaged)));
    std::fs::remove_file(&file).unwrap();
    drop(
        create(
            &FileKind {
                application_id: 8,
                ..OLD
            },
            &file,
            None,
        )
        .unwrap(),
    );
    assert!(matches!(probe(&OLD, &file, None), Ok(FileState::Foreign)));
}

#[test]
fn a_commit_is_as_careful_as_its_file_asks() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, level) in [(LEDGER, 2), (CACHE, 1)] {
        let connection = create(&kind, &kind.file(folder.path()), None).unwrap();
        let asked = [
            ("synchronous", level),
            ("foreign_keys", 1),
            ("trusted_schema", 0),
            ("cell_size_check", 1),
            ("busy_timeout", BUSY_TIMEOUT_MS),
            ("journal_size_limit", LOG_KEPT_BYTES),
            ("application_id", i64::from(kind.application_id)),
        ];
        for (pragma, expected) in asked {
            let value: i64 = connection
                .pragma_query_value(None, pragma, |row| row.get(0))
                .unwrap();
            assert_eq!(value, expected, "{}: {pragma}", kind.stem);
        }
    }
}
