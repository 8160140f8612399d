//! `dashpoint explain`, run as a person runs it: known answers, entries of a ledger, files that are none.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod entry;
mod totals;

use std::path::PathBuf;
use std::process::{Command, Output};

use dashpoint_membership::DEFAULT_POLICY_TOML;
use serde_json::Value;

/// A file of the shared recordings; `None`, with a line that says so, when it is not there.
#[expect(clippy::print_stdout, reason = "a skipped test says what it misses")]
fn shared(path: &str) -> Option<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/");
    let file = PathBuf::from(format!("{root}{path}"));
    if file.exists() {
        return Some(file);
    }
    let required = std::env::var("DASHPOINT_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "missing: {}", file.display());
    println!("skipped: {} is missing", file.display());
    None
}

fn dashpoint(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_dashpoint");
    Command::new(program)
        .args(arguments)
        .env_remove("DASHPOINT_CONFIG")
        .env("LC_ALL", "C")
        .env("RUST_LOG", "off")
        .output()
        .unwrap()
}

fn explained(arguments: &[&str]) -> (Value, String) {
    let mut all = vec!["explain"];
    all.extend(arguments);
    let table = dashpoint(&all);
    assert!(table.status.success(), "{table:?}");
    all.push("--json");
    let json = dashpoint(&all);
    assert!(json.status.success(), "{json:?}");
    (
        serde_json::from_slice(&json.stdout).unwrap(),
        String::from_utf8(table.stdout).unwrap(),
    )
}

/// One line on stderr, exit code 2.
fn refusal(arguments: &[&str]) -> String {
    let mut all = vec!["explain"];
    all.extend(arguments);
    let refused = dashpoint(&all);
    let line = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(refused.stdout.is_empty());
    line
}

