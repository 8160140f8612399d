//! One value of one signal, checked for what it says by itself.

use serde::{Deserialize, Serialize};

use crate::counts::Fault;
use crate::price_rules::PriceRules;
use crate::signal::{Signal, ValueKind};
use crate::vehicle_fact::VehicleFact;

/// A value as it came over the bus.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// Any number, also one that makes no sense.
    Number(f64),
    /// A text.
    Text(String),
}

/// One value of one signal at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The signal.
    pub signal: Signal,
    /// Its value.
    pub value: Value,
    /// Time of the event, never of its arrival, in milliseconds since 1970-01-01T00:00:00Z.
    pub ts_ms: i64,
    /// True when the broker had retained the message: then it is state, never an edge.
    pub retained: bool,
}

/// Position of the ignition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ignition {
    /// LOCK, OFF or ACC: it cannot drive.
    Off,
    /// ON or START.
    On,
}

/// Source of the renewable share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MixSource {
    /// A meter: of the site, or a signed one that says where its energy is from.
    Meter,
    /// The station over the cable (ISO 15118): a share that it announced ahead.
    Announced,
    /// Anyone else: no better than what the policy knows itself.
    Hearsay,
}

/// A value that may be true of a car, in the units of the fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum SignalReading {
    SpeedKmh(f64),
    Moving(bool),
    OdometerM(u64),
    Ignition(Ignition),
    InPark(bool),
    LongitudinalMps2(f64),
    LateralMps2(f64),
    BatteryW(f64),
    ChargedWh(u64),
    ConsumedWh(u64),
    /// Of the charged energy, the renewable part over the car's lifetime.
    RenewableWh(u64),
    Charging(bool),
    Discharging(bool),
    ChargingW(f64),
    Evse(String),
    RenewablePermille(u16),
    Mix(MixSource),
    PriceRules(PriceRules),
    FrontM(f64),
    /// The car steers and keeps its speed by itself.
    Assisted(bool),
    Belted(bool),
    Issuer(String),
    Subject(String),
    /// A fact about the car that no award is made of.
    Fact(VehicleFact),
    /// Of no use to the fold: it only moves the time.
    Elsewhere,
}

/// Longest text that is kept of any signal.
const TEXT_LEN_MAX: usize = 256;
/// Below that a speed sensor only hums.
pub(crate) const STANDSTILL_KMH: f64 = 0.5;
/// Slower, braking gives nothing back.
pub(crate) const ROLLING_KMH: f64 = 5.0;
const PARK: f64 = 126.0;
/// The EVSE id by which ISO 15118 says that the charging point has none.
const EVSE_UNKNOWN: &str = "ZZ00000";

impl SignalReading {
    /// Says who drives, or who vouches for it.
    pub(crate) const fn is_name(&self) -> bool {
        matches!(self, Self::Issuer(_) | Self::Subject(_))
    }

    /// Returns whether it says that the car moves.
    pub(crate) fn is_movement(&self) -> bool {
        #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is movement")]
        match self {
            Self::SpeedKmh(speed_kmh) => *speed_kmh > STANDSTILL_KMH,
            Self::Moving(moving) => *moving,
            _ => false,
        }
    }

    /// Returns what the fold keeps of it: of a fact its time, so that no checkpoint holds the VIN.
    pub(crate) fn for_fold(&self) -> Self {
        if matches!(self, Self::Fact(_)) {
            Self::Elsewhere
        } else {
            self.clone()
        }
    }

