//! The share of the distance that was driven with assistance.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{cruise, start, stop};
use common::{Car, fold_under, policy, settings, trips};
use dashpoint_membership::Trip;
use dashpoint_telematics::{Settings, Signal};

/// A drive of two minutes at 20 m/s, of which the car says its level at some seconds.
fn driven(profile: Option<u32>, said: &[(u32, &str)]) -> Trip {
    let mut car = Car::new();
    car.switch_on();
    for second in 0..=120 {
        for (_, level) in said.iter().filter(|(at_s, _)| *at_s == second) {
            car.text(Signal::AutonomyLevel, level);
        }
        car.follow(&[(0.0, 20.0)]);
        car.odometer_m += 20.0;
        car.number(Signal::Odometer, car.odometer_m.floor());
        car.wait(1_000);
    }
    car.follow(&[(0.0, 0.0)]);
    car.switch_off();
    let mut policy = policy();
    policy.rule_profile = profile;
    let finished = fold_under(Settings::new(&policy, 0), &car.samples);
    trips(&finished).remove(0)
}

#[test]
fn the_share_is_of_the_distance() {
    for (said, expected) in [
        (&[][..], None),
        (&[(0, "SAE_0")], Some(0)),
        (&[(0, "SAE_1")], Some(0)),
        (&[(0, "SAE_2")], Some(100)),
        (&[(0, "SAE_0"), (30, "SAE_2"), (90, "SAE_1")], Some(50)),
        (
            &[(0, "SAE_3"), (30, "SAE_3_DISENGAGING"), (61, "SAE_0")],
            Some(50),
        ),
        // Nothing is taken for assisted before the car says so.
        (&[(61, "SAE_2")], Some(50)),
        (&[(0, "FULL")], None),
    ] {
        let trip = driven(Some(2), said);
        assert_eq!(trip.assisted_percent, expected, "{said:?}");
    }
}

/// Half of the way is assisted, of a car that says its speed each 30 s, and of one that says it only when it changes.
#[test]
fn a_seldom_speed_shares_too() {
    for frame_s in [30, 120] {
        let mut car = Car::new();
        start(&mut car, 0);
        car.text(Signal::AutonomyLevel, "SAE_0");
        for kmh in 1..=60 {
            car.wait(500);
            car.number(Signal::Speed, f64::from(kmh));
        }
        cruise(&mut car, 1_200, |car, second| {
            if second == 600 {
                car.text(Signal::AutonomyLevel, "SAE_2");
            }
            if (second + 1).is_multiple_of(frame_s) {
                car.number(Signal::Speed, 60.0);
            }
            car.number(Signal::Odometer, car.odometer_m.floor());
        });
        stop(&mut car, 0);
        let finished = fold_under(settings(), &car.samples);
        let [trip] = &trips(&finished)[..] else {
            panic!("{finished:?}");
        };
        let percent = trip.assisted_percent.unwrap();
        assert!((48..=52).contains(&percent), "{frame_s} s: {percent} %");
    }
}

/// A cloud that signs no policy of profile 2 refuses entries with keys that it does not know.
#[test]
fn an_older_cloud_is_not_told() {
    let said = [(0, "SAE_2")];
    for profile in [None, Some(1)] {
        let trip = driven(profile, &said);
        assert_eq!(trip.assisted_percent, None);
        assert_eq!(trip.braking_resolution_s, None);
    }
    let trip = driven(Some(3), &said);
    assert_eq!(trip.assisted_percent, Some(100));
    assert_eq!(trip.braking_resolution_s, Some(1));
}
