//! Counters that are replaced, that say nothing, and that are first heard of: rows 3, 4, 9 and 21 of the road reports.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, charges, finished, fold, settings, trips};
use dashpoint_membership::{Meter, MeterNumber};
use dashpoint_telematics::{Fault, Marks, MeterOpened, Outcome, Signal, Telematics};

const HOUR_MS: i64 = 3_600_000;
const NIGHT_MS: i64 = 21 * HOUR_MS;

/// Charges at 11 kW, a step each ten seconds, and sleeps until the next day.
fn charge_over_night(car: &mut Car, kwh: f64) {
    car.charge(kwh, (kwh / 11.0 * 360.0).ceil() as u32);
    car.wait(NIGHT_MS);
}

/// Drives so many metres at 20 m/s, and parks until the next day.
fn drive_over_day(car: &mut Car, metres: u32) {
    let rows: Vec<_> = (0..=metres / 20)
        .map(|second| (f64::from(second), 20.0))
        .collect();
    car.switch_on();
    car.follow(&rows);
    stop(car);
    car.wait(NIGHT_MS);
}

fn stop(car: &mut Car) {
    car.wait(1_000);
    car.number(Signal::Speed, 0.0);
    car.switch_off();
}

/// The meters as a car that is awake says them.
fn say_meters(car: &mut Car) {
    for _ in 0..6 {
        car.meters();
        car.wait(10_000);
    }
}

fn opened(outcomes: &[Outcome]) -> Vec<MeterOpened> {
    let opened = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::MeterOpened(opened) => Some((**opened).clone()),
        Outcome::DriveState(_)
        | Outcome::VehicleFact(_)
        | Outcome::TripStarted { .. }
        | Outcome::Finished(_)
        | Outcome::Mark(_)
        | Outcome::Checkpoint(_) => None,
    });
    opened.collect()
}

fn charged_wh(outcomes: &[Outcome]) -> u64 {
    let charges = charges(&finished(outcomes));
    charges.iter().map(|charge| charge.charged.length()).sum()
}

fn driven_m(outcomes: &[Outcome]) -> u64 {
    let trips = trips(&finished(outcomes));
    trips.iter().map(|trip| trip.odometer.length()).sum()
}

fn second() -> MeterNumber {
    MeterNumber::FIRST.next()
}

#[test]
fn new_batteries_are_paid_from_first() {
    let mut car = Car::new();
    car.charged_kwh = 9_000.0;
    car.meters();
    charge_over_night(&mut car, 10.0);
    let before = car.samples.len();
    car.wait(2 * 24 * HOUR_MS);
    car.charged_kwh = 50.0;
    for _ in 0..10 {
        charge_over_night(&mut car, 30.0);
    }
    car.meters();
    let all = fold(&car.samples, Marks::default());
    assert_eq!(
        charged_wh(&fold(&car.samples[..before], Marks::default())),
        10_000
    );
    // Up to the first step of the new counter is not told.
    let paid = charged_wh(&all) - 10_000;
    assert!((299_950..=300_000).contains(&paid), "{paid}");
    let opened = opened(&all);
    assert_eq!(opened.len(), 1);
    let opening = opened[0].opening;
    assert_eq!(
        (opening.meter, opening.number, opening.last),
        (Meter::Charged, second(), 9_010_000)
    );
    assert!((50_000..50_050).contains(&opening.first), "{opening:?}");
    let of_second = |charge: &&dashpoint_membership::Charge| charge.charged.number == second();
    let later = charges(&finished(&all));
    assert_eq!(later.iter().filter(of_second).count(), 10);
}

#[test]
fn swapped_batteries_are_no_charge() {
    let mut car = Car::new();
    car.charged_kwh = 9_010.0;
    say_meters(&mut car);
    car.wait(360_000);
    car.charged_kwh = 9_090.0;
    say_meters(&mut car);
    car.wait(8 * HOUR_MS);
    car.charged_kwh = 9_540.0;
    say_meters(&mut car);
    charge_over_night(&mut car, 30.0);
    charge_over_night(&mut car, 30.0);
    charge_over_night(&mut car, 30.0);
    let all = fold(&car.samples, Marks::default());
    assert_eq!(charged_wh(&all), 90_000);
    assert_eq!(opened(&all), [], "the same counter, further on");
}

