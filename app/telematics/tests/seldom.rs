//! Cars that speak seldom, or only of what has changed: their drives are whole.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{cruise, fold_both, start, stop};
use common::{Car, charges, finished, trips};
use dashpoint_membership::{Factor, Trip};
use dashpoint_telematics::{Signal, Value};

/// Returns the trips of a car, which are the same live and from a recording.
fn driven(car: &Car, case: &str) -> Vec<Trip> {
    let [recording, live] = fold_both(car).map(|(outcomes, _)| trips(&finished(&outcomes)));
    assert_eq!(recording, live, "{case}");
    live
}

fn metres(trips: &[Trip]) -> u64 {
    trips.iter().map(|trip| trip.odometer.length()).sum()
}

fn sees(trip: &Trip, factor: Factor) -> bool {
    trip.factors.iter().any(|seen| seen.factor == factor)
}

fn frame(car: &mut Car, kmh: f64) {
    car.number(Signal::Speed, kmh);
    car.number(Signal::Odometer, car.odometer_m.floor());
}

fn ignition(car: &mut Car, word: &str) {
    car.text(Signal::Ignition, word);
}

/// Cruises, with a frame each so many seconds.
fn cruise_seldom(car: &mut Car, seconds: u32, frame_s: u32) {
    cruise(car, seconds, |car, second| {
        if (second + 1) % frame_s == 0 {
            frame(car, 60.0);
        }
    });
}

#[test]
fn frames_of_minutes_make_whole_trips() {
    for frame_s in [6, 10, 18, 30, 60, 119, 121, 300] {
        let mut car = Car::new();
        start(&mut car, 0);
        frame(&mut car, 0.0);
        cruise_seldom(&mut car, 6_000, frame_s);
        stop(&mut car, 0);
        let case = format!("a frame each {frame_s} s");
        let trips = driven(&car, &case);
        let [trip] = &trips[..] else {
            panic!("{case}: {trips:?}");
        };
        assert!(
            trip.odometer.length().abs_diff(100_000) <= 200,
            "{case}: {trip:?}"
        );
        assert!(trip.driving.minutes() >= 99, "{case}: {trip:?}");
        assert!(trip.missed_s <= 60, "{case}: {trip:?}");
        assert!(!sees(trip, Factor::HardBraking), "{case}: {trip:?}");
        // A rule for slow cars knows how slow it is.
        let resolution_s = trip.braking_resolution_s.unwrap();
        assert_eq!(u32::from(resolution_s), frame_s, "{case}: {trip:?}");
    }
}

#[test]
fn a_silence_of_minutes_is_driven() {
    let mut car = Car::new();
    start(&mut car, 0);
    cruise_seldom(&mut car, 1_200, 18);
    cruise(&mut car, 564, |_, _| ());
    frame(&mut car, 60.0);
    cruise_seldom(&mut car, 1_800, 18);
    stop(&mut car, 0);
    let trips = driven(&car, "a frame each 18 s");
    assert_eq!(trips.len(), 1, "{trips:?}");
    assert!(metres(&trips).abs_diff(59_400) <= 320, "{trips:?}");
    // What nobody saw is missed: 564 s of an hour, and a frame before and after.
    let missed_s = trips[0].missed_s;
    assert!((564..=600).contains(&missed_s), "{trips:?}");
}

#[test]
fn an_unchanged_speed_is_known() {
    // Cruise control: the speed is said when it changes, the odometer and the power go on.
    let mut car = Car::new();
    start(&mut car, 0);
    for kmh in 0..=60 {
        car.wait(500);
        car.number(Signal::Speed, f64::from(kmh));
    }
    cruise(&mut car, 240, |car, second| {
        car.number(Signal::Odometer, car.odometer_m.floor());
        car.number(Signal::BatteryPower, -9_000.0 - f64::from(second));
    });
    for kmh in (0..60).rev() {
        car.wait(500);
        car.number(Signal::Speed, f64::from(kmh));
    }
    stop(&mut car, 0);
    let trips = driven(&car, "cruise control");
    assert_eq!(trips.len(), 1, "{trips:?}");
    assert_eq!(trips[0].driving.minutes(), 6, "{trips:?}");
    assert!(trips[0].missed_s <= 5, "{trips:?}");
    assert!(sees(&trips[0], Factor::HardBraking), "{trips:?}");
    assert_eq!(trips[0].score_x100, 10_000, "{trips:?}");
}

