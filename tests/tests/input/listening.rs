//! `dashpoint check-mapping --listen` on a live mosquitto.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rumqttc::{Client, MqttOptions, PublishOptions};
use serde_json::Value;

use crate::page::{programs, typed};
use crate::support::{Bus, Kind, World, stderr, stdout};

/// A car of which everything but the charged energy is mapped.
const MAPPING: &str = r#"format = 2
others = "absent"
prefix = "car/"

[signals."Vehicle.Speed"]
alias = "speed"
unit = "km/h"

[signals."Vehicle.TraveledDistance"]
alias = "odometer"
unit = "km"

[signals."Vehicle.LowVoltageSystemState"]
alias = "on"
values = { yes = "ON", no = "OFF" }

[signals."Vehicle.Powertrain.TractionBattery.Charging.IsCharging"]
alias = "charging"
"#;

/// Publishes a drive five times a second until it is told to end.
fn drive(bus: &Bus) -> (Client, thread::JoinHandle<()>, thread::JoinHandle<()>) {
    let options = MqttOptions::new("gateway", ("127.0.0.1", bus.port()));
    let (client, mut connection) = Client::builder(options).capacity(64).build();
    let pumping = thread::spawn(move || while let Some(Ok(_)) = connection.iter().next() {});
    let publisher = client.clone();
    let publishing = thread::spawn(move || {
        let live = PublishOptions::at_least_once();
        let retained = live.retained();
        for step in 0.. {
            let said = [
                ("on", "yes".to_owned(), retained),
                ("speed", "54".to_owned(), live),
                (
                    "odometer",
                    format!("{:.3}", 1_000.0 + f64::from(step) * 0.003),
                    live,
                ),
                ("charging", "perhaps".to_owned(), live),
            ];
            for (topic, value, how) in said {
                if publisher
                    .publish(format!("car/{topic}"), value, how)
                    .is_err()
                {
                    return;
                }
            }
            thread::sleep(Duration::from_millis(200));
        }
    });
    (client, pumping, publishing)
}

/// Checks the mapping, and gives exit code, output and the lines beside it.
fn check(folder: &Path, more: &str) -> (Option<i32>, String, String) {
    let output = typed(folder, &format!("dashpoint check-mapping car.toml {more}"));
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn a_live_bus_tells_what_it_says_and_earns() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let Some(bus) = Bus::start(Kind::Mosquitto, folder) else {
        return;
    };
    programs(folder);
    fs::write(folder.join("car.toml"), MAPPING).unwrap();
    let broker = format!("--broker 127.0.0.1:{}", bus.port());

    let (code, out, _) = check(folder, &format!("--listen 1s {broker}"));
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("nothing that the head unit would take"),
        "{out}"
    );

    let (client, pumping, publishing) = drive(&bus);
    let (code, out, progress) = check(folder, &format!("--listen 12s {broker} --json"));
    assert_eq!(code, Some(0), "{out}{progress}");
    assert!(
        progress.contains("10 of 12 s: 4 of 4 signals"),
        "{progress}"
    );
    let told: Value = serde_json::from_str(&out).unwrap();
    let heard = &told["heard"];
    let of = |path: &str| {
        let mut signals = heard["signals"].as_array().unwrap().iter();
        signals
            .find(|signal| signal["signal"] == path)
            .unwrap()
            .clone()
    };
    let speed = of("Vehicle.Speed");
    assert_eq!(speed["last"], 54.0, "{speed}");
    assert_eq!(speed["clock_offset_ms"], Value::Null, "{speed}");
    let cadence_ms = speed["cadence_ms"].as_i64().unwrap();
    assert!((100..1_000).contains(&cadence_ms), "{speed}");
    assert!(
        of("Vehicle.LowVoltageSystemState")["retained"]
            .as_u64()
            .unwrap()
            > 0
    );
    let charging = of("Vehicle.Powertrain.TractionBattery.Charging.IsCharging");
    assert_eq!(
        charging["refused"]["wrong-type"], charging["said"],
        "{charging}"
    );
    assert_eq!(charging["taken"], 0, "{charging}");
    let extents = |of: &Value| {
        let abilities = of["abilities"].as_array().unwrap().iter();
        let extents = abilities.map(|one| one["extent"].as_str().unwrap().to_owned());
        extents.collect::<Vec<_>>()
    };
    assert_eq!(
        extents(heard),
        ["yes", "yes", "none", "yes", "none", "yes"],
        "{heard:#}"
    );
    assert_eq!(extents(&told), extents(heard));
    client.disconnect().unwrap();
    pumping.join().unwrap();
    publishing.join().unwrap();
}

#[test]
fn a_broker_that_is_not_there_is_told() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    programs(folder);
    fs::write(folder.join("car.toml"), MAPPING).unwrap();
    let port = crate::support::free_port();
    let (code, _, told) = check(folder, &format!("--listen 2s --broker 127.0.0.1:{port}"));
    assert_eq!(code, Some(1), "{told}");
    let line = format!("no connection to the broker at 127.0.0.1:{port}");
    assert!(told.contains(&line), "{told}");
}

#[test]
fn status_says_what_a_car_cannot_earn() {
    let Some(world) = World::new(Kind::Mosquitto) else {
        return;
    };
    let gap = "does not say what it charges";
    let told = |more: &[&str]| stdout(&world.car.ask(&[&["status"], more].concat()));
    assert!(!told(&[]).contains(gap), "{}", told(&[]));
    let config = fs::read_to_string(world.car.config()).unwrap();
    let mapped = config.replace("[bus]\n", "[bus]\nmapping = \"car.toml\"\n");
    assert_ne!(mapped, config);
    let folder = world.car.config().parent().unwrap().to_owned();
    fs::write(folder.join("car.toml"), MAPPING).unwrap();
    fs::write(world.car.config(), mapped).unwrap();
    assert_eq!(told(&[]).matches(gap).count(), 1, "{}", told(&[]));
    assert!(told(&["--language", "zh"]).contains("该车不提供充电量"));
    let report: Value = serde_json::from_str(&told(&["--json"])).unwrap();
    assert_eq!(report["cannot_earn"][0], "charging-unmapped");
}
