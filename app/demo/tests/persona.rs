//! Personas: where somebody stands, the same each time.

use std::path::Path;
use std::process::{Command, Output};

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
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is seen of a persona: what `status --json` says of its members, and the pictures of its screen.
#[derive(PartialEq)]
struct Seen {
    members: String,
    pictures: Vec<Vec<u8>>,
}

fn play(name: &str, folder: &Path) -> Seen {
    let (keep, out) = (folder.join("keep"), folder.join("out"));
    let played = demo(&[
        "--persona",
        name,
        "--headless",
        "--keep",
        keep.to_str().expect("text"),
        "--out",
        out.to_str().expect("text"),
    ]);
    let said = text(&played.stderr);
    let story = text(&played.stdout);
    assert!(played.status.success(), "{name}: {said}\n{story}");
    assert!(out.join("report.json").is_file());
    let config = keep.join("dashpoint.toml");
    let status = demo(&[
        dashpoint_demo::HEAD_UNIT,
        "status",
        "--json",
        "--config",
        config.to_str().expect("text"),
    ]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    let picture = |page: &str| std::fs::read(out.join(page)).expect("a picture");
    Seen {
        members: status["members"].to_string(),
        pictures: ["01-persona-home.png", "02-persona-activity.png"]
            .map(picture)
            .to_vec(),
    }
}

#[test]
fn each_persona_is_as_it_expects_and_seen_the_same_each_time() {
    for name in ["new", "gold-expiring", "capped", "guest", "offline-30d"] {
        let [first, second] = [(), ()].map(|()| {
            let folder = tempfile::tempdir().expect("a folder");
            play(name, folder.path())
        });
        assert_eq!(first.members, second.members, "{name}");
        assert!(first == second, "{name}: its pictures differ");
        if name == "offline-30d" {
            let members: serde_json::Value = serde_json::from_str(&first.members).expect("JSON");
            let caps = members[0]["caps"].as_array().expect("the caps");
            let charged = caps.iter().find(|cap| cap["cap"] == "charge-day");
            let used_milli = charged.expect("a cap")["used_milli"].as_i64();
            // One charge of 8 kWh: neither those of the weeks before nor the other car's of the last contact.
            assert!(
                used_milli.is_some_and(|used| (1..10_000).contains(&used)),
                "{caps:?}"
            );
        }
    }
}

#[test]
fn a_persona_that_nobody_knows_is_refused() {
    let refused = demo(&["--persona", "rich"]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("gold-expiring"), "{said}");
}
