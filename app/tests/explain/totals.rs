//! Several recordings in one call, by one policy and by two.

use dashpoint_membership::DEFAULT_POLICY_TOML;
use serde_json::Value;

use crate::{dashpoint, explained};

const CYCLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vehicle-sim/cycles");

const TRIED: &str = r#"
[[rules]]
id = "gentle-trip"
on = "trip"
title = { en = "Gentle trip", zh = "平稳出行" }
when = "score_x100 >= 9500"
points = "distance_m / 8"
growth = "0"
shadow = true

[[caps]]
"#;

/// The next version of the shipped policy: a safe trip earns twice as much, and one more rule is tried.
fn changed() -> String {
    let next = DEFAULT_POLICY_TOML
        .replacen("version = 1", "version = 2", 1)
        .replacen("\"distance_m / 10\"", "\"distance_m / 5\"", 1);
    next.replacen("\n[[caps]]\n", TRIED, 1)
}

fn of_rule<'a>(totals: &'a Value, rule: &str) -> &'a Value {
    let mut rules = totals["rules"].as_array().unwrap().iter();
    rules.find(|known| known["rule"] == rule).unwrap()
}

#[test]
fn two_policies_are_shown_side_by_side_for_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changed.toml");
    std::fs::write(&file, changed()).unwrap();
    let file = file.to_str().unwrap();
    let (json, table) = explained(&[CYCLES, "--against", file, "--kwh-per-100km", "15"]);
    let (before, after) = (&json["before"], &json["after"]);
    let sources = |totals: &Value| -> Vec<String> {
        let sources = totals["sources"].as_array().unwrap().iter();
        let names = sources.map(|source| source["source"].as_str().unwrap().to_owned());
        names.collect()
    };
    let files = ["hwfet.csv", "udds.csv", "us06.csv", "wltc-3b.csv"];
    assert_eq!(sources(before), files);
    assert_eq!(sources(after), files);
    let (safe_before, safe_after) = (of_rule(before, "safe-trip"), of_rule(after, "safe-trip"));
    assert_eq!(safe_before["held"], safe_after["held"]);
    let worth = |rule: &Value| rule["worth_milli"].as_i64().unwrap();
    assert!(worth(safe_before) > 0, "{json:#}");
    // Each trip is rounded down to a thousandth.
    assert!((worth(safe_before) * 2..=worth(safe_before) * 2 + 4).contains(&worth(safe_after)));
    let growth = |totals: &Value| {
        let each = totals["sources"].as_array().unwrap().iter();
        each.map(|source| source["growth"].as_i64().unwrap())
            .sum::<i64>()
    };
    assert!(growth(before) > 0, "{json:#}");
    // The changed policy pays other points, and the same growth value.
    assert_eq!(growth(after), growth(before), "{json:#}");
    assert!(safe_before["growth_milli"].as_i64() > Some(0), "{json:#}");
    assert_eq!(safe_after["growth_milli"], safe_before["growth_milli"]);
    let tried = of_rule(after, "gentle-trip");
    assert_eq!(tried["shadow"], true);
    assert!(worth(tried) > 0, "{json:#}");
    insta::assert_snapshot!(table.replace(file, "changed.toml"));
    let chinese = dashpoint(&["explain", CYCLES, "--against", file, "--language", "zh"]);
    let chinese = String::from_utf8(chinese.stdout).unwrap();
    assert!(chinese.contains("成长值 之前"), "{chinese}");
    for shown in [CYCLES.to_owned(), format!("{CYCLES}/us06.csv")] {
        let chinese = dashpoint(&["explain", &shown, "--language", "zh"]);
        let chinese = String::from_utf8(chinese.stdout).unwrap();
        assert!(
            chinese.contains("合计") && !chinese.contains(", "),
            "{chinese}"
        );
    }
}

#[test]
fn several_recordings_are_followed_by_their_totals() {
    let files = ["hwfet", "us06"].map(|name| format!("{CYCLES}/{name}.csv"));
    let all = [
        files[0].as_str(),
        files[1].as_str(),
        "--kwh-per-100km",
        "15",
    ];
    let (json, table) = explained(&all);
    let each = json["explained"].as_array().unwrap();
    let points = |one: &Value| one["points"].as_i64().unwrap();
    let sum: i64 = each.iter().map(points).sum();
    let sources = json["totals"]["sources"].as_array().unwrap();
    assert_eq!(sources.iter().map(points).sum::<i64>(), sum);
    let last: Vec<&str> = table.lines().rev().take(2).collect();
    assert!(table.contains("in all"), "{table}");
    assert!(last.iter().all(|line| !line.is_empty()), "{last:?}");
}

/// The form follows from what was typed: a folder with one recording in it has totals too.
#[test]
fn a_folder_of_one_recording_has_totals() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("us06.csv");
    std::fs::copy(format!("{CYCLES}/us06.csv"), &file).unwrap();
    let (json, table) = explained(&[folder.path().to_str().unwrap()]);
    assert_eq!(json["explained"].as_array().unwrap().len(), 1, "{json:#}");
    assert_eq!(json["totals"]["sources"][0]["source"], "us06.csv");
    assert!(table.contains("in all"), "{table}");
    let (json, _) = explained(&[file.to_str().unwrap()]);
    assert!(json["found"].is_array(), "{json:#}");
    assert!(json["totals"].is_null(), "{json:#}");
}

#[test]
fn the_help_of_check_mapping_teaches() {
    let help = String::from_utf8(dashpoint(&["check-mapping", "--help"]).stdout).unwrap();
    for heading in [
        "Options:",
        "The broker to listen to:",
        "Columns with --listen:",
        "Examples:",
        "Exit codes:",
    ] {
        assert!(help.contains(heading), "{heading}: {help}");
    }
    // The form of the output is no property of the broker.
    let broker = help.split("The broker to listen to:").nth(1).unwrap();
    let broker = broker.split("Columns with").next().unwrap();
    assert!(!broker.contains("--json"), "{help}");
}

/// A folder may be chosen by the environment of a shell; what is typed comes before it.
#[test]
fn the_configuration_is_found_by_a_variable() {
    let program = env!("CARGO_BIN_EXE_dashpoint");
    let told = |variable: &str, typed: &[&str]| {
        let output = std::process::Command::new(program)
            .args(["status"])
            .args(typed)
            .env("DASHPOINT_CONFIG", variable)
            .env("LC_ALL", "C")
            .env("RUST_LOG", "off")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let variable = "/nowhere/variable.toml";
    assert!(told(variable, &[]).contains(variable));
    let typed = "/nowhere/typed.toml";
    assert!(told(variable, &["--config", typed]).contains(typed));
    // An empty one is as none.
    let none = told("", &[]);
    assert!(none.contains("dashpoint.toml"), "{none}");
    let help = String::from_utf8(dashpoint(&["status", "--help"]).stdout).unwrap();
    assert!(help.contains("[env: DASHPOINT_CONFIG"), "{help}");
}
