//! Words of an operator that take another word back, around one restore or two.

use dashpoint_cloud::PostOutcome;
use dashpoint_membership::*;

use crate::awaited::{place, send};
use crate::left_points::Three;
use crate::replaced_units::earn_trip;
use crate::support::*;

/// An entry of the second car in doubt, and the backup of after it.
fn doubted() -> (Three, EntryRef) {
    let mut three = Three::new();
    earn_trip(&mut three.home.world, &mut three.cars[0], 0);
    three.home.world.pass(HOUR);
    let (_, verdict) = three.post(1, 300_000);
    assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
    three.home.back_up("b.db");
    let entry = place(&three.cars[1], 1);
    (three, entry)
}

fn accept(three: &mut Three, entry: EntryRef) {
    let (now, core) = (three.home.world.now, &mut three.home.world.core);
    core.accept_held(entry, "towed", now).unwrap();
}

fn listed(three: &mut Three, name: &str) -> Vec<String> {
    let undone = three.home.restore(name).undone.unwrap();
    let words = undone
        .iter()
        .map(|one| format!("{:?} {}", one.kind, one.of));
    words.collect()
}

/// The points were taken back of a head unit that was replaced then: they stay away.
#[test]
fn what_was_taken_back_is_listed() {
    let (mut three, entry) = doubted();
    accept(&mut three, entry);
    three.free(entry, false).unwrap();
    three.home.revoke(&three.cars[1]);
    let before = three.balances();
    assert_eq!(before[1], 0);
    let words = listed(&mut three, "b.db");
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words[0].starts_with("Acceptance ") && words[1].starts_with("Freed "));
    accept(&mut three, entry);
    three.free(entry, false).unwrap();
    assert_eq!(three.balances(), before);
}

#[test]
fn what_a_late_payment_lost_is_listed() {
    let mut three = Three::new();
    assert!(paid(&three.post(0, 0).1) > 0);
    assert_eq!(three.post(1, 0).1, rejected(Rejection::AlreadyPaid));
    three.home.back_up("b.db");
    let both = [place(&three.cars[0], 1), place(&three.cars[1], 1)];
    for entry in both {
        three.free(entry, false).unwrap();
    }
    three.home.revoke(&three.cars[1]);
    assert_eq!(three.balances(), [0; 3]);
    let words = listed(&mut three, "b.db");
    assert_eq!(words.len(), 2, "{words:?}");
    for entry in both {
        three.free(entry, false).unwrap();
    }
    assert_eq!(three.balances(), [0; 3]);
}

/// Accepted, restored, refused: of the two words that a second restore undoes, the later one is listed.
#[test]
fn the_later_word_on_an_entry_is_listed() {
    let (mut three, entry) = doubted();
    accept(&mut three, entry);
    assert_eq!(listed(&mut three, "b.db"), [format!("Acceptance {entry}")]);
    three.home.world.pass(60);
    let (now, core) = (three.home.world.now, &mut three.home.world.core);
    core.refuse_held(entry, "forged", now).unwrap();
    let before = three.balances();
    assert_eq!(listed(&mut three, "b.db"), [format!("Refusal {entry}")]);
    let (now, core) = (three.home.world.now, &mut three.home.world.core);
    core.refuse_held(entry, "forged", now).unwrap();
    assert_eq!(three.balances(), before);
}

/// No word is given between two restores, the second of an older backup: what was accepted comes paid.
#[test]
fn a_second_restore_knows_what_the_first_waits_for() {
    let mut three = Three::new();
    earn_trip(&mut three.home.world, &mut three.cars[0], 0);
    three.home.back_up("a.db");
    three.home.world.pass(HOUR);
    let (held, verdict) = three.post(1, 300_000);
    assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
    three.home.back_up("b.db");
    let entry = place(&three.cars[1], 1);
    accept(&mut three, entry);
    three.home.world.pass(2 * DAY);
    let (late, verdict) = three.post(2, 300_000);
    assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
    let before = three.balances();
    three.home.restore("b.db");
    let words = listed(&mut three, "a.db");
    assert_eq!(words, [""; 0]);
    send(&mut three.home, &three.cars[2], &late);
    send(&mut three.home, &three.cars[1], &held);
    assert_eq!(three.balances(), before);
}

/// The stretch of an entry that could not have it yet is freed, before that of the one that has it.
#[test]
fn points_can_be_left_before_the_stretch_is_free() {
    for keeps_points in [true, false] {
        let mut three = Three::new();
        let points = paid(&three.post(0, 0).1);
        assert_eq!(three.post(1, 0).1, rejected(Rejection::AlreadyPaid));
        three.home.back_up("b.db");
        let (first, second) = (place(&three.cars[0], 1), place(&three.cars[1], 1));
        three.free(first, true).unwrap();
        assert_eq!(three.balances(), [points, points, 0]);
        listed(&mut three, "b.db");
        three.free(second, keeps_points).unwrap();
        let kept = if keeps_points { points } else { 0 };
        assert_eq!(three.balances(), [points, kept, 0]);
        three.free(first, true).unwrap();
        assert_eq!(three.balances(), [points, kept, 0]);
        // Both words are known to the next restore.
        assert_eq!(listed(&mut three, "b.db").len(), 2);
        three.free(first, true).unwrap();
        three.free(second, keeps_points).unwrap();
        assert_eq!(three.balances(), [points, kept, 0]);
    }
}

