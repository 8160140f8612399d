//! Openings that are judged when they come.

use dashpoint_cloud::SelectedEntries;

use super::*;
use crate::doubts::{drive, go_on};

#[test]
fn new_batteries_earn_at_once() {
    let (mut world, mut car) = opened_world();
    assert_eq!(states(&world), [OpeningState::Open]);
    let before = world.balance(car.member);
    for round in 0..3 {
        let next = session_on(&world, second(), NEW_WH + round * 10_000, 10_000);
        let verdict = send(&mut world, &mut car, next);
        assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
        go_on(&mut world, 1);
    }
    assert!(world.balance(car.member) > before);
    let stretches = world.core.stretches(VEHICLE).unwrap();
    let of_second = stretches
        .iter()
        .filter(|held| held.interval.number == second());
    assert_eq!(of_second.count(), 3);
}

#[test]
fn each_meter_has_its_units_once() {
    let (mut world, mut car) = opened_world();
    let opening = open_meter(&world, |_| {});
    // The same units on the old meter and on the new one are different ones.
    let (first, again) = (
        session_on(&world, second(), NEW_WH, 10_000),
        session_on(&world, second(), NEW_WH + 5_000, 10_000),
    );
    assert!(paid(&send(&mut world, &mut car, first)) > 0);
    assert_eq!(
        send(&mut world, &mut car, again),
        rejected(Rejection::AlreadyPaid)
    );
    assert_eq!(
        send(&mut world, &mut car, opening),
        rejected(Rejection::AlreadyRecorded)
    );
    assert_eq!(states(&world), [OpeningState::Open]);
}

#[test]
fn openings_pay_nothing() {
    let (mut world, mut car) = world();
    let before = world.balance(car.member);
    let opening = open_meter(&world, |_| {});
    let verdict = send(&mut world, &mut car, opening);
    let nothing = Verdict::Accepted {
        paid: Paid::NOTHING,
    };
    assert_eq!(verdict, nothing);
    assert_eq!(world.balance(car.member), before);
    let of_car = SelectedEntries {
        device: Some(car.device),
        ..SelectedEntries::default()
    };
    let lines = world.core.entry_lines(of_car, None).unwrap();
    assert_eq!(lines.last().unwrap().kind, "open-meter");
}

#[test]
fn an_opening_carried_over_opens_once() {
    let (mut world, mut car) = world();
    let opening = car.mint(open_meter(&world, |_| {}), world.now);
    world.settled(&mut car, std::slice::from_ref(&opening));
    let grant = world.open_epoch(&mut car);
    car.enter(&grant.verify(&world.cloud_key, &car.device).unwrap());
    let carried = car.carry(&opening);
    assert_eq!(
        world.verdict(&mut car, &carried),
        rejected(Rejection::AlreadyRecorded)
    );
    assert_eq!(states(&world), [OpeningState::Open]);
}

#[test]
fn what_cannot_be_is_implausible() {
    let (mut world, mut car) = world();
    for wrong in [
        open_meter(&world, |said| said.number = MeterNumber::FIRST),
        open_meter(&world, |said| said.first = 10_000_000_001),
        open_meter(&world, |said| said.last = 10_000_000_001),
    ] {
        assert_eq!(
            send(&mut world, &mut car, wrong),
            rejected(Rejection::Implausible)
        );
    }
    assert!(meters(&world).is_empty());
}

/// Each opening that an operator has to look at, with the doubt.
#[test]
fn what_is_no_replacement_waits() {
    type Change = fn(&mut MeterOpening);
    let cases: [(Change, &str); 7] = [
        (
            |said| said.number = second().next(),
            "not the next meter of the vehicle",
        ),
        (
            |said| {
                said.since = CoarseTime::containing_unix_s(said.since.as_unix_s() + 90_000 - HOUR);
            },
            "a meter that was not steady for a day",
        ),
        (
            |said| said.last = OLD_WH,
            "below a reading that was known before",
        ),
        (
            |said| said.last = OLD_WH + 9_000_000,
            "further ahead than the vehicle can have come",
        ),
        (
            |said| said.first = said.last,
            "its reading goes on from the meter before",
        ),
        (
            |said| said.first = said.last + 80_000,
            "its reading goes on from the meter before",
        ),
        (
            |said| {
                said.since = CoarseTime::containing_unix_s(said.since.as_unix_s() - 7 * DAY);
            },
            "begins before its head unit was enrolled",
        ),
    ];
    for (change, doubt) in cases {
        let (mut world, mut car) = world();
        let opening = open_meter(&world, change);
        let verdict = send(&mut world, &mut car, opening);
        assert!(is_in_doubt(&verdict), "{doubt}: {verdict:?}");
        let lines = world.core.opening_lines(None).unwrap();
        assert_eq!(lines[0].doubt.as_deref(), Some(doubt));
        assert_eq!(states(&world), [OpeningState::Waits], "{doubt}");
        go_on(&mut world, 400);
        assert_eq!(states(&world), [OpeningState::Waits], "time opens nothing");
    }
}

#[test]
fn a_counting_meter_is_not_replaced() {
    let (mut world, mut car) = world();
    let still = session_on(&world, MeterNumber::FIRST, OLD_WH + 10_000, 1_000);
    send(&mut world, &mut car, still);
    let opening = open_meter(&world, |said| said.last += 1_000);
    assert!(is_in_doubt(&send(&mut world, &mut car, opening)));
    let lines = world.core.opening_lines(None).unwrap();
    assert_eq!(
        lines[0].doubt.as_deref(),
        Some("the meter before has counted since")
    );
}

#[test]
fn policies_bound_openings_a_year() {
    let (mut world, mut car) = opened_world();
    let third = |world: &World| {
        open_meter(world, |said| {
            said.number = second().next();
            said.last = NEW_WH;
            said.first = 7_000;
        })
    };
    go_on(&mut world, 300);
    let opening = third(&world);
    assert!(is_in_doubt(&send(&mut world, &mut car, opening)));
    let lines = world.core.opening_lines(None).unwrap();
    let doubt = lines.iter().find_map(|line| line.doubt.clone());
    assert_eq!(
        doubt.as_deref(),
        Some("more meters than the policy lets a vehicle open in a year")
    );
    go_on(&mut world, 80);
    let opening = third(&world);
    let verdict = send(&mut world, &mut car, opening);
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
}

#[test]
fn each_quantity_has_its_bound() {
    let (mut world, mut car) = opened_world();
    let trip = drive(&world, 80_000_000, 20_000, 3_600);
    send(&mut world, &mut car, drove(trip));
    go_on(&mut world, 2);
    let cluster = open_meter(&world, |said| {
        said.meter = Meter::Odometer;
        said.last = 80_020_000;
        said.first = 12_000;
    });
    let verdict = send(&mut world, &mut car, cluster);
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
    let mut trip = drive(&world, 12_000, 20_000, 3_600);
    trip.odometer.number = second();
    let verdict = send(&mut world, &mut car, drove(trip));
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
}
