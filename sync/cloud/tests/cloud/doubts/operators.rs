//! Decisions of an operator, and the stretches of meters that they free.

use dashpoint_cloud::{CloudError, Selected};
use dashpoint_membership::*;

use super::*;

#[test]
fn an_operator_pays_or_refuses_and_a_metre_is_paid_once() {
    let (mut world, mut car) = world();
    let before = world.balance(car.member);
    let doubtful = drive(&world, 5_000_000, 66_000, 600);
    let doubtful = car.mint(drove(doubtful), world.now);
    assert!(is_in_doubt(&world.verdict(&mut car, &doubtful)));
    let entry = |seq: Seq| EntryRef {
        device: DeviceId::from_bytes([2; 16]),
        epoch: Epoch::new(1),
        seq,
    };
    let first = entry(doubtful.body().seq);
    assert!(matches!(
        world.core.accept_held(first, " ", world.now),
        Err(CloudError::NoReason)
    ));
    // The same metres at a speed that can be: settled, for a claim under review keeps nobody out.
    let honest = drive(&world, 5_000_000, 30_000, 1_800);
    let honest = car.mint(drove(honest), world.now);
    let verdict = world.verdict(&mut car, &honest);
    assert!(paid(&verdict) > 0 && !is_in_doubt(&verdict), "{verdict:?}");
    let with_honest = world.balance(car.member);
    assert!(matches!(
        world.core.accept_held(first, "looked at", world.now),
        Err(CloudError::MeterTaken(_))
    ));
    world
        .core
        .refuse_held(first, "a forgery", world.now)
        .unwrap();
    assert_eq!(world.balance(car.member), with_honest);
    assert!(matches!(
        world.core.refuse_held(first, "again", world.now),
        Err(CloudError::NotHeld(_))
    ));

    let doubtful = drive(&world, 5_040_000, 66_000, 600);
    let doubtful = car.mint(drove(doubtful), world.now);
    let verdict = world.verdict(&mut car, &doubtful);
    assert!(is_in_doubt(&verdict));
    let second = entry(doubtful.body().seq);
    world
        .core
        .accept_held(second, "on a race track", world.now)
        .unwrap();
    assert_eq!(world.balance(car.member), with_honest + paid(&verdict));
    assert!(with_honest > before);
    let again = drive(&world, 5_050_000, 20_000, 1_200);
    let again = car.mint(drove(again), world.now);
    assert_eq!(
        world.verdict(&mut car, &again),
        rejected(Rejection::AlreadyPaid)
    );
    world.statement(car.member).account.check().unwrap();
}

#[test]
fn what_waits_by_time_can_be_objected_to() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let days = car.policies.newest().policy().allowance.hard.days;
    go_on(&mut world, i64::from(days) + 1);
    let trip = drive(&world, 5_000_000, 30_000, 1_800);
    let entry = car.mint(drove(trip), world.now);
    assert!(matches!(
        world.verdict(&mut car, &entry),
        Verdict::Review {
            reason: ReviewReason::OverAllowance,
            ..
        }
    ));
    let held = world.core.held_lines().unwrap();
    assert_eq!((held.len(), held[0].needs_decision), (1, false));
    world
        .core
        .refuse_held(held[0].entry, "the member says so", world.now)
        .unwrap();
    go_on(&mut world, 400);
    assert_eq!(world.balance(member), 0);
    let stretches = world
        .core
        .stretches(VehicleId::from_bytes([3; 16]))
        .unwrap();
    assert!(stretches[0].freed.is_some(), "and its metres are free");
}

#[test]
fn an_operator_frees_a_stretch_and_the_points_go_with_it_unless_said_otherwise() {
    let (mut world, mut car) = world();
    let vehicle = VehicleId::from_bytes([3; 16]);
    let trips = [(5_000_000, 20_000), (5_020_000, 20_000)];
    let verdicts = trips.map(|(from_m, metres)| {
        world.pass(HOUR);
        let trip = drive(&world, from_m, metres, 1_200);
        send(&mut world, &mut car, drove(trip))
    });
    let balance = world.balance(car.member);
    let held = world.core.stretches(vehicle).unwrap();
    let free = |world: &mut World, entry, keeps_points| {
        let now = world.now;
        world.core.free_stretches(
            vehicle,
            Selected::Entry(entry),
            keeps_points,
            "mistaken",
            now,
        )
    };
    let first = free(&mut world, held[0].entry, false).unwrap();
    // To the thousandth: a whole point may have been completed by both.
    let taken = first.taken_back[&car.member].get();
    assert!((taken - paid(&verdicts[0])).abs() <= 2, "{taken}");
    assert_eq!(world.balance(car.member), balance - taken);
    assert!(matches!(
        free(&mut world, held[0].entry, false),
        Err(CloudError::HoldsNothing(_))
    ));
    let second = free(&mut world, held[1].entry, true).unwrap();
    assert!(second.taken_back.is_empty());
    assert_eq!(world.balance(car.member), balance - taken);
    let listed = world.core.stretches(vehicle).unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|stretch| stretch.freed.is_some()));
    let other = VehicleId::from_bytes([4; 16]);
    let all = Selected::Device(car.device);
    let none = world
        .core
        .free_stretches(other, all, false, "mistaken", world.now);
    assert!(none.unwrap().entries.is_empty());
}
