//! A key store that cannot be read: evidence waits, nothing is dropped, and nothing goes unsigned.

use std::fs;

use serde_json::Value;
use vehicle_sim::{Command, Cycle};

use crate::support::{Kind, PATIENCE, World, until};

const SPOILT: &[u8] = b"unreadable";

#[test]
fn evidence_waits_for_a_device_key_that_cannot_be_read() {
    waits_for("device.key");
}

/// Without it no statement can be read: nothing says what an award would be.
#[test]
fn evidence_waits_for_a_seal_key_that_cannot_be_read() {
    waits_for("seal.key");
}

fn waits_for(key: &str) {
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.car.start();
    world.car.reconcile();
    assert!(world.car.stop().success());
    let key = world.car.data().join(key);
    let bytes = fs::read(&key).unwrap();
    fs::write(&key, SPOILT).unwrap();

    world.car.start();
    let drive = world.vehicle.run(&Command::Drive(Cycle::Us06));
    waits(&world);
    // Not even a crash drops it.
    world.car.kill();
    world.car.start();
    waits(&world);
    assert_eq!(fs::read(&key).unwrap(), SPOILT, "it is left as it is");
    assert!(world.car.stop().success());
    assert_eq!(world.cloud.entries(), Vec::<Value>::new());

    fs::write(&key, bytes).unwrap();
    world.car.start();
    world.car.wait_for_entries(1);
    let status = world.car.reconcile();
    assert_eq!(status["live"]["awaiting"], 0, "{status:#}");
    let member = &status["members"][0];
    assert!(member["confirmed"].as_i64() > Some(0), "{status:#}");
    world.assert_agreed();
    let metres = world.cloud.paid_units("odometer") as f64;
    assert!((metres - drive.distance_m).abs() <= 1.0, "{metres}");
    assert!(world.car.stop().success());
}

/// One trip is on the disk, unsigned; the car has said so, and sends nothing of it.
fn waits(world: &World) {
    let status = until("the trip waits for its signature", PATIENCE, || {
        let status = world.car.status();
        (status["live"]["awaiting"] == 1).then_some(status)
    });
    assert_eq!(status["head"]["seq"], 0, "{status:#}");
    assert_eq!(status["live"]["unsaved"], 0, "{status:#}");
    assert!(world.car.said().contains("not a key; it is left as it is"));
}
