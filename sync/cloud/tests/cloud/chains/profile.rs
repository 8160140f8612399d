//! Expressions of the rule profile, and such as are none: what each gives for one evidence of each trigger.

use dashpoint_membership::policy::Trigger;
use dashpoint_membership::*;
use serde_json::{Map, Value, json};

use crate::support::*;

/// The vector `profile.json`.
pub fn vector() -> Value {
    let triggers = [
        Trigger::Trip,
        Trigger::Charge,
        Trigger::Discharge,
        Trigger::CheckIn,
    ];
    let facts: Map<_, _> = triggers
        .into_iter()
        .map(|on| (name(on), facts(on)))
        .collect();
    let expressions = expressions().into_iter().map(|(on, points)| {
        let outcome = outcome(on, &points);
        json!({ "on": name(on), "points": points, "outcome": outcome })
    });
    json!({
        "about": "Expressions for `points` of a rule over these fields: what they give, \"nothing\" when the rule does not \
                  hold, \"refused\" when no policy may have them.",
        "fields": facts,
        "expressions": expressions.collect::<Vec<_>>(),
    })
}

fn name(on: Trigger) -> String {
    serde_json::to_value(on)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

fn appraised(on: Trigger, points: &str) -> Option<Appraisal> {
    let mut policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
    policy.caps.clear();
    policy.rules.truncate(1);
    policy.rules[0].on = on.into();
    policy.rules[0].when = "true".to_owned();
    policy.rules[0].points = points.to_owned();
    policy.rules[0].growth = "0".to_owned();
    let policy = CompiledPolicy::compile(policy).ok()?;
    Some(appraise(&policy, &sample(on), 120).remove(0))
}

fn outcome(on: Trigger, points: &str) -> Value {
    match appraised(on, points) {
        None => json!("refused"),
        Some(appraisal) if appraisal.held => json!(appraisal.points),
        Some(_) => json!("nothing"),
    }
}

/// The fields by name; values of enumerations by their names too.
fn facts(on: Trigger) -> Value {
    let fields = appraised(on, "1").unwrap().fields.into_iter();
    let named = fields.map(|(name, value)| {
        let place = usize::try_from(value).unwrap_or_default();
        let value = match name {
            "grade" => json!(["metered", "declared", "estimated"][place]),
            "current" => json!(["ac", "dc", "unknown"][place]),
            _ if name == "reconstructed" || name.ends_with("_observed") => json!(value != 0),
            _ => json!(value),
        };
        (name.to_owned(), value)
    });
    Value::Object(named.collect())
}

fn sample(on: Trigger) -> Transaction {
    let evidence = match on {
        Trigger::Trip => Evidence::Trip(Trip {
            missed_s: 120,
            assisted_percent: Some(37),
            braking_resolution_s: Some(30),
            ..trip(1_000, 12_345)
        }),
        Trigger::Charge => Evidence::Charge(Charge {
            renewable_permille: 637,
            grade: Grade::Declared,
            ..charge(1_000, 18_001)
        }),
        Trigger::Discharge => Evidence::Discharge(Discharge {
            discharged: MeterInterval::of_first(Meter::Discharged, 10, 4_010),
            started: None,
        }),
        Trigger::CheckIn => {
            return Transaction::Member {
                action: MemberAction::CheckIn,
                awards: Vec::new(),
            };
        }
    };
    Transaction::Earn {
        evidence,
        digest: EvidenceDigest::from_bytes([9; 32]),
        awards: Vec::new(),
    }
}

fn expressions() -> Vec<(Trigger, String)> {
    let texts = [
        (Trigger::CheckIn, CHECK_INS),
        (Trigger::Trip, TRIPS),
        (Trigger::Charge, CHARGES),
        (Trigger::Discharge, DISCHARGES),
    ];
    let mut all: Vec<_> = texts
        .into_iter()
        .flat_map(|(on, texts)| texts.iter().map(move |text| (on, (*text).to_owned())))
        .collect();
    let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    let conditions = |count: usize| "true ? 1 : ".repeat(count) + "2";
    let bounds = [
        nested(8),
        nested(9),
        conditions(8),
        conditions(9),
        format!("min({}, {})", conditions(7), conditions(7)),
        format!("({}) + ({})", conditions(7), nested(7)),
        format!("({})", conditions(8)),
        "1 + ".repeat(64) + "1",
        "1 + ".repeat(65) + "1",
        "-".repeat(64) + "1",
        "-".repeat(65) + "1",
        format!("1{}", " ".repeat(1_023)),
        format!("1{}", " ".repeat(1_024)),
    ];
    all.extend(bounds.map(|text| (Trigger::CheckIn, text)));
    all
}

/// Grammar, precedence, integers.
const CHECK_INS: &[&str] = &[
    "1000",
    "007",
    "0x1f",
    "0xAB",
    "1 + 2 * 3",
    "(1 + 2) * 3",
    "100 - 30 - 20",
    "100 / 10 / 5",
    "7 / 2",
    "10 + -7 / 2",
    "10 + -7 % 4",
    "10 + 7 % -4",
    "10 - -7",
    "10--7",
    "- -5",
    "-(-5)",
    "--5",
    "---5",
    "-!true",
    "!-1",
    "!!true ? 1 : 2",
    "!!!true ? 1 : 2",
    "true ? 1 : false ? 2 : 3",
    "true ? false ? 1 : 2 : 3",
    "true ? (false ? 1 : 2) : 3",
    "1 == 1 && (2 != 2 || !false) ? 5 : 6",
    "true || false && false ? 1 : 2",
    "1 < 2 == true ? 1 : 2",
    "1 < 2 < 3 ? 1 : 2",
    "true == false ? 1 : true != false ? 2 : 3",
    "1 == true ? 1 : 2",
    "true < false ? 1 : 2",
    "true ? 1 : false",
    "true ? 1 : 1 / 0",
    "false ? 1 / 0 : 1",
    "1 / 0 == 1 ? 1 : 2",
    "false && 1 / 0 == 1 ? 1 : 2",
    "1 / 0 == 1 && false ? 1 : 2",
    "1 / 0 == 1 || true ? 1 : 2",
    "1 / 0 == 1 && true ? 1 : 2",
    "1 / 0 == 1 || 1 % 0 == 1 ? 1 : 2",
    "(1 / 0 == 1 && true) || true ? 1 : 2",
    "!(1 / 0 == 1) || true ? 1 : 2",
    "(1 / 0 == 1) == true || true ? 3 : 4",
    "max(1, 1 / 0)",
    "min(3, 1, 2) + max(4, 6)",
    "min(1)",
    "min()",
    "min (2, 3)",
    "max(1, 2,)",
    "min",
    "minimum(1, 2)",
    "9223372036854775807 / 9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808 / -9223372036854775807",
    "9223372036854775807 + 1 - 9223372036854775807",
    "(0 - 9223372036854775807 - 1) / -1",
    "(0 - 9223372036854775807 - 1) % -1",
    "1000000000",
    "1000000001",
    "0 - 1",
    "0",
    "1_000",
    "1.5",
    "1e3",
    "5u",
    "'1'",
    "null",
    "[1]",
    "{1: 2}",
    "1 // 2",
    "1 /2",
    "1 /\t2\r\n",
    "1 +",
    "",
    " ",
    "(1",
    "1)",
    "1 2",
    "true",
    "true + 1",
    "1 in 2",
    "1 = 1",
    "1 & 2",
    "a",
    "TRUE",
    "distance_m",
    "metered == metered ? 1 : 2",
    "has(true)",
];

const TRIPS: &[&str] = &[
    "distance_m",
    "driving_min",
    "missed_s",
    "used_wh",
    "regained_wh",
    "net_wh",
    "score_x100",
    "co2_avoided_g",
    "observed_factors",
    "hard_braking_observed ? 1 : 0",
    "unbuckled_observed ? 1 : 0",
    "hard_braking_s * 1000 + late_night_s",
    "assistance_observed ? assisted_percent : 1000",
    "braking_resolution_s > 5 && !hard_braking_observed ? 1 : braking_resolution_s",
    "start_month * 1000000 + start_weekday * 10000 + start_hour * 100 + start_minute",
    "distance_m * 9223372036854775807",
    "hard_braking_observed && !unbuckled_observed ? 1 : 2",
    "hard_braking_observed == late_night_observed ? 1 : 2",
    "hard_braking_observed",
    "distance_m ? 1 : 2",
    "!distance_m ? 1 : 2",
    "distance_m > 5",
    "distance_m.size",
    "distance_m.abs()",
    "grade == metered ? 1 : 2",
    "distance_m in driving_min",
    "distance",
    "6000 / missed_s",
    "missed_s % 7",
    "min(distance_m, 12000)",
];

const CHARGES: &[&str] = &[
    "energy_wh",
    "renewable_permille",
    "renewable_wh",
    "grade == declared ? 2 : grade == metered ? 1 : 3",
    "grade == dc ? 1 : 2",
    "grade < declared ? 1 : 2",
    "grade",
    "grade + 1",
    "(reconstructed ? metered : grade) == declared ? 1 : 2",
    "(reconstructed ? metered : dc) == dc ? 1 : 2",
    "current != dc ? 1 : current == unknown ? 2 : 3",
    "metered != estimated ? 1 : 2",
    "min(grade, declared)",
    "driving_min",
    "reconstructed ? 1 : 0",
];

const DISCHARGES: &[&str] = &[
    "energy_wh",
    "reconstructed ? energy_wh : 0",
    "current == dc ? 1 : 2",
    "renewable_wh",
];
