//! A data folder that a run or a restore left when it was cut off, and programs that meet in one.

use std::fs;
use std::path::{Path, PathBuf};

use dashpoint_cloud::cli::main;
use dashpoint_cloud::{CloudCore, CloudError, restore};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::folders::{health, refused, run, start};
use crate::restored_scene::open;
use crate::support::*;

/// A cloud that ran three times, and what a power cut would have left of the last run.
struct Runs {
    folder: TempDir,
}

impl Runs {
    async fn new() -> Self {
        let runs = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let data = runs.path("cloud");
        for run in 0..3 {
            let cloud = start(&data).await.unwrap();
            for number in 0..100 {
                let name = format!("Li {run} {number}");
                cloud.add_member(&name, "Asia/Shanghai").await.unwrap();
            }
            if run == 2 {
                fs::create_dir(runs.path("cut")).unwrap();
                for file in ["cloud.db", "cloud.db-wal", "cloud-key.pk8", "serve.lock"] {
                    fs::copy(data.join(file), runs.path("cut").join(file)).unwrap();
                }
            }
            cloud.shutdown().await;
            if run == 0 {
                fs::copy(data.join("cloud.db"), runs.path("older")).unwrap();
            }
        }
        runs
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts the copy of the first run beside the log of the last one.
    fn mix(&self) -> PathBuf {
        let data = self.path("cloud");
        fs::copy(self.path("older"), data.join("cloud.db")).unwrap();
        fs::copy(self.path("cut/cloud.db-wal"), data.join("cloud.db-wal")).unwrap();
        data
    }
}

fn members(data: &Path) -> usize {
    let listed = run(data, &["member", "list", "--json"]).stdout;
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    listed.as_array().unwrap().len()
}

fn damage(database: &Path) {
    let db = Connection::open(database).unwrap();
    let number = |question: &str| -> u64 { db.query_row(question, [], |row| row.get(0)).unwrap() };
    let root = number("SELECT rootpage FROM sqlite_schema WHERE name = 'entries_by_origin'");
    let size = number("PRAGMA page_size");
    drop(db);
    let mut bytes = fs::read(database).unwrap();
    let [from, to] = [root - 1, root].map(|page| usize::try_from(page * size).unwrap());
    bytes[from..to].fill(0);
    fs::write(database, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_beside_the_log_of_a_run_that_was_cut_off_is_refused() {
    let runs = Runs::new().await;
    let data = runs.mix();
    let (database, log) = (data.join("cloud.db"), data.join("cloud.db-wal"));
    let bytes = || (fs::read(&database).unwrap(), fs::read(&log).unwrap());
    let before = bytes();
    // The log may be all that there is of what people did: it is never to be thrown away.
    let why = "nothing was changed: restore a backup; if you have put a copy there yourself, move";
    refused(&data, &["member", "list"], 1, why);
    refused(
        &data,
        &["member", "list"],
        1,
        "to another place and keep it",
    );
    assert!(matches!(
        start(&data).await,
        Err(CloudError::NotWhole(path)) if path == database
    ));
    assert!(bytes() == before);
    // A backup takes its place, and the mix is kept as it was.
    let backup = runs.path("backup.db");
    fs::copy(runs.path("older"), &backup).unwrap();
    let aside = restore(&data, &backup, at(NOON)).unwrap().aside.unwrap();
    let log_aside = format!("{}-wal", aside.to_str().unwrap());
    assert!((fs::read(&aside).unwrap(), fs::read(log_aside).unwrap()) == before);
    // The files of the cut run itself are whole.
    let cut = runs.path("cut");
    let cloud = start(&cut).await.unwrap();
    assert_eq!(health(&cloud).await.0, 200);
    cloud.shutdown().await;
    assert_eq!(members(&cut), 300);
}

/// Somebody who only looks for it, or a lock file that cannot be had, is no program that serves.
#[tokio::test(flavor = "multi_thread")]
async fn the_check_is_left_out_only_beside_a_program_that_serves() {
    let runs = Runs::new().await;
    let data = runs.mix();
    let lock = data.join("serve.lock");
    let looks = fs::File::open(&lock).unwrap();
    looks.try_lock_shared().unwrap();
    refused(&data, &["member", "list"], 1, "nothing was changed");
    drop(looks);
    fs::remove_file(&lock).unwrap();
    refused(&data, &["member", "list"], 1, "nothing was changed");
    fs::create_dir(&lock).unwrap();
    refused(&data, &["member", "list"], 1, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_not_closed_is_checked_without_its_log() {
    let runs = Runs::new().await;
    let cut = runs.path("cut");
    fs::remove_file(cut.join("cloud.db-wal")).unwrap();
    damage(&cut.join("cloud.db"));
    assert!(matches!(
        start(&cut).await,
        Err(CloudError::NotWholeAlone(_))
    ));
    refused(
        &cut,
        &["member", "list"],
        1,
        "was not closed and is damaged",
    );
    // A whole one is taken, and after its end there is nothing to check.
    fs::copy(runs.path("older"), cut.join("cloud.db")).unwrap();
    start(&cut).await.unwrap().shutdown().await;
    assert_eq!(members(&cut), 100);
    assert_eq!(fs::metadata(cut.join("serve.lock")).unwrap().len(), 0);
}

#[test]
fn a_restore_and_a_command_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("cloud");
    let backup = folder.path().join("backup.db");
    assert!(run(&data, &["init"]).status.success());
    let made = ["backup", backup.to_str().unwrap()];
    assert!(run(&data, &made).status.success());
    let before = fs::read(data.join("cloud.db")).unwrap();
    // Commands meet each other.
    let command = CloudCore::open_folder(&data).unwrap();
    assert_eq!(members(&data), 0);
    assert!(matches!(
        restore(&data, &backup, at(NOON)),
        Err(CloudError::CommandRuns(_))
    ));
    drop(command);
    assert!(fs::read(data.join("cloud.db")).unwrap() == before);
    // As a restore has it.
    let alone = fs::File::open(data.join("cloud-key.pk8")).unwrap();
    alone.try_lock().unwrap();
    let add = ["member", "add", "--name", "Li", "--zone", "UTC"];
    refused(&data, &add, 1, "a restore is under way");
    drop(alone);
    restore(&data, &backup, at(NOON)).unwrap();
    assert!(run(&data, &add).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_cut_off_is_to_be_given_again() {
    let runs = Runs::new().await;
    let data = runs.path("cloud");
    let backup = runs.path("backup.db");
    fs::copy(runs.path("older"), &backup).unwrap();
    // The log of a mix is kept aside already, and the backup is not in its place.
    let ready = data.join("cloud.db.restored");
    fs::copy(&backup, &ready).unwrap();
    fs::copy(runs.path("older"), data.join("cloud.db")).unwrap();
    assert!(matches!(
        start(&data).await,
        Err(CloudError::RestoreCutOff(_))
    ));
    refused(&data, &["member", "list"], 1, "a restore was cut off");
    // One that fails leaves it so.
    let torn = runs.path("torn.db");
    fs::copy(&backup, &torn).unwrap();
    damage(&torn);
    refused(&data, &["restore", torn.to_str().unwrap()], 2, "is damaged");
    refused(&data, &["member", "list"], 1, "a restore was cut off");
    refused(
        &data,
        &["restore", ready.to_str().unwrap()],
        2,
        "another name",
    );
    restore(&data, &backup, at(NOON)).unwrap();
    assert!(!ready.exists());
    assert_eq!(members(&data), 100);
}

#[test]
fn a_restore_that_fails_leaves_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    for data in [&one, &two] {
        assert!(run(data, &["init"]).status.success());
    }
    let backup = folder.path().join("backup.db");
    fs::copy(two.join("cloud.db"), &backup).unwrap();
    assert!(matches!(
        restore(&one, &backup, at(NOON)),
        Err(CloudError::OtherKey { .. })
    ));
    assert!(!one.join("cloud.db.restoring").exists());
}

/// A failure to write the new database ends the restore, and is not taken for an old one that cannot be read.
#[test]
fn a_restore_that_cannot_be_written_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for table in ["policies", "barred", "accepted_clocks"] {
        let data = folder.path().join(table);
        let database = data.join("cloud.db");
        assert!(run(&data, &["init"]).status.success());
        let backup = folder.path().join(format!("{table}.db"));
        fs::copy(&database, &backup).unwrap();
        let db = Connection::open(&database).unwrap();
        let mut policy = run(&data, &["policy", "show"]).stdout;
        let file = folder.path().join("policy.toml");
        let at = policy.windows(12).position(|some| some == b"version = 1\n");
        policy[at.unwrap() + 10] = b'2';
        fs::write(&file, policy).unwrap();
        let sign = ["policy", "sign", file.to_str().unwrap()];
        assert!(run(&data, &sign).status.success());
        db.execute_batch(
            "INSERT INTO barred (device, said) VALUES (zeroblob(16), 1);
             INSERT INTO accepted_clocks (known, now, reason) VALUES (1, 2, 'right');",
        )
        .unwrap();
        drop(db);
        let trigger = format!(
            "CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no room'); END"
        );
        Connection::open(&backup)
            .unwrap()
            .execute_batch(&trigger)
            .unwrap();
        let before = fs::read(&database).unwrap();
        refused(&data, &["restore", backup.to_str().unwrap()], 1, "no room");
        assert!(fs::read(&database).unwrap() == before, "{table}");
    }
}

/// A fault that lies not with the old database ends the restore as well, and says how to restore without what that one has.
#[test]
fn a_failed_takeover_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("cloud");
    assert!(run(&data, &["init"]).status.success());
    let (database, backup) = (data.join("cloud.db"), folder.path().join("backup.db"));
    fs::copy(&database, &backup).unwrap();
    Connection::open(&backup)
        .unwrap()
        .execute_batch(
            "INSERT INTO awaited (vehicle, origin, device, epoch, seq, outcome, raw)
             VALUES (zeroblob(16), zeroblob(32), zeroblob(16), 1, 1, '\"counted\"', x'00');
             CREATE TRIGGER kept BEFORE DELETE ON awaited BEGIN SELECT RAISE(ABORT, 'kept'); END",
        )
        .unwrap();
    let before = fs::read(&database).unwrap();
    let words = ["restore", backup.to_str().unwrap()];
    refused(
        &data,
        &words,
        1,
        "cannot take over what the database before has: ",
    );
    refused(
        &data,
        &words,
        1,
        "move cloud.db to another place first to restore without it",
    );
    assert!(fs::read(&database).unwrap() == before);
    fs::rename(&database, folder.path().join("moved.db")).unwrap();
    assert!(run(&data, &words).status.success());
}

#[test]
fn a_restore_where_there_is_no_database_names_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("cloud");
    assert!(run(&data, &["init"]).status.success());
    let backup = folder.path().join("backup.db");
    let name = backup.to_str().unwrap();
    for json in [false, true] {
        drop(fs::remove_file(&backup));
        fs::rename(data.join("cloud.db"), &backup).unwrap();
        let words = if json {
            &["restore", name, "--json"][..]
        } else {
            &["restore", name]
        };
        let said = String::from_utf8(run(&data, words).stdout).unwrap();
        if json {
            let said: serde_json::Value = serde_json::from_str(&said).unwrap();
            assert!(said["aside"].is_null(), "{said}");
        } else {
            assert!(said.contains("; there was no database before\n"), "{said}");
            assert!(!said.contains("the one before"), "{said}");
        }
    }
}

/// SQLite would lay what is left of a database that was being made into the backup that takes its place.
#[test]
fn no_journal_of_before_meets_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("cloud");
    let init = ["dashpoint-cloud", "--data", data.to_str().unwrap(), "init"];
    main(init.map(Into::into), &mut Vec::new(), &mut Vec::new());
    // The key alone: the cloud begins at the time of the test.
    fs::remove_file(data.join("cloud.db")).unwrap();
    let world = open(&data, at(NOON));
    world.core.back_up(&folder.path().join("b.db")).unwrap();
    drop(world);
    fs::write(data.join("cloud.db"), b"").unwrap();
    let journals = ["cloud.db-journal", "cloud.db.restoring-journal"].map(|name| data.join(name));
    for journal in &journals {
        fs::write(journal, [0xd9; 512]).unwrap();
    }
    restore(&data, &folder.path().join("b.db"), at(NOON)).unwrap();
    for journal in &journals {
        assert!(!journal.exists(), "{}", journal.display());
    }
    open(&data, at(NOON)).core.heartbeat(at(NOON)).unwrap();
}
