//! A bus that stalls on a busy machine, while the time of the car does not run: nothing is late by it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, finished, settings, short_drive, trips};
use dashpoint_telematics::{Counts, Fault, Marks, Outcome, Telematics};

const EIGHT_DAYS_MS: i64 = 8 * 86_400_000;

/// Folds everything; after each of these samples the bus is quiet for so long by the clock on the wall.
fn fold_with_stalls(car: &Car, after: &[usize], quiet_ms: i64) -> (Vec<Outcome>, Counts) {
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes = Vec::new();
    for (place, sample) in car.samples.iter().enumerate() {
        outcomes.extend(telematics.observe(sample));
        if after.contains(&place) {
            for quiet_ms in (500..=quiet_ms).step_by(500) {
                outcomes.extend(telematics.quiet(quiet_ms));
            }
        }
    }
    outcomes.extend(telematics.drain());
    let counts = telematics.counts().clone();
    (outcomes, counts)
}

#[test]
fn an_opening_that_stalls_after_a_leap_of_eight_days_loses_no_trip() {
    let mut car = Car::new();
    car.drive(&short_drive());
    let leaps_at = car.samples.len();
    car.wait(EIGHT_DAYS_MS);
    car.meters();
    car.switch_on();
    let opened_at = car.samples.len();
    car.follow(&short_drive());
    car.switch_off();
    for stalls_after in leaps_at..opened_at + 3 {
        let (outcomes, counts) = fold_with_stalls(&car, &[stalls_after], 10_000);
        let trips = trips(&finished(&outcomes));
        assert_eq!(trips.len(), 2, "after {stalls_after}: {counts:?}");
        let [first, second] = [0, 1].map(|trip| trips[trip].odometer.length());
        assert!(first.abs_diff(second) <= 1, "{first} m and {second} m");
        assert_eq!(counts.all_faults(Fault::Late), 0, "after {stalls_after}");
    }
}

#[test]
fn a_drive_that_stalls_on_the_way_is_missing_nothing() {
    let mut car = Car::new();
    car.drive(&short_drive());
    let (whole, _) = fold_with_stalls(&car, &[], 0);
    let everywhere: Vec<usize> = (0..car.samples.len()).collect();
    let (stalled, counts) = fold_with_stalls(&car, &everywhere, 5_000);
    let (whole, stalled) = (trips(&finished(&whole)), trips(&finished(&stalled)));
    assert_eq!(counts.all_faults(Fault::Late), 0);
    assert_eq!(whole.len(), 1);
    let told = |trip: &dashpoint_membership::Trip| {
        (
            trip.odometer.length(),
            trip.driving,
            trip.missed_s,
            trip.score_x100,
        )
    };
    assert_eq!(
        whole.iter().map(told).collect::<Vec<_>>(),
        stalled.iter().map(told).collect::<Vec<_>>()
    );
}
