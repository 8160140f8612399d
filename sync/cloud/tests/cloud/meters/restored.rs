//! A restore keeps openings: whichever entry comes again first, a meter that was open is open.

use super::*;
use crate::awaited::send as send_again;
use crate::doubts::go_on;
use crate::replaced_units::Home;

/// A head unit with an old battery's session in the backup, and its vehicle's second head unit.
fn home() -> (Home, Car, Car) {
    let mut home = Home::new();
    let [one, other] = [1, 2].map(|number| home.world.member(number));
    let (mut car, mut second) = (home.world.car(2, 3, one), home.world.car(4, 3, other));
    let now = home.world.now.plus_s(3 * DAY);
    home.world.leap_to(now);
    for car in [&mut car, &mut second] {
        let contact = car.mint(CHECK_IN, now);
        home.world.settled(car, &[contact]);
    }
    let before = session_on(&home.world, MeterNumber::FIRST, OLD_WH, 10_000);
    assert!(paid(&send(&mut home.world, &mut car, before)) > 0);
    go_on(&mut home.world, 2);
    home.back_up("b.db");
    (home, car, second)
}

#[test]
fn later_openings_are_kept() {
    let (mut home, mut car, mut other) = home();
    let opening = car.mint(open_meter(&home.world, |_| {}), home.world.now);
    home.world.settled(&mut car, std::slice::from_ref(&opening));
    home.restore("b.db");
    assert_eq!(states(&home.world), [OpeningState::Open]);
    // The other head unit counts on the new meter before the entry comes again.
    let next = session_on(&home.world, second(), NEW_WH, 10_000);
    let verdict = send(&mut home.world, &mut other, next);
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
    send_again(&mut home, &car, &opening);
    assert_eq!(states(&home.world), [OpeningState::Open]);
    assert_eq!(meters(&home.world)[0].entry, place(&car, &opening));
    assert!(home.world.core.held_lines().unwrap().is_empty());
}

#[test]
fn openings_outlast_replaced_head_units() {
    let (mut home, mut car, mut other) = home();
    let opening = car.mint(open_meter(&home.world, |_| {}), home.world.now);
    home.world.settled(&mut car, std::slice::from_ref(&opening));
    home.revoke(&car);
    home.restore("b.db");
    assert_eq!(states(&home.world), [OpeningState::Open]);
    let next = session_on(&home.world, second(), NEW_WH, 10_000);
    assert!(paid(&send(&mut home.world, &mut other, next)) > 0);
}

#[test]
fn words_on_openings_hold() {
    let (mut home, mut car, _) = home();
    let unsteady = open_meter(&home.world, |said| {
        said.since = CoarseTime::containing_unix_s(home.world.now.as_unix_s() - HOUR);
    });
    let opening = car.mint(unsteady, home.world.now);
    let session = car.mint(
        session_on(&home.world, second(), NEW_WH, 10_000),
        home.world.now,
    );
    let entries = [opening.clone(), session];
    all_wait(&mut home.world, &mut car, &entries);
    // What waits is in the backup, the word is not.
    home.back_up("c.db");
    let now = home.world.now;
    home.world
        .core
        .accept_opening(place(&car, &opening), "seen", now)
        .unwrap();
    let balance = home.world.balance(car.member);
    let restored = home.restore("c.db");
    assert_eq!(states(&home.world), [OpeningState::Open]);
    assert_eq!(home.world.balance(car.member), balance);
    assert!(home.world.core.held_lines().unwrap().is_empty());
    assert!(restored.undone.unwrap().is_empty(), "no word is missing");
}

#[test]
fn words_hold_for_returning_openings() {
    let (mut home, mut car, _) = home();
    let unsteady = open_meter(&home.world, |said| {
        said.since = CoarseTime::containing_unix_s(home.world.now.as_unix_s() - HOUR);
    });
    let opening = car.mint(unsteady, home.world.now);
    let session = car.mint(
        session_on(&home.world, second(), NEW_WH, 10_000),
        home.world.now,
    );
    let entries = [opening.clone(), session.clone()];
    all_wait(&mut home.world, &mut car, &entries);
    let now = home.world.now;
    home.world
        .core
        .accept_opening(place(&car, &opening), "seen", now)
        .unwrap();
    let balance = home.world.balance(car.member);
    home.restore("b.db");
    for entry in [&opening, &session] {
        send_again(&mut home, &car, entry);
    }
    assert_eq!(states(&home.world), [OpeningState::Open]);
    assert_eq!(home.world.balance(car.member), balance);
    assert!(home.world.core.held_lines().unwrap().is_empty());
}

#[test]
fn waiting_openings_wait_again() {
    let (mut home, mut car, _) = home();
    let unsteady = open_meter(&home.world, |said| {
        said.since = CoarseTime::containing_unix_s(home.world.now.as_unix_s() - HOUR);
    });
    let opening = car.mint(unsteady, home.world.now);
    assert!(is_in_doubt(&home.world.verdict(&mut car, &opening)));
    home.restore("b.db");
    assert_eq!(states(&home.world), [OpeningState::Waits]);
    send_again(&mut home, &car, &opening);
    assert_eq!(states(&home.world), [OpeningState::Waits]);
    let now = home.world.now;
    home.world
        .core
        .accept_opening(place(&car, &opening), "seen", now)
        .unwrap();
    assert_eq!(states(&home.world), [OpeningState::Open]);
}

#[test]
fn meters_of_frauds_stay_gone() {
    let (mut home, mut car, _) = home();
    let opening = car.mint(open_meter(&home.world, |_| {}), home.world.now);
    home.world.settled(&mut car, std::slice::from_ref(&opening));
    let now = home.world.now;
    home.world
        .core
        .revoke_fraud(car.device, "a bench", now)
        .unwrap();
    home.restore("b.db");
    assert!(states(&home.world).is_empty());
}
