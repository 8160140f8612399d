//! CO2 that a trip avoided.

use serde::{Deserialize, Serialize};

/// Factors of T/CSAE 235-2021: avoided = km x petrol - kWh x grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carbon {
    /// Emission of the petrol car that the trip replaces, in grams per kilometre.
    pub petrol_g_per_km: u32,
    /// Emission of the grid, in grams per kilowatt-hour.
    pub grid_g_per_kwh: u32,
}

/// CO2 that a trip avoided against the petrol car that it replaces, in whole grams, rounded down (T/CSAE 235-2021).
///
/// Negative when the grid emitted more than the petrol car would have.
#[must_use]
pub fn co2_avoided_g(carbon: &Carbon, distance_m: i64, net_wh: i64) -> i64 {
    // Metres times grams per kilometre are milligrams, as are watt-hours times grams per kilowatt-hour.
    let petrol_mg = distance_m.saturating_mul(i64::from(carbon.petrol_g_per_km));
    let grid_mg = net_wh.saturating_mul(i64::from(carbon.grid_g_per_kwh));
    petrol_mg.saturating_sub(grid_mg).div_euclid(1_000)
}
