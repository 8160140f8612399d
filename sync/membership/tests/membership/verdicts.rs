//! What the cloud says of entries that are not as it would have made them.

use dashpoint_membership::policy::{Allowance, AllowanceLimit, Policy};
use dashpoint_membership::*;

use crate::support::*;

fn world(policy: Policy) -> (Cloud, Car) {
    let cloud = Cloud::new(Policies::new(compiled(policy)), at(MORNING));
    let car = Car::new(1, &cloud, at(MORNING));
    (cloud, car)
}

fn awards(entry: &mut Entry) -> &mut Vec<Award> {
    match &mut entry.body {
        EntryBody::Fresh(transaction) | EntryBody::Carry { transaction, .. } => match transaction {
            Transaction::Earn { awards, .. } | Transaction::Member { awards, .. } => awards,
            Transaction::OpenMeter(_) => panic!("an opening has no awards"),
        },
    }
}

#[test]
fn a_forged_amount_is_paid_as_the_rule_says() {
    let (mut cloud, mut car) = world(default_policy());
    car.mint(&cloud.policies, CHECK_IN, MORNING);
    awards(&mut car.unsent[0])[0].points = milli(9_000);
    awards(&mut car.unsent[0])[0].predicted = points(9);
    let mut invented = awards(&mut car.unsent[0])[0].clone();
    invented.rule = rule("clean-charging");
    awards(&mut car.unsent[0]).push(invented);
    let rows = car.sync(&mut cloud, MORNING + HOUR);
    assert_eq!(
        verdict(&rows[0]),
        &Verdict::Adjusted {
            paid: Paid {
                points: points(1),
                growth: Growth::new(1),
            },
            reasons: vec![
                Adjustment::Rule {
                    rule: rule("check-in")
                },
                Adjustment::Rule {
                    rule: rule("clean-charging")
                },
            ],
        }
    );
}

#[test]
fn a_missing_award_is_paid_all_the_same() {
    let (mut cloud, mut car) = world(default_policy());
    car.mint(&cloud.policies, CHECK_IN, MORNING);
    awards(&mut car.unsent[0]).clear();
    let rows = car.sync(&mut cloud, MORNING + HOUR);
    assert_eq!(rows[0].points, points(1));
    assert!(matches!(verdict(&rows[0]), Verdict::Adjusted { .. }));
}

#[test]
fn an_entry_that_cannot_be_judged_is_rejected_and_counted() {
    let (mut cloud, mut car) = world(default_policy());
    car.mint(&cloud.policies, CHECK_IN, MORNING);
    car.mint(&cloud.policies, CHECK_IN, MORNING + 300);
    car.unsent[0].policy = PolicyVersion::new(7);
    car.unsent[1].receipt_at = at(MORNING + 2 * HOUR);
    let rows = car.sync(&mut cloud, MORNING + HOUR);
    for (row, reason) in rows
        .iter()
        .zip([Rejection::UnknownPolicy, Rejection::Implausible])
    {
        assert_eq!(verdict(row), &Verdict::Rejected { reason });
        assert_eq!((row.points, row.growth), (Points::ZERO, Growth::ZERO));
    }
    assert_eq!(cloud.account.balance(), Points::ZERO);
    assert_eq!(cloud.account.version, LedgerVersion::new(2));
    let chain = cloud.chains[&device(1)].chain;
    // A receipt from the future starts no new allowance later than the arrival.
    assert_eq!((chain.receipt_at, chain.entries), (at(MORNING + HOUR), 1));
}

#[test]
fn a_policy_that_has_run_out_pays_through_its_grace_and_no_longer() {
    let mut old = default_policy();
    old.valid_until = at(MORNING + DAY);
    old.grace_s = 86_400;
    let mut new = old.clone();
    new.version = PolicyVersion::new(2);
    new.valid_from = at(MORNING + DAY);
    new.valid_until = at(MORNING + 90 * DAY);
    new.rules[3].points = "2000".to_owned();
    new.caps
        .retain(|cap| !cap.id.as_str().starts_with("check-in"));
    for (days, expected) in [(1, 1), (2, 1), (3, 2)] {
        let (mut cloud, mut car) = world(old.clone());
        // The car was offline when the new version came out.
        let known = cloud.policies.clone();
        cloud.policies.insert(compiled(new.clone()));
        car.mint(&known, CHECK_IN, MORNING + days * DAY);
        let rows = car.sync(&mut cloud, MORNING + 10 * DAY);
        assert_eq!(rows[0].points, points(expected), "day {days}");
        let adjusted = Verdict::Adjusted {
            paid: verdict(&rows[0]).paid(),
            reasons: vec![Adjustment::Policy {
                version: PolicyVersion::new(2),
            }],
        };
        assert_eq!(*verdict(&rows[0]) == adjusted, expected == 2, "day {days}");
        // Once it knows both, it mints by the newer one.
        car.mint(&cloud.policies, CHECK_IN, MORNING + 11 * DAY);
        assert_eq!(car.unsent[0].policy, PolicyVersion::new(2));
    }
}

