//! A trip that is over and waits for its odometer is in the way of nothing, and of nobody else.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{
    Arrival, Pace, arrivals, counter, cruise, fold_arrivals, fold_at, number, say, start,
};
use common::{Car, charges, finished, trips};
use dashpoint_membership::Trip;
use dashpoint_telematics::{Driver, Finished, Signal, Value};

/// Twelve kilometres whose odometer was read at ON, and OFF.
fn drive_unread(car: &mut Car) {
    start(car, 0);
    cruise(car, 720, |car, _| car.number(Signal::Speed, 60.0));
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    car.number(Signal::Gear, 126.0);
    car.text(Signal::Ignition, "OFF");
}

fn odometer(car: &mut Car) {
    car.number(Signal::Odometer, car.odometer_m.floor());
}

fn live(car: &Car) -> Vec<Finished> {
    finished(&fold_at(Pace::Live, car).0)
}

fn metres(all: &[Finished]) -> Vec<u64> {
    let trips: Vec<Trip> = trips(all);
    trips.iter().map(|trip| trip.odometer.length()).collect()
}

fn watt_hours(all: &[Finished]) -> u64 {
    charges(all)
        .iter()
        .map(|charge| charge.charged.length())
        .sum()
}

#[test]
fn a_night_of_charging_after_a_restart() {
    let mut car = Car::new();
    counter(&mut car, 0);
    car.wait(1_000);
    drive_unread(&mut car);
    // The head unit is off all night: nobody is told of the silence.
    let parked = arrivals(&car).len() + 1;
    car.wait(36_000_000);
    car.charged_kwh += 30.0;
    car.text(Signal::Ignition, "ON");
    car.wait(1_000);
    counter(&mut car, 0);
    car.wait(1_000);
    odometer(&mut car);
    car.wait(60_000);
    car.number(Signal::StateOfCharge, 60.0);
    let mut arriving = arrivals(&car);
    arriving.insert(parked, Arrival::Restart);
    let all = finished(&fold_arrivals(Pace::Recording, &arriving).0);
    assert_eq!(watt_hours(&all), 30_000, "{all:?}");
    assert_eq!(metres(&all), [12_000], "{all:?}");
}

#[test]
fn a_charge_without_a_flag_in_the_wait() {
    let mut car = Car::new();
    counter(&mut car, 0);
    drive_unread(&mut car);
    for _ in 0..36 {
        car.wait(600_000);
        car.charged_kwh += 0.5;
        counter(&mut car, 0);
    }
    car.wait(60_000);
    odometer(&mut car);
    start(&mut car, 0);
    cruise(&mut car, 60, |car, _| car.number(Signal::Speed, 60.0));
    let all = live(&car);
    assert_eq!(watt_hours(&all), 18_000, "{all:?}");
}

#[test]
fn an_odometer_that_is_late_at_the_charging_point() {
    for late_s in [300, 1_500] {
        let mut car = Car::new();
        car.meters();
        drive_unread(&mut car);
        car.wait(30_000);
        car.text(Signal::Ignition, "ON");
        car.flag(Signal::IsCharging, true);
        for step in 0..180 {
            car.wait(10_000);
            car.charged_kwh += 0.25;
            counter(&mut car, 0);
            if step == late_s / 10 {
                odometer(&mut car);
            }
        }
        car.flag(Signal::IsCharging, false);
        let all = live(&car);
        assert_eq!(charges(&all).len(), 1, "{late_s} s: {all:?}");
        assert_eq!(watt_hours(&all), 45_000, "{late_s} s: {all:?}");
    }
}

#[test]
fn the_odometer_comes_with_the_next_on() {
    let mut car = Car::new();
    for _ in 0..2 {
        drive_unread(&mut car);
        car.wait(600_000);
    }
    start(&mut car, 0);
    car.wait(60_000);
    car.number(Signal::StateOfCharge, 60.0);
    let all = live(&car);
    assert_eq!(metres(&all), [12_000, 12_000], "{all:?}");
}

#[test]
fn a_wait_ends_after_a_restart() {
    let mut car = Car::new();
    start(&mut car, 0);
    // Whole kilometres.
    cruise(&mut car, 845, |car, second| {
        car.number(Signal::Speed, 60.0);
        if second % 60 == 59 {
            let step_m = (car.odometer_m / 1_000.0).floor() * 1_000.0;
            number(car, Signal::Odometer, step_m, 0);
        }
    });
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    car.text(Signal::Ignition, "OFF");
    car.wait(2_000);
    car.number(Signal::StateOfCharge, 60.0);
    let parked = arrivals(&car).len();
    car.wait(36_000_000);
    for _ in 0..60 {
        car.wait(60_000);
        car.number(Signal::StateOfCharge, 60.0);
    }
    let mut arriving = arrivals(&car);
    arriving.insert(parked, Arrival::Restart);
    let all = finished(&fold_arrivals(Pace::Live, &arriving).0);
    let metres = metres(&all);
    assert!(metres.len() == 1 && metres[0] >= 13_000, "{all:?}");
}