#[test]
fn all_ones_raise_no_charged_mark() {
    let mut car = Car::new();
    car.charged_kwh = 4_010.0;
    car.meters();
    car.wait(10 * HOUR_MS);
    for _ in 0..5 {
        car.number(Signal::ChargedEnergy, 6_553.5);
        car.wait(10_000);
    }
    car.meters();
    for _ in 0..50 {
        charge_over_night(&mut car, 40.0);
    }
    let all = fold(&car.samples, Marks::default());
    assert_eq!(charged_wh(&all), 2_000_000);
    assert_eq!(opened(&all), []);
}

#[test]
fn all_ones_cut_no_trip() {
    let mut car = Car::new();
    let rows = |metres: u32| -> Vec<_> {
        (0..=metres / 20)
            .map(|second| (f64::from(second), 20.0))
            .collect()
    };
    car.switch_on();
    car.follow(&rows(10_000));
    for _ in 0..5 {
        car.wait(1_000);
        car.odometer_m += 20.0;
        car.number(Signal::Speed, 72.0);
        car.number(Signal::Odometer, 4_294_967_295.0);
    }
    car.wait(1_000);
    car.follow(&rows(99_880));
    stop(&mut car);
    let all = fold(&car.samples, Marks::default());
    let trips = trips(&finished(&all));
    assert_eq!(trips.len(), 1);
    let length = trips[0].odometer.length();
    assert!((109_900..=110_000).contains(&length), "{length}");
}

#[test]
fn spikes_that_stay_cost_nothing() {
    let mut car = Car::new();
    car.charged_kwh = 4_010.0;
    say_meters(&mut car);
    car.wait(10 * HOUR_MS);
    car.charged_kwh += 30.0;
    for _ in 0..9 {
        car.number(Signal::ChargedEnergy, 7_777.7);
        car.wait(10_000);
    }
    for _ in 0..3 {
        car.meters();
        car.wait(10_000);
    }
    charge_over_night(&mut car, 40.0);
    let all = fold(&car.samples, Marks::default());
    assert_eq!(charged_wh(&all), 70_000);
    assert_eq!(opened(&all), []);
}

/// Row 9a: the dealer corrects a second time.
#[test]
fn odometers_are_corrected_twice() {
    let mut car = Car::new();
    car.odometer_m = 20_010_000.0;
    say_meters(&mut car);
    car.wait(NIGHT_MS);
    car.odometer_m = 345_000_000.0;
    drive_over_day(&mut car, 10_000);
    drive_over_day(&mut car, 10_000);
    car.odometer_m = 20_030_000.0;
    for _ in 0..5 {
        drive_over_day(&mut car, 10_000);
    }
    let all = fold(&car.samples, Marks::default());
    let driven = driven_m(&all);
    assert!((69_900..=70_000).contains(&driven), "{driven}");
}

/// Row 9b: a new instrument cluster.
#[test]
fn new_clusters_are_paid_from_first() {
    let mut car = Car::new();
    car.odometer_m = 80_010_000.0;
    say_meters(&mut car);
    car.wait(NIGHT_MS);
    car.odometer_m = 12_000.0;
    for _ in 0..5 {
        drive_over_day(&mut car, 20_000);
    }
    let all = fold(&car.samples, Marks::default());
    let driven = driven_m(&all);
    assert!((99_900..=100_000).contains(&driven), "{driven}");
    let opened = opened(&all);
    assert_eq!(opened.len(), 1);
    let opening = opened[0].opening;
    assert_eq!((opening.last, opening.first), (80_010_000, 12_000));
}

