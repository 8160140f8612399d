//! A car that was switched off is parked, whatever its bus has kept of the speed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{Pace, arrivals, live};
use common::{Car, settings, short_drive};
use dashpoint_telematics::{DriveState, Marks, Sample, Signal, Telematics, Value};

/// The drive state after everything that a car has said.
fn state_after(car: &Car) -> DriveState {
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut told = telematics.drive_state();
    for outcome in live(&mut telematics, &arrivals(car), Pace::Live) {
        if let dashpoint_telematics::Outcome::DriveState(state) = outcome {
            told = state;
        }
    }
    assert_eq!(told, telematics.drive_state(), "each change is told");
    told
}

/// A drive whose last speed is this, with a change of the gear and the ignition after it.
fn driven(last_kmh: f64) -> Car {
    let mut car = Car::new();
    car.switch_on();
    car.follow(&short_drive()[..60]);
    car.wait(1_000);
    car.number(Signal::Speed, last_kmh);
    car
}

#[test]
fn park_outlives_a_frozen_speed() {
    for last_kmh in [2.0, 1.0, 72.0, 0.6] {
        for (says_park, says_off) in [(true, true), (true, false), (false, true)] {
            let mut car = driven(last_kmh);
            if says_off && !says_park {
                car.samples.retain(|sample| sample.signal != Signal::Gear);
            }
            for minute in 0..30 {
                car.wait(if minute == 0 { 1_000 } else { 60_000 });
                if says_park {
                    car.number(Signal::Gear, 126.0);
                }
                if says_off {
                    car.text(Signal::Ignition, "OFF");
                }
                car.number(Signal::StateOfCharge, 60.0);
                let state = state_after(&car);
                let expected = if minute == 0 {
                    DriveState::Moving
                } else {
                    DriveState::Parked
                };
                assert_eq!(state, expected, "{last_kmh} km/h, minute {minute}");
            }
        }
    }
}

#[test]
fn a_frozen_flag_is_no_movement() {
    let mut car = driven(0.0);
    car.flag(Signal::IsMoving, true);
    car.switch_off();
    car.wait(61_000);
    car.number(Signal::StateOfCharge, 60.0);
    assert_eq!(state_after(&car), DriveState::Parked);
}

#[test]
fn park_said_once_holds_in_silence() {
    let mut car = driven(57.0);
    car.switch_off();
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &car.samples {
        telematics.observe(sample);
    }
    assert_eq!(telematics.drive_state(), DriveState::Moving);
    telematics.quiet(50_000);
    assert_eq!(telematics.drive_state(), DriveState::Moving);
    let told = telematics.quiet(61_000);
    assert!(told.contains(&dashpoint_telematics::Outcome::DriveState(
        DriveState::Parked
    )));
}

#[test]
fn a_kept_speed_leaves_park() {
    for after_ms in [-30, 0, 30, 2_000] {
        for signals in [
            &[Signal::Gear, Signal::Ignition][..],
            &[Signal::Gear],
            &[Signal::Ignition],
        ] {
            let mut car = Car::new();
            for signal in signals {
                if *signal == Signal::Gear {
                    car.number(Signal::Gear, 126.0);
                } else {
                    car.text(Signal::Ignition, "OFF");
                }
            }
            car.wait(after_ms);
            car.number(Signal::Speed, 57.0);
            for sample in &mut car.samples {
                sample.retained = true;
            }
            assert_eq!(
                state_after(&car),
                DriveState::Parked,
                "{after_ms} {signals:?}"
            );
            // A live one does.
            car.wait(1_000);
            car.number(Signal::Speed, 5.0);
            assert_eq!(state_after(&car), DriveState::Moving);
        }
    }
}

#[test]
fn a_live_speed_kept_still_moves() {
    // The broker keeps what is live, and the gear is said once a minute.
    for after_s in [3, 10, 59] {
        let mut car = Car::new();
        car.number(Signal::Gear, 126.0);
        car.text(Signal::Ignition, "ON");
        car.wait(after_s * 1_000);
        car.number(Signal::Speed, 30.0);
        for sample in &mut car.samples {
            sample.retained = true;
        }
        assert_eq!(state_after(&car), DriveState::Moving, "{after_s} s");
    }
}

#[test]
fn a_park_from_before_stops_nothing() {
    // The bus lost the gear and, on the way, the speed.
    let mut car = Car::new();
    car.number(Signal::Gear, 126.0);
    car.text(Signal::Ignition, "ON");
    car.wait(10_000);
    car.number(Signal::Speed, 87.0);
    for _ in 0..60 {
        car.wait(60_000);
        car.number(Signal::StateOfCharge, 60.0);
        car.text(Signal::Ignition, "ON");
        assert_eq!(state_after(&car), DriveState::Moving);
    }
    // Off in gear is parked, and in gear after that is not.
    car.text(Signal::Ignition, "OFF");
    assert_eq!(state_after(&car), DriveState::Parked);
    car.wait(1_000);
    car.number(Signal::Gear, 127.0);
    assert_eq!(state_after(&car), DriveState::Moving);
}

#[test]
fn a_strange_movement_awaits_a_word() {
    let mut car = driven(0.0);
    car.switch_off();
    car.wait(10_000);
    let day_ms = 2 * 86_400_000;
    car.samples.push(Sample {
        signal: Signal::Speed,
        value: Value::Number(20.0),
        ts_ms: car.now_ms + day_ms,
        retained: false,
    });
    for _ in 0..10 {
        car.wait(60_000);
        car.number(Signal::Gear, 126.0);
    }
    assert_eq!(state_after(&car), DriveState::Moving);
    car.number(Signal::Speed, 0.0);
    assert_eq!(state_after(&car), DriveState::Parked);
}
