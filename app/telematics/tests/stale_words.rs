//! Words of a state that come long after they were said: they end no session, and open none.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{Arrival, PACES, arrivals, counter, cruise, fold_arrivals, number, say};
use common::{Car, charges, finished, trips};
use dashpoint_membership::Grade;
use dashpoint_telematics::{Finished, Signal, Value};

/// Charges two kilowatt-hours a quarter of an hour, for an hour, and says so each ten seconds.
fn charge(car: &mut Car) {
    say(car, Signal::IsCharging, Value::Bool(true), 0);
    for _ in 0..360 {
        car.wait(10_000);
        car.charged_kwh += 0.02;
        counter(car, 0);
    }
    car.wait(1_000);
    say(car, Signal::IsCharging, Value::Bool(false), 0);
}

fn charged_wh(finished: &[Finished]) -> u64 {
    let lengths = charges(finished).into_iter();
    lengths.map(|charge| charge.charged.length()).sum()
}

/// A drive that regains a watt-hour a second: an old word says after so many seconds that it charges.
fn regaining_drive(grain_m: f64, counter_s: u32, stale_s: u32) -> Car {
    let odometer = |car: &mut Car| {
        let metres = (car.odometer_m / grain_m).floor() * grain_m;
        number(car, Signal::Odometer, metres, 0);
    };
    let mut car = Car::new();
    odometer(&mut car);
    counter(&mut car, 0);
    charge(&mut car);
    car.wait(300_000);
    for seconds in [1_800, 300] {
        number(&mut car, Signal::Gear, 127.0, 0);
        say(&mut car, Signal::Ignition, Value::Text("ON".to_owned()), 0);
        cruise(&mut car, seconds, |car, second| {
            number(car, Signal::Speed, 60.0, 0);
            if second == stale_s && seconds == 1_800 {
                // Said ten minutes before the drive.
                let said_ms = -900_000 - i64::from(stale_s) * 1_000;
                say(car, Signal::IsCharging, Value::Bool(true), said_ms);
            }
            if second % 5 == 0 {
                odometer(car);
            }
            if seconds == 1_800 {
                car.charged_kwh += 0.001;
            }
            if second % counter_s == 0 {
                counter(car, 0);
            }
        });
        car.wait(1_000);
        number(&mut car, Signal::Speed, 0.0, 0);
        car.wait(1_000);
        number(&mut car, Signal::Gear, 126.0, 0);
        say(&mut car, Signal::Ignition, Value::Text("OFF".to_owned()), 0);
        car.wait(600_000);
    }
    car
}

#[test]
fn a_stale_word_pays_no_braking() {
    for grain_m in [1.0, 100.0, 1_000.0] {
        for counter_s in [1, 5, 10] {
            for stale_s in [300, 331, 333] {
                let car = regaining_drive(grain_m, counter_s, stale_s);
                let said = arrivals(&car);
                let is_word = |arrival: &Arrival| matches!(arrival, Arrival::Sample(sample) if sample.signal == Signal::IsCharging);
                let word = said.iter().rposition(is_word).unwrap();
                let mut restarted = said.clone();
                restarted.insert(word - 40, Arrival::Restart);
                for arriving in [said, restarted] {
                    for pace in PACES {
                        let (outcomes, counts) = fold_arrivals(pace, &arriving);
                        let finished = finished(&outcomes);
                        let case = format!("{grain_m} m, {counter_s} s, at {stale_s} s, {pace:?}");
                        assert_eq!(charged_wh(&finished), 7_200, "{case}: {counts:?}");
                        assert_eq!(trips(&finished).len(), 2, "{case}: {counts:?}");
                    }
                }
            }
        }
    }
}

/// An hour of giving back at 10 kW; after a minute a word of so long ago says that it is over.
fn give_back(stale_ms: i64) -> Car {
    let mut car = Car::new();
    for second in 0..3_700 {
        car.wait(1_000);
        let gives = (20..3_620).contains(&second);
        if second % 10 == 0 {
            number(&mut car, Signal::StateOfCharge, 60.0, 0);
            number(&mut car, Signal::Speed, 0.0, 0);
            let watts = if gives { -10_000.0 } else { 0.0 };
            number(&mut car, Signal::BatteryPower, watts, 0);
        }
        if second == 20 || second == 3_620 {
            say(&mut car, Signal::IsDischarging, Value::Bool(gives), 0);
        }
        if second == 80 {
            say(
                &mut car,
                Signal::IsDischarging,
                Value::Bool(false),
                -stale_ms,
            );
        }
    }
    car
}

