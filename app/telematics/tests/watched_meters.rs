//! A counter that may be another meter, while a trip waits for it, a session pauses, or another one takes the wheel.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{cruise, start};
use common::{Car, charges, finished, settings, station, trips};
use dashpoint_membership::{Charge, MeterNumber, Trip};
use dashpoint_telematics::{Driver, Marks, Outcome, Sample, Signal, Telematics};

const HOUR_MS: i64 = 3_600_000;
const NIGHT_MS: i64 = 22 * HOUR_MS;

fn odometer(car: &mut Car) {
    car.number(Signal::Odometer, car.odometer_m.floor());
}

/// Says both meters as a car that is awake does.
fn say_meters(car: &mut Car) {
    for _ in 0..6 {
        car.meters();
        car.wait(10_000);
    }
}

fn park(car: &mut Car) {
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    car.number(Signal::Gear, 126.0);
    car.text(Signal::Ignition, "OFF");
    car.wait(30_000);
}

/// Drives twelve kilometres with an odometer at ON, and one that comes half a minute after OFF.
fn drive_unread(car: &mut Car) {
    start(car, 0);
    cruise(car, 720, |car, _| car.number(Signal::Speed, 60.0));
    park(car);
}

/// The same with an odometer each minute but the last.
fn drive_read(car: &mut Car) {
    start(car, 0);
    cruise(car, 720, |car, second| {
        car.number(Signal::Speed, 60.0);
        if second % 60 == 0 && second < 660 {
            odometer(car);
        }
    });
    park(car);
}

fn observe(telematics: &mut Telematics, samples: &[Sample]) -> Vec<Outcome> {
    let samples = samples.iter();
    samples
        .flat_map(|sample| telematics.observe(sample))
        .collect()
}

fn fold(car: &Car) -> Vec<Outcome> {
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut all = observe(&mut telematics, &car.samples);
    all.extend(telematics.drain());
    all
}

fn openings(outcomes: &[Outcome]) -> usize {
    let is_opening = |outcome: &&Outcome| matches!(outcome, Outcome::MeterOpened(_));
    outcomes.iter().filter(is_opening).count()
}

fn of_number(all: &[Outcome], number: MeterNumber) -> Vec<Trip> {
    let trips = trips(&finished(all)).into_iter();
    trips
        .filter(|trip| trip.odometer.number == number)
        .collect()
}

fn second() -> MeterNumber {
    MeterNumber::FIRST.next()
}

#[test]
fn a_late_odometer_of_another_cluster() {
    let mut car = Car::new();
    car.odometer_m = 80_010_000.0;
    say_meters(&mut car);
    car.wait(NIGHT_MS);
    car.odometer_m = 12_000.0;
    say_meters(&mut car);
    for _ in 0..4 {
        drive_unread(&mut car);
        odometer(&mut car);
        car.wait(NIGHT_MS);
    }
    say_meters(&mut car);
    let all = fold(&car);
    assert_eq!(openings(&all), 1);
    let trips = of_number(&all, second());
    assert_eq!(trips.len(), 4, "{trips:?}");
    for trip in &trips {
        assert!(
            (11_999..=12_000).contains(&trip.odometer.length()),
            "{trips:?}"
        );
    }
}

#[test]
fn a_parked_trip_keeps_its_odometer() {
    let mut car = Car::new();
    car.odometer_m = 80_010_000.0;
    say_meters(&mut car);
    drive_read(&mut car);
    // The cluster is replaced before the car has said where it parked.
    car.odometer_m = 12_000.0;
    for _ in 0..6 {
        odometer(&mut car);
        car.wait(1_000);
    }
    car.wait(NIGHT_MS);
    for _ in 0..3 {
        drive_unread(&mut car);
        odometer(&mut car);
        car.wait(NIGHT_MS);
    }
    say_meters(&mut car);
    let all = fold(&car);
    let first = of_number(&all, MeterNumber::FIRST);
    assert_eq!(first.len(), 1, "{first:?}");
    let interval = first[0].odometer;
    assert_eq!(interval.from, 80_010_000);
    assert!((80_019_000..80_022_000).contains(&interval.to), "{first:?}");
    let metres: u64 = of_number(&all, second())
        .iter()
        .map(|trip| trip.odometer.length())
        .sum();
    assert_eq!(openings(&all), 1);
    assert!((35_999..=36_000).contains(&metres), "{metres}");
}

#[test]
fn a_parked_trip_of_a_spike() {
    let mut car = Car::new();
    car.odometer_m = 20_010_000.0;
    say_meters(&mut car);
    car.wait(NIGHT_MS);
    car.odometer_m = 345_000_000.0;
    say_meters(&mut car);
    drive_read(&mut car);
    car.odometer_m = 20_022_000.0;
    for _ in 0..3 {
        odometer(&mut car);
        car.wait(1_000);
    }
    car.wait(NIGHT_MS);
    let all = fold(&car);
    assert_eq!(openings(&all), 0);
    assert_eq!(of_number(&all, second()), []);
    let trips = of_number(&all, MeterNumber::FIRST);
    assert_eq!(trips.len(), 1, "{trips:?}");
    let interval = trips[0].odometer;
    assert_eq!(interval.from, 20_010_000);
    assert!((10_000..=12_000).contains(&interval.length()), "{trips:?}");
}

