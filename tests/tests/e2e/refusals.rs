//! What the head unit refuses, in one line that says what is expected, and how it ends.

use std::process::Output;

use jiff::SignedDuration;
use vehicle_sim::{Command, Cycle};

use crate::support::{Car, Kind, PATIENCE, World, WriteLock, stderr, until};

/// One line on standard error, and an exit code.
#[track_caller]
pub fn assert_refused(output: &Output, code: i32, line: &str) {
    let said = stderr(output);
    let mut lines = said.lines().filter(|said| said.starts_with("dashpoint: "));
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let found = lines.next().unwrap_or_default();
    assert!(found.contains(line), "{found}\n expected: {line}");
}

#[test]
fn a_wrong_configuration_is_one_line_with_the_key_and_what_is_expected() {
    let world = World::after_a_day_offline();
    let good = std::fs::read_to_string(world.car.config()).unwrap();
    let url = good.lines().find(|line| line.starts_with("url")).unwrap();
    let key = good.lines().find(|line| line.starts_with("key")).unwrap();
    let broker = good
        .lines()
        .find(|line| line.starts_with("broker"))
        .unwrap();
    for (from, to, expected) in [
        (url, "", "cloud.url: missing; expected an https:// address"),
        (
            url,
            "url = \"http://cloud.example\"",
            "cloud.url: found \"http://cloud.example\"; expected an https:// address",
        ),
        (url, "url = 7", "cloud.url: found 7; expected"),
        (
            key,
            "key = \"00ff\"",
            "cloud.key: found \"00ff\"; expected the cloud's public key",
        ),
        (
            broker,
            "broker = \"here\"",
            "bus.broker: found \"here\"; expected \"HOST:PORT\"",
        ),
        (
            broker,
            "brocker = \"a:1\"",
            "bus.brocker: not a key of this file: did you mean `broker`?",
        ),
        (
            "[bus]",
            "clock = \"sundial\"\n[bus]",
            "clock: found \"sundial\"; expected",
        ),
        (
            "[bus]",
            "zone = \"Mars/Base\"\n[bus]",
            "zone: found \"Mars/Base\"; expected an IANA zone",
        ),
        (
            "[bus]",
            "data = 3\n[bus]",
            "data: found 3; expected a folder",
        ),
        (
            "vin = \"",
            "vin = \"SHORT\" # \"",
            "vehicle.vin: found \"SHORT\"; expected a VIN",
        ),
        ("[bus]", "[bus", "line 1: not TOML"),
    ] {
        world.car.configure(&good.replacen(from, to, 1));
        for command in [
            &["run", "--no-screen"][..],
            &["status"],
            &["ledger"],
            &["enrol"],
        ] {
            assert_refused(&world.car.ask(command), 2, expected);
        }
    }
    world.car.configure(&good);
    assert!(world.car.ask(&["status"]).status.success());
}

#[test]
fn a_missing_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::after_a_day_offline();
    let car = Car::new(folder.path(), 1, 2, world.cloud.key());
    std::fs::remove_file(car.config()).unwrap();
    assert_refused(&car.ask(&["run", "--no-screen"]), 2, "--config FILE");
}

#[test]
fn a_head_unit_that_was_never_enrolled_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::after_a_day_offline();
    let car = Car::new(folder.path(), 1, 2, world.cloud.key());
    for command in [
        &["run", "--no-screen"][..],
        &["status"],
        &["ledger", "--verify"],
        &["sync"],
    ] {
        assert_refused(&car.ask(command), 1, "not enrolled; run `dashpoint enrol`");
    }
}

/// The engine hangs in its commit, as on a disk that is slow: for longer than a person likes to wait, and it is not gone.
#[test]
fn a_check_in_that_the_disk_does_not_take_is_told_as_it_is() {
    let mut world = World::after_a_day_offline();
    world.car.start();
    let held = WriteLock::take(&world.car.data().join("ledger.db"));
    let refused = world.car.ask(&["check-in"]);
    held.give_back();
    assert_refused(&refused, 1, "it cannot be signed or written now");
    let done = world.car.ask(&["check-in"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(world.car.stop().success());
}

#[test]
fn two_programs_on_one_data_folder() {
    let mut world = World::after_a_day_offline();
    world.car.start();
    let before = world.car.status();
    assert_refused(
        &world.car.ask(&["run", "--no-screen"]),
        1,
        "stop the other program, or give another data folder",
    );
    assert_refused(&world.car.ask(&["enrol"]), 1, "enrolled already");
    // The first one goes on as if nothing had happened.
    assert_eq!(world.car.status()["head"], before["head"]);
    assert!(world.car.stop().success());
    assert_eq!(world.car.status()["running"], false);
}

#[test]
fn sigterm_in_the_middle_of_a_drive_ends_cleanly() {
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.car.start();
    let driving = world
        .vehicle
        .run_held(Command::Drive(Cycle::Us06), SignedDuration::from_mins(4));
    until("a trip is open", PATIENCE, || {
        (world.car.status()["live"]["trip_open"] == true).then_some(())
    });
    assert_eq!(world.car.stop().code(), Some(0));
    assert!(!world.car.data().join("dashpoint.sock").exists());
    world.car.start();
    driving.go_on();
    driving.ended();
    world.car.wait_for_entries(1);
    assert_eq!(world.car.trips().len(), 1);
    assert_eq!(world.car.stop().code(), Some(0));
}