#[test]
fn us06_is_explained_down_to_the_two_seconds() {
    let Some(file) = shared("cycles/us06.csv") else {
        return;
    };
    let (json, table) = explained(&[file.to_str().unwrap(), "--kwh-per-100km", "15"]);
    let seen = &json["found"][0]["seen"];
    assert_eq!(json["found"].as_array().unwrap().len(), 1);
    assert_eq!(seen["score_x100"], 8_225);
    let metres = seen["distance_m"].as_f64().unwrap();
    assert!((metres / 12_888.0 - 1.0).abs() < 0.005, "{metres}");
    let braking = &seen["factors"][0];
    assert_eq!(braking["observed"], true);
    assert_eq!(braking["against_ms"], 2_000);
    assert_eq!(braking["base_ms"], 72_000);
    assert_eq!(braking["spells"].as_array().unwrap().len(), 2);
    assert_eq!(braking["costs_x100"], 1_775);
    assert_eq!(seen["factors"][1]["observed"], false);
    let safe = &json["found"][0]["rules"][1];
    assert_eq!(safe["rule"], "safe-trip");
    assert_eq!(safe["held"], false);
    let held: Vec<_> = safe["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["held"].as_bool().unwrap())
        .collect();
    assert_eq!(held, [false, true, true, true]);
    insta::assert_snapshot!(table);
}

/// A recorded day of several trips and the standard cycles, by night and with a late start: the costs of the factors add
/// up to what the score lacks of 100, trip by trip and pooled.
#[test]
fn the_costs_of_the_factors_add_up_to_what_the_score_lacks() {
    let mut trips = 0;
    let mut shared_costs = 0;
    for (path, start) in [
        (
            "drives/cmap-4107032_1-2007-05-25.csv",
            "2026-11-22T22:30:00",
        ),
        ("cycles/us06.csv", "2026-11-22T23:59:00"),
        ("cycles/us06.csv", "2026-11-23T02:30:00"),
        ("cycles/udds.csv", "2026-11-22T23:50:00"),
    ] {
        let Some(file) = shared(path) else {
            return;
        };
        let (json, _) = explained(&[file.to_str().unwrap(), "--start", start]);
        let found = json["found"].as_array().unwrap().iter();
        let seen = found.map(|found| &found["seen"]).chain([&json["pooled"]]);
        for trip in seen.filter(|seen| seen["score_x100"].is_u64()) {
            let factors = trip["factors"].as_array().unwrap().iter();
            let costs: Vec<u64> = factors
                .map(|factor| factor["costs_x100"].as_u64().unwrap())
                .collect();
            let score_x100 = trip["score_x100"].as_u64().unwrap();
            assert_eq!(costs.iter().sum::<u64>() + score_x100, 10_000, "{trip}");
            trips += 1;
            shared_costs += u32::from(costs.iter().filter(|cost| **cost > 0).count() > 1);
        }
    }
    assert!(trips > 4 && shared_costs > 1, "{trips} {shared_costs}");
}

#[test]
fn a_drive_without_energy_is_not_paid_as_if_it_had_used_none() {
    let Some(file) = shared("cycles/hwfet.csv") else {
        return;
    };
    let rules = |arguments: &[&str]| explained(arguments).0["found"][0]["rules"].clone();
    let file = file.to_str().unwrap();
    let (told, untold) = (rules(&[file, "--kwh-per-100km", "15"]), rules(&[file]));
    for (place, rule, held) in [(0, "clean-driving", false), (1, "safe-trip", true)] {
        assert_eq!(
            (&told[place]["rule"], &told[place]["held"]),
            (&rule.into(), &true.into())
        );
        assert_eq!(
            (&untold[place]["rule"], &untold[place]["held"]),
            (&rule.into(), &held.into())
        );
    }
    assert_eq!(untold[0]["conditions"][1]["held"], false, "{untold:#}");
}

#[test]
fn each_cycle_has_its_score() {
    for (name, score, metres) in [
        ("udds", 10_000, 11_990.0),
        ("hwfet", 10_000, 16_507.0),
        ("wltc_3b", 10_000, 23_266.0),
    ] {
        let Some(file) = shared(&format!("cycles/{name}.csv")) else {
            return;
        };
        let (json, _) = explained(&[file.to_str().unwrap(), "--kwh-per-100km", "15"]);
        let seen = &json["found"][0]["seen"];
        assert_eq!(seen["score_x100"], score, "{name}");
        let distance = seen["distance_m"].as_f64().unwrap();
        assert!((distance / metres - 1.0).abs() < 0.005, "{name} {distance}");
        let drawn = seen["used_wh"].as_f64().unwrap();
        assert!((drawn / distance - 0.15).abs() < 0.001, "{name} {drawn}");
    }
}

/// The tables that ship with the simulator, comments and all.
#[test]
fn each_table_that_ships_is_explained() {
    for (name, score, metres) in [
        ("udds", 10_000, 11_990.0),
        ("hwfet", 10_000, 16_507.0),
        ("us06", 8_225, 12_888.0),
        ("wltc-3b", 10_000, 23_266.0),
    ] {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../vehicle-sim/cycles/");
        let (json, _) = explained(&[&format!("{root}{name}.csv"), "--kwh-per-100km", "15"]);
        let seen = &json["found"][0]["seen"];
        assert_eq!(seen["score_x100"], score, "{name}");
        let distance = seen["distance_m"].as_f64().unwrap();
        assert!((distance / metres - 1.0).abs() < 0.005, "{name} {distance}");
    }
}

#[test]
fn the_recorded_day_is_pooled_and_told_trip_by_trip() {
    let Some(file) = shared("drives/cmap-4107032_1-2007-05-25.csv") else {
        return;
    };
    // So little energy that the day earns more than its cap.
    let stated = ["--zone", "America/Chicago", "--kwh-per-100km", "5"];
    let (json, _) = explained(&[&[file.to_str().unwrap()], &stated[..]].concat());
    let pooled = &json["pooled"];
    assert_eq!(pooled["score_x100"], 9_434);
    assert_eq!(pooled["factors"][0]["against_ms"], 8_000);
    assert_eq!(pooled["factors"][0]["base_ms"], 745_000);
    let distance = pooled["distance_m"].as_f64().unwrap();
    assert!((distance / 141_500.0 - 1.0).abs() < 0.005, "{distance}");
    let lines: Vec<String> = json["found"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            let seen = &found["seen"];
            format!(
                "{} m, {} min, {} s missed, {}",
                seen["distance_m"], seen["driving_min"], seen["missed_s"], seen["score_x100"]
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    let cap = &json["caps"][0];
    assert!(
        cap["from_date"].is_string() && cap["most_points"].is_i64(),
        "{cap}"
    );
    let cut = &json["found"][13]["rules"][0]["cut_by"];
    assert_eq!(cut["cap"], "trip-day");
    assert_eq!(
        (&cut["per"], &cut["most_points"]),
        (&"day".into(), &80.into())
    );
}

#[test]
fn a_drive_with_positions_is_a_trip_without_them() {
    let Some(file) = shared("drives/covesa-cv-recording.csv") else {
        return;
    };
    let path = file.to_str().unwrap();
    let (json, table) = explained(&[path]);
    let seen = &json["found"][0]["seen"];
    let distance = seen["distance_m"].as_i64().unwrap();
    assert!((5_300..5_450).contains(&distance), "{distance}");
    let unused = json["origin"]["unused"]["Vehicle.CurrentLocation.Latitude"].as_i64();
    assert_eq!(unused, Some(471));
    let recording = std::fs::read_to_string(&file).unwrap();
    let told = format!("{json}{table}");
    let mut coordinates = 0;
    for row in recording.lines().filter(|row| row.contains("itude,")) {
        let value = row.split(',').nth(2).unwrap();
        // An altitude of 375 may be anything; a coordinate has its degrees and three places.
        if let Some(point) = value.find('.') {
            let degrees = &value[..value.len().min(point + 4)];
            assert!(!told.contains(degrees), "{degrees}");
            coordinates += 1;
        }
    }
    assert!(coordinates > 500, "{coordinates}");
}

#[test]
fn a_changed_policy_is_tried_without_a_cloud() {
    let Some(file) = shared("cycles/us06.csv") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("changed.toml");
    let changed = DEFAULT_POLICY_TOML.replace("score_x100 >= 9000", "score_x100 >= 8000");
    std::fs::write(&policy, changed).unwrap();
    let (json, _) = explained(&[file.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert_eq!(json["found"][0]["rules"][1]["held"], true);

    let typo = DEFAULT_POLICY_TOML.replacen("on = \"trip\"", "on = \"trip\"\nsahdow = true", 1);
    std::fs::write(&policy, typo).unwrap();
    let line = refusal(&[file.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert!(
        line.contains("unknown key `sahdow`: did you mean `shadow`?"),
        "{line}"
    );
    std::fs::write(&policy, "version = 1\nrules = 3\n").unwrap();
    let line = refusal(&[file.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert!(line.contains("changed.toml: line 2: "), "{line}");
    std::fs::write(
        &policy,
        DEFAULT_POLICY_TOML.replace("score_x100 >= 9000", "speed > 3"),
    )
    .unwrap();
    let line = refusal(&[file.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert!(line.contains("safe-trip"), "{line}");
}

/// The errors that a person meets first are said in the language that was asked for, with the way out; programs read English.
#[test]
fn errors_are_told_in_the_language_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("dashpoint.toml");
    let key = "00".repeat(32);
    std::fs::write(
        &config,
        format!("[cloud]\nurl = \"http://127.0.0.1:1\"\nkey = \"{key}\"\n"),
    )
    .unwrap();
    let config = config.to_str().unwrap();
    let missing = folder.path().join("none.toml");
    let missing = missing.to_str().unwrap();
    for (command, english, chinese) in [
        (
            &["explain", "nosuch.csv"][..],
            "nosuch.csv: cannot be read",
            "nosuch.csv：无法读取（没有此文件）",
        ),
        (
            &["explain", "1/1"],
            "entries are written EPOCH-SEQ, such as 1-1",
            "记录写作 EPOCH-SEQ，例如 1-1",
        ),
        (
            &["ledger", "--config", missing],
            "give the head unit's configuration with --config FILE",
            "请用 --config FILE 指定车机的配置",
        ),
        (
            &["ledger", "--config", config],
            "this head unit is not enrolled; run `dashpoint enrol` first",
            "本车机尚未绑定；请先运行 `dashpoint enrol`",
        ),
        (
            &["check-in", "--config", config],
            "this head unit is not enrolled; run `dashpoint enrol` first",
            "本车机尚未绑定；请先运行 `dashpoint enrol`",
        ),
        (
            &["explain", "src"],
            "src: a folder with no recording (.csv) in it",
            "src：目录中没有行车记录（.csv）",
        ),
    ] {
        for (language, expected) in [("en", english), ("zh", chinese)] {
            let output = dashpoint(&[command, &["--language", language, "--json"]].concat());
            assert!(!output.status.success(), "{command:?}");
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(told.contains(expected), "{command:?}: {told}");
            assert_eq!(told.lines().count(), 1, "{told}");
            let json: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert!(json["error"].is_string(), "{json}");
        }
    }
}

#[test]
fn a_file_that_is_no_recording_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let line = refusal(&[file.to_str().unwrap()]);
        line.replace(&format!("{}/", folder.path().display()), "")
    };
    let lines = [
        refused("empty.csv", b""),
        refused("text.csv", b"Dear diary,\ntoday I drove.\n"),
        refused("bytes.csv", b"\xff\xfe\x00\x01\n\xff\n"),
        refused("word.csv", b"cycSecs,cycMps\n0,1\n1,fast\n"),
        refused("short.csv", b"cycSecs,cycMps\n0,1\n1\n"),
        refused("back.csv", b"cycSecs,cycMps\n5,1\n4,1\n"),
        refused("nan.csv", b"cycSecs,cycMps\nNaN,1\n"),
        refused("date.csv", b"timestamp,timestep,speed_mph\nyesterday,1,2\n"),
        refused(
            "place.csv",
            b"field,signal,value,delay\ncurrent,Vehicle.CurrentLocation.Latitude,43.4,0\n",
        ),
        refused(
            "delay.csv",
            b"field,signal,value,delay\ncurrent,Vehicle.Speed,3,-1\n",
        ),
    ];
    insta::assert_snapshot!(lines.concat());
    let line = refusal(&["no-such-file.csv"]);
    assert!(
        line.starts_with("dashpoint: no-such-file.csv: cannot be read"),
        "{line}"
    );
}

#[test]
fn values_that_no_car_has_are_counted_and_earn_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wild.csv");
    let mut text = "cycSecs,cycMps\n".to_owned();
    for second in 0..300 {
        text += &format!("{second},{}\n", ["NaN", "9000", "-inf"][second % 3]);
    }
    std::fs::write(&file, text).unwrap();
    let (json, _) = explained(&[file.to_str().unwrap()]);
    assert_eq!(json["found"].as_array().unwrap().len(), 0);
    let speed = &json["signals"][0];
    assert_eq!(speed["path"], "Vehicle.Speed");
    assert_eq!(speed["refused"]["not-a-number"], 200);
    assert_eq!(speed["refused"]["out-of-range"], 100);
}

#[test]
fn programs_read_numbers_as_numbers_and_a_rule_that_failed_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drive.csv");
    let rows = (1..=300).map(|second| format!("{second},15\n"));
    let table = format!("cycSecs,cycMps\n0,0\n{}", rows.collect::<String>());
    std::fs::write(&file, table).unwrap();
    let file = file.to_str().unwrap();
    let (json, _) = explained(&[file]);
    let fields = &json["found"][0]["fields"];
    assert!(fields["distance_m"].is_i64(), "{fields:#}");
    assert_eq!(fields["hard_braking_observed"], true, "{fields:#}");

    let policy = folder.path().join("fails.toml");
    // Nothing was missed, so it divides by zero.
    let fails = DEFAULT_POLICY_TOML.replace("\"distance_m / 10\"", "\"distance_m / missed_s\"");
    let fails = fails.replace("score_x100 >= 9000 && ", "");
    std::fs::write(&policy, fails).unwrap();
    let output = dashpoint(&[
        "explain",
        file,
        "--json",
        "--policy",
        policy.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        json["found"][0]["rules"]
            .to_string()
            .contains("division by zero"),
        "{json:#}"
    );

    // A wrong argument, a wrong file and a failure are objects on standard output, and lines on standard error.
    let gone = folder.path().join("gone.csv");
    for (arguments, code) in [
        (&["explain", "--json", "--nosuch"][..], 2),
        (&["explain", "--json", gone.to_str().unwrap()], 2),
        (&["sync", "--json", "--config", gone.to_str().unwrap()], 2),
    ] {
        let output = dashpoint(arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let error = json["error"].as_str().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        for part in error.split("; ") {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    let none = dashpoint(&["ledger", "--last", "0"]);
    assert_eq!(none.status.code(), Some(2), "{none:?}");
}
