//! Clocks that are set back while a car is parked, charges or is off: what it does next is paid.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{
    Arrival, METRES_PER_S, PACES, Pace, arrivals, assert_arrived, assert_driven, counter, cruise,
    fold_arrivals, fold_at, number, say, start, stop, tell_all,
};
use common::{Car, charges, finished};
use dashpoint_telematics::{Signal, Value};

/// Drives so many seconds, and says how with each frame.
fn drive(car: &mut Car, seconds: u32, frame_s: u32, off_ms: i64) {
    start(car, off_ms);
    cruise(car, seconds, |car, second| {
        if (second + 1) % frame_s == 0 {
            tell_all(car, off_ms);
        }
    });
    stop(car, off_ms);
}

#[test]
fn a_state_of_another_clock_stays() {
    // Set back while parked: ON is said once, before anything proves the other clock.
    for frame_s in [1, 10, 30, 45, 60] {
        for back_ms in [90_000, 3_600_000, 36_000_000] {
            let mut car = Car::new();
            drive(&mut car, 300, 1, 0);
            car.wait(600_000);
            drive(&mut car, 1_800, frame_s, -back_ms);
            // The metres of the three frames that prove it.
            let lost_m = 3.0 * METRES_PER_S * f64::from(frame_s);
            let case = format!("{frame_s} s, back {back_ms} ms");
            assert_driven(&car, 35_000.0, lost_m, 2, &case);
        }
    }
}

/// A gateway that leaves the retain flag on all that it says, whose clock is set back while the car is parked.
#[test]
fn a_clock_set_back_with_flags_left() {
    let mut car = Car::new();
    drive(&mut car, 300, 1, 0);
    car.wait(600_000);
    drive(&mut car, 1_800, 1, -3_600_000);
    for sample in &mut car.samples {
        sample.retained = true;
    }
    assert_driven(&car, 35_000.0, 4.0 * METRES_PER_S, 2, "all retained");
}

#[test]
fn a_restart_with_an_earlier_clock() {
    // The clock goes on where it was stopped, or some seconds before, and is set some time later or never.
    for back_ms in [
        0, 500, 1_000, 3_000, 10_000, 30_000, 59_000, 61_000, 300_000,
    ] {
        for set_s in [40, 10_000] {
            for restarts in [false, true] {
                let mut car = Car::new();
                drive(&mut car, 600, 1, 0);
                let stopped = arrivals(&car).len();
                car.wait(600_000);
                let off_ms = -600_000 - back_ms;
                start(&mut car, off_ms);
                cruise(&mut car, 1_200, |car, second| {
                    tell_all(car, if second < set_s { off_ms } else { 0 });
                });
                stop(&mut car, if set_s > 1_200 { off_ms } else { 0 });
                let mut arriving = arrivals(&car);
                if restarts {
                    arriving.insert(stopped, Arrival::Restart);
                }
                let case = format!("back {back_ms} ms, set after {set_s} s, restarts {restarts}");
                assert_arrived(Pace::Live, &arriving, 30_000.0, 60.0, 3, &case);
            }
        }
    }
}

#[test]
fn a_drive_after_a_counter_proved_it() {
    // The counter of charged energy proves that the clock was set back, and the drive begins minutes later.
    for back_ms in [3_600_000, 36_000_000] {
        for (frame_s, counter_s) in [(1, 5), (10, 5), (18, 10), (30, 60), (60, 60)] {
            let mut car = Car::new();
            counter(&mut car, 0);
            drive(&mut car, 600, 1, 0);
            car.wait(60_000);
            say(&mut car, Signal::IsCharging, Value::Bool(true), 0);
            let mut off_ms = 0;
            for step in 0..360 {
                if step == 180 {
                    off_ms = -back_ms;
                }
                car.wait(10_000);
                car.charged_kwh += 0.02;
                counter(&mut car, off_ms);
            }
            car.wait(1_000);
            say(&mut car, Signal::IsCharging, Value::Bool(false), off_ms);
            car.wait(300_000);
            start(&mut car, off_ms);
            cruise(&mut car, 1_200, |car, second| {
                if (second + 1) % frame_s == 0 {
                    tell_all(car, off_ms);
                }
                if (second + 1) % counter_s == 0 {
                    counter(car, off_ms);
                }
            });
            stop(&mut car, off_ms);
            let lost_m = 2.0 * METRES_PER_S * f64::from(frame_s);
            let case = format!("back {back_ms} ms, {frame_s} s, counter each {counter_s} s");
            assert_driven(&car, 30_000.0, lost_m, 2, &case);
            assert_charged(&car, 7_200, 20, &case);
        }
    }
}