#[test]
fn a_lost_speed_is_no_unchanged_one() {
    // The speed falls silent at 60 km/h, and the car goes on at three times that.
    let mut car = Car::new();
    start(&mut car, 0);
    cruise_seldom(&mut car, 60, 1);
    for _ in 0..600 {
        car.wait(1_000);
        car.odometer_m += 5.0;
        car.number(Signal::Odometer, car.odometer_m.floor());
    }
    cruise_seldom(&mut car, 60, 1);
    stop(&mut car, 0);
    let trips = driven(&car, "a lost speed");
    assert_eq!(metres(&trips), 5_000, "{trips:?}");
    assert!(trips[0].missed_s >= 590, "{trips:?}");
}

#[test]
fn metres_each_five_minutes() {
    // A cloud that tells of ignition, motion and odometer when something happens, and else each five minutes.
    let mut car = Car::new();
    car.number(Signal::Odometer, car.odometer_m.floor());
    car.wait(3_600_000);
    ignition(&mut car, "ON");
    car.flag(Signal::IsMoving, true);
    cruise(&mut car, 1_200, |car, second| {
        if (second + 1) % 300 == 0 && second < 1_100 {
            car.number(Signal::Odometer, car.odometer_m.floor());
        }
    });
    car.flag(Signal::IsMoving, false);
    car.wait(1_000);
    ignition(&mut car, "OFF");
    car.wait(120_000);
    car.number(Signal::Odometer, car.odometer_m.floor());
    let trips = driven(&car, "an event each five minutes");
    assert_eq!(trips.len(), 1, "{trips:?}");
    assert!(metres(&trips).abs_diff(20_000) <= 1, "{trips:?}");
    assert!(trips[0].factors.is_empty(), "{trips:?}");
}

#[test]
fn an_odometer_only_before_and_after() {
    for after_s in [1, 30, 300, 800] {
        let mut car = Car::new();
        start(&mut car, 0);
        cruise(&mut car, 1_200, |car, _| car.number(Signal::Speed, 60.0));
        car.number(Signal::Speed, 0.0);
        car.wait(1_000);
        car.number(Signal::Gear, 126.0);
        ignition(&mut car, "OFF");
        car.wait(after_s * 1_000);
        car.number(Signal::Odometer, car.odometer_m.floor());
        let case = format!("the odometer {after_s} s after");
        let trips = driven(&car, &case);
        assert_eq!(trips.len(), 1, "{case}: {trips:?}");
        assert!(metres(&trips).abs_diff(20_000) <= 1, "{case}: {trips:?}");
        assert!(trips[0].missed_s <= 2, "{case}: {trips:?}");
    }
}

#[test]
fn the_odometer_of_another_drive() {
    // Behind a drive of a kilometre the odometer says that forty were driven.
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 60, |car, _| car.number(Signal::Speed, 60.0));
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    car.number(Signal::Gear, 126.0);
    ignition(&mut car, "OFF");
    car.odometer_m += 40_000.0;
    car.wait(600_000);
    car.number(Signal::Odometer, car.odometer_m.floor());
    assert_eq!(metres(&driven(&car, "another drive")), 0);
}

#[test]
fn a_speed_that_stays_zero() {
    let mut car = Car::new();
    ignition(&mut car, "ON");
    frame(&mut car, 0.0);
    cruise(&mut car, 1_500, |car, second| {
        if (second + 1) % 30 == 0 {
            frame(car, 0.0);
        }
    });
    car.wait(1_000);
    ignition(&mut car, "OFF");
    let trips = driven(&car, "speed 0");
    assert_eq!(trips.len(), 1, "{trips:?}");
    assert_eq!(metres(&trips), 25_000, "{trips:?}");
    assert!(trips[0].factors.is_empty(), "{trips:?}");
}

#[test]
fn nobody_said_on() {
    // The head unit boots with the ignition: it hears the gear, or nothing but motion.
    for gear in [None, Some(127.0), Some(-1.0)] {
        let mut car = Car::new();
        if let Some(gear) = gear {
            car.number(Signal::Gear, gear);
        }
        car.number(Signal::Odometer, car.odometer_m.floor());
        cruise_seldom(&mut car, 1_200, 1);
        stop(&mut car, 0);
        let case = format!("gear {gear:?}");
        let trips = driven(&car, &case);
        assert_eq!(trips.len(), 1, "{case}: {trips:?}");
        assert_eq!(metres(&trips), 20_000, "{case}: {trips:?}");
        assert_eq!(trips[0].missed_s, 0, "{case}: {trips:?}");
    }
}

