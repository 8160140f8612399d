//! Vehicles and drivers that the certificate and the binding name with the salt, or as before there was one.

use dashpoint_membership::{DriverTag, VehicleId};
use dashpoint_telematics::{DriveState, Signal, Value};
use dashpoint_wire::NameSalt;

use super::car::{Car, Running, START_S};
use crate::books::{driver_tag, vehicle_id};
use crate::bus::BusInput;
use crate::names::{DriverName, salted_vehicle_id};

const VIN: &str = "LDPTEST0000000001";
const DRIVER: DriverName<'_> = DriverName {
    issuer: "https://id.example.com/",
    subject: "u/7",
};
const SALT: NameSalt = NameSalt::from_bytes([7; 32]);

/// Drives one trip as the bus tells vehicle and driver; gives how many entries the chain has then.
fn entries_after_a_trip(car: &mut Car, vin: &str, driver: DriverName<'_>) -> u64 {
    let mut running = car.start();
    tell(car, &mut running, vin, driver);
    car.drives(&mut running);
    let entries = running.engine.books().head.seq.get();
    running.engine.end().unwrap();
    entries
}

fn tell(car: &Car, running: &mut Running, vin: &str, driver: DriverName<'_>) {
    let text = |text: &str| Value::Text(text.to_owned());
    let signals = vec![
        (Signal::Vin, text(vin)),
        (Signal::DriverIssuer, text(driver.issuer)),
        (Signal::DriverSubject, text(driver.subject)),
    ];
    car.say(running, signals);
}

fn enrolled(vehicle: VehicleId, driver: DriverTag, salt: Option<NameSalt>) -> Car {
    let mut car = Car::enrolled_as(1, vehicle, Some(driver));
    car.salt = salt;
    car
}

#[test]
fn a_car_goes_on_under_the_names_that_it_was_enrolled_with() {
    let old = (vehicle_id(VIN), driver_tag(DRIVER.issuer, DRIVER.subject));
    let new = (salted_vehicle_id(&SALT, VIN), DRIVER.tag(&SALT));
    for ((vehicle, driver), salt) in [(old, None), (old, Some(SALT)), (new, Some(SALT))] {
        let mut car = enrolled(vehicle, driver, salt);
        assert_eq!(entries_after_a_trip(&mut car, VIN, DRIVER), 1, "{salt:?}");
        let stranger = DriverName {
            issuer: "https://id.example.com",
            ..DRIVER
        };
        assert_eq!(entries_after_a_trip(&mut car, VIN, stranger), 1, "{salt:?}");
        let elsewhere = "LDPTEST0000000002";
        let trips = entries_after_a_trip(&mut car, elsewhere, DRIVER);
        assert_eq!(trips, 1, "{salt:?}");
    }
}

/// The salt of another operator names another vehicle.
#[test]
fn under_another_salt_nothing_is_earned() {
    let other = NameSalt::from_bytes([8; 32]);
    let mut car = enrolled(
        salted_vehicle_id(&SALT, VIN),
        DRIVER.tag(&SALT),
        Some(other),
    );
    assert_eq!(entries_after_a_trip(&mut car, VIN, DRIVER), 0);
}

/// State that the broker of another car had kept, in the order in which it comes: the odometer before the VIN.
#[test]
fn meters_that_came_before_the_vin_of_another_car_settle_nothing() {
    let mut car = enrolled(
        vehicle_id(VIN),
        driver_tag(DRIVER.issuer, DRIVER.subject),
        None,
    );
    let mut running = car.start();
    let kept = [
        (Signal::Odometer, Value::Number(900_000_000.0)),
        (Signal::Vin, Value::Text("LDPTEST0000000002".to_owned())),
    ];
    let ts_ms = Some(START_S * 1_000);
    running
        .engine
        .take(kept.into_iter().map(|(signal, value)| BusInput::Sample {
            signal,
            value,
            ts_ms,
            retained: true,
        }));
    assert!(running.engine.live().other_vehicle);
    car.pass(2_000);
    running.engine.wake();
    running.engine.end().unwrap();
    assert_eq!(entries_after_a_trip(&mut car, VIN, DRIVER), 1);
}

/// Connection and drive state are followed in any car; nobody is paid there.
#[test]
fn in_another_car_the_screen_is_restricted_all_the_same() {
    let car = enrolled(
        vehicle_id(VIN),
        driver_tag(DRIVER.issuer, DRIVER.subject),
        None,
    );
    let mut running = car.start();
    tell(&car, &mut running, "LDPTEST0000000002", DRIVER);
    car.say(&mut running, vec![(Signal::Speed, Value::Number(50.0))]);
    assert_eq!(running.engine.live().drive_state, Some(DriveState::Moving));
    running.engine.end().unwrap();
}
