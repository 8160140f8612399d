//! Facts about the car come out of the same checks as everything else.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{START_MS, settings};
use dashpoint_telematics::{
    Checkpoint, DriveState, Marks, Outcome, Sample, Signal, Telematics, Value, VehicleFact,
};

const DAYS_MS: i64 = 24 * 3_600_000;
const PARK: f64 = 126.0;

fn telematics() -> Telematics {
    Telematics::new(settings(), Marks::default())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Says a value so many milliseconds after the start, and gives the facts that are told.
fn say(to: &mut Telematics, after_ms: i64, signal: Signal, value: Value) -> Vec<VehicleFact> {
    told(to.observe(&Sample {
        signal,
        value,
        ts_ms: START_MS + after_ms,
        retained: false,
    }))
}

fn told(outcomes: Vec<Outcome>) -> Vec<VehicleFact> {
    let fact = |outcome| match outcome {
        Outcome::VehicleFact(fact) => Some(fact),
        Outcome::DriveState(_)
        | Outcome::TripStarted { .. }
        | Outcome::Finished(_)
        | Outcome::Mark(_)
        | Outcome::MeterOpened(_)
        | Outcome::Checkpoint(_) => None,
    };
    outcomes.into_iter().filter_map(fact).collect()
}

#[test]
fn a_fact_is_told_once_when_its_value_and_its_time_are_believed() {
    let mut car = telematics();
    let charge = |percent| vec![VehicleFact::ChargePercent(percent)];
    let number = Value::Number;
    let signal = Signal::StateOfCharge;
    assert_eq!(say(&mut car, 0, signal, number(80.0)), charge(80.0));
    assert_eq!(say(&mut car, 1_000, signal, number(80.0)), []);
    assert_eq!(say(&mut car, 2_000, signal, number(900.0)), []);
    assert_eq!(say(&mut car, 2_000, signal, text("full")), []);
    assert_eq!(say(&mut car, 3_000, signal, number(79.0)), charge(79.0));
    // One that was overtaken is no news.
    assert_eq!(say(&mut car, 2_500, signal, number(12.0)), []);
    // A strange time waits until three signals agree on it.
    let later_ms = 2 * DAYS_MS;
    assert_eq!(say(&mut car, later_ms, signal, number(11.0)), []);
    assert_eq!(say(&mut car, 4_000, signal, number(78.0)), charge(78.0));
    assert_eq!(say(&mut car, later_ms, Signal::DayNight, text("NIGHT")), []);
    assert_eq!(
        say(&mut car, later_ms, Signal::Connectivity, Value::Bool(false)),
        [
            VehicleFact::ChargePercent(11.0),
            VehicleFact::NightMode(true),
            VehicleFact::Connectivity(false)
        ]
    );
}

#[test]
fn a_vin_that_contradicts_counts_whatever_its_time_and_only_one_in_order_ends_the_doubt() {
    let mut car = telematics();
    let (own, other) = ("LDPTEST0000000001", "LDPTEST0000000002");
    let vin = |vin: &str| vec![VehicleFact::Vin(vin.to_owned())];
    assert_eq!(say(&mut car, 0, Signal::Vin, text(own)), vin(own));
    for strange_ms in [-3_000, 2 * DAYS_MS] {
        assert_eq!(
            say(&mut car, strange_ms, Signal::Vin, text(other)),
            vin(other)
        );
        assert_eq!(say(&mut car, -2_000, Signal::Vin, text(own)), []);
        assert_eq!(say(&mut car, 2 * DAYS_MS, Signal::Vin, text(own)), []);
        assert_eq!(say(&mut car, 1_000, Signal::Vin, text(own)), vin(own));
    }
}

#[test]
fn a_reading_of_a_strange_time_can_only_restrict() {
    let mut car = telematics();
    let number = Value::Number;
    say(&mut car, 0, Signal::Speed, number(50.0));
    assert_eq!(car.drive_state(), DriveState::Moving);
    for after_ms in [2 * DAYS_MS, -2 * DAYS_MS] {
        say(&mut car, after_ms, Signal::Gear, number(PARK));
        say(&mut car, after_ms, Signal::Speed, number(0.0));
        assert_eq!(car.drive_state(), DriveState::Moving);
    }
    // What follows in order is heard.
    say(&mut car, 1_000, Signal::Speed, number(0.0));
    assert_eq!(car.drive_state(), DriveState::Standing);
    say(&mut car, 2_000, Signal::Gear, number(PARK));
    assert_eq!(car.drive_state(), DriveState::Parked);
    say(&mut car, 4 * DAYS_MS, Signal::Speed, number(20.0));
    assert_eq!(car.drive_state(), DriveState::Moving);
    say(&mut car, 3_000, Signal::Speed, number(0.0));
    assert_eq!(car.drive_state(), DriveState::Parked);
    // The bus itself moves to another time: what it says there holds.
    let before_ms = -2 * DAYS_MS;
    say(&mut car, before_ms, Signal::Gear, number(127.0));
    say(&mut car, before_ms, Signal::Ignition, text("ON"));
    say(&mut car, before_ms, Signal::Odometer, number(1_000.0));
    assert_eq!(car.drive_state(), DriveState::Standing);
}

/// A checkpoint of a version that subscribed to more signals, with one of them waiting.
#[test]
fn a_checkpoint_with_signals_that_are_not_used_any_more_is_read() {
    let mut car = telematics();
    say(&mut car, 0, Signal::Odometer, Value::Number(1_000.0));
    say(&mut car, 5_000, Signal::Odometer, Value::Number(1_010.0));
    let checkpoint = car.checkpoint();
    let mut kept = serde_json::to_value(&checkpoint).unwrap();
    let mut waiting = kept["waiting"][0].clone();
    waiting["signal"] = "abs-engaged".into();
    waiting["reading"] = "Elsewhere".into();
    kept["waiting"].as_array_mut().unwrap().push(waiting);
    kept["fold"]["picture"]["seen_ms"]["parking-brake"] = START_MS.into();
    let read: Checkpoint = serde_json::from_value(kept).unwrap();
    assert_eq!(read, checkpoint);
}

#[test]
fn no_checkpoint_holds_the_vin() {
    let mut car = telematics();
    let vin = "LDPTEST0000000001";
    say(&mut car, 0, Signal::Vin, text(vin));
    let kept = serde_json::to_string(&car.checkpoint()).unwrap();
    assert!(!kept.contains(vin), "{kept}");
}
