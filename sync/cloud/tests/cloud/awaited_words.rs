//! Words of an operator after a backup, on entries that come again after its restore.

use dashpoint_cloud::Selected;
use dashpoint_membership::*;

use crate::awaited::{Shared, place, send, vehicle};
use crate::replaced_units::{Home, earn_trip};
use crate::support::*;

/// The backup has an entry that was in doubt; the operator accepted it after that, and accepts it again or thinks better of it.
#[test]
fn an_acceptance_after_the_backup_keeps_its_metres() {
    for is_accepted_again in [true, false] {
        let mut home = Home::new();
        let [one, other] = [1, 2].map(|number| home.world.member(number));
        let (mut first, mut second) = (home.world.car(2, 3, one), home.world.car(4, 3, other));
        let earned = earn_trip(&mut home.world, &mut first, 0);
        home.world.pass(HOUR);
        let ahead = first.mint(drove(trip(300_000, 12_000)), home.world.now);
        let verdict = home.world.verdict(&mut first, &ahead);
        assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
        home.back_up("b.db");
        let (entry, now) = (place(&first, 2), home.world.now);
        home.world.core.accept_held(entry, "towed", now).unwrap();
        home.world.pass(2 * DAY);
        let same = second.mint(drove(trip(300_000, 12_000)), home.world.now);
        assert_eq!(
            home.world.verdict(&mut second, &same),
            rejected(Rejection::AlreadyPaid)
        );
        let before = [one, other].map(|member| home.world.balance(member));
        let undone = home.restore("b.db").undone.unwrap();
        let kinds: Vec<_> = undone.iter().map(|one| format!("{:?}", one.kind)).collect();
        assert_eq!(kinds, ["Acceptance"]);
        send(&mut home, &second, &same);
        let (now, core) = (home.world.now, &mut home.world.core);
        if is_accepted_again {
            core.accept_held(entry, "towed", now).unwrap();
        } else {
            core.refuse_held(entry, "forged", now).unwrap();
        }
        let after = [one, other].map(|member| home.world.balance(member));
        if is_accepted_again {
            assert_eq!(after, before);
        } else {
            assert_eq!(after, [earned, before[0] - earned]);
        }
        let stretches = home.world.core.stretches(vehicle()).unwrap();
        assert!(stretches.iter().all(|one| !one.awaited), "{stretches:?}");
    }
}

/// A third unit came second, too: the one that was paid in the end is paid again.
#[test]
fn who_was_paid_late_is_paid_late_again() {
    let mut shared = Shared::new();
    let third_member = shared.home.world.member(5);
    let mut third = shared.home.world.car(6, 3, third_member);
    let now = shared.home.world.now;
    let first = shared.first.mint(drove(trip(0, 12_000)), now);
    assert!(paid(&shared.home.world.verdict(&mut shared.first, &first)) > 0);
    shared.home.back_up("held.db");
    let entry = place(&shared.first, 1);
    let free = |home: &mut Home| {
        let core = &mut home.world.core;
        core.free_stretches(vehicle(), Selected::Entry(entry), false, "lost", now)
            .unwrap();
    };
    free(&mut shared.home);
    let second = shared.second.mint(drove(trip(0, 12_000)), now);
    assert!(paid(&shared.home.world.verdict(&mut shared.second, &second)) > 0);
    let late = third.mint(drove(trip(0, 12_000)), now);
    let verdict = shared.home.world.verdict(&mut third, &late);
    assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
    let before = shared.balances();
    shared.home.restore("held.db");
    send(&mut shared.home, &third, &late);
    send(&mut shared.home, &shared.second, &second);
    free(&mut shared.home);
    assert_eq!(shared.balances(), before);
    assert_eq!(shared.home.world.balance(third_member), 0);
}

#[test]
fn an_accepted_estimate_is_listed_again() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut careful = home.world.core.policy(None, home.world.now).unwrap();
    careful.version = PolicyVersion::new(2);
    careful.estimate_hold_days = 5;
    let now = home.world.now;
    home.world.core.sign_policy(careful, now).unwrap();
    let mut car = home.world.car(2, 3, member);
    home.back_up("b.db");
    let estimated = Charge {
        grade: Grade::Estimated,
        ..charge(0, 9_000)
    };
    let session = car.forged(charged(estimated), now, |entry| {
        entry.policy = PolicyVersion::new(2);
    });
    let verdict = home.world.verdict(&mut car, &session);
    assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
    let (entry, now) = (place(&car, 1), home.world.now);
    home.world.core.accept_held(entry, "seen", now).unwrap();
    let before = home.world.balance(member);
    let undone = home.restore("b.db").undone.unwrap();
    let kinds: Vec<_> = undone.iter().map(|one| format!("{:?}", one.kind)).collect();
    assert_eq!(kinds, ["Acceptance"]);
    send(&mut home, &car, &session);
    home.world.core.accept_held(entry, "seen", now).unwrap();
    assert_eq!(home.world.balance(member), before);
}

/// What was taken from a head unit itself is not paid to another of its entries.
#[test]
fn a_second_claim_of_ones_own_stays_unpaid() {
    let mut shared = Shared::new();
    let now = shared.home.world.now;
    let (world, first) = (&mut shared.home.world, &mut shared.first);
    let mut drive = || {
        let entry = first.mint(drove(trip(0, 12_000)), now);
        (world.verdict(first, &entry), entry)
    };
    let [(_, one), (verdict, again)] = [drive(), drive()];
    let entries = [one, again];
    assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
    let core = &mut shared.home.world.core;
    let entry = place(&shared.first, 1);
    core.free_stretches(vehicle(), Selected::Entry(entry), false, "forged", now)
        .unwrap();
    assert_eq!(shared.balances(), [0, 0]);
    shared.home.restore("b.db");
    for entry in &entries {
        send(&mut shared.home, &shared.first, entry);
    }
    assert_eq!(shared.balances(), [0, 0]);
}
