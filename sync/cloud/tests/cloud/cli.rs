//! The command line: tables and JSON with fixed times and ids, exit codes, and a run beside `serve`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use dashpoint_cloud::cli::{CliError, CloudArgs, Edge, execute, main};
use dashpoint_wire::message::EnrolRequest;

use crate::support::*;
use dashpoint_cloud::AskIds;
use dashpoint_membership::*;

/// A cloud with one member, two cars and one waiting, and one entry of each outcome.
fn world() -> World {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut clone = car.clone();
    let mut other = world.car(4, 3, member);
    world.pass(HOUR);
    let entries = [
        car.mint(drove(trip(1_000, 12_000)), world.now),
        car.mint(CHECK_IN, world.now),
    ];
    world.settled(&mut car, &entries);
    let twice = [
        other.mint(drove(trip(2_000, 5_000)), world.now),
        other.mint(CHECK_IN, world.now),
    ];
    world.settled(&mut other, &twice);
    let branch = clone.mint(CHECK_IN, world.now);
    world.diverged(&clone, &[branch]);
    let request = EnrolRequest {
        key: clone.key.public(),
        vehicle: VehicleId::from_bytes([3; 16]),
        vin_last4: "0815".to_owned(),
        driver: None,
    };
    let ids = AskIds {
        id: [9; 16],
        code: "7K3MZ0QA".to_owned(),
    };
    world.core.ask(&request, ids, world.now).unwrap();
    world
}

pub(crate) fn say(world: &mut World, line: &str) -> String {
    let (out, done) = ran(world, line);
    done.unwrap();
    out
}

/// What a command is refused with.
pub(crate) fn refused(world: &mut World, line: &str) -> String {
    ran(world, line).1.unwrap_err().to_string()
}

/// Gives a command; what it wrote, and what it ended with.
fn ran(world: &mut World, line: &str) -> (String, Result<(), CliError>) {
    let words = std::iter::once("dashpoint-cloud").chain(line.split_whitespace());
    let args = CloudArgs::try_parse_from(words).unwrap();
    let edge = Edge {
        now: world.now,
        ids: [[0xaa; 16], [0xbb; 16]],
        json: args.json,
    };
    let mut out = Vec::new();
    let done = execute(args.command, &mut world.core, edge, &mut out);
    (String::from_utf8(out).unwrap(), done)
}

