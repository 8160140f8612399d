//! Clocks that are off follow and never lead: bursts, flushes and copies pay nothing that was not driven or charged.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{
    Pace, counter, cruise, fold_at, fold_both, give_back, number, say, start, stop, tell_all,
};
use common::{Car, START_MS, charges, finished, settings, trips};
use dashpoint_telematics::{
    Checkpoint, DriveState, Fault, Finished, Marks, Outcome, Sample, Signal, Telematics, Value,
};

/// Says the counter with a stamp of so long ago, and how far it was then.
fn old_counter(car: &mut Car, kwh: f64, ago_ms: i64) {
    number(car, Signal::ChargedEnergy, kwh, -ago_ms);
}

/// A drive in which braking gives 1 Wh a second back, and the counter of charged energy counts it.
fn regain(car: &mut Car, seconds: u32, ago_ms: i64) {
    cruise(car, seconds, |car, second| {
        tell_all(car, 0);
        car.charged_kwh += 0.001;
        if second % 10 == 9 {
            let then_kwh = car.charged_kwh - ago_ms as f64 / 1e6;
            old_counter(car, then_kwh, ago_ms);
        }
    });
}

fn through_bytes(checkpoint: &Checkpoint) -> Checkpoint {
    serde_json::from_slice(&serde_json::to_vec(checkpoint).unwrap()).unwrap()
}

#[test]
fn a_burst_of_counters_leads_nobody() {
    for slept_s in [100, 600] {
        let mut car = Car::new();
        counter(&mut car, 0);
        start(&mut car, 0);
        let from_kwh = car.charged_kwh;
        cruise(&mut car, 700, |car, _| {
            tell_all(car, 0);
            car.charged_kwh += 0.001;
        });
        for ago_s in (0..=slept_s).rev().step_by(10) {
            let kwh = car.charged_kwh - ago_s as f64 / 1_000.0;
            old_counter(&mut car, kwh.max(from_kwh), ago_s * 1_000);
        }
        let mut telematics = Telematics::new(settings(), Marks::default());
        for sample in &car.samples {
            telematics.observe(sample);
        }
        let ahead_ms = telematics.bus_time_ms().unwrap() - car.now_ms;
        assert!((-2_000..=2_000).contains(&ahead_ms), "{ahead_ms} ms");
        regain(&mut car, 500, 0);
        stop(&mut car, 0);
        car.wait(60_000);
        counter(&mut car, 0);
        start(&mut car, 0);
        for (outcomes, counts) in fold_both(&car) {
            let finished = finished(&outcomes);
            let trips = trips(&finished);
            assert_eq!(trips.len(), 1, "{trips:?} {counts:?}");
            assert_eq!(trips[0].odometer.length(), 20_000);
            assert!(trips[0].missed_s <= 2, "{:?}", trips[0]);
            assert_eq!(charges(&finished), [], "{slept_s} s");
        }
    }
}

#[test]
fn flushes_by_topic_pay_the_way() {
    let topics = [Signal::Speed, Signal::Odometer, Signal::BatteryPower];
    for flush_s in [5_usize, 10, 30] {
        for turn in 0..3 {
            let mut car = Car::new();
            start(&mut car, 0);
            let head = car.samples.len();
            cruise(&mut car, 1_200, |car, _| {
                tell_all(car, 0);
                number(car, Signal::BatteryPower, -9_000.0, 0);
            });
            let said = car.samples.split_off(head);
            let flush_len = flush_s * topics.len();
            // All of a flush arrives at its end.
            for (before, _) in &mut car.silences_ms {
                *before -= before.saturating_sub(head) % flush_len;
            }
            for flush in said.chunks(flush_len) {
                for index in 0..topics.len() {
                    let topic = topics[(index + turn) % topics.len()];
                    let of_topic = flush.iter().filter(|sample| sample.signal == topic);
                    car.samples.extend(of_topic.cloned());
                }
            }
            stop(&mut car, 0);
            for (outcomes, counts) in fold_both(&car) {
                let trips = trips(&finished(&outcomes));
                let case = format!(
                    "{flush_s} s, {:?} first: {trips:?} {counts:?}",
                    topics[turn]
                );
                assert_eq!(trips.len(), 1, "{case}");
                let least_m = 20_000 - 20 * u64::try_from(flush_s).unwrap();
                let length_m = trips[0].odometer.length();
                assert!((least_m..=20_001).contains(&length_m), "{case}");
                let drift_s = trips[0].started.as_unix_s() - START_MS / 1_000;
                assert!((-300..=0).contains(&drift_s), "{case}");
                if turn == 0 {
                    assert!(trips[0].missed_s <= 2, "{case}");
                }
            }
        }
    }
}

