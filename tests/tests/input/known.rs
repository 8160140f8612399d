//! The known answers, from the simulated vehicle to the signed entry.

use dashpoint_membership::{Factor, FactorSeen, Trip, score_x100};
use serde_json::Value;
use vehicle_sim::{Command, Cycle};

use crate::support::{Car, Kind, PATIENCE, World, recording, until};

/// Each cycle with its metres and its score from hard braking alone.
const CYCLES: [(Cycle, u64, u16); 4] = [
    (Cycle::Wltc3b, 23_266, 10_000),
    (Cycle::Udds, 11_990, 10_000),
    (Cycle::Hwfet, 16_507, 10_000),
    (Cycle::Us06, 12_888, 8_225),
];
const ACCELERATION: &str = "Vehicle.Acceleration.Longitudinal";

#[test]
fn each_cycle_has_its_score_and_distance_from_acceleration_and_from_speed_alone() {
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    world.car.start();
    world.cloud.stop();
    let silent = world.vehicle.with(|options| {
        options.omit.insert(ACCELERATION.to_owned());
    });
    for vehicle in [&world.vehicle, &silent] {
        for (cycle, ..) in CYCLES {
            vehicle.run(&Command::Drive(cycle));
        }
    }
    world.car.wait_for_entries(2 * CYCLES.len() as u64);
    let trips = world.car.trips();
    assert_eq!(trips.len(), 2 * CYCLES.len(), "{trips:?}");
    for (number, trip) in trips.iter().enumerate() {
        let (cycle, metres, score) = CYCLES[number % CYCLES.len()];
        let name = format!("{cycle:?}, drive {number}: {trip:?}");
        assert!(trip.score_x100.abs_diff(score) <= 1, "{name}");
        assert_near(trip.odometer.length(), metres, &name);
        assert_eq!(trip.missed_s, 0, "{name}");
        let from = if number < CYCLES.len() {
            "acceleration"
        } else {
            "speed"
        };
        assert_eq!(braking_from(&world.car, number + 1), from, "{name}");
    }
    assert!(world.car.stop().success());
}

#[test]
fn a_head_unit_that_starts_after_the_vehicle_misses_nothing() {
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    world.cloud.stop();
    let driving = world.vehicle.run_beside(Command::Drive(Cycle::Us06));
    until("the vehicle is on its bus", PATIENCE, || {
        world.bus.has_met("vehicle-sim").then_some(())
    });
    world.car.start();
    let driven = driving.join().unwrap();
    assert!(driven.all_seen() && driven.delivered.paced, "{driven}");
    world.car.wait_for_entries(1);
    let trips = world.car.trips();
    assert_eq!(trips.len(), 1, "{trips:?}");
    assert_eq!((trips[0].score_x100, trips[0].missed_s), (8_225, 0));
    assert_near(trips[0].odometer.length(), 12_888, "US06");
    assert!(world.car.stop().success());
}

/// A sensor that freezes, lies and stutters, and an odometer that leaps 10,000 km and back to nothing.
#[test]
fn a_faulty_sensor_costs_no_metre_and_earns_none() {
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    world.car.start();
    world.cloud.stop();
    let faulty = vehicle_sim::Ready::ALL
        .iter()
        .find(|ready| ready.name == "faulty-sensor");
    let scenario = faulty.unwrap().scenario().unwrap();
    let driven = world.vehicle.run(&Command::Scenario(scenario));
    world.car.wait_for_entries(1);
    let trips = world.car.trips();
    assert_eq!(trips.len(), 1, "{trips:?}");
    let metres = driven.distance_m.round() as u64;
    assert_near(trips[0].odometer.length(), metres, "two drives");
    let live = &world.car.status()["live"];
    // Ten thousand kilometres back is below zero, and a zero where there were thousands is no reading.
    for kind in ["jumped", "not-available", "late", "duplicate"] {
        assert!(live["refused"][kind].as_u64() > Some(0), "{kind}: {live:#}");
    }
    assert!(world.car.stop().success());
}

/// What the private evidence says that the braking was taken from.
fn braking_from(car: &Car, seq: usize) -> String {
    let output = car.ask(&["explain", &format!("1-{seq}"), "--json"]);
    let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
    let from = &explained["found"][0]["seen"]["braking_from"];
    from.as_str().unwrap().to_owned()
}

/// The trips that the recorded day falls into: metres, minutes driven, seconds missed, score.
const DAY: [(u64, u32, u32, u16); 14] = [
    (18_273, 24, 0, 8_347),
    (8_361, 11, 15, 10_000),
    (16_221, 14, 0, 6_650),
    (11_607, 11, 0, 10_000),
    (3_179, 10, 48, 10_000),
    (7_724, 12, 0, 10_000),
    (3_670, 8, 16, 10_000),
    (11_095, 20, 15, 8_059),
    (11_115, 20, 87, 10_000),
    (19_947, 26, 15, 10_000),
    (17_982, 24, 0, 10_000),
    (6_800, 10, 0, 10_000),
    (2_098, 4, 0, 10_000),
    (3_436, 6, 0, 8_006),
];
const DAY_M: u64 = 141_500;

#[test]
fn the_recorded_day_is_so_many_trips_with_these_scores() {
    let Some(file) = recording("drives/cmap-4107032_1-2007-05-25.csv") else {
        return;
    };
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    world.car.start();
    world.cloud.stop();
    world.vehicle.run(&Command::Replay {
        file,
        keep_time: false,
        with_position: false,
    });
    world.car.wait_for_entries(DAY.len() as u64);
    let trips = world.car.trips();
    let found: Vec<_> = trips
        .iter()
        .map(|trip| {
            (
                trip.odometer.length(),
                trip.driving.minutes(),
                trip.missed_s,
                trip.score_x100,
            )
        })
        .collect();
    assert_eq!(found, DAY);
    for pair in trips.windows(2) {
        assert_eq!(
            pair[0].odometer.to, pair[1].odometer.from,
            "the odometer stands still in a gap"
        );
    }
    let metres = trips.iter().map(|trip| trip.odometer.length()).sum();
    assert_near(metres, DAY_M, "the day");
    let pooled = trips.iter().map(braking).reduce(|pool, seen| FactorSeen {
        against_ms: pool.against_ms + seen.against_ms,
        base_ms: pool.base_ms + seen.base_ms,
        ..pool
    });
    let pooled = pooled.unwrap();
    assert_eq!((pooled.against_ms, pooled.base_ms), (8_000, 745_000));
    let policy: dashpoint_membership::Policy =
        toml::from_str(dashpoint_membership::DEFAULT_POLICY_TOML).unwrap();
    assert_eq!(score_x100(&policy.score, &[pooled]), 9_434);
    assert!(world.car.stop().success());
}

fn braking(trip: &Trip) -> FactorSeen {
    let of_braking = |seen: &&FactorSeen| seen.factor == Factor::HardBraking;
    *trip.factors.iter().find(of_braking).unwrap()
}

/// Within 0.5 %.
#[track_caller]
fn assert_near(found: u64, expected: u64, what: &str) {
    let off = found.abs_diff(expected) * 1_000;
    assert!(
        off <= expected * 5,
        "{found} m, expected {expected}: {what}"
    );
}
