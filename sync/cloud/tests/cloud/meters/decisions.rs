//! Openings that an operator decides, and what waits with them.

use dashpoint_cloud::{CloudError, CorrectedReadings};

use super::*;
use crate::doubts::go_on;

#[test]
fn accepted_openings_pay_what_waited() {
    let (mut world, mut car, [opening, session]) = waiting_world();
    let before = world.balance(car.member);
    let lines = world.core.opening_lines(None).unwrap();
    assert_eq!(lines[0].waiting, 1);
    let held = world.core.held_lines().unwrap();
    assert_eq!(
        held.iter()
            .filter_map(|line| line.doubt.as_deref())
            .next_back(),
        Some("on a meter that was not open")
    );
    go_on(&mut world, 30);
    assert_eq!(world.balance(car.member), before, "time pays nothing");
    let ruling = world
        .core
        .accept_opening(opening, "the bill was seen", world.now)
        .unwrap();
    assert_eq!(ruling.state, OpeningState::Open);
    assert_eq!(ruling.waited.paid.len(), 1);
    assert_eq!(ruling.waited.paid[0].entry, session);
    assert!(world.balance(car.member) > before);
    assert!(world.core.held_lines().unwrap().is_empty());
    let stretches = world.core.stretches(VEHICLE).unwrap();
    assert!(stretches.iter().any(|held| held.entry == session));
    let again = world.core.accept_opening(opening, "twice", world.now);
    assert!(
        matches!(again, Err(CloudError::OpenAlready(_))),
        "{again:?}"
    );
    let next = session_on(&world, second(), NEW_WH + 10_000, 10_000);
    assert!(paid(&send(&mut world, &mut car, next)) > 0);
}

#[test]
fn accepted_reviews_open_meters() {
    let (mut world, car, [opening, _]) = waiting_world();
    let before = world.balance(car.member);
    let ruling = world.core.accept_held(opening, "seen", world.now).unwrap();
    assert!(ruling.accepted && ruling.points == Points::ZERO);
    assert_eq!(states(&world), [OpeningState::Open]);
    assert!(world.balance(car.member) > before);
}

#[test]
fn refused_openings_refuse_what_waited() {
    let (mut world, mut car, [opening, session]) = waiting_world();
    let before = world.balance(car.member);
    let ruling = world
        .core
        .refuse_opening(opening, "the counter is the old one", world.now)
        .unwrap();
    assert_eq!(ruling.waited.refused, [session]);
    assert_eq!(states(&world), [OpeningState::Refused]);
    assert!(world.core.held_lines().unwrap().is_empty());
    assert_eq!(world.balance(car.member), before);
    // The old counter goes on, and a later opening has the number.
    let still = session_on(&world, MeterNumber::FIRST, OLD_WH + 10_000, 10_000);
    assert!(paid(&send(&mut world, &mut car, still)) > 0);
    go_on(&mut world, 3);
    let opening = open_meter(&world, |said| said.last = OLD_WH + 20_000);
    let verdict = send(&mut world, &mut car, opening);
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
}

#[test]
fn operators_correct_readings() {
    let (mut world, mut car, [opening, session]) = waiting_world();
    let readings = CorrectedReadings {
        last: None,
        first: Some(NEW_WH + 5_000),
    };
    let ruling = world
        .core
        .correct_opening(opening, readings, "read in the workshop", world.now)
        .unwrap();
    assert_eq!(ruling.opening.first, NEW_WH + 5_000);
    // The session begins below what the workshop has read.
    assert_eq!(ruling.waited.in_doubt, [session]);
    assert_eq!(states(&world), [OpeningState::Open]);
    let ruling = world
        .core
        .correct_opening(
            opening,
            CorrectedReadings {
                first: Some(NEW_WH),
                last: None,
            },
            "misread",
            world.now,
        )
        .unwrap();
    assert_eq!(ruling.waited.paid.len(), 1);
    let next = session_on(&world, second(), NEW_WH + 10_000, 10_000);
    assert!(paid(&send(&mut world, &mut car, next)) > 0);
}

#[test]
fn doubts_of_claims_stay() {
    let (mut world, mut car, [opening, _]) = waiting_world();
    let too_much = session_on(&world, second(), NEW_WH + 10_000, 400_000);
    assert!(is_in_doubt(&send(&mut world, &mut car, too_much)));
    let ruling = world
        .core
        .accept_opening(opening, "seen", world.now)
        .unwrap();
    assert_eq!(ruling.waited.paid.len(), 1);
    assert_eq!(ruling.waited.in_doubt.len(), 1);
    assert_eq!(world.core.held_lines().unwrap().len(), 1);
}

#[test]
fn openings_are_named_by_entries() {
    let (mut world, car, [_, session]) = waiting_world();
    let wrong = world.core.accept_opening(session, "seen", world.now);
    assert!(matches!(wrong, Err(CloudError::NoOpening(_))), "{wrong:?}");
    let nameless = world.core.refuse_opening(session, " ", world.now);
    assert!(nameless.is_err());
    assert!(world.balance(car.member) >= 0);
}

#[test]
fn frauds_take_their_meters() {
    let (mut world, mut car) = opened_world();
    let session = session_on(&world, second(), NEW_WH, 10_000);
    assert!(paid(&send(&mut world, &mut car, session)) > 0);
    let device = car.device;
    world
        .core
        .revoke_fraud(device, "a bench", world.now)
        .unwrap();
    assert_eq!(states(&world), [OpeningState::Refused]);
    let member = world.member(9);
    let mut honest = world.car(10, 3, member);
    go_on(&mut world, 3);
    let contact = honest.mint(CHECK_IN, world.now);
    world.settled(&mut honest, &[contact]);
    let still = session_on(&world, MeterNumber::FIRST, OLD_WH + 10_000, 10_000);
    assert!(paid(&send(&mut world, &mut honest, still)) > 0);
}

#[test]
fn meters_of_others_outlast_frauds() {
    let (mut world, car) = opened_world();
    let member = world.member(9);
    let mut honest = world.car(10, 3, member);
    go_on(&mut world, 3);
    let contact = honest.mint(CHECK_IN, world.now);
    world.settled(&mut honest, &[contact]);
    let session = session_on(&world, second(), NEW_WH, 10_000);
    assert!(paid(&send(&mut world, &mut honest, session)) > 0);
    world
        .core
        .revoke_fraud(car.device, "a bench", world.now)
        .unwrap();
    assert_eq!(states(&world), [OpeningState::Open]);
    let next = session_on(&world, second(), NEW_WH + 10_000, 10_000);
    assert!(paid(&send(&mut world, &mut honest, next)) > 0);
}

#[test]
fn replaced_head_units_leave_meters() {
    let (mut world, car) = opened_world();
    world.core.revoke_device(car.device, world.now).unwrap();
    assert_eq!(states(&world), [OpeningState::Open]);
}
