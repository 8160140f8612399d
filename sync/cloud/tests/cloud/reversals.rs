//! Points that a wrong clock took and an operator gives back, beside acts that take points from entries: whatever their order, the
//! account is the one that it would be if the clock had been right.

use dashpoint_cloud::{ExpirySpan, Selected};
use dashpoint_membership::*;

use crate::support::*;

const YEARS: i64 = 10 * 366 * DAY;

/// An operator's act on the first of two trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Free,
    Fraud,
}

/// The time at which the act is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    BeforeTheReversal,
    AfterTheReversal,
    /// The points have expired again, unspent, by a clock that is right.
    AfterTheEnd,
}

/// Balance, growth value, tier and arrears of a member of two trips, after a clock that leapt and was set right, and after the act.
fn lives(leaps: bool, act: Act, when: When) -> (i64, Growth, TierId, Points) {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let trips = [0, 100_000].map(|from_m| car.mint(drove(trip(from_m, 60_000)), world.now));
    world.settled(&mut car, &trips);
    let device = car.device;
    let do_it = |world: &mut World| match act {
        Act::Free => {
            let entry = trips[0].body().reference(device);
            let vehicle = VehicleId::from_bytes([3; 16]);
            world
                .core
                .free_stretches(
                    vehicle,
                    Selected::Entry(entry),
                    false,
                    "mistaken",
                    world.now,
                )
                .unwrap();
        }
        Act::Fraud => {
            world
                .core
                .revoke_fraud(device, "a copied unit", world.now)
                .unwrap();
        }
    };
    let right = world.now;
    if leaps {
        world.now = right.plus_s(YEARS);
        world.core.accept_clock("wrong", world.now).unwrap();
        let _all = world.core.maintain(world.now).unwrap();
        assert_eq!(world.balance(member), 0, "all has expired");
        world.now = right.plus_s(HOUR);
        world.core.accept_clock("set right", world.now).unwrap();
    }
    if when == When::BeforeTheReversal {
        do_it(&mut world);
    }
    if leaps {
        let span = ExpirySpan {
            since: right,
            until: None,
        };
        world
            .core
            .reverse_expiries(None, span, "a wrong clock", world.now)
            .unwrap();
    }
    if when == When::AfterTheReversal {
        do_it(&mut world);
    }
    world.now = right.plus_s(2 * HOUR);
    if when == When::AfterTheEnd {
        world.now = right.plus_s(800 * DAY);
        world.core.accept_clock("a long stop", world.now).unwrap();
        let _all = world.core.maintain(world.now).unwrap();
        let fresh = car.mint(CHECK_IN, world.now);
        world.settled(&mut car, &[fresh]);
        do_it(&mut world);
    }
    let account = world.statement(member).account;
    account.check().unwrap();
    (
        account.balance().get(),
        account.growth,
        account.tier.tier.clone(),
        account.arrears,
    )
}

#[test]
fn a_clock_that_leapt_changes_nothing_of_what_is_taken_back() {
    for act in [Act::Free, Act::Fraud] {
        for when in [
            When::BeforeTheReversal,
            When::AfterTheReversal,
            When::AfterTheEnd,
        ] {
            let twin = lives(false, act, when);
            assert_eq!(lives(true, act, when), twin, "{act:?}, {when:?}");
        }
    }
    let (balance, ..) = lives(false, Act::Fraud, When::BeforeTheReversal);
    assert_eq!(balance, 0, "a fraud keeps nothing");
    let (balance, ..) = lives(false, Act::Free, When::BeforeTheReversal);
    assert!(balance > 0, "the other trip stays paid");
}