#[test]
fn a_car_without_ignition_and_gear() {
    // It stands for a quarter of an hour, and says so each second.
    let mut car = Car::new();
    let drive = |car: &mut Car| {
        frame(car, 0.0);
        cruise_seldom(car, 600, 1);
        for _ in 0..900 {
            car.wait(1_000);
            frame(car, 0.0);
        }
    };
    drive(&mut car);
    drive(&mut car);
    let trips = driven(&car, "neither ignition nor gear");
    assert_eq!(trips.len(), 2, "{trips:?}");
    assert_eq!(metres(&trips), 20_000, "{trips:?}");
}

#[test]
fn motion_at_a_charging_point() {
    for moves in [
        (Signal::Speed, Value::Number(1.0), Value::Number(0.0)),
        (Signal::Speed, Value::Number(57.0), Value::Number(57.0)),
        (Signal::IsMoving, Value::Bool(true), Value::Bool(false)),
    ] {
        let mut car = Car::new();
        car.meters();
        ignition(&mut car, "OFF");
        car.wait(30_000);
        ignition(&mut car, "ON");
        car.flag(Signal::IsCharging, true);
        for step in 0..180 {
            car.wait(10_000);
            car.charged_kwh += 0.25;
            car.number(Signal::Odometer, car.odometer_m.floor());
            car.number(Signal::ChargedEnergy, car.charged_kwh);
            if step == 20 {
                car.say(moves.0, moves.1.clone());
            }
            if step == 21 {
                car.say(moves.0, moves.2.clone());
            }
        }
        car.flag(Signal::IsCharging, false);
        for (outcomes, _) in fold_both(&car) {
            let all = finished(&outcomes);
            let wh: u64 = charges(&all)
                .iter()
                .map(|charge| charge.charged.length())
                .sum();
            assert_eq!((wh, trips(&all).len()), (45_000, 0), "{moves:?}: {all:?}");
        }
    }
}

#[test]
fn a_jam_with_only_the_battery() {
    let mut car = Car::new();
    start(&mut car, 0);
    cruise_seldom(&mut car, 600, 1);
    car.wait(1_000);
    frame(&mut car, 0.0);
    for step in 0..240 {
        car.wait(5_000);
        car.number(Signal::BatteryPower, -400.0 - f64::from(step % 7));
    }
    frame(&mut car, 0.0);
    cruise_seldom(&mut car, 600, 1);
    stop(&mut car, 0);
    let trips = driven(&car, "a jam of twenty minutes");
    assert_eq!(trips.len(), 1, "{trips:?}");
    assert_eq!(metres(&trips), 20_000, "{trips:?}");
    assert!(trips[0].missed_s <= 5, "{trips:?}");
    assert!(trips[0].driving.minutes().abs_diff(41) <= 1, "{trips:?}");
}

#[test]
fn a_coffee_without_off_splits_the_drive() {
    // The bus falls silent while the car stands, and its odometer says so.
    let mut car = Car::new();
    start(&mut car, 0);
    cruise_seldom(&mut car, 600, 1);
    car.wait(1_000);
    frame(&mut car, 0.0);
    car.wait(600_000);
    frame(&mut car, 0.0);
    cruise_seldom(&mut car, 600, 1);
    stop(&mut car, 0);
    let trips = driven(&car, "a coffee");
    assert_eq!(trips.len(), 2, "{trips:?}");
    assert_eq!(metres(&trips), 20_000, "{trips:?}");
    assert!(trips.iter().all(|trip| trip.missed_s <= 2), "{trips:?}");
}

#[test]
fn power_of_a_slow_car_is_used() {
    // 12 kW for twenty minutes are 4 kWh.
    for frame_s in [10, 30, 60] {
        let mut car = Car::new();
        start(&mut car, 0);
        car.number(Signal::BatteryPower, -12_000.0);
        cruise(&mut car, 1_200, |car, second| {
            if (second + 1) % frame_s == 0 {
                frame(car, 60.0);
                car.number(Signal::BatteryPower, -12_000.0);
            }
        });
        stop(&mut car, 0);
        let trips = driven(&car, "power");
        let used_wh = trips[0].used_wh;
        let unknown_wh = 12_000 * 3 * frame_s / 3_600;
        assert!(
            used_wh <= 4_000 && used_wh + unknown_wh >= 4_000,
            "{frame_s} s: {trips:?}"
        );
    }
}
