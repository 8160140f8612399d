//! Every message of every command against the VSS 6.0 tree, and the overlay for what is not in it.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rumqttc::{Client, Event, MqttOptions, Packet, Publish, QoS};
use serde_json::Value as Json;
use support::shared;
use vehicle_sim::{
    Broker, Command, Cycle, Endpoint, EnergySource, Message, Options, Ready, SimulatedCharge,
    SimulatedDriver, Simulator, VssSignal, VssValue,
};

/// A leaf of the tree: what a value of it must be.
struct Leaf {
    datatype: String,
    min: Option<f64>,
    max: Option<f64>,
    allowed: Option<Vec<String>>,
}

fn leaves(node: &Json, path: &str, into: &mut BTreeMap<String, Leaf>) {
    if let Some(children) = node["children"].as_object() {
        for (name, child) in children {
            leaves(child, &format!("{path}.{name}"), into);
        }
        return;
    }
    let allowed = node["allowed"].as_array().map(|values| {
        values
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    });
    let leaf = Leaf {
        datatype: node["datatype"].as_str().unwrap_or_default().to_owned(),
        min: node["min"].as_f64(),
        max: node["max"].as_f64(),
        allowed,
    };
    into.insert(path.to_owned(), leaf);
}

fn catalogue() -> Option<BTreeMap<String, Leaf>> {
    let text = fs::read_to_string(shared("vss/vss_release_6.0.json")?).unwrap();
    let tree: Json = serde_json::from_str(&text).unwrap();
    let mut all = BTreeMap::new();
    leaves(&tree["Vehicle"], "Vehicle", &mut all);
    Some(all)
}

/// The leaves of the overlay file: path, then indented `key: value` lines.
fn overlay() -> BTreeMap<String, Leaf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("overlay/energy-mix.vspec");
    let text = fs::read_to_string(file).unwrap();
    let mut all = BTreeMap::new();
    for block in text
        .split("\n\n")
        .filter(|block| block.starts_with("Vehicle."))
    {
        let path = block
            .lines()
            .next()
            .unwrap()
            .trim_end_matches(':')
            .to_owned();
        let key = |name: &str| {
            block.lines().find_map(|line| {
                line.trim()
                    .strip_prefix(name)?
                    .strip_prefix(": ")
                    .map(str::to_owned)
            })
        };
        let Some(datatype) = key("datatype") else {
            continue;
        };
        let allowed = key("allowed").map(|list| {
            list.trim_matches(['[', ']'])
                .split(", ")
                .map(|v| v.trim_matches('\'').to_owned())
                .collect()
        });
        let number = |name| key(name).map(|text| text.parse().unwrap());
        all.insert(
            path,
            Leaf {
                datatype,
                min: number("min"),
                max: number("max"),
                allowed,
            },
        );
    }
    all
}

