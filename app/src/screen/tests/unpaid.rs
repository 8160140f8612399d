//! Each kind of unpaid entry shows its own true reason, with the shipped policy, in both languages, on screen and command line.

use dashpoint_membership::policy::Policy;
use dashpoint_membership::{
    CompiledPolicy, DEFAULT_POLICY_TOML, Evidence, Factor, Grade, Meter, MeterInterval,
    PolicyVersion, Trip,
};
use dashpoint_ui::activity::activity;
use dashpoint_ui::locale::{Language, Locale};
use dashpoint_ui::model::{Failed, RowData, RowOutcome};
use dashpoint_ui::nav::Nav;
use dashpoint_ui::reason::reason;
use dashpoint_ui::unpaid::unpaid_in_words;
use dashpoint_ui::{Fact, Reason};
use jiff::tz::TimeZone;

use super::world::{NOW, World, charge, trip};
use crate::cli::reasons;

/// A trip with a perfect score on which no CO2 is avoided, changed.
pub(super) fn changed(metres: u64, change: impl FnOnce(&mut Trip)) -> Evidence {
    let Evidence::Trip(mut trip) = trip(0, metres, 9_900) else {
        unreachable!("a trip");
    };
    change(&mut trip);
    Evidence::Trip(trip)
}

/// The sentence of the screen in both languages, as it is handed to the page, and the words of the command line.
pub(super) fn told(row: &RowData) -> String {
    let shown = [Language::English, Language::Chinese].map(|language| {
        let locale = Locale {
            language,
            zone: TimeZone::UTC,
        };
        let (reason, a, b) = reason(row, &locale, NOW);
        format!("{reason:?}({a}; {b})")
    });
    let typed =
        [Language::English, Language::Chinese].map(|language| match (&row.outcome, &row.cut) {
            (RowOutcome::Nothing(failed), _) => {
                unpaid_in_words(language, Some(failed), &row.unpaid)
            }
            (_, Some(limit)) => reasons::cut(language, limit),
            (outcome, None) => format!("{outcome:?}"),
        });
    format!("{} | {}", shown.join(" | "), typed.join(" | "))
}

