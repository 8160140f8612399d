//! The demo as a stranger starts it, with no terminal.

use std::process::{Command, Output};

use dashpoint_demo::Report;

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dashpoint-demo"))
        .args(arguments)
        .output()
        .expect("the demo can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what it prints is text")
}

#[test]
fn a_sunday_is_played_and_every_point_is_there_once() {
    let played = demo(&["--json"]);
    let story = text(&played.stderr);
    assert!(played.status.success(), "{story}");
    let report: Report = serde_json::from_slice(&played.stdout).unwrap();

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
        assert!(trip.co2_avoided_g > 0 && trip.points > 0, "{trip:?}");
    }
    let [charge] = report.charges.as_slice() else {
        panic!("{:?}", report.charges);
    };
    assert!((charge.kwh - 18.0).abs() < 0.01, "{charge:?}");
    assert!((charge.renewable_percent - 80.0).abs() < 0.1, "{charge:?}");
    assert_eq!((charge.grade.as_str(), charge.points), ("metered", 21));

    let entries = report.entries;
    assert_eq!((entries.signed, entries.accepted), (4, 4));
    assert_eq!(
        (entries.adjusted, entries.rejected, entries.duplicate),
        (0, 0, 0)
    );
    let points = report.points;
    let paid: i64 = report.trips.iter().map(|trip| trip.points).sum();
    assert_eq!(points.cloud, paid + charge.points);
    assert_eq!((points.confirmed, points.pending), (points.cloud, 0));
    assert!(report.chain_verified);
    assert_eq!(report.kills, 1);
    let signals = report.signals;
    assert!(signals.taken * 100 >= signals.sent * 99, "{signals:?}");
    assert!(signals.rejected * 100 <= signals.sent, "{signals:?}");
    assert!(
        story.contains("SIGKILL") && story.contains("The promise held"),
        "{story}"
    );
}

#[test]
fn help_teaches_and_what_is_wrong_is_refused_in_one_line() {
    let help = demo(&["--help"]);
    assert!(help.status.success());
    for word in [
        "cargo run --release -- --json",
        "--keep <DIR>",
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
