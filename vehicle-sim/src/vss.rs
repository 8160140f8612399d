//! The signals that the simulated car publishes, by their names in COVESA VSS 6.0.

use crate::message::Delivery;
pub use crate::message::VssValue;

/// A signal of the simulated car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VssSignal {
    /// km/h.
    Speed,
    IsMoving,
    /// m/s², positive forward.
    LongitudinalAcceleration,
    /// W, positive into the battery.
    BatteryPower,
    /// Lifetime metres.
    Odometer,
    /// The state of the low voltage system, which VSS has in place of an ignition.
    Ignition,
    SelectedGear,
    ParkingBrake,
    /// Percent of the capacity.
    StateOfCharge,
    /// Lifetime kWh put into the battery by charging; braking does not raise it.
    ChargedEnergy,
    /// Lifetime kWh drawn by the car, less what braking gave back: it falls a little while the car brakes.
    ConsumedEnergy,
    IsCharging,
    /// kW of the last or current charging event, into the battery.
    ChargingAveragePower,
    /// W that the charger on board turns to heat.
    ChargingPowerLoss,
    EvseId,
    /// Percent, of the overlay.
    RenewablePercentage,
    /// g/kWh, of the overlay.
    CarbonIntensity,
    /// Of the overlay.
    EnergyMixSource,
    /// Shares by power that the station announces, of the overlay.
    PriceRules,
    /// Lifetime kWh, of the overlay.
    RenewableEnergy,
    DriverIssuer,
    DriverSubject,
    /// True while the car has a way to its cloud.
    Connectivity,
    /// DAY or NIGHT.
    DayNight,
    /// ISO 639-1.
    Language,
    /// °C outside.
    AirTemperature,
    Vin,
    VssMajor,
    VssMinor,
}

impl VssSignal {
    /// Every signal, in the order of the declaration.
    pub const ALL: [Self; 29] = [
        Self::Speed,
        Self::IsMoving,
        Self::LongitudinalAcceleration,
        Self::BatteryPower,
        Self::Odometer,
        Self::Ignition,
        Self::SelectedGear,
        Self::ParkingBrake,
        Self::StateOfCharge,
        Self::ChargedEnergy,
        Self::ConsumedEnergy,
        Self::IsCharging,
        Self::ChargingAveragePower,
        Self::ChargingPowerLoss,
        Self::EvseId,
        Self::RenewablePercentage,
        Self::CarbonIntensity,
        Self::EnergyMixSource,
        Self::PriceRules,
        Self::RenewableEnergy,
        Self::DriverIssuer,
        Self::DriverSubject,
        Self::Connectivity,
        Self::DayNight,
        Self::Language,
        Self::AirTemperature,
        Self::Vin,
        Self::VssMajor,
        Self::VssMinor,
    ];

    /// The path in the VSS tree.
    pub fn path(self) -> &'static str {
        match self {
            Self::Speed => "Vehicle.Speed",
            Self::IsMoving => "Vehicle.IsMoving",
            Self::LongitudinalAcceleration => "Vehicle.Acceleration.Longitudinal",
            Self::BatteryPower => "Vehicle.Powertrain.TractionBattery.CurrentPower",
            Self::Odometer => "Vehicle.TraveledDistance",
            Self::Ignition => "Vehicle.LowVoltageSystemState",
            Self::SelectedGear => "Vehicle.Powertrain.Transmission.SelectedGear",
            Self::ParkingBrake => "Vehicle.Chassis.ParkingBrake.IsEngaged",
            Self::StateOfCharge => "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current",
            Self::ChargedEnergy => "Vehicle.Powertrain.TractionBattery.AccumulatedChargedEnergy",
            Self::ConsumedEnergy => "Vehicle.Powertrain.TractionBattery.AccumulatedConsumedEnergy",
            Self::IsCharging => "Vehicle.Powertrain.TractionBattery.Charging.IsCharging",
            Self::ChargingAveragePower => {
                "Vehicle.Powertrain.TractionBattery.Charging.AveragePower"
            }
            Self::ChargingPowerLoss => "Vehicle.Powertrain.TractionBattery.Charging.PowerLoss",
            Self::EvseId => "Vehicle.Powertrain.TractionBattery.Charging.EvseId",
            Self::RenewablePercentage => {
                "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.RenewablePercentage"
            }
            Self::CarbonIntensity => {
                "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.CarbonIntensity"
            }
            Self::EnergyMixSource => "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.Source",
            Self::PriceRules => "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.PriceRules",
            Self::RenewableEnergy => {
                "Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.AccumulatedRenewableEnergy"
            }
            Self::DriverIssuer => "Vehicle.Occupant.Row1.DriverSide.Identifier.Issuer",
            Self::DriverSubject => "Vehicle.Occupant.Row1.DriverSide.Identifier.Subject",
            Self::Connectivity => "Vehicle.Connectivity.IsConnectivityAvailable",
            Self::DayNight => "Vehicle.Cabin.Infotainment.HMI.DayNightMode",
            Self::Language => "Vehicle.Cabin.Infotainment.HMI.CurrentLanguage",
            Self::AirTemperature => "Vehicle.Exterior.AirTemperature",
            Self::Vin => "Vehicle.VehicleIdentification.VIN",
            Self::VssMajor => "Vehicle.VersionVSS.Major",
            Self::VssMinor => "Vehicle.VersionVSS.Minor",
        }
    }

    /// Returns the delivery of the signal: a stream of samples, or a state that a late subscriber must learn.
    pub fn delivery(self) -> Delivery {
        match self {
            Self::Speed | Self::LongitudinalAcceleration | Self::BatteryPower => Delivery::Sample,
            Self::IsMoving
            | Self::Odometer
            | Self::Ignition
            | Self::SelectedGear
            | Self::ParkingBrake
            | Self::StateOfCharge
            | Self::ChargedEnergy
            | Self::ConsumedEnergy
            | Self::IsCharging
            | Self::ChargingAveragePower
            | Self::ChargingPowerLoss
            | Self::EvseId
            | Self::RenewablePercentage
            | Self::CarbonIntensity
            | Self::EnergyMixSource
            | Self::PriceRules
            | Self::RenewableEnergy
            | Self::DriverIssuer
            | Self::DriverSubject
            | Self::Connectivity
            | Self::DayNight
            | Self::Language
            | Self::AirTemperature
            | Self::Vin
            | Self::VssMajor
            | Self::VssMinor => Delivery::State,
        }
    }

    /// The signal with this path, if the simulated car publishes it.
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.path() == path)
    }
}
