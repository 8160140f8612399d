//! Messages that are far larger than any signal, kept by the broker and live.

use rumqttc::{Client, Incoming, MqttOptions, PublishOptions};
use serde_json::Value;
use vehicle_sim::{Command, Cycle};

use crate::hearing::wait_for;
use crate::support::{Kind, PATIENCE, World, stdout, until};

const SPEED: &str = "Vehicle.Speed";
/// One message that the broker has kept, and one that comes.
const TOO_LARGE: u64 = 2;

#[test]
fn a_message_that_is_too_large_is_counted_and_the_drive_earns() {
    // The broker of the simulator takes 4 MiB and no more.
    for (kind, bytes) in [(Kind::Mosquitto, 10 << 20), (Kind::Rumqttd, 3 << 20)] {
        if let Some(world) = World::new(kind) {
            drive_beside(world, bytes);
        }
    }
}

fn drive_beside(mut world: World, bytes: usize) {
    publish(world.bus.port(), true, bytes);
    world.car.start();
    let kept = until("what the broker kept is counted", PATIENCE, || {
        Some(too_long(&world)).filter(|times| *times > 0)
    });
    publish(world.bus.port(), false, bytes);
    until("what came is counted", PATIENCE, || {
        (too_long(&world) > kept).then_some(())
    });

    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(1);
    let trips = world.car.trips();
    assert_eq!((trips.len(), trips[0].score_x100), (1, 8_225), "{trips:?}");
    assert_eq!(trips[0].missed_s, 0, "{trips:?}");
    let log = world.car.said();
    let ends = log
        .lines()
        .filter(|line| line.contains("bus connection error="));
    let ends: Vec<&str> = ends.collect();
    // A machine that stands still for seconds ends a connection, and each brings what the broker has kept; no size does.
    let is_of_the_machine = |end: &&str| end.contains("error=Slow") || end.contains("error=Silent");
    assert!(ends.iter().all(is_of_the_machine), "{log}");
    let connected = log.matches("bus connected").count();
    assert!((1..=1 + ends.len()).contains(&connected), "{log}");
    if ends.is_empty() {
        assert_eq!(too_long(&world), TOO_LARGE);
    }
    assert!(world.car.stop().success());
}

/// Publishes so many bytes as a speed; the broker has taken them when it returns.
fn publish(bus: u16, retain: bool, bytes: usize) {
    let mut options = MqttOptions::new("loud", ("127.0.0.1", bus));
    options.set_max_packet_size(2 * bytes, 2 * bytes);
    let (client, mut connection) = Client::builder(options).capacity(4).build();
    let payload = vec![b'7'; bytes];
    client
        .publish(
            "vss/Vehicle/Speed",
            payload,
            PublishOptions::at_least_once().retain(retain),
        )
        .unwrap();
    wait_for(&mut connection, |packet| {
        matches!(packet, Incoming::PubAck(_))
    });
}

/// What `status --signals` has to say of the speed.
fn too_long(world: &World) -> u64 {
    let told = world.car.ask(&["status", "--signals", "--json"]);
    let signals: Value = serde_json::from_str(&stdout(&told)).unwrap();
    let mut signals = signals.as_array().unwrap().iter();
    let speed = signals.find(|signal| signal["path"] == SPEED).unwrap();
    speed["refused"]["too-long"].as_u64().unwrap_or(0)
}
