//! What README tells people to type and to write, typed and written as it stands there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};

use jiff::Timestamp;
use rumqttc::{Client, Connection, Event, Incoming, MqttOptions, QoS};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime;
use vehicle_sim::{SimError, Simulator};

use crate::support::{
    Bus, Car, Kind, MemberCloud, PATIENCE, VIN, Vehicle, World, free_port, recording, stderr,
    stdout, until,
};

/// The fenced blocks of a page of the repository, each with its lines.
fn blocks(page: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join(page)).unwrap();
    let fenced = text.split("\n```").enumerate();
    let inside = fenced.filter(|(place, _)| place % 2 == 1);
    inside
        .map(|(_, block)| block.split_once('\n').unwrap().1.to_owned() + "\n")
        .collect()
}

/// The one block that begins so.
pub fn block(page: &str, begins: &str) -> String {
    let found = blocks(page)
        .into_iter()
        .filter(|block| block.starts_with(begins));
    let found: Vec<_> = found.collect();
    assert_eq!(
        found.len(),
        1,
        "{page} has one block that begins {begins:?}"
    );
    found[0].clone()
}

/// Lines to type: no comments, nothing empty.
fn commands(block: &str) -> Vec<&str> {
    let typed = |line: &&str| !line.is_empty() && !line.starts_with('#');
    block.lines().filter(typed).collect()
}

/// The programs by their names, as after `cargo build`.
pub fn programs(folder: &Path) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    for (name, program) in [
        ("dashpoint", env!("CARGO_BIN_EXE_head-unit")),
        ("dashpoint-cloud", env!("CARGO_BIN_EXE_member-cloud")),
        ("vehicle-sim", env!("CARGO_BIN_EXE_simulator")),
    ] {
        std::os::unix::fs::symlink(program, bin.join(name)).unwrap();
    }
    bin
}

/// Types lines into a shell in a folder.
fn typed(folder: &Path, lines: &str) -> Output {
    let path = std::env::var("PATH").unwrap();
    let bin = folder.join("bin");
    let mut shell = Process::new("sh");
    shell
        .args(["-e", "-c", lines])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", bin.display()))
        .env_remove("RUST_LOG");
    if let Some(data) = recording("cycles/hwfet.csv") {
        shell.env("DATA", data.parent().unwrap().parent().unwrap());
    }
    shell.output().unwrap()
}

/// The same, of what must succeed.
pub fn said(folder: &Path, lines: &str) -> String {
    let output = typed(folder, lines);
    assert!(
        output.status.success(),
        "{lines}\n{}{}",
        stdout(&output),
        stderr(&output)
    );
    stdout(&output)
}

/// What makes the passwords; the last line starts the broker.
fn passwords() -> String {
    let lines = block("README.md", "# passwords");
    let makes = lines.strip_suffix("mosquitto -c mosquitto.conf\n");
    makes.unwrap().to_owned()
}

/// The broker of README, and who knows which password.
struct Guarded {
    bus: Bus,
    folder: TempDir,
}

impl Guarded {
    /// Starts it as README says, but on a port that is free here; `None` when there is no mosquitto.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        for name in ["mosquitto.conf", "acl"] {
            let text = block("README.md", &format!("# {name}\n"));
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
        let mut options = MqttOptions::new(format!("test-{user}"), "127.0.0.1", self.bus.port());
        options.set_credentials(user, self.password(user));
        Client::new(options, 16)
    }
}

fn wait_for(connection: &mut Connection, awaited: impl Fn(&Incoming) -> bool) -> Vec<Incoming> {
    let mut came = Vec::new();
    loop {
        let event = connection
            .recv_timeout(PATIENCE)
            .expect("the broker answers");
        if let Event::Incoming(packet) = event.unwrap() {
            let is_awaited = awaited(&packet);
            came.push(packet);
            if is_awaited {
                return came;
            }
        }
    }
}