/// Charges so many watt-hours in two and a half minutes, and pauses for as long; the counter is said all the time.
fn sun(car: &mut Car, kwh: f64) {
    car.flag(Signal::IsCharging, true);
    for step in 0..30 {
        car.wait(10_000);
        if step < 15 {
            car.charged_kwh += kwh / 15.0;
        } else if step == 15 {
            car.flag(Signal::IsCharging, false);
        }
        car.number(Signal::ChargedEnergy, car.charged_kwh);
    }
}

/// A car at its charging point, whose battery's counter is another one after two pieces.
fn replaced_at_the_plug() -> Car {
    let mut car = Car::new();
    car.charged_kwh = 9_000.0;
    say_meters(&mut car);
    car.number(Signal::Gear, 126.0);
    station(&mut car, "SITE", 100.0);
    sun(&mut car, 0.35);
    sun(&mut car, 0.35);
    car.charged_kwh = 50.0;
    for _ in 0..6 {
        car.wait(10_000);
        car.number(Signal::ChargedEnergy, car.charged_kwh);
    }
    car
}

#[test]
fn pieces_join_on_another_counter() {
    let mut car = replaced_at_the_plug();
    for _ in 0..24 {
        sun(&mut car, 0.35);
    }
    for _ in 0..8 {
        car.wait(4 * HOUR_MS);
        say_meters(&mut car);
    }
    let all = fold(&car);
    assert_eq!(openings(&all), 1);
    let is_second = |charge: &Charge| charge.charged.number == second();
    let (later, before): (Vec<_>, Vec<_>) =
        charges(&finished(&all)).into_iter().partition(is_second);
    let sum = |charges: &[Charge]| -> u64 {
        let lengths = charges.iter().map(|charge| charge.charged.length());
        lengths.sum()
    };
    assert_eq!(sum(&before), 700, "{before:?}");
    assert_eq!(sum(&later), 8_400, "{later:?}");
    for charge in &later {
        assert!(charge.charged.length() >= 1_000, "{charge:?}");
        assert_eq!(charge.renewable_permille, 1_000, "{charge:?}");
    }
}

#[test]
fn another_counter_ends_no_pause() {
    let car = replaced_at_the_plug();
    let mut telematics = Telematics::new(settings(), Marks::default());
    let all = observe(&mut telematics, &car.samples);
    assert_eq!(charges(&finished(&all)).len(), 1);
    assert!(!telematics.is_charging());
}

/// The counter comes back while a guest drives: what waited is of the ones who drove it.
#[test]
fn a_counter_that_returns_keeps_its_drivers() {
    let mut car = Car::new();
    say_meters(&mut car);
    car.wait(NIGHT_MS);
    let base_m = car.odometer_m;
    car.odometer_m = 5_000.0;
    say_meters(&mut car);
    for _ in 0..2 {
        drive_unread(&mut car);
        odometer(&mut car);
        car.wait(HOUR_MS);
    }
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut all = observe(&mut telematics, &car.samples);
    all.extend(telematics.quiet(10_000));
    assert_eq!(finished(&all), []);
    all.extend(telematics.hand_over());
    telematics.set_guest(true);
    let before = car.samples.len();
    car.odometer_m = base_m + 24_000.0;
    for _ in 0..4 {
        odometer(&mut car);
        car.wait(10_000);
    }
    all.extend(observe(&mut telematics, &car.samples[before..]));
    all.extend(telematics.drain());
    let waited = finished(&all);
    assert_eq!(waited.len(), 2, "{waited:?}");
    assert!(waited.iter().all(|one| one.driver == Driver::Unidentified));
}

#[test]
fn guests_take_no_trip_that_waits() {
    let mut car = Car::new();
    car.odometer_m = 80_010_000.0;
    say_meters(&mut car);
    car.wait(NIGHT_MS);
    car.odometer_m = 12_000.0;
    say_meters(&mut car);
    drive_unread(&mut car);
    odometer(&mut car);
    car.wait(NIGHT_MS);
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut all = observe(&mut telematics, &car.samples);
    all.extend(telematics.quiet(10_000));
    all.extend(telematics.hand_over());
    telematics.set_guest(true);
    let before = car.samples.len();
    for _ in 0..3 {
        drive_unread(&mut car);
        odometer(&mut car);
        car.wait(NIGHT_MS);
    }
    all.extend(observe(&mut telematics, &car.samples[before..]));
    all.extend(telematics.drain());
    let drivers: Vec<_> = finished(&all)
        .into_iter()
        .map(|finished| finished.driver)
        .collect();
    let guest = || Driver::Guest;
    assert_eq!(
        drivers,
        [Driver::Unidentified, guest(), guest(), guest()],
        "who drove then, not who drives when the meter is opened"
    );
}
