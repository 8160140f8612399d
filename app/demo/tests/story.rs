//! The demo as a stranger starts it, with no terminal.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Output};

use dashpoint_demo::PlayReport;

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dashpoint-demo"))
        .args(arguments)
        // A window would wait for somebody to close it.
        .env("LC_ALL", "C")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("the demo can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what it prints is text")
}

/// The shape of the report is a promise to machines that read it.
fn has_exactly_the_promised_fields(report: &[u8]) {
    let report: serde_json::Value = serde_json::from_slice(report).expect("JSON");
    let fields = |value: &serde_json::Value| -> Vec<String> {
        let object = value.as_object().expect("an object");
        object.keys().cloned().collect()
    };
    for (value, expected) in [
        (
            &report,
            "chain_verified charges entries kills points signals trips",
        ),
        (&report["signals"], "rejected rejected_of sent taken"),
        (
            &report["trips"][0],
            "co2_avoided_g cycle km points predicted score",
        ),
        (
            &report["charges"][0],
            "grade kwh points predicted renewable_percent",
        ),
        (
            &report["entries"],
            "accepted adjusted duplicate rejected signed",
        ),
        (&report["points"], "cloud confirmed pending"),
    ] {
        let mut found = fields(value);
        found.sort();
        assert_eq!(found.join(" "), expected);
    }
}

/// There is a picture at each step, and the last one is of the night.
fn shows_each_step(out: &Path) {
    let mut names: Vec<_> = std::fs::read_dir(out)
        .expect("the folder")
        .map(|entry| entry.expect("a file").file_name().into_string())
        .map(|name| name.expect("text"))
        .filter(|name| name != "report.json")
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "01-enrol-home.png",
            "02-drive-trip.png",
            "03-drive-home.png",
            "04-network-goes-home.png",
            "05-drive-trip.png",
            "06-drive-home.png",
            "07-charge-activity.png",
            "08-drive-trip.png",
            "09-drive-home.png",
            "10-second-car-home.png",
            "11-network-returns-activity.png",
            "12-network-returns-home.png",
            "13-charge-activity.png",
            "14-car-home.png",
        ]
    );
    let [day, night] =
        ["12-network-returns-home.png", "14-car-home.png"].map(|name| brightness(&out.join(name)));
    assert!(day > 2 * night, "day {day}, night {night}");
}

/// The mean of all channels of a picture.
fn brightness(file: &Path) -> u64 {
    let file = BufReader::new(File::open(file).expect("a picture"));
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut pixels).expect("a picture");
    assert_eq!((frame.width, frame.height), (1920, 720));
    pixels.iter().map(|byte| u64::from(*byte)).sum::<u64>() / pixels.len() as u64
}