/// What is wrong with a value of a path, if anything.
fn fault(path: &str, value: &VssValue, leaf: &Leaf) -> Option<String> {
    let range = match leaf.datatype.as_str() {
        "uint8" => (0.0, 255.0),
        "uint16" => (0.0, 65_535.0),
        "uint32" => (0.0, 4_294_967_295.0),
        "int8" => (-128.0, 127.0),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let low = leaf.min.unwrap_or(range.0).max(range.0);
    let high = leaf.max.unwrap_or(range.1).min(range.1);
    let good = match (value, leaf.datatype.as_str()) {
        (VssValue::Bool(_), "boolean") => true,
        (VssValue::Text(text), "string") => leaf
            .allowed
            .as_ref()
            .is_none_or(|allowed| allowed.contains(text)),
        (VssValue::Int(int), "uint8" | "uint16" | "uint32" | "int8") => {
            (low..=high).contains(&(*int as f64))
        }
        (VssValue::Float(float), "float" | "double") => {
            float.is_finite() && (low..=high).contains(float)
        }
        // A recording may write a whole number where the type is a float; the simulator's own signals may not.
        (VssValue::Int(_), "float" | "double") => VssSignal::from_path(path).is_none(),
        (VssValue::Bool(_) | VssValue::Text(_) | VssValue::Int(_) | VssValue::Float(_), _) => false,
    };
    (!good).then(|| format!("{path} is {value:?}, a {}", leaf.datatype))
}

fn commands() -> Vec<Command> {
    let mut commands: Vec<Command> = Cycle::ALL.into_iter().map(Command::Drive).collect();
    for (source, dc) in EnergySource::ALL
        .into_iter()
        .zip([false, true, false, true, false])
    {
        for renewable_percent in [0, 80, 100] {
            commands.push(Command::Charge(SimulatedCharge {
                kwh: 18.0,
                renewable_percent,
                source,
                dc,
            }));
        }
    }
    commands.push(Command::ChargeAsleep(SimulatedCharge {
        kwh: 18.0,
        renewable_percent: 80,
        source: EnergySource::Iso15118,
        dc: false,
    }));
    for ready in Ready::ALL {
        commands.push(Command::Scenario(ready.scenario().unwrap()));
    }
    let recordings: Vec<PathBuf> = [
        "drives/cmap-4107032_1-2007-05-25.csv",
        "drives/covesa-cv-recording.csv",
        "cycles/us06.csv",
    ]
    .into_iter()
    .filter_map(shared)
    .collect();
    for file in recordings {
        for with_position in [false, true] {
            commands.push(Command::Replay {
                file: file.clone(),
                keep_time: false,
                with_position,
            });
        }
    }
    commands
}

/// Only one scenario sends what no sensor would.
fn command_is_garbage(command: &Command) -> bool {
    matches!(command, Command::Scenario(scenario) if scenario.name == "garbage")
}

/// What is wrong with the bytes, if anything: they are a data point with this value and this time.
fn payload_fault(message: &Message) -> Option<String> {
    let payload = message.payload();
    let json: Json = serde_json::from_str(&payload).unwrap();
    let good = json["value"] == serde_json::to_value(&message.value).unwrap()
        && json["ts"] == format!("{:.3}", message.stamp())
        && json.as_object().is_some_and(|point| point.len() == 2);
    (!good).then_some(payload)
}

/// What may be said: VSS 6.0, and the overlay for what is not in it.
fn known() -> Option<BTreeMap<String, Leaf>> {
    let mut known = catalogue()?;
    for (path, leaf) in overlay() {
        assert!(
            known.insert(path, leaf).is_none(),
            "the overlay repeats what VSS has"
        );
    }
    Some(known)
}

#[test]
fn every_message_is_vss_or_of_the_overlay() {
    let Some(known) = known() else { return };
    let mut options = Options::new(Endpoint::local(1), "2026-11-22T03:00:00Z".parse().unwrap());
    options.identity.driver = Some(
        "https://id.example.com#42"
            .parse::<SimulatedDriver>()
            .unwrap(),
    );
    let simulator = Simulator::new(options).unwrap();
    let mut published = std::collections::BTreeSet::new();
    for command in commands() {
        let is_garbage = command_is_garbage(&command);
        for message in simulator.plan(&command).unwrap().messages {
            let leaf = known
                .get(message.path.as_ref())
                .unwrap_or_else(|| panic!("{}", message.path));
            assert!(is_garbage || message.garbage.is_none(), "{message:?}");
            assert_eq!(fault(&message.path, &message.value, leaf), None);
            if message.garbage.is_none() {
                assert_eq!(payload_fault(&message), None);
            }
            published.insert(message.path.to_string());
        }
    }
    for signal in VssSignal::ALL {
        assert!(
            published.contains(signal.path()),
            "{} is declared and never published",
            signal.path()
        );
    }
}

#[test]
fn only_the_overlay_is_not_standard() {
    let Some(known) = catalogue() else { return };
    let ours: Vec<&str> = VssSignal::ALL
        .into_iter()
        .map(VssSignal::path)
        .filter(|path| !known.contains_key(*path))
        .collect();
    let mut in_overlay: Vec<String> = overlay().into_keys().collect();
    in_overlay.sort_by_key(|path| ours.iter().position(|ours| ours == path));
    assert_eq!(ours, in_overlay);
    assert_eq!(ours.len(), 5);
}

/// Each subcommand that publishes as it is typed, and what is typed into it.
fn typed() -> Vec<(Vec<String>, &'static str)> {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut typed = vec![
        (
            words("drive --cycle us06 --driver https://id.example.com#42"),
            "",
        ),
        (
            words("charge --kwh 4 --renewable 80 --source OCPI --dc"),
            "",
        ),
        (words("charge --kwh 4 --renewable 80 --asleep --guest"), ""),
        (words("live"), LIVE),
    ];
    for name in ["harsh-driver", "garbage"] {
        typed.push((words(&format!("scenario {name}")), ""));
    }
    for (file, option) in [
        ("drives/covesa-cv-recording.csv", "--with-position"),
        ("cycles/us06.csv", "--omit=Vehicle.Speed"),
    ] {
        if let Some(path) = shared(file) {
            let path = path.display().to_string();
            typed.push((vec!["replay".to_owned(), path, option.to_owned()], ""));
        }
    }
    typed
}

