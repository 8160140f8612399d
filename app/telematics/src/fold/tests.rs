//! Uses of each signal.

use super::*;
use crate::reading::Value;
use crate::signal::ValueKind;
use dashpoint_membership::{DEFAULT_POLICY_TOML, Policy};

/// A value that changes something for a car that charges with the ignition on.
fn value(signal: Signal) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    match (signal, signal.kind()) {
        (Signal::IsCharging, _) => Value::Bool(false),
        (Signal::Ignition, _) => text("OFF"),
        (Signal::MixSource, _) => text("SITE"),
        (Signal::AutonomyLevel, _) => text("SAE_2"),
        (Signal::PriceRules, _) => text("0:80"),
        (Signal::DayNight, _) => text("NIGHT"),
        (_, ValueKind::Flag) => Value::Bool(true),
        (_, ValueKind::Number { .. }) => Value::Number(1.0),
        (_, ValueKind::Text) => text("x"),
    }
}

fn instant(at_ms: i64, readings: &[(Signal, SignalReading)]) -> Batch {
    let stamped = |(signal, reading): &(Signal, SignalReading)| Stamped {
        signal: *signal,
        at_ms,
        reading: reading.clone(),
        retained: false,
        refitted: false,
        said_ms: at_ms,
        captured_ms: at_ms,
    };
    let readings = readings.iter().map(stamped).collect();
    Batch::Instant { at_ms, readings }
}

/// The fold of a car that charges, after one more reading.
fn folded(signal: Signal, reading: SignalReading) -> VehicleFold {
    let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
    let settings = Settings::new(&policy, 0);
    let (mut counts, mut out) = (Counts::default(), Vec::new());
    let mut context = FoldContext {
        settings: &settings,
        counts: &mut counts,
        out: &mut out,
    };
    let mut fold = VehicleFold::new(Marks::default());
    let charges = [
        (Signal::Ignition, Value::Text("ON".to_owned())),
        (Signal::IsCharging, Value::Bool(true)),
    ]
    .map(|(signal, value)| (signal, SignalReading::new(signal, &value).unwrap()));
    fold.take(&instant(1_000, &charges), &mut context);
    fold.take(&instant(2_000, &[(signal, reading)]), &mut context);
    fold
}

#[test]
fn each_signal_that_is_subscribed_to_has_a_use() {
    for &signal in Signal::ALL {
        let reading = SignalReading::new(signal, &value(signal)).unwrap();
        // The program matches the facts one by one: one without a use does not compile there.
        let is_fact = matches!(reading, SignalReading::Fact(_));
        let is_folded = folded(signal, reading) != folded(signal, SignalReading::Elsewhere);
        assert!(is_fact != is_folded, "{signal:?}");
    }
}
