//! Energy of which a clock leaves in doubt when it flowed: never paid twice, nor paid when braking gave it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{Pace, cruise, fold_at, fold_both, number, say, start, stop, tell_all};
use common::{Car, charges, finished, short_drive};
use dashpoint_membership::Evidence;
use dashpoint_telematics::{Outcome, Signal, Value};

/// A drive that gives energy back, two watt-hours a second for an hour, and each minute what the counter said so long ago, by a clock
/// that is so far ahead. Before this second, both are right.
fn charge_after_drive(age_s: usize, ahead_ms: i64, from_s: usize) -> Car {
    let mut car = Car::new();
    say(&mut car, Signal::IsCharging, Value::Bool(false), 0);
    let mut kwh = vec![car.charged_kwh];
    let tell = |car: &mut Car, kwh: &mut Vec<f64>| {
        kwh.push(car.charged_kwh);
        if kwh.len().is_multiple_of(60) {
            let is_off = kwh.len() >= from_s;
            let (age_s, ahead_ms) = if is_off { (age_s, ahead_ms) } else { (0, 0) };
            let then_kwh = kwh[kwh.len().saturating_sub(age_s + 1)];
            let ago_ms = i64::try_from(age_s).unwrap() * 1_000;
            number(car, Signal::ChargedEnergy, then_kwh, ahead_ms - ago_ms);
        }
    };
    start(&mut car, 0);
    cruise(&mut car, 1_200, |car, _| {
        tell_all(car, 0);
        car.charged_kwh += 0.001;
        tell(car, &mut kwh);
    });
    stop(&mut car, 0);
    for second in 0..4 * 3_600 {
        car.wait(1_000);
        if second == 60 {
            say(&mut car, Signal::IsCharging, Value::Bool(true), 0);
        }
        if (60..3_660).contains(&second) {
            car.charged_kwh += 0.002;
        }
        tell(&mut car, &mut kwh);
        if second % 60 == 5 {
            number(&mut car, Signal::StateOfCharge, 60.0, 0);
        }
    }
    say(&mut car, Signal::IsCharging, Value::Bool(false), 0);
    car
}

#[test]
fn an_old_counter_pays_no_braking() {
    for age_s in [0, 300, 840, 960, 1_200, 2_400, 3_600] {
        let car = charge_after_drive(age_s, 0, 0);
        for (outcomes, counts) in fold_both(&car) {
            let charges = charges(&finished(&outcomes));
            let wh: u64 = charges.iter().map(|charge| charge.charged.length()).sum();
            // A step of the counter, a minute, may be of both: its energy is paid at most once.
            assert!(
                (7_060..=7_260).contains(&wh),
                "{age_s} s: {charges:?} {counts:?}"
            );
        }
    }
}

#[test]
fn a_counter_ahead_pays_no_braking() {
    // By a clock that is ahead nothing tells the age of the counter, but the first rise after a drive has begun bounds it, but for two
    // steps of the counter.
    for (age_s, ahead_ms, least_wh) in [
        (0, 7_200_000, 6_800),
        (300, 7_200_000, 6_800),
        (840, 28_800_000, 6_800),
        (1_200, 7_200_000, 6_800),
        (1_200, 1_290_000, 6_800),
        (0, 30_000, 7_060),
    ] {
        let car = charge_after_drive(age_s, ahead_ms, 0);
        for (outcomes, counts) in fold_both(&car) {
            let charges = charges(&finished(&outcomes));
            let wh: u64 = charges.iter().map(|charge| charge.charged.length()).sum();
            assert!(
                (least_wh..=7_260).contains(&wh),
                "{age_s} s, {ahead_ms} ms: {charges:?} {counts:?}"
            );
        }
    }
}

#[test]
fn a_gateway_replaced_pays_no_braking() {
    // Within the drive the counter becomes old, and its clock is set back: what its values were before tells how old.
    for (age_s, back_ms) in [(180, 600_000), (300, 3_600_000), (480, 36_000_000)] {
        let car = charge_after_drive(age_s, -back_ms, 300);
        for (outcomes, counts) in fold_both(&car) {
            let charges = charges(&finished(&outcomes));
            let wh: u64 = charges.iter().map(|charge| charge.charged.length()).sum();
            assert!(
                (7_060..=7_261).contains(&wh),
                "{age_s} s, back {back_ms} ms: {charges:?} {counts:?}"
            );
        }
    }
}

#[test]
fn a_counter_again_pays_no_braking() {
    // Five of its old values follow each other, and it goes on where it was.
    let mut car = Car::new();
    car.regains_wh_per_s = 2.0;
    car.meters();
    car.wait(1_000);
    car.charge(6.0, 60);
    car.wait(600_000);
    car.drive(&short_drive());
    car.meters();
    for step in 0..5 {
        car.wait(1_000);
        number(
            &mut car,
            Signal::ChargedEnergy,
            4_005.5 + f64::from(step) / 10.0,
            0,
        );
    }
    for _ in 0..8 {
        car.wait(10_000);
        car.meters();
    }
    car.wait(600_000);
    car.drive(&short_drive());
    for (outcomes, counts) in fold_both(&car) {
        let charges = charges(&finished(&outcomes));
        let wh: u64 = charges.iter().map(|charge| charge.charged.length()).sum();
        assert_eq!(wh, 6_000, "{charges:?} {counts:?}");
    }
}

