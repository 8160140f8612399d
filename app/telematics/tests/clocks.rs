//! Clocks that differ, leap, or are set back: what was driven and charged is paid.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{
    METRES_PER_S, PACES, Pace, assert_driven, counter, cruise, fold_at, fold_both, give_back,
    number, say, start, stop, tell_all,
};
use common::{Car, START_MS, charges, finished, settings, trips};
use dashpoint_telematics::{Fault, Marks, Sample, Signal, Telematics, Value};
use proptest::prelude::*;

#[test]
fn a_first_record_ahead_costs_nothing() {
    for ahead_ms in [1_000, 3_000, 30_000, 59_000, 61_000, 300_000, 3 * 3_600_000] {
        for slept in [false, true] {
            for signal in [Signal::StateOfCharge, Signal::BatteryPower] {
                let mut car = Car::new();
                if slept {
                    start(&mut car, 0);
                    stop(&mut car, 0);
                    car.wait(10 * 3_600_000);
                }
                number(&mut car, signal, 60.0, ahead_ms);
                start(&mut car, 0);
                cruise(&mut car, 900, |car, _| tell_all(car, 0));
                stop(&mut car, 0);
                let case = format!("{signal:?} {ahead_ms} ms ahead, slept {slept}");
                assert_driven(&car, 15_000.0, 60.0, 1, &case);
            }
        }
    }
}

#[test]
fn one_sample_hours_ahead_costs_nothing() {
    for ahead_ms in [90_000, 3_600_000, 8 * 3_600_000, 23 * 3_600_000] {
        for signal in [Signal::Speed, Signal::Odometer, Signal::Gear] {
            let mut car = Car::new();
            start(&mut car, 0);
            cruise(&mut car, 60, |car, _| tell_all(car, 0));
            let value = if signal == Signal::Gear {
                127.0
            } else {
                car.odometer_m.min(60.0)
            };
            let value = if signal == Signal::Odometer {
                car.odometer_m
            } else {
                value
            };
            number(&mut car, signal, value, ahead_ms);
            cruise(&mut car, 1_200, |car, _| tell_all(car, 0));
            stop(&mut car, 0);
            car.wait(600_000);
            start(&mut car, 0);
            cruise(&mut car, 600, |car, _| tell_all(car, 0));
            stop(&mut car, 0);
            let case = format!("{signal:?} {ahead_ms} ms ahead");
            assert_driven(&car, 31_000.0, 40.0, 2, &case);
        }
    }
}

#[test]
fn an_odometer_stamped_earlier_counts() {
    for behind_ms in [1_000, 2_500, 5_000, 40_000] {
        let mut car = Car::new();
        start(&mut car, 0);
        cruise(&mut car, 1_200, |car, second| {
            number(car, Signal::Speed, 60.0, 0);
            if second % 30 == 29 {
                number(car, Signal::Odometer, car.odometer_m, -behind_ms);
            }
        });
        stop(&mut car, 0);
        assert_driven(&car, 20_000.0, 0.0, 1, &format!("{behind_ms} ms"));
    }
}

#[test]
fn a_counter_stamped_earlier_counts() {
    for behind_ms in [5_000, 40_000, 540_000] {
        let mut car = Car::new();
        counter(&mut car, -behind_ms);
        car.wait(10_000);
        counter(&mut car, -behind_ms);
        say(&mut car, Signal::IsCharging, Value::Bool(true), 0);
        for _ in 0..360 {
            car.wait(10_000);
            car.charged_kwh += 11.0 / 360.0;
            number(&mut car, Signal::ChargingPower, 11.0, 0);
            counter(&mut car, -behind_ms);
        }
        say(&mut car, Signal::IsCharging, Value::Bool(false), 0);
        for (outcomes, counts) in fold_both(&car) {
            let charges = charges(&finished(&outcomes));
            let wh: u64 = charges.iter().map(|charge| charge.charged.length()).sum();
            assert_eq!(
                (wh, charges.len()),
                (11_000, 1),
                "{behind_ms} ms: {counts:?}"
            );
            assert_eq!(counts.all_faults(Fault::Late), 0);
        }
    }
}

#[test]
fn two_clocks_drive_one_trip() {
    for ahead_ms in [-50_000_i64, -5_000, 5_000, 50_000, 2 * 3_600_000] {
        let mut car = Car::new();
        start(&mut car, 0);
        cruise(&mut car, 1_200, |car, second| {
            if ahead_ms.abs() < 60_000 || second % 60 == 0 {
                number(car, Signal::StateOfCharge, 60.0, ahead_ms);
            }
            tell_all(car, 0);
        });
        stop(&mut car, 0);
        assert_driven(&car, 20_000.0, 40.0, 1, &format!("{ahead_ms} ms"));
        for (_, counts) in fold_both(&car) {
            assert_eq!(counts.all_faults(Fault::Late), 0);
        }
    }
}

