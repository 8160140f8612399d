//! What a policy must be, and which version counts when.

use dashpoint_membership::policy::{CapOver, Expiry, Policy};
use dashpoint_membership::*;

use crate::support::*;

/// An older program let them be signed: a cloud that holds one must open, and a car must read it.
#[test]
fn sites_that_are_compared_alike_are_refused_before_signing_alone() {
    for (prefix, expected) in [
        ("cn-dsp-es", "a prefix that no other site has"),
        ("*", "a prefix of EVSE ids"),
    ] {
        let mut policy = default_policy();
        policy.sites[1].evse_prefix = prefix.to_owned();
        let policy = CompiledPolicy::compile(policy).unwrap();
        let refused = policy.check_sites().unwrap_err().to_string();
        assert_eq!(refused, format!("site {prefix:?}: expected {expected}"));
    }
    CompiledPolicy::compile(default_policy())
        .unwrap()
        .check_sites()
        .unwrap();
}

#[test]
fn each_wrong_part_of_a_policy_is_named() {
    type Damage = fn(&mut Policy);
    let cases: Vec<Damage> = vec![
        |policy| policy.valid_until = policy.valid_from,
        |policy| policy.zone_data.clear(),
        |policy| policy.points_per_yuan = 0,
        |policy| policy.rules[1].id = rule("clean-charging"),
        |policy| policy.rules[1].when = "energy_wh > 0".to_owned(),
        |policy| policy.rules[1].points = "true".to_owned(),
        |policy| policy.rules[1].growth = "1.5".to_owned(),
        |policy| policy.caps[1].id = cap("check-in-day"),
        |policy| policy.caps[1].points = points(-1),
        |policy| policy.caps[1].over = CapOver::Rule(rule("sharing")),
        |policy| policy.sites[0].renewable_permille = 1_001,
        |policy| policy.sites[0].evse_prefix.clear(),
        |policy| policy.sites[1].evse_prefix = policy.sites[0].evse_prefix.clone(),
        |policy| policy.windows[0].to_min = 0,
        |policy| policy.windows[1].to_min = 1_441,
        |policy| policy.windows[1].from_min = 359,
        |policy| policy.windows[1].renewable_permille = 1_001,
        |policy| policy.score.slope = "0".parse().unwrap(),
        |policy| policy.score.factors.swap(0, 1),
        |policy| policy.score.factors[0].coefficient = "0".parse().unwrap(),
        |policy| policy.score.factors[0].cap_percent = "-1".parse().unwrap(),
        |policy| policy.score.factors[0].unobserved_percent = "6".parse().unwrap(),
        |policy| policy.score.thresholds.brake_soft_mg = 300,
        |policy| policy.score.thresholds.turn_soft_mg = 400,
        |policy| policy.score.thresholds.headway_short_ms = 3_000,
        |policy| policy.score.late_hours[0].hour = 24,
        |policy| policy.score.late_hours[1].hour = 23,
        |policy| policy.score.late_hours[0].weight_percent = 101,
        |policy| policy.tiers.ladder.clear(),
        |policy| policy.tiers.ladder[0].threshold = Growth::new(1),
        |policy| policy.tiers.ladder[2].threshold = Growth::new(500),
        |policy| policy.tiers.ladder[2].id = policy.tiers.ladder[1].id.clone(),
        |policy| policy.tiers.months = 0,
        |policy| policy.expiry = Expiry::Months(0),
        |policy| policy.expiry = Expiry::CalendarYears(21),
        |policy| policy.remind_days = vec![30, 30],
        |policy| policy.allowance.soft.points = points(0),
        |policy| policy.allowance.soft.entries = 0,
        |policy| policy.allowance.soft.days = 0,
        |policy| policy.allowance.hard.entries = 299,
        |policy| policy.allowance.hard.days = 93,
    ];
    let told: Vec<String> = cases
        .into_iter()
        .map(|damage| {
            let mut policy = default_policy();
            damage(&mut policy);
            CompiledPolicy::compile(policy)
                .map_or_else(|error| error.to_string(), |_| "taken".to_owned())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_version_in_force_is_the_highest_that_has_begun() {
    let version = |number: u32, from: i64| {
        let mut policy = default_policy();
        policy.version = PolicyVersion::new(number);
        policy.valid_from = at(from);
        policy.valid_until = at(from + 10);
        compiled(policy)
    };
    let policies = Policies::of([version(3, 300), version(1, 100), version(2, 200)]).unwrap();
    for (time, expected) in [
        (0, 1),
        (100, 1),
        (199, 1),
        (200, 2),
        (299, 2),
        (300, 3),
        (9_999, 3),
    ] {
        assert_eq!(
            policies.in_force_at(at(time)).version().get(),
            expected,
            "at {time}"
        );
    }
    assert_eq!(policies.newest().version().get(), 3);
    assert!(policies.get(PolicyVersion::new(4)).is_none());
    assert!(Policies::of([]).is_none());
}

#[test]
fn a_version_that_is_held_is_never_replaced() {
    let mut policies = default_policies();
    let mut other = default_policy();
    other.points_per_yuan = 1;
    policies.insert(compiled(other));
    assert_eq!(policies.newest().policy().points_per_yuan, 10);
}

#[test]
fn a_catalogue_that_does_not_fit_the_policy_is_refused() {
    let catalogue: Catalogue = toml::from_str(DEFAULT_CATALOGUE_TOML).unwrap();
    let policy = compiled(default_policy());
    type Damage = fn(&mut Catalogue);
    let cases: [Damage; 4] = [
        |catalogue| catalogue.benefits[1].id = catalogue.benefits[0].id.clone(),
        |catalogue| catalogue.benefits[1].price = points(-1),
        |catalogue| catalogue.benefits[1].tier = TierId::new("platinum").unwrap(),
        |catalogue| catalogue.benefits[1].valid_days = 0,
    ];
    for damage in cases {
        let mut catalogue = catalogue.clone();
        damage(&mut catalogue);
        let error = catalogue.check(&policy).unwrap_err().to_string();
        assert!(error.contains(catalogue.benefits[1].id.as_str()), "{error}");
    }
}

#[test]
fn a_cap_knows_what_it_is_over() {
    let policy = default_policy();
    let over = |id: &str, kind| -> Vec<&str> {
        let caps = policy
            .caps
            .iter()
            .filter(|cap| cap.applies_to(&rule(id), kind));
        caps.map(|cap| cap.id.as_str()).collect()
    };
    assert_eq!(
        over("check-in", EntryKind::CheckIn),
        [
            "check-in-day",
            "check-in-year",
            "all-day",
            "all-month",
            "all-year"
        ]
    );
    assert_eq!(
        over("safe-trip", EntryKind::Trip),
        [
            "safe-trip-day",
            "trip-day",
            "all-day",
            "all-month",
            "all-year"
        ]
    );
}
