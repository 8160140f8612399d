//! Every message of every command against the VSS 6.0 tree, and the overlay for what is not in it.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use support::shared;
use vehicle_sim::{
    Charge, Command, Cycle, Driver, Endpoint, EnergySource, Message, Options, Ready, Signal,
    Simulator, Value,
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

/// What is wrong with a message, if anything.
fn fault(message: &Message, leaf: &Leaf) -> Option<String> {
    let range = match leaf.datatype.as_str() {
        "uint8" => (0.0, 255.0),
        "uint16" => (0.0, 65_535.0),
        "uint32" => (0.0, 4_294_967_295.0),
        "int8" => (-128.0, 127.0),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let low = leaf.min.unwrap_or(range.0).max(range.0);
    let high = leaf.max.unwrap_or(range.1).min(range.1);
    let good = match (&message.value, leaf.datatype.as_str()) {
        (Value::Bool(_), "boolean") => true,
        (Value::Text(text), "string") => leaf
            .allowed
            .as_ref()
            .is_none_or(|allowed| allowed.contains(text)),
        (Value::Int(int), "uint8" | "uint16" | "uint32" | "int8") => {
            (low..=high).contains(&(*int as f64))
        }
        (Value::Float(float), "float" | "double") => {
            float.is_finite() && (low..=high).contains(float)
        }
        // A recording may write a whole number where the type is a float; the simulator's own signals may not.
        (Value::Int(_), "float" | "double") => Signal::from_path(&message.path).is_none(),
        (Value::Bool(_) | Value::Text(_) | Value::Int(_) | Value::Float(_), _) => false,
    };
    (!good).then(|| {
        format!(
            "{} is {:?}, a {}",
            message.path, message.value, leaf.datatype
        )
    })
}

fn commands() -> Vec<Command> {
    let mut commands: Vec<Command> = Cycle::ALL.into_iter().map(Command::Drive).collect();
    for (source, dc) in EnergySource::ALL
        .into_iter()
        .zip([false, true, false, true, false])
    {
        for renewable_percent in [0, 80, 100] {
            commands.push(Command::Charge(Charge {
                kwh: 18.0,
                renewable_percent,
                source,
                dc,
            }));
        }
    }
    commands.push(Command::ChargeAsleep(Charge {
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
        && json["ts"] == format!("{:.3}", message.at)
        && json.as_object().is_some_and(|point| point.len() == 2);
    (!good).then_some(payload)
}

#[test]
fn every_message_is_vss_or_of_the_overlay() {
    let Some(mut known) = catalogue() else { return };
    for (path, leaf) in overlay() {
        assert!(
            known.insert(path, leaf).is_none(),
            "the overlay repeats what VSS has"
        );
    }
    let mut options = Options::new(Endpoint::local(1), "2026-11-22T03:00:00Z".parse().unwrap());
    options.identity.driver = Some("https://id.example.com/42".parse::<Driver>().unwrap());
    let simulator = Simulator::new(options).unwrap();
    let mut published = std::collections::BTreeSet::new();
    for command in commands() {
        let is_garbage = command_is_garbage(&command);
        for message in simulator.plan(&command).unwrap().messages {
            let leaf = known
                .get(message.path.as_ref())
                .unwrap_or_else(|| panic!("{}", message.path));
            assert!(is_garbage || message.garbage.is_none(), "{message:?}");
            assert_eq!(fault(&message, leaf), None);
            if message.garbage.is_none() {
                assert_eq!(payload_fault(&message), None);
            }
            published.insert(message.path.to_string());
        }
    }
    for signal in Signal::ALL {
        assert!(
            published.contains(signal.path()),
            "{} is declared and never published",
            signal.path()
        );
    }
}

#[test]
fn only_the_four_overlay_paths_are_not_standard() {
    let Some(known) = catalogue() else { return };
    let ours: Vec<&str> = Signal::ALL
        .into_iter()
        .map(Signal::path)
        .filter(|path| !known.contains_key(*path))
        .collect();
    let mut in_overlay: Vec<String> = overlay().into_keys().collect();
    in_overlay.sort_by_key(|path| ours.iter().position(|ours| ours == path));
    assert_eq!(ours, in_overlay);
    assert_eq!(ours.len(), 4);
}
