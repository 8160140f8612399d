//! A clock that comes back ahead by more than a day: cars are paid, and what time alone asks for waits until the leap is confirmed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use dashpoint_cloud::{Cloud, CloudError, Maintained, ServerConfig, restore};
use dashpoint_membership::*;
use rusqlite::Connection;

use crate::enrolment::{ask, state};
use crate::folders::{health, refused, run, start};
use crate::loopback::config;
use crate::restored_scene::open;
use crate::support::*;

/// A member whose check-in is held back for some days, and the time at which it is released.
fn held(world: &mut World) -> (Car, ServerTime) {
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let days = car.policies.newest().policy().allowance.hard.days;
    world.leap_to(world.now.plus_s(i64::from(days) * DAY + HOUR));
    let entry = car.mint(CHECK_IN, world.now);
    let verdict = world.verdict(&mut car, &entry);
    let Verdict::Review { until, .. } = verdict else {
        panic!("{verdict:?}");
    };
    world.core.heartbeat(world.now).unwrap();
    (car, until)
}

fn waits(done: &Result<Maintained, CloudError>) -> bool {
    matches!(done, Err(CloudError::ClockUnconfirmed(_)))
}

/// The cloud is at work for some hours.
fn work(world: &mut World, hours: i64) {
    for _ in 0..hours {
        world.pass(HOUR);
        world.core.time_passes(HOUR, world.now).unwrap();
        world.core.heartbeat(world.now).unwrap();
    }
}

#[test]
fn nothing_is_released_by_a_leap_before_a_day_at_work() {
    let mut world = World::new();
    let (mut car, until) = held(&mut world);
    assert!(until < world.now.plus_s(20 * DAY));
    world.pass(20 * DAY);
    for hours in 0..24 {
        assert!(waits(&world.core.maintain(world.now)), "{hours}");
        // Also by another program, and after a car was paid.
        let entry = car.mint(CHECK_IN, world.now);
        let verdict = world.verdict(&mut car, &entry);
        assert!(
            matches!(verdict, Verdict::Accepted { .. } | Verdict::Adjusted { .. }),
            "{verdict:?}"
        );
        assert_eq!(world.statement(car.member).account.pending.len(), 1);
        let unconfirmed = world.core.unconfirmed_clock(world.now).unwrap().unwrap();
        assert_eq!(unconfirmed.until, world.now.plus_s((24 - hours) * HOUR));
        world.core.health(world.now).unwrap();
        work(&mut world, 1);
    }
    assert_eq!(world.core.unconfirmed_clock(world.now).unwrap(), None);
    world.core.maintain(world.now).unwrap();
    assert!(world.statement(car.member).account.pending.is_empty());
}

#[test]
fn a_leap_that_is_set_back_has_released_nothing() {
    let mut world = World::new();
    let (car, _) = held(&mut world);
    let right = world.now;
    world.pass(20 * DAY);
    work(&mut world, 20);
    assert!(waits(&world.core.maintain(world.now)));
    world.leap_to(right.plus_s(20 * HOUR));
    assert_eq!(world.core.unconfirmed_clock(world.now).unwrap(), None);
    world.core.maintain(world.now).unwrap();
    assert_eq!(world.statement(car.member).account.pending.len(), 1);
}

#[test]
fn an_operators_word_confirms_a_leap_at_once() {
    for is_at_work in [false, true] {
        let mut world = World::new();
        let (car, _) = held(&mut world);
        world.pass(20 * DAY);
        if is_at_work {
            world.core.heartbeat(world.now).unwrap();
        }
        let accepted = world.core.accept_clock("three weeks off", world.now);
        assert!(accepted.unwrap(), "{is_at_work}");
        world.core.maintain(world.now).unwrap();
        assert!(world.statement(car.member).account.pending.is_empty());
        assert!(!world.core.accept_clock("again", world.now).unwrap());
    }
}

#[test]
fn a_day_needs_no_word_and_a_second_leap_a_day_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut world = World::on_disk(&file);
    held(&mut world);
    world.pass(DAY);
    world.core.maintain(world.now).unwrap();
    world.core.heartbeat(world.now).unwrap();
    world.pass(DAY + 1);
    assert!(waits(&world.core.maintain(world.now)));
    work(&mut world, 23);
    world.pass(2 * DAY);
    work(&mut world, 23);
    assert!(waits(&world.core.maintain(world.now)));
    // A restart forgets neither the leap nor the time since.
    let now = world.now;
    drop(world);
    let mut world = World::on_disk(&file);
    world.now = now;
    assert!(waits(&world.core.maintain(world.now)));
    work(&mut world, 2);
    world.core.maintain(world.now).unwrap();
}