/// Row 21.
#[test]
fn zeros_at_wake_lose_no_charge() {
    let mut car = Car::new();
    car.charged_kwh = 4_010.0;
    say_meters(&mut car);
    car.wait(10 * HOUR_MS);
    car.charged_kwh += 30.0;
    for _ in 0..6 {
        car.number(Signal::ChargedEnergy, 0.0);
        car.wait(1_000);
    }
    car.meters();
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut all: Vec<_> = car
        .samples
        .iter()
        .flat_map(|sample| telematics.observe(sample))
        .collect();
    all.extend(telematics.drain());
    assert_eq!(charged_wh(&all), 30_000);
    assert_eq!(telematics.marks().charged, Some(4_040_000));
    let counts = telematics.counts();
    assert_eq!(counts.faults(Signal::ChargedEnergy, Fault::NotAvailable), 6);
}

/// The first failure of the gateways' list: one first value of all ones.
#[test]
fn first_values_are_not_believed_blindly() {
    for first in [4_294_967_295.0, 3_000_000_000.0] {
        let mut car = Car::new();
        car.number(Signal::Odometer, first);
        car.number(Signal::ChargedEnergy, 42_949_672.95);
        car.wait(1_000);
        car.switch_on();
        let rows: Vec<_> = (0..=150).map(|second| (f64::from(second), 20.0)).collect();
        car.follow(&rows);
        stop(&mut car);
        car.wait(60_000);
        car.charge(0.9, 30);
        let all = fold(&car.samples, Marks::default());
        let driven = driven_m(&all);
        assert!((2_900..=3_000).contains(&driven), "{first}: {driven}");
        assert_eq!(charged_wh(&all), 900, "{first}");
        assert_eq!(opened(&all), [], "{first}");
    }
}

#[test]
fn no_meter_opens_without_leave() {
    let mut car = Car::new();
    car.odometer_m = 80_010_000.0;
    say_meters(&mut car);
    car.wait(NIGHT_MS);
    car.odometer_m = 12_000.0;
    for _ in 0..5 {
        drive_over_day(&mut car, 20_000);
    }
    let mut settings = settings();
    settings.opens_meters = false;
    let mut telematics = Telematics::new(settings.clone(), Marks::default());
    let mut all: Vec<_> = car
        .samples
        .iter()
        .flat_map(|sample| telematics.observe(sample))
        .collect();
    assert_eq!((opened(&all), driven_m(&all)), (Vec::new(), 0));
    // The policy that allows it comes later: what has waited is paid.
    settings.opens_meters = true;
    telematics.set_settings(settings);
    let before = car.samples.len();
    drive_over_day(&mut car, 20_000);
    let later = car.samples[before..].iter();
    all.extend(later.flat_map(|sample| telematics.observe(sample)));
    all.extend(telematics.drain());
    let driven = driven_m(&all);
    assert!((119_880..=120_000).contains(&driven), "{driven}");
}

#[test]
fn restarts_go_on_with_watches() {
    let mut car = Car::new();
    car.odometer_m = 80_010_000.0;
    say_meters(&mut car);
    car.wait(NIGHT_MS);
    car.odometer_m = 12_000.0;
    for _ in 0..3 {
        drive_over_day(&mut car, 20_000);
    }
    let mut marks = Marks::default();
    let mut telematics = Telematics::new(settings(), marks);
    let mut kept = Vec::new();
    for (place, sample) in car.samples.iter().enumerate() {
        let mut out = telematics.observe(sample);
        if place + 1 == car.samples.len() {
            out.extend(telematics.drain());
        }
        if place % 997 == 0 {
            let resumed = Telematics::resume(settings(), marks, telematics.checkpoint());
            telematics = resumed.0;
            out.extend(resumed.1);
        }
        for outcome in out {
            match &outcome {
                Outcome::Finished(finished) => marks = marks.highest(finished.marks),
                Outcome::Mark(mark) => marks.raise(*mark),
                Outcome::MeterOpened(opened) => marks.raise(opened.mark()),
                Outcome::DriveState(_)
                | Outcome::VehicleFact(_)
                | Outcome::TripStarted { .. }
                | Outcome::Checkpoint(_) => {}
            }
            kept.push(outcome);
        }
    }
    assert_eq!(opened(&kept).len(), 1);
    let driven = driven_m(&kept);
    assert!((59_000..=60_000).contains(&driven), "{driven}");
}