/// A car is told a policy before it begins: one that names it early earns by the rules, and within the limits, of the present one.
#[test]
fn a_policy_that_has_not_begun_values_nothing() {
    let old = default_policy();
    let mut new = old.clone();
    new.version = PolicyVersion::new(2);
    new.valid_from = at(MORNING + DAY + 2 * 60);
    new.rules[3].points = "2000".to_owned();
    new.caps
        .retain(|cap| !cap.id.as_str().starts_with("check-in"));
    // To five minutes: at three past, the car knows that the one of two past has begun.
    for (after_s, expected) in [(DAY - HOUR, 1), (DAY - 5 * 60, 1), (DAY + 3 * 60, 2)] {
        let (mut cloud, mut car) = world(old.clone());
        cloud.policies.insert(compiled(new.clone()));
        let mut early = new.clone();
        early.valid_from = at(MORNING);
        let early = Policies::new(compiled(early));
        car.mint(&early, CHECK_IN, MORNING + after_s);
        assert_eq!(car.unsent[0].policy, PolicyVersion::new(2));
        let rows = car.sync(&mut cloud, MORNING + 10 * DAY);
        assert_eq!(rows[0].points, points(expected), "{after_s} s");
    }
}

#[test]
fn a_thousandth_from_another_device_is_named() {
    let mut policy = default_policy();
    policy.rules[3].points = "500".to_owned();
    policy.caps.clear();
    let (mut cloud, mut one) = world(policy);
    let mut other = Car::new(2, &cloud, at(MORNING));
    one.mint(&cloud.policies, CHECK_IN, MORNING);
    other.mint(&cloud.policies, CHECK_IN, MORNING);
    one.sync(&mut cloud, MORNING + HOUR);
    let rows = other.sync(&mut cloud, MORNING + HOUR);
    assert_eq!(
        verdict(&rows[0]),
        &Verdict::Adjusted {
            paid: Paid {
                points: points(1),
                growth: Growth::new(1),
            },
            reasons: vec![Adjustment::Remainder {
                rule: rule("check-in")
            }],
        }
    );
}

fn limited(limit: AllowanceLimit) -> Policy {
    let mut policy = default_policy();
    policy.caps.clear();
    policy.allowance = Allowance {
        soft: limit,
        hard: limit,
        confirm_days: 3,
        meters_per_year: None,
    };
    policy
}

#[test]
fn beyond_the_hard_limit_an_award_is_held_and_paid_when_nobody_objects() {
    let far = AllowanceLimit {
        points: points(1_000),
        entries: 1_000,
        days: 90,
    };
    let by_points = AllowanceLimit {
        points: points(2),
        ..far
    };
    let by_entries = AllowanceLimit { entries: 2, ..far };
    let by_days = AllowanceLimit { days: 2, ..far };
    for limit in [by_points, by_entries, by_days] {
        let (mut cloud, mut car) = world(limited(limit));
        for day in 0..3 {
            car.mint(&cloud.policies, CHECK_IN, MORNING + day * DAY);
        }
        let expected = car.fold.settlements.clone();
        let arrival = MORNING + 3 * DAY;
        let rows = car.sync(&mut cloud, arrival);
        let paid = Paid {
            points: points(1),
            growth: Growth::new(1),
        };
        for row in &rows[..2] {
            assert_eq!(verdict(row), &Verdict::Accepted { paid }, "{limit:?}");
        }
        let held = Verdict::Review {
            paid,
            reason: ReviewReason::OverAllowance,
            until: at(arrival + 3 * DAY),
        };
        assert_eq!(verdict(&rows[2]), &held, "{limit:?}");
        assert!(matches!(verdict(&expected[2]), Verdict::Review { .. }));
        assert_eq!(
            (cloud.account.balance(), cloud.account.held_back()),
            (points(2), paid)
        );
        // A receipt starts the allowance again.
        let row = car.mint(&cloud.policies, CHECK_IN, arrival + HOUR);
        assert!(matches!(verdict(&row), Verdict::Accepted { .. }));
        let policy = cloud.policies.newest();
        assert_eq!(
            cloud
                .account
                .release(at(arrival + 3 * DAY - 1), &cloud.zone, policy),
            []
        );
        let mut objected = cloud.account.clone();
        let Cause::Entry { entry, .. } = rows[2].cause else {
            panic!("{rows:?}");
        };
        let refuse = |account: &mut Account| {
            account.refuse(entry, None, at(arrival), &cloud.zone, &cloud.policies)
        };
        assert!(refuse(&mut objected).is_some());
        assert_eq!(refuse(&mut objected), None);
        assert_eq!(objected.held_back(), Paid::NOTHING);
        let released = cloud
            .account
            .release(at(arrival + 3 * DAY), &cloud.zone, policy);
        assert_eq!(released.len(), 1);
        assert_eq!(
            (released[0].points, released[0].growth),
            (points(1), Growth::new(1))
        );
        assert_eq!(cloud.account.balance(), points(3));
        cloud.account.check().unwrap();
    }
}

