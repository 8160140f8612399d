//! Files and folders of another car: no command shows what they hold, and with the right ones back all is there.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Car, EARNED_OFFLINE, VIN, World, stderr, stdout};

const OTHER_VIN: &str = "LDPTESTCAR0000043";
const LEDGER: [&str; 3] = ["ledger.db", "ledger.db-wal", "ledger.db-shm"];
const OTHER_CAR: &str = "this is another car than the one that was enrolled";
const OTHER_KEY: &str = "device.key is of another car";

/// The ledger of one car beside key, cache and configuration of another.
#[test]
fn no_command_shows_the_ledger_of_another_car() {
    let mut world = World::after_a_day_offline();
    world.cloud.serve();
    let (bus, folder) = (world.bus.port(), world.folder().join("other"));
    let mut other = Car::new(&folder, bus, world.port, world.cloud.key());
    let config = fs::read_to_string(other.config()).unwrap();
    let config = config.replace(VIN, OTHER_VIN);
    other.configure(&config);
    other.enrol(&world.cloud, &world.cloud.add_member());
    let own = tempfile::tempdir().unwrap();
    put_ledger(&other.data(), own.path());

    put_ledger(&world.car.data(), &other.data());
    // Neither configuration nor bus names the vehicle: the key tells, and the cache has none of the ledger's members.
    other.configure(&config.replace(&format!("vin = \"{OTHER_VIN}\"\n"), ""));
    shows_nothing(&other, OTHER_KEY);
    other.configure(&config);
    shows_nothing(&other, OTHER_CAR);
    other.start();
    shows_nothing(&other, OTHER_CAR);
    assert!(other.stop().success());

    put_ledger(own.path(), &other.data());
    assert!(other.verified_ledger().is_empty());
    assert_eq!(world.car.verified_ledger().len() as u64, EARNED_OFFLINE);
}

/// A whole data folder in another car.
#[test]
fn no_command_shows_the_folder_of_another_car() {
    let mut world = World::after_a_day_offline();
    let config = fs::read_to_string(world.car.config()).unwrap();
    let own = activity_page(&world);
    world.car.configure(&config.replace(VIN, OTHER_VIN));
    assert!(activity_page(&world) != own, "its activity is drawn");
    shows_nothing(&world.car, OTHER_CAR);
    world.car.start();
    shows_nothing(&world.car, OTHER_CAR);
    assert!(world.car.stop().success());

    world.car.configure(&config);
    world.car.start();
    assert!(world.car.points().1 > 0);
    assert_eq!(world.car.verified_ledger().len() as u64, EARNED_OFFLINE);
    assert!(world.car.ask(&["explain", "1-1"]).status.success());
    assert!(world.car.stop().success());
}

fn put_ledger(from: &Path, to: &Path) {
    for file in LEDGER {
        let (from, to) = (from.join(file), to.join(file));
        if from.exists() {
            fs::copy(from, to).unwrap();
        } else if to.exists() {
            fs::remove_file(to).unwrap();
        }
    }
}

/// Commands that read the ledger refuse with the first line of `status`, in both languages and for programs.
fn shows_nothing(car: &Car, told: &str) {
    let first = |language| {
        let said = stdout(&car.ask(&["status", "--language", language]));
        said.lines().next().unwrap().to_owned()
    };
    let english = first("en");
    assert!(english.starts_with(told), "{english}");
    for command in [
        &["ledger"][..],
        &["ledger", "--verify"],
        &["explain", "1-1"],
    ] {
        for (language, line) in [("en", &english), ("zh", &first("zh"))] {
            let refused = car.ask(&[command, &["--language", language]].concat());
            assert_eq!(refused.status.code(), Some(1), "{refused:?}");
            assert_eq!(stdout(&refused), "", "{command:?}");
            let said = stderr(&refused);
            assert_eq!(said.lines().last(), Some(&*format!("dashpoint: {line}")));
        }
        let refused = car.ask(&[command, &["--json"]].concat());
        let said: Value = serde_json::from_str(&stdout(&refused)).unwrap();
        assert_eq!(said, json!({ "error": english }), "{command:?}");
    }
    assert_eq!(car.status()["members"], json!([]));
}

/// The page of the ledger, as a picture.
fn activity_page(world: &World) -> Vec<u8> {
    let picture = world.folder().join("page.png");
    let out = picture.display().to_string();
    let drawn = world
        .car
        .ask(&["screenshot", "--page", "activity", "--out", &out]);
    assert!(drawn.status.success(), "{drawn:?}");
    fs::read(picture).unwrap()
}
