//! The rule profile: what it takes, what it gives, what it refuses.

use dashpoint_membership::policy::{EarningRule, Trigger};
use dashpoint_membership::profile::{EvalError, MAX_NESTING, MAX_OPERATORS, MAX_SOURCE_BYTES};
use dashpoint_membership::*;

use crate::support::*;

/// The only rule of a policy: pays `points` when `when` holds.
fn policy(on: Trigger, when: &str, points: &str) -> Result<CompiledPolicy, PolicyError> {
    let mut policy = default_policy();
    policy.caps.clear();
    policy.rules.retain(|rule| rule.id.as_str() == "safe-trip");
    policy.rules[0].on = on.into();
    policy.rules[0].when = when.to_owned();
    policy.rules[0].points = points.to_owned();
    policy.rules[0].growth = "0".to_owned();
    CompiledPolicy::compile(policy)
}

fn sample(on: Trigger) -> Transaction {
    match on {
        Trigger::Trip => earned(Evidence::Trip(trip(0, 12_000, 1_500))),
        Trigger::Charge => earned(Evidence::Charge(charge(18_000, 800, Grade::Declared))),
        Trigger::Discharge => earned(Evidence::Discharge(Discharge {
            discharged: MeterInterval::of_first(Meter::Discharged, 0, 4_000),
            started: None,
        })),
        Trigger::CheckIn => Transaction::Member {
            action: MemberAction::CheckIn,
            awards: Vec::new(),
        },
    }
}

fn value(on: Trigger, points: &str) -> Appraisal {
    let policy = policy(on, "true", points).unwrap_or_else(|error| panic!("{error}"));
    appraise(&policy, &sample(on), 0).remove(0)
}

#[test]
fn a_later_field_needs_its_profile() {
    let mut policy = default_policy();
    policy.rules[2].when = "hard_braking_s <= 2 && assisted_percent < 50".to_owned();
    policy.rule_profile = Some(2);
    let compiled = CompiledPolicy::compile(policy.clone()).unwrap();
    let mut harsh = trip(0, 12_000, 1_500);
    harsh.factors[0].against_ms = 2_999;
    harsh.assisted_percent = Some(49);
    let holds = |trip: &Trip| {
        let appraisals = appraise(&compiled, &earned(Evidence::Trip(trip.clone())), 0);
        appraisals[1].held
    };
    assert!(holds(&harsh));
    harsh.factors[0].against_ms = 3_000;
    assert!(!holds(&harsh), "three seconds of hard braking");
    harsh.factors.clear();
    assert!(holds(&harsh), "no signal for it");
    harsh.assisted_percent = Some(50);
    assert!(!holds(&harsh), "half of it was assisted");
    for profile in [None, Some(1)] {
        policy.rule_profile = profile;
        let refused = CompiledPolicy::compile_known(policy.clone()).unwrap_err();
        let text = "rule_profile: expected at least 2: a rule reads a field that rule profile 1 does not have";
        assert_eq!(refused.to_string(), text);
    }
}

#[test]
fn an_expression_gives_the_integer_that_cel_defines() {
    use Trigger::{Charge, CheckIn, Discharge, Trip};
    for (on, points, expected) in [
        (CheckIn, "1000", 1_000),
        (CheckIn, "1 + 2 * 3", 7),
        (CheckIn, "(1 + 2) * 3", 9),
        (CheckIn, "7 / 2", 3),
        (CheckIn, "10 + -7 / 2", 7),
        (CheckIn, "10 + -7 % 4", 7),
        (CheckIn, "- -5", 5),
        (CheckIn, "min(3, 1, 2) + max(4, 6)", 7),
        (CheckIn, "true ? 1 : false ? 2 : 3", 1),
        (CheckIn, "1 == 1 && (2 != 2 || !false) ? 5 : 6", 5),
        (CheckIn, "true == false ? 1 : true != false ? 2 : 3", 2),
        (CheckIn, "false && 1 / 0 == 1 ? 1 : 2", 2),
        (CheckIn, "1 / 0 == 1 && false ? 1 : 2", 2),
        (CheckIn, "1 / 0 == 1 || true ? 1 : 2", 1),
        (CheckIn, "true ? 1 : 1 / 0", 1),
        (Trip, "distance_m", 12_000),
        (Trip, "net_wh + used_wh - regained_wh", 3_000),
        (Trip, "score_x100 - missed_s + driving_min", 10_030),
        (Trip, "driving_s", 1_800),
        (Trip, "co2_avoided_g", 1_483),
        (Trip, "observed_factors", 1),
        (
            Trip,
            "hard_braking_observed && !unbuckled_observed ? 1 : 2",
            1,
        ),
        (
            Charge,
            "energy_wh * renewable_permille / 1000 - renewable_wh + 1",
            1,
        ),
        (
            Charge,
            "grade == declared ? 2 : grade == metered ? 1 : 3",
            2,
        ),
        (Charge, "current != dc && current == ac ? 1 : 0", 1),
        (Charge, "reconstructed ? 1 : 0", 0),
        (Discharge, "reconstructed ? energy_wh : 0", 4_000),
    ] {
        let appraisal = value(on, points);
        assert_eq!(appraisal.problem, None, "{points}");
        assert_eq!(appraisal.points, milli(expected), "{points}");
    }
}