#[test]
fn a_sunday_is_played_and_every_point_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let played = demo(&[
        "--json",
        "--language",
        "en",
        "--headless",
        "--out",
        out.to_str().unwrap(),
    ]);
    let story = text(&played.stderr);
    assert!(played.status.success(), "{story}");
    let report: PlayReport = serde_json::from_slice(&played.stdout).unwrap();
    let file = std::fs::read(out.join("report.json")).unwrap();
    assert_eq!(
        report,
        serde_json::from_slice(&file).unwrap(),
        "the file says the same"
    );
    has_exactly_the_promised_fields(&file);
    shows_each_step(&out);

    // Distances of the cycles and scores from their hard braking, as published.
    let trips = [
        ("WLTC 3b", 23.266, 100.0),
        ("US06", 12.888, 82.25),
        ("UDDS", 11.990, 100.0),
    ];
    assert_eq!(report.trips.len(), trips.len());
    for (trip, (cycle, km, score)) in report.trips.iter().zip(trips) {
        assert_eq!(trip.cycle, cycle);
        assert!(
            (trip.km - km).abs() <= km * 0.005,
            "{cycle}: {} km",
            trip.km
        );
        assert!(
            (trip.score - score).abs() < 0.001,
            "{cycle}: {}",
            trip.score
        );
        assert!(trip.co2_avoided_g > 0 && trip.points > Some(0), "{trip:?}");
    }
    let [charge, asleep] = report.charges.as_slice() else {
        panic!("{:?}", report.charges);
    };
    assert!((charge.kwh - 18.0).abs() < 0.01, "{charge:?}");
    assert!((charge.renewable_percent - 80.0).abs() < 0.1, "{charge:?}");
    assert_eq!(
        (charge.grade.as_str(), charge.points),
        ("metered", Some(21))
    );
    assert!((asleep.kwh - 12.0).abs() < 0.01, "{asleep:?}");
    assert_eq!(
        (asleep.grade.as_str(), asleep.points),
        ("estimated", Some(7))
    );

    let entries = report.entries;
    assert_eq!((entries.signed, entries.accepted), (5, 4));
    assert_eq!(
        (entries.adjusted, entries.rejected, entries.duplicate),
        (1, 0, 0)
    );
    // 100 of the Sunday, which its cap allows, 57 of them the second car's; and 7 of the Monday.
    let points = report.points;
    let here: i64 = report.trips.iter().filter_map(|trip| trip.points).sum();
    let of_the_second_car = 57;
    assert_eq!(
        points.cloud,
        here + charge.points.unwrap() + asleep.points.unwrap() + of_the_second_car
    );
    assert_eq!((points.confirmed, points.pending), (points.cloud, 0));
    assert!(report.chain_verified);
    assert_eq!(report.kills, 1);
    let signals = report.signals;
    assert!(signals.taken * 100 >= signals.sent * 99, "{signals:?}");
    assert_eq!(signals.rejected, 0, "{signals:?}");
    // What was on its way when the head unit was killed.
    assert!(signals.taken <= signals.sent, "{signals:?}");
    for part in [
        "SIGKILL in the middle of the drive",
        "adjusted: UDDS",
        "the limit of 100 a day for all points had less room than this car could know",
        "The promise held",
    ] {
        assert!(story.contains(part), "{part}: {story}");
    }
}

#[test]
fn every_other_ready_story_comes_out_as_it_expects() {
    for name in ["guest", "week-offline", "bad-network"] {
        let played = demo(&["--scenario", name, "--language", "zh"]);
        let story = text(&played.stdout);
        let said = text(&played.stderr);
        assert!(played.status.success(), "{name}: {said}\n{story}");
        assert!(story.contains("承诺兑现"), "{name}: {story}");
        let speaks = name != "guest" || story.contains("车辆信号：访客");
        assert!(speaks, "{name}: {story}");
        assert!(!story.contains("绿电"), "{name}: {story}");
        let [sent, taken, rejected] = signals(&story);
        assert!(sent > 1_000, "{name}: {story}");
        assert_eq!(taken, sent, "{name}: nobody was killed");
        // Where days pass, what leaps with them is held back until three signals agree, and taken then.
        assert_eq!(rejected, 0, "{name}: {story}");
    }
}

/// With `--json` the standard output is JSON and nothing else, also where the head unit says something of its own.
#[test]
fn json_stands_alone_on_the_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let story = "about = \"mine\"\nbegins = \"2026-11-22T08:00\"\n\n[[step]]\nenrol = {}\n\n[[step]]\ncheck-in = {}\n";
    std::fs::write(&file, story).unwrap();
    for (language, said) in [("en", "    checked in +1\n"), ("zh", "    签到成功 +1\n")] {
        let asked = ["--json", "--language", language, "--scenario"];
        let played = demo(&[&asked[..], &[file.to_str().unwrap()]].concat());
        let story = text(&played.stderr);
        assert!(played.status.success(), "{story}");
        let report: PlayReport = serde_json::from_slice(&played.stdout).unwrap();
        assert_eq!(report.points.confirmed, 1);
        assert!(story.contains(said), "{story}");
    }
}

