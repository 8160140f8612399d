//! Drivers that the car's own sign-in names on the bus.

use vehicle_sim::{Command, Cycle};

use crate::support::{Kind, PATIENCE, World, until};

const MEMBER: &str = "https://login.example.com/realms/a#user-1";
const STRANGER: &str = "https://login.example.com/realms/a#user-2";

/// An issuer that is a URL, through all programs: enrolled, named on the bus, earned, paid. Another subject of it is a guest.
#[test]
fn a_driver_whose_issuer_is_a_url_is_paid() {
    let mut world = World::enrolled_for(Kind::Rumqttd, MEMBER).unwrap();
    world.car.start();
    let drive = |world: &World, driver: &str| {
        let driver = Some(driver.parse().unwrap());
        let named = world
            .vehicle
            .with(|options| options.identity.driver = driver);
        named.run(&Command::Drive(Cycle::Us06))
    };
    let guests_are = |world: &World, count: u64| {
        until("a guest has driven", PATIENCE, || {
            (world.car.status()["live"]["guest"] == count).then_some(())
        });
    };
    drive(&world, STRANGER);
    guests_are(&world, 1);
    let driven = drive(&world, MEMBER);
    world.car.wait_for_entries(1);
    drive(&world, STRANGER);
    guests_are(&world, 2);
    let status = world.car.reconcile();
    let confirmed = status["members"][0]["confirmed"].as_i64().unwrap();
    assert!(confirmed > 0, "{status:#}");
    assert_eq!(status["members"][0]["member"], world.member.as_str());
    assert_eq!(world.cloud.points(&world.member), confirmed);
    world.assert_agreed();
    assert_eq!(world.car.entries().len(), 1);
    let metres = world.cloud.paid_units("odometer") as f64;
    assert!(
        (metres - driven.distance_m).abs() <= driven.distance_m * 0.005,
        "{metres} of {}",
        driven.distance_m
    );
    assert!(world.car.stop().success());
}
