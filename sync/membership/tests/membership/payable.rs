//! Rules that can never pay are refused before they are signed; one that can pay never is.

use dashpoint_membership::policy::{CapOver, Trigger, Unpayable};
use dashpoint_membership::*;
use proptest::prelude::*;

use crate::support::*;

/// A policy with one rule.
fn with_rule(on: Trigger, when: &str, points: &str, growth: &str) -> CompiledPolicy {
    let mut policy = default_policy();
    policy.caps.clear();
    policy.rules.truncate(1);
    policy.rules[0].on = on.into();
    policy.rules[0].when = when.to_owned();
    policy.rules[0].points = points.to_owned();
    policy.rules[0].growth = growth.to_owned();
    CompiledPolicy::compile(policy).unwrap_or_else(|error| panic!("{when}; {points}: {error}"))
}

#[test]
fn a_rule_that_never_pays_is_refused_by_name_with_its_reason() {
    use Trigger::{Charge, CheckIn, Trip};
    let told: Vec<String> = [
        (Trip, "true", "-5000", "0"),
        (Trip, "true", "0 - distance_m", "0"),
        (Trip, "true", "distance_m / 0", "0"),
        (Trip, "true", "distance_m % (3 - 3)", "0"),
        (Trip, "true", "distance_m * 9223372036854775807", "0"),
        (Trip, "true", "(distance_m + 1) * 9223372036854775807", "0"),
        (Trip, "true", "distance_m * 9223372036854775807 / 1000", "0"),
        (Trip, "true", "1000000001", "0"),
        (Trip, "true", "1000", "-1"),
        (Trip, "true", "0", "0"),
        (Trip, "true", "distance_m - distance_m", "missed_s * 0"),
        (Trip, "1 > 2", "1000", "0"),
        (Trip, "false", "1000", "0"),
        (Trip, "distance_m > distance_m", "1000", "0"),
        (Trip, "score_x100 > 10000", "1000", "0"),
        (
            Trip,
            "score_x100 >= 9000 && distance_m >= 5000 && distance_m < 2000",
            "1000",
            "0",
        ),
        (Trip, "missed_s == 0", "1000 / missed_s", "0"),
        (
            Trip,
            "missed_s * 10 > driving_min && missed_s < 1 && driving_min > 9",
            "1000",
            "0",
        ),
        (Trip, "1 / 0 > 1", "1000", "0"),
        (Trip, "distance_m % 2 == 2", "1000", "0"),
        (Trip, "distance_m * 2 == 7", "1000", "0"),
        (
            Trip,
            "hard_braking_observed && !hard_braking_observed",
            "1000",
            "0",
        ),
        (Charge, "renewable_permille > 1000", "1000", "0"),
        (Charge, "grade == metered && grade == declared", "1000", "0"),
        (
            Charge,
            "energy_wh >= 500 && (renewable_permille < 0 || energy_wh < 500)",
            "1000",
            "0",
        ),
        (
            Charge,
            "true",
            "grade == metered ? -1 : grade == declared ? 0 : -5",
            "0",
        ),
        (Charge, "true", "min(-1, renewable_wh)", "0"),
        (CheckIn, "true", "9223372036854775807 + 1", "0"),
        (CheckIn, "1 == 2 || false", "1000", "0"),
    ]
    .into_iter()
    .map(|(on, when, points, growth)| {
        let error = with_rule(on, when, points, growth).check_payable();
        let error = error.expect_err(&format!("{when}; {points}; {growth}"));
        assert_eq!(error.rule(), Some(&rule("clean-charging")));
        error.to_string()
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_rule_that_pays_for_some_evidence_is_not_refused() {
    use Trigger::{Charge, CheckIn, Discharge, Trip};
    compiled(default_policy()).check_payable().unwrap();
    for (on, when, points, growth) in [
        (CheckIn, "true", "1", "0"),
        (CheckIn, "true", "0", "1"),
        (CheckIn, "false || 1 < 2", "1000000000", "0"),
        (Trip, "true", "distance_m - 28000000", "0"),
        (Trip, "true", "1000 / missed_s", "0"),
        (Trip, "1 / missed_s > 0 || true", "10", "0"),
        (Trip, "true", "distance_m * 1000000000", "0"),
        (
            Trip,
            "missed_s * 10 <= driving_min * 60",
            "5000 - score_x100",
            "0",
        ),
        (Trip, "net_wh < 0 && co2_avoided_g < 0", "-net_wh", "0"),
        (Trip, "co2_avoided_g > 9000000000000", "1", "0"),
        (Trip, "distance_m % 7 == 6 && distance_m != 6", "1", "0"),
        (
            Trip,
            "driving_s == 259200 && distance_m == 28800000",
            "1",
            "0",
        ),
        (
            Charge,
            "grade == estimated && current == unknown && reconstructed",
            "renewable_wh % 3",
            "0",
        ),
        (
            Charge,
            "renewable_permille == 1000 && energy_wh == 2000000",
            "1",
            "0",
        ),
        (Discharge, "!reconstructed", "energy_wh * -1 + 2", "0"),
    ] {
        let checked = with_rule(on, when, points, growth).check_payable();
        assert_eq!(checked, Ok(()), "{when}; {points}; {growth}");
    }
}

#[test]
fn a_shadow_rule_may_be_worth_nothing_and_must_be_able_to_hold() {
    let shadow = |when: &str, points: &str| {
        let mut policy = with_rule(Trigger::Trip, when, points, "0").policy().clone();
        policy.rules[0].shadow = true;
        compiled(policy).check_payable()
    };
    assert_eq!(shadow("distance_m > 1000", "0"), Ok(()));
    for (when, points) in [("1 > 2", "0"), ("true", "1 / 0")] {
        let refused = shadow(when, points);
        assert!(
            matches!(
                &refused,
                Err(PolicyError::Unpayable {
                    problem: Unpayable::NeverHolds { .. } | Unpayable::AlwaysFails(_),
                    ..
                })
            ),
            "{refused:?}"
        );
    }
}

/// A cap without room over a rule leaves it nothing; over a rule that pays no points, or only reports, it takes nothing.
#[test]
fn a_cap_without_room_is_refused_only_over_a_rule_that_pays_points() {
    let capped = |points: &str, growth: &str, shadow: bool, over: CapOver| {
        let mut policy = with_rule(Trigger::Trip, "true", points, growth)
            .policy()
            .clone();
        policy.rules[0].shadow = shadow;
        policy.caps = default_policy().caps;
        policy.caps.truncate(1);
        policy.caps[0].over = over;
        policy.caps[0].points = Points::ZERO;
        compiled(policy).check_payable()
    };
    let own = || CapOver::Rule(rule("clean-charging"));
    for over in [own(), CapOver::Kind(Trigger::Trip.into()), CapOver::All] {
        let refused = capped("1000", "1000", false, over.clone());
        assert!(
            matches!(&refused, Err(PolicyError::CapWithoutRoom { index: 0, .. })),
            "{over:?}: {refused:?}"
        );
    }
    assert_eq!(capped("0", "1000", false, own()), Ok(()));
    assert_eq!(capped("1000", "0", true, own()), Ok(()));
    let other = CapOver::Kind(Trigger::Charge.into());
    assert_eq!(capped("1000", "0", false, other), Ok(()));
}

fn integer() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "distance_m",
            "missed_s",
            "used_wh",
            "net_wh",
            "score_x100",
            "driving_min",
            "0",
            "1",
            "-1",
            "3",
            "1000",
            "9999",
            "-7",
            "1000000000",
            "9223372036854775807",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let sign = prop::sample::select(vec!["+", "-", "*", "/", "%"]);
        prop_oneof![
            (inner.clone(), sign, inner.clone())
                .prop_map(|(left, sign, right)| format!("({left} {sign} {right})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("min({one}, {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("max({one}, {other})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(bound, yes, no)| format!("({bound} > 3 ? {yes} : {no})")),
        ]
    })
}

fn boolean() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]);
    let leaf = prop_oneof![
        (integer(), sign, integer())
            .prop_map(|(left, sign, right)| format!("{left} {sign} {right}")),
        prop::sample::select(vec!["true", "false", "hard_braking_observed"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} && {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} || {other})")),
            inner.clone().prop_map(|one| format!("!({one})")),
            (inner.clone(), inner).prop_map(|(one, other)| format!("(({one}) == ({other}))")),
        ]
    })
}

