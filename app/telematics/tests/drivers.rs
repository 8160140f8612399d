//! The driver of each trip and session.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, finished, fold, settings, short_drive, trips};
use dashpoint_telematics::{Driver, Marks, Signal, Telematics};

fn named(subject: &str) -> Driver {
    Driver::Named {
        issuer: "https://id.example".to_owned(),
        subject: subject.to_owned(),
    }
}

#[test]
fn a_change_of_driver_ends_the_trip_and_the_way_is_shared() {
    let mut car = Car::new();
    car.text(Signal::DriverIssuer, "https://id.example");
    car.text(Signal::DriverSubject, "lin");
    car.switch_on();
    car.follow(&short_drive());
    car.wait(1_000);
    car.text(Signal::DriverSubject, "wang");
    car.follow(&short_drive());
    car.wait(1_000);
    car.text(Signal::DriverIssuer, "");
    car.text(Signal::DriverSubject, "");
    car.follow(&short_drive());
    car.switch_off();
    let all = finished(&fold(&car.samples, Marks::default()));
    let drivers: Vec<_> = all.iter().map(|finished| finished.driver.clone()).collect();
    assert_eq!(drivers, [named("lin"), named("wang"), Driver::Guest]);
    let trips = trips(&all);
    assert_eq!(trips[0].odometer.to, trips[1].odometer.from);
    assert_eq!(trips[1].odometer.to, trips[2].odometer.from);
    assert_eq!(trips[2].odometer.to, car.odometer_m.floor() as u64);
    assert_eq!(trips[0].odometer.from, 12_345_678);
}

#[test]
fn who_is_at_the_wheel_is_known_in_park_too() {
    let mut car = Car::new();
    let mut telematics = Telematics::new(settings(), Marks::default());
    assert_eq!(telematics.at_the_wheel(), Driver::Unidentified);
    car.text(Signal::DriverIssuer, "https://id.example");
    car.text(Signal::DriverSubject, "lin");
    car.switch_on();
    car.follow(&short_drive());
    car.switch_off();
    for sample in &car.samples {
        telematics.observe(sample);
    }
    telematics.quiet(121_000);
    assert_eq!(telematics.trip_driver(), None);
    assert_eq!(telematics.at_the_wheel(), named("lin"));
}

/// The metres before the name are those of the car that does not say who drives, also when it said so only on the way.
#[test]
fn a_name_after_the_bus_took_it_back_is_another_driver() {
    for is_told_on_the_way in [false, true] {
        let mut car = Car::new();
        let take_back = |car: &mut Car| {
            car.text(Signal::DriverIssuer, "");
            car.text(Signal::DriverSubject, "UNDEFINED");
            car.wait(1_000);
        };
        if !is_told_on_the_way {
            take_back(&mut car);
        }
        car.switch_on();
        car.follow(&short_drive());
        if is_told_on_the_way {
            take_back(&mut car);
        }
        car.wait(1_000);
        car.text(Signal::DriverIssuer, "https://id.example");
        car.text(Signal::DriverSubject, "lin");
        car.follow(&short_drive());
        car.switch_off();
        let all = finished(&fold(&car.samples, Marks::default()));
        let drivers: Vec<_> = all.iter().map(|finished| finished.driver.clone()).collect();
        assert_eq!(drivers, [Driver::Unidentified, named("lin")]);
        let trips = trips(&all);
        assert_eq!(trips[0].odometer.to, trips[1].odometer.from);
    }
}

#[test]
fn a_name_that_comes_late_is_no_change() {
    let mut car = Car::new();
    car.switch_on();
    car.follow(&short_drive()[..30]);
    car.text(Signal::DriverIssuer, "https://id.example");
    car.text(Signal::DriverSubject, "lin");
    car.wait(1_000);
    car.follow(&short_drive()[30..]);
    car.switch_off();
    let all = finished(&fold(&car.samples, Marks::default()));
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].driver, named("lin"));
}

#[test]
fn charging_belongs_to_the_last_driver() {
    let mut car = Car::new();
    car.text(Signal::DriverIssuer, "https://id.example");
    car.text(Signal::DriverSubject, "lin");
    car.drive(&short_drive());
    car.text(Signal::DriverIssuer, "");
    car.text(Signal::DriverSubject, "");
    car.wait(5_000);
    car.charge(3.0, 10);
    let all = finished(&fold(&car.samples, Marks::default()));
    let lin = named("lin");
    assert_eq!(
        all.iter()
            .map(|finished| &finished.driver)
            .collect::<Vec<_>>(),
        [&lin, &lin]
    );
}

/// Guest and member alike: once the car no longer says who drives, neither of them charges.
#[test]
fn charging_does_not_belong_to_a_driver_whose_name_was_taken_back() {
    for (issuer, subject) in [("", ""), ("https://id.example", "lin")] {
        let mut car = Car::new();
        car.text(Signal::DriverIssuer, issuer);
        car.text(Signal::DriverSubject, subject);
        car.drive(&short_drive());
        car.text(Signal::DriverIssuer, "");
        car.text(Signal::DriverSubject, "UNDEFINED");
        car.wait(5_000);
        car.charge(3.0, 10);
        car.drive(&short_drive());
        car.charge(3.0, 10);
        let all = finished(&fold(&car.samples, Marks::default()));
        let drivers: Vec<_> = all.iter().map(|finished| &finished.driver).collect();
        assert_eq!(drivers.len(), 4, "{all:?}");
        assert_ne!(drivers[0], &Driver::Unidentified);
        assert_eq!(drivers[1..], [&Driver::Unidentified; 3], "{subject:?}");
    }
}