/// Ten minutes of giving back, and what they were worth.
fn given_back() -> (Car, Vec<Finished>) {
    let mut car = Car::new();
    number(&mut car, Signal::StateOfCharge, 60.0, 0);
    give_back(&mut car);
    for _ in 0..2 {
        car.wait(5_000);
        number(&mut car, Signal::BatteryPower, 0.0, 0);
        number(&mut car, Signal::StateOfCharge, 60.0, 0);
    }
    let once = finished(&fold_at(Pace::Live, &car).0);
    assert_eq!(once.len(), 1);
    (car, once)
}

#[test]
fn a_replay_after_a_restart_pays_nothing() {
    let (mut car, once) = given_back();
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes: Vec<Outcome> = car
        .samples
        .iter()
        .flat_map(|sample| telematics.observe(sample))
        .collect();
    car.wait(10_000);
    let again = std::mem::take(&mut car.samples);
    let checkpoint = telematics.checkpoint();
    for (first, later) in [(true, false), (false, true), (true, true)] {
        for is_lost in [false, true] {
            let mut outcomes = outcomes.clone();
            let (mut woken, first_outcomes) = if is_lost {
                let marks = telematics.marks();
                (Telematics::new(settings(), marks), Vec::new())
            } else {
                Telematics::resume(settings(), telematics.marks(), through_bytes(&checkpoint))
            };
            outcomes.extend(first_outcomes);
            let mut live = Car::new();
            live.now_ms = car.now_ms + 600_000;
            for _ in 0..30 {
                live.wait(1_000);
                number(&mut live, Signal::StateOfCharge, 60.0, 0);
                number(&mut live, Signal::Speed, 0.0, 0);
            }
            let mut said = Vec::new();
            // Without a checkpoint, what comes before the first live word is a history like any other.
            if first && !is_lost {
                said.extend(again.clone());
            }
            said.extend(live.samples.clone());
            if later {
                said.extend(again.clone());
                said.extend(again.clone());
            }
            for sample in &said {
                outcomes.extend(woken.observe(sample));
            }
            outcomes.extend(woken.drain());
            assert_eq!(finished(&outcomes), once, "{first} {later} {is_lost}");
        }
    }
    outcomes.extend(telematics.drain());
    assert_eq!(finished(&outcomes), once);
}

#[test]
fn a_poller_of_many_signals_follows() {
    // More signals than the car has, hours off, and for long.
    for (frame_s, poll_s) in [(1, 10), (18, 7), (30, 10), (60, 10)] {
        for off_ms in [7_200_000, -7_200_000] {
            let mut car = Car::new();
            start(&mut car, 0);
            cruise(&mut car, 5_400, |car, second| {
                if second % frame_s == 0 {
                    tell_all(car, 0);
                }
                if second % poll_s == 3 {
                    number(car, Signal::StateOfCharge, 60.0, off_ms);
                    number(car, Signal::BatteryPower, -9_000.0, off_ms);
                    number(car, Signal::ChargingPower, 0.0, off_ms);
                    counter(car, off_ms);
                }
            });
            stop(&mut car, 0);
            for (outcomes, counts) in fold_both(&car) {
                let trips = trips(&finished(&outcomes));
                let case = format!("{frame_s} s, {poll_s} s, {off_ms} ms: {trips:?} {counts:?}");
                assert_eq!(trips.len(), 1, "{case}");
                assert_eq!(trips[0].odometer.length(), 90_000, "{case}");
                let drift_s = trips[0].started.as_unix_s() - START_MS / 1_000;
                assert!((-300..=60).contains(&drift_s), "{case}");
            }
        }
    }
}

