//! Evidence that odometer, time, speed and energy forbid waits for an operator; the honest pass.

mod operators;
mod stolen;
mod thousandths;
mod times;
mod vehicles;

use dashpoint_membership::*;

use crate::support::*;

/// A world in which a member's car has been enrolled for three days.
pub fn world() -> (World, Car) {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.leap_to(world.now.plus_s(3 * DAY));
    let contact = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[contact]);
    (world, car)
}

/// Lets days pass, in which the cloud is at work.
pub fn go_on(world: &mut World, days: i64) {
    for _ in 0..days {
        world.pass(DAY);
        world.core.maintain(world.now).unwrap();
    }
}

/// A trip that ends now.
pub fn drive(world: &World, from_m: u64, distance_m: u64, lasted_s: u32) -> Trip {
    Trip {
        started: CoarseTime::containing_unix_s(world.now.as_unix_s() - i64::from(lasted_s)),
        driving: DrivingTime::Seconds(lasted_s),
        used_wh: u32::try_from(distance_m * 150 / 1_000).unwrap(),
        regained_wh: 0,
        ..trip(from_m, distance_m)
    }
}

/// A charge that ends now.
pub fn session(world: &World, from_wh: u64, energy_wh: u64, lasted_s: i64) -> Charge {
    Charge {
        started: Some(CoarseTime::containing_unix_s(
            world.now.as_unix_s() - lasted_s,
        )),
        ..charge(from_wh, energy_wh)
    }
}

pub fn send(world: &mut World, car: &mut Car, subject: Subject) -> Verdict {
    let entry = car.mint(subject, world.now);
    world.verdict(car, &entry)
}

/// The number of entries that hold a stretch of a meter: what is in doubt holds none, also when a cap leaves it nothing.
pub fn held(world: &World) -> usize {
    let stretches = world.core.stretches(VehicleId::from_bytes([3; 16]));
    stretches.unwrap().len()
}

pub fn is_in_doubt(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Review {
            reason: ReviewReason::Evidence,
            ..
        }
    )
}

/// Sends one subject in a world of its own; tells whether it waits for an operator, and holds that time does not pay it.
pub fn waits(subject: impl FnOnce(&World) -> Subject) -> bool {
    let (mut world, mut car) = world();
    let before = world.balance(car.member);
    let subject = subject(&world);
    let verdict = send(&mut world, &mut car, subject);
    assert!(!matches!(verdict, Verdict::Rejected { .. }), "{verdict:?}");
    if !is_in_doubt(&verdict) {
        return false;
    }
    assert_eq!(world.balance(car.member), before);
    go_on(&mut world, 400);
    assert_eq!(world.balance(car.member), before, "time alone pays nothing");
    assert_eq!(world.core.held_lines().unwrap().len(), 1);
    true
}

pub fn with(trip: Trip, change: impl FnOnce(&mut Trip)) -> Subject {
    let mut trip = trip;
    change(&mut trip);
    drove(trip)
}

pub fn seen(factor: Factor, against_ms: u64, base_ms: u64) -> FactorSeen {
    FactorSeen {
        factor,
        against_ms,
        base_ms,
    }
}