    /// Checks a value by itself and turns it into the units of the fold.
    ///
    /// # Errors
    /// The fault that it is counted under.
    pub(crate) fn new(signal: Signal, value: &Value) -> Result<Self, Fault> {
        match (signal.kind(), value) {
            (ValueKind::Flag, Value::Bool(flag)) => Ok(Self::of_flag(signal, *flag)),
            (ValueKind::Number { min, max }, Value::Number(number)) => {
                if !number.is_finite() {
                    Err(Fault::NotANumber)
                } else if (min..=max).contains(number) {
                    Ok(Self::of_number(signal, *number))
                } else {
                    Err(Fault::OutOfRange)
                }
            }
            (ValueKind::Text, Value::Text(text)) => Self::of_text(signal, text),
            (ValueKind::Flag | ValueKind::Number { .. } | ValueKind::Text, _) => {
                Err(Fault::WrongType)
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are of another kind"
    )]
    fn of_flag(signal: Signal, flag: bool) -> Self {
        match signal {
            Signal::IsMoving => Self::Moving(flag),
            Signal::IsCharging => Self::Charging(flag),
            Signal::IsDischarging => Self::Discharging(flag),
            Signal::IsBelted => Self::Belted(flag),
            Signal::Connectivity => Self::Fact(VehicleFact::Connectivity(flag)),
            Signal::ServiceDue => Self::Fact(VehicleFact::ServiceDue(flag)),
            _ => Self::Elsewhere,
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are of another kind"
    )]
    fn of_number(signal: Signal, number: f64) -> Self {
        match signal {
            Signal::Speed => Self::SpeedKmh(number.abs()),
            Signal::Odometer => Self::OdometerM(whole(number.trunc())),
            Signal::Gear => Self::InPark(number == PARK),
            Signal::Longitudinal => Self::LongitudinalMps2(number),
            Signal::Lateral => Self::LateralMps2(number),
            Signal::BatteryPower => Self::BatteryW(number),
            // Rounded once, from the lifetime value: so the sessions add up to the rise of the counter.
            Signal::ChargedEnergy => Self::ChargedWh(whole((number * 1000.0).round())),
            Signal::ConsumedEnergy => Self::ConsumedWh(whole((number * 1000.0).round())),
            Signal::RenewableEnergy => Self::RenewableWh(whole((number * 1000.0).round())),
            Signal::ChargingPower => Self::ChargingW(number * 1000.0),
            Signal::RenewablePercentage => {
                Self::RenewablePermille(u16::try_from(whole((number * 10.0).round())).unwrap_or(0))
            }
            Signal::FrontDistance => Self::FrontM(number),
            Signal::StateOfCharge => Self::Fact(VehicleFact::ChargePercent(number)),
            _ => Self::Elsewhere,
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are of another kind"
    )]
    fn of_text(signal: Signal, text: &str) -> Result<Self, Fault> {
        if text.len() > TEXT_LEN_MAX {
            return Err(Fault::OutOfRange);
        }
        Ok(match signal {
            Signal::Ignition => match text {
                "ON" | "START" => Self::Ignition(Ignition::On),
                "OFF" | "LOCK" | "ACC" => Self::Ignition(Ignition::Off),
                "UNDEFINED" => Self::Elsewhere,
                _ => return Err(Fault::OutOfRange),
            },
            Signal::MixSource => match text {
                "SITE" | "OCMF" => Self::Mix(MixSource::Meter),
                "ISO15118" => Self::Mix(MixSource::Announced),
                "OCPI" | "OPENADR" | "ESTIMATE" => Self::Mix(MixSource::Hearsay),
                _ => return Err(Fault::OutOfRange),
            },
            Signal::AutonomyLevel => match text.strip_suffix("_DISENGAGING").unwrap_or(text) {
                "SAE_0" | "SAE_1" => Self::Assisted(false),
                "SAE_2" | "SAE_3" | "SAE_4" | "SAE_5" => Self::Assisted(true),
                _ => return Err(Fault::OutOfRange),
            },
            Signal::PriceRules => {
                Self::PriceRules(PriceRules::parse(text).ok_or(Fault::OutOfRange)?)
            }
            Signal::EvseId if text == EVSE_UNKNOWN => Self::Evse(String::new()),
            Signal::EvseId => Self::Evse(text.to_owned()),
            Signal::DriverIssuer => Self::Issuer(text.to_owned()),
            Signal::DriverSubject => Self::Subject(text.to_owned()),
            Signal::Vin => Self::Fact(VehicleFact::Vin(text.to_owned())),
            Signal::DayNight => match text {
                "DAY" => Self::Fact(VehicleFact::NightMode(false)),
                "NIGHT" => Self::Fact(VehicleFact::NightMode(true)),
                _ => return Err(Fault::OutOfRange),
            },
            Signal::Language => Self::Fact(VehicleFact::Language(text.to_owned())),
            _ => Self::Elsewhere,
        })
    }
}

/// A number that is known to be whole and in range, as an integer.
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_only_when_it_can_be_true() {
        let number = Value::Number;
        let text = |text: &str| Value::Text(text.to_owned());
        for (signal, value, expected) in [
            (
                Signal::Speed,
                number(53.2),
                Ok(SignalReading::SpeedKmh(53.2)),
            ),
            (
                Signal::Speed,
                number(-3.0),
                Ok(SignalReading::SpeedKmh(3.0)),
            ),
            (Signal::Speed, number(900.0), Err(Fault::OutOfRange)),
            (Signal::Speed, number(f64::NAN), Err(Fault::NotANumber)),
            (Signal::Speed, number(f64::INFINITY), Err(Fault::NotANumber)),
            (Signal::Speed, text("53.2"), Err(Fault::WrongType)),
            (
                Signal::Odometer,
                number(12.9),
                Ok(SignalReading::OdometerM(12)),
            ),
            (Signal::Odometer, number(-1.0), Err(Fault::OutOfRange)),
            (Signal::Gear, number(126.0), Ok(SignalReading::InPark(true))),
            (Signal::Gear, number(0.0), Ok(SignalReading::InPark(false))),
            (
                Signal::ChargedEnergy,
                number(0.0005),
                Ok(SignalReading::ChargedWh(1)),
            ),
            (
                Signal::RenewablePercentage,
                number(80.0),
                Ok(SignalReading::RenewablePermille(800)),
            ),
            (
                Signal::RenewablePercentage,
                number(255.0),
                Err(Fault::OutOfRange),
            ),
            (
                Signal::AutonomyLevel,
                text("SAE_2_DISENGAGING"),
                Ok(SignalReading::Assisted(true)),
            ),
            (
                Signal::AutonomyLevel,
                text("SAE_1"),
                Ok(SignalReading::Assisted(false)),
            ),
            (Signal::AutonomyLevel, text("2"), Err(Fault::OutOfRange)),
            (
                Signal::PriceRules,
                text("0:80,11000:255"),
                Err(Fault::OutOfRange),
            ),
            (
                Signal::Ignition,
                text("START"),
                Ok(SignalReading::Ignition(Ignition::On)),
            ),
            (
                Signal::Ignition,
                text("ACC"),
                Ok(SignalReading::Ignition(Ignition::Off)),
            ),
            (Signal::Ignition, text("on"), Err(Fault::OutOfRange)),
            (Signal::IsCharging, number(1.0), Err(Fault::WrongType)),
            (
                Signal::EvseId,
                text("ZZ00000"),
                Ok(SignalReading::Evse(String::new())),
            ),
            (Signal::Vin, text(&"x".repeat(300)), Err(Fault::OutOfRange)),
            (Signal::StateOfCharge, number(101.0), Err(Fault::OutOfRange)),
            (Signal::DayNight, text("DUSK"), Err(Fault::OutOfRange)),
            (
                Signal::DayNight,
                text("NIGHT"),
                Ok(SignalReading::Fact(VehicleFact::NightMode(true))),
            ),
        ] {
            assert_eq!(
                SignalReading::new(signal, &value),
                expected,
                "{signal:?} {value:?}"
            );
        }
    }
}
