//! Policies at the command line: shown, checked, signed, with what is refused and what is warned of.

use std::process::ExitCode;

use dashpoint_membership::*;

use crate::cli::{run, say};
use crate::support::*;

#[test]
fn a_shown_policy_can_be_changed_checked_and_signed() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let file = path.to_str().unwrap().to_owned();
    let shown = say(&mut world, "policy show");
    std::fs::write(&path, shown.replacen("version = 1", "version = 2", 1)).unwrap();
    let can = "policy 2 can be signed: 4 rules, 9 caps, 5 tiers\n";
    assert_eq!(say(&mut world, &format!("policy check {file}")), can);
    let none = folder.path().join("none");
    let (code, out, _) = run(&["--data", none.to_str().unwrap(), "policy", "check", &file]);
    assert_eq!(code, ExitCode::SUCCESS);
    assert!(
        out.starts_with(can) && out.contains("there is no cloud in"),
        "{out}"
    );
    let line = format!("policy sign {file} --valid-from 2026-12-01T00:00:00Z");
    assert_eq!(say(&mut world, &line), "signed policy 2\n");
    let listed = say(&mut world, "policy list");
    assert!(listed.contains("2026-12-01T00:00:00Z"), "{listed}");
    let catalogue = say(&mut world, "catalogue show");
    std::fs::write(&path, catalogue.replacen("version = 1", "version = 2", 1)).unwrap();
    let checked = say(&mut world, &format!("catalogue check {file}"));
    assert_eq!(checked, "catalogue 2 can be signed: 14 benefits\n");
    let line = format!("catalogue sign {file}");
    assert_eq!(say(&mut world, &line), "signed catalogue 2\n");
}

/// Thousandths are kept by the id of the rule: under another id they would never become a point.
#[test]
fn a_rule_that_is_renamed_is_warned_of_with_what_stays_behind() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let file = path.to_str().unwrap().to_owned();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entry = car.mint(drove(trip(0, 12_000)), world.now);
    world.settled(&mut car, &[entry]);
    let rule = RuleId::new("clean-driving").unwrap();
    let left = world.statement(member).account.remainders[&rule].points;
    let shown = say(&mut world, "policy show");
    let renamed = shown.replacen("version = 1", "version = 2", 1);
    let renamed = renamed.replace("\"clean-driving\"", "\"green-driving\"");
    std::fs::write(
        &path,
        renamed
            .replace(" = \"check-in\"\n", " = \"hello\"\n")
            .replace("on = \"hello\"", "on = \"check-in\"")
            .replace("rule = \"check-in\"", "rule = \"hello\""),
    )
    .unwrap();
    let said = say(&mut world, &format!("policy check {file}"));
    let lines: Vec<&str> = said.lines().skip(1).collect();
    let how = "to name a rule anew, change its title and keep its id";
    assert_eq!(
        lines,
        [
            format!(
                "warning: rule clean-driving is not in it any more: 0.{:03} points of 1 member stay behind, less than one each, until a \
                 version has the id again; {how}",
                left.get()
            ),
            format!("warning: rule check-in is not in it any more; {how}"),
        ],
        "{said}"
    );
    let signed = say(&mut world, &format!("policy sign {file}"));
    assert!(
        signed.ends_with(&format!("{}\n", lines.join("\n"))),
        "{signed}"
    );
    // They are there for the id: the same rule under it goes on with them.
    std::fs::write(&path, shown.replacen("version = 1", "version = 3", 1)).unwrap();
    let checked = say(&mut world, &format!("policy check {file}"));
    assert!(
        checked.contains("green-driving is not in it any more; "),
        "{checked}"
    );
    assert_eq!(
        world.statement(member).account.remainders[&rule].points,
        left
    );
}

/// A member keeps a tier whose id is gone, and nothing has a title for it.
#[test]
fn a_tier_that_is_renamed_is_warned_of_with_those_who_hold_it() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let file = path.to_str().unwrap().to_owned();
    world.member(1);
    let shown = say(&mut world, "policy show");
    let renamed = shown.replacen("version = 1", "version = 2", 1);
    std::fs::write(&path, renamed.replace("\"basic\"", "\"starter\"")).unwrap();
    let warning = "warning: tier basic is not in it any more: 1 member keeps it until the next entry or review; to name a tier anew, \
                   change its title and keep its id\n";
    for command in ["check", "sign"] {
        let said = say(&mut world, &format!("policy {command} {file}"));
        assert!(said.ends_with(warning), "{command}: {said}");
    }
}