#[test]
fn an_estimate_is_held_for_as_long_as_the_policy_says() {
    for (hold_days, grade, held) in [
        (0, Grade::Estimated, false),
        (5, Grade::Estimated, true),
        (5, Grade::Declared, false),
    ] {
        let mut policy = default_policy();
        policy.estimate_hold_days = hold_days;
        let (mut cloud, mut car) = world(policy);
        let charge = charge(18_000, 800, grade);
        car.mint(&cloud.policies, earn(Evidence::Charge(charge)), MORNING);
        let rows = car.sync(&mut cloud, MORNING + HOUR);
        let review = matches!(
            verdict(&rows[0]),
            Verdict::Review { reason: ReviewReason::Estimated, until, .. }
                if *until == at(MORNING + HOUR + 5 * DAY)
        );
        assert_eq!(review, held, "{hold_days} {grade:?}");
    }
}

/// A device that predicts nothing, or owes, reaches the limit like one that tells what it earns.
#[test]
fn the_points_limit_counts_what_is_earned() {
    let limit = AllowanceLimit {
        points: points(2),
        entries: 1_000,
        days: 90,
    };
    for predicted in [0, 1, i64::MIN, i64::MAX] {
        let (mut cloud, mut car) = world(limited(limit));
        for day in 0..3 {
            car.mint(&cloud.policies, CHECK_IN, MORNING + day * DAY);
            awards(car.unsent.last_mut().unwrap())[0].predicted = points(predicted);
        }
        let rows = car.sync(&mut cloud, MORNING + 3 * DAY);
        let held: Vec<bool> = rows
            .iter()
            .map(|row| matches!(verdict(row), Verdict::Review { .. }))
            .collect();
        assert_eq!(held, [false, false, true], "{predicted}");
        let minted = cloud.chains[&device(1)].chain.points;
        assert_eq!(minted, points(3), "{predicted}");
    }
}

/// A cloud whose clock was ten years ahead has counted an entry; what comes after it counts for its own day again.
#[test]
fn a_chain_that_a_wrong_clock_moved_ahead_goes_on_when_the_clock_is_right() {
    let (mut cloud, mut car) = world(default_policy());
    let ahead = MORNING + 3_652 * DAY;
    car.mint(&cloud.policies, CHECK_IN, MORNING);
    car.unsent[0].receipt_at = at(ahead);
    car.sync(&mut cloud, ahead);
    assert_eq!(cloud.chains[&device(1)].chain.cap_time, at(ahead));
    car.receipt_at = at(MORNING + HOUR);
    for day in 1..4 {
        car.mint(&cloud.policies, CHECK_IN, MORNING + day * DAY);
    }
    let rows = car.sync(&mut cloud, MORNING + 4 * DAY);
    for row in &rows {
        assert_eq!(row.points, points(1), "{row:?}");
    }
    let chain = cloud.chains[&device(1)].chain;
    assert!(chain.cap_time < at(MORNING + 4 * DAY));
    assert_eq!((chain.receipt_at, chain.entries), (at(MORNING + HOUR), 3));
}