fn any_trip() -> impl Strategy<Value = Trip> {
    let metres = prop_oneof![1_u64..9, 1_000_u64..90_000, Just(28_800_000)];
    let wh = || prop_oneof![Just(0_u32), 1_u32..40_000, Just(72_000_000)];
    (
        metres,
        wh(),
        wh(),
        0_u16..=10_000,
        0_u32..3_000,
        any::<bool>(),
    )
        .prop_map(
            |(metres, used_wh, regained_wh, score_x100, missed_s, observed)| {
                let mut trip = trip(0, metres, 1_500);
                trip.used_wh = used_wh;
                trip.regained_wh = regained_wh;
                trip.score_x100 = score_x100;
                trip.missed_s = missed_s;
                trip.factors.truncate(usize::from(observed));
                trip
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn whatever_pays_for_some_evidence_passes(
        when in boolean(),
        points in integer(),
        trips in prop::collection::vec(any_trip(), 24),
    ) {
        let mut policy = default_policy();
        policy.caps.clear();
        policy.rules.truncate(1);
        policy.rules[0].on = Trigger::Trip.into();
        policy.rules[0].when = when.clone();
        policy.rules[0].points = points.clone();
        policy.rules[0].growth = "0".to_owned();
        // Some are too long or nest too deep.
        let Ok(policy) = CompiledPolicy::compile(policy) else {
            return Ok(());
        };
        let pays = trips.into_iter().any(|trip| {
            let appraisals = appraise(&policy, &earned(Evidence::Trip(trip)), 0);
            appraisals[0].points > Milli::ZERO
        });
        let checked = policy.check_payable();
        prop_assert!(!pays || checked.is_ok(), "{when}; {points}: {checked:?}");
    }
}
