//! The beginning and the end of a trip, and its evidence under faults.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use std::collections::BTreeMap;

use common::{Car, finished, fold, settings, short_drive, trips};
use dashpoint_membership::{DrivingTime, Factor};
use dashpoint_telematics::{
    DriveState, Fault, Finished, Marks, Outcome, PrivateEvidence, Sample, Signal, Telematics,
    TripEnd, Value,
};

fn end(finished: &Finished) -> TripEnd {
    match &finished.private {
        PrivateEvidence::Trip(trace) => trace.end,
        PrivateEvidence::Charge(_) | PrivateEvidence::Discharge(_) => panic!("{finished:?}"),
    }
}

#[test]
fn a_red_light_and_waiting_in_park_end_nothing() {
    let mut car = Car::new();
    car.switch_on();
    car.follow(&short_drive());
    let standing: Vec<_> = (1..600).map(|second| (f64::from(second), 0.0)).collect();
    car.follow(&standing);
    car.number(Signal::Gear, 126.0);
    car.follow(&standing);
    car.number(Signal::Gear, 127.0);
    car.follow(&short_drive());
    car.switch_off();
    let all = finished(&fold(&car.samples, Marks::default()));
    let [trip] = &trips(&all)[..] else {
        panic!("{all:?}");
    };
    assert_eq!(trip.odometer.length(), 2 * 1_222 + 1);
    assert_eq!(
        trip.driving,
        DrivingTime::Minutes(13),
        "the time in park is not driven: {trip:?}"
    );
    assert_eq!((trip.missed_s, end(&all[0])), (0, TripEnd::Parked));
}

#[test]
fn metres_whose_time_nobody_saw_are_missed_time() {
    let mut car = Car::new();
    car.text(Signal::Ignition, "OFF");
    car.meters();
    car.wait(60_000);
    car.number(Signal::Gear, 127.0);
    car.text(Signal::Ignition, "ON");
    car.number(Signal::Speed, 30.0);
    car.odometer_m += 150.0;
    car.meters();
    car.wait(500);
    car.number(Signal::Speed, 0.0);
    car.switch_off();
    let all = finished(&fold(&car.samples, Marks::default()));
    let [trip] = &trips(&all)[..] else {
        panic!("{all:?}");
    };
    assert_eq!(trip.odometer.length(), 150);
    // Two seconds at the least: the minute that the half second seen is rounded up to has them.
    assert_eq!(
        (trip.driving, trip.missed_s),
        (DrivingTime::Minutes(1), 0),
        "{trip:?}"
    );
}

#[test]
fn retained_state_starts_no_trip() {
    let mut car = Car::new();
    car.drive(&short_drive());
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes = Vec::new();
    // The newest of each signal, as a broker keeps it.
    let newest: BTreeMap<Signal, Sample> = car
        .samples
        .into_iter()
        .map(|sample| (sample.signal, sample))
        .collect();
    for sample in newest.into_values() {
        outcomes.extend(telematics.observe(&Sample {
            retained: true,
            ..sample
        }));
    }
    outcomes.extend(telematics.quiet(200_000));
    assert!(finished(&outcomes).is_empty());
    assert!(
        !outcomes
            .iter()
            .any(|outcome| matches!(outcome, Outcome::TripStarted { .. }))
    );
}

#[test]
fn rolling_with_the_ignition_off_is_no_trip() {
    let mut car = Car::new();
    car.text(Signal::Ignition, "OFF");
    car.follow(&short_drive());
    car.switch_off();
    assert!(finished(&fold(&car.samples, Marks::default())).is_empty());
}

#[test]
fn a_bus_that_falls_silent_ends_the_trip() {
    // A car that has said ON is waited for; one that says nothing of it may be parked.
    for (says_on, after_s) in [(true, 900), (false, 120)] {
        let mut car = Car::new();
        car.meters();
        if says_on {
            car.switch_on();
        }
        car.follow(&short_drive());
        let mut telematics = Telematics::new(settings(), Marks::default());
        for sample in &car.samples {
            telematics.observe(sample);
        }
        let before = telematics.quiet((after_s - 1) * 1_000);
        assert!(finished(&before).is_empty(), "{says_on}");
        let all = finished(&telematics.quiet((after_s + 1) * 1_000));
        assert_eq!(trips(&all)[0].odometer.length(), 1_222, "{says_on}");
        assert_eq!(end(&all[0]), TripEnd::Gap, "{says_on}");
    }
}

