//! A session that stops and may go on: to whom it belongs, how long it waits, and what is none of it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{Pace, arrivals, counter, cruise, fold_arrivals, live, start};
use common::{Car, charges, finished, settings, station};
use dashpoint_membership::{Charge, Grade};
use dashpoint_telematics::{Driver, Finished, Marks, Outcome, Signal, Telematics};

fn folded(car: &Car) -> Vec<Finished> {
    finished(&fold_arrivals(Pace::Live, &arrivals(car)).0)
}

fn watt_hours(all: &[Finished]) -> Vec<u64> {
    let charges: Vec<Charge> = charges(all);
    charges.iter().map(|one| one.charged.length()).collect()
}

fn odometer(car: &mut Car) {
    car.number(Signal::Odometer, car.odometer_m.floor());
}

/// Charges so many hundredths of a kilowatt-hour, one each ten seconds.
fn flow(car: &mut Car, steps: u32) {
    for _ in 0..steps {
        car.wait(10_000);
        car.charged_kwh += 0.01;
        counter(car, 0);
    }
}

/// Drives for five minutes and stands for a minute and a half, in a trip that stays open.
fn arrive(car: &mut Car) {
    start(car, 0);
    counter(car, 0);
    cruise(car, 300, |car, _| {
        car.number(Signal::Speed, 60.0);
        odometer(car);
    });
    car.number(Signal::Speed, 0.0);
    car.wait(10_000);
    odometer(car);
    car.wait(80_000);
}

#[test]
fn a_piece_ends_where_the_car_drives() {
    for reads_on_the_way in [false, true] {
        let mut car = Car::new();
        arrive(&mut car);
        car.flag(Signal::IsCharging, true);
        flow(&mut car, 50);
        car.flag(Signal::IsCharging, false);
        car.wait(16_000);
        cruise(&mut car, 600, |car, second| {
            car.number(Signal::Speed, 60.0);
            if second % 10 == 9 {
                car.charged_kwh += 0.01;
                counter(car, 0);
            }
            if reads_on_the_way && second == 300 {
                odometer(car);
            }
        });
        odometer(&mut car);
        car.number(Signal::Speed, 0.0);
        car.wait(1_000);
        car.text(Signal::Ignition, "OFF");
        car.wait(60_000);
        odometer(&mut car);
        let all = folded(&car);
        assert_eq!(watt_hours(&all), [500], "{reads_on_the_way}: {all:?}");
    }
}

/// A flag of motion says nothing of how fast: what the counter shows in the stop after it is of braking.
#[test]
fn braking_is_counted_after_the_stop() {
    let mut car = Car::new();
    start(&mut car, 0);
    car.flag(Signal::IsMoving, true);
    for step in 0..40_i64 {
        if step * 30 <= 600 {
            counter(&mut car, 0);
        }
        car.wait(30_000);
        car.odometer_m += 500.0;
    }
    car.charged_kwh += 1.0;
    car.flag(Signal::IsMoving, false);
    car.wait(10_000);
    counter(&mut car, 0);
    car.wait(1_000);
    odometer(&mut car);
    car.text(Signal::Ignition, "OFF");
    car.wait(7_200_000);
    counter(&mut car, 0);
    car.wait(60_000);
    counter(&mut car, 0);
    assert_eq!(watt_hours(&folded(&car)), Vec::<u64>::new());
}

#[test]
fn a_name_does_not_cut_a_session() {
    let mut car = Car::new();
    counter(&mut car, 0);
    car.text(Signal::DriverIssuer, "urn:test");
    car.text(Signal::DriverSubject, "lin");
    car.wait(1_000);
    for minute in 0..60 {
        if minute == 1 {
            car.text(Signal::DriverSubject, "UNDEFINED");
        }
        if minute == 30 {
            car.text(Signal::DriverSubject, "wang");
        }
        car.flag(Signal::IsCharging, true);
        car.wait(60_000);
        car.charged_kwh += 0.5;
        counter(&mut car, 0);
    }
    car.flag(Signal::IsCharging, false);
    let all = folded(&car);
    assert_eq!(watt_hours(&all), [30_000], "{all:?}");
    assert!(
        matches!(&all[0].driver, Driver::Named { subject, .. } if subject == "lin"),
        "{all:?}"
    );
}

#[test]
fn a_pause_ends_though_it_is_said_again() {
    let mut car = Car::new();
    counter(&mut car, 0);
    car.wait(1_000);
    car.flag(Signal::IsCharging, true);
    flow(&mut car, 90);
    for _ in 0..30 * 60 {
        car.flag(Signal::IsCharging, false);
        car.wait(60_000);
    }
    car.flag(Signal::IsCharging, true);
    flow(&mut car, 1_000);
    car.flag(Signal::IsCharging, false);
    let all = folded(&car);
    assert_eq!(watt_hours(&all), [900, 10_000], "{all:?}");
}

/// Twenty kilowatt-hours in a silence after a piece under the sun: nobody knows of what they were.
#[test]
fn a_silence_after_a_piece_is_estimated() {
    let mut car = Car::new();
    counter(&mut car, 0);
    car.wait(1_000);
    car.flag(Signal::IsCharging, true);
    station(&mut car, "SITE", 100.0);
    flow(&mut car, 35);
    car.flag(Signal::IsCharging, false);
    car.wait(6_600_000);
    car.charged_kwh += 20.0;
    counter(&mut car, 0);
    car.wait(60_000);
    counter(&mut car, 0);
    let all = folded(&car);
    let pieces: Vec<Charge> = charges(&all);
    let told: Vec<(u64, Grade)> = pieces
        .iter()
        .map(|piece| (piece.charged.length(), piece.grade))
        .collect();
    assert_eq!(
        told,
        [(350, Grade::Metered), (20_000, Grade::Estimated)],
        "{all:?}"
    );
}

/// Home at noon, and another charging point twenty kilometres away, in a trip that ON keeps open.
#[test]
fn the_origin_stays_where_it_was() {
    let mut car = Car::new();
    arrive(&mut car);
    car.flag(Signal::IsCharging, true);
    station(&mut car, "SITE", 100.0);
    flow(&mut car, 200);
    car.flag(Signal::IsCharging, false);
    cruise(&mut car, 1_200, |car, _| {
        car.number(Signal::Speed, 60.0);
        odometer(car);
    });
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    odometer(&mut car);
    car.wait(120_000);
    counter(&mut car, 0);
    car.flag(Signal::IsCharging, true);
    flow(&mut car, 200);
    car.flag(Signal::IsCharging, false);
    let all = folded(&car);
    let told: Vec<(u64, Grade)> = charges(&all)
        .iter()
        .map(|piece| (piece.charged.length(), piece.grade))
        .collect();
    assert_eq!(
        told,
        [(2_000, Grade::Metered), (2_000, Grade::Estimated)],
        "{all:?}"
    );
}

#[test]
fn a_piece_is_not_the_next_ones() {
    let mut car = Car::new();
    counter(&mut car, 0);
    car.wait(1_000);
    car.flag(Signal::IsCharging, true);
    flow(&mut car, 90);
    car.flag(Signal::IsCharging, false);
    car.wait(3_000);
    car.number(Signal::StateOfCharge, 60.0);
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes: Vec<Outcome> = live(&mut telematics, &arrivals(&car), Pace::Live);
    outcomes.extend(telematics.quiet(3_000));
    assert!(telematics.awaits_end());
    assert_eq!(finished(&outcomes), []);
    let over = finished(&telematics.hand_over());
    assert_eq!(watt_hours(&over), [900]);
    assert!(!telematics.awaits_end());
}
