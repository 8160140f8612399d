//! The program itself: what it prints, how it ends, and what it keeps.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use vehicle_sim::{Broker, Gateway, Ready};

/// `vehicle-sim` with its state in a folder of the test.
fn vehicle_sim(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vehicle-sim"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("DASHPOINT_BROKER")
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn ended(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.code(), out(&output), error(&output))
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn odometer_m(folder: &Path) -> f64 {
    let text = std::fs::read_to_string(folder.join("vehicle-sim.state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&text).unwrap();
    state["meters"]["odometer_m"].as_f64().unwrap()
}

#[test]
fn a_wrong_name_is_told_with_the_right_ones_and_with_json_to_programs() {
    let folder = tempfile::tempdir().unwrap();
    for (line, part) in [
        (
            &["scenario", "nosuch", "--json"][..],
            "there is no scenario `nosuch`",
        ),
        (
            &["drive", "--cycle", "nedc", "--json"],
            "invalid value 'nedc'",
        ),
        (
            &["drive", "--cycle", "nedc", "--json"],
            "[possible values: ",
        ),
    ] {
        let (code, out, error) = ended(&mut vehicle_sim(folder.path(), line));
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(part), "{error}");
        let told: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(told["error"].as_str().unwrap().contains(part), "{out}");
    }
    let (_, _, error) = ended(&mut vehicle_sim(folder.path(), &["scenario", "nosuch"]));
    for ready in Ready::ALL {
        assert!(error.contains(ready.name), "{error}");
    }
}

#[test]
fn under_the_heading_of_the_broker_stands_only_what_is_the_brokers() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["drive", "charge", "replay", "scenario", "live"] {
        let (_, out, _) = ended(&mut vehicle_sim(folder.path(), &[command, "--help"]));
        let heading = "A broker that does not let everybody in:";
        let (before, after) = out.split_once(heading).unwrap();
        let options = |text: &str| text.matches("\n      --").count();
        assert_eq!(options(after), 5, "{after}");
        assert!(
            before.contains("--soc") && before.contains("--json"),
            "{before}"
        );
    }
}

#[test]
fn list_says_what_each_scenario_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = ended(&mut vehicle_sim(folder.path(), &["list"]));
    assert_eq!(code, Some(0));
    for ready in Ready::ALL {
        let about = ready.scenario().unwrap().about;
        assert!(
            out.lines()
                .any(|line| line.contains(ready.name) && line.contains(&about))
        );
    }
    for gateway in Gateway::ALL {
        let (name, about) = (gateway.name(), gateway.about());
        assert!(
            out.lines()
                .any(|line| line.contains(name) && line.contains(about))
        );
        if let Some(mapping) = gateway.mapping("LDPTEST0000000001") {
            assert!(out.contains(&format!("{:?}", mapping.vehicle)), "{name}");
        }
    }
    for part in ["wltc-3b", "cycSecs,cycMps", "Vehicle.Speed"] {
        assert!(out.contains(part), "{part}");
    }
}

#[test]
fn list_and_broker_tell_a_program_what_they_tell_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = ended(&mut vehicle_sim(folder.path(), &["list", "--json"]));
    assert_eq!(code, Some(0));
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    let names = |kind: &str| -> Vec<String> {
        let all = list[kind].as_array().unwrap();
        let name = |one: &serde_json::Value| one["name"].as_str().unwrap().to_owned();
        all.iter().map(name).collect()
    };
    assert!(names("cycles").contains(&"us06".to_owned()), "{out}");
    let ready: Vec<&str> = Ready::ALL.iter().map(|ready| ready.name).collect();
    assert_eq!(names("scenarios"), ready);
    let gateways: Vec<&str> = Gateway::ALL.iter().map(|gateway| gateway.name()).collect();
    assert_eq!(names("gateways"), gateways);
    assert!(out.contains("\"Vehicle.Speed\""), "{out}");

    let mut broker = vehicle_sim(folder.path(), &["broker", "--port", "0", "--json"]);
    let mut broker = broker.spawn().unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(broker.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    broker.kill().unwrap();
    broker.wait().unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = told["broker"].as_str().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{line}");
}

#[test]
fn every_file_of_the_folder_is_a_ready_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut names: Vec<String> = Ready::ALL
        .iter()
        .map(|ready| format!("{}.toml", ready.name))
        .collect();
    files.sort();
    names.sort();
    assert_eq!(files, names);
}