/// Who drives is said at the beginning, and another one or nobody in the wait.
#[test]
fn a_name_in_the_wait_is_of_the_next_drive() {
    for other in ["B", ""] {
        let mut car = Car::new();
        car.text(Signal::DriverIssuer, "maker");
        car.text(Signal::DriverSubject, "A");
        drive_unread(&mut car);
        car.wait(5_000);
        car.text(Signal::DriverSubject, other);
        car.wait(25_000);
        odometer(&mut car);
        car.wait(600_000);
        car.number(Signal::StateOfCharge, 60.0);
        let all = live(&car);
        assert_eq!(metres(&all), [12_000], "{other}: {all:?}");
        let Driver::Named { subject, .. } = &all[0].driver else {
            panic!("{all:?}");
        };
        assert_eq!(subject, "A");
    }
}

#[test]
fn nobody_is_paid_the_way_of_another() {
    let mut car = Car::new();
    car.text(Signal::DriverIssuer, "maker");
    car.text(Signal::DriverSubject, "A");
    drive_unread(&mut car);
    car.wait(30_000);
    car.text(Signal::DriverSubject, "B");
    car.wait(30_000);
    car.text(Signal::Ignition, "ON");
    car.number(Signal::Gear, 127.0);
    cruise(&mut car, 600, |car, second| {
        car.number(Signal::Speed, 60.0);
        if second == 299 {
            odometer(car);
        }
    });
    odometer(&mut car);
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    car.text(Signal::Ignition, "OFF");
    let all = live(&car);
    // His way until the odometer was read is not known from that of the other one.
    assert_eq!(metres(&all), [5_000], "{all:?}");
}

#[test]
fn a_night_without_off_is_no_drive() {
    for word_s in [4, 60] {
        let mut car = Car::new();
        let drive = |car: &mut Car| {
            cruise(car, 600, |car, _| {
                car.number(Signal::Speed, 60.0);
                odometer(car);
            });
            car.wait(1_000);
            car.number(Signal::Speed, 0.0);
        };
        car.text(Signal::Ignition, "ON");
        odometer(&mut car);
        drive(&mut car);
        for step in 0..30_000 / word_s {
            car.wait(i64::from(word_s) * 1_000);
            say(
                &mut car,
                Signal::BatteryPower,
                Value::Number(-200.0 - f64::from(step % 9)),
                0,
            );
        }
        drive(&mut car);
        car.wait(1_000);
        car.text(Signal::Ignition, "OFF");
        let all = live(&car);
        assert_eq!(metres(&all), [10_000, 10_000], "{word_s} s: {all:?}");
        let trips = trips(&all);
        assert!(
            trips
                .iter()
                .all(|trip| trip.driving.minutes() <= 11 && trip.missed_s <= 60),
            "{word_s} s: {trips:?}"
        );
    }
}

#[test]
fn braking_at_a_speed_that_is_silent() {
    // Downhill: the speed is said once, and the counter goes on counting what braking gives back.
    for signal in [Signal::Speed, Signal::IsMoving] {
        let mut car = Car::new();
        start(&mut car, 0);
        counter(&mut car, 0);
        let value = if signal == Signal::Speed {
            Value::Number(80.0)
        } else {
            Value::Bool(true)
        };
        car.say(signal, value);
        for step in 0..60 {
            car.wait(10_000);
            car.odometer_m += 800.0 / 3.6;
            car.charged_kwh += 0.05;
            counter(&mut car, 0);
            car.number(Signal::BatteryPower, 15_000.0 + f64::from(step));
        }
        let value = if signal == Signal::Speed {
            Value::Number(0.0)
        } else {
            Value::Bool(false)
        };
        car.say(signal, value);
        odometer(&mut car);
        car.wait(1_000);
        car.text(Signal::Ignition, "OFF");
        car.wait(600_000);
        counter(&mut car, 0);
        let all = live(&car);
        assert_eq!(watt_hours(&all), 0, "{signal:?}: {all:?}");
    }
}

#[test]
fn a_charge_before_a_long_silence() {
    // No flag: the counter at the end of the charge was heard, and the next word is motion, a day later.
    let mut car = Car::new();
    start(&mut car, 0);
    counter(&mut car, 0);
    car.wait(1_000);
    car.text(Signal::Ignition, "OFF");
    for _ in 0..12 {
        car.wait(60_000);
        car.charged_kwh += 1.0;
        counter(&mut car, 0);
    }
    car.wait(86_400_000);
    start(&mut car, 0);
    cruise(&mut car, 600, |car, _| {
        car.number(Signal::Speed, 60.0);
        odometer(car);
    });
    counter(&mut car, 0);
    let all = live(&car);
    assert_eq!(watt_hours(&all), 12_000, "{all:?}");
}