#[test]
fn a_sample_that_waits_keeps_the_trip_through_a_quiet_moment() {
    let mut car = Car::new();
    car.switch_on();
    car.follow(&short_drive());
    let last = car.samples.last().unwrap().clone();
    // No more than a quarter of an hour later, and then the bus rests for a moment, before it can be folded.
    car.samples.push(Sample {
        signal: Signal::Speed,
        value: Value::Number(20.0),
        ts_ms: last.ts_ms + 899_900,
        retained: false,
    });
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &car.samples {
        telematics.observe(sample);
    }
    assert!(finished(&telematics.quiet(500)).is_empty());
    assert!(telematics.trip_driver().is_some());
    assert!(finished(&telematics.quiet(3_000)).is_empty());
    assert_eq!(finished(&telematics.quiet(1_802_000)).len(), 1);
}

#[test]
fn implausible_samples_are_counted_and_change_nothing() {
    let mut car = Car::new();
    car.drive(&short_drive());
    let clean = finished(&fold(&car.samples, Marks::default()));
    let faulty = car.samples.iter().enumerate().flat_map(|(index, sample)| {
        let bad = match index % 6 {
            0 => (Signal::Speed, Value::Number(f64::NAN), 0),
            1 => (Signal::Speed, Value::Number(900.0), 0),
            2 => (Signal::Odometer, Value::Number(12_000_000.0), 1),
            3 => (Signal::Odometer, Value::Number(22_345_678.0), 2),
            4 => (Signal::Speed, Value::Text("fast".to_owned()), 0),
            _ => (Signal::Speed, Value::Number(50.0), 73 * 365 * 86_400_000),
        };
        let bad = Sample {
            signal: bad.0,
            value: bad.1,
            ts_ms: sample.ts_ms + bad.2,
            retained: false,
        };
        // The first odometer is believed: nothing speaks against it yet.
        [Some(sample.clone()), (index > 8).then_some(bad)]
    });
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes: Vec<Outcome> = faulty
        .flatten()
        .collect::<Vec<_>>()
        .iter()
        .flat_map(|sample| telematics.observe(sample))
        .collect();
    outcomes.extend(telematics.drain());
    assert_eq!(finished(&outcomes), clean);
    let counts = telematics.counts();
    for (signal, fault) in [
        (Signal::Speed, Fault::NotANumber),
        (Signal::Speed, Fault::OutOfRange),
        (Signal::Speed, Fault::WrongType),
        (Signal::Speed, Fault::Quarantined),
        (Signal::Odometer, Fault::WentBack),
        (Signal::Odometer, Fault::Jumped),
    ] {
        assert!(
            (40..50).contains(&counts.faults(signal, fault)),
            "{signal:?} {fault:?}: {counts:?}"
        );
    }
    // A meter is refused only after its time was taken: then it is not counted as taken too.
    let odometers = |all: &[Sample]| {
        let all = all.iter();
        all.filter(|sample| sample.signal == Signal::Odometer)
            .count() as u64
    };
    let odometer = counts.of(Signal::Odometer).unwrap();
    assert_eq!(odometer.taken, odometers(&car.samples), "{odometer:?}");
    let refused: u64 = odometer.faults.values().sum();
    assert!(refused > 80, "{odometer:?}");
}

#[test]
fn a_drive_in_reverse_order_earns_nothing() {
    let mut car = Car::new();
    car.drive(&short_drive());
    car.samples.reverse();
    assert!(finished(&fold(&car.samples, Marks::default())).is_empty());
}

#[test]
fn an_odometer_that_moves_for_good_ends_the_trip_where_it_was() {
    let mut car = Car::new();
    car.switch_on();
    car.follow(&short_drive());
    car.odometer_m += 10_000_000.0;
    car.wait(1_000);
    car.follow(&short_drive());
    car.switch_off();
    let all = finished(&fold(&car.samples, Marks::default()));
    assert_eq!(end(&all[0]), TripEnd::OdometerMoved);
    let trips = trips(&all);
    assert_eq!(
        trips.len(),
        1,
        "the other may be of another meter: {trips:?}"
    );
    assert!(trips[0].odometer.length() <= 1_223, "{trips:?}");
}