#[test]
fn a_late_end_ends_no_session() {
    for stale_ms in [61_000, 90_000, 600_000, 3_600_000] {
        let said = arrivals(&give_back(stale_ms));
        let is_sample = |arrival: &Arrival| matches!(arrival, Arrival::Sample(_));
        // The second word is the late one, and a restart before it forgets all but the last.
        let is_word = |arrival: &Arrival| matches!(arrival, Arrival::Sample(sample) if sample.signal == Signal::IsDischarging);
        let word = said.iter().position(is_word).unwrap();
        let next = said[word + 1..].iter().position(is_sample).unwrap() + word + 2;
        let mut restarted = said.clone();
        restarted.insert(next, Arrival::Restart);
        for (arriving, least_wh) in [(said, 9_950), (restarted, 9_900)] {
            for pace in PACES {
                let (outcomes, counts) = fold_arrivals(pace, &arriving);
                let given = finished(&outcomes);
                let lengths = given.iter().map(|one| one.evidence.interval().length());
                let wh: u64 = lengths.sum();
                assert!(
                    (least_wh..=10_000).contains(&wh),
                    "{stale_ms} ms, {pace:?}: {given:?} {counts:?}"
                );
            }
        }
    }
}

#[test]
fn a_late_end_keeps_the_grade() {
    let mut car = Car::new();
    counter(&mut car, 0);
    car.wait(1_000);
    say(&mut car, Signal::IsCharging, Value::Bool(true), 0);
    common::station(&mut car, "SITE", 80.0);
    for step in 0..360 {
        car.wait(10_000);
        number(&mut car, Signal::StateOfCharge, 60.0, 0);
        car.charged_kwh += 0.02;
        counter(&mut car, 0);
        if step == 60 {
            let said_ms = -1_200_000;
            say(&mut car, Signal::IsCharging, Value::Bool(false), said_ms);
        }
    }
    car.wait(1_000);
    say(&mut car, Signal::IsCharging, Value::Bool(false), 0);
    for pace in PACES {
        let (outcomes, counts) = fold_arrivals(pace, &arrivals(&car));
        let paid: Vec<_> = charges(&finished(&outcomes))
            .iter()
            .map(|one| (one.charged.length(), one.grade, one.started.is_some()))
            .collect();
        assert_eq!(
            paid,
            [(7_200, Grade::Metered, true)],
            "{pace:?}: {counts:?}"
        );
    }
}

#[test]
fn a_wrong_year_pays_later() {
    // A clock ten years ahead while some energy is given back, and right a day later.
    const YEARS_MS: i64 = 10 * 365 * 86_400_000;
    let mut car = Car::new();
    for (session, off_ms) in [YEARS_MS, 0].into_iter().enumerate() {
        for second in 0..1_900 {
            car.wait(1_000);
            let gives = (40..1_840).contains(&second);
            if second % 10 == 0 {
                number(&mut car, Signal::StateOfCharge, 60.0, off_ms);
                number(&mut car, Signal::Speed, 0.0, off_ms);
                let watts = if gives { -10_000.0 } else { 0.0 };
                number(&mut car, Signal::BatteryPower, watts, off_ms);
            }
            if second == 40 || second == 1_840 {
                say(&mut car, Signal::IsDischarging, Value::Bool(gives), off_ms);
            }
        }
        if session == 0 {
            car.wait(86_400_000);
        }
    }
    for pace in PACES {
        let (outcomes, counts) = fold_arrivals(pace, &arrivals(&car));
        let given = finished(&outcomes);
        let lengths: Vec<u64> = given
            .iter()
            .map(|one| one.evidence.interval().length())
            .collect();
        assert_eq!(lengths.len(), 2, "{pace:?}: {given:?} {counts:?}");
        let is_paid = |wh: &u64| (4_900..=5_000).contains(wh);
        assert!(lengths.iter().all(is_paid), "{pace:?}: {lengths:?}");
    }
}
