//! Vehicles and drivers that the certificate and the binding name with the salt, or as before there was one.

use dashpoint_membership::{DriverTag, VehicleId};
use dashpoint_telematics::{DriveState, Signal, Value};
use dashpoint_wire::NameSalt;

use super::car::{Car, Running, START_S};
use crate::books::{driver_tag, vehicle_id};
use crate::bus::BusInput;
use crate::names::{DriverName, salted_vehicle_id};

const VIN: &str = "LDPTEST0000000001";
const ELSEWHERE: &str = "LDPTEST0000000002";
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

fn own_car() -> Car {
    let driver = driver_tag(DRIVER.issuer, DRIVER.subject);
    enrolled(vehicle_id(VIN), driver, None)
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
        let trips = entries_after_a_trip(&mut car, ELSEWHERE, DRIVER);
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
    let mut car = own_car();
    let mut running = car.start();
    let kept = [
        (Signal::Odometer, Value::Number(900_000_000.0)),
        (Signal::Vin, Value::Text(ELSEWHERE.to_owned())),
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
    let car = own_car();
    let mut running = car.start();
    tell(&car, &mut running, ELSEWHERE, DRIVER);
    car.say(&mut running, vec![(Signal::Speed, Value::Number(50.0))]);
    assert_eq!(running.engine.live().drive_state, Some(DriveState::Moving));
    running.engine.end().unwrap();
}

fn says_charged(car: &Car, running: &mut Running, wh: f64) {
    // The signal counts in kilowatt-hours.
    let charged = Value::Number(wh / 1_000.0);
    car.say(running, vec![(Signal::ChargedEnergy, charged)]);
}

fn entries(running: &Running) -> u64 {
    running.engine.books().head.seq.get()
}

/// A counter of another car is not believed in this one, neither after a new start nor in the same run.
#[test]
fn what_waits_in_another_car_is_not_carried_into_this_one() {
    for ends in [true, false] {
        let mut car = own_car();
        let mut running = car.start();
        tell(&car, &mut running, VIN, DRIVER);
        says_charged(&car, &mut running, 50_000.0);
        car.drives(&mut running);
        let marks = running.engine.telematics.marks();
        assert_eq!(entries(&running), 1);

        car.pass(5_000);
        tell(&car, &mut running, ELSEWHERE, DRIVER);
        car.pass(1_000);
        says_charged(&car, &mut running, 90_000.0);
        if ends {
            running.engine.end().unwrap();
            running = car.start();
        }
        car.pass(1_000);
        tell(&car, &mut running, VIN, DRIVER);
        says_charged(&car, &mut running, 50_000.0);
        car.pass(5_000);
        running.engine.wake();
        assert_eq!(entries(&running), 1, "{ends}");
        assert_eq!(running.engine.telematics.marks(), marks, "{ends}");
        running.engine.end().unwrap();
    }
}

/// The clock of another car may be ahead; the own one is believed as before.
#[test]
fn after_another_car_whose_clock_is_ahead_the_own_one_earns_at_once() {
    let mut car = own_car();
    let mut running = car.start();
    tell(&car, &mut running, VIN, DRIVER);
    car.drives(&mut running);
    let ahead_ms = (START_S + car.passed_s() + 3_600) * 1_000;
    let ahead = [
        (Signal::Vin, Value::Text(ELSEWHERE.to_owned())),
        (Signal::Speed, Value::Number(0.0)),
        (Signal::Odometer, Value::Number(900_000.0)),
    ];
    for after_ms in [0, 3_000] {
        let samples = ahead.clone().into_iter();
        running
            .engine
            .take(samples.map(|(signal, value)| BusInput::Sample {
                signal,
                value,
                ts_ms: Some(ahead_ms + after_ms),
                retained: false,
            }));
    }
    assert!(running.engine.live().other_vehicle);
    tell(&car, &mut running, VIN, DRIVER);
    assert!(!running.engine.live().other_vehicle);
    car.drives(&mut running);
    assert_eq!(entries(&running), 2);
    running.engine.end().unwrap();
}
