//! Files that may be signed: what nobody can reach is refused or warned of, in plain words and with its line.

use dashpoint_membership::*;
use dashpoint_membership::{line_of, line_of_benefit, line_of_warning};

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// A file can be signed only when its texts are there and its numbers can be reached; what was signed before is applied still.
#[test]
fn what_nobody_can_reach_is_not_signed() {
    for (from, to, line, said) in [
        (
            "title = { en = \"Safe trip\", zh",
            "title = { en = \" \", zh",
            "title = { en = \" \"",
            "title of rule safe-trip: expected a text in both languages",
        ),
        (
            "title = { en = \"Gold\", zh = \"金卡\" }",
            "title = { en = \"Gold\", zh = \"\" }",
            "title = { en = \"Gold\"",
            "title of tier gold: expected a text in both languages",
        ),
        (
            "zone_data = \"2026e\"",
            "zone_data = \" \"",
            "zone_data = \" \"",
            "zone_data: expected a version",
        ),
        (
            "cap_percent = \"5.2\"",
            "cap_percent = \"150\"",
            "cap_percent = \"150\"",
            "score factor HardBraking: expected a cap_percent from 0 to 100",
        ),
        (
            "intercept = \"122.15240383\"",
            "intercept = \"20\"",
            "intercept = \"20\"",
            "score.intercept: expected more than slope * base",
        ),
        (
            "petrol_g_per_km = 190",
            "petrol_g_per_km = 0",
            "petrol_g_per_km = 0",
            "carbon.petrol_g_per_km: expected at least 1",
        ),
        (
            "estimate_hold_days = 0 ",
            "estimate_hold_days = 400 ",
            "estimate_hold_days = 400",
            "estimate_hold_days: expected 0 to 366 days",
        ),
        (
            "confirm_days = 14",
            "confirm_days = 9999",
            "confirm_days = 9999",
            "allowance.confirm_days: expected 0 to 366 days",
        ),
        (
            "meters_per_year = 1",
            "meters_per_year = 13",
            "meters_per_year = 13",
            "allowance.meters_per_year: expected 0 to 12",
        ),
    ] {
        let text = changed(DEFAULT_POLICY_TOML, from, to);
        let policy = CompiledPolicy::compile(Policy::from_toml(&text).unwrap()).unwrap();
        let refused = policy.check_signable().unwrap_err();
        let found = line_of(&text, &refused).unwrap();
        let shown = text.lines().nth(found - 1).unwrap();
        assert!(shown.starts_with(line), "{found}: {shown}: {refused}");
        assert!(refused.to_string().starts_with(said), "{refused}");
    }
}