#[test]
fn the_way_driven_while_nobody_listened_is_not_claimed() {
    let mut car = Car::new();
    car.drive(&short_drive());
    car.wait(3_600_000);
    car.odometer_m += 30_000.0;
    // The ignition comes back before the odometer does.
    car.text(Signal::Ignition, "ON");
    car.follow(&short_drive());
    car.switch_off();
    let lengths: Vec<u64> = trips(&finished(&fold(&car.samples, Marks::default())))
        .iter()
        .map(|trip| trip.odometer.length())
        .collect();
    assert!(
        lengths.len() == 2 && lengths[1] <= 1_223 && lengths[1] > 1_200,
        "{lengths:?}"
    );
}

#[test]
fn evidence_never_begins_below_the_mark() {
    let mut car = Car::new();
    car.drive(&short_drive());
    let marks = |odometer| Marks {
        odometer: Some(odometer),
        ..Marks::default()
    };
    let trips_above = |mark| trips(&finished(&fold(&car.samples, marks(mark))));
    assert_eq!(trips_above(12_346_000)[0].odometer.from, 12_346_000);
    assert!(trips_above(12_346_900).is_empty());
    assert!(trips_above(99_999_999).is_empty());
    assert_eq!(
        trips_above(1_000)[0].odometer.from,
        12_345_678,
        "what nobody saw is not claimed"
    );
}

#[test]
fn a_trip_without_speed_has_its_distance_and_no_factors() {
    let mut car = Car::new();
    car.switch_on();
    car.flag(Signal::IsMoving, true);
    car.follow(&short_drive());
    car.flag(Signal::IsMoving, false);
    car.switch_off();
    car.samples
        .retain(|sample| !matches!(sample.signal, Signal::Speed | Signal::Longitudinal));
    let trips = trips(&finished(&fold(&car.samples, Marks::default())));
    assert_eq!(trips[0].odometer.length(), 1_222);
    assert_eq!(
        (trips[0].driving, trips[0].missed_s),
        (DrivingTime::Minutes(0), 120),
        "{trips:?}"
    );
    assert!(trips[0].factors.is_empty());
}

#[test]
fn energy_is_net_of_what_braking_gives_back() {
    let mut car = Car::new();
    car.switch_on();
    car.number(Signal::ConsumedEnergy, 500.0);
    for (second, mps) in short_drive() {
        car.follow(&[(0.0, mps)]);
        car.odometer_m += mps;
        car.number(Signal::Odometer, car.odometer_m.floor());
        car.number(
            Signal::BatteryPower,
            if second < 70.0 { -18_000.0 } else { 36_000.0 },
        );
        car.wait(1_000);
    }
    car.number(Signal::ConsumedEnergy, 500.15);
    car.switch_off();
    let trip = &trips(&finished(&fold(&car.samples, Marks::default())))[0];
    assert_eq!(trip.regained_wh, 200);
    assert_eq!(trip.used_wh, 150 + 200);
}

#[test]
fn the_other_factors_are_observed_when_their_signals_are_there() {
    let mut car = Car::new();
    car.flag(Signal::IsBelted, false);
    car.switch_on();
    for second in 0..120 {
        car.follow(&[(0.0, if second < 2 { 0.0 } else { 40.0 })]);
        car.odometer_m += 40.0;
        car.number(Signal::Odometer, car.odometer_m.floor());
        car.number(Signal::Lateral, if second % 2 == 0 { 4.5 } else { -2.5 });
        car.number(Signal::FrontDistance, if second < 60 { 30.0 } else { 80.0 });
        car.wait(1_000);
    }
    car.follow(&[(0.0, 0.0)]);
    car.switch_off();
    let trip = &trips(&finished(&fold(&car.samples, Marks::default())))[0];
    let seen = |factor| {
        let seen = trip
            .factors
            .iter()
            .find(|seen| seen.factor == factor)
            .unwrap();
        (seen.against_ms, seen.base_ms)
    };
    assert_eq!(trip.factors.len(), 6);
    // The odometer tells of the first second, in which the speed is still 0.
    assert_eq!(seen(Factor::AggressiveTurning), (59_000, 119_000));
    assert_eq!(seen(Factor::UnsafeFollowing), (58_000, 118_000));
    // Shares of the driving time keep their share, 118 of 120 s, over whole minutes.
    assert_eq!(seen(Factor::ExcessiveSpeed), (118_000, 120_000));
    assert_eq!(seen(Factor::Unbuckled), (118_000, 120_000));
    assert_eq!(seen(Factor::LateNight), (0, 120_000));
    let mut night = Car {
        now_ms: common::START_MS + 16 * 3_600_000,
        ..Car::new()
    };
    night.drive(&short_drive());
    let trip = &trips(&finished(&fold(&night.samples, Marks::default())))[0];
    let late = trip
        .factors
        .iter()
        .find(|seen| seen.factor == Factor::LateNight)
        .unwrap();
    assert_eq!(
        (late.against_ms, late.base_ms),
        (60_000 * 53 / 100, 120_000)
    );
}

