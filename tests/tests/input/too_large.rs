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
    until("what the broker kept is counted", PATIENCE, || {
        (too_long(&world) == 1).then_some(())
    });
    publish(world.bus.port(), false, bytes);
    until("what came is counted", PATIENCE, || {
        (too_long(&world) == TOO_LARGE).then_some(())
    });

    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(1);
    let trips = world.car.trips();
    assert_eq!((trips.len(), trips[0].score_x100), (1, 8_225), "{trips:?}");
    assert_eq!(trips[0].missed_s, 0, "{trips:?}");
    assert_eq!(too_long(&world), TOO_LARGE);
    let log = world.car.said();
    assert_eq!(log.matches("bus connected").count(), 1, "{log}");
    assert!(!log.contains("bus connection"), "{log}");
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
