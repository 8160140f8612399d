//! The power that the car draws from its battery, from how it moves.

use crate::vehicle::Vehicle;

const GRAVITY_M_PER_S2: f64 = 9.806_65;
/// At 20 °C and sea level.
const AIR_DENSITY_KG_PER_M3: f64 = 1.204;

/// The mean power drawn from the battery while the speed goes evenly from `from_mps` to `to_mps`, on a flat road.
///
/// In W; below zero when braking gives back more than the auxiliaries take.
pub(crate) fn battery_draw_w(vehicle: &Vehicle, from_mps: f64, to_mps: f64, seconds: f64) -> f64 {
    let wheel_w = wheel_power_w(vehicle, from_mps, to_mps, seconds);
    let drive = &vehicle.drive;
    let traction_w = if wheel_w >= 0.0 {
        wheel_w / drive.efficiency
    } else {
        (wheel_w * drive.regeneration_efficiency).max(-1000.0 * drive.regeneration_max_kw)
    };
    traction_w + drive.auxiliary_w
}

fn wheel_power_w(vehicle: &Vehicle, from_mps: f64, to_mps: f64, seconds: f64) -> f64 {
    let road = &vehicle.road;
    let mean_mps = (from_mps + to_mps) / 2.0;
    let inertia_n = (road.mass_kg + road.rotating_mass_kg) * (to_mps - from_mps) / seconds;
    let rolling_n = road.mass_kg * GRAVITY_M_PER_S2 * road.rolling_resistance;
    let air_n = 0.5
        * AIR_DENSITY_KG_PER_M3
        * road.drag_coefficient
        * road.frontal_area_m2
        * mean_mps
        * mean_mps;
    (inertia_n + rolling_n + air_n) * mean_mps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_takes_only_the_auxiliaries() {
        assert_eq!(battery_draw_w(&Vehicle::bolt(), 0.0, 0.0, 1.0), 250.0);
    }

    #[test]
    fn a_steady_hundred_takes_what_a_hand_calculation_says() {
        // Rolling 125.8 N, air 0.5 x 1.204 x 0.29 x 2.845 x 27.78^2 = 383.2 N: 14.14 kW at the wheel.
        let draw = battery_draw_w(&Vehicle::bolt(), 100.0 / 3.6, 100.0 / 3.6, 1.0);
        assert!((draw - (14_140.0 / 0.888 + 250.0)).abs() < 30.0, "{draw}");
    }

    #[test]
    fn braking_gives_back_and_no_more_than_it_may() {
        let vehicle = Vehicle::bolt();
        assert!(battery_draw_w(&vehicle, 15.0, 14.0, 1.0) < 0.0);
        assert_eq!(battery_draw_w(&vehicle, 40.0, 30.0, 1.0), -70_000.0 + 250.0);
    }
}