/// A head unit signs another entry for the place of one that is awaited, as a new one or as a copy of the one: that has no right to
/// the points of the one.
#[test]
fn another_entry_at_an_awaited_place_has_no_right() {
    for is_copy in [false, true] {
        let mut three = Three::new();
        three.post(0, 0);
        three.home.back_up("b.db");
        let mut hacked = three.cars[0].clone();
        let (awaited, _) = three.post(0, 12_000);
        three.home.restore("b.db");
        let now = three.home.world.now;
        let forged = hacked.forged(drove(trip(0, 12_000)), now, |entry| {
            if is_copy {
                entry.body = EntryBody::Carry {
                    original: awaited.hash(),
                    transaction: entry.transaction().clone(),
                };
            }
        });
        let posted = three.home.world.post(&hacked, &[forged]);
        let PostOutcome::Settled(answer) = posted else {
            panic!("{posted:?}");
        };
        assert_eq!(answer.verdicts[0].verdict, rejected(Rejection::AlreadyPaid));
        let first = place(&three.cars[0], 1);
        three.free(first, false).unwrap();
        assert_eq!(three.balances(), [0; 3]);
    }
}

/// Nor to its stretch.
#[test]
fn another_entry_does_not_take_an_awaited_stretch() {
    let mut three = Three::new();
    three.home.back_up("b.db");
    let mut hacked = three.cars[0].clone();
    three.post(0, 0);
    three.home.restore("b.db");
    let mut other = trip(0, 12_000);
    other.used_wh += 1;
    let forged = hacked.mint(drove(other), three.home.world.now);
    let verdict = three.home.world.verdict(&mut hacked, &forged);
    assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
}

/// The member of a replaced head unit is not in the backup: the stretch waits for the entry that can come over still.
#[test]
fn a_stretch_waits_for_what_stays_behind() {
    let mut three = Three::new();
    three.home.back_up("b.db");
    let member = three.home.world.member(9);
    let mut other = three.home.world.car(10, 3, member);
    let entry = other.mint(drove(trip(0, 12_000)), three.home.world.now);
    assert!(paid(&three.home.world.verdict(&mut other, &entry)) > 0);
    let (second, verdict) = three.post(1, 0);
    assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
    three.home.revoke(&other);
    let done = three.home.restore("b.db");
    assert_eq!(done.awaited, Some(1));
    // And through the next one.
    for _ in 0..2 {
        send(&mut three.home, &three.cars[1], &second);
        assert_eq!(three.balances(), [0; 3]);
        three.home.restore("b.db");
    }
    send(&mut three.home, &three.cars[1], &second);
    assert_eq!(three.balances(), [0; 3]);
}

/// One of two words was given again before the next restore: the list has both in their first order.
#[test]
fn words_keep_the_order_of_the_first_time() {
    let (mut three, entry) = doubted();
    accept(&mut three, entry);
    three.home.world.pass(60);
    three.free(entry, false).unwrap();
    let before = three.balances();
    three.home.world.pass(60);
    listed(&mut three, "b.db");
    three.home.world.pass(60);
    accept(&mut three, entry);
    let words = listed(&mut three, "b.db");
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words[0].starts_with("Acceptance ") && words[1].starts_with("Freed "));
    accept(&mut three, entry);
    three.free(entry, false).unwrap();
    assert_eq!(three.balances(), before);
}

/// Freed with its points left, and in the next life without, or the other way round: the later word is listed.
#[test]
fn the_later_freeing_is_listed() {
    for keeps_points in [true, false] {
        let mut three = Three::new();
        assert!(paid(&three.post(0, 0).1) > 0);
        three.home.back_up("b.db");
        let entry = place(&three.cars[0], 1);
        three.free(entry, !keeps_points).unwrap();
        listed(&mut three, "b.db");
        three.home.world.pass(60);
        three.free(entry, keeps_points).unwrap();
        let before = three.balances();
        let words = listed(&mut three, "b.db");
        assert_eq!(words.len(), 1, "{words:?}");
        assert_eq!(words[0].ends_with(" --keep-points"), keeps_points);
        three.free(entry, keeps_points).unwrap();
        assert_eq!(three.balances(), before);
    }
}

/// The entry with the stretch did not come after a restore, the operator freed it, and the second one was paid: so it is after the
/// next restore, of a backup from between.
#[test]
fn what_was_freed_of_a_missing_entry_stays_free() {
    let mut three = Three::new();
    three.home.back_up("a.db");
    let points = paid(&three.post(0, 0).1);
    let (second, verdict) = three.post(1, 0);
    assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
    three.home.restore("a.db");
    send(&mut three.home, &three.cars[1], &second);
    three.home.back_up("b.db");
    let missing = place(&three.cars[0], 1);
    three.free(missing, false).unwrap();
    let before = three.balances();
    assert_eq!(before, [0, points, 0]);
    assert_eq!(listed(&mut three, "b.db"), [""; 0]);
    assert_eq!(three.balances(), before);
}

/// Points of a late payment were taken back: what frees the stretch once more does not pay them.
#[test]
fn what_was_taken_back_of_a_late_payment_stays_away() {
    let mut three = Three::new();
    assert!(paid(&three.post(0, 0).1) > 0);
    assert_eq!(three.post(1, 0).1, rejected(Rejection::AlreadyPaid));
    three.home.back_up("b.db");
    let both = [place(&three.cars[0], 1), place(&three.cars[1], 1)];
    for entry in both {
        three.free(entry, false).unwrap();
    }
    let (_, verdict) = three.post(2, 0);
    assert!(paid(&verdict) > 0);
    listed(&mut three, "b.db");
    for entry in both {
        three.free(entry, false).unwrap();
    }
    // The third one never comes.
    three.home.revoke(&three.cars[2]);
    assert_eq!(three.balances(), [0; 3]);
}
