//! A charge that nobody saw, and a head unit that dies when it finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dashpoint_membership::Grade;
use jiff::Timestamp;
use rumqttc::{Client, MqttOptions, PublishOptions};
use vehicle_sim::{Command, Cycle};

use crate::support::nonsense::{publish, say};
use crate::support::{Car, Kind, PATIENCE, World, WriteLock, charge, until};

/// Of a PUBLISH of MQTT 3.1.1: the broker is to keep it.
const RETAIN: u8 = 1;
const CHARGED: &str = "Vehicle.Powertrain.TractionBattery.AccumulatedChargedEnergy";

#[test]
fn a_charge_found_at_wake_is_paid_once_whenever_the_head_unit_dies() {
    let Some(mut world) = World::after_a_drive_offline(Kind::Mosquitto) else {
        return;
    };
    assert!(world.car.stop().success());
    let asleep = world
        .vehicle
        .with(|options| options.patience = Duration::ZERO);
    asleep.run_alone(&Command::ChargeAsleep(charge()));

    // While somebody talks, the head unit does not take what the broker kept for complete; and from its start on nothing can
    // be committed, should the talk falter on a busy machine: it dies before the commit.
    let chatter = Chatter::begin(world.bus.port());
    world.car.start();
    let lock = WriteLock::take(&world.car.data().join("ledger.db"));
    until("the risen counter was taken", PATIENCE, || {
        is_taken(&world.car).then_some(())
    });
    world.car.kill();
    assert_eq!(world.car.entries().len(), 1, "nothing was committed");
    lock.give_back();
    chatter.end();

    world.car.start();
    world.car.wait_for_entries(2);
    // After the commit.
    world.car.kill();
    for _ in 0..2 {
        world.car.start();
        until("the risen counter was taken again", PATIENCE, || {
            is_taken(&world.car).then_some(())
        });
        assert!(world.car.stop().success());
    }
    world.car.start();
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(3);

    let charges = world.car.charges();
    assert_eq!(charges.len(), 1, "{charges:?}");
    assert_eq!(charges[0].charged.length(), 18_000, "{charges:?}");
    assert_eq!(charges[0].grade, Grade::Estimated);
    assert_eq!(charges[0].renewable_permille, 800, "by the car's counter");
    assert_eq!(world.car.trips().len(), 2);
    world.cloud.serve();
    world.car.reconcile();
    world.assert_agreed();
    assert_eq!(world.cloud.entries().len(), 3);
    assert!(world.car.stop().success());
}

/// A car that has moved on while the head unit was off, as its broker has it: none of it is news of a drive.
#[test]
fn what_the_broker_kept_begins_no_trip_and_pays_no_charge_again() {
    let Some(mut world) = World::after_a_drive_offline(Kind::Mosquitto) else {
        return;
    };
    let newest_ms = world.car.status()["live"]["newest_ms"].as_i64().unwrap();
    assert!(world.car.stop().success());
    let an_hour_later = Timestamp::from_millisecond(newest_ms + 3_600_000).unwrap();
    let kept = |path: &str, value: &str| {
        let point = format!("{{\"value\":{value},\"ts\":\"{an_hour_later:.3}\"}}");
        let mut packet = publish(path, point.as_bytes());
        packet[0] |= RETAIN;
        packet
    };
    let states = [
        kept("Vehicle.LowVoltageSystemState", "\"ON\""),
        kept("Vehicle.IsMoving", "true"),
        kept("Vehicle.Speed", "50"),
        kept(CHARGED, "2.5"),
    ];
    say(world.bus.port(), states);

    world.car.start();
    // Which shows that everything that the broker kept was taken for complete.
    world.car.wait_for_entries(2);
    assert_eq!(world.car.status()["live"]["trip_open"], false);
    assert!(world.car.stop().success());
    world.car.start();
    until("the same was taken again", PATIENCE, || {
        is_taken(&world.car).then_some(())
    });
    assert!(world.car.stop().success());
    let charges = world.car.charges();
    assert_eq!((world.car.entries().len(), charges.len()), (2, 1));
    assert_eq!(charges[0].charged.length(), 2_500, "{charges:?}");
}

/// Whether the broker's state has come, with the counter in it.
fn is_taken(car: &Car) -> bool {
    let status = car.status();
    let mut signals = status["live"]["signals"].as_array().into_iter().flatten();
    let charged = signals.find(|signal| signal["path"] == CHARGED);
    charged.is_some_and(|signal| signal["taken"].as_u64() > Some(0))
}

/// Somebody on the bus who never stops talking, and says nothing.
struct Chatter {
    quiet: Arc<AtomicBool>,
    talking: JoinHandle<()>,
}

impl Chatter {
    fn begin(bus: u16) -> Self {
        let quiet = Arc::new(AtomicBool::new(false));
        let talking = thread::spawn({
            let quiet = Arc::clone(&quiet);
            move || talk(bus, &quiet)
        });
        Self { quiet, talking }
    }

    fn end(self) {
        self.quiet.store(true, Ordering::SeqCst);
        self.talking.join().unwrap();
    }
}

fn talk(bus: u16, quiet: &AtomicBool) {
    let options = MqttOptions::new("chatter", ("127.0.0.1", bus));
    let (client, mut connection) = Client::builder(options).capacity(10).build();
    while !quiet.load(Ordering::SeqCst) {
        client
            .publish(
                "vss/Vehicle/Speed",
                "well, well",
                PublishOptions::at_most_once(),
            )
            .unwrap();
        // Drives the connection for a moment.
        while let Ok(Ok(_)) = connection.recv_timeout(Duration::from_millis(20)) {}
    }
}