/// A mistake of the file is refused by `check` and by `sign`, in one line that names file, line and rule.
#[test]
fn a_policy_with_a_mistake_is_neither_checked_nor_signed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("cloud");
    let data = data.to_str().unwrap();
    assert_eq!(run(&["--data", data, "init"]).0, ExitCode::SUCCESS);
    let shown = run(&["--data", data, "policy", "show"]).1;
    assert_eq!(shown, DEFAULT_POLICY_TOML);
    let path = folder.path().join("policy.toml");
    let file = path.to_str().unwrap();
    let next = shown.replacen("version = 1", "version = 2", 1);
    let mut lines = String::new();
    for (from, to) in [
        ("id = \"safe-trip\"", "id = \"safe-trip\"\nsahdow = true"),
        (
            "points_per_yuan = 10",
            "points_per_yuan = 10\npoints_per_dollar = 3",
        ),
        ("points = \"distance_m / 10\"", "points = \"-5000\""),
        (
            "points = \"distance_m / 10\"",
            "points = \"distance_m / 0\"",
        ),
        (
            "points = \"distance_m / 10\"",
            "points = \"distance_m * 9223372036854775807\"",
        ),
        ("when = \"score_x100 >= 9000 &&", "when = \"1 > 2 &&"),
        (
            "when = \"score_x100 >= 9000 &&",
            "when = \"score_x100 >= 9000 && &&",
        ),
        ("points_per_yuan = 10", "points_per_yuan = 0"),
        ("version = 2", "version = 1"),
    ] {
        assert!(next.contains(from), "{from}");
        std::fs::write(&path, next.replacen(from, to, 1)).unwrap();
        let mut told = ["check", "sign"].map(|command| {
            let (code, out, err) = run(&["--data", data, "policy", command, file]);
            assert_eq!(code, ExitCode::from(2), "{command} {to}: {out}{err}");
            assert_eq!((out.as_str(), err.lines().count()), ("", 1), "{err}");
            err.replace(file, "policy.toml")
        });
        assert_eq!(told[0], told[1]);
        lines.push_str(&std::mem::take(&mut told[0]));
    }
    insta::assert_snapshot!(lines);
    let listed = run(&["--data", data, "policy", "list"]).1;
    assert_eq!(listed.lines().count(), 2, "{listed}");

    let catalogue = run(&["--data", data, "catalogue", "show"]).1;
    let changed = catalogue.replacen("version = 1", "version = 2", 1);
    for (from, to, part) in [
        (
            "price = 800",
            "prise = 1\nprice = 800",
            "unknown key `prise`: did you mean `price`?",
        ),
        (
            "price = 800",
            "price = -1",
            "the catalogue cannot be used: benefit maintenance-discount: expected a price from 0",
        ),
        (
            "version = 2",
            "version = 1",
            "line 1: version 1 is not higher",
        ),
    ] {
        assert!(changed.contains(from), "{from}");
        std::fs::write(&path, changed.replacen(from, to, 1)).unwrap();
        for command in ["check", "sign"] {
            let (code, _, err) = run(&["--data", data, "catalogue", command, file]);
            assert_eq!(code, ExitCode::from(2), "{err}");
            assert!(
                err.contains(part) && err.contains("policy.toml: line "),
                "{err}"
            );
        }
    }
}

/// A policy that can be signed and may be meant otherwise is warned of with file and line by both commands, and to programs.
#[test]
fn what_may_be_meant_otherwise_is_warned_of() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let file = path.to_str().unwrap().to_owned();
    let shown = say(&mut world, "policy show").replacen("version = 1", "version = 2", 1);
    let text = shown
        .replacen("valid_until = 1861891200", "valid_until = 1767196801", 1)
        .replacen("points = \"distance_m / 10\"", "points = \"0\"", 1);
    std::fs::write(&path, text).unwrap();
    let warnings = [
        format!(
            "{file}: line 41: rule safe-trip: it can never pay points, growth value only; write an amount if points were meant"
        ),
        format!(
            "{file}: line 82: cap safe-trip-day: it bounds no rule that pays points, so it never cuts; remove it, or change what it is `over`"
        ),
        format!(
            "{file}: line 6: valid_until: 2025-12-31T16:00:01Z is past, so that it is never in force; write a later time"
        ),
    ];
    let lines: String = warnings
        .iter()
        .map(|warning| format!("warning: {warning}\n"))
        .collect();
    let json = say(&mut world, &format!("--json policy check {file}"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["warnings"], serde_json::json!(warnings));
    for command in ["check", "sign"] {
        let said = say(&mut world, &format!("policy {command} {file}"));
        assert!(said.ends_with(&lines), "{said}");
    }
}

#[test]
fn a_changed_policy_is_shown_with_its_units_and_is_read_again() {
    let mut world = World::new();
    let mut policy = world.core.policy(None, world.now).unwrap();
    policy.version = PolicyVersion::new(2);
    policy.points_per_yuan = 20;
    world.core.sign_policy(policy.clone(), world.now).unwrap();
    let shown = say(&mut world, "policy show 2");
    assert!(shown.starts_with("# Times are seconds"), "{shown}");
    assert_eq!(Policy::from_toml(&shown).unwrap(), policy);
}

#[test]
fn the_fields_of_rules_are_listed_without_a_cloud() {
    let (code, out, _) = run(&["--data", "/nowhere", "policy", "fields"]);
    assert_eq!(code, ExitCode::SUCCESS);
    insta::assert_snapshot!(out);
    let (_, json, _) = run(&["--json", "policy", "fields"]);
    let fields: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(fields[0]["name"], "distance_m");
    assert_eq!(fields[0]["type"], "integer");
}