#[test]
fn tables() {
    let mut world = world();
    let member = "01".repeat(16);
    let commands = [
        "member list".to_owned(),
        format!("member show {member}"),
        "device list".to_owned(),
        "policy list".to_owned(),
        "entries".to_owned(),
        format!("entries --device {}", "04".repeat(16)),
        format!("statement {member}"),
        "member add --name 韩梅梅".to_owned(),
        format!("device approve 7k3m-zoqa --member {member}"),
        format!("device revoke {}", "04".repeat(16)),
        "device list".to_owned(),
        "expire".to_owned(),
        "key".to_owned(),
    ];
    let shown: String = commands
        .iter()
        .map(|line| format!("$ dashpoint-cloud {line}\n{}\n", say(&mut world, line)))
        .collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn json() {
    let mut world = world();
    let member = "01".repeat(16);
    let commands = [
        "--json member list".to_owned(),
        format!("--json member show {member}"),
        "--json device list".to_owned(),
        "--json policy list".to_owned(),
        format!("--json entries --device {}", "04".repeat(16)),
        format!("--json statement {member}"),
        "--json maintain".to_owned(),
    ];
    let shown: String = commands
        .iter()
        .map(|line| format!("$ dashpoint-cloud {line}\n{}\n", say(&mut world, line)))
        .collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn a_cap_that_cut_is_named_with_its_period_and_the_room_that_it_had() {
    let mut world = world();
    let entries = format!("entries --device {}", "04".repeat(16));
    let statement = format!("statement {}", "01".repeat(16));
    let cap = "cap of 1 a day for Daily check-in";
    let texts = [&entries, &statement].map(|line| say(&mut world, line));
    assert!(texts[0].contains(&format!("{cap} had room for 0")));
    assert!(texts[1].contains(cap));
    assert!(texts.iter().all(|text| !text.contains("check-in-day")));
    let [entries, statement] = [entries, statement].map(|line| -> serde_json::Value {
        serde_json::from_str(&say(&mut world, &format!("--json {line}"))).unwrap()
    });
    let mut named = serde_json::json!({
        "cap": "check-in-day",
        "over": { "en": "Daily check-in", "zh": "每日签到" },
        "per": "day",
        "most_points": 1,
        "room_points": 0,
    });
    assert_eq!(entries[1]["cut_by"], serde_json::json!([named]));
    named.as_object_mut().unwrap().remove("room_points");
    assert_eq!(statement["caps"], serde_json::json!([named]));
}

#[test]
fn a_vehicle_that_earns_for_others_needs_their_word() {
    let mut world = world();
    let other = world.member(8);
    let waits = say(
        &mut world,
        &format!("device approve 7k3m-z0qa --member {other}"),
    );
    assert!(waits.contains("device consent"), "{waits}");
    let listed = say(&mut world, "device list");
    assert!(listed.contains("to agree to 会员 8 (08080808)"), "{listed}");
    let agreed = say(
        &mut world,
        &format!(
            "--json device consent 7k3m-z0qa --member {}",
            "01".repeat(16)
        ),
    );
    let agreed: serde_json::Value = serde_json::from_str(&agreed).unwrap();
    assert_eq!(agreed["member"], other.to_string());
    assert_eq!(agreed["device"], "02".repeat(16));
    let args = ["dashpoint-cloud", "device", "consent", "7k3m-z0qa"];
    assert!(CloudArgs::try_parse_from(args).is_err(), "whose word?");
}

#[test]
fn help() {
    let (_, out, _) = run(&["--help"]);
    insta::assert_snapshot!(out);
}

#[test]
fn a_shell_gets_what_it_completes_with() {
    let (code, script, _) = run(&["completions", "zsh"]);
    assert_eq!(code, ExitCode::SUCCESS);
    assert!(script.starts_with("#compdef dashpoint-cloud") && script.contains("--trusted-proxy"));
}

#[test]
fn the_folder_is_found_by_a_variable() {
    let (_, help, _) = run(&["member", "list", "--help"]);
    assert!(help.contains("[env: DASHPOINT_DATA"), "{help}");
}

pub(crate) fn run(words: &[&str]) -> (ExitCode, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once("dashpoint-cloud").chain(words.iter().copied());
    let code = main(args.map(OsString::from), &mut out, &mut err);
    (
        code,
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

#[test]
fn a_wrong_argument_is_one_clear_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("policy.toml");
    std::fs::write(&broken, "version = 1\nvalid_from = \"soon\"\n").unwrap();
    let broken = broken.to_str().unwrap();
    let missing = folder.path().join("none");
    let missing = missing.to_str().unwrap();
    let cases: [&[&str]; 9] = [
        &["review", "accept", "abc", "--reason", "seen"],
        &["member", "add"],
        &["frobnicate"],
        &["serve", "--clock", "bus"],
        &["serve", "--listen", "here"],
        &["serve", "--posted-from", "2026-11-22T08:00:00Z"],
        &["policy", "check", broken],
        &["policy", "check", missing],
        &["--data", missing, "member", "list"],
    ];
    let folder = folder.path().to_str().unwrap();
    let mut lines = String::new();
    for words in cases {
        let (code, out, err) = run(words);
        assert_eq!(code, ExitCode::from(2), "{words:?}: {err}");
        assert_eq!((out.as_str(), err.lines().count()), ("", 1), "{err}");
        lines.push_str(&err.replace(folder, "DIR"));
    }
    insta::assert_snapshot!(lines);
}

/// The verdict of an entry stands in the log whatever an operator does later: the line says that, too.
#[test]
fn an_entry_whose_points_were_taken_back_says_so() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entry = car.mint(drove(trip(0, 12_000)), world.now);
    world.settled(&mut car, &[entry]);
    let before = say(&mut world, "entries");
    assert!(
        before.contains("confirmed ") && !before.contains("since"),
        "{before}"
    );
    let vehicle = VehicleId::from_bytes([3; 16]);
    let free = format!(
        "meter free {vehicle} --entry {}/1-1 --reason sold",
        car.device
    );
    say(&mut world, &free);
    let after = say(&mut world, "entries");
    assert!(after.contains("; taken back since"), "{after}");
    let json = say(&mut world, "--json entries");
    assert!(json.contains("\"since\": \"taken-back\""), "{json}");
}

#[test]
fn a_refused_head_unit_waits_no_longer() {
    let mut world = world();
    assert!(say(&mut world, "device list").contains("7K3M-Z0QA"));
    assert_eq!(say(&mut world, "device refuse 7K3M-Z0QA"), "refused\n");
    assert!(!say(&mut world, "device list").contains("7K3M-Z0QA"));
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert_eq!(run(&["--data", data, "init"]).0, ExitCode::SUCCESS);
    for words in [
        &["dashpoint-cloud", "--data", data, "member", "list"][..],
        &[
            "dashpoint-cloud",
            "--data",
            data,
            "--json",
            "member",
            "list",
        ],
        &["dashpoint-cloud", "--help"],
    ] {
        let mut err = Vec::new();
        let exit = main(words.iter().map(OsString::from), &mut Gone, &mut err);
        assert_eq!(exit, ExitCode::SUCCESS, "{}", String::from_utf8_lossy(&err));
        assert!(err.is_empty());
    }
}

/// The program itself: it starts, works beside its own commands, and ends at SIGTERM with nothing left open.
#[cfg(unix)]
#[test]
fn serve_says_who_it_is_and_ends_at_sigterm() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = env!("CARGO_BIN_EXE_dashpoint-cloud");
    let serve = || {
        let mut command = Command::new(program);
        command.arg("--data").arg(&data);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.env_remove("DASHPOINT_DATA");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut serving = serve().spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(serving.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("dashpoint-cloud serves http://127.0.0.1:")
            && line.contains(" with public key "),
        "{line}"
    );
    let second = serve().output().unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("another program serves from"), "{said}");

    let beside = Command::new(program)
        .arg("--data")
        .arg(&data)
        .args(["member", "add", "--name", "Li"])
        .env_remove("DASHPOINT_DATA")
        .output()
        .unwrap();
    assert!(beside.status.success());
    let terminated = Command::new("kill").arg(serving.id().to_string()).status();
    assert!(terminated.unwrap().success());
    assert!(serving.wait().unwrap().success());
    assert!(data.join("cloud.db").exists());
    assert!(
        !data.join("cloud.db-wal").exists(),
        "the log was written back"
    );
}
