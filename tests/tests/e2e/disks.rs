//! A disk with no room, and one that may only be read: what was shown stays, and whoever asks is told.

use serde_json::Value;
use vehicle_sim::{Command, Cycle};

use crate::refusals::assert_refused;
use crate::support::{Car, PATIENCE, SmallDisk, World, stdout, until};

/// A car on a small disk of its own, with something confirmed and a trip that is shown as pending; the cloud is away.
fn on_a_small_disk() -> Option<(World, SmallDisk)> {
    let mut world = World::after_a_day_offline();
    let disk = SmallDisk::under(&world.car.data())?;
    world.cloud.serve();
    world.car.start();
    world.car.reconcile();
    world.cloud.stop();
    world.vehicle.run(&Command::Drive(Cycle::Udds));
    world.car.wait_for_entries(3);
    Some((world, disk))
}

/// Confirmed and pending points, and how many entries they wait in.
fn shown(car: &Car) -> (i64, i64, usize) {
    let member = &car.status()["members"][0];
    let points = |name: &str| member[name].as_i64().unwrap();
    let entries = member["pending_entries"].as_array().unwrap().len();
    (points("confirmed"), points("pending"), entries)
}

#[test]
fn a_full_disk_is_said_and_takes_nothing_that_was_shown() {
    let Some((mut world, disk)) = on_a_small_disk() else {
        return;
    };
    let before = shown(&world.car);
    assert!(before.1 > 0 && before.2 == 1, "{before:?}");
    disk.fill();
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    until("the trip finds no room", PATIENCE, || {
        let live = &world.car.status()["live"];
        (live["unsaved"] == 1 && live["disk"] == "full").then_some(())
    });
    assert_eq!(
        shown(&world.car),
        before,
        "what is not durable is not shown"
    );
    let said = stdout(&world.car.ask(&["status"]));
    assert!(
        said.contains("the disk is full: free some space; 1 trip"),
        "{said}"
    );
    world.car.verified_ledger();

    // With room again it goes on by itself.
    disk.make_room();
    world.car.wait_for_entries(4);
    let status = world.car.status();
    assert_eq!(status["live"]["disk"], Value::Null, "{status:#}");
    let before = shown(&world.car);
    assert_eq!(before.2, 2);

    // Ended while it is full, it says so and fails; nothing is missing at the next start.
    disk.fill();
    assert_eq!(world.car.stop().code(), Some(1));
    let said = world.car.said();
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("dashpoint: ")
            && last.contains("free some space; nothing that was shown is lost"),
        "{last}"
    );
    assert_eq!(shown(&world.car), before);
    disk.make_room();
    world.cloud.serve();
    world.car.start();
    world.car.reconcile();
    world.assert_agreed();
    assert_eq!(world.cloud.entries().len(), 4);
    assert!(world.car.stop().success());
}

/// Killed, its log lies beside the ledger; ended in order, there is none. Both can be read where nothing can be written.
#[test]
fn a_disk_that_may_only_be_read_is_said_and_read() {
    let Some((mut world, disk)) = on_a_small_disk() else {
        return;
    };
    let before = shown(&world.car);
    world.car.kill();
    reads_only(&world.car, &disk, before);
    world.car.start();
    assert!(world.car.stop().success());
    reads_only(&world.car, &disk, before);

    world.cloud.serve();
    world.car.start();
    world.car.reconcile();
    world.assert_agreed();
    assert!(world.car.stop().success());
}

fn reads_only(car: &Car, disk: &SmallDisk, before: (i64, i64, usize)) {
    disk.set_read_only(true);
    for command in [&["run", "--no-screen"][..], &["enrol"]] {
        assert_refused(&car.ask(command), 1, "mount the data folder writable");
    }
    assert_eq!(shown(car), before);
    assert_eq!(car.verified_ledger().len(), 3);
    disk.set_read_only(false);
}