const LIVE: &str = "language = { code = \"en\" }\ndrive = { cycle = \"udds\", for = \"60s\" }\n";

/// Runs the program against a broker; how many messages it says that it has sent.
fn run(folder: &Path, broker: u16, arguments: &[String], input: &str) -> u64 {
    let mut child = Process::new(env!("CARGO_BIN_EXE_vehicle-sim"))
        .args(arguments)
        .args(["--json", "--patience", "0", "--broker"])
        .arg(format!("127.0.0.1:{broker}"))
        .current_dir(folder)
        .env_remove("DASHPOINT_BROKER")
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let sent = said.lines().map(|line| {
        let summary: Json = serde_json::from_str(line).unwrap();
        assert_eq!(summary["sent_again"], 0, "{summary}");
        summary["messages"].as_u64().unwrap()
    });
    sent.sum()
}

/// Somebody who hears everything that is said under `vss/`.
fn listener(broker: u16) -> mpsc::Receiver<Publish> {
    let mut options = MqttOptions::new("listener", ("127.0.0.1", broker));
    options.set_max_packet_size(4 << 20, 4 << 20);
    let (client, mut connection) = Client::builder(options).capacity(10).build();
    client.subscribe("vss/#", QoS::AtLeastOnce).unwrap();
    let (sender, heard) = mpsc::channel();
    let (up, is_up) = mpsc::channel();
    thread::spawn(move || {
        let _subscribed = client;
        for event in connection.iter() {
            match event.unwrap() {
                Event::Incoming(Packet::SubAck(_)) => up.send(()).unwrap(),
                Event::Incoming(Packet::Publish(publish)) => {
                    if sender.send(publish).is_err() {
                        return;
                    }
                }
                Event::Incoming(_) | Event::Outgoing(_) => {}
            }
        }
    });
    is_up.recv().unwrap();
    heard
}

/// What is wrong with a message as it came, if anything: it is a data point, and nothing else is in it.
fn message_fault(publish: &Publish, known: &BTreeMap<String, Leaf>) -> Option<String> {
    let topic = String::from_utf8_lossy(&publish.topic);
    let path = topic.replacen("vss/", "", 1).replace('/', ".");
    let Some(leaf) = known.get(&path) else {
        return Some(format!("{path} is no signal"));
    };
    let Ok(point) = serde_json::from_slice::<Json>(&publish.payload) else {
        return Some(format!("{path} has no JSON"));
    };
    let time = point["ts"].as_str().map(str::parse::<jiff::Timestamp>);
    if point.as_object().map(serde_json::Map::len) != Some(2) || !matches!(time, Some(Ok(_))) {
        return Some(format!("{path} is no data point: {point}"));
    }
    match serde_json::from_value::<VssValue>(point["value"].clone()) {
        Ok(value) => fault(&path, &value, leaf),
        Err(_) => Some(format!("{path} has no value: {point}")),
    }
}

#[test]
fn whoever_listens_to_any_subcommand_hears_vss_or_the_overlay() {
    let Some(known) = known() else { return };
    let (broker, folder) = (Broker::start(0).unwrap(), tempfile::tempdir().unwrap());
    let heard = listener(broker.port());
    for (arguments, input) in typed() {
        let is_garbage = arguments.contains(&"garbage".to_owned());
        let sent = run(folder.path(), broker.port(), &arguments, input);
        assert!(sent > 10, "{arguments:?}: {sent}");
        let mut faults = Vec::new();
        for number in 0..sent {
            let publish = heard
                .recv_timeout(Duration::from_secs(60))
                .unwrap_or_else(|_| panic!("{arguments:?}: {number} of {sent}"));
            faults.extend(message_fault(&publish, &known));
        }
        let unknown = faults.iter().any(|fault| fault.ends_with("no signal"));
        assert!(!unknown, "{arguments:?}: {faults:?}");
        assert_eq!(!faults.is_empty(), is_garbage, "{arguments:?}: {faults:?}");
    }
}
