//! SIGKILL, where it hurts.

use jiff::SignedDuration;
use vehicle_sim::{Command, Cycle};

use crate::support::{EARNED_OFFLINE, Gate, Kind, Manner, PATIENCE, World, free_port, until};

const US06_M: u64 = 12_888;
/// When the drive is cut: in the middle of it, and half a minute after a checkpoint.
const CUT_AFTER: SignedDuration = SignedDuration::from_secs(270);
/// An open trip is checkpointed every minute; what the broker has on its way comes on top.
const CHECKPOINT_S: u32 = 65;

#[test]
fn a_head_unit_killed_in_the_middle_of_a_drive_makes_one_trip_of_it() {
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.car.start();
    world.cloud.stop();
    let driving = world
        .vehicle
        .run_held(Command::Drive(Cycle::Us06), CUT_AFTER);
    let newest_ms = || world.car.status()["live"]["newest_ms"].as_i64();
    let cut_ms = until("what was sent is taken", PATIENCE, || {
        newest_ms().filter(|newest_ms| *newest_ms >= driving.taken_until_ms())
    });
    world.car.kill();
    world.car.start();
    driving.go_on();
    let back_ms = until("signals come again", PATIENCE, || {
        let live = &world.car.status()["live"];
        live["newest_ms"].as_i64().filter(|ms| *ms > cut_ms)
    });
    driving.ended();
    world.car.wait_for_entries(1);

    let trips = world.car.trips();
    assert_eq!(trips.len(), 1, "{trips:?}");
    let trip = &trips[0];
    let off = trip.odometer.length().abs_diff(US06_M) * 1_000;
    assert!(off <= US06_M * 5, "{trip:?}");
    // What was seen after the last checkpoint is lost with the process, and is said to be missed.
    let away_s = u32::try_from((back_ms - cut_ms) / 1_000).unwrap();
    assert!(trip.missed_s > 0, "{trip:?}");
    assert!(
        trip.missed_s <= away_s + CHECKPOINT_S,
        "{trip:?}, away for {away_s} s"
    );

    world.cloud.serve();
    world.car.reconcile();
    world.assert_agreed();
    assert_eq!(world.cloud.entries().len(), 1);
    assert!(world.car.stop().success());
}

#[test]
fn a_head_unit_killed_between_commit_and_answer_is_paid_once() {
    let mut world = World::after_a_day_offline();
    let cloud = free_port();
    world.cloud.serve_on(cloud);
    let gate = Gate::open(world.port, Manner::LoseAnswers { cloud });
    world.car.start();
    world.car.sync();
    gate.wait_for_an_answer_kept();
    let there = world.cloud.entries();
    assert_eq!(there.len() as u64, EARNED_OFFLINE);
    let paid = world.cloud.points(&world.member);
    assert!(paid > 0);
    assert_eq!(world.car.status()["members"][0]["pending"], paid);
    world.car.kill();

    gate.set(Manner::carry(cloud));
    world.car.start();
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], paid);
    assert_eq!(world.cloud.entries(), there, "nothing came twice");
    world.assert_agreed();
    assert!(world.car.stop().success());
}
