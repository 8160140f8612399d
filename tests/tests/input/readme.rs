//! Commands and configurations of README and of the pages in docs/, typed and written as they stand there.

use std::fs;
use std::process::Command as Process;

use rumqttc::{Client, Connection, MqttOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime;
use vehicle_sim::{SimError, Simulator};

use crate::hearing::assert_only_the_gateway_is_heard;
use crate::page::{block, commands, programs, said};
use crate::support::{
    Bus, Car, Kind, MemberCloud, PATIENCE, SALT, VIN, Vehicle, World, free_port, until,
};

/// The page about the vehicle bus.
const BUS: &str = "docs/vehicle-bus.md";

/// Returns the lines that make the passwords; the last line of the block, which starts the broker, is left out.
fn passwords() -> String {
    let lines = block(BUS, "# passwords");
    let makes = lines.strip_suffix("mosquitto -c mosquitto.conf\n");
    makes.unwrap().to_owned()
}

/// The broker of the page, with the password of each client.
struct Guarded {
    bus: Bus,
    folder: TempDir,
}

impl Guarded {
    /// Starts it as the page says, but on a port that is free here; `None` when there is no mosquitto.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        for name in ["mosquitto.conf", "acl"] {
            let text = block(BUS, &format!("# {name}\n"));
            let text = text.replace("1883", &port.to_string());
            fs::write(folder.path().join(name), text).unwrap();
        }
        if Process::new("mosquitto_passwd").output().is_ok() {
            said(folder.path(), &passwords());
        }
        let bus = Bus::configured(folder.path(), port)?;
        Some(Self { bus, folder })
    }

    fn password(&self, user: &str) -> String {
        let file = self.folder.path().join(format!("{user}.password"));
        let text = fs::read_to_string(file).unwrap();
        text.lines().next().unwrap().to_owned()
    }

    fn client(&self, user: &str) -> (Client, Connection) {
        let mut options = MqttOptions::new(format!("test-{user}"), ("127.0.0.1", self.bus.port()));
        options.set_credentials(user, self.password(user));
        Client::builder(options).capacity(16).build()
    }
}

#[test]
fn the_broker_of_the_readme_lets_each_say_what_is_his_to_say() {
    let Some(guarded) = Guarded::start() else {
        return;
    };
    let folder = guarded.folder.path();
    let (bus, port) = (guarded.bus.port(), free_port());
    let cloud = MemberCloud::start(&folder.join("cloud"), port);
    let member = cloud.add_member();
    let mut car = Car::new(folder, bus, port, cloud.key());
    car.enrol(&cloud, &member);
    // The car's own lines, with the address of this test's cloud.
    let written = block(BUS, "# dashpoint.toml\n").replace("1883", &bus.to_string());
    let cloud_key = cloud.key();
    car.configure(&format!(
        "{written}[cloud]\nurl = \"http://127.0.0.1:{port}\"\nkey = \"{cloud_key}.{SALT}\"\nsend_within_s = 0\n[vehicle]\nvin = \"{VIN}\"\n"
    ));
    car.start();

    programs(folder);
    let drive = block(BUS, "# the simulator in the gateway's place\n");
    let drive = format!(
        "{} --broker 127.0.0.1:{bus} --vin {VIN} --patience 60 --json",
        commands(&drive)[0]
    );
    let summary: Value = serde_json::from_str(&said(folder, &drive)).unwrap();
    assert_eq!(summary["seen"], "all", "{summary:#}");
    car.wait_for_entries(1);
    let live = car.status()["live"].clone();
    assert_eq!(live["refused"], Value::Object(serde_json::Map::new()));

    assert_only_the_gateway_is_heard(
        &car,
        guarded.client("onlooker"),
        guarded.client("vehicle-gateway"),
    );
    assert!(car.stop().success());

    let listen = format!(
        "{} --broker 127.0.0.1:{bus} --json",
        commands(&block(BUS, "# what a live bus says\n"))[0].replace("60s", "2s")
    );
    fs::write(folder.join("car.toml"), "").unwrap();
    let told: Value = serde_json::from_str(&said(folder, &listen)).unwrap();
    let kept = told["heard"]["signals"].as_array().unwrap().iter();
    let kept = kept.filter(|one| one["retained"].as_u64() > Some(0));
    assert!(kept.count() > 5, "{told:#}");
}

