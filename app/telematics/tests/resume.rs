//! A crash keeps a trip one trip.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, finished, fold, settings, short_drive, trips};
use dashpoint_membership::{DrivingTime, Evidence};
use dashpoint_telematics::{
    Checkpoint, Driver, Finished, Marks, Outcome, Sample, Signal, Telematics, Value,
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
        | Outcome::VehicleFact(_)
        | Outcome::TripStarted { .. }
        | Outcome::Finished(_)
        | Outcome::Mark(_)
        | Outcome::MeterOpened(_) => None,
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
                trip.driving.at_most_s() + u64::from(trip.missed_s) >= 84,
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
        next[0].driving == DrivingTime::Minutes(2) && next[0].missed_s == 0,
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

fn named(subject: &str) -> Driver {
    Driver::Named {
        issuer: "https://id.example".to_owned(),
        subject: subject.to_owned(),
    }
}

/// Wang drives on a clock that is `ahead_ms` ahead, which then comes back; Lin sets off; the head unit dies on the way, and
/// starts again with a checkpoint that knows nothing of it. Returns what it finished, and where Lin was when it started.
fn drivers_after_a_clock_came_back(
    ahead_ms: i64,
    lin_drives_s: i64,
    says_on_again: bool,
) -> (Vec<Finished>, u64) {
    let name = |car: &mut Car, subject: &str| {
        car.text(Signal::DriverIssuer, "https://id.example");
        car.text(Signal::DriverSubject, subject);
    };
    let mut car = Car::new();
    let begun_ms = car.now_ms;
    car.wait(ahead_ms);
    name(&mut car, "wang");
    car.drive(&short_drive());
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes = observe_all(&mut telematics, &car.samples);
    outcomes.extend(telematics.quiet(121_000));
    let checkpoint = kept(&telematics.checkpoint());
    let (mut woken, first) = Telematics::resume(settings(), telematics.marks(), checkpoint);
    outcomes.extend(first);

    let seen = car.samples.len();
    car.now_ms = begun_ms + 600_000;
    name(&mut car, "lin");
    car.switch_on();
    let steady: Vec<_> = (0..lin_drives_s)
        .map(|second| (second as f64, 15.0))
        .collect();
    car.follow(&steady);
    // What the broker kept of what nobody heard.
    for signal in [
        Signal::DriverIssuer,
        Signal::DriverSubject,
        Signal::Ignition,
        Signal::Gear,
        Signal::Odometer,
    ] {
        let mut unheard = car.samples[seen..].iter().rev();
        let last = unheard.find(|sample| sample.signal == signal).unwrap();
        outcomes.extend(woken.observe(&Sample {
            retained: true,
            ..last.clone()
        }));
    }
    outcomes.extend(woken.quiet(1_000));
    let heard = car.samples.len();
    let odometer_m = car.odometer_m.floor() as u64;
    car.wait(1_000);
    if says_on_again {
        car.switch_on();
    }
    car.follow(&steady[..60]);
    car.switch_off();
    outcomes.extend(observe_all(&mut woken, &car.samples[heard..]));
    outcomes.extend(woken.quiet(121_000));
    (finished(&outcomes), odometer_m)
}

#[test]
fn a_name_that_the_broker_kept_counts_when_the_clock_of_the_bus_came_back() {
    for ahead_ms in [3_600_000, 100 * 3_600_000] {
        let (finished, odometer_m) = drivers_after_a_clock_came_back(ahead_ms, 60, false);
        let last = finished.last().unwrap();
        assert_eq!(finished[0].driver, named("wang"));
        assert_eq!(last.driver, named("lin"), "{ahead_ms} ms");
        assert!(last.evidence.interval().from >= odometer_m - 20);
    }
}

#[test]
fn nobody_is_paid_where_an_older_name_may_be_the_newer_one() {
    // Time has caught up with the clock that was ahead: nothing says that it ever was.
    let (finished, _) = drivers_after_a_clock_came_back(1_200_000, 1_200, true);
    assert_eq!(finished[0].driver, named("wang"));
    assert_eq!(finished.last().unwrap().driver, Driver::Guest);
    assert_eq!(finished.len(), 2);
}

#[test]
fn a_name_that_was_heard_before_is_no_doubt_when_it_comes_again() {
    let mut car = Car::new();
    car.text(Signal::DriverIssuer, "https://id.example");
    car.text(Signal::DriverSubject, "wang");
    let old = car.samples.clone();
    car.drive(&short_drive());
    car.wait(10_000);
    car.text(Signal::DriverSubject, "lin");
    car.drive(&short_drive());
    let mut telematics = Telematics::new(settings(), Marks::default());
    observe_all(&mut telematics, &car.samples);
    telematics.quiet(121_000);
    let checkpoint = kept(&telematics.checkpoint());
    let (mut woken, _) = Telematics::resume(settings(), telematics.marks(), checkpoint);
    // A broker that went back to what it had stored before.
    for sample in old {
        woken.observe(&Sample {
            retained: true,
            ..sample
        });
    }
    woken.quiet(1_000);
    assert_eq!(woken.at_the_wheel(), named("lin"));
}

#[test]
fn a_clock_that_begins_anew_with_each_start_pays_nobody_for_the_way_of_another() {
    for kept_by_the_broker in [true, false] {
        let mut car = Car::new();
        car.text(Signal::DriverIssuer, "https://id.example");
        car.text(Signal::DriverSubject, "wang");
        car.drive(&short_drive());
        car.wait(10_000);
        car.text(Signal::DriverSubject, "lin");
        car.drive(&short_drive());
        let mut telematics = Telematics::new(settings(), Marks::default());
        observe_all(&mut telematics, &car.samples);
        telematics.quiet(121_000);
        let checkpoint = kept(&telematics.checkpoint());
        let (mut woken, _) = Telematics::resume(settings(), telematics.marks(), checkpoint);
        // The next start says the same times as the first one did, and the same name.
        let mut next = Car::new();
        next.odometer_m = car.odometer_m;
        next.text(Signal::DriverIssuer, "https://id.example");
        next.text(Signal::DriverSubject, "wang");
        for sample in &mut next.samples {
            sample.retained = kept_by_the_broker;
        }
        next.drive(&short_drive());
        next.text(Signal::DriverSubject, "lin");
        next.drive(&short_drive());
        let mut outcomes = observe_all(&mut woken, &next.samples);
        outcomes.extend(woken.drain());
        let finished = finished(&outcomes);
        let taken_over_m = car.odometer_m + 1_000.0;
        let first = finished.first().unwrap();
        assert_ne!(
            first.driver,
            named("lin"),
            "{kept_by_the_broker}: {finished:?}"
        );
        assert!(first.evidence.interval().from < taken_over_m as u64);
        assert_eq!(finished.last().unwrap().driver, named("lin"));
    }
}

#[test]
fn a_name_that_is_refused_for_its_time_leaves_nobody_at_the_wheel() {
    for back_ms in [60_000, 3_600_000, 100 * 3_600_000] {
        let mut car = Car::new();
        car.text(Signal::DriverIssuer, "https://id.example");
        car.text(Signal::DriverSubject, "wang");
        car.drive(&short_drive());
        car.wait(60_000);
        let mut telematics = Telematics::new(settings(), Marks::default());
        observe_all(&mut telematics, &car.samples);
        telematics.quiet(121_000);
        assert_eq!(telematics.at_the_wheel(), named("wang"));
        let name = |subject: &str, ts_ms| Sample {
            signal: Signal::DriverSubject,
            value: Value::Text(subject.to_owned()),
            ts_ms,
            retained: false,
        };
        let newest_ms = telematics.bus_time_ms().unwrap();
        telematics.observe(&name("lin", newest_ms - back_ms));
        assert_eq!(telematics.at_the_wheel(), Driver::Guest, "{back_ms} ms");
        telematics.observe(&name("lin", newest_ms + 5_000));
        telematics.quiet(5_000);
        assert_eq!(telematics.at_the_wheel(), named("lin"));
    }
}

/// One drives unheard while the head unit is off, another goes on and is heard: the way of the second, and where it begins.
fn way_of_the_second(back_ms: i64, first_odometer_s: u32, kept_odometer: bool) -> (Finished, u64) {
    let mut car = Car::new();
    car.text(Signal::DriverIssuer, "https://id.example");
    car.text(Signal::DriverSubject, "wang");
    car.drive(&short_drive());
    let mut telematics = Telematics::new(settings(), Marks::default());
    observe_all(&mut telematics, &car.samples);
    telematics.quiet(121_000);
    let checkpoint = kept(&telematics.checkpoint());
    // Nobody hears four kilometres.
    car.samples.clear();
    car.wait(8 * 3_600_000 - back_ms);
    car.switch_on();
    car.wait(150_000);
    car.odometer_m += 4_000.0;
    let taken_over_m = car.odometer_m.floor() as u64;
    car.text(Signal::DriverSubject, "lin");
    car.number(Signal::Odometer, car.odometer_m.floor());
    let mut told: Vec<Sample> = std::mem::take(&mut car.samples);
    let (mut woken, _) = Telematics::resume(settings(), telematics.marks(), checkpoint);
    told.retain(|sample| kept_odometer || sample.signal != Signal::Odometer);
    for sample in told {
        woken.observe(&Sample {
            retained: true,
            ..sample
        });
    }
    woken.quiet(1_000);
    for second in 1..300 {
        car.wait(1_000);
        car.odometer_m += 30.0;
        car.number(Signal::Speed, 108.0);
        car.flag(Signal::IsMoving, true);
        car.text(Signal::Ignition, "ON");
        if second >= first_odometer_s {
            car.number(Signal::Odometer, car.odometer_m.floor());
        }
    }
    car.number(Signal::Speed, 0.0);
    car.switch_off();
    let mut outcomes = observe_all(&mut woken, &car.samples);
    outcomes.extend(woken.drain());
    let finished = finished(&outcomes);
    assert_eq!(finished.len(), 1, "{finished:?}");
    (finished[0].clone(), taken_over_m)
}

#[test]
fn nobody_is_paid_for_the_way_of_another_that_nobody_heard() {
    for back_ms in [0, 36 * 3_600_000] {
        for first_odometer_s in [1, 20, 60, 110] {
            for kept_odometer in [true, false] {
                let (second, taken_over_m) =
                    way_of_the_second(back_ms, first_odometer_s, kept_odometer);
                let case = format!("{back_ms} ms, {first_odometer_s} s, {kept_odometer}");
                assert_eq!(second.driver, named("lin"), "{case}");
                let Evidence::Trip(trip) = second.evidence else {
                    panic!("{case}");
                };
                let from = trip.odometer.from;
                assert!(from >= taken_over_m, "{case}: {from} < {taken_over_m}");
                // The second loses no more than what he drove until the odometer was believed.
                let unread_m = 30 * u64::from(first_odometer_s) + 1_600;
                assert!(from <= taken_over_m + unread_m, "{case}: {from}");
                if kept_odometer && back_ms == 0 {
                    assert_eq!(from, taken_over_m, "{case}");
                }
            }
        }
    }
}