#[test]
fn a_long_burst_keeps_its_newest() {
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 300, |car, second| {
        tell_all(car, 0);
        if !(180..=200).contains(&second) {
            number(car, Signal::BatteryPower, -9_000.0, 3_600_000);
        }
        if second == 200 {
            for index in 1..=1_100 {
                number(car, Signal::BatteryPower, -9_000.0, 3_588_000 + index * 10);
            }
        }
    });
    stop(&mut car, 0);
    for (_, counts) in fold_both(&car) {
        assert_eq!(counts.all_faults(Fault::Late), 0, "{counts:?}");
    }
}

#[test]
fn regeneration_after_a_trip_is_unpaid() {
    // What rose in the last ten seconds of the drive is told only after it, as one step of the counter.
    for ago_s in [0_u32, 40, 300] {
        let mut car = Car::new();
        counter(&mut car, 0);
        start(&mut car, 0);
        regain(&mut car, 1_200, i64::from(ago_s) * 1_000);
        stop(&mut car, 0);
        let end_kwh = car.charged_kwh;
        // The rest of the drive is told while the car is parked, and then plugged in.
        for waited_s in (0..=ago_s).step_by(10) {
            if waited_s == 20 {
                say(&mut car, Signal::IsCharging, Value::Bool(true), 0);
            }
            let kwh = end_kwh - f64::from(ago_s - waited_s) / 1_000.0;
            old_counter(&mut car, kwh, i64::from(ago_s) * 1_000);
            car.wait(10_000);
        }
        if ago_s == 0 {
            say(&mut car, Signal::IsCharging, Value::Bool(true), 0);
        }
        for _ in 0..360 {
            car.wait(10_000);
            car.charged_kwh += 0.01;
            let kwh = car.charged_kwh;
            old_counter(&mut car, kwh, i64::from(ago_s) * 1_000);
        }
        say(&mut car, Signal::IsCharging, Value::Bool(false), 0);
        for (outcomes, counts) in fold_both(&car) {
            let charges = charges(&finished(&outcomes));
            let wh: u64 = charges.iter().map(|charge| charge.charged.length()).sum();
            assert!(
                (3_590..=3_610).contains(&wh),
                "{ago_s} s: {charges:?} {counts:?}"
            );
        }
    }
}

#[test]
fn a_late_gear_changes_no_state() {
    // The gear's clock is ahead: a copy of an older one must not be taken for the newest word.
    let mut car = Car::new();
    start(&mut car, 0);
    let mut copy = None;
    cruise(&mut car, 120, |car, second| {
        tell_all(car, 0);
        if second % 10 == 5 {
            let gear = if second == 5 { 126.0 } else { 127.0 };
            number(car, Signal::Gear, gear, 50_000);
            if second == 5 {
                copy = car.samples.last().cloned();
            }
        }
    });
    car.wait(1_000);
    number(&mut car, Signal::Speed, 0.0, 0);
    let odometer_m = car.odometer_m;
    number(&mut car, Signal::Odometer, odometer_m, 0);
    let mut copy = copy.unwrap();
    copy.ts_ms = car.now_ms + 20_000;
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &car.samples {
        telematics.observe(sample);
    }
    assert_eq!(telematics.drive_state(), DriveState::Standing);
    telematics.observe(&copy);
    assert_eq!(telematics.counts().faults(Signal::Gear, Fault::Late), 1);
    assert_eq!(telematics.drive_state(), DriveState::Standing);
}

#[test]
fn a_refitted_power_gives_nothing() {
    let mut car = Car::new();
    for second in 0..60 {
        car.wait(1_000);
        number(&mut car, Signal::Speed, 0.0, 0);
        if second == 2 {
            number(&mut car, Signal::BatteryPower, -10_000.0, -120_000);
            say(&mut car, Signal::IsDischarging, Value::Bool(true), 0);
        }
        if second > 2 && second % 10 == 2 {
            number(
                &mut car,
                Signal::BatteryPower,
                -10_000.0,
                i64::from(second) * 1_000 - 120_000,
            );
        }
    }
    say(&mut car, Signal::IsDischarging, Value::Bool(false), 0);
    for (outcomes, _) in fold_both(&car) {
        assert_eq!(finished(&outcomes), []);
    }
}

