//! WiCAN v4.21 (`main/autopid.c`), AutoPID in groups: all PIDs of a group in one object, each ten seconds, retained, QoS 0.
//!
//! A PID of a class such as `power` or `none` is a number with at most two decimals, a binary sensor is `on` or `off`. The
//! device sleeps with the car.

use jiff::{SignedDuration, Timestamp};

use super::image::CarImage;
use super::saying::{Saying, decimals};
use crate::vss::VssSignal;

/// The id of the device, as it stands in the topic.
pub(super) const VEHICLE: &str = "a1b2c3d4e5f6";

/// The default period of a group.
pub(super) const PERIOD: SignedDuration = SignedDuration::from_secs(10);

/// Voltage of the battery, which the car has no signal of. A profile has it and the amperes; power is their product.
const VOLTS: f64 = 360.0;

const WATTS_PER_KW: f64 = 1_000.0;

pub(super) fn sayings(image: &CarImage, at: Timestamp) -> Vec<Saying> {
    let number = |number: f64| decimals(number, 2);
    let binary = |is_on: bool| if is_on { "\"on\"" } else { "\"off\"" }.to_owned();
    let amperes = image.draw_kw().map(|kw| kw * WATTS_PER_KW / VOLTS);
    let values = [
        ("SPEED", image.number(VssSignal::Speed).map(number)),
        ("ODOMETER", image.odometer_km().map(number)),
        ("IGNITION", Some(binary(image.is_on()))),
        ("SOC", image.number(VssSignal::StateOfCharge).map(number)),
        ("CHARGING", Some(binary(image.is_charging()))),
        ("HV_V", amperes.map(|_| number(VOLTS))),
        ("HV_A", amperes.map(number)),
    ];
    let known = values.into_iter();
    known
        .filter_map(|(key, value)| Some(Saying::new(key, value?, at)))
        .collect()
}

/// Topic and payload of the group.
pub(super) fn group(sayings: &[Saying]) -> (String, String) {
    let pids: Vec<String> = sayings
        .iter()
        .map(|saying| format!("\"{}\":{}", saying.key, saying.value))
        .collect();
    (
        format!("wican/{VEHICLE}/autopid"),
        format!("{{{}}}", pids.join(",")),
    )
}
