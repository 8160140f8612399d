//! Rules at the command line: how often each held and paid, also one that is only tried, and the way back to an older policy.

use dashpoint_membership::{ServerEpoch, Trip};

use crate::cli::{refused, say};
use crate::support::*;

const TRIED: &str = r#"
[[rules]]
id = "gentle-trip"
on = "trip"
title = { en = "Gentle trip", zh = "平稳出行" }
when = "score_x100 >= 9500 && distance_m / (distance_m - 12000) < 9"
points = "distance_m / 8"
growth = "0"
shadow = true
"#;

/// A policy under the next version with one more rule, as an operator writes it.
fn changed(world: &mut World, version: &str) -> String {
    let shown = say(world, "policy show");
    let next = shown.replacen("version = 1", &format!("version = {version}"), 1);
    let caps = next.find("[[caps]]").unwrap();
    format!("{}{TRIED}\n{}", &next[..caps], &next[caps..])
}

/// The rows of a table, one space between their cells.
fn rows(table: &str) -> Vec<String> {
    let lines = table.lines().skip(1);
    let cells = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    cells.map(|cells| cells.join(" ")).collect()
}

/// Two trips of one car, the later one held back, a trip that was rejected, and a check-in.
fn world_of_entries(world: &mut World) {
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut other = world.car(4, 3, member);
    world.pass(HOUR);
    let early = [
        car.mint(drove(trip(1_000, 12_000)), world.now),
        car.mint(CHECK_IN, world.now),
    ];
    world.settled(&mut car, &early);
    let twice = [other.mint(drove(trip(2_000, 5_000)), world.now)];
    world.settled(&mut other, &twice);
    world.pass(DAY);
    let later = [car.mint(drove(trip(20_000, 9_000)), world.now)];
    world.settled(&mut car, &later);
}

#[test]
fn a_report_counts_for_each_rule_how_often_it_held_and_paid() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, changed(&mut world, "2")).unwrap();
    say(&mut world, &format!("policy sign {}", path.display()));
    world_of_entries(&mut world);
    let all = say(&mut world, "rule report");
    let expected = [
        "check-in 1 1 0 1.000 1 1",
        "clean-charging 0 0 0 0.000 0 0",
        "clean-driving 2 2 0 8.312 1 5",
        // It fails for the trip of twelve kilometres.
        "gentle-trip shadow 2 1 1 1.125",
        "safe-trip 2 2 0 2.100 1 1",
    ];
    assert_eq!(rows(&all), expected, "{all}");
    // The later trip is held back: it is worth something and not paid.
    let later = say(&mut world, "rule report --since 2026-11-23T00:00:00Z");
    assert!(
        rows(&later).contains(&"safe-trip 1 1 0 0.900 0 0".to_owned()),
        "{later}"
    );
    let earlier = say(&mut world, "rule report --until 2026-11-23T00:00:00Z");
    assert!(
        rows(&earlier).contains(&"safe-trip 1 1 0 1.200 1 1".to_owned()),
        "{earlier}"
    );
    let other = say(
        &mut world,
        &format!("rule report --device {}", "04".repeat(16)),
    );
    assert!(
        rows(&other).contains(&"safe-trip 0 0 0 0.000 0 0".to_owned()),
        "{other}"
    );
    let json = say(&mut world, "--json rule report");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json[3],
        serde_json::json!({
            "rule": "gentle-trip",
            "title": { "en": "Gentle trip", "zh": "平稳出行" },
            "shadow": true,
            "entries": 2,
            "entries_held": 1,
            "entries_failed": 1,
            "worth_milli": 1_125,
        })
    );
}

/// The first rule has no room left, which the car could not know: what is paid is not counted as that rule's.
#[test]
fn points_are_counted_for_the_rule_that_gave_them() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let next = say(&mut world, "policy show").replacen("version = 1", "version = 2", 1);
    let cap = "[[caps]]\nid = \"clean\"\nover = { rule = \"clean-driving\" }\nper = \"day\"\npoints = 2\n\n[[caps]]";
    std::fs::write(&path, next.replacen("[[caps]]", cap, 1)).unwrap();
    say(&mut world, &format!("policy sign {}", path.display()));
    let member = world.member(1);
    let (mut car, mut other) = (world.car(2, 3, member), world.car(4, 5, member));
    world.pass(HOUR);
    let first = [car.mint(drove(trip(1_000, 30_000)), world.now)];
    let second = [other.mint(drove(trip(1_000, 30_000)), world.now)];
    world.settled(&mut car, &first);
    world.settled(&mut other, &second);
    let said = say(&mut world, "entries");
    let of_other = format!("rule report --device {}", "04".repeat(16));
    let report = say(&mut world, &of_other);
    assert!(
        rows(&report).contains(&"clean-driving 1 1 0 18.976 0 0".to_owned()),
        "{report}{said}"
    );
    assert!(
        rows(&report).contains(&"safe-trip 1 1 0 3.000 1 3".to_owned()),
        "{report}{said}"
    );
}