#[test]
fn a_clock_set_back_loses_nothing() {
    for back_ms in [90_000, 3_600_000, 8 * 3_600_000] {
        let mut car = Car::new();
        start(&mut car, 0);
        cruise(&mut car, 1_800, |car, _| tell_all(car, 0));
        cruise(&mut car, 5_400, |car, _| tell_all(car, -back_ms));
        stop(&mut car, -back_ms);
        assert_driven(&car, 120_000.0, 400.0, 2, &format!("{back_ms} ms"));
    }
}

#[test]
fn a_late_fix_costs_a_minute() {
    for ahead_ms in [3_600_000, 8 * 3_600_000, 19 * 3_600_000] {
        let mut car = Car::new();
        start(&mut car, ahead_ms);
        cruise(&mut car, 40, |car, _| tell_all(car, ahead_ms));
        cruise(&mut car, 3_600, |car, _| tell_all(car, 0));
        stop(&mut car, 0);
        assert_driven(
            &car,
            3_640.0 * METRES_PER_S,
            1_000.0,
            2,
            &format!("{ahead_ms} ms"),
        );
    }
}

#[test]
fn a_poller_moves_nobody_else() {
    // Two signals of another source, two hours ahead, also in a car that is seldom heard.
    for (frame_s, poll_s) in [(1, 60), (1, 7), (18, 60), (18, 100)] {
        let mut car = Car::new();
        start(&mut car, 0);
        cruise(&mut car, 1_200, |car, second| {
            if second % frame_s == 0 {
                tell_all(car, 0);
            }
            if second % poll_s == 5 && second > 300 {
                number(car, Signal::StateOfCharge, 60.0, 2 * 3_600_000);
                counter(car, 2 * 3_600_000);
            }
        });
        stop(&mut car, 0);
        let case = format!("{frame_s} s, {poll_s} s");
        assert_driven(&car, 20_000.0, 0.0, 1, &case);
        for (outcomes, counts) in fold_both(&car) {
            let started = trips(&finished(&outcomes))[0].started.as_unix_s();
            let drift_s = started - START_MS / 1_000;
            assert!((-300..=60).contains(&drift_s), "{case}: {drift_s} s");
            assert_eq!(counts.all_faults(Fault::Late), 0, "{case}");
        }
    }
}

#[test]
fn a_corrected_clock_dates_the_trip() {
    let drive = |ahead_ms: i64, pace: Pace| {
        let mut car = Car::new();
        start(&mut car, ahead_ms);
        cruise(&mut car, 40, |car, _| tell_all(car, ahead_ms));
        cruise(&mut car, 1_200, |car, _| tell_all(car, 0));
        stop(&mut car, 0);
        let (outcomes, counts) = fold_at(pace, &car);
        let trips = trips(&finished(&outcomes));
        assert_eq!(trips.len(), 1, "{ahead_ms}: {trips:?} {counts:?}");
        trips[0].clone()
    };
    let right = drive(0, Pace::Live);
    for (ahead_ms, pace) in [300_000, 8 * 3_600_000]
        .into_iter()
        .flat_map(|ahead_ms| PACES.map(|pace| (ahead_ms, pace)))
    {
        let trip = drive(ahead_ms, pace);
        let drift_s = trip.started.as_unix_s() - START_MS / 1_000;
        assert!((-300..=0).contains(&drift_s), "{ahead_ms}: {drift_s} s");
        assert_eq!(trip.odometer, right.odometer, "{ahead_ms}");
        assert_eq!(trip.score_x100, right.score_x100, "{trip:?}");
        assert!(trip.missed_s <= 10, "{trip:?}");
    }
}

#[test]
fn what_is_sent_again_counts_once() {
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 300, |car, _| tell_all(car, 0));
    stop(&mut car, 0);
    car.wait(60_000);
    give_back(&mut car);
    let once = finished(&fold_at(Pace::Live, &car).0);
    assert_eq!(once.len(), 2, "{once:?}");
    let again = car.samples.clone();
    car.wait(100_000);
    number(&mut car, Signal::StateOfCharge, 60.0, 0);
    number(&mut car, Signal::BatteryPower, 0.0, 0);
    car.samples.extend(again);
    car.wait(10_000);
    number(&mut car, Signal::StateOfCharge, 60.0, 0);
    number(&mut car, Signal::BatteryPower, 0.0, 0);
    for (outcomes, _) in fold_both(&car) {
        assert_eq!(finished(&outcomes), once);
    }
}