#[test]
fn whom_the_broker_does_not_know_is_told_so() {
    let Some(guarded) = Guarded::start() else {
        return;
    };
    let vehicle = Vehicle::new(&guarded.bus, guarded.folder.path());
    let simulator = Simulator::new(vehicle.options().clone());
    let runtime = runtime::Runtime::new().unwrap();
    let cycle = vehicle_sim::Command::Drive(vehicle_sim::Cycle::Us06);
    let refused = runtime.block_on(async { simulator.unwrap().run(&cycle).await });
    let error = refused.unwrap_err();
    assert!(matches!(error, SimError::Refused { .. }), "{error}");

    let folder = guarded.folder.path();
    let port = free_port();
    let cloud = MemberCloud::start(&folder.join("cloud"), port);
    let member = cloud.add_member();
    let mut car = Car::new(&folder.join("car"), guarded.bus.port(), port, cloud.key());
    car.enrol(&cloud, &member);
    car.launch();
    until("the head unit says why it hears nothing", PATIENCE, || {
        let why = "does not let the head unit in";
        car.said().contains(why).then_some(())
    });
    assert!(car.stop().success());
}

#[test]
fn a_rule_that_is_changed_as_the_readme_says_pays_in_the_car() {
    let begins = "# A copy of the policy in force";
    let english = block("docs/rules.md", begins);
    let chinese = block("docs/zh-CN/rules.md", "# 复制当前策略");
    let without_words = |block: &str| -> Vec<String> {
        let bare = |line: &str| line.split(" #").next().unwrap().trim_end().to_owned();
        commands(block).into_iter().map(bare).collect()
    };
    let lines = without_words(&english);
    assert_eq!(lines, without_words(&chinese), "both pages say the same");
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    world.car.start();
    let folder = world.folder().to_owned();
    programs(&folder);
    fs::copy(world.car.config(), folder.join("dashpoint.toml")).unwrap();
    std::os::unix::fs::symlink(world.car.data(), folder.join("dashpoint-data")).unwrap();
    let mut explained = Vec::new();
    for line in lines {
        if line.starts_with("vehicle-sim") {
            // `dashpoint sync` has waited for it.
            assert_eq!(world.car.status()["policy_version"], 2);
            // By day, whenever the tests run, and with patience for a busy machine.
            let start = world.vehicle.options().start.unwrap();
            let bus = world.bus.port();
            said(
                &folder,
                &format!(
                    "{line} --broker 127.0.0.1:{bus} --vin {VIN} --start {start} --patience 60"
                ),
            );
            world.car.wait_for_entries(1);
        } else if line.starts_with("dashpoint explain") {
            let json = said(&folder, &format!("{line} --json"));
            explained.push(serde_json::from_str::<Value>(&json).unwrap());
        } else {
            said(&folder, &line);
        }
    }
    let [before, changed, entry] = &explained[..] else {
        panic!("{explained:#?}");
    };
    // 16.5 km: a point for ten of them, and then two.
    let (once, twice) = (safe_trip(before), safe_trip(changed));
    assert!((1_640..1_660).contains(&once), "{once}");
    assert!((twice - 2 * once).abs() <= 1, "{once} and {twice}");
    let paid = safe_trip(entry);
    assert!((paid - twice).abs() <= twice / 100, "{paid} and {twice}");
    // The cloud pays by it, too.
    world.car.reconcile();
    let paid = world.cloud.points(&world.member);
    assert!(paid >= twice / 1_000, "{paid} and {twice}");
    assert!(world.car.stop().success());
}

/// What the rule for safe trips says of the one trip, in thousandths of a point.
fn safe_trip(explained: &Value) -> i64 {
    let rules = explained["found"][0]["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["rule"] == "safe-trip");
    let rule = rule.unwrap();
    assert_eq!(rule["held"], true, "{rule:#}");
    rule["raw_milli"].as_i64().unwrap()
}