#[test]
fn rules_are_tried_on_the_evidence_of_the_cloud_before_they_are_signed() {
    let mut world = World::new();
    world_of_entries(&mut world);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, changed(&mut world, "2")).unwrap();
    let tried = say(
        &mut world,
        &format!("rule report --policy {}", path.display()),
    );
    let expected = [
        "check-in 1 1 0 1.000",
        "clean-charging 0 0 0 0.000",
        "clean-driving 2 2 0 8.312",
        "gentle-trip shadow 2 1 1 1.125",
        "safe-trip 2 2 0 2.100",
    ];
    assert_eq!(rows(&tried), expected, "{tried}");
    let listed = say(&mut world, "policy list");
    assert_eq!(listed.lines().count(), 2, "nothing was signed: {listed}");
}

/// The rules of before come back under a number that was never used, from now on: what was paid meanwhile stays.
#[test]
fn an_old_policy_comes_back_under_the_next_number() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let shown = say(&mut world, "policy show");
    let doubled = shown
        .replacen("version = 1", "version = 7", 1)
        .replace("\"distance_m / 10\"", "\"distance_m / 5\"");
    std::fs::write(&path, doubled).unwrap();
    say(&mut world, &format!("policy sign {}", path.display()));
    world.pass(HOUR);
    let said = say(&mut world, "policy revert 1");
    assert_eq!(said, "signed policy 8, with the rules of policy 1\n");
    let policy = |world: &mut World, version: u32| {
        let shown = say(world, &format!("--json policy show {version}"));
        serde_json::from_str::<serde_json::Value>(&shown).unwrap()
    };
    let mut first = policy(&mut world, 1);
    first["version"] = serde_json::json!(8);
    first["valid_from"] = serde_json::json!(world.now.as_unix_s());
    assert_eq!(policy(&mut world, 8), first);
    let listed = say(&mut world, "policy list");
    assert!(listed.lines().nth(3).unwrap().ends_with("yes"), "{listed}");
    let again = say(&mut world, "--json policy revert 7");
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again, serde_json::json!({ "signed": 9, "rules_of": 7 }));
}

/// In a life that began with a restore the number after the newest may have been signed before: it must be given.
#[test]
fn a_restored_cloud_asks_for_the_number_of_a_revert() {
    let mut world = World::new();
    let life = world
        .core
        .begin_server_epoch(ServerEpoch::new(1), world.now);
    life.unwrap();
    let said = refused(&mut world, "policy revert 1");
    assert!(
        said.ends_with("give a number above them with --version N"),
        "{said}"
    );
    let listed = say(&mut world, "policy list");
    assert_eq!(listed.lines().count(), 2, "nothing was signed: {listed}");
    let said = say(&mut world, "policy revert 1 --version 20");
    assert!(
        said.starts_with("signed policy 20, with the rules of policy 1\n"),
        "{said}"
    );
    let said = refused(&mut world, "policy revert 1 --version 5");
    assert!(said.contains("20"), "{said}");
}

#[test]
fn a_revert_tells_of_times_that_do_not_fit() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let again = say(&mut world, "policy revert 1 --version 2");
    let newest = "policy 1 is the newest version: only its number and its times change";
    assert!(again.contains(newest), "{again}");
    let shown = say(&mut world, "policy show 1");
    std::fs::write(&path, shown.replacen("version = 1", "version = 3", 1)).unwrap();
    let later = "--valid-from 2027-01-01T00:00:00Z";
    say(
        &mut world,
        &format!("policy sign {} {later}", path.display()),
    );
    let said = say(&mut world, "policy revert 1");
    assert_eq!(
        said,
        "signed policy 4, with the rules of policy 1\n\
         warning: policy 3 was to be in force from 2027-01-01T00:00:00Z and never is: policy 4 is above it\n"
    );
    // The rules of before were meant to end before.
    let late = "policy revert 1 --valid-from 2029-01-01T00:00:00Z";
    let said = refused(&mut world, late);
    assert_eq!(
        said,
        "the rules of policy 1 would be in force until 2028-12-31T16:00:00Z, which is past or before they begin: give a later time with \
         --valid-until"
    );
    let until = format!("{late} --valid-until 2031-01-01T00:00:00Z");
    let said = say(&mut world, &until);
    assert!(said.starts_with("signed policy 5, "), "{said}");
}

