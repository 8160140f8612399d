//! The lifetime meters of the car.

use serde::{Deserialize, Serialize};

use crate::vehicle::Vehicle;

const JOULES_PER_KWH: f64 = 3_600_000.0;

/// Energy of the factory's own test drive, in kWh: braking on the first metres does not count below zero.
const FACTORY_KWH: f64 = 1.0;

/// The car's lifetime counters. Stored is what was charged less what was consumed: there is no third way into the battery,
/// and so the meters agree with the power and the state of charge, unless a scenario exchanges a meter or the battery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarMeters {
    pub odometer_m: f64,
    /// Put into the battery by charging. What braking gives back is not in it: charging sessions are measured by it.
    pub charged_kwh: f64,
    /// The part of `charged_kwh` that was renewable.
    pub renewable_kwh: f64,
    /// Drawn for driving less given back by braking: it falls a little while the car brakes.
    pub consumed_kwh: f64,
    /// Given back by braking, in all; it is taken off `consumed_kwh` already.
    #[serde(default)]
    pub regained_kwh: f64,
    /// Given by the wallbox at home, by its own meter: all of a charge at AC, unless the car was asleep.
    #[serde(default)]
    pub wallbox_kwh: f64,
    /// In the battery now.
    pub stored_kwh: f64,
}

impl CarMeters {
    /// The meters of a new car.
    pub fn new(vehicle: &Vehicle) -> Self {
        Self {
            odometer_m: 0.0,
            charged_kwh: 0.0,
            renewable_kwh: 0.0,
            consumed_kwh: FACTORY_KWH,
            regained_kwh: 0.0,
            wallbox_kwh: 0.0,
            stored_kwh: vehicle.battery.capacity_kwh * vehicle.battery.initial_percent / 100.0,
        }
    }

    /// The state of charge in percent.
    pub fn charge_percent(&self, vehicle: &Vehicle) -> f64 {
        (100.0 * self.stored_kwh / vehicle.battery.capacity_kwh).clamp(0.0, 100.0)
    }

    /// Counts some way driven; `draw_w` is the power asked of the battery over `seconds`.
    ///
    /// Returns the power that the battery gave (a full battery takes nothing back), or `None`, counting nothing,
    /// when the battery does not hold that much.
    pub(crate) fn drive(
        &mut self,
        vehicle: &Vehicle,
        metres: f64,
        draw_w: f64,
        seconds: f64,
    ) -> Option<f64> {
        let room_kwh = (vehicle.battery.capacity_kwh - self.stored_kwh).max(0.0);
        let drawn_kwh = (draw_w * seconds / JOULES_PER_KWH).max(-room_kwh);
        if drawn_kwh > self.stored_kwh {
            return None;
        }
        self.odometer_m += metres;
        self.stored_kwh -= drawn_kwh;
        self.consumed_kwh += drawn_kwh;
        self.regained_kwh -= drawn_kwh.min(0.0);
        Some(drawn_kwh * JOULES_PER_KWH / seconds)
    }

    /// The meters after `kwh` more have been charged, `renewable_percent` of it renewable.
    #[must_use]
    pub(crate) fn charged(&self, kwh: f64, renewable_percent: u8) -> Self {
        Self {
            charged_kwh: self.charged_kwh + kwh,
            renewable_kwh: self.renewable_kwh + kwh * f64::from(renewable_percent) / 100.0,
            stored_kwh: self.stored_kwh + kwh,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braking_gives_back_what_was_consumed_and_charges_nothing() {
        let vehicle = Vehicle::bolt();
        let mut meters = CarMeters::new(&vehicle);
        meters.drive(&vehicle, 20.0, 36_000.0, 10.0).unwrap();
        assert_eq!(
            meters.drive(&vehicle, 20.0, -18_000.0, 10.0).unwrap(),
            -18_000.0
        );
        assert_eq!(meters.charged_kwh, 0.0);
        assert!((meters.consumed_kwh - 1.05).abs() < 1e-9);
        assert!((meters.regained_kwh - 0.05).abs() < 1e-9);
        assert!((meters.stored_kwh - 35.95).abs() < 1e-9);
    }

    #[test]
    fn a_full_battery_takes_nothing_back_and_an_empty_one_gives_nothing() {
        let vehicle = Vehicle::bolt();
        let mut full = CarMeters {
            stored_kwh: 60.0,
            ..CarMeters::new(&vehicle)
        };
        assert_eq!(full.drive(&vehicle, 1.0, -10_000.0, 1.0).unwrap(), 0.0);
        let mut empty = CarMeters {
            stored_kwh: 0.0,
            ..CarMeters::new(&vehicle)
        };
        assert!(empty.drive(&vehicle, 1.0, 10_000.0, 1.0).is_none());
    }
}
