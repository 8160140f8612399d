//! What the disk, the cloud or the bus does, the window goes on. Each is held for as long as the test looks at the pages:
//! a frame that comes has come meanwhile. The engine hangs in its commit and with it every queue on the way to it is full: a
//! window that waited for any of them would stand still until the test gives up.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use dashpoint_store::StoreReader;
use jiff::Timestamp;
use vehicle_sim::{Command, Cycle};

use crate::screen::{
    ACTIVITY, FAST, HOME, NIGHT, SETTINGS, TRIP_DONE, settled, shows, touch_until,
};
use crate::support::nonsense::{self, connected};
use crate::support::{
    Car, Display, Gate, Kind, Manner, PATIENCE, WHOLE, World, WriteLock, until, wall,
};

/// In park, the pages follow the finger.
#[track_caller]
fn pages_follow_the_finger(world: &World, display: &Display) {
    touch_until(world, display, ACTIVITY, "page", &"activity".into());
    touch_until(world, display, HOME, "page", &"home".into());
}

/// On the road they follow the car, too: what is not for driving is locked.
#[track_caller]
fn pages_follow_the_car(world: &World, display: &Display) {
    shows(&world.car, &[("drive", "moving".into())]);
    touch_until(world, display, SETTINGS, "page", &"settings".into());
    shows(&world.car, &[("locked", true.into())]);
}

#[test]
fn a_disk_that_does_not_take_a_commit_stalls_no_frame() {
    let Some(display) = Display::open() else {
        return;
    };
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.car.show_on(display.name());
    world.car.start();
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(1);
    touch_until(&world, &display, TRIP_DONE, "page", &"home".into());

    let held = WriteLock::take(&world.car.data().join("ledger.db"));
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    until("the second trip cannot be written", PATIENCE, || {
        (world.car.status()["live"]["unsaved"] == 1).then_some(())
    });
    pages_follow_the_finger(&world, &display);
    let driving = world.vehicle.run_held(Command::Drive(Cycle::Us06), FAST);
    pages_follow_the_car(&world, &display);
    assert_eq!(world.car.status()["head"]["seq"], 1, "it is held still");
    held.give_back();

    world.car.wait_for_entries(2);
    driving.go_on();
    assert!(driving.ended().all_seen());
    world.car.wait_for_entries(3);
    assert!(world.car.stop().success());
}

/// Choices that are touched while the engine hangs: more than all that wait on their way to it (8 touches, one in the hand
/// of who passes them on, 4 of the engine's own), and each is 5 seconds in the engine's hand before it gives it up.
const TOUCHES: u32 = 64;
const WAIT_ON_THE_WAY: usize = 8 + 1 + 4;

#[test]
fn an_engine_that_hangs_on_its_disk_leaves_the_window_to_the_finger() {
    let Some(display) = Display::open() else {
        return;
    };
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.car.show_on(display.name());
    world.car.start();
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(1);
    touch_until(&world, &display, TRIP_DONE, "page", &"home".into());
    settled(&world.car);
    let home_by_day = display.seen(WHOLE);
    touch_until(&world, &display, SETTINGS, "page", &"settings".into());
    settled(&world.car);

    let held = WriteLock::take(&world.car.data().join("ledger.db"));
    display.touch_times(NIGHT, TOUCHES);
    shows(&world.car, &[("night", true.into())]);
    pages_follow_the_finger(&world, &display);
    settled(&world.car);
    let home_by_night = display.seen(WHOLE);
    assert!(brightness(&home_by_night) * 3 < brightness(&home_by_day));
    pages_follow_the_finger(&world, &display);
    settled(&world.car);
    assert!(display.seen(WHOLE) == home_by_night, "the same page again");
    // The engine has hung all the while: it holds one choice, the queues are full of them, and nothing is kept.
    let said = world.car.said();
    let given_up = said
        .matches("a choice of the driver cannot be kept")
        .count();
    assert!(given_up + WAIT_ON_THE_WAY < TOUCHES as usize, "{given_up}");
    assert!(said.contains("a touch is lost"), "the queues are full");
    assert_eq!(theme_on_the_disk(&world.car), None);
    held.give_back();

    until("the engine answers", PATIENCE, || {
        theme_on_the_disk(&world.car).filter(|theme| theme == "night")
    });
    assert!(world.car.stop().success());
}