#[test]
fn an_idle_revert_is_refused() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let said = refused(&mut world, "policy revert 1");
    assert_eq!(
        said,
        "policy 1 is in force with the rules of policy 1, and nothing would change: to sign them all the same give a number above 1 with \
         --version N"
    );
    std::fs::write(&path, changed(&mut world, "2")).unwrap();
    say(&mut world, &format!("policy sign {}", path.display()));
    world.pass(HOUR);
    say(&mut world, "policy revert 1");
    world.pass(HOUR);
    let said = refused(&mut world, "policy revert 1");
    assert!(
        said.starts_with("policy 3 is in force with the rules of policy 1, "),
        "{said}"
    );
    let later = "--valid-from 2027-01-01T00:00:00Z";
    let said = refused(&mut world, &format!("policy revert 1 {later}"));
    assert!(said.contains("nothing would change"), "{said}");
    assert_eq!(say(&mut world, "policy list").lines().count(), 4);
    // Another end is a change, and so are other rules.
    let until = "policy revert 1 --valid-until 2031-01-01T00:00:00Z";
    assert!(say(&mut world, until).starts_with("signed policy 4, "));
    assert!(say(&mut world, "policy revert 2").starts_with("signed policy 5, "));
}

/// A point that thousandths of two devices made up is counted once, for one rule: the devices of a member add up to the member.
#[test]
fn reports_of_single_devices_add_up() {
    let mut world = World::new();
    let member = world.member(1);
    let mut cars = [world.car(2, 3, member), world.car(4, 5, member)];
    world.pass(HOUR);
    // A safe trip leaves 0.9 of a point, and 0.2 that complete it; clean driving leaves less than 0.1, and more than 0.4.
    for (car, distance_m, used_wh) in [(0, 9_000, 1_300), (1, 2_000, 480)] {
        let car = &mut cars[car];
        let drive = Trip {
            used_wh,
            regained_wh: 0,
            ..trip(10_000, distance_m)
        };
        let entry = car.mint(drove(drive), world.now);
        world.settled(car, &[entry]);
        world.pass(600);
    }
    let mut points = |selected: &str| -> Vec<i64> {
        let report = say(&mut world, &format!("--json rule report {selected}"));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let rules = report.as_array().unwrap().iter();
        rules
            .map(|rule| rule["paid_points"].as_i64().unwrap())
            .collect()
    };
    let all = points("");
    let devices = ["02", "04"].map(|byte| points(&format!("--device {}", byte.repeat(16))));
    let sums: Vec<_> = devices[0]
        .iter()
        .zip(&devices[1])
        .map(|(one, other)| one + other)
        .collect();
    assert_eq!(sums, all);
    let of_member = format!("--member {member} --device {}", "02".repeat(16));
    assert_eq!(points(&of_member), devices[0]);
}

#[test]
fn an_empty_report_is_refused() {
    let mut world = World::new();
    world_of_entries(&mut world);
    let nobody = "09".repeat(16);
    let time = "--since 2026-11-23T00:00:00Z --until";
    for (selected, said) in [
        (format!("--member {nobody}"), format!("no member has the id {nobody}")),
        (format!("--device {nobody}"), format!("no device has the id {nobody}")),
        (
            format!("{time} 2026-11-23T00:00:00Z"),
            "no time lies between 2026-11-23T00:00:00Z and 2026-11-23T00:00:00Z: give an --until that is later than --since".to_owned(),
        ),
        (
            format!("{time} 2026-11-22T00:00:00Z"),
            "no time lies between 2026-11-23T00:00:00Z and 2026-11-22T00:00:00Z: give an --until that is later than --since".to_owned(),
        ),
    ] {
        assert_eq!(refused(&mut world, &format!("rule report {selected}")), said);
    }
}

/// An entry is not left out of the counts without a word.
#[test]
fn a_report_needs_each_policy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let file = folder.path().join("cloud.db");
    let mut world = World::on_disk(&file);
    std::fs::write(&path, changed(&mut world, "2")).unwrap();
    say(&mut world, &format!("policy sign {}", path.display()));
    world_of_entries(&mut world);
    drop(world);
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch("DROP TRIGGER policies_kept; DELETE FROM policies WHERE version = 2")
        .unwrap();
    drop(db);
    let mut world = World::on_disk(&file);
    assert_eq!(
        refused(&mut world, "rule report"),
        "there is no policy of version 2"
    );
}
