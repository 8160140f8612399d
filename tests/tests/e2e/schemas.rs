//! Files that a newer program has written: an older one refuses, says so, and changes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use vehicle_sim::{Command, Cycle};

use crate::refusals::assert_refused;
use crate::support::{World, files, stderr};

/// What every program that opens a folder may leave there: who has it, and the index of a log, which is no part of it.
const NO_DATA: [&str; 2] = [".lock", "-shm"];

/// Every file with what was written.
fn data(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(folder);
    files.retain(|name, bytes| {
        let is_empty_log = name.ends_with("-wal") && bytes.is_empty();
        !is_empty_log && !NO_DATA.iter().any(|end| name.ends_with(end))
    });
    files
}

/// Raises the schema of a database by so many versions, and gives the one that it had. The log is left to its program.
fn raise_schema(database: &Path, by: i64) -> i64 {
    let db = Connection::open(database).unwrap();
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .unwrap();
    let version = |db: &Connection| db.pragma_query_value(None, "user_version", |row| row.get(0));
    let before: i64 = version(&db).unwrap();
    db.pragma_update(None, "user_version", before + by).unwrap();
    before
}

/// The head unit was ended in order, or killed with a log beside its files, in which a trip waits.
#[test]
fn a_head_unit_refuses_the_files_of_a_newer_one() {
    let mut world = World::after_a_day_offline();
    refuses(&world);
    world.car.start();
    world.vehicle.run(&Command::Drive(Cycle::Hwfet));
    world.car.wait_for_entries(3);
    world.car.kill();
    refuses(&world);

    world.cloud.serve();
    world.car.start();
    world.car.reconcile();
    world.assert_agreed();
    assert_eq!(world.cloud.entries().len(), 3);
    assert!(world.car.stop().success());
}

fn refuses(world: &World) {
    for file in ["ledger.db", "cache.db"] {
        let database = world.car.data().join(file);
        let known = raise_schema(&database, 1);
        let before = data(&world.car.data());
        let line = format!(
            "{file} was written by a newer program (schema {}, this one knows up to {known}); \
             use the newer program; nothing was changed",
            known + 1
        );
        for command in [&["run", "--no-screen"][..], &["enrol"]] {
            assert_refused(&world.car.ask(command), 1, &line);
        }
        for command in [&["status"][..], &["ledger", "--verify"]] {
            let read = world.car.ask(command);
            // Who only reads does without a cache that it cannot read.
            if file == "ledger.db" {
                assert_refused(&read, 1, &line);
            }
        }
        assert!(
            before == data(&world.car.data()),
            "{file}: a byte was changed"
        );
        raise_schema(&database, -1);
    }
}

#[test]
fn a_cloud_refuses_the_database_of_a_newer_one() {
    let mut world = World::after_a_day_offline();
    world.car.start();
    let known = raise_schema(&world.cloud.database(), 1);
    let before = data(world.cloud.data());
    let line = format!(
        "the database has schema {} and this program knows {known}: use the newer program; nothing was changed",
        known + 1
    );
    let backup = world.folder().join("backup.db").display().to_string();
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["entries"],
        &["maintain"],
        &["backup", &backup],
    ] {
        let refused = world.cloud.try_ask(command);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(1), "{command:?}: {said}");
        assert!(
            said.lines().last().unwrap_or_default().contains(&line),
            "{command:?}: {said}"
        );
    }
    assert!(before == data(world.cloud.data()), "a byte was changed");
    assert!(world.car.status()["members"][0]["pending"].as_i64() > Some(0));

    raise_schema(&world.cloud.database(), -1);
    world.cloud.serve();
    world.car.reconcile();
    world.assert_agreed();
    assert!(world.car.stop().success());
}
