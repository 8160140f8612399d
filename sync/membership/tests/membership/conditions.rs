//! Each part of a condition is told with its field, what it asks for and what there was.

use dashpoint_membership::policy::Trigger;
use dashpoint_membership::profile::{Comparison, Facts, FieldValue, rule_fields};
use dashpoint_membership::*;

use crate::support::*;

fn facts(evidence: Evidence) -> Facts {
    Facts::of(&earned(evidence), 480, &default_policy().carbon).unwrap()
}

/// A trip of 12 km in 25 minutes with 90 seconds missed and a score of 88, and a declared charge with AC.
fn evidence(on: Trigger) -> Evidence {
    if on == Trigger::Charge {
        return Evidence::Charge(charge(18_000, 250, Grade::Declared));
    }
    let mut trip = trip(0, 12_000, 1_500);
    trip.score_x100 = 8_800;
    trip.missed_s = 90;
    trip.used_wh = 0;
    trip.regained_wh = 0;
    Evidence::Trip(trip)
}

#[test]
fn each_part_is_told_with_its_field_and_its_bound() {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    use Trigger::{Charge, Trip};
    type Told<'a> = (
        &'a str,
        Option<&'a str>,
        Option<Comparison>,
        Option<i64>,
        Option<i64>,
        bool,
    );
    let cases: [(Trigger, &str, &[Told<'_>]); 14] = [
        (
            Trip,
            "score_x100 >= 9000 && (distance_m > 2000 && used_wh > 0)",
            &[
                (
                    "score_x100 >= 9000",
                    Some("score_x100"),
                    Some(GreaterOrEqual),
                    Some(9_000),
                    Some(8_800),
                    false,
                ),
                (
                    "distance_m > 2000",
                    Some("distance_m"),
                    Some(Greater),
                    Some(2_000),
                    Some(12_000),
                    true,
                ),
                (
                    "used_wh > 0",
                    Some("used_wh"),
                    Some(Greater),
                    Some(0),
                    Some(0),
                    false,
                ),
            ],
        ),
        (
            Trip,
            "missed_s * 10 <= driving_min * 2",
            &[(
                "missed_s * 10 <= driving_min * 2",
                Some("missed_s"),
                Some(LessOrEqual),
                Some(6),
                Some(90),
                false,
            )],
        ),
        (
            Trip,
            "0x64 > missed_s",
            &[(
                "100 > missed_s",
                Some("missed_s"),
                Some(Less),
                Some(100),
                Some(90),
                true,
            )],
        ),
        (
            Trip,
            "1000 - missed_s * 3 < 400",
            &[(
                "1000 - missed_s * 3 < 400",
                Some("missed_s"),
                Some(Greater),
                Some(200),
                Some(90),
                false,
            )],
        ),
        (
            Trip,
            "!unbuckled_observed && !(distance_m < 3)",
            &[
                (
                    "!unbuckled_observed",
                    Some("unbuckled_observed"),
                    Some(Equal),
                    Some(0),
                    Some(0),
                    true,
                ),
                (
                    "!(distance_m < 3)",
                    Some("distance_m"),
                    Some(GreaterOrEqual),
                    Some(3),
                    Some(12_000),
                    true,
                ),
            ],
        ),
        (
            Trip,
            "unbuckled_observed == true && true != hard_braking_observed",
            &[
                (
                    "unbuckled_observed == true",
                    Some("unbuckled_observed"),
                    Some(Equal),
                    Some(1),
                    Some(0),
                    false,
                ),
                (
                    "true != hard_braking_observed",
                    Some("hard_braking_observed"),
                    Some(Equal),
                    Some(0),
                    Some(1),
                    false,
                ),
            ],
        ),
        (
            Trip,
            "distance_m / 0 > 3 && distance_m > 1 / used_wh",
            &[
                (
                    "distance_m / 0 > 3",
                    None,
                    Some(Greater),
                    Some(3),
                    None,
                    false,
                ),
                (
                    "distance_m > 1 / used_wh",
                    Some("distance_m"),
                    Some(Greater),
                    None,
                    Some(12_000),
                    false,
                ),
            ],
        ),
        (
            Trip,
            "(distance_m / (driving_min + 1)) >= 500",
            &[(
                "distance_m / (driving_min + 1) >= 500",
                None,
                Some(GreaterOrEqual),
                Some(500),
                Some(387),
                false,
            )],
        ),
        (
            Trip,
            "used_wh > 0 || score_x100 > 9500",
            &[(
                "used_wh > 0 || score_x100 > 9500",
                None,
                None,
                None,
                None,
                false,
            )],
        ),
        (Trip, "true", &[("true", None, None, None, None, true)]),
        (
            Trip,
            "distance_m > 50000 ? score_x100 > 1 : missed_s == 0",
            &[(
                "distance_m > 50000 ? score_x100 > 1 : missed_s == 0",
                Some("missed_s"),
                Some(Equal),
                Some(0),
                Some(90),
                false,
            )],
        ),
        (
            Charge,
            "energy_wh >= 500 && renewable_permille >= (grade == estimated ? 100 : 300)",
            &[
                (
                    "energy_wh >= 500",
                    Some("energy_wh"),
                    Some(GreaterOrEqual),
                    Some(500),
                    Some(18_000),
                    true,
                ),
                (
                    "renewable_permille >= (grade == estimated ? 100 : 300)",
                    Some("renewable_permille"),
                    Some(GreaterOrEqual),
                    Some(300),
                    Some(250),
                    false,
                ),
            ],
        ),
        (
            Charge,
            "grade != declared",
            &[(
                "grade != declared",
                Some("grade"),
                Some(NotEqual),
                Some(1),
                Some(1),
                false,
            )],
        ),
        (
            Charge,
            "min(energy_wh, 5) - -3 * 2 > 2 - (1 - 4)",
            &[(
                "min(energy_wh, 5) - -3 * 2 > 2 - (1 - 4)",
                None,
                Some(Greater),
                Some(5),
                Some(11),
                true,
            )],
        ),
    ];
    for (on, when, expected) in cases {
        let mut policy = default_policy();
        policy.caps.clear();
        policy.rules.truncate(1);
        policy.rules[0].on = on.into();
        policy.rules[0].when = when.to_owned();
        policy.rules[0].points = "1".to_owned();
        policy.rules[0].growth = "1".to_owned();
        let policy = compiled(policy);
        let (_, rule) = policy.rule(&rule("clean-charging")).unwrap();
        let told = rule.explain(&facts(evidence(on)));
        let told: Vec<Told<'_>> = told
            .iter()
            .map(|part| {
                (
                    part.source.as_str(),
                    part.field,
                    part.operator,
                    part.needed,
                    part.actual,
                    part.held,
                )
            })
            .collect();
        assert_eq!(told, expected, "{when}");
        let holds = expected.iter().all(|part| part.5);
        let appraisal = appraise(&policy, &earned(evidence(on)), 480).remove(0);
        assert_eq!(appraisal.held, holds, "{when}");
    }
}

#[test]
fn the_source_of_a_part_is_read_as_the_same_part() {
    let policy = default_policy();
    for rule in &policy.rules {
        let whole = |when: String| {
            let mut policy = policy.clone();
            for rule in &mut policy.rules {
                if rule.on == Trigger::Trip {
                    rule.when.clone_from(&when);
                }
            }
            let policy = compiled(policy);
            let (_, compiled) = policy
                .rules()
                .find(|(rule, _)| rule.on == Trigger::Trip)
                .unwrap();
            let parts = compiled.explain(&facts(evidence(Trigger::Trip)));
            parts
                .into_iter()
                .map(|part| part.source)
                .collect::<Vec<_>>()
                .join(" && ")
        };
        if rule.on == Trigger::Trip {
            assert_eq!(whole(rule.when.clone()), rule.when);
        }
    }
}

#[test]
fn a_rule_tells_which_fields_it_reads() {
    let policy = compiled(default_policy());
    let reads = |id: &str| -> Vec<&str> {
        let (_, found) = policy.rule(&rule(id)).unwrap();
        found.reads().into_iter().collect()
    };
    assert_eq!(
        reads("safe-trip"),
        [
            "distance_m",
            "driving_min",
            "hard_braking_observed",
            "missed_s",
            "score_x100"
        ]
    );
    assert_eq!(
        reads("clean-charging"),
        ["energy_wh", "grade", "renewable_permille", "renewable_wh"]
    );
    assert_eq!(reads("check-in"), [""; 0]);
}

#[test]
fn values_are_shown_as_a_rule_writes_them() {
    let shown = facts(evidence(Trigger::Charge)).shown();
    let find = |name: &str| shown.iter().find(|(known, _)| *known == name).unwrap().1;
    assert_eq!(find("grade"), FieldValue::Name("declared"));
    assert_eq!(find("reconstructed"), FieldValue::Boolean(false));
    assert_eq!(find("energy_wh"), FieldValue::Integer(18_000));
}

/// The tables of `docs/rules.md` in both languages list these fields, and no other.
#[test]
fn the_page_on_rules_lists_every_field() {
    let page = |path: &str| {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        std::fs::read_to_string(format!("{root}{path}")).unwrap()
    };
    let rows = |path: &str| -> Vec<Vec<String>> {
        let page = page(path);
        let begins = page.find("<!-- fields -->").unwrap();
        let table = page[begins..]
            .lines()
            .skip(1)
            .skip_while(|line| line.is_empty());
        let rows = table.take_while(|line| line.starts_with('|')).skip(2);
        rows.map(|row| {
            row.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
    };
    let fields: Vec<_> = rule_fields().collect();
    let english: Vec<Vec<String>> = fields
        .iter()
        .map(|field| {
            let on = serde_name(field.on);
            [
                &on,
                &format!("`{}`", field.name),
                field.kind,
                field.unit,
                field.about,
            ]
            .map(str::to_owned)
            .to_vec()
        })
        .collect();
    let in_page = rows("docs/rules.md");
    let fix: Vec<String> = english
        .iter()
        .map(|row| format!("| {} |", row.join(" | ")))
        .collect();
    assert_eq!(in_page, english, "the table should be\n{}", fix.join("\n"));
    let chinese = rows("docs/zh-CN/rules.md");
    let names = |rows: &[Vec<String>]| -> Vec<Vec<String>> {
        rows.iter().map(|row| row[..4].to_vec()).collect()
    };
    assert_eq!(names(&chinese), names(&english));
    let told = |cell: &str| !cell.is_ascii() || cell.starts_with('`');
    assert!(chinese.iter().all(|row| told(&row[4])), "{chinese:?}");
}

fn serde_name(on: Trigger) -> String {
    match on {
        Trigger::Trip => "trip",
        Trigger::Charge => "charge",
        Trigger::Discharge => "discharge",
        Trigger::CheckIn => "check-in",
    }
    .to_owned()
}
