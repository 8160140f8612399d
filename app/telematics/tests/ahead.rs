//! Excessive speed by the car ahead, where its distance is observed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, finished, fold, trips};
use dashpoint_membership::{Factor, FactorSeen};
use dashpoint_telematics::{Marks, Signal};

/// Seconds of excessive speed of a minute at 100 km/h behind a car whose distance is said each second.
fn too_fast_behind(ahead_m: impl Fn(f64) -> f64) -> u64 {
    let mut car = Car::new();
    car.switch_on();
    for second in 0..60 {
        car.follow(&[(0.0, 100.0 / 3.6)]);
        car.odometer_m += 100.0 / 3.6;
        car.number(Signal::Odometer, car.odometer_m.floor());
        car.number(Signal::FrontDistance, ahead_m(f64::from(second)));
        car.wait(1_000);
    }
    car.follow(&[(0.0, 0.0)]);
    car.switch_off();
    let trip = trips(&finished(&fold(&car.samples, Marks::default()))).remove(0);
    let speeding = |seen: &&FactorSeen| seen.factor == Factor::ExcessiveSpeed;
    trip.factors.iter().find(speeding).unwrap().against_ms / 1_000
}

#[test]
fn outrunning_the_car_ahead_counts() {
    let closes = |kmh: f64| move |second: f64| 120.0 - kmh / 3.6 * second;
    // It drives 78 km/h: 28 % slower, and within 100 m from the fourth second to the collision.
    let seconds = too_fast_behind(|second| closes(22.0)(second).max(1.0));
    assert!((14..=16).contains(&seconds), "{seconds} s");
    for (case, ahead_m) in [
        (
            "85 km/h are no fifth slower",
            &closes(15.0) as &dyn Fn(f64) -> f64,
        ),
        ("what stands is no car that drives", &closes(100.0)),
        ("39 km/h are a jam", &closes(61.0)),
        ("what is far is not followed", &|second| {
            900.0 - 6.0 * second
        }),
        ("a car moves in", &|second| {
            if second < 30.0 { 80.0 } else { 65.0 }
        }),
        ("it keeps its distance", &|_| 40.0),
    ] {
        assert_eq!(
            too_fast_behind(|second| ahead_m(second).max(1.0)),
            0,
            "{case}"
        );
    }
}