#[test]
fn what_has_no_value_does_not_hold_and_is_reported() {
    let overflow = AppraisalProblem::Arithmetic(EvalError::Overflow);
    let zero = AppraisalProblem::Arithmetic(EvalError::DivisionByZero);
    for (points, problem) in [
        ("distance_m * 9223372036854775807", overflow),
        ("-(-9223372036854775807 - 1)", overflow),
        ("(-9223372036854775807 - 1) / -1", overflow),
        ("1 / missed_s", zero),
        ("1 % missed_s", zero),
        ("1 / 0 == 1 && true ? 1 : 1", zero),
        ("max(1, 1 / 0)", zero),
        ("0 - 1", AppraisalProblem::OutOfRange),
        ("1000000001", AppraisalProblem::OutOfRange),
    ] {
        let appraisal = value(Trigger::Trip, points);
        assert_eq!(appraisal.problem, Some(problem), "{points}");
        assert!(!appraisal.held && appraisal.points.is_zero(), "{points}");
    }
    assert_eq!(
        value(Trigger::Trip, "1000000000").points,
        EarningRule::PAYS_MAX
    );
}

#[test]
fn what_is_not_in_the_profile_is_refused_by_name() {
    let refusals: Vec<String> = [
        "1.5",
        "1e3",
        "5u",
        "'text'",
        "distance",
        "grade == metered ? 1 : 2",
        "[1, 2]",
        "{1: 2}",
        "distance_m.size",
        "distance_m.abs()",
        "size(distance_m)",
        "min(1)",
        "null",
        "distance_m in driving_s",
        "distance_m > 5",
        "true + 1",
        "!distance_m ? 1 : 2",
        "distance_m ? 1 : 2",
        "true ? 1 : false",
        "distance_m == true ? 1 : 2",
        "1 // comment",
        "99999999999999999999",
        "-9223372036854775808",
        "1 +",
        "",
        "(1",
        "has(distance_m)",
    ]
    .iter()
    .map(|source| match policy(Trigger::Trip, "true", source) {
        Ok(_) => format!("{source}: taken"),
        Err(PolicyError::Rule { problem, .. }) => format!("{source}: {problem}"),
        Err(other) => format!("{source}: {other}"),
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn a_refusal_names_the_rule_and_the_expression() {
    let refusals: Vec<String> = [
        (Trigger::Charge, "energy_wh"),
        (Trigger::CheckIn, "distance_m > 5"),
        (Trigger::Charge, "distance_m > 5"),
        (Trigger::Charge, "grade < declared"),
        (Trigger::Charge, "grade == dc"),
    ]
    .into_iter()
    .map(|(on, when)| {
        let error = policy(on, when, "1").unwrap_err();
        assert_eq!(error.rule(), Some(&rule("safe-trip")));
        error.to_string()
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn limits_are_checked_before_cel_sees_the_expression() {
    let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    let conditions = |count: usize| "true ? 1 : ".repeat(count) + "2";
    let sums = |count: usize| "1 + ".repeat(count) + "1";
    for (source, taken) in [
        (nested(MAX_NESTING), true),
        (nested(MAX_NESTING + 1), false),
        (nested(500), false),
        (conditions(MAX_NESTING), true),
        (conditions(MAX_NESTING + 1), false),
        (
            format!(
                "min({}, {})",
                conditions(MAX_NESTING - 1),
                conditions(MAX_NESTING - 1)
            ),
            true,
        ),
        (
            format!(
                "({}) + ({})",
                conditions(MAX_NESTING - 1),
                nested(MAX_NESTING - 1)
            ),
            true,
        ),
        (format!("({})", conditions(MAX_NESTING)), false),
        (sums(MAX_OPERATORS), true),
        (sums(MAX_OPERATORS + 1), false),
        ("-".repeat(MAX_OPERATORS) + "1", true),
        ("-".repeat(900) + "1", false),
        (format!("1{}", " ".repeat(MAX_SOURCE_BYTES - 1)), true),
        (format!("1{}", " ".repeat(MAX_SOURCE_BYTES)), false),
        (")".repeat(20), false),
        ("(".repeat(1_000), false),
    ] {
        let result = policy(Trigger::CheckIn, "true", &source);
        assert_eq!(result.is_ok(), taken, "{source}: {:?}", result.err());
    }
}

#[test]
fn the_largest_expression_fits_a_small_stack() {
    let deep = "(1 + ".repeat(MAX_NESTING) + "1" + &")".repeat(MAX_NESTING);
    let source = deep + &"-1".repeat(MAX_OPERATORS - MAX_NESTING);
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            value(
                Trigger::CheckIn,
                &format!("100 + {}", &source[..source.len() - 2]),
            )
            .points
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_shadow_rule_is_reported_and_pays_nothing() {
    let mut policy = default_policy();
    policy.rules[3].shadow = true;
    let policies = Policies::new(compiled(policy));
    let appraisal = appraise(policies.newest(), &sample(Trigger::CheckIn), 0).remove(0);
    assert!(appraisal.held && appraisal.shadow);
    assert_eq!(appraisal.points, milli(1_000));
    let cloud = Cloud::new(policies, at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    let row = car.mint(&cloud.policies, CHECK_IN, MORNING + HOUR);
    assert_eq!(
        verdict(&row),
        &Verdict::Accepted {
            paid: Paid::NOTHING
        }
    );
    assert_eq!(car.unsent[0].transaction().awards(), []);
}
