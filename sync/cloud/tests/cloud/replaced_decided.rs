//! Decisions on the entries of replaced head units stand after a restore, however late that is and whoever sends first.

use dashpoint_cloud::{PostOutcome, Worth};
use dashpoint_membership::*;

use crate::replaced_units::{Home, earn_trip};
use crate::support::*;

/// The kinds of things that a restore lists as undone.
fn undone(home: &mut Home) -> (Worth, Vec<String>) {
    let done = home.restore("b.db");
    let over = &done.brought_over.unwrap()[0];
    let listed = done.undone.unwrap();
    let kinds = listed.iter().map(|one| format!("{:?}", one.kind));
    (over.worth, kinds.collect())
}

/// An entry of a car that is too far ahead of what it drove before, and is not any more days later.
fn ahead(home: &mut Home, car: &mut Car) -> EntryRef {
    home.world.pass(HOUR);
    let entry = car.mint(drove(trip(300_000, 12_000)), home.world.now);
    let verdict = home.world.verdict(car, &entry);
    assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
    entry.body().reference(car.device)
}

#[test]
fn a_refused_doubt_waits_for_its_operator_again() {
    for is_refused in [true, false] {
        let mut home = Home::new();
        let member = home.world.member(1);
        let mut old = home.world.car(2, 3, member);
        let earned = earn_trip(&mut home.world, &mut old, 0);
        home.back_up("b.db");
        let entry = ahead(&mut home, &mut old);
        let now = home.world.now;
        if is_refused {
            let core = &mut home.world.core;
            core.refuse_held(entry, "forged", now).unwrap();
        }
        home.revoke(&old);
        home.world.pass(3 * DAY);
        let (worth, listed) = undone(&mut home);
        assert_eq!(worth.points, Points::ZERO);
        assert!(worth.held_back > Points::ZERO);
        assert_eq!(home.world.balance(member), earned);
        assert_eq!(listed.contains(&"Refusal".to_owned()), is_refused);
        // As the list says.
        let now = home.world.now;
        let refused = home.world.core.refuse_held(entry, "forged", now);
        assert!(refused.is_ok(), "{refused:?}");
        assert_eq!(home.world.balance(member), earned);
    }
}

#[test]
fn metres_of_another_unit_stay_its_own() {
    let mut home = Home::new();
    let [lost, won] = [1, 2].map(|number| home.world.member(number));
    let mut old = home.world.car(2, 3, lost);
    let mut other = home.world.car(4, 3, won);
    earn_trip(&mut home.world, &mut old, 0);
    home.back_up("b.db");
    ahead(&mut home, &mut old);
    home.world.pass(2 * DAY);
    let same = other.mint(drove(trip(300_000, 12_000)), home.world.now);
    let verdict = home.world.verdict(&mut other, &same);
    let earned = paid(&verdict);
    assert_eq!((home.world.balance(won), earned > 0), (earned, true));
    home.revoke(&old);
    undone(&mut home);
    let PostOutcome::Settled(_) = home.world.post(&other, &[same]) else {
        panic!("the other unit's chain is not known");
    };
    assert_eq!(home.world.balance(won), earned);
}

#[test]
fn a_stretch_that_was_taken_away_stays_away() {
    let mut home = Home::new();
    let [lost, won] = [1, 2].map(|number| home.world.member(number));
    let mut old = home.world.car(2, 3, lost);
    let mut other = home.world.car(4, 3, won);
    home.back_up("b.db");
    earn_trip(&mut home.world, &mut old, 0);
    home.free_first(&old);
    let same = other.mint(drove(trip(0, 12_000)), home.world.now);
    let earned = paid(&home.world.verdict(&mut other, &same));
    assert!(earned > 0);
    home.revoke(&old);
    let (worth, listed) = undone(&mut home);
    assert_eq!(
        worth,
        Worth {
            points: Points::ZERO,
            held_back: Points::ZERO,
        }
    );
    assert!(!listed.contains(&"Freed".to_owned()), "{listed:?}");
    let PostOutcome::Settled(_) = home.world.post(&other, &[same]) else {
        panic!("the other unit's chain is not known");
    };
    let balances = [lost, won].map(|member| home.world.balance(member));
    assert_eq!(balances, [0, earned]);
}