#[test]
fn a_named_model_has_its_numbers() {
    let check = |text: &str| {
        let policy = CompiledPolicy::compile(Policy::from_toml(text).unwrap()).unwrap();
        policy.check_signable()
    };
    assert_eq!(check(DEFAULT_POLICY_TOML), Ok(()));
    // What a factor without a signal counts as is not the model's.
    let unobserved = "cap_percent = \"31.7\"\nunobserved_percent = ";
    let stricter = changed(
        DEFAULT_POLICY_TOML,
        &format!("{unobserved}\"0\""),
        &format!("{unobserved}\"5\""),
    );
    assert_eq!(check(&stricter), Ok(()));
    for (from, to, place) in [
        ("\"122.15240383\"", "\"123.50230309\"", "score.intercept"),
        ("\"38.72920381\"", "\"38.7292038\"", "score.slope"),
        ("\"0.57198191\"", "\"0.57\"", "score.base"),
        (
            "cap_percent = \"5.2\"",
            "cap_percent = \"5\"",
            "score factor",
        ),
        ("= 136794", "= 120000", "score.thresholds"),
        (
            "percent = 20, within",
            "percent = 30, within",
            "score.thresholds",
        ),
        (
            "weight_percent = 21",
            "weight_percent = 20",
            "score.late_hours",
        ),
        ("\"tesla-2.2\"", "\"tesla-2.1\"", "score.model"),
    ] {
        let text = changed(DEFAULT_POLICY_TOML, from, to);
        let refused = check(&text).unwrap_err();
        assert!(refused.to_string().starts_with(place), "{refused}");
        let line = line_of(&text, &refused).unwrap();
        assert!(line > 80, "{line}: {refused}");
        let without_name = changed(&text, "model = \"tesla-2.", "#model = \"tesla-2.");
        assert_eq!(check(&without_name), Ok(()));
    }
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let shipped = CompiledPolicy::compile(Policy::from_toml(DEFAULT_POLICY_TOML).unwrap()).unwrap();
    assert_eq!(shipped.warnings(), []);
    let without_name = changed(DEFAULT_POLICY_TOML, "model = \"tesla-2.2\"\n", "");
    let mut told = Vec::new();
    for (from, to) in [
        ("points = \"distance_m / 10\"", "points = \"0\""),
        (
            "when = \"score_x100 >= 9000 &&",
            "when = \"score_x100 >= 0 &&",
        ),
        (
            "when = \"distance_m >= 500 && used_wh > 0 && co2_avoided_g > 0\"",
            "when = \"true\"",
        ),
        (
            "over = { kind = \"trip\" }",
            "over = { kind = \"discharge\" }",
        ),
        (
            "per = \"month\"\npoints = 1500",
            "per = \"month\"\npoints = 3100",
        ),
        (
            "per = \"week\"\npoints = 250",
            "per = \"week\"\npoints = 560",
        ),
        (
            "id = \"check-in-year\"\nover = { rule = \"check-in\" }\nper = \"year\"\npoints = 365",
            "id = \"check-in-year\"\nover = { rule = \"check-in\" }\nper = \"day\"\npoints = 1",
        ),
        ("cap_percent = \"5.2\"", "cap_percent = \"0\""),
        ("coefficient = \"1.2359911\"", "coefficient = \"1\""),
        ("intercept = \"122.15240383\"", "intercept = \"9000\""),
        ("weight_percent = 21", "weight_percent = 0"),
        ("remind_days = [60, 30]", "remind_days = [800, 30]"),
    ] {
        let text = changed(&without_name, from, to);
        let policy = CompiledPolicy::compile(Policy::from_toml(&text).unwrap()).unwrap();
        policy.check_signable().unwrap();
        for warning in policy.warnings() {
            let line = line_of_warning(&text, &warning).unwrap();
            let shown = text.lines().nth(line - 1).unwrap();
            let shown: String = shown.chars().take(24).collect();
            told.push(format!("{shown:24} | {warning}"));
        }
    }
    insta::assert_snapshot!(told.join("\n"));
}

/// A policy whose every rule is only tried pays nothing.
#[test]
fn a_policy_that_pays_nobody_is_warned_of() {
    let mut policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    for rule in &mut policy.rules {
        rule.shadow = true;
    }
    let warnings = CompiledPolicy::compile(policy).unwrap().warnings();
    assert!(
        warnings[0]
            .to_string()
            .starts_with("rules: no rule pays anything"),
        "{warnings:?}"
    );
}