#[test]
fn each_condition_of_the_shipped_policy_shows_its_own_reason() {
    let cases = [
        (
            "share too low, metered",
            charge(18_000, 299, Grade::Metered),
        ),
        (
            "share too low, declared",
            charge(18_000, 250, Grade::Declared),
        ),
        (
            "share too low, estimated",
            charge(18_000, 90, Grade::Estimated),
        ),
        ("energy too small", charge(400, 800, Grade::Declared)),
        ("distance", changed(300, |trip| trip.used_wh = 30)),
        ("score", changed(30_000, |trip| trip.score_x100 = 8_800)),
        (
            "braking not observed",
            changed(30_000, |trip| trip.factors.clear()),
        ),
        (
            "missed seconds",
            changed(30_000, |trip| trip.missed_s = 600),
        ),
        (
            "no energy on the bus",
            changed(1_000, |trip| trip.used_wh = 0),
        ),
        (
            "nothing avoided, and a score too low by far more conditions",
            changed(30_000, |trip| {
                trip.score_x100 = 8_800;
                trip.factors.clear();
            }),
        ),
    ];
    let lines: Vec<String> = cases
        .into_iter()
        .map(|(kind, evidence)| {
            let mut world = World::new();
            world.earn(evidence);
            let rows = world.rows();
            assert!(
                matches!(rows[0].outcome, RowOutcome::Nothing(_)),
                "{kind}: {:?}",
                rows[0]
            );
            format!("{kind}: {}", told(&rows[0]))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// Less than a point is carried on, or was taken by a full cap.
#[test]
fn less_than_a_point_is_carried_on_or_names_the_cap_that_took_it() {
    let small = || {
        changed(1_000, |trip| {
            trip.used_wh = 10;
            trip.score_x100 = 5_000;
        })
    };
    let mut world = World::new();
    world.earn(small());
    let carried = told(&world.rows()[0]);
    assert!(carried.starts_with("CarriedOn(0."), "{carried}");
    assert!(carried.contains("carried on to the next"), "{carried}");

    // Charging and driving safely fill the day; the same trip after them finds no room.
    let mut world = World::new();
    for _ in 0..6 {
        world.earn(charge(18_000, 800, Grade::Metered));
    }
    world.earn(trip(0, 200_000, 9_900));
    world.earn(small());
    let cut = told(&world.rows()[0]);
    assert!(
        cut.starts_with("CapReached(100 a day for all points"),
        "{cut}"
    );
}

/// The reason is that of the rules that the entry was valued by, whatever is in force today.
#[test]
fn the_reason_is_that_of_the_entrys_own_policy() {
    let mut world = World::new();
    world.earn(charge(18_000, 250, Grade::Declared));
    let before = world.rows()[0].outcome.clone();
    let mut next = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    next.version = PolicyVersion::new(2);
    next.valid_from = NOW.plus_s(-60);
    next.rules[0].when = "energy_wh >= 90000".to_owned();
    world
        .books
        .take_policy(CompiledPolicy::compile(next).unwrap());
    assert_eq!(world.rows()[0].outcome, before);
    assert_eq!(
        before,
        RowOutcome::Nothing(Failed::Renewable {
            got_permille: 250,
            needed_permille: 300
        })
    );
}

/// A condition that has no words of its own is told as the rule has it; a rule without an amount is told as such.
#[test]
fn what_has_no_words_of_its_own_is_told_by_its_rule() {
    for (when, points, evidence, expected) in [
        (
            "distance_m / 1000 > 50",
            "1000",
            trip(0, 30_000, 9_900),
            Failed::Condition {
                rule: title(),
                source: "distance_m / 1000 > 50".to_owned(),
            },
        ),
        (
            "observed_factors == 6 && true",
            "1000",
            trip(0, 30_000, 9_900),
            Failed::Condition {
                rule: title(),
                source: "observed_factors == 6".to_owned(),
            },
        ),
        (
            "unbuckled_observed",
            "1000",
            trip(0, 30_000, 9_900),
            Failed::Unobserved {
                factor: Factor::Unbuckled,
            },
        ),
        (
            "true",
            "1000 / missed_s",
            trip(0, 30_000, 9_900),
            Failed::NoAmount { rule: title() },
        ),
        (
            "true",
            "missed_s",
            trip(0, 30_000, 9_900),
            Failed::TooLittle,
        ),
    ] {
        let mut world = World::new();
        let mut policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
        policy.rules.retain(|rule| rule.id.as_str() == "safe-trip");
        policy.caps.clear();
        policy.version = PolicyVersion::new(2);
        policy.valid_from = NOW.plus_s(-7_200);
        policy.rules[0].when = when.to_owned();
        policy.rules[0].points = points.to_owned();
        policy.rules[0].growth = "0".to_owned();
        world
            .books
            .take_policy(CompiledPolicy::compile(policy).unwrap());
        world.earn(evidence);
        assert_eq!(
            world.rows()[0].outcome,
            RowOutcome::Nothing(expected),
            "{when}"
        );
    }
    let mut world = World::new();
    world.earn(Evidence::Discharge(dashpoint_membership::Discharge {
        discharged: MeterInterval::of_first(Meter::Discharged, 0, 4_000),
        started: None,
    }));
    let row = &world.rows()[0];
    assert_eq!(row.outcome, RowOutcome::Nothing(Failed::NoRule));
    assert!(told(row).starts_with(&format!("{:?}(; )", Reason::NoRule)));
}

fn title() -> dashpoint_membership::Text {
    dashpoint_membership::Text {
        en: "Safe trip".to_owned(),
        zh: "安全出行".to_owned(),
    }
}

/// A trip without an energy signal tells no energy and no avoided emissions, and every rule that it lacks, on its page and in the
/// list.
#[test]
fn a_trip_without_energy_tells_none_and_each_rule_tells_its_reason() {
    let mut world = World::new();
    world.earn(changed(30_000, |trip| {
        trip.used_wh = 0;
        trip.score_x100 = 5_947;
    }));
    let data = world.data();
    let trip = data.trip.as_ref().unwrap();
    assert_eq!(trip.co2_avoided_g, None);
    for (language, clean, safe) in [
        (
            Language::English,
            "Clean driving: ",
            "Safe trip: the score 59.47",
        ),
        (Language::Chinese, "清洁驾驶：", "安全出行：驾驶评分 59.47"),
    ] {
        let locale = Locale {
            language,
            zone: TimeZone::UTC,
        };
        let page = dashpoint_ui::trip::trip(trip, &locale, NOW);
        assert_eq!(
            (page.shown.reason, page.shown.co2.as_str()),
            (Reason::EachRule, "")
        );
        let facts: Vec<Fact> = page.facts.iter().map(|line| line.fact).collect();
        assert_eq!(facts, [Fact::DrivingTime, Fact::EnergyUnknown]);
        let list = activity(&data.activity, &Nav::new(), false, &locale, NOW);
        assert_eq!(list.detail.row.reason, Reason::EachRule);
        let is_told = |fact: Fact| list.evidence.iter().any(|line| line.fact == fact);
        assert!(is_told(Fact::EnergyUnknown) && !is_told(Fact::EnergyUsed));
        for lines in [&page.unpaid, &list.unpaid] {
            assert_eq!(lines.len(), 2, "{lines:?}");
            assert!(
                lines[0].starts_with(clean) && lines[1].starts_with(safe),
                "{lines:?}"
            );
        }
    }
}

/// A trip that one rule pays tells why another does not.
#[test]
fn a_trip_that_one_rule_pays_tells_why_another_does_not() {
    let mut world = World::new();
    world.earn(changed(60_000, |trip| {
        trip.used_wh = 6_000;
        trip.score_x100 = 8_735;
    }));
    let row = &world.rows()[0];
    assert!(matches!(row.outcome, RowOutcome::AwaitingConnection { .. }));
    assert_eq!(
        unpaid_in_words(Language::English, None, &row.unpaid),
        "Safe trip: the score 87.35 is below 90.00"
    );
}