#[test]
fn evidence_does_not_tell_the_seconds_of_its_trip() {
    // Unbelted on all of the way, and from 23:00 on: what is known of that hour and of the belt must not tell the end.
    let late_ms = common::START_MS + 15 * 3_600_000;
    let driven_s = |seconds: u32| {
        let mut car = Car {
            now_ms: late_ms,
            ..Car::new()
        };
        car.flag(Signal::IsBelted, false);
        car.switch_on();
        for second in 0..=seconds {
            car.number(Signal::Speed, 36.0);
            // The way itself is the same for all.
            if second < 60 {
                car.odometer_m += 10.0;
                car.number(Signal::Odometer, car.odometer_m.floor());
            }
            car.wait(1_000);
        }
        car.number(Signal::Speed, 0.0);
        car.switch_off();
        let trips = trips(&finished(&fold(&car.samples, Marks::default())));
        assert_eq!(trips.len(), 1, "{seconds} s: {trips:?}");
        trips[0].clone()
    };
    let first = driven_s(61);
    assert_eq!(first.driving, DrivingTime::Minutes(2), "{first:?}");
    let seen: Vec<_> = first
        .factors
        .iter()
        .filter(|seen| seen.against_ms > 0)
        .map(|seen| (seen.factor, seen.against_ms, seen.base_ms))
        .collect();
    assert_eq!(
        seen,
        [
            (Factor::HardBraking, 1_000, 1_000),
            (Factor::LateNight, 12_600, 120_000),
            (Factor::Unbuckled, 118_000, 120_000)
        ]
    );
    for seconds in 62..118 {
        assert_eq!(driven_s(seconds), first, "{seconds} s");
    }
    assert_ne!(driven_s(130), first);
}

#[test]
fn the_drive_state_does_not_wait_for_late_samples() {
    let mut car = Car::new();
    car.drive(&short_drive());
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut told = vec![telematics.drive_state()];
    for sample in &car.samples {
        for outcome in telematics.observe(sample) {
            if let Outcome::DriveState(state) = outcome {
                assert_eq!(telematics.drive_state(), state);
                told.push(state);
            }
        }
    }
    use DriveState::{Moving, Parked, Standing, Unknown};
    assert_eq!(told, [Unknown, Unknown, Standing, Moving, Standing, Parked]);
}

#[test]
fn what_was_driven_unseen_is_in_no_trip_with_its_energy_either() {
    let mut car = Car::new();
    car.number(Signal::ConsumedEnergy, 100.0);
    car.drive(&short_drive());
    car.number(Signal::ConsumedEnergy, 101.0);
    // The head unit was dead for 80 km.
    car.wait(4 * 3_600_000);
    car.odometer_m += 80_000.0;
    car.switch_on();
    car.wait(1_000);
    car.number(Signal::Speed, 30.0);
    car.wait(1_000);
    car.number(Signal::ConsumedEnergy, 114.0);
    car.wait(1_000);
    car.follow(&short_drive());
    car.number(Signal::ConsumedEnergy, 114.5);
    car.switch_off();
    let all = trips(&finished(&fold(&car.samples, Marks::default())));
    let [_, second] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(second.used_wh, 500, "{second:?}");
}