/// Checks that these watt-hours were paid, but for so many: live, and from a recording.
fn assert_charged(car: &Car, charged_wh: u64, lost_wh: u64, case: &str) {
    for pace in PACES {
        let (outcomes, counts) = fold_at(pace, car);
        let charges = charges(&finished(&outcomes));
        let paid_wh: u64 = charges.iter().map(|charge| charge.charged.length()).sum();
        assert!(
            (charged_wh - lost_wh..=charged_wh).contains(&paid_wh),
            "{case}, {pace:?}: {paid_wh} Wh of {charged_wh}: {charges:?} {counts:?}"
        );
    }
}

/// A drive, an hour of charging, a drive and one twelve hours later. The clock is set back at a step of the charging.
fn charge_across(back_ms: i64, set_step: u32, counter_s: u32, regains_kwh: f64) -> Car {
    let mut car = Car::new();
    counter(&mut car, 0);
    start(&mut car, 0);
    cruise(&mut car, 600, |car, second| {
        tell_all(car, 0);
        car.charged_kwh += regains_kwh;
        if (second + 1) % 5 == 0 {
            counter(car, 0);
        }
    });
    stop(&mut car, 0);
    counter(&mut car, 0);
    car.wait(60_000);
    let off_at = |step: u32| if step < set_step { 0 } else { -back_ms };
    say(&mut car, Signal::IsCharging, Value::Bool(true), off_at(0));
    for step in 0..360 {
        car.wait(10_000);
        car.charged_kwh += 0.02;
        if step * 10 % counter_s == 0 {
            counter(&mut car, off_at(step));
        }
        if step % 6 == 0 {
            car.wait(4_000);
            number(&mut car, Signal::StateOfCharge, 60.0, off_at(step));
        }
    }
    car.wait(5_000);
    say(&mut car, Signal::IsCharging, Value::Bool(false), -back_ms);
    for parked_ms in [300_000, 43_200_000] {
        car.wait(parked_ms);
        start(&mut car, -back_ms);
        cruise(&mut car, 1_200, |car, second| {
            tell_all(car, -back_ms);
            if second % 5 == 0 {
                counter(car, -back_ms);
            }
        });
        stop(&mut car, -back_ms);
    }
    car
}

#[test]
fn a_set_back_charge_is_paid() {
    // With it the clock is behind the end of the last drive. A recording may lose the last steps of the counter.
    for back_ms in [3_600_000, 36_000_000] {
        for (counter_s, lost_wh) in [(10, 60), (60, 240), (300, 1_300)] {
            for set_step in [0, 180] {
                for regains_kwh in [0.0, 0.001] {
                    let car = charge_across(back_ms, set_step, counter_s, regains_kwh);
                    let case = format!(
                        "back {back_ms} ms at {set_step}, each {counter_s} s, {regains_kwh} kWh"
                    );
                    assert_charged(&car, 7_200, lost_wh, &case);
                }
            }
        }
    }
}

/// A drive that gives energy back, and an hour of charging. Late in the drive its first minute comes once more, and the clock of
/// the counter is set back before its next word, or that of the whole car.
fn drive_again(is_whole: bool) -> Vec<Arrival> {
    let mut car = Car::new();
    counter(&mut car, 0);
    start(&mut car, 0);
    let mut driven = 0;
    let back_ms = -470_000;
    let car_ms = if is_whole { back_ms } else { 0 };
    cruise(&mut car, 1_200, |car, second| {
        tell_all(car, if second < 900 { 0 } else { car_ms });
        car.charged_kwh += 0.001;
        if second % 100 == 99 {
            counter(car, if second < 900 { 0 } else { back_ms });
        }
        if second == 899 {
            driven = arrivals(car).len();
        }
    });
    stop(&mut car, car_ms);
    counter(&mut car, back_ms);
    car.wait(10_000);
    say(&mut car, Signal::IsCharging, Value::Bool(true), car_ms);
    for _ in 0..360 {
        car.wait(10_000);
        car.charged_kwh += 0.02;
        counter(&mut car, back_ms);
        number(&mut car, Signal::StateOfCharge, 60.0, car_ms);
    }
    say(&mut car, Signal::IsCharging, Value::Bool(false), car_ms);
    let mut arriving = arrivals(&car);
    let is_sample = |arrival: &&Arrival| matches!(arrival, Arrival::Sample(_));
    let first = arriving.iter().filter(is_sample).take(120);
    let again: Vec<_> = first.cloned().collect();
    arriving.splice(driven..driven, again);
    arriving
}

#[test]
fn a_drive_sent_again_ages_nothing() {
    // What is sent again makes no counter old: all of the charge after the drive is paid.
    for is_whole in [false, true] {
        for pace in PACES {
            let (outcomes, counts) = fold_arrivals(pace, &drive_again(is_whole));
            let charges = charges(&finished(&outcomes));
            let paid_wh: u64 = charges.iter().map(|charge| charge.charged.length()).sum();
            assert!(
                (7_170..=7_200).contains(&paid_wh),
                "whole {is_whole}, {pace:?}: {paid_wh} Wh: {charges:?} {counts:?}"
            );
        }
    }
}
