//! Charging points: evcc 0.313 (`server/mqtt.go`, `core/keys/loadpoint.go`) and openWB 2.2.1.
//!
//! Both say what a loadpoint does, and of a car only what it tells them. All values come each so many seconds, changed or
//! not, retained, QoS 0. evcc writes numbers with at most three decimals and nothing for a value that it does not have;
//! openWB writes JSON.

use jiff::{SignedDuration, Timestamp};

use super::image::CarImage;
use super::saying::{Saying, decimals, with_point};
use crate::vss::VssSignal;

/// evcc's loadpoint.
pub(super) const LOADPOINT: &str = "1";
/// openWB's charging point.
pub(super) const CHARGE_POINT: &str = "2";

/// evcc's default interval.
pub(super) const EVCC_EACH: SignedDuration = SignedDuration::from_secs(30);
/// openWB's control loop.
pub(super) const OPENWB_EACH: SignedDuration = SignedDuration::from_secs(10);

const WH_PER_KWH: f64 = 1_000.0;
const SITE: &str = "site/";

/// Returns the topic of evcc; keys of the whole house begin with `site/`.
pub(super) fn evcc_topic(key: &str) -> String {
    if key.starts_with(SITE) {
        format!("evcc/{key}")
    } else {
        format!("evcc/loadpoints/{LOADPOINT}/{key}")
    }
}

pub(super) fn openwb_topic(key: &str) -> String {
    format!("openWB/chargepoint/{CHARGE_POINT}/get/{key}")
}

pub(super) fn evcc(image: &CarImage, at: Timestamp) -> Vec<Saying> {
    let number = |number: f64| decimals(number, 3);
    let watts = |kw: f64| number(kw * WH_PER_KWH);
    let share = image.number(VssSignal::RenewablePercentage);
    // A vehicle that was let go has no charge and an odometer of 0.
    let of_vehicle = |value: Option<f64>| {
        let value = if image.is_plugged() { value } else { Some(0.0) };
        value.map(number).unwrap_or_default()
    };
    let session_wh = image.session_grid_kwh().unwrap_or(0.0) * WH_PER_KWH;
    let values = [
        ("connected", image.is_plugged().to_string()),
        ("charging", image.is_charging().to_string()),
        ("chargePower", watts(image.grid_kw())),
        ("chargeTotalImport", number(image.wallbox_kwh())),
        ("chargedEnergy", number(session_wh)),
        ("sessionEnergy", number(session_wh)),
        (
            "sessionSolarPercentage",
            share.map(number).unwrap_or_default(),
        ),
        (
            "vehicleSoc",
            of_vehicle(image.number(VssSignal::StateOfCharge)),
        ),
        ("vehicleOdometer", of_vehicle(image.odometer_km())),
        (
            "site/greenShareLoadpoints",
            number(share.filter(|_| image.is_charging()).unwrap_or(0.0) / 100.0),
        ),
    ];
    let all = values.into_iter();
    all.map(|(key, value)| Saying::new(key, value, at))
        .collect()
}

pub(super) fn openwb(image: &CarImage, at: Timestamp) -> Vec<Saying> {
    let counter = |kwh: f64| with_point(kwh * WH_PER_KWH, 2);
    let values = [
        ("plug_state", image.is_plugged().to_string()),
        ("charge_state", image.is_charging().to_string()),
        ("power", with_point(image.grid_kw() * WH_PER_KWH, 2)),
        ("imported", counter(image.wallbox_kwh())),
        ("exported", counter(0.0)),
    ];
    let all = values.into_iter();
    all.map(|(key, value)| Saying::new(key, value, at))
        .collect()
}