#[test]
fn a_late_clock_gives_back_exactly() {
    for off_ms in [-40_000, 0, 40_000] {
        let mut car = Car::new();
        for second in 0..3_600 {
            car.wait(1_000);
            number(&mut car, Signal::Speed, 0.0, 0);
            if second % 10 == 0 {
                number(&mut car, Signal::BatteryPower, -10_000.0, off_ms);
                if second == 600 {
                    say(&mut car, Signal::IsDischarging, Value::Bool(true), off_ms);
                }
            }
        }
        say(&mut car, Signal::IsDischarging, Value::Bool(false), off_ms);
        for (outcomes, _) in fold_both(&car) {
            let given: Vec<u64> = finished(&outcomes)
                .iter()
                .map(|finished| finished.evidence.interval().length())
                .collect();
            assert_eq!(given.len(), 1, "{off_ms} ms");
            assert!(given[0].abs_diff(8_305) <= 30, "{off_ms} ms: {given:?}");
        }
    }
}

#[test]
fn old_values_keep_the_trip() {
    // After a restart in a trip the first words are minutes apart.
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 300, |car, _| tell_all(car, 0));
    let seen = car.samples.len();
    car.wait(5_000);
    number(&mut car, Signal::Speed, 60.0, 0);
    let odometer_m = car.odometer_m;
    number(&mut car, Signal::Odometer, odometer_m, -250_000);
    counter(&mut car, -540_000);
    number(&mut car, Signal::StateOfCharge, 60.0, -540_000);
    cruise(&mut car, 300, |car, _| tell_all(car, 0));
    stop(&mut car, 0);
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &car.samples[..seen] {
        telematics.observe(sample);
    }
    let checkpoint = telematics.checkpoint();
    let (mut woken, mut outcomes) = Telematics::resume(settings(), telematics.marks(), checkpoint);
    for sample in &car.samples[seen..] {
        outcomes.extend(woken.observe(sample));
    }
    outcomes.extend(woken.drain());
    let trips = trips(&finished(&outcomes));
    assert_eq!(trips.len(), 1, "{trips:?}");
    assert_eq!(trips[0].odometer.length(), 10_000);
}

#[test]
fn a_wild_stamp_of_the_leader_moves_nobody() {
    // The other signals are some seconds off, so that one alone keeps the time of the bus.
    let mut car = Car::new();
    for _ in 0..3 {
        start(&mut car, 0);
        car.wait(30_000);
    }
    cruise(&mut car, 900, |car, second| {
        number(car, Signal::Speed, 60.0, 1_501);
        number(car, Signal::Odometer, car.odometer_m, -6_281);
        number(car, Signal::StateOfCharge, 60.0, -3_281);
        number(car, Signal::BatteryPower, -9_000.0, 0);
        if second == 32 {
            number(car, Signal::StateOfCharge, 60.0, 3_600_000);
        }
    });
    stop(&mut car, 0);
    assert_driven(&car, 15_000.0, 85.0, 1, "a wild stamp of the leader");
}