/// Each entry is told, and counted, by the word that the table has for it; of what earned nothing no amount is told.
#[test]
fn a_drive_that_earns_nothing_is_told_and_counted_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let story = "about = \"mine\"\nbegins = \"2026-11-22T08:00\"\n\n[[step]]\nenrol = {}\n\n[[step]]\ncheck-in = {}\n\n\
                 [[step]]\ndrive = { cycle = \"us06\", for = \"60s\" }\n";
    std::fs::write(&file, story).unwrap();
    for (language, told, counted) in [
        (
            "en",
            "    0 points predicted: not earned\n",
            "2 signed: 1 confirmed, 0 adjusted, 0 rejected, 1 not earned, 0 twice",
        ),
        (
            "zh",
            "    预计 0 积分：未获得\n",
            "签名 2 条：已确认 1，已调整 0，未通过 0，未获得 1，重复 0",
        ),
    ] {
        let asked = ["--language", language, "--scenario"];
        let played = demo(&[&asked[..], &[file.to_str().unwrap()]].concat());
        let story = text(&played.stdout);
        assert!(played.status.success(), "{}\n{story}", text(&played.stderr));
        assert!(story.contains(told), "{story}");
        assert!(story.contains(counted), "{story}");
    }
}

/// A second check-in of a day makes no entry: its answer is told, and the story goes on.
#[test]
fn a_check_in_that_makes_no_entry_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let check_in = "[[step]]\ncheck-in = {}\n\n";
    let story = format!(
        "about = \"mine\"\nbegins = \"2026-11-22T08:00\"\n\n[[step]]\nenrol = {{}}\n\n{check_in}{check_in}\
         [[step]]\nexpect = {{ confirmed = 1, pending = 0 }}\n"
    );
    std::fs::write(&file, story).unwrap();
    let played = demo(&["--scenario", file.to_str().unwrap()]);
    let story = text(&played.stdout);
    assert!(played.status.success(), "{}\n{story}", text(&played.stderr));
    assert!(story.contains("    checked in already: "), "{story}");
}

/// What the Chinese end of a story says of the signals: sent, taken, rejected.
fn signals(story: &str) -> [u64; 3] {
    let line = story
        .lines()
        .find(|line| line.contains("接收"))
        .expect("signals are told of");
    let numbers: Vec<u64> = line
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    numbers.try_into().expect("three numbers")
}

#[test]
fn a_story_that_does_not_come_out_as_it_expects_fails_and_names_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let story = "about = \"mine\"\nbegins = \"2026-11-22T08:00\"\n\n[[step]]\nenrol = {}\n\n\
                 [[step]]\ncheck-in = {}\n\n[[step]]\n\
                 expect = { confirmed = 2, pending = 0, tier = \"gold\" }\n";
    std::fs::write(&file, story).unwrap();
    let played = demo(&["--scenario", file.to_str().unwrap()]);
    let said = text(&played.stderr);
    assert_eq!(played.status.code(), Some(1), "{said}");
    for part in [
        "line 11: confirmed: expected 2, found 1",
        "line 11: tier: expected gold, found basic",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_story_that_makes_no_sense_is_not_played() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "about = \"mine\"\n").unwrap();
    for (story, part) in [
        (file.to_str().unwrap(), "missing field `begins`"),
        ("no-such-story", "sunday, bad-network"),
    ] {
        let refused = demo(&["--scenario", story]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(
            said.lines().count() == 1 && said.contains(part),
            "{part}: {said}"
        );
    }
}

#[test]
fn help_teaches_and_what_is_wrong_is_refused_in_one_line() {
    let help = demo(&["--help"]);
    assert!(help.status.success());
    for word in [
        "cargo run --release -- --json",
        "--keep <DIR>",
        "--headless --out out",
        "--persona <NAME>",
        "--scenario <FILE|NAME>",
        "--language <LANGUAGE>",
        "proxy",
        "Exit codes",
    ] {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
    assert_eq!(demo(&["--kep"]).status.code(), Some(2));

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ledger.db"), "mine").unwrap();
    let refused = demo(&["--keep", folder.path().to_str().unwrap()]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.lines().count() == 1 && said.contains("not empty"),
        "{said}"
    );
}

#[test]
fn with_its_hidden_word_it_is_the_head_unit() {
    let help = demo(&[dashpoint_demo::HEAD_UNIT, "--help"]);
    assert!(help.status.success());
    assert!(text(&help.stdout).contains("enrol"));
}
