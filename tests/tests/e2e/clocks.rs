//! Clocks that are wrong: of the head unit, which signs its requests with the time, and of the vehicle, which dates what
//! happens. What is earned is paid, once, and the order is that of the chain.

use dashpoint_membership::ClockQuality;
use jiff::Timestamp;
use vehicle_sim::{Command, Cycle};

use crate::support::{Gate, Kind, Manner, World, WrongClock, free_port};

/// Two minutes after the beginning of time: no battery behind the clock.
const NINETEEN_SEVENTY: &str = "1970-01-01 00:02:00";

#[test]
fn what_is_earned_in_1970_is_paid_and_stays_in_its_place() {
    let Some(clock) = WrongClock::at(NINETEEN_SEVENTY) else {
        return;
    };
    let (mut world, gate) = world();
    let right = world.vehicle.clone();
    world.car.goes_by(Some(clock));
    world.vehicle = world
        .vehicle
        .with(|options| options.start = Some("1970-01-01T00:02:00Z".parse().unwrap()));
    let shown = earns(&mut world, Cycle::Us06, 1);
    // The cloud takes no token of that time: it gives a nonce, which is signed once.
    let asked = gate.asked().len();
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], shown, "{status:#}");
    assert!(gate.asked().len() >= asked + 2);
    world.assert_agreed();
    assert!(world.car.stop().success());

    world.car.goes_by(None);
    world.vehicle = right;
    let shown = shown + earns(&mut world, Cycle::Hwfet, 2);
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], shown, "{status:#}");
    world.assert_agreed();
    let entries = world.car.entries();
    let years = entries.iter().map(|entry| year(entry.time.at.as_unix_s()));
    let years: Vec<_> = years.collect();
    assert_eq!(years[0], 1970);
    assert!(years[1] > 2020);
    assert_eq!(entries[0].time.quality, ClockQuality::Doubtful);
    assert!(world.car.stop().success());
}

/// Only the head unit's clock is ahead: what it signs for the cloud is dated in ten years, what the vehicle tells is not.
#[test]
fn a_head_unit_ten_years_ahead_is_heard_all_the_same() {
    let ahead = format!(
        "{}-01-01 12:00:00",
        year(crate::support::wall().as_second()) + 10
    );
    let Some(clock) = WrongClock::at(&ahead) else {
        return;
    };
    let (mut world, _gate) = world();
    world.car.goes_by(Some(clock));
    let shown = earns(&mut world, Cycle::Us06, 1);
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], shown, "{status:#}");
    world.assert_agreed();
    assert!(world.car.stop().success());

    world.car.goes_by(None);
    let shown = shown + earns(&mut world, Cycle::Hwfet, 2);
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], shown, "{status:#}");
    world.assert_agreed();
    assert!(world.car.stop().success());
}

/// A car that does not run, a cloud, and the network between them.
fn world() -> (World, Gate) {
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.cloud.stop();
    let cloud = free_port();
    world.cloud.serve_on(cloud);
    let gate = Gate::open(world.port, Manner::carry(cloud));
    (world, gate)
}

/// Starts, drives with nobody to tell, and gives what is shown for it, which is something.
fn earns(world: &mut World, cycle: Cycle, entries: u64) -> i64 {
    world.car.start();
    let confirmed = world.car.status()["members"][0]["confirmed"].as_i64();
    world.vehicle.run(&Command::Drive(cycle));
    world.car.wait_for_entries(entries);
    let member = world.car.status()["members"][0].clone();
    let shown = member["confirmed"].as_i64().unwrap() + member["pending"].as_i64().unwrap();
    let earned = shown - confirmed.unwrap();
    assert!(earned > 0, "{member:#}");
    earned
}

fn year(unix_s: i64) -> i16 {
    let at = Timestamp::from_second(unix_s).unwrap();
    at.to_zoned(jiff::tz::TimeZone::UTC).year()
}
