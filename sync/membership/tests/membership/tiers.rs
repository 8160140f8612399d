//! Tiers: reached at once, reviewed at their time.

use dashpoint_membership::policy::{Demotion, Policy};
use dashpoint_membership::*;

use crate::support::*;

/// Silver at 500, gold at 2,000, diamond at 6,000; a check-in gives the growth value that the test asks for.
fn policy(growth: i64, demotion: Demotion) -> Policy {
    let mut policy = default_policy();
    let check_in = policy
        .rules
        .iter_mut()
        .find(|rule| rule.id.as_str() == "check-in");
    let check_in = check_in.unwrap();
    check_in.points = "0".to_owned();
    check_in.growth = format!("{growth} * 1000");
    policy.tiers.demotion = demotion;
    policy
}

fn grown(growth: &[i64]) -> (Account, Vec<Settlement>) {
    let mut cloud = Cloud::new(
        Policies::new(compiled(policy(1, Demotion::OneStep))),
        at(MORNING),
    );
    let mut rows = Vec::new();
    for (number, growth) in (1..).zip(growth) {
        cloud.policies = Policies::new(compiled(policy(*growth, Demotion::OneStep)));
        let mut car = Car::new(number, &cloud, at(MORNING));
        car.mint(&cloud.policies, CHECK_IN, MORNING + HOUR);
        rows.extend(car.sync(&mut cloud, MORNING + i64::from(number) * DAY));
    }
    (cloud.account, rows)
}

fn tier(id: &str) -> TierId {
    TierId::new(id).unwrap()
}

#[test]
fn a_threshold_lifts_at_once_and_by_as_many_tiers_as_it_reaches() {
    let (account, rows) = grown(&[499, 1, 5_500, 0]);
    let promoted: Vec<_> = rows.iter().map(|row| row.promoted.clone()).collect();
    assert_eq!(
        promoted,
        [None, Some(tier("silver")), Some(tier("diamond")), None]
    );
    assert_eq!(
        (account.growth, account.growth_in_period),
        (Growth::new(6_000), Growth::ZERO)
    );
    // Twelve months after the third day, at the end of the day.
    let end = Zone::new("Asia/Shanghai")
        .unwrap()
        .end_of_day_after_months(at(MORNING + 3 * DAY), 12);
    assert_eq!(account.tier.until, Some(end));
    assert_eq!(account.tier.since, at(MORNING + 3 * DAY));
}

#[test]
fn a_review_keeps_the_tier_or_lowers_it() {
    for (in_period, demotion, expected, growth) in [
        (2_000, Demotion::OneStep, "gold", 2_000),
        (1_999, Demotion::OneStep, "silver", 1_999),
        (0, Demotion::OneStep, "silver", 0),
        (600, Demotion::ToFit, "silver", 600),
        (499, Demotion::ToFit, "basic", 499),
    ] {
        let (mut account, _) = grown(&[2_000, in_period]);
        assert_eq!(account.tier.tier, tier("gold"));
        let policy = compiled(policy(1, demotion));
        let until = account.tier.until.unwrap();
        let before = account.clone();
        assert_eq!(
            account.review_tier(&policy, until.plus_s(-1), &shanghai()),
            None
        );
        assert_eq!(account, before);
        let row = account.review_tier(&policy, until, &shanghai()).unwrap();
        assert_eq!(
            account.tier.tier,
            tier(expected),
            "{in_period} {demotion:?}"
        );
        assert_eq!(
            (account.growth, account.growth_in_period),
            (Growth::new(growth), Growth::ZERO)
        );
        assert_eq!(row.growth, Growth::new(growth - 2_000 - in_period));
        let cause = Cause::TierChanged {
            from: tier("gold"),
            to: tier(expected),
        };
        assert_eq!(row.cause, cause);
        assert_eq!(account.tier.since, until);
        assert_eq!(account.tier.until.is_none(), expected == "basic");
        account.check().unwrap();
    }
}

#[test]
fn after_an_outage_each_period_is_reviewed() {
    let (mut account, _) = grown(&[6_000, 100]);
    let policy = compiled(policy(1, Demotion::OneStep));
    let late = at(MORNING + 5 * 366 * DAY);
    let mut tiers = Vec::new();
    while let Some(_row) = account.review_tier(&policy, late, &shanghai()) {
        tiers.push(account.tier.tier.to_string());
    }
    assert_eq!(tiers, ["gold", "silver", "basic"]);
}

#[test]
fn reviews_by_a_clock_that_was_ahead_are_taken_back_newest_first() {
    let (mut account, _) = grown(&[6_000, 100]);
    let before = account.clone();
    let policy = compiled(policy(1, Demotion::OneStep));
    let (right, wrong) = (at(MORNING + 3 * DAY), at(MORNING + 5 * 366 * DAY));
    let mut reviews = Vec::new();
    while let Some(row) = account.review_tier(&policy, wrong, &shanghai()) {
        reviews.push(row);
    }
    assert_eq!(reviews.len(), 3);
    let oldest = &reviews[0];
    let take_back = |account: &mut Account, review: &Settlement| {
        account.reverse_review(review, &policy, right, &shanghai())
    };
    assert_eq!(take_back(&mut account, oldest), None, "not the newest");
    for review in reviews.iter().rev() {
        let row = take_back(&mut account, review).unwrap();
        assert_eq!(row.growth, Growth::ZERO.minus(review.growth));
        account.check().unwrap();
    }
    assert_eq!(account.tier.tier, before.tier.tier);
    assert_eq!(account.tier.until, before.tier.until);
    assert_eq!(account.growth, before.growth);
    assert_eq!(account.growth_in_period, before.growth_in_period);
    let day = |account: &Account| shanghai().local_day(account.tier.since);
    assert_eq!(day(&account), day(&before));
    assert_eq!(take_back(&mut account, oldest), None, "once");
    // A review whose time had come stays.
    let until = account.tier.until.unwrap();
    let due = account.review_tier(&policy, until, &shanghai()).unwrap();
    let after = account.reverse_review(&due, &policy, until, &shanghai());
    assert_eq!(after, None);
}

#[test]
fn a_tier_that_the_policy_dropped_is_replaced_by_the_one_that_fits() {
    let (mut account, _) = grown(&[2_100, 700]);
    let mut policy = policy(1, Demotion::OneStep);
    policy.tiers.ladder.retain(|step| step.id != tier("gold"));
    let until = account.tier.until.unwrap();
    account
        .review_tier(&compiled(policy), until, &shanghai())
        .unwrap();
    assert_eq!(account.tier.tier, tier("silver"));
}
