//! A crash keeps a trip one trip.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, finished, fold, settings, short_drive, trips};
use dashpoint_telematics::{
    Checkpoint, Finished, Marks, Outcome, Sample, Signal, Telematics, Value,
};

/// Through bytes, as the car keeps it.
fn kept(checkpoint: &Checkpoint) -> Checkpoint {
    serde_json::from_slice(&serde_json::to_vec(checkpoint).unwrap()).unwrap()
}

fn observe_all(telematics: &mut Telematics, samples: &[Sample]) -> Vec<Outcome> {
    samples
        .iter()
        .flat_map(|sample| telematics.observe(sample))
        .collect()
}

/// The head unit dies after `dies_at` samples, with the checkpoint that it last put out, and comes back `lost` later.
fn crash(samples: &[Sample], dies_at: usize, lost: usize, clean: bool) -> Vec<Finished> {
    let (before, after) = (
        &samples[..dies_at],
        &samples[(dies_at + lost).min(samples.len())..],
    );
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes = observe_all(&mut telematics, before);
    let newest = outcomes.iter().rev().find_map(|outcome| match outcome {
        Outcome::Checkpoint(checkpoint) => Some(kept(checkpoint)),
        Outcome::DriveState(_)
        | Outcome::TripStarted { .. }
        | Outcome::Finished(_)
        | Outcome::Mark(_) => None,
    });
    let newest = if clean {
        Some(kept(&telematics.checkpoint()))
    } else {
        newest
    };
    let marks = telematics.marks();
    let mut woken = match newest {
        Some(checkpoint) => {
            let (woken, first) = Telematics::resume(settings(), marks, checkpoint);
            outcomes.extend(first);
            woken
        }
        None => Telematics::new(settings(), marks),
    };
    // The broker remembers what it was told before, also while nobody listened.
    let told = &samples[..samples.len() - after.len()];
    for signal in [
        Signal::Odometer,
        Signal::ChargedEnergy,
        Signal::Ignition,
        Signal::Gear,
    ] {
        if let Some(last) = told.iter().rev().find(|sample| sample.signal == signal) {
            outcomes.extend(woken.observe(&Sample {
                retained: true,
                ..last.clone()
            }));
        }
    }
    outcomes.extend(woken.quiet(1_000));
    outcomes.extend(observe_all(&mut woken, after));
    outcomes.extend(woken.drain());
    finished(&outcomes)
}

fn drive() -> (Vec<Sample>, u64) {
    let mut car = Car::new();
    car.drive(&short_drive());
    let trips = trips(&finished(&fold(&car.samples, Marks::default())));
    assert_eq!(trips.len(), 1);
    (car.samples, trips[0].odometer.length())
}

#[test]
fn dying_in_order_at_any_sample_changes_nothing() {
    let (samples, _) = drive();
    let whole = finished(&fold(&samples, Marks::default()));
    for dies_at in 0..=samples.len() {
        assert_eq!(crash(&samples, dies_at, 0, true), whole, "at {dies_at}");
    }
}

#[test]
fn killed_at_any_sample_it_stays_one_trip_with_the_same_distance() {
    let (samples, metres) = drive();
    for lost in [0, 9, 60] {
        for dies_at in 30..samples.len() {
            let trips = trips(&crash(&samples, dies_at, lost, false));
            let [trip] = &trips[..] else {
                panic!("at {dies_at} losing {lost}: {trips:?}");
            };
            assert_eq!(trip.odometer.length(), metres, "at {dies_at} losing {lost}");
            assert!(
                trip.driving_s + trip.missed_s >= 84,
                "at {dies_at} losing {lost}: {trip:?}"
            );
        }
    }
}

#[test]
fn the_missed_seconds_are_stated() {
    let (samples, _) = drive();
    // Each second of driving has three samples; the last checkpoint is the one from the start.
    let trip = &trips(&crash(&samples, 150, 30, false))[0];
    assert!((30..=60).contains(&trip.missed_s), "{trip:?}");
}

#[test]
fn what_is_settled_already_is_dropped_from_a_checkpoint() {
    let (samples, _) = drive();
    let mut telematics = Telematics::new(settings(), Marks::default());
    observe_all(&mut telematics, &samples[..200]);
    let checkpoint = kept(&telematics.checkpoint());
    let rest = observe_all(&mut telematics, &samples[200..]);
    let mut all = finished(&rest);
    all.extend(finished(&telematics.drain()));
    assert_eq!(trips(&all).len(), 1);
    let (mut woken, first) = Telematics::resume(settings(), all[0].marks, checkpoint);
    assert!(finished(&first).is_empty());
    let off = Sample {
        retained: true,
        ..samples.last().unwrap().clone()
    };
    woken.observe(&off);
    assert!(finished(&woken.quiet(1_000)).is_empty());
    assert!(finished(&woken.drain()).is_empty());
}

#[test]
fn the_next_trip_has_nothing_of_a_settled_one() {
    let mut car = Car::new();
    car.drive(&short_drive());
    let first = car.samples.len();
    car.wait(20_000);
    car.switch_on();
    let gently: Vec<_> = (0..60)
        .map(|second| (f64::from(second), f64::from(second.min(10))))
        .collect();
    car.follow(&gently);
    car.wait(1_000);
    car.number(Signal::Speed, 33.0);
    car.follow(&[(1.0, 9.0), (2.0, 0.0)]);
    car.switch_off();
    let mut telematics = Telematics::new(settings(), Marks::default());
    observe_all(&mut telematics, &car.samples[..first - 20]);
    let checkpoint = kept(&telematics.checkpoint());
    let mut done = finished(&observe_all(
        &mut telematics,
        &car.samples[first - 20..first],
    ));
    done.extend(finished(&telematics.drain()));
    let (mut woken, _) = Telematics::resume(settings(), done[0].marks, checkpoint);
    let mut next = finished(&observe_all(&mut woken, &car.samples[first..]));
    next.extend(finished(&woken.drain()));
    let next = trips(&next);
    assert_eq!(next.len(), 1);
    assert!(
        (60..65).contains(&next[0].driving_s) && next[0].missed_s == 0,
        "{next:?}"
    );
}

#[test]
fn a_crash_of_more_than_two_minutes_makes_two_trips() {
    let mut car = Car::new();
    car.switch_on();
    let steady: Vec<_> = (0..600).map(|second| (f64::from(second), 15.0)).collect();
    car.follow(&steady);
    car.follow(&[(1.0, 0.0)]);
    car.switch_off();
    let per_second = 3;
    let trips = trips(&crash(
        &car.samples,
        120 * per_second,
        200 * per_second,
        true,
    ));
    let metres: Vec<u64> = trips.iter().map(|trip| trip.odometer.length()).collect();
    assert_eq!(metres.len(), 2, "{trips:?}");
    assert!(
        metres[0].abs_diff(1_770) < 40 && metres[1].abs_diff(4_200) < 60,
        "{metres:?}"
    );
    assert!(
        trips[0].odometer.to < trips[1].odometer.from,
        "nobody saw the way between"
    );
}

#[test]
fn a_checkpoint_comes_every_minute_while_something_is_open() {
    let mut car = Car::new();
    car.switch_on();
    let steady: Vec<_> = (0..600).map(|second| (f64::from(second), 15.0)).collect();
    car.follow(&steady);
    let outcomes = fold(&car.samples, Marks::default());
    let checkpoints = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Checkpoint(_)))
        .count();
    assert_eq!(checkpoints, 10);
    assert_eq!(car.samples[0].value, Value::Number(127.0));
}
