//! A key store with a key that is none, or another car's: evidence waits, nothing is dropped, and nothing goes unsigned.

use std::fs;

use dashpoint_wire::SigningKey;
use serde_json::Value;
use vehicle_sim::{Command, Cycle};

use crate::support::{Kind, PATIENCE, World, stdout, until};

const SPOILT: &[u8] = b"unreadable";

#[test]
fn evidence_waits_for_a_device_key_that_cannot_be_read() {
    waits_with(
        SPOILT,
        "not a key; it is left as it is",
        "device.key is not a key",
    );
}

#[test]
fn evidence_waits_while_the_device_key_is_another_cars() {
    let other = SigningKey::generate().unwrap();
    waits_with(
        &other,
        "the key of another device; it is left as it is",
        "device.key is of another car",
    );
}

/// What was sealed under a key that is gone is closed for good; no point is lost with it. The statement comes again.
#[test]
fn a_seal_key_that_is_none_costs_no_point() {
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.car.start();
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(1);
    world.car.reconcile();
    assert!(world.car.stop().success());
    let key = world.car.data().join("seal.key");
    for spoilt in [SPOILT, b""] {
        fs::write(&key, spoilt).unwrap();
        world.car.start();
        world.car.reconcile();
        assert!(world.car.points().0 > 0);
        world.car.verified_ledger();
        assert!(world.car.stop().success());
        assert_eq!(fs::read(&key).unwrap().len(), 32);
    }
    let aside = world.car.data().join("seal.key.unusable-1");
    assert_eq!(fs::read(aside).unwrap(), SPOILT);
    world.car.start();
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(2);
    world.car.reconcile();
    world.assert_agreed();
    assert!(world.car.stop().success());
}

fn waits_with(wrong: &[u8], logged: &str, told: &str) {
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.car.start();
    world.car.reconcile();
    assert!(world.car.stop().success());
    let key = world.car.data().join("device.key");
    let bytes = fs::read(&key).unwrap();
    fs::write(&key, wrong).unwrap();

    world.car.start();
    let drive = world.vehicle.run(&Command::Drive(Cycle::Us06));
    waits(&world, logged);
    let said = stdout(&world.car.ask(&["status"]));
    let first: Vec<_> = said.lines().take(2).collect();
    assert!(first[0].starts_with(told), "{said}");
    assert!(first[1].starts_with("1 trip"), "{said}");
    // Not even a crash drops it.
    world.car.kill();
    world.car.start();
    waits(&world, logged);
    assert_eq!(fs::read(&key).unwrap(), wrong, "it is left as it is");
    assert!(world.car.stop().success());
    assert_eq!(world.cloud.entries(), Vec::<Value>::new());

    fs::write(&key, bytes).unwrap();
    world.car.start();
    world.car.wait_for_entries(1);
    let status = world.car.reconcile();
    assert_eq!(status["awaiting"], 0, "{status:#}");
    let member = &status["members"][0];
    assert!(member["confirmed"].as_i64() > Some(0), "{status:#}");
    world.assert_agreed();
    let metres = world.cloud.paid_units("odometer") as f64;
    assert!(
        (metres - drive.distance_m).abs() <= 1.0,
        "{metres} of {}",
        drive.distance_m
    );
    assert!(world.car.stop().success());
}

/// One trip is on the disk, unsigned; the car has said so, and sends nothing of it.
fn waits(world: &World, logged: &str) {
    let status = until("the trip waits for its signature", PATIENCE, || {
        let status = world.car.status();
        (status["awaiting"] == 1).then_some(status)
    });
    assert_eq!(status["head"]["seq"], 0, "{status:#}");
    assert_eq!(status["live"]["unsaved"], 0, "{status:#}");
    assert!(world.car.said().contains(logged), "{}", world.car.said());
}