#[test]
fn two_wild_stamps_move_nobody() {
    // In one second, in a car whose other signals are some seconds off.
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 900, |car, second| {
        number(car, Signal::Speed, 60.0, -5_400);
        number(car, Signal::Odometer, car.odometer_m, -4_900);
        number(car, Signal::StateOfCharge, 60.0, -2_400);
        number(car, Signal::BatteryPower, -9_000.0, 0);
        if second == 800 {
            number(car, Signal::StateOfCharge, 60.0, 3_600_000);
            number(car, Signal::StateOfCharge, 60.0, 7_200_000);
        }
    });
    stop(&mut car, 0);
    assert_driven(&car, 15_000.0, 85.0, 1, "two wild stamps");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each signal has a clock of its own, within the tolerance, and now and then a wild time.
    #[test]
    fn clocks_within_the_tolerance_lose_nothing(
        offs_ms in prop::array::uniform4(-25_000_i64..25_000),
        wild in prop::collection::vec((0_u32..900, -20_i64..20), 0..6),
    ) {
        let mut car = Car::new();
        for _ in 0..3 {
            start(&mut car, 0);
            car.wait(30_000);
        }
        cruise(&mut car, 900, |car, second| {
            number(car, Signal::Speed, 60.0, offs_ms[0]);
            number(car, Signal::Odometer, car.odometer_m, offs_ms[1]);
            number(car, Signal::StateOfCharge, 60.0, offs_ms[2]);
            number(car, Signal::BatteryPower, -9_000.0, offs_ms[3]);
            for (at, hours) in &wild {
                if *at == second {
                    number(car, Signal::StateOfCharge, 60.0, hours * 3_600_000);
                }
            }
        });
        car.wait(1_000);
        number(&mut car, Signal::Speed, 0.0, offs_ms[0]);
        car.wait(40_000);
        say(&mut car, Signal::Ignition, Value::Text("OFF".to_owned()), 0);
        for (outcomes, counts) in fold_both(&car) {
        let trips = trips(&finished(&outcomes));
        let paid: u64 = trips.iter().map(|trip| trip.odometer.length()).sum();
        // The clock that is ahead waits two seconds for the others, and the odometer goes on meanwhile.
        prop_assert!((14_915..=15_001).contains(&paid), "{paid}: {counts:?}");
        prop_assert_eq!(trips.len(), 1);
    }
}
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Cars of any cadence, with a source for each signal, whose clocks are set back or ahead once on the way.
    #[test]
    fn changing_clocks_pay_what_was_driven(
        frame_s in prop::sample::select(vec![1_u32, 2, 5, 10, 18, 30, 45, 60]),
        behind_ms in prop::array::uniform3(0_i64..540_000),
        changed_s in 60_u32..800,
        change_ms in prop::sample::select(vec![-36_000_000_i64, -3_600_000, -90_000, -20_000, 0, 3_000, 30_000, 50_000]),
        poller_ms in prop::sample::select(vec![0_i64, 5_000, 7_200_000, -7_200_000]),
    ) {
        let mut car = Car::new();
        start(&mut car, 0);
        let mut off_ms = 0;
        cruise(&mut car, 900, |car, second| {
            if second == changed_s {
                off_ms = change_ms;
            }
            if second % frame_s == 0 {
                number(car, Signal::Speed, 60.0, off_ms);
                number(car, Signal::Odometer, car.odometer_m, off_ms - behind_ms[0] / 20);
                number(car, Signal::BatteryPower, -9_000.0, off_ms - behind_ms[1] / 20);
            }
            if second % 60 == 7 {
                number(car, Signal::StateOfCharge, 60.0, poller_ms);
                counter(car, poller_ms - behind_ms[2]);
            }
        });
        car.wait(1_000);
        number(&mut car, Signal::Speed, 0.0, off_ms);
        let odometer_m = car.odometer_m;
        number(&mut car, Signal::Odometer, odometer_m, off_ms - behind_ms[0] / 20);
        car.wait(1_000);
        say(&mut car, Signal::Ignition, Value::Text("OFF".to_owned()), off_ms);
        for pace in PACES {
        let (outcomes, counts) = fold_at(pace, &car);
        let finished = finished(&outcomes);
        let paid: u64 = trips(&finished).iter().map(|trip| trip.odometer.length()).sum();
        prop_assert!(paid <= 15_001, "{paid}: {counts:?}");
        // At worst the last frame is still waiting for another one when the car is switched off. A clock that is set back is
        // proven by three frames, and where they last longer than a trip may be silent, their metres are between two trips.
        // A recording tells of no silence, so that the last frames may wait.
        let is_set_back = change_ms < -60_000;
        let lost_frames = match (frame_s, pace) {
            (45 | 60, _) if is_set_back => 4,
            (30, _) if is_set_back => 3,
            (10.., Pace::Recording) => 3,
            _ => 1,
        };
        let least = 14_900 - 17 * u64::from(frame_s * lost_frames);
        prop_assert!(paid >= least, "{paid} in {}: {counts:?}", trips(&finished).len());
        prop_assert!(trips(&finished).len() <= 2, "{finished:?}");
        prop_assert_eq!(charges(&finished).len(), 0);
    }
}
}

#[test]
fn a_time_alone_goes_on() {
    // A signal that speaks alone after a night is all of the bus.
    let mut car = Car::new();
    counter(&mut car, 0);
    car.wait(10_000);
    counter(&mut car, 0);
    car.wait(8 * 3_600_000);
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &car.samples {
        telematics.observe(sample);
    }
    for _ in 0..30 {
        car.wait(10_000);
        telematics.observe(&Sample {
            signal: Signal::ChargedEnergy,
            value: Value::Number(car.charged_kwh),
            ts_ms: car.now_ms,
            retained: false,
        });
    }
    assert!(telematics.bus_time_ms().unwrap() > START_MS + 8 * 3_600_000);
}
