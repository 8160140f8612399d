//! The parameters of the simulated car, read from a file that names their sources.

use serde::Deserialize;

use crate::error::SimError;

/// A car, by the figures that its energy follows from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vehicle {
    pub name: String,
    pub road: Road,
    pub drive: Drive,
    pub battery: Battery,
    pub charging: Charging,
}

/// The demand of the road on the car.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Road {
    pub mass_kg: f64,
    pub drag_coefficient: f64,
    pub frontal_area_m2: f64,
    pub rolling_resistance: f64,
    /// Mass that the inertia of the wheels is worth.
    pub rotating_mass_kg: f64,
}

/// The drive train between battery and wheels.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drive {
    /// Battery to wheel, 0 to 1.
    pub efficiency: f64,
    /// Wheel to battery, 0 to 1.
    pub regeneration_efficiency: f64,
    pub regeneration_max_kw: f64,
    /// Drawn whenever the car is on.
    pub auxiliary_w: f64,
    /// Drawn for the cabin, for each kelvin that it is colder or warmer outside than 20 °C.
    pub cabin_w_per_k: f64,
}

/// The battery.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    pub capacity_kwh: f64,
    /// State of charge of a new car.
    pub initial_percent: f64,
}

/// The power with which the battery is charged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charging {
    /// Into the charger on board.
    pub ac_kw: f64,
    /// Of the charger on board, 0 to 1.
    pub ac_efficiency: f64,
    /// Into the battery.
    pub dc_kw: f64,
}

impl Vehicle {
    /// The car that the crate brings along.
    pub fn bolt() -> Self {
        let text = include_str!("../vehicles/chevrolet-bolt-2017.toml");
        Self::parse("chevrolet-bolt-2017.toml", text)
            .expect("invariant: the file in the crate is well formed")
    }

    /// Reads a car from TOML.
    ///
    /// # Errors
    /// When a key is missing or unknown, or a figure makes no sense.
    pub fn parse(name: &str, text: &str) -> Result<Self, SimError> {
        let vehicle: Self = toml::from_str(text).map_err(|source| SimError::Vehicle {
            name: name.to_owned(),
            source,
        })?;
        vehicle.check()?;
        Ok(vehicle)
    }

    fn check(&self) -> Result<(), SimError> {
        let above_zero = [
            ("road.mass_kg", self.road.mass_kg),
            ("road.drag_coefficient", self.road.drag_coefficient),
            ("road.frontal_area_m2", self.road.frontal_area_m2),
            ("road.rolling_resistance", self.road.rolling_resistance),
            ("drive.efficiency", self.drive.efficiency),
            ("battery.capacity_kwh", self.battery.capacity_kwh),
            ("charging.ac_kw", self.charging.ac_kw),
            ("charging.ac_efficiency", self.charging.ac_efficiency),
            ("charging.dc_kw", self.charging.dc_kw),
        ];
        for (what, value) in above_zero {
            if !(value.is_finite() && value > 0.0) {
                return Err(SimError::OutOfRange {
                    what,
                    value,
                    expected: "a number above 0",
                });
            }
        }
        let within = [
            (
                "road.rotating_mass_kg",
                self.road.rotating_mass_kg,
                self.road.mass_kg,
            ),
            ("drive.efficiency", self.drive.efficiency, 1.0),
            (
                "drive.regeneration_efficiency",
                self.drive.regeneration_efficiency,
                1.0,
            ),
            (
                "drive.regeneration_max_kw",
                self.drive.regeneration_max_kw,
                10_000.0,
            ),
            ("drive.auxiliary_w", self.drive.auxiliary_w, 100_000.0),
            ("drive.cabin_w_per_k", self.drive.cabin_w_per_k, 1_000.0),
            ("charging.ac_efficiency", self.charging.ac_efficiency, 1.0),
            (
                "battery.initial_percent",
                self.battery.initial_percent,
                100.0,
            ),
        ];
        for (what, value, most) in within {
            if !(0.0..=most).contains(&value) {
                return Err(SimError::OutOfRange {
                    what,
                    value,
                    expected: "a number from 0 to what is possible",
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_car_without_sense_is_refused() {
        let text = include_str!("../vehicles/chevrolet-bolt-2017.toml");
        assert!(Vehicle::parse("x", text).is_ok());
        for (from, to) in [
            ("mass_kg = 1757.77", "mass_kg = -1.0"),
            ("efficiency = 0.888", "efficiency = 1.2"),
            ("capacity_kwh = 60.0", "capacity_kwh = nan"),
            ("ac_efficiency = 0.9", "ac_efficiency = 1.1"),
            ("initial_percent = 60.0", "initial_percent = 101.0"),
            ("ac_kw = 7.2", "ac_kw = 7.2\nwheels = 5"),
        ] {
            assert!(text.contains(from));
            assert!(
                Vehicle::parse("x", &text.replace(from, to)).is_err(),
                "{to}"
            );
        }
    }
}
