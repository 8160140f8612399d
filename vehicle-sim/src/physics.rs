//! The power that the car draws from its battery, from how it moves.

use crate::vehicle::Vehicle;

const GRAVITY_M_PER_S2: f64 = 9.806_65;
/// Of dry air at 20 °C and sea level; the density goes with the inverse of the absolute temperature.
const AIR_DENSITY_KG_PER_M3: f64 = 1.204;
const AIR_DENSITY_AT_K: f64 = 293.15;
const ZERO_CELSIUS_K: f64 = 273.15;
/// Temperature at which the cabin needs neither heating nor cooling.
const COMFORT_CELSIUS: f64 = 20.0;

/// A speed that goes evenly from one value to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpeedRamp {
    pub(crate) from_mps: f64,
    pub(crate) to_mps: f64,
    pub(crate) seconds: f64,
}

/// The mean power drawn from the battery over the ramp, on a flat road with the air outside at `celsius`.
///
/// In W; below zero when braking gives back more than auxiliaries and cabin take.
pub(crate) fn battery_draw_w(vehicle: &Vehicle, celsius: f64, ramp: SpeedRamp) -> f64 {
    let wheel_w = wheel_power_w(vehicle, celsius, ramp);
    let drive = &vehicle.drive;
    let traction_w = if wheel_w >= 0.0 {
        wheel_w / drive.efficiency
    } else {
        (wheel_w * drive.regeneration_efficiency).max(-1000.0 * drive.regeneration_max_kw)
    };
    let cabin_w = drive.cabin_w_per_k * (celsius - COMFORT_CELSIUS).abs();
    traction_w + drive.auxiliary_w + cabin_w
}

fn wheel_power_w(vehicle: &Vehicle, celsius: f64, ramp: SpeedRamp) -> f64 {
    let road = &vehicle.road;
    let SpeedRamp {
        from_mps,
        to_mps,
        seconds,
    } = ramp;
    let mean_mps = (from_mps + to_mps) / 2.0;
    let inertia_n = (road.mass_kg + road.rotating_mass_kg) * (to_mps - from_mps) / seconds;
    let air_kg_per_m3 = AIR_DENSITY_KG_PER_M3 * AIR_DENSITY_AT_K / (ZERO_CELSIUS_K + celsius);
    let rolling_n = road.mass_kg * GRAVITY_M_PER_S2 * road.rolling_resistance;
    let air_n =
        0.5 * air_kg_per_m3 * road.drag_coefficient * road.frontal_area_m2 * mean_mps * mean_mps;
    (inertia_n + rolling_n + air_n) * mean_mps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw_w(celsius: f64, from_mps: f64, to_mps: f64) -> f64 {
        let ramp = SpeedRamp {
            from_mps,
            to_mps,
            seconds: 1.0,
        };
        battery_draw_w(&Vehicle::bolt(), celsius, ramp)
    }

    #[test]
    fn standing_takes_only_the_auxiliaries_and_the_cabin() {
        assert_eq!(draw_w(20.0, 0.0, 0.0), 250.0);
        assert_eq!(draw_w(-10.0, 0.0, 0.0), 250.0 + 30.0 * 80.0);
        assert_eq!(draw_w(35.0, 0.0, 0.0), 250.0 + 15.0 * 80.0);
    }

    #[test]
    fn a_steady_hundred_takes_what_a_hand_calculation_says() {
        // Rolling 125.8 N, air 0.5 x 1.204 x 0.29 x 2.845 x 27.78^2 = 383.2 N: 14.14 kW at the wheel.
        let draw = draw_w(20.0, 100.0 / 3.6, 100.0 / 3.6);
        assert!((draw - (14_140.0 / 0.888 + 250.0)).abs() < 30.0, "{draw}");
        // At -10 °C air weighs 1.341 kg/m3: 426.9 N, 15.35 kW.
        let cold = draw_w(-10.0, 100.0 / 3.6, 100.0 / 3.6);
        assert!(
            (cold - (15_350.0 / 0.888 + 250.0 + 2_400.0)).abs() < 30.0,
            "{cold}"
        );
    }

    #[test]
    fn braking_gives_back_and_no_more_than_it_may() {
        assert!(draw_w(20.0, 15.0, 14.0) < 0.0);
        assert_eq!(draw_w(20.0, 40.0, 30.0), -70_000.0 + 250.0);
    }
}
