//! The way of a point, by the three programs as a person plays them.

use dashpoint_membership::{Factor, Trip};
use serde_json::Value;
use vehicle_sim::{Command, Cycle};

use crate::support::{
    Gate, Kind, Manner, PATIENCE, World, assert_logs_name_nobody, assert_nothing_private_left,
    charge, free_port, recording, until,
};

/// A score from hard braking alone, at 1 Hz.
const US06_SCORE_X100: u16 = 8_225;
const US06_M: u64 = 12_888;
/// The recorded day: 141.5 km, and 8 of 745 s of braking were hard.
const DAY_M: u64 = 141_500;
const DAY_BRAKING_MS: (u64, u64) = (8_000, 745_000);

#[test]
fn a_day_offline_is_confirmed_to_the_point_over_mosquitto() {
    let Some(day) = recording("drives/cmap-4107032_1-2007-05-25.csv") else {
        return;
    };
    let replay = Command::Replay {
        file: day,
        keep_time: false,
        with_position: true,
    };
    let Some(world) = World::new(Kind::Mosquitto) else {
        return;
    };
    let mut drives = play(world, &[replay, Command::Drive(Cycle::Us06)]);
    let us06 = drives.pop().unwrap();
    assert_us06(&us06);
    let metres = drives.iter().map(|trip| trip.odometer.length()).sum();
    assert_near(metres, DAY_M);
    let pooled = drives.iter().map(braking_ms);
    let pooled = pooled.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(pooled, DAY_BRAKING_MS);
}

#[test]
fn a_drive_and_a_charge_offline_are_confirmed_to_the_point_over_the_hosted_broker() {
    let world = World::new(Kind::Rumqttd).unwrap();
    let trips = play(world, &[Command::Drive(Cycle::Us06)]);
    assert_eq!(trips.len(), 1);
    assert_us06(&trips[0]);
}

/// The cloud is off; the car drives, then charges; points are pending; the cloud comes back; both agree. Gives the trips.
fn play(mut world: World, drives: &[Command]) -> Vec<Trip> {
    world.car.start();
    world.cloud.stop();
    world.bus.tell_position();
    for drive in drives {
        world.vehicle.run(drive);
    }
    world.vehicle.run(&Command::Charge(charge()));
    until("the charge is an entry", PATIENCE, || {
        (world.car.charges().len() == 1).then_some(())
    });
    let pending = assert_all_is_pending(&world.car.status(), world.car.entries().len());

    let port = free_port();
    world.cloud.serve_on(port);
    let gate = Gate::open(world.port, Manner::carry(port));
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], pending, "{status:#}");
    world.assert_agreed();

    let charged = &world.car.charges()[0];
    assert_near(charged.charged.length(), 18_000);
    assert_eq!(charged.renewable_permille, 800);
    assert!(world.car.stop().success());
    assert_nothing_private_left(&gate.asked(), charge().evse_id());
    assert_logs_name_nobody(&world.car.said());
    assert_logs_name_nobody(&world.cloud.said());
    world.car.trips()
}

/// Points are there and none is confirmed; the head unit took every sample in time; gives the points.
fn assert_all_is_pending(status: &Value, entries: usize) -> i64 {
    let (live, member) = (&status["live"], &status["members"][0]);
    assert_eq!(live["refused"]["Late"], Value::Null, "{live:#}");
    assert_eq!(live["connection"]["state"], "offline", "{live:#}");
    assert_eq!(live["entries_without_receipt"], entries, "{live:#}");
    assert_eq!(member["confirmed"], 0, "{member:#}");
    let pending = member["pending"].as_i64().unwrap();
    assert!(pending > 0, "{member:#}");
    pending
}

fn assert_us06(trip: &Trip) {
    assert_near(trip.odometer.length(), US06_M);
    assert_eq!(trip.score_x100, US06_SCORE_X100, "{trip:?}");
    assert_eq!(braking_ms(trip), (2_000, 72_000), "{trip:?}");
    assert_eq!(trip.missed_s, 0);
}

/// Hard braking over braking, in milliseconds.
fn braking_ms(trip: &Trip) -> (u64, u64) {
    let seen = trip
        .factors
        .iter()
        .find(|seen| seen.factor == Factor::HardBraking);
    seen.map_or((0, 0), |seen| (seen.against_ms, seen.base_ms))
}

/// Within 0.5 %.
#[track_caller]
fn assert_near(found: u64, expected: u64) {
    let off = found.abs_diff(expected) * 1_000;
    assert!(off <= expected * 5, "{found}, expected {expected}");
}
