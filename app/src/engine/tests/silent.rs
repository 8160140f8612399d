//! A bus that says something each few minutes, or that leaps over some.

use std::sync::atomic::Ordering;

use dashpoint_telematics::{Signal, Value};

use super::car::{Car, START_S};
use crate::bus::BusInput;

#[test]
fn a_word_after_minutes_counts() {
    let car = Car::enrolled(1);
    let mut running = car.start();
    let percent = || vec![(Signal::StateOfCharge, Value::Number(60.0))];
    car.say(&mut running, percent());
    for charging in [true, false] {
        car.pass(1_000);
        car.say(&mut running, percent());
        // The engine sleeps longer once nothing can be open any more.
        car.waits(&mut running, 160_000);
        car.pass(59_000);
        car.say(
            &mut running,
            vec![(Signal::IsCharging, Value::Bool(charging))],
        );
        let now_ms = START_S * 1_000 + car.ms.load(Ordering::Relaxed).cast_signed();
        let telematics = &running.engine.telematics;
        assert_eq!(telematics.bus_time_ms(), Some(now_ms), "{charging}");
    }
}

#[test]
fn what_waits_for_another_signal_was_seen() {
    let car = Car::enrolled(1);
    let mut running = car.start();
    let seen = running.engine.outputs.seen.subscribe();
    let words = || {
        vec![
            (Signal::StateOfCharge, Value::Number(60.0)),
            (Signal::Odometer, Value::Number(car.odometer_m)),
            (Signal::Speed, Value::Number(0.0)),
        ]
    };
    for _ in 0..10 {
        car.say(&mut running, words());
        car.pass(1_000);
    }
    // Minutes ahead of the bus without a silence: a replay waits until this one was taken.
    let ahead_ms = START_S * 1_000 + car.ms.load(Ordering::Relaxed).cast_signed() + 300_000;
    let ahead = BusInput::Sample {
        signal: Signal::StateOfCharge,
        value: Value::Number(60.0),
        ts_ms: Some(ahead_ms),
        retained: false,
    };
    running.engine.take([ahead].into_iter());
    running.engine.publish();
    assert!(running.engine.telematics.bus_time_ms() < Some(ahead_ms));
    assert_eq!(*seen.borrow(), Some(ahead_ms));
}
