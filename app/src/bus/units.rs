//! Units of the signals that Dashpoint uses, and of cars that publish them otherwise.

use dashpoint_telematics::{Signal, ValueKind};

/// The quantity that a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Speed,
    Length,
    Acceleration,
    Power,
    Energy,
    Share,
}

/// A unit: so many of the base unit of its quantity.
const UNITS: [(&str, Quantity, f64); 20] = [
    ("km/h", Quantity::Speed, 1.0),
    ("m/s", Quantity::Speed, 3.6),
    ("mph", Quantity::Speed, 1.609_344),
    ("m", Quantity::Length, 1.0),
    ("km", Quantity::Length, 1_000.0),
    ("cm", Quantity::Length, 0.01),
    ("mile", Quantity::Length, 1_609.344),
    ("m/s^2", Quantity::Acceleration, 1.0),
    ("cm/s^2", Quantity::Acceleration, 0.01),
    ("g0", Quantity::Acceleration, 9.806_65),
    ("W", Quantity::Power, 1.0),
    ("kW", Quantity::Power, 1_000.0),
    ("Wh", Quantity::Energy, 1.0),
    ("kWh", Quantity::Energy, 1_000.0),
    ("J", Quantity::Energy, 1.0 / 3_600.0),
    ("kJ", Quantity::Energy, 1.0 / 3.6),
    ("MJ", Quantity::Energy, 1_000.0 / 3.6),
    ("percent", Quantity::Share, 1.0),
    ("permille", Quantity::Share, 0.1),
    ("ratio", Quantity::Share, 100.0),
];

/// The unit in which a signal is taken; `None` for one that has none.
#[must_use]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "flags, texts and bare numbers have no unit"
)]
pub const fn unit_of(signal: Signal) -> Option<&'static str> {
    match signal {
        Signal::Speed => Some("km/h"),
        Signal::Odometer | Signal::FrontDistance => Some("m"),
        Signal::Longitudinal | Signal::Lateral => Some("m/s^2"),
        Signal::BatteryPower => Some("W"),
        Signal::ChargingPower => Some("kW"),
        Signal::StateOfCharge | Signal::RenewablePercentage => Some("percent"),
        Signal::ChargedEnergy | Signal::ConsumedEnergy | Signal::RenewableEnergy => Some("kWh"),
        _ => None,
    }
}

/// Returns the factor from a unit to the signal's own unit.
///
/// # Errors
/// One line that says why there is no such factor.
pub fn factor(signal: Signal, unit: &str) -> Result<f64, String> {
    let Some(own) = unit_of(signal) else {
        let why = match signal.kind() {
            ValueKind::Number { .. } => "the signal is a bare number",
            ValueKind::Flag => "the signal is true or false",
            ValueKind::Text => "the signal is a text",
        };
        return Err(format!("unit: {why}; it has no unit"));
    };
    let find = |name: &str| UNITS.iter().find(|(known, ..)| *known == name);
    let quantity = find(own).map(|(_, quantity, _)| *quantity);
    let alike = || {
        UNITS
            .iter()
            .filter(|(_, other, _)| Some(*other) == quantity)
            .map(|(name, ..)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (find(unit), find(own)) {
        (Some((_, found, theirs)), Some((_, wanted, ours))) if found == wanted => Ok(theirs / ours),
        (Some(_) | None, _) => Err(format!("unit: {unit:?}; expected one of {}", alike())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_turned_into_the_signals_own() {
        for (signal, unit, expected) in [
            (Signal::Odometer, "km", 1_000.0),
            (Signal::Odometer, "m", 1.0),
            (Signal::Speed, "m/s", 3.6),
            (Signal::ChargedEnergy, "Wh", 0.001),
            (Signal::ChargingPower, "W", 0.001),
            (Signal::StateOfCharge, "ratio", 100.0),
        ] {
            assert_eq!(factor(signal, unit), Ok(expected), "{signal:?} {unit}");
        }
        insta::assert_snapshot!(factor(Signal::Odometer, "kWh").unwrap_err(), @r#"unit: "kWh"; expected one of m, km, cm, mile"#);
        insta::assert_snapshot!(factor(Signal::IsMoving, "m").unwrap_err(), @"unit: the signal is true or false; it has no unit");
    }

    #[test]
    fn every_unit_of_a_signal_is_known() {
        for signal in Signal::ALL {
            if let Some(unit) = unit_of(*signal) {
                assert_eq!(factor(*signal, unit), Ok(1.0), "{signal:?}");
            }
        }
    }
}