/// It leaps while the cloud serves: a clock that cannot leap says that a minute passed.
#[test]
fn a_leap_at_work_waits_as_one_at_the_start() {
    let mut world = World::new();
    let (car, _) = held(&mut world);
    work(&mut world, 2);
    world.pass(20 * DAY);
    world.core.time_passes(60, world.now).unwrap();
    world.core.heartbeat(world.now).unwrap();
    assert!(waits(&world.core.maintain(world.now)));
    assert_eq!(world.statement(car.member).account.pending.len(), 1);
    // A clock that is not believed confirms nothing.
    let wrong = world.now.plus_s(-2 * DAY);
    for _ in 0..30 {
        world.core.time_passes(HOUR, wrong).unwrap();
    }
    world.pass(30 * HOUR);
    assert!(waits(&world.core.maintain(world.now)));
}

#[test]
fn a_restore_keeps_the_leap_of_the_database_before_it() {
    for was_accepted in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        drop(run(&data, &["init"]));
        std::fs::remove_file(data.join("cloud.db")).unwrap();
        let mut world = open(&data, at(NOON));
        let backup = folder.path().join("backup.db");
        world.core.back_up(&backup).unwrap();
        if was_accepted {
            // An earlier leap, and the word for it, of after the backup.
            world.pass(2 * DAY);
            assert!(world.core.accept_clock("moved", world.now).unwrap());
        }
        world.pass(20 * DAY);
        work(&mut world, 3);
        let now = world.now;
        drop(world);
        restore(&data, &backup, now).unwrap();
        let mut world = open(&data, now);
        world.now = now;
        assert!(waits(&world.core.maintain(world.now)));
        // It was noticed when the first of the three hours was over.
        work(&mut world, 21);
        assert!(waits(&world.core.maintain(world.now)));
        work(&mut world, 1);
        world.core.maintain(world.now).unwrap();
    }
}

/// A request that was answered before a leap is not forgotten by one that comes after it.
#[test]
fn a_new_request_forgets_none_by_a_leap() {
    let mut world = World::new();
    ask(&mut world, 1, 1);
    world.pass(20 * DAY);
    ask(&mut world, 2, 2);
    assert!(state(&mut world, 1).is_some());
    work(&mut world, 25);
    ask(&mut world, 3, 3);
    assert_eq!(state(&mut world, 1), None);
}

/// The backup is of a leap that was confirmed since.
#[test]
fn a_confirmed_leap_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    drop(run(&data, &["init"]));
    std::fs::remove_file(data.join("cloud.db")).unwrap();
    let mut world = open(&data, at(NOON));
    world.pass(20 * DAY);
    work(&mut world, 1);
    let backup = folder.path().join("backup.db");
    world.core.back_up(&backup).unwrap();
    work(&mut world, 25);
    let now = world.now;
    drop(world);
    restore(&data, &backup, now).unwrap();
    let mut world = open(&data, now);
    world.core.maintain(now).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_after_three_weeks_serves_and_says_at_warn_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    start(&data).await.unwrap().shutdown().await;
    let disk = Connection::open(data.join("cloud.db")).unwrap();
    disk.execute("UPDATE cloud SET known = known - 20 * 86400", [])
        .unwrap();
    drop(disk);
    refused(&data, &["maintain"], 1, "--accept-clock");

    let mut serving = Command::new(env!("CARGO_BIN_EXE_dashpoint-cloud"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(serving.stderr.take().unwrap()).lines();
    let said = lines
        .find(|line| line.as_ref().unwrap().contains("--accept-clock"))
        .unwrap()
        .unwrap();
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(said.contains(" WARN "), "{said}");
    assert!(said.contains("no tier is reviewed before"), "{said}");

    let cloud = start(&data).await.unwrap();
    let (status, said) = health(&cloud).await;
    assert_eq!(status, 200);
    assert!(said.starts_with("ok\nthe clock came from "), "{said}");
    cloud.add_member("Han", "Asia/Shanghai").await.unwrap();
    assert!(health(&cloud).await.1.contains("--accept-clock"));
    cloud.shutdown().await;

    let accepted = ServerConfig {
        accept_clock: Some("off for three weeks".to_owned()),
        ..config(&data)
    };
    let cloud = Cloud::start(accepted).await.unwrap();
    assert_eq!(health(&cloud).await, (200, "ok\n".to_owned()));
    cloud.shutdown().await;
    assert!(run(&data, &["maintain"]).status.success());
}