/// An hour of giving back at 10 kW, with one stamp of power that is so far ahead.
fn give_back(wild_ms: i64, wild_s: u32) -> Car {
    let mut car = Car::new();
    for second in 0..3_700 {
        car.wait(1_000);
        if second % 10 == 0 {
            let watts = if (20..3_620).contains(&second) {
                -10_000.0
            } else {
                0.0
            };
            let off_ms = if second == wild_s { wild_ms } else { 0 };
            number(&mut car, Signal::StateOfCharge, 60.0, 0);
            number(&mut car, Signal::Speed, 0.0, 0);
            number(&mut car, Signal::BatteryPower, watts, off_ms);
        }
        if second == 20 || second == 3_620 {
            say(
                &mut car,
                Signal::IsDischarging,
                Value::Bool(second == 20),
                0,
            );
        }
    }
    car
}

#[test]
fn a_wild_power_costs_a_moment() {
    for wild_ms in [30_000, 300_000, 3_600_000, 8 * 3_600_000, 23 * 3_600_000] {
        for wild_s in [20, 620] {
            for (outcomes, counts) in fold_both(&give_back(wild_ms, wild_s)) {
                let given = finished(&outcomes);
                let wh: u64 = given
                    .iter()
                    .map(|finished| finished.evidence.interval().length())
                    .sum();
                assert!(
                    (9_900..=10_000).contains(&wh),
                    "{wild_ms} ms at {wild_s} s: {given:?} {counts:?}"
                );
            }
        }
    }
}

/// Returns the watt-hours that were paid as given back.
fn given_wh(outcomes: &[Outcome]) -> u64 {
    let given = finished(outcomes).into_iter();
    let given = given.filter(|one| matches!(one.evidence, Evidence::Discharge(_)));
    given.map(|one| one.evidence.interval().length()).sum()
}

#[test]
fn a_clock_that_jitters_gives_back() {
    for off_ms in [40_000, 3_600_000, -3_600_000] {
        let mut car = Car::new();
        for second in 0..3_700 {
            car.wait(1_000);
            number(&mut car, Signal::Speed, 0.0, 0);
            let late_ms = i64::from(second / 10 * 7 % 4) * 1_000;
            if second % 10 == 0 {
                number(&mut car, Signal::BatteryPower, -10_000.0, off_ms - late_ms);
            }
            if second == 40 || second == 3_640 {
                let gives = Value::Bool(second == 40);
                say(&mut car, Signal::IsDischarging, gives, 0);
            }
        }
        for (outcomes, counts) in fold_both(&car) {
            let wh = given_wh(&outcomes);
            assert!(
                (9_800..=10_000).contains(&wh),
                "{off_ms} ms: {wh} Wh: {counts:?}"
            );
        }
    }
}

#[test]
fn a_refused_end_ends_the_session() {
    // Set back a quarter of a minute before the session ends: no meter proves it, and the car goes on drawing from the battery.
    let mut car = Car::new();
    for second in 0..8 * 3_600 {
        car.wait(1_000);
        let off_ms = if second < 5_385 { 0 } else { -3_600_000 };
        if second == 1_800 || second == 5_400 {
            let gives = Value::Bool(second == 1_800);
            say(&mut car, Signal::IsDischarging, gives, off_ms);
        }
        if second % 10 == 0 {
            let watts = if (1_800..5_400).contains(&second) {
                -10_000.0
            } else {
                -400.0
            };
            number(&mut car, Signal::BatteryPower, watts, off_ms);
            number(&mut car, Signal::StateOfCharge, 60.0, off_ms);
            number(&mut car, Signal::Speed, 0.0, off_ms);
        }
    }
    for (outcomes, counts) in fold_both(&car) {
        let wh = given_wh(&outcomes);
        assert!((9_900..=10_000).contains(&wh), "{wh} Wh: {counts:?}");
    }
}

#[test]
fn a_fitted_start_pays_no_drive() {
    // The flag was silent when the clock of the bus was corrected, so that its next word comes at no sure time.
    let mut car = Car::new();
    say(&mut car, Signal::IsDischarging, Value::Bool(false), 0);
    start(&mut car, 0);
    let tell = |car: &mut Car, off_ms: i64| {
        tell_all(car, off_ms);
        number(car, Signal::BatteryPower, -9_000.0, off_ms);
    };
    cruise(&mut car, 600, |car, _| tell(car, 0));
    cruise(&mut car, 600, |car, _| tell(car, -90_000));
    stop(&mut car, -90_000);
    car.wait(70_000);
    say(&mut car, Signal::IsDischarging, Value::Bool(true), -90_000);
    for step in 0..15 {
        number(&mut car, Signal::BatteryPower, -10_000.0, -90_000);
        number(&mut car, Signal::Speed, 0.0, -90_000);
        car.wait(if step < 14 { 10_000 } else { 4_000 });
    }
    say(&mut car, Signal::IsDischarging, Value::Bool(false), -90_000);
    let (outcomes, counts) = fold_at(Pace::Live, &car);
    let wh = given_wh(&outcomes);
    assert!((380..=400).contains(&wh), "{wh} Wh: {counts:?}");
}
