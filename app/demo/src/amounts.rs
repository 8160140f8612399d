//! Amounts of a trip or a charge in the units that people read.

use dashpoint_membership::policy::Carbon;
use dashpoint_membership::{Trip, co2_avoided_g};

/// CO2 that a trip avoided, in grams.
#[must_use]
pub fn trip_co2_g(trip: &Trip, carbon: &Carbon) -> i64 {
    let distance_m = i64::try_from(trip.odometer.length()).unwrap_or(i64::MAX);
    let net_wh = i64::from(trip.used_wh) - i64::from(trip.regained_wh);
    co2_avoided_g(carbon, distance_m, net_wh)
}

/// Metres as kilometres, watt-hours as kilowatt-hours.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "the length of a drive or of a charge"
)]
pub fn thousandth(amount: u64) -> f64 {
    amount as f64 / 1000.0
}
