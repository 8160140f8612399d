//! Policy and catalogue files are read strictly: a mistake is named with its line.

use dashpoint_membership::*;
use dashpoint_membership::{line_of, line_of_key};

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn the_shipped_files_are_read() {
    Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    Catalogue::from_toml(DEFAULT_CATALOGUE_TOML).unwrap();
}

#[test]
fn a_key_that_is_not_known_is_refused_with_its_line_and_the_nearest() {
    let policies = [
        (
            "points_per_yuan = 10",
            "points_per_yuan = 10\npoints_per_dollar = 3",
        ),
        ("id = \"safe-trip\"", "id = \"safe-trip\"\nsahdow = true"),
        (
            "id = \"safe-trip\"",
            "id = \"safe-trip\"\nnote = \"by hand\"",
        ),
        (
            "zh = \"安全出行\" }",
            "zh = \"安全出行\", fr = \"Trajet\" }",
        ),
        ("per = \"day\"", "per = \"day\"\npoint = 5"),
        ("intercept =", "intersept = \"1\"\nintercept ="),
        (
            "cap_percent = \"5.2\"",
            "cap_percent = \"5.2\"\ncap_percents = \"1\"",
        ),
        (
            "brake_hard_mg = 300",
            "brake_hard_mg = 300\nbrake_hart_mg = 1",
        ),
        ("hour = 23", "hour = 23\nhours = 1"),
        (
            "petrol_g_per_km = 190",
            "petrol_g_per_km = 190\npetrol_per_km = 1",
        ),
        (
            "evse_prefix = \"CN*DSP*\"",
            "evse_prefix = \"CN*DSP*\"\nprefix = \"x\"",
        ),
        ("from_min = 660", "from_min = 660\nfrom = 1"),
        ("months = 12", "months = 12\nmonth = 1"),
        ("threshold = 500", "threshold = 500\ntreshold = 1"),
        ("soft = { points", "soft = { day = 1, points"),
        ("confirm_days = 14", "confirm_days = 14\nconfirm_day = 1"),
        ("[carbon]", "[carbons]"),
    ];
    let catalogues = [
        ("issued =", "isued = 1\nissued ="),
        ("price = 800", "price = 800\nprise = 1"),
        ("terms = { en", "terms = { de = \"x\", en"),
    ];
    let policies = policies.into_iter().map(|(from, to)| {
        let text = changed(DEFAULT_POLICY_TOML, from, to);
        Policy::from_toml(&text).unwrap_err().to_string()
    });
    let catalogues = catalogues.into_iter().map(|(from, to)| {
        let text = changed(DEFAULT_CATALOGUE_TOML, from, to);
        Catalogue::from_toml(&text).unwrap_err().to_string()
    });
    let told: Vec<String> = policies.chain(catalogues).collect();
    assert!(
        told.iter().all(|line| line.contains("unknown key")),
        "{told:#?}"
    );
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_name_that_is_not_known_is_refused_with_the_nearest() {
    for (from, to, said) in [
        (
            "expiry = { months = 24 }",
            "expiry = { month = 24 }",
            "unknown value `month`: did you mean `months`?",
        ),
        (
            "per = \"week\"",
            "per = \"weak\"",
            "unknown value `weak`: did you mean `week`?",
        ),
        (
            "demotion = \"one-step\"",
            "demotion = \"onestep\"",
            "unknown value `onestep`: did you mean `one-step`?",
        ),
    ] {
        let text = changed(DEFAULT_POLICY_TOML, from, to);
        let refused = Policy::from_toml(&text).unwrap_err();
        assert_eq!(refused.problem, said);
        let shown = text.lines().nth(refused.line - 1).unwrap();
        assert!(shown.contains(to), "{}: {shown}", refused.line);
    }
}

#[test]
fn a_wrong_expression_is_found_in_the_file() {
    for (from, to, part) in [
        (
            "\"distance_m / 10\"",
            "\"distance_m / 0\"",
            "points = \"distance_m / 0\"",
        ),
        (
            "\"distance_m / 5\"",
            "\"distnace_m / 5\"",
            "growth = \"distnace_m / 5\"",
        ),
        (
            "\"score_x100 >= 9000 &&",
            "\"score_x100 >= 9000 && &&",
            "when = \"score_x100",
        ),
    ] {
        let text = changed(DEFAULT_POLICY_TOML, from, to);
        let policy = Policy::from_toml(&text).unwrap();
        let refused = CompiledPolicy::compile(policy)
            .and_then(|policy| policy.check_payable())
            .unwrap_err();
        let line = line_of(&text, &refused).unwrap();
        let shown = text.lines().nth(line - 1).unwrap();
        assert!(shown.starts_with(part), "{line}: {shown}: {refused}");
    }
}

#[test]
fn a_wrong_value_is_found_in_the_file_with_the_name_of_what_it_belongs_to() {
    for (from, to, line, said) in [
        (
            "points_per_yuan = 10 ",
            "points_per_yuan = 0 ",
            "points_per_yuan = 0",
            "points_per_yuan: expected at least 1",
        ),
        (
            "valid_until = 1861891200",
            "valid_until = 1",
            "valid_until = 1",
            "valid_until: expected a time after valid_from",
        ),
        (
            "id = \"check-in\"\non",
            "id = \"safe-trip\"\non",
            "id = \"safe-trip\"",
            "rule safe-trip: expected an id that no other rule has",
        ),
        (
            "id = \"check-in-year\"",
            "id = \"check-in-day\"",
            "id = \"check-in-day\"",
            "cap check-in-day: expected an id that no other cap has",
        ),
        (
            "over = { rule = \"safe-trip\" }",
            "over = { rule = \"safe-trp\" }",
            "over = { rule = \"safe-trp\" }",
            "cap safe-trip-day over rule safe-trp: expected a rule of this policy",
        ),
        (
            "per = \"day\"\npoints = 80",
            "per = \"day\"\npoints = -80",
            "points = -80",
            "cap trip-day: expected points from 0 to 1,000,000,000",
        ),
        (
            "per = \"day\"\npoints = 80",
            "per = \"day\"\npoints = 0",
            "points = 0",
            "cap trip-day over rule clean-driving: expected points above 0",
        ),
        (
            "slope = \"38.72920381\"",
            "slope = \"0\"",
            "slope = \"0\"",
            "score.slope: expected above 0",
        ),
        (
            "factor = \"late-night\"",
            "factor = \"hard-braking\"",
            "factor = \"hard-braking\"",
            "score factor HardBraking: expected each factor once, in order",
        ),
        (
            "cap_percent = \"63.2\"",
            "cap_percent = \"-1\"",
            "cap_percent = \"-1\"",
            "score factor UnsafeFollowing: expected a cap_percent of at least 0",
        ),
        (
            "brake_hard_mg = 300",
            "brake_hard_mg = 30",
            "brake_hard_mg = 30",
            "score.thresholds.brake_hard_mg: expected more than brake_soft_mg",
        ),
        (
            "hour = 23",
            "hour = 24",
            "hour = 24",
            "late hour 24: expected an hour from 0 to 23 that is there once",
        ),
        (
            "to_min = 900",
            "to_min = 1500",
            "to_min = 1500",
            "window 660..1500: expected minutes of the day, at most 1440",
        ),
        (
            "threshold = 2000",
            "threshold = 400",
            "threshold = 400",
            "tier gold: expected a threshold above that of the tier before it",
        ),
        (
            "threshold = 0",
            "threshold = 7",
            "threshold = 7",
            "tier basic: expected a threshold of 0, for it is the first",
        ),
        (
            "expiry = { months = 24 }",
            "expiry = { months = 0 }",
            "expiry = { months = 0 }",
            "expiry.months: expected 1 to 240 months",
        ),
        (
            "days = 60 }",
            "days = 93 }",
            "hard = { points = 4000, entries = 800, days = 93 }",
            "allowance.hard.days: expected at most 92",
        ),
    ] {
        let text = changed(DEFAULT_POLICY_TOML, from, to);
        let policy = Policy::from_toml(&text).unwrap();
        let refused = CompiledPolicy::compile(policy)
            .and_then(|policy| policy.check_payable())
            .unwrap_err();
        let found = line_of(&text, &refused).unwrap();
        let shown = text.lines().nth(found - 1).unwrap();
        assert!(shown.starts_with(line), "{found}: {shown}: {refused}");
        assert!(refused.to_string().starts_with(said), "{refused}");
    }
}

/// A value that the file leaves out is found at the table that it belongs in.
#[test]
fn a_version_and_a_profile_have_their_lines() {
    let without = changed(DEFAULT_POLICY_TOML, "rule_profile = 2 ", "#");
    assert_eq!(line_of_key(&without, "rule_profile"), None);
    let text = changed(&without, "version = 1", "version = 1\nrule_profile = 9");
    let policy = Policy::from_toml(&text).unwrap();
    let refused = CompiledPolicy::compile(policy).unwrap_err();
    let version = line_of_key(&text, "version").unwrap();
    assert_eq!(line_of(&text, &refused), Some(version + 1));
}

#[test]
fn a_broken_expression_is_told_with_its_place_and_in_few_words() {
    let told: Vec<String> = [
        "distance_m >= 500 && && used_wh > 0",
        "distance_m >= 500 and used_wh > 0",
        "distance_m = 500",
        "distance_m > 500 & used_wh > 0",
        "(distance_m > 500",
        "distance_m > 500)",
        "distance_m >",
        "> 500",
        "",
        "true ? 1",
        "distance_m > 12km",
        "abs(distance_m) > 5 5",
        "has(distance_m)",
        "distance_m >= 500\n  && used_wh >\n  && missed_s < 3",
    ]
    .into_iter()
    .map(|when| {
        let mut policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
        policy.rules[1].when = when.to_owned();
        CompiledPolicy::compile(policy).unwrap_err().to_string()
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"));
    let mut policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    policy.rules[1].when = "!".repeat(200_000);
    let refused = CompiledPolicy::compile(policy).unwrap_err().to_string();
    assert!(refused.len() < 300, "{refused}");
}
