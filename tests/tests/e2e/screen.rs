//! The head unit with its window, on a display in memory, with a car that drives.

use std::process::Command as Process;
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;
use vehicle_sim::{Command, Cycle, Scenario};

use crate::support::{
    Bus, Car, Display, Kind, MemberCloud, PATIENCE, World, free_port, now, stderr, until,
};

/// In the middle of what can be touched; the golden trees in `ui/tests/goldens` have the places.
pub const HOME: (u32, u32) = (92, 84);
pub const ACTIVITY: (u32, u32) = (92, 204);
pub const SETTINGS: (u32, u32) = (92, 444);
const DRIVER: (u32, u32) = (464, 300);
const GUEST: (u32, u32) = (1_328, 263);
pub const NIGHT: (u32, u32) = (1_686, 342);
pub const TRIP_DONE: (u32, u32) = (1_808, 72);

/// A touch while the page changes meets nothing, and so many do not follow each other.
const GUEST_TRIES: u32 = 6;
/// More than a choice takes to the disk.
const ON_DISK_WITHIN: Duration = Duration::from_secs(20);

/// In US06 the car is fast from its 55th second to its 105th.
pub const FAST: SignedDuration = SignedDuration::from_secs(90);
const US06_M: u64 = 12_888;
/// US06 for a minute, then a red light that is longer than any hurry of the test.
const RED_LIGHT: &str = "about = \"a red light\"\n[[step]]\ndrive = { cycle = \"us06\", for = \"40s\" }\n\
    [[step]]\ntraffic-light = { for = \"20m\" }\n[[step]]\npark = {}\n";
const AT_THE_RED_LIGHT: SignedDuration = SignedDuration::from_secs(600);

/// An enrolled car with its window open.
pub fn world() -> Option<(World, Display)> {
    let display = Display::open()?;
    let mut world = World::new(Kind::Rumqttd)?;
    world.car.show_on(display.name());
    world.car.start();
    Some((world, display))
}

/// Waits until the window shows what is asked for; gives what it tells about itself.
#[track_caller]
pub fn shows(car: &Car, what: &[(&str, Value)]) -> Value {
    until(&format!("the window shows {what:?}"), PATIENCE, || {
        let screen = car.status()["live"]["screen"].clone();
        what.iter()
            .all(|(key, value)| screen[key] == *value)
            .then_some(screen)
    })
}

/// Touches until it has worked: a touch while the page changes meets nothing.
#[track_caller]
pub fn touch_until(world: &World, display: &Display, place: (u32, u32), key: &str, value: &Value) {
    let mut touched = 0_u32;
    until(&format!("a touch makes {key} {value}"), PATIENCE, || {
        let is_so = |screen: &Value| screen[key] == *value;
        if is_so(&world.car.status()["live"]["screen"]) {
            return Some(());
        }
        // Touched again only when the last one had its time: it must not be taken back.
        if touched.is_multiple_of(20) {
            display.touch(place);
        }
        touched += 1;
        None
    });
}

#[test]
fn driving_restricts_the_pages_and_the_end_of_a_trip_brings_its_summary() {
    let Some((world, display)) = world() else {
        return;
    };
    let unknown = shows(&world.car, &[("page", "home".into())]);
    assert_eq!(unknown["drive"], "unknown", "the bus has said nothing yet");

    let driving = world.vehicle.run_held(Command::Drive(Cycle::Us06), FAST);
    shows(
        &world.car,
        &[("drive", "moving".into()), ("locked", false.into())],
    );
    touch_until(&world, &display, SETTINGS, "page", &"settings".into());
    shows(
        &world.car,
        &[("drive", "moving".into()), ("locked", true.into())],
    );
    driving.go_on();
    assert!(driving.ended().all_seen());
    // The settings were chosen; the summary goes before them, once.
    shows(
        &world.car,
        &[
            ("page", "trip".into()),
            ("drive", "parked".into()),
            ("locked", false.into()),
        ],
    );
    touch_until(&world, &display, TRIP_DONE, "page", &"settings".into());

    let scenario = Scenario::parse("red light", RED_LIGHT).unwrap();
    let waiting = world
        .vehicle
        .run_held(Command::Scenario(scenario), AT_THE_RED_LIGHT);
    shows(
        &world.car,
        &[("drive", "standing".into()), ("locked", true.into())],
    );
    waiting.go_on();
    assert!(waiting.ended().all_seen());
    shows(
        &world.car,
        &[("drive", "parked".into()), ("locked", false.into())],
    );
}

#[test]
fn m2_an_idle_window_draws_no_frame_in_ten_seconds() {
    let Some((mut world, display)) = world() else {
        return;
    };
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    shows(&world.car, &[("page", "trip".into())]);
    // Nothing is left to do: what follows is idle by construction, however slow the machine is.
    world.car.reconcile();
    let before = settled(&world.car);
    thread::sleep(Duration::from_secs(10));
    let now = world.car.status()["live"]["screen"].clone();
    assert_eq!(now["frames"], before["frames"], "{now:#}");
    assert!(now["frames"].is_u64(), "{now:#}");

    // The count is of real frames: a touch makes it go on.
    touch_until(&world, &display, TRIP_DONE, "page", &"home".into());
    let after = shows(&world.car, &[("page", "home".into())]);
    assert!(after["frames"].as_u64() > before["frames"].as_u64());
    assert!(after["first_frame_ms"].is_u64());
    assert!(world.car.stop().success(), "SIGTERM is an orderly end");
}