#[test]
fn a_wild_first_word_is_no_clock() {
    // The first word of a signal is two hours ahead, and all others of it are right.
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 60, |car, _| tell_all(car, 0));
    number(&mut car, Signal::BatteryPower, -9_000.0, 7_200_000);
    cruise(&mut car, 600, |car, _| {
        tell_all(car, 0);
        number(car, Signal::BatteryPower, -9_000.0, 0);
    });
    stop(&mut car, 0);
    for (outcomes, counts) in fold_both(&car) {
        assert_eq!(counts.all_faults(Fault::Late), 0, "{counts:?}");
        let used_wh = trips(&finished(&outcomes))[0].used_wh;
        assert!(used_wh.abs_diff(1_500) <= 10, "{used_wh}");
    }
}

#[test]
fn a_restart_begins_at_no_old_stamp() {
    // The first word after a restart is of a clock that was nine minutes behind, and is no longer.
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 300, |car, second| {
        tell_all(car, 0);
        if second % 10 == 0 {
            counter(car, -540_000);
        }
    });
    let seen = car.samples.len();
    car.wait(5_000);
    counter(&mut car, 0);
    cruise(&mut car, 300, |car, _| tell_all(car, 0));
    stop(&mut car, 0);
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &car.samples[..seen] {
        telematics.observe(sample);
    }
    let checkpoint = through_bytes(&telematics.checkpoint());
    let (mut woken, mut outcomes) = Telematics::resume(settings(), telematics.marks(), checkpoint);
    let after: &[Sample] = &car.samples[seen..];
    for sample in after {
        outcomes.extend(woken.observe(sample));
    }
    outcomes.extend(woken.drain());
    let trips = trips(&finished(&outcomes));
    assert_eq!(trips.len(), 1, "{trips:?}");
    assert_eq!(trips[0].odometer.length(), 10_000);
    assert!(trips[0].missed_s <= 10, "{trips:?}");
}

/// Drops these keys wherever they are.
fn drop_keys(value: &mut serde_json::Value, keys: &[&str]) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.retain(|key, _| !keys.contains(&key.as_str()));
            fields.values_mut().for_each(|field| drop_keys(field, keys));
        }
        serde_json::Value::Array(items) => {
            items.iter_mut().for_each(|item| drop_keys(item, keys));
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

#[test]
fn an_earlier_checkpoint_is_read() {
    let mut car = Car::new();
    say(
        &mut car,
        Signal::DriverSubject,
        Value::Text("lin".to_owned()),
        0,
    );
    start(&mut car, 0);
    cruise(&mut car, 60, |car, _| tell_all(car, 0));
    // A name that is too old to be believed stays in the checkpoint.
    say(
        &mut car,
        Signal::DriverSubject,
        Value::Text("wang".to_owned()),
        -3_600_000,
    );
    number(&mut car, Signal::Speed, 60.0, 0);
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &car.samples {
        telematics.observe(sample);
    }
    let mut earlier = serde_json::to_value(telematics.checkpoint()).unwrap();
    let text = earlier.to_string();
    for key in ["said_ms", "wang"] {
        assert!(text.contains(key), "{key}: {text}");
    }
    let new = [
        "refitted",
        "said_ms",
        "captured_ms",
        "clocks",
        "braking",
        "charge_from_m",
        "leap_ms",
        "trip_ended_ms",
        "discharged_said_ms",
    ];
    drop_keys(&mut earlier, &new);
    let read: Checkpoint = serde_json::from_value(earlier).unwrap();
    assert_eq!(read.at_ms(), telematics.checkpoint().at_ms());
    let drivers = [telematics.checkpoint(), read].map(|checkpoint| {
        let (woken, _) = Telematics::resume(settings(), telematics.marks(), checkpoint);
        woken.trip_driver().cloned()
    });
    assert_eq!(drivers[0], drivers[1]);
}
