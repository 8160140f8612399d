//! The words of a restore on the entries of replaced head units: what they brought before and bring now, and why some stay behind.

use dashpoint_cloud::{StaysBehind, Worth};
use dashpoint_membership::*;
use rusqlite::Connection;

use crate::replaced_units::{Home, earn_trip, is_out};
use crate::support::*;

/// A trip at 396 km/h, which waits for an operator.
fn fast(world: &World) -> Subject {
    let mut fast = trip(30_000, 66_000);
    fast.started = CoarseTime::containing_unix_s(world.now.as_unix_s() - 600);
    fast.driving = DrivingTime::Seconds(600);
    (fast.used_wh, fast.regained_wh) = (9_900, 0);
    drove(fast)
}

fn brought(points: i64, held_back: i64) -> Worth {
    Worth {
        points: Points::new(points),
        held_back: Points::new(held_back),
    }
}

#[test]
fn what_is_held_back_is_told_apart_from_what_was_paid() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut old = home.world.car(2, 3, member);
    home.back_up("b.db");
    let earned = earn_trip(&mut home.world, &mut old, 0);
    home.world.pass(HOUR);
    let held = old.mint(fast(&home.world), home.world.now);
    let held = paid(&home.world.verdict(&mut old, &held));
    assert!(held > 0);
    home.revoke(&old);
    let over = home.brought_over("b.db");
    assert_eq!(over.worth, brought(earned, held));
    assert_eq!(over.worth_before, over.worth);
    assert_eq!(home.world.balance(member), earned);
}

#[test]
fn what_was_taken_back_before_a_restore_was_worth_nothing() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut old = home.world.car(2, 3, member);
    home.back_up("b.db");
    let earned = earn_trip(&mut home.world, &mut old, 0);
    home.free_first(&old);
    assert_eq!(home.world.balance(member), 0);
    home.revoke(&old);
    let over = home.brought_over("b.db");
    assert!(earned > 0);
    assert_eq!(
        (over.worth_before, over.worth),
        (brought(0, 0), brought(0, 0))
    );
}

#[test]
fn entries_for_which_there_is_no_room_stay_behind_all_together() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut old = home.world.car(2, 3, member);
    home.back_up("b.db");
    let far = home.world.now.plus_s(400 * DAY);
    let backup = Connection::open(home.folder.path().join("b.db")).unwrap();
    let account: String = backup
        .query_row("SELECT account FROM members", [], |row| row.get(0))
        .unwrap();
    let mut account: Account = serde_json::from_str(&account).unwrap();
    account.pending = (1..=5_000)
        .map(|seq| Pending {
            entry: EntryRef {
                device: old.device,
                epoch: Epoch::new(1_000),
                seq: Seq::new(seq),
            },
            paid: Paid {
                points: Points::new(40),
                growth: Growth::new(1_000),
            },
            reason: ReviewReason::OverAllowance,
            until: far,
            expires: far,
        })
        .collect();
    let account = serde_json::to_string(&account).unwrap();
    backup
        .execute("UPDATE members SET account = ?1", [account])
        .unwrap();
    drop(backup);
    let earned = earn_trip(&mut home.world, &mut old, 0);
    home.world.pass(HOUR);
    let held = old.mint(fast(&home.world), home.world.now);
    let held = paid(&home.world.verdict(&mut old, &held));
    home.revoke(&old);
    let over = home.brought_over("b.db");
    assert!(
        matches!(over.because, Some(StaysBehind::Refused(_))),
        "{over:?}"
    );
    assert_eq!((over.entries, over.worth), (0, brought(0, 0)));
    let [left_out] = &over.left_out[..] else {
        panic!("{over:?}")
    };
    assert_eq!((left_out.member, left_out.entries), (Some(member), 2));
    assert_eq!(left_out.worth, brought(earned, held));
    assert_eq!(home.world.balance(member), 0);
    assert!(is_out(&home.world, &old));
}

#[test]
fn entries_of_a_policy_that_cannot_be_read_stay_behind() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut old = home.world.car(2, 3, member);
    home.back_up("b.db");
    let first = earn_trip(&mut home.world, &mut old, 0);
    let now = home.world.now;
    let mut next = home.world.core.policy(None, now).unwrap();
    next.version = PolicyVersion::new(2);
    home.world.core.sign_policy(next, now).unwrap();
    let under_2 = old.forged(drove(trip(12_000, 12_000)), now, |entry| {
        entry.policy = PolicyVersion::new(2);
    });
    let second = paid(&home.world.verdict(&mut old, &under_2));
    home.revoke(&old);
    home.tamper(
        "DROP TRIGGER policies_stay;
         UPDATE policies SET raw = zeroblob(200) WHERE version = 2;",
    );
    let over = home.brought_over("b.db");
    let because = StaysBehind::NoPolicy(PolicyVersion::new(2));
    assert_eq!((over.entries, over.because), (1, Some(because)));
    assert_eq!(over.left_out[0].worth, brought(second, 0));
    assert_eq!(home.world.balance(member), first);
}

/// They are read and settled in several parts.
#[test]
fn more_entries_than_are_settled_together_come_over() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut old = home.world.car(2, 3, member);
    home.back_up("b.db");
    let mut all = 0;
    for _ in 0..3 {
        let some: Vec<_> = (0..99)
            .map(|_| old.mint(CHECK_IN, home.world.now))
            .collect();
        all += home.world.settled(&mut old, &some).verdicts.len();
    }
    assert_eq!(all, 297);
    home.revoke(&old);
    let (balance, head) = (home.world.balance(member), home.world.head(&old));
    let over = home.brought_over("b.db");
    assert_eq!((over.entries, over.because), (all, None));
    assert_eq!(
        (home.world.balance(member), home.world.head(&old)),
        (balance, head)
    );
}
