//! Tesla's fleet-telemetry v0.9.4 with its MQTT datastore (`datastore/mqtt/README.md`,
//! `datastore/simple/transformers/payload.go`).
//!
//! One JSON value a topic, by default QoS 0 and not retained, when it changed and not more often than the field was asked
//! for; `null` for a value that is none. The packet's time is not published. Miles and miles per hour, as Tesla has them.

use jiff::{SignedDuration, Timestamp};

use super::image::CarImage;
use super::saying::{Saying, decimals};
use crate::vss::VssSignal;

const KM_PER_MILE: f64 = 1.609_344;

/// The least interval that a field can be asked for.
const EVERY: SignedDuration = SignedDuration::from_secs(1);

pub(super) fn topic(image: &CarImage, key: &str) -> String {
    format!("telemetry/{}/v/{key}", image.vin)
}

pub(super) fn sayings(image: &CarImage, at: Timestamp) -> Vec<Saying> {
    let quoted = |text: &str| format!("\"{text}\"");
    let speed = image.number(VssSignal::Speed).map(|kmh| {
        // The drive inverters are off, and nobody measures a speed.
        if image.is_on() {
            decimals(kmh / KM_PER_MILE, 3)
        } else {
            "null".to_owned()
        }
    });
    let charge = if image.is_charging() {
        "DetailedChargeStateCharging"
    } else if image.has_ended_charge() {
        "DetailedChargeStateComplete"
    } else {
        "DetailedChargeStateDisconnected"
    };
    let gross = image.gross_kwh();
    let session = |is_its: bool| {
        let kwh = image.session_kwh().filter(|_| is_its);
        kwh.map(|kwh| decimals(kwh, 3))
    };
    let values = [
        ("DriveRail", Some(image.is_on().to_string())),
        (
            "Gear",
            image
                .gear()
                .map(|gear| quoted(&format!("ShiftState{gear}"))),
        ),
        ("VehicleSpeed", speed),
        (
            "Odometer",
            image.odometer_km().map(|km| decimals(km / KM_PER_MILE, 3)),
        ),
        (
            "Soc",
            image
                .number(VssSignal::StateOfCharge)
                .map(|percent| decimals(percent, 2)),
        ),
        (
            "LifetimeEnergyUsed",
            gross.map(|(used, _)| decimals(used, 3)),
        ),
        (
            "LifetimeEnergyGainedRegen",
            gross.map(|(_, regained)| decimals(regained, 3)),
        ),
        ("DetailedChargeState", Some(quoted(charge))),
        ("ACChargingEnergyIn", session(image.is_ac())),
        ("DCChargingEnergyIn", session(!image.is_ac())),
    ];
    let known = values.into_iter();
    known
        .filter_map(|(key, value)| {
            Some(Saying {
                every: EVERY,
                ..Saying::new(key, value?, at)
            })
        })
        .collect()
}
