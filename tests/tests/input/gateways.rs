//! The simulated car behind a gateway, through a real mosquitto: the same day as in VSS.

use std::fs;

use vehicle_sim::{Command, Gateway, GatewayMapping, Scenario};

use crate::support::{Kind, VIN, World};

/// Fifty kilometres in one drive, ten minutes parked, two charges.
const DAY: &str = r#"
about = "a drive and two charges"

[[step]]
drive = { cycle = "wltc-3b" }

[[step]]
drive = { cycle = "hwfet" }

[[step]]
drive = { cycle = "udds" }

[[step]]
sleep = { for = "10m" }

[[step]]
charge = { kwh = 20.24, renewable = 80 }

[[step]]
sleep = { for = "15m" }

[[step]]
charge = { kwh = 2.53, renewable = 80 }

[[step]]
sleep = { for = "1h" }
"#;

/// Lets the head unit read its bus by the shipped mapping of a gateway.
fn map(world: &World, gateway: Gateway) {
    let GatewayMapping { file, vehicle } = gateway.mapping(VIN).unwrap();
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../app/mapping/");
    let config = world.car.config();
    fs::copy(format!("{shipped}{file}"), config.with_file_name(file)).unwrap();
    let text = fs::read_to_string(&config).unwrap();
    let mapped = format!("[bus]\nmapping = \"{file}\"\nvehicle = \"{vehicle}\"\n");
    world.car.configure(&text.replacen("[bus]\n", &mapped, 1));
}

/// VISS says each second with its own time, so that it can be played as fast as the head unit takes it.
#[test]
fn a_day_over_viss_is_the_day_that_was_driven() {
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    map(&world, Gateway::Viss);
    world.car.start();
    world.cloud.stop();
    let day = Command::Scenario(Scenario::parse("day", DAY).unwrap());
    let vehicle = world
        .vehicle
        .with(|options| options.gateway = Gateway::Viss);
    let driven = vehicle.run(&day);
    world.car.wait_for_entries(3);

    let trips = world.car.trips();
    let metres: u64 = trips.iter().map(|trip| trip.odometer.length()).sum();
    assert_eq!(trips.len(), 1, "{trips:#?}");
    let apart_m = (metres as f64 - driven.distance_m).abs();
    assert!(apart_m <= driven.distance_m * 0.01, "{driven} {trips:#?}");
    let charges = world.car.charges();
    let charged_wh: Vec<u64> = charges
        .iter()
        .map(|charge| charge.charged.length())
        .collect();
    assert_eq!(charged_wh, [20_240, 2_530], "{charges:#?}");
    let live = world.car.status()["live"].clone();
    assert_eq!(
        live["refused"].as_object().map(|by_kind| by_kind.len()),
        Some(0),
        "{live:#}"
    );
    assert!(world.car.stop().success());
}
