//! SIGKILL at the named points of the way of a point. Each is held still from outside, by the network or by a lock on the
//! file that is to be written next, so that the kill meets it however slow or quick the machine is.

use std::path::Path;

use jiff::SignedDuration;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use vehicle_sim::{Command, Cycle};

use crate::support::{
    EARNED_OFFLINE, Gate, Kind, Manner, PATIENCE, World, WriteLock, free_port, until,
};

/// A car that has earned what no cloud knows, a cloud, and the network between them. The car does not run.
fn world(manner: impl FnOnce(u16) -> Manner) -> (World, Gate, u16) {
    let mut world = World::after_a_day_offline();
    let cloud = free_port();
    world.cloud.serve_on(cloud);
    let gate = Gate::open(world.port, manner(cloud));
    (world, gate, cloud)
}

fn pending(world: &World) -> i64 {
    world.car.status()["members"][0]["pending"]
        .as_i64()
        .unwrap()
}

/// The car comes back, meets the cloud, and what it had shown is there once.
fn comes_back(world: &mut World, gate: &Gate, cloud: u16, shown: i64) {
    gate.set(Manner::carry(cloud));
    world.car.start();
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], shown, "{status:#}");
    world.assert_agreed();
    assert_eq!(world.cloud.entries().len() as u64, EARNED_OFFLINE);
    assert!(world.car.stop().success());
}

#[test]
fn killed_before_its_entries_are_sent() {
    let (mut world, gate, cloud) = world(|_| Manner::Deaf);
    world.car.start();
    until("the car begins to send", PATIENCE, || {
        (gate.knocks() > 0).then_some(())
    });
    let shown = pending(&world);
    world.car.kill();
    assert_eq!(world.cloud.entries(), Vec::<Value>::new());
    comes_back(&mut world, &gate, cloud, shown);
}

#[test]
fn killed_after_the_answer_and_before_its_own_commit() {
    let (mut world, gate, cloud) = world(|cloud| Manner::HoldAnswers { cloud });
    world.car.start();
    gate.wait_for_an_answer_kept();
    let there = world.cloud.entries();
    let shown = pending(&world);
    // From here on nothing can be committed in the car; then the answer reaches it.
    let lock = WriteLock::take(&world.car.data().join("ledger.db"));
    gate.set(Manner::carry(cloud));
    until("the answer cannot be committed", PATIENCE, || {
        let said = world.car.said();
        let refused = said.lines().find(|line| line.contains("the store failed"));
        refused.filter(|line| line.contains("apply")).map(drop)
    });
    assert_eq!(pending(&world), shown);
    world.car.kill();
    lock.give_back();
    comes_back(&mut world, &gate, cloud, shown);
    assert_eq!(world.cloud.entries(), there, "nothing came twice");
}

#[test]
fn the_cloud_killed_before_its_commit() {
    let (mut world, gate, cloud) = world(|_| Manner::Deaf);
    // The entries reach the cloud, and it cannot commit them.
    let lock = WriteLock::take(&world.cloud.database());
    gate.set(Manner::carry(cloud));
    world.car.start();
    until("the entries are under way", PATIENCE, || {
        let asked = gate.asked();
        let sent = asked.iter().any(|request| request.is("POST", "/entries"));
        sent.then_some(())
    });
    let shown = pending(&world);
    world.cloud.kill();
    lock.give_back();
    assert_eq!(world.cloud.entries(), Vec::<Value>::new());
    assert_eq!(pending(&world), shown);
    world.car.kill();
    world.cloud.serve_on(cloud);
    comes_back(&mut world, &gate, cloud, shown);
}

#[test]
fn the_cloud_killed_after_its_commit_with_no_answer() {
    let (mut world, gate, cloud) = world(|cloud| Manner::LoseAnswers { cloud });
    world.car.start();
    gate.wait_for_an_answer_kept();
    let shown = pending(&world);
    world.cloud.kill();
    let there = world.cloud.entries();
    assert_eq!(there.len() as u64, EARNED_OFFLINE);
    assert!(world.car.stop().success());
    world.cloud.serve_on(cloud);
    comes_back(&mut world, &gate, cloud, shown);
    assert_eq!(world.cloud.entries(), there, "nothing came twice");
}

/// The entry is in the ledger; the cache still says that its trip is open.
#[test]
fn killed_between_an_entry_and_the_checkpoint_after_it() {
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.car.start();
    world.cloud.stop();
    let drive = world
        .vehicle
        .run_held(Command::Drive(Cycle::Us06), SignedDuration::from_secs(590));
    until("the open trip is written down", PATIENCE, || {
        world.car.checkpoint()
    });
    // From here on nothing can be written down of what is open; entries can be committed.
    let lock = WriteLock::take(&world.car.data().join("cache.db"));
    let open = world.car.checkpoint();
    drive.go_on();
    world.car.wait_for_entries(1);
    let shown = pending(&world);
    world.car.kill();
    assert_eq!(world.car.checkpoint(), open);
    lock.give_back();
    world.car.start();
    drive.ended();

    world.vehicle.run(&Command::Drive(Cycle::Hwfet));
    world.car.wait_for_entries(2);
    let trips = world.car.trips();
    assert_eq!(trips.len(), 2, "{trips:?}");
    assert_eq!(trips[0].odometer.to, trips[1].odometer.from, "{trips:?}");
    let pending = pending(&world);
    assert!(pending > shown);
    world.cloud.serve();
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], pending, "{status:#}");
    world.assert_agreed();
    assert!(world.car.stop().success());
}

/// The cache as the first released schema had it.
fn back_to_the_first_schema(cache: &Path) {
    let db = Connection::open(cache).unwrap();
    db.execute_batch(
        "BEGIN;
         CREATE TABLE first (name TEXT PRIMARY KEY, raw BLOB NOT NULL) STRICT, WITHOUT ROWID;
         INSERT INTO first (name, raw) SELECT name, raw FROM checkpoint;
         DROP TABLE checkpoint;
         ALTER TABLE first RENAME TO checkpoint;
         DROP TABLE account_row;
         PRAGMA user_version = 1;
         COMMIT;",
    )
    .unwrap();
}

fn schema(database: &Path) -> i64 {
    let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// The files of an older program, with entries that were never sent; the copy is made, and the new schema is not.
#[test]
fn killed_while_migrating() {
    let (mut world, gate, cloud) = world(|_| Manner::Deaf);
    let shown = pending(&world);
    let cache = world.car.data().join("cache.db");
    let newest = schema(&cache);
    back_to_the_first_schema(&cache);
    let lock = WriteLock::take(&cache);
    world.car.launch();
    let copy = world.car.data().join("cache.schema-1.copy-1.db");
    until("the old files are copied", PATIENCE, || {
        copy.exists().then_some(())
    });
    world.car.kill();
    lock.give_back();
    assert_eq!(schema(&cache), 1, "nothing was migrated yet");

    comes_back(&mut world, &gate, cloud, shown);
    assert_eq!(schema(&cache), newest);
}