/// Publishes a state and returns when the broker has dealt with it.
fn publish(who: &mut (Client, Connection), path: &str, value: &str) {
    let (client, connection) = who;
    let topic = format!("vss/{}", path.replace('.', "/"));
    client
        .publish(topic, QoS::AtLeastOnce, true, value)
        .unwrap();
    wait_for(connection, |packet| matches!(packet, Incoming::PubAck(_)));
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
    let written = block("README.md", "# dashpoint.toml\n").replace("1883", &bus.to_string());
    let cloud_key = cloud.key();
    car.configure(&format!(
        "{written}[cloud]\nurl = \"http://127.0.0.1:{port}\"\nkey = \"{cloud_key}\"\n[vehicle]\nvin = \"{VIN}\"\n"
    ));
    car.start();

    programs(folder);
    let drive = block("README.md", "# the simulator in the gateway's place");
    let drive = format!(
        "{} --broker 127.0.0.1:{bus} --vin {VIN} --patience 60 --json",
        commands(&drive)[0]
    );
    let summary: Value = serde_json::from_str(&said(folder, &drive)).unwrap();
    assert_eq!(summary["seen"], "all", "{summary:#}");
    car.wait_for_entries(1);
    let before = car.status()["live"].clone();
    assert_eq!(before["refused"], Value::Object(serde_json::Map::new()));

    // An onlooker hears the gateway and nothing of what he says himself.
    let mut onlooker = guarded.client("onlooker");
    onlooker.0.subscribe("vss/#", QoS::AtMostOnce).unwrap();
    wait_for(&mut onlooker.1, |packet| {
        matches!(packet, Incoming::SubAck(_))
    });
    publish(&mut onlooker, "Vehicle.TraveledDistance", "4000000000");
    publish(&mut onlooker, "Vehicle.Speed", "199");
    let mut gateway = guarded.client("vehicle-gateway");
    let newest_ms = before["newest_ms"].as_i64().unwrap();
    let ts = Timestamp::from_millisecond(newest_ms + 1_000).unwrap();
    let warning = format!("{{\"value\":true,\"ts\":\"{ts:.3}\"}}");
    publish(&mut gateway, "Vehicle.ADAS.DMS.IsWarning", &warning);
    let is_warning = |packet: &Incoming| matches!(packet, Incoming::Publish(said) if said.topic.ends_with("DMS/IsWarning"));
    let heard = wait_for(&mut onlooker.1, is_warning);
    let his = |packet: &Incoming| matches!(packet, Incoming::Publish(said) if said.payload == "4000000000" || said.payload == "199");
    assert!(!heard.iter().any(his), "{heard:?}");
    // The head unit has heard what the gateway said last, and nothing before it that was not the gateway's.
    let after = until("the head unit has taken the warning", PATIENCE, || {
        let live = car.status()["live"].clone();
        (live["taken"].as_u64() > before["taken"].as_u64()).then_some(live)
    });
    assert_eq!(
        after["taken"].as_u64(),
        before["taken"].as_u64().map(|taken| taken + 1)
    );
    assert_eq!(after["refused"], before["refused"]);
    assert!(car.stop().success());
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
    let english = block("README.md", begins);
    let chinese = block("README.zh-CN.md", "# 复制当前策略");
    let without_words = |block: &str| -> Vec<String> {
        let bare = |line: &str| line.split(" #").next().unwrap().trim_end().to_owned();
        commands(block).into_iter().map(bare).collect()
    };
    let lines = without_words(&english);
    assert_eq!(lines, without_words(&chinese), "both pages say the same");
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    if recording("cycles/hwfet.csv").is_none() {
        return;
    }
    world.car.start();
    let folder = world.folder().to_owned();
    programs(&folder);
    fs::copy(world.car.config(), folder.join("dashpoint.toml")).unwrap();
    std::os::unix::fs::symlink(world.car.data(), folder.join("dashpoint-data")).unwrap();
    let mut explained = Vec::new();
    for line in lines {
        if line.starts_with("vehicle-sim") {
            // What `dashpoint sync` asked for has come.
            until("the car has the new policy", PATIENCE, || {
                (world.car.status()["policy"] == 2).then_some(())
            });
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