/// A window that has something to draw draws it sooner.
const SETTLED: Duration = Duration::from_secs(1);

/// What the window tells once it has drawn what there was to draw.
pub fn settled(car: &Car) -> Value {
    let mut last = car.status()["live"]["screen"].clone();
    let (mut same, mut since) = (0, now());
    until("the window is settled", PATIENCE, || {
        let screen = car.status()["live"]["screen"].clone();
        if screen == last {
            same += 1;
        } else {
            (same, since) = (0, now());
        }
        last = screen;
        (same >= 3 && since.elapsed() >= SETTLED).then(|| last.clone())
    })
}

#[test]
fn what_is_chosen_on_the_screen_holds_after_a_power_cut_and_a_guest_earns_nothing() {
    let Some((mut world, display)) = world() else {
        return;
    };
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(1);
    shows(&world.car, &[("page", "trip".into())]);
    touch_until(&world, &display, TRIP_DONE, "page", &"home".into());
    touch_until(&world, &display, ACTIVITY, "page", &"activity".into());
    touch_until(&world, &display, SETTINGS, "page", &"settings".into());
    touch_until(&world, &display, NIGHT, "night", &true.into());
    // On a page that is drawn, and again only once the engine had its time: a second touch takes it back.
    let is_guest = (0..GUEST_TRIES).any(|_| {
        settled(&world.car);
        display.touch(DRIVER);
        settled(&world.car);
        display.touch(GUEST);
        let began = now();
        until("a guest drives, or the touch is lost", PATIENCE, || {
            // The engine says so once it is on the disk.
            let is_guest = world.car.status()["live"]["screen"]["guest"] == true;
            (is_guest || began.elapsed() >= ON_DISK_WITHIN).then_some(is_guest)
        })
    });
    assert!(is_guest, "a guest drives");
    world.car.kill();

    world.car.start();
    shows(
        &world.car,
        &[("night", true.into()), ("guest", true.into())],
    );
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    until("the guest's trip is over", PATIENCE, || {
        (world.car.status()["live"]["guest"] == 1).then_some(())
    });
    assert_eq!(world.car.entries().len(), 1, "a guest earns nothing");
}

#[test]
fn a_window_that_is_closed_ends_the_program_in_order_in_the_middle_of_a_drive() {
    let Some((mut world, display)) = world() else {
        return;
    };
    let driving = world.vehicle.run_held(Command::Drive(Cycle::Us06), FAST);
    shows(&world.car, &[("drive", "moving".into())]);
    until("the drive is taken", PATIENCE, || {
        let newest_ms = world.car.status()["live"]["newest_ms"].as_i64()?;
        (newest_ms >= driving.taken_until_ms()).then_some(())
    });
    display.close_window();
    assert_eq!(world.car.ended().code(), Some(0), "{}", world.car.said());
    assert!(world.car.said().contains("head unit ended"));
    assert!(!world.car.data().join("ledger.db-wal").exists(), "closed");

    // What was open was written down: the trip goes on with its first half.
    world.car.start();
    driving.go_on();
    driving.ended();
    world.car.wait_for_entries(1);
    let trips = world.car.trips();
    assert_eq!(trips.len(), 1);
    let off = trips[0].odometer.length().abs_diff(US06_M) * 1_000;
    assert!(off <= US06_M * 5, "{:?}", trips[0]);
    world.car.verified_ledger();
    assert!(world.car.stop().success());
}

#[test]
fn a_head_unit_that_is_nobodys_enrols_on_its_screen() {
    let Some(display) = Display::open() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(Kind::Rumqttd, folder.path()).unwrap();
    let port = free_port();
    let cloud = MemberCloud::start(&folder.path().join("cloud"), port);
    let member = cloud.add_member();
    let mut car = Car::new(&folder.path().join("car"), bus.port(), port, cloud.key());
    car.show_on(display.name());
    car.launch();
    cloud.approve_who_waits(&member);
    until("the head unit is somebody's", PATIENCE, || {
        car.ask(&["status"]).status.success().then_some(())
    });
    // Nobody knows whether the car is parked: the card is there, and no page with a button that may not be touched.
    let card = [("page", "home".into()), ("drive", "unknown".into())];
    shows(&car, &card);
    assert!(car.stop().success());
}

#[test]
fn without_a_display_there_is_one_line_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let key = dashpoint_wire::SigningKey::generate().unwrap();
    let key = dashpoint_wire::SigningKey::from_pkcs8(&key)
        .unwrap()
        .public();
    let car = Car::new(folder.path(), free_port(), free_port(), key);
    let output = Process::new(env!("CARGO_BIN_EXE_head-unit"))
        .args(["run", "--config"])
        .arg(car.config())
        .env_remove("DASHPOINT_CONFIG")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "dashpoint: there is no display to open a window on; run with --no-screen, or set DISPLAY or WAYLAND_DISPLAY\n"
    );
    assert!(!car.data().exists(), "nothing was touched");
}