#[test]
fn a_wrong_scenario_is_one_clear_message_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "about = \"x\"\n\n[[step]]\nfly = {}\n").unwrap();
    let (code, _, error) = ended(&mut vehicle_sim(folder.path(), &["scenario", "mine.toml"]));
    assert_eq!(code, Some(2));
    for part in [
        "mine.toml",
        "line 4",
        "unknown variant `fly`",
        "traffic-light",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let (code, _, error) = ended(&mut vehicle_sim(folder.path(), &["scenario", "no-such"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("no-such"), "{error}");
    // More of a cycle than there is would be driven short without a word.
    let long = "about = \"x\"\n\n[[step]]\ndrive = { cycle = \"us06\", for = \"99m\" }\n";
    std::fs::write(&file, long).unwrap();
    let (code, _, error) = ended(&mut vehicle_sim(folder.path(), &["scenario", "mine.toml"]));
    assert_eq!(code, Some(2), "{error}");
    assert!(
        error.contains("us06 lasts 600 s, and `for` asks for 5940 s"),
        "{error}"
    );
    // A file that is no recording is a wrong argument, too.
    for name in ["no-such", "mine.toml"] {
        let (code, _, error) = ended(&mut vehicle_sim(folder.path(), &["replay", name]));
        assert_eq!(code, Some(2), "{error}");
    }
    assert!(!folder.path().join("vehicle-sim.state.json").exists());
}

/// Whatever is wrong with the file of the car's state, the code is 1 and the line names the file and a way out.
#[test]
fn a_state_file_of_no_use_ends_with_one_code_and_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(0).unwrap();
    let at = format!("127.0.0.1:{}", broker.port());
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    std::fs::write(folder.path().join("text"), "no state").unwrap();
    std::fs::write(folder.path().join("newer"), "{\"format\": 99}").unwrap();
    for (state, part) in [
        (
            "folder",
            "folder: the state of the car cannot be read; name another file",
        ),
        (
            "none/state",
            "none/state: the state of the car cannot be written; name another file",
        ),
        ("text", "text is not a state of the simulator; move it away"),
        ("newer", "newer is of format 99"),
    ] {
        let line = [
            "charge",
            "--kwh",
            "1",
            "--renewable",
            "80",
            "--broker",
            &at,
            "--state",
            state,
        ];
        let (code, _, error) = ended(&mut vehicle_sim(folder.path(), &line));
        assert_eq!(code, Some(1), "{error}");
        // Before it stands at most that no head unit answers.
        let last = error.lines().last().unwrap_or_default();
        assert!(last.contains(part), "{error}");
    }
}

fn typed(child: &mut Child, lines: &str) {
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
}

#[test]
fn live_does_what_is_typed_and_parks_at_the_end() {
    let broker = Broker::start(0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", broker.port());
    let arguments = ["live", "--broker", &address, "--json"];
    let mut child = vehicle_sim(folder.path(), &arguments).spawn().unwrap();
    typed(
        &mut child,
        "# a comment\n\noffline\ndrive = { cycle = \"us06\", for = \"30s\" }\n",
    );
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", error(&output));
    let out = out(&output);
    assert_eq!(out.lines().count(), 3, "offline, drive, park: {out}");
    assert!(odometer_m(folder.path()) > 100.0);

    let mut child = vehicle_sim(folder.path(), &arguments).spawn().unwrap();
    typed(&mut child, "fly\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error(&output).contains("`fly` is no step"),
        "{}",
        error(&output)
    );
}

#[cfg(unix)]
#[test]
fn told_to_terminate_it_keeps_the_state() {
    let broker = Broker::start(0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", broker.port());
    let arguments = [
        "drive",
        "--cycle",
        "us06",
        "--broker",
        &address,
        "--speedup",
        "60",
    ];
    let child = vehicle_sim(folder.path(), &arguments).spawn().unwrap();
    // It listens to signals before it publishes: what is retained tells that it does.
    let (client, mut events) = rumqttc::Client::builder(rumqttc::MqttOptions::new(
        "witness",
        ("127.0.0.1", broker.port()),
    ))
    .capacity(10)
    .build();
    client
        .subscribe("vss/Vehicle/TraveledDistance", rumqttc::QoS::AtMostOnce)
        .unwrap();
    let mut heard = 0;
    for event in events.iter() {
        if let rumqttc::Event::Incoming(rumqttc::Packet::Publish(_)) = event.unwrap() {
            heard += 1;
        }
        if heard == 20 {
            break;
        }
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error(&output).contains("the next command goes on from there"),
        "{}",
        error(&output)
    );
    assert!((1.0..12_000.0).contains(&odometer_m(folder.path())));
}

/// Who types for an hour names the broker once; what is typed comes before it.
#[test]
fn the_broker_is_found_by_a_variable() {
    let folder = tempfile::tempdir().unwrap();
    let drive = |typed: &[&str]| {
        let mut command = vehicle_sim(folder.path(), &["drive", "--cycle", "us06"]);
        command.args(typed).env("DASHPOINT_BROKER", "nowhere");
        ended(&mut command)
    };
    let (code, _, error) = drive(&[]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("nowhere"), "{error}");
    let (_, _, error) = drive(&["--broker", "127.0.0.1:1"]);
    assert!(!error.contains("nowhere"), "{error}");
}

/// Options of the broker's door stand under their own heading, and no others do.
#[test]
fn each_option_of_a_drive_stands_under_its_heading() {
    let folder = tempfile::tempdir().unwrap();
    let (_, help, _) = ended(&mut vehicle_sim(folder.path(), &["drive", "--help"]));
    let door = help.split("\nA broker that does not let everybody in:\n");
    let door = door.last().unwrap().split("\nExamples:").next().unwrap();
    let options = door
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--"));
    let names: Vec<&str> = options.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        names,
        ["user", "password-file", "ca", "cert", "key"],
        "{help}"
    );
}

#[test]
fn a_shell_gets_what_it_completes_with() {
    let folder = tempfile::tempdir().unwrap();
    let (code, script, _) = ended(&mut vehicle_sim(folder.path(), &["completions", "bash"]));
    assert_eq!(code, Some(0));
    assert!(script.contains("--states-ahead") && script.contains("complete -F"));
}