#[test]
fn a_wrong_form_is_told_in_plain_words() {
    let told: Vec<String> = [
        (
            "over = { kind = \"trip\" }",
            "over = { kind = \"trip\", rule = \"safe-trip\" }",
        ),
        ("over = { kind = \"trip\" }", "over = {}"),
        ("over = { kind = \"trip\" }", "over = 5"),
        ("over = { kind = \"trip\" }", "over = \"rule\""),
        ("over = { kind = \"trip\" }", "over = { all = 1 }"),
        ("over = \"all\"", "over = [\"all\"]"),
        (
            "expiry = { months = 24 }",
            "expiry = { months = 24, calendar-years = 2 }",
        ),
        ("expiry = { months = 24 }", "expiry = \"months\""),
        ("expiry = { months = 24 }", "expiry = { months = \"two\" }"),
        ("points_per_yuan = 10", "points_per_yuan = -1"),
        ("points_per_yuan = 10", "points_per_yuan = \"ten\""),
        ("points_per_yuan = 10", "points_per_yuan = 1.5"),
        (
            "points_per_yuan = 10",
            "points_per_yuan = 10\npoints_per_yuan = 20",
        ),
        ("points_per_yuan = 10", ""),
        ("cap_percent = \"5.2\"", "cap_percent = 5.2"),
        ("cap_percent = \"5.2\"", "cap_percent = \"5,2\""),
        (
            "title = { en = \"Safe trip\", zh = \"安全出行\" }",
            "title = \"Safe trip\"",
        ),
        (
            "title = { en = \"Safe trip\", zh = \"安全出行\" }",
            "title = { en = \"Safe trip\" }",
        ),
        ("remind_days = [60, 30]", "remind_days = 60"),
        ("id = \"safe-trip\"", "id = \"\""),
        ("id = \"safe-trip\"", "id = 7"),
        (
            "growth = \"distance_m / 5\"",
            "growth = \"distance_m / 5\"\nshadow = \"yes\"",
        ),
    ]
    .into_iter()
    .map(|(from, to)| {
        let text = changed(DEFAULT_POLICY_TOML, from, to);
        Policy::from_toml(&text).unwrap_err().to_string()
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_wrong_benefit_is_found_in_the_file() {
    let shipped = CompiledPolicy::compile(Policy::from_toml(DEFAULT_POLICY_TOML).unwrap()).unwrap();
    for (from, to, line, said) in [
        (
            "title = { en = \"Roadside rescue\"",
            "title = { en = \"\"",
            "title = { en = \"\"",
            "benefit roadside-rescue: expected as title a text in both languages",
        ),
        (
            "zh = \"全天候拖车（100 公里内）或现场救援一次。不含高速公路清障费。\"",
            "zh = \"\"",
            "terms = { en = \"Towing",
            "benefit roadside-rescue: expected as terms a text in both languages",
        ),
        (
            "price = 800",
            "price = -800",
            "price = -800",
            "benefit maintenance-discount: expected a price from 0",
        ),
        (
            "price = 800",
            "price = 2000000000",
            "price = 2000000000",
            "benefit maintenance-discount: expected a price from 0",
        ),
        (
            "tier = \"basic\"",
            "tier = \"platinum\"",
            "tier = \"platinum\"",
            "benefit maintenance-discount: expected a tier of the policy, one of basic, silver, gold, diamond, black-diamond",
        ),
        (
            "valid_days = 90",
            "valid_days = 0",
            "valid_days = 0",
            "benefit maintenance-discount: expected vouchers",
        ),
        (
            "id = \"roadside-rescue\"",
            "id = \"maintenance-discount\"",
            "id = \"maintenance-discount\"",
            "benefit maintenance-discount: expected an id that no other benefit has",
        ),
    ] {
        let text = changed(DEFAULT_CATALOGUE_TOML, from, to);
        let catalogue = Catalogue::from_toml(&text).unwrap();
        let refused = catalogue.check(&shipped).unwrap_err();
        let found = line_of_benefit(&text, &refused).unwrap();
        let shown = text.lines().nth(found - 1).unwrap();
        assert!(shown.starts_with(line), "{found}: {shown}: {refused}");
        assert!(refused.to_string().starts_with(said), "{refused}");
    }
}

/// A car that earns by more rules than one entry can name could sign nothing any more.
#[test]
fn no_policy_outgrows_an_entry_or_a_statement() {
    let grown = |rules: usize, caps: usize| {
        let mut policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
        let (rule, cap) = (policy.rules[1].clone(), policy.caps[0].clone());
        for number in 0..rules {
            let mut rule = rule.clone();
            rule.id = format!("{number:0>48}").parse().unwrap();
            policy.rules.push(rule);
        }
        for number in policy.caps.len()..caps {
            let mut cap = cap.clone();
            cap.id = format!("cap-{number}").parse().unwrap();
            policy.caps.push(cap);
        }
        let checked = CompiledPolicy::compile(policy).unwrap().check_signable();
        checked.map_err(|refused| refused.to_string())
    };
    assert_eq!(grown(90, 64), Ok(()));
    let refused = grown(300, 0).unwrap_err();
    assert!(refused.contains("fewer rules of this kind"), "{refused}");
    let refused = grown(0, 65).unwrap_err();
    assert_eq!(
        refused,
        "cap cap-64: expected at most 64 caps: a statement lists what is used of each"
    );
}
