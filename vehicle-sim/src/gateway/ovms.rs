//! OVMS 3.3.006, server v3 (`ovms_server_v3.cpp`, `ovms_metrics.cpp`, `metrics_standard.h`).
//!
//! One bare value a topic, retained, QoS 0: what changed, each so often, and everything each 20 minutes. Numbers have the
//! six significant digits of a C++ stream, flags are `yes` and `no`. The dots of a metric's name are slashes.

use jiff::{SignedDuration, Timestamp};

use super::image::CarImage;
use super::saying::{Saying, significant};
use crate::vss::VssSignal;

/// User and vehicle id, as they stand in the topics.
pub(super) const VEHICLE: &str = "simulator/SIM1";

/// All metrics, also unchanged ones.
pub(super) const ALL_EACH: SignedDuration = SignedDuration::from_mins(20);

/// Digits of a number.
const DIGITS: usize = 6;

pub(super) fn topic(key: &str) -> String {
    format!("ovms/{VEHICLE}/metric/{}", key.replace('.', "/"))
}

/// The server compares seconds of a ticker, so that an update time of 5, 10, 60 or 600 s is one more.
pub(super) fn pace(image: &CarImage, at: Timestamp) -> SignedDuration {
    SignedDuration::from_secs(if image.is_on() {
        6
    } else if image.is_charging() {
        11
    } else if image.is_asleep(at) {
        601
    } else {
        61
    })
}

/// Returns the metrics; a vehicle module that has a counter of the grid's energy has `v.c.kwh.grid.total`.
pub(super) fn sayings(image: &CarImage, at: Timestamp, has_grid_total: bool) -> Vec<Saying> {
    let number = |number: f64| significant(number, DIGITS);
    let flag = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    let of = |signal| image.number(signal).map(number);
    let gear = image.gear().and_then(|gear| match gear {
        'P' | 'N' => Some("0"),
        'D' => Some("1"),
        'R' => Some("-1"),
        _ => None,
    });
    let state = if image.is_charging() {
        "charging"
    } else if image.has_ended_charge() {
        "done"
    } else {
        ""
    };
    let values = [
        ("v.vin", Some(image.vin.clone())),
        ("v.e.on", Some(flag(image.is_on()))),
        ("v.e.awake", Some(flag(!image.is_asleep(at)))),
        ("v.e.gear", gear.map(str::to_owned)),
        (
            "v.e.parkbrake",
            image.flag(VssSignal::ParkingBrake).map(flag),
        ),
        ("v.e.temp", of(VssSignal::AirTemperature)),
        ("v.p.speed", of(VssSignal::Speed)),
        ("v.p.acceleration", of(VssSignal::LongitudinalAcceleration)),
        ("v.p.odometer", image.odometer_km().map(number)),
        ("v.b.soc", of(VssSignal::StateOfCharge)),
        ("v.b.power", image.draw_kw().map(number)),
        ("v.c.charging", Some(flag(image.is_charging()))),
        ("v.c.state", Some(state.to_owned())),
        ("v.c.power", Some(number(image.grid_kw()))),
        ("v.c.kwh", image.session_kwh().map(number)),
        (
            "v.c.kwh.grid.total",
            image.grid_kwh().filter(|_| has_grid_total).map(number),
        ),
    ];
    let known = values.into_iter();
    known
        // A metric that is empty is not sent.
        .filter_map(|(key, value)| {
            Some(Saying::new(key, value.filter(|text| !text.is_empty())?, at))
        })
        .collect()
}
