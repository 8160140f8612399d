//! The ready scenarios of the simulator, each shown by what the head unit makes of it.

use dashpoint_membership::{Factor, Grade, Trip};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use vehicle_sim::{Command, Ready, Summary};

use crate::support::{Kind, PATIENCE, Vehicle, World, until};

fn play(vehicle: &Vehicle, name: &str) -> Summary {
    let ready = Ready::ALL.iter().find(|ready| ready.name == name).unwrap();
    vehicle.run(&Command::Scenario(ready.scenario().unwrap()))
}

/// Time that a factor counts against a trip, in milliseconds.
fn against_ms(trip: &Trip, factor: Factor) -> u64 {
    let seen = trip.factors.iter().find(|seen| seen.factor == factor);
    seen.map_or(0, |seen| seen.against_ms)
}

#[test]
fn ready_scenarios_show_what_their_lines_say() {
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    world.car.start();
    world.cloud.stop();
    // A day earlier than elsewhere: the last of them ends after midnight.
    let day = world.vehicle.with(|options| {
        options.zone = TimeZone::get("Asia/Shanghai").unwrap();
        options.start = options
            .start
            .map(|start| start - SignedDuration::from_hours(24));
    });
    let mut entries = 0;
    let mut driven_m = Vec::new();
    for (name, more) in [
        ("red-lights", 1),
        ("charge-asleep", 3),
        ("tunnel", 1),
        ("late-night", 1),
        // His belt stays open.
        ("harsh-driver", 1),
    ] {
        let summary = play(&day, name);
        entries += more;
        world.car.wait_for_entries(entries);
        assert_eq!(world.car.entries().len() as u64, entries, "{name}");
        driven_m.push(summary.distance_m);
    }
    let guests = || world.car.status()["live"]["guest"].as_u64();
    assert_eq!(guests(), Some(0));
    play(&day, "two-drivers");
    // Neither of the two is a member here, and a guest never is.
    until("three have driven for nothing", PATIENCE, || {
        (guests() == Some(3)).then_some(())
    });
    assert_eq!(world.car.entries().len() as u64, entries);

    let trips = world.car.trips();
    let [lights, before, after, tunnel, late, harsh] = &trips[..] else {
        panic!("{trips:#?}");
    };
    let metres = |trips: &[&Trip]| -> u64 { trips.iter().map(|trip| trip.odometer.length()).sum() };
    let found = [
        metres(&[lights]),
        metres(&[before, after]),
        metres(&[tunnel]),
        metres(&[late]),
        metres(&[harsh]),
    ];
    for (found, driven_m) in found.into_iter().zip(driven_m) {
        assert!(
            (found as f64 - driven_m).abs() <= driven_m * 0.005,
            "{trips:#?}"
        );
    }
    let calm = [lights, before, after, tunnel];
    assert!(
        calm.iter().all(|trip| trip.score_x100 == 10_000),
        "{calm:#?}"
    );
    assert!(harsh.score_x100 < 8_000, "{harsh:#?}");
    assert!(against_ms(harsh, Factor::HardBraking) > 0, "{harsh:#?}");
    assert!(against_ms(harsh, Factor::Unbuckled) > 0, "{harsh:#?}");
    assert!(against_ms(late, Factor::LateNight) > 0, "{late:#?}");
    assert!(late.score_x100 < 10_000, "{late:#?}");
    let is_by_day = |trip: &&Trip| against_ms(trip, Factor::LateNight) == 0;
    assert!(calm.iter().all(is_by_day), "{calm:#?}");

    let charges = world.car.charges();
    let [charge] = &charges[..] else {
        panic!("{charges:#?}");
    };
    assert_eq!(charge.charged.length(), 18_000, "{charge:#?}");
    assert_eq!(charge.grade, Grade::Estimated, "{charge:#?}");
    assert!(world.car.stop().success());
}
