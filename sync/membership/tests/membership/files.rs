//! Policy and catalogue files are read strictly: a mistake is named with its line.

use dashpoint_membership::line_of;
use dashpoint_membership::*;

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
    let mut policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    policy.points_per_yuan = 0;
    let refused = CompiledPolicy::compile(policy).unwrap_err();
    assert_eq!(line_of(DEFAULT_POLICY_TOML, &refused), None);
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