/// What appearance the disk holds as chosen.
fn theme_on_the_disk(car: &Car) -> Option<String> {
    let reader = StoreReader::open(&car.data(), None, None).unwrap();
    let theme = reader.meta("theme").unwrap()?;
    Some(String::from_utf8(theme).unwrap())
}

fn brightness(pixels: &[u8]) -> u64 {
    pixels.iter().map(|byte| u64::from(*byte)).sum()
}

#[test]
fn a_cloud_that_does_not_answer_stalls_no_frame() {
    let Some(display) = Display::open() else {
        return;
    };
    let mut world = World::after_a_day_offline();
    let gate = Gate::open(world.port, Manner::Silence);
    world.car.show_on(display.name());
    world.car.start();
    until("the cloud is asked", PATIENCE, || {
        (!gate.asked().is_empty()).then_some(())
    });
    let driving = world.vehicle.run_held(Command::Drive(Cycle::Us06), FAST);
    pages_follow_the_car(&world, &display);
    driving.go_on();
    assert!(driving.ended().all_seen());
    world.car.wait_for_entries(3);
    touch_until(&world, &display, TRIP_DONE, "page", &"settings".into());
    pages_follow_the_finger(&world, &display);
    let live = world.car.status()["live"].clone();
    let state = live["connection"]["state"].as_str();
    assert!(matches!(state, Some("syncing" | "offline")), "{live:#}");
    assert!(world.car.stop().success());
}

#[test]
fn a_flood_of_signals_stalls_no_frame() {
    let Some(display) = Display::open() else {
        return;
    };
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    world.car.show_on(display.name());
    world.car.start();
    let flood = Flood::begin(world.bus.port());
    // What makes the car drive is in the flood.
    pages_follow_the_car(&world, &display);
    touch_until(&world, &display, HOME, "page", &"home".into());
    touch_until(&world, &display, SETTINGS, "page", &"settings".into());
    let said = flood.said();
    until("the flood has not ended meanwhile", PATIENCE, || {
        (flood.said() > said).then_some(())
    });
    flood.end();
    let live = &world.car.status()["live"];
    assert!(live["taken"].as_u64() > Some(10_000), "{live:#}");
    assert!(world.car.stop().success());
}

/// Messages of one flood that go out at once.
const AT_ONCE: u64 = 200;

/// A car at 50 km/h whose bus says so as often as the broker takes it.
struct Flood {
    said: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    saying: JoinHandle<()>,
}

impl Flood {
    fn begin(bus: u16) -> Self {
        let (said, ended) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let saying = thread::spawn({
            let (said, ended) = (Arc::clone(&said), Arc::clone(&ended));
            move || {
                let mut stream = connected(bus);
                let begins_ms = wall().as_millisecond() - 86_400_000;
                for (path, value) in [
                    ("Vehicle.LowVoltageSystemState", "\"ON\""),
                    ("Vehicle.Powertrain.Transmission.SelectedGear", "127"),
                    ("Vehicle.TraveledDistance", "1000"),
                ] {
                    stream.write_all(&publish(path, value, begins_ms)).unwrap();
                }
                while !ended.load(Ordering::SeqCst) {
                    let from = said.fetch_add(AT_ONCE, Ordering::SeqCst);
                    let packets = (from..from + AT_ONCE)
                        .map(|at| publish("Vehicle.Speed", "50", begins_ms + at.cast_signed()));
                    stream
                        .write_all(&packets.collect::<Vec<_>>().concat())
                        .unwrap();
                }
            }
        });
        Self {
            said,
            ended,
            saying,
        }
    }

    /// Messages that were said so far.
    fn said(&self) -> u64 {
        self.said.load(Ordering::SeqCst)
    }

    fn end(self) {
        self.ended.store(true, Ordering::SeqCst);
        self.saying.join().unwrap();
    }
}

/// What a vehicle says of one signal.
fn publish(path: &str, value: &str, at_ms: i64) -> Vec<u8> {
    let ts = Timestamp::from_millisecond(at_ms).unwrap();
    let payload = format!("{{\"value\":{value},\"ts\":\"{ts:.3}\"}}");
    nonsense::publish(path, payload.as_bytes())
}
