//! TeslaMate v4.1.1 (`lib/teslamate/mqtt/pubsub/vehicle_subscriber.ex`, `lib/teslamate/vehicles/vehicle.ex`).
//!
//! One bare value a topic, retained, QoS 1, only when it changed. A value that is nil is not published, so that the last
//! one stays retained, but for a few such as `shift_state`, which is empty then. Speed and power are whole numbers.

use jiff::{SignedDuration, Timestamp};

use super::image::CarImage;
use super::saying::{Saying, decimals, with_point};
use crate::vss::VssSignal;

/// The number of the car.
pub(super) const VEHICLE: &str = "1";

pub(super) fn topic(key: &str) -> String {
    format!("teslamate/cars/{VEHICLE}/{key}")
}

/// 2.5 s and the answer's way while driving; 250 s divided by the kilowatts, 5 to 20 s, while charging; 15 s online, 30 s
/// asleep.
pub(super) fn pace(image: &CarImage, at: Timestamp) -> SignedDuration {
    if is_driven(image) {
        SignedDuration::from_secs(3)
    } else if image.is_charging() {
        let seconds = (250.0 / image.grid_kw().max(1.0)).round();
        SignedDuration::from_secs_f64(seconds.clamp(5.0, 20.0))
    } else if image.is_asleep(at) {
        SignedDuration::from_secs(30)
    } else {
        SignedDuration::from_secs(15)
    }
}

fn is_driven(image: &CarImage) -> bool {
    image.is_on() && image.gear() != Some('P')
}

pub(super) fn sayings(image: &CarImage, at: Timestamp) -> Vec<Saying> {
    let state = if is_driven(image) {
        "driving"
    } else if image.is_charging() {
        "charging"
    } else if image.is_asleep(at) {
        "asleep"
    } else {
        "online"
    };
    let gear = image.gear().filter(|_| image.is_on());
    let speed = image
        .number(VssSignal::Speed)
        .filter(|_| is_driven(image))
        .map(|kmh| decimals(kmh, 0));
    let level = |signal| {
        image
            .number(signal)
            .map(|percent| decimals(percent.floor(), 0))
    };
    let values = [
        ("state", Some(state.to_owned())),
        ("speed", speed),
        ("odometer", image.odometer_km().map(|km| with_point(km, 2))),
        (
            "shift_state",
            Some(gear.map_or_else(String::new, |gear| gear.to_string())),
        ),
        ("power", image.draw_kw().map(|kw| decimals(kw, 0))),
        ("battery_level", level(VssSignal::StateOfCharge)),
        ("plugged_in", Some(image.is_plugged().to_string())),
        (
            "charge_energy_added",
            image.session_kwh().map(|kwh| with_point(kwh, 2)),
        ),
        ("charger_power", Some(decimals(image.grid_kw(), 0))),
        (
            "outside_temp",
            image
                .number(VssSignal::AirTemperature)
                .map(|celsius| with_point(celsius, 1)),
        ),
    ];
    let known = values.into_iter();
    known
        .filter_map(|(key, value)| Some(Saying::new(key, value?, at)))
        .collect()
}
