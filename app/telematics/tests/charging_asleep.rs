//! Energy that was charged while the head unit slept: found by the counters when it wakes, and paid once.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, charged, charges, finished, settings, station};
use dashpoint_membership::Grade;
use dashpoint_telematics::{Marks, Outcome, Sample, Signal, Telematics};

fn retained(car: &Car) -> Vec<Sample> {
    let keep = |signal: &Signal| {
        let last = car
            .samples
            .iter()
            .rev()
            .find(|sample| sample.signal == *signal);
        last.map(|last| Sample {
            retained: true,
            ..last.clone()
        })
    };
    Signal::ALL
        .iter()
        .filter(|signal| **signal != Signal::Speed)
        .filter_map(keep)
        .collect()
}

#[test]
fn what_was_charged_asleep_is_found_at_wake_and_paid_once() {
    let mut car = Car::new();
    car.meters();
    station(&mut car, "SITE", 80.0);
    car.charge(12.0, 10);
    let marks = Marks {
        charged: Some(4_000_000),
        ..Marks::default()
    };
    for backwards in [false, true] {
        let mut state = retained(&car);
        if backwards {
            state.reverse();
        }
        let mut woken = Telematics::new(settings(), marks);
        assert!(state.iter().all(|sample| woken.observe(sample).is_empty()));
        let found = finished(&woken.quiet(1_000));
        let [charge] = &charges(&found)[..] else {
            panic!("{found:?}");
        };
        assert_eq!(charge.charged, charged(4_000_000, 4_012_000));
        assert_eq!(
            (charge.started, charge.grade, charge.renewable_permille),
            // Nobody knows since when: the mean of the policy's day, (360 x 350 + 240 x 450) / 1440.
            (None, Grade::Estimated, 162)
        );
        assert_eq!(found[0].marks.charged, Some(4_012_000));
        let mut again = Telematics::new(settings(), found[0].marks);
        for sample in &state {
            again.observe(sample);
        }
        assert!(finished(&again.quiet(1_000)).is_empty());
    }
}

/// The finding of a head unit that went to sleep orderly and wakes to this state.
fn found_at_wake(before: &Car, after: &Car) -> (u16, Grade, u64) {
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &before.samples {
        telematics.observe(sample);
    }
    telematics.quiet(10_000);
    let kept = serde_json::to_string(&telematics.checkpoint()).unwrap();
    let kept = serde_json::from_str(&kept).unwrap();
    let (mut woken, out) = Telematics::resume(settings(), telematics.marks(), kept);
    assert!(finished(&out).is_empty());
    for sample in retained(after) {
        woken.observe(&sample);
    }
    let found = finished(&woken.quiet(1_000));
    let charges = charges(&found);
    let [charge] = &charges[..] else {
        panic!("{found:?}");
    };
    assert_eq!(charge.started, None);
    (
        charge.renewable_permille,
        charge.grade,
        charge.charged.length(),
    )
}

#[test]
fn the_renewable_part_of_what_was_charged_asleep_is_what_the_cars_counter_says() {
    let mut car = Car::new();
    car.meters();
    car.number(Signal::RenewableEnergy, 1_000.0);
    let before = Car {
        samples: car.samples.clone(),
        ..Car::new()
    };
    car.wait(8 * 3_600_000);
    car.charged_kwh += 12.0;
    car.meters();
    car.number(Signal::RenewableEnergy, 1_009.6);
    assert_eq!(
        found_at_wake(&before, &car),
        (800, Grade::Estimated, 12_000)
    );
    // More than was charged is no part of it.
    car.number(Signal::RenewableEnergy, 1_020.0);
    car.samples.retain(|sample| {
        sample.signal != Signal::RenewableEnergy
            || sample.value != dashpoint_telematics::Value::Number(1_009.6)
    });
    let (permille, grade, _) = found_at_wake(&before, &car);
    assert_eq!((permille, grade), (225, Grade::Estimated));
}

#[test]
fn without_such_a_counter_the_policy_says_what_the_unseen_time_is_worth() {
    for (hours, permille) in [
        // From 08:00 to noon: one of four hours is in the window of 450.
        (4, 450 / 4),
        // To 16:00: four of eight.
        (8, 225),
        // To 08:00 two days later: a mean day.
        (48, 162),
    ] {
        let mut car = Car::new();
        car.meters();
        let before = Car {
            samples: car.samples.clone(),
            ..Car::new()
        };
        car.wait(hours * 3_600_000);
        car.charged_kwh += 12.0;
        car.meters();
        let (found, grade, wh) = found_at_wake(&before, &car);
        assert!(found.abs_diff(permille) <= 2, "{hours} h: {found}");
        assert_eq!((grade, wh), (Grade::Estimated, 12_000));
    }
}

#[test]
fn waking_while_it_charges_pays_the_part_that_nobody_saw_apart() {
    let mut car = Car::new();
    car.meters();
    station(&mut car, "SITE", 80.0);
    car.charge(10.0, 10);
    let asleep = car
        .samples
        .iter()
        .rposition(|sample| sample.signal == Signal::ChargedEnergy)
        .unwrap()
        - 5;
    let rest = car.samples.split_off(asleep);
    let mut woken = Telematics::new(
        settings(),
        Marks {
            charged: Some(4_000_000),
            ..Marks::default()
        },
    );
    let mut outcomes: Vec<Outcome> = Vec::new();
    for sample in retained(&car).iter().chain(&rest) {
        outcomes.extend(woken.observe(sample));
    }
    outcomes.extend(woken.drain());
    let charges = charges(&finished(&outcomes));
    let parts: Vec<_> = charges
        .iter()
        .map(|charge| (charge.charged, charge.grade, charge.started))
        .collect();
    assert_eq!(
        parts,
        [
            (charged(4_000_000, 4_004_000), Grade::Estimated, None),
            (charged(4_004_000, 4_010_000), Grade::Metered, None)
        ]
    );
}
