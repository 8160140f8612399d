//! The signals of the car that Dashpoint uses, by their names in COVESA VSS 6.0 and our one overlay.

use std::collections::BTreeMap;

use serde::de::IntoDeserializer;
use serde::de::value::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// The kinds of values of a signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueKind {
    /// True or false.
    Flag,
    /// A number; anything outside of `min..=max` cannot be true of a car.
    Number {
        /// The least that is plausible.
        min: f64,
        /// The most that is plausible.
        max: f64,
    },
    /// A text.
    Text,
}

const fn number(min: f64, max: f64) -> ValueKind {
    ValueKind::Number { min, max }
}

macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident = $path:literal, $kind:expr;)*) => {
        /// A signal that Dashpoint uses. The set is closed: nothing else is subscribed to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Signal {
            $($(#[$doc])* $name,)*
        }

        impl Signal {
            /// Every signal, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The path in the VSS tree, with dots.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$name => $path,)*
                }
            }

            /// Returns the kind of its values.
            #[must_use]
            pub const fn kind(self) -> ValueKind {
                match self {
                    $(Self::$name => $kind,)*
                }
            }

            /// The signal with this path, if it is one that is used.
            #[must_use]
            pub fn from_path(path: &str) -> Option<Self> {
                match path {
                    $($path => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

signals! {
    /// Speed in km/h; reversing may be negative.
    Speed = "Vehicle.Speed", number(-400.0, 400.0);
    /// True while the car moves.
    IsMoving = "Vehicle.IsMoving", ValueKind::Flag;
    /// Lifetime odometer in metres.
    Odometer = "Vehicle.TraveledDistance", number(0.0, 4_294_967_295.0);
    /// The low voltage system, which is what VSS has for an ignition: LOCK OFF ACC ON START.
    Ignition = "Vehicle.LowVoltageSystemState", ValueKind::Text;
    /// Selected gear; 126 is park.
    Gear = "Vehicle.Powertrain.Transmission.SelectedGear", number(-128.0, 127.0);
    /// Acceleration along the road in m/s2, forward positive.
    Longitudinal = "Vehicle.Acceleration.Longitudinal", number(-40.0, 40.0);
    /// Acceleration across the road in m/s2.
    Lateral = "Vehicle.Acceleration.Lateral", number(-40.0, 40.0);
    /// Battery power in W, positive into the battery.
    BatteryPower = "Vehicle.Powertrain.TractionBattery.CurrentPower", number(-3e6, 3e6);
    /// State of charge in percent.
    StateOfCharge = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current", number(0.0, 100.0);
    /// Lifetime energy charged in kWh.
    ChargedEnergy = "Vehicle.Powertrain.TractionBattery.AccumulatedChargedEnergy", number(0.0, 1e8);
    /// Lifetime energy consumed in kWh.
    ConsumedEnergy = "Vehicle.Powertrain.TractionBattery.AccumulatedConsumedEnergy", number(0.0, 1e8);
    /// True while energy flows in from outside.
    IsCharging = "Vehicle.Powertrain.TractionBattery.Charging.IsCharging", ValueKind::Flag;
    /// True while energy flows back to the grid.
    IsDischarging = "Vehicle.Powertrain.TractionBattery.Charging.IsDischarging", ValueKind::Flag;
    /// Average power of the session in kW.
    ChargingPower = "Vehicle.Powertrain.TractionBattery.Charging.AveragePower", number(0.0, 3e3);
    /// The charging point; it never leaves the car.
    EvseId = "Vehicle.Powertrain.TractionBattery.Charging.EvseId", ValueKind::Text;
    /// Overlay: renewable share in percent. ISO 15118 carries up to 255: above 100 is an error of the station.
    RenewablePercentage = "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.RenewablePercentage", number(0.0, 100.0);
    /// Overlay: who says so: ISO15118 OCPI OPENADR SITE OCMF ESTIMATE.
    MixSource = "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.Source", ValueKind::Text;
    /// Overlay: the price rules of ISO 15118-20 in force, as `WATTS:PERCENT` of each range of power.
    PriceRules = "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.PriceRules", ValueKind::Text;
    /// Overlay: lifetime renewable energy charged in kWh.
    RenewableEnergy = "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.AccumulatedRenewableEnergy", number(0.0, 1e8);
    /// Distance to what is ahead in metres.
    FrontDistance = "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance", number(0.0, 10_000.0);
    /// Level of driving automation that is active: SAE_0 to SAE_5, from SAE_2 on also with _DISENGAGING.
    AutonomyLevel = "Vehicle.ADAS.ActiveAutonomyLevel", ValueKind::Text;
    /// True while the driver's belt is closed.
    IsBelted = "Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted", ValueKind::Flag;
    /// Issuer of the driver's identity.
    DriverIssuer = "Vehicle.Occupant.Row1.DriverSide.Identifier.Issuer", ValueKind::Text;
    /// Subject of the driver's identity; empty for nobody known, `UNDEFINED` where the car does not say.
    DriverSubject = "Vehicle.Occupant.Row1.DriverSide.Identifier.Subject", ValueKind::Text;
    /// True when a service is due.
    ServiceDue = "Vehicle.Service.IsServiceDue", ValueKind::Flag;
    /// The VIN; it never leaves the car.
    Vin = "Vehicle.VehicleIdentification.VIN", ValueKind::Text;
    /// True while the car has a way to its cloud.
    Connectivity = "Vehicle.Connectivity.IsConnectivityAvailable", ValueKind::Flag;
    /// DAY or NIGHT.
    DayNight = "Vehicle.Cabin.Infotainment.HMI.DayNightMode", ValueKind::Text;
    /// Language of the screen, ISO 639-1.
    Language = "Vehicle.Cabin.Infotainment.HMI.CurrentLanguage", ValueKind::Text;
}

impl Signal {
    /// Returns the signal of this name in a checkpoint; `None` when only an earlier version knew it.
    pub(crate) fn of_kept_name(name: &str) -> Option<Self> {
        Self::deserialize(IntoDeserializer::<Error>::into_deserializer(name)).ok()
    }
}

/// Reads the times of signals from a checkpoint, without those that only an earlier version knew.
///
/// # Errors
/// The deserializer's, for a value that is no table of times.
pub(crate) fn used_signals<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Signal, T>, D::Error> {
    let kept = BTreeMap::<String, T>::deserialize(deserializer)?;
    let used = |(name, of_signal): (String, T)| Some((Signal::of_kept_name(&name)?, of_signal));
    Ok(kept.into_iter().filter_map(used).collect())
}

/// Paths that earlier versions subscribed to without a use for them. A mapping may still name them: they are skipped.
pub const FORMER_PATHS: [&str; 9] = [
    "Vehicle.Chassis.ParkingBrake.IsEngaged",
    "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.CarbonIntensity",
    "Vehicle.ADAS.ABS.IsEngaged",
    "Vehicle.ADAS.ESC.IsEngaged",
    "Vehicle.ADAS.ObstacleDetection.Front.Center.IsWarning",
    "Vehicle.ADAS.DMS.IsWarning",
    "Vehicle.Service.DistanceToService",
    "Vehicle.VersionVSS.Major",
    "Vehicle.VersionVSS.Minor",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_signal_and_comes_back() {
        for signal in Signal::ALL {
            assert_eq!(Signal::from_path(signal.path()), Some(*signal));
        }
        for path in FORMER_PATHS
            .into_iter()
            .chain(["Vehicle.CurrentLocation.Latitude"])
        {
            assert_eq!(Signal::from_path(path), None);
        }
    }
}
