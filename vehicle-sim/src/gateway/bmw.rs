//! BMW CarData, as BMW's own broker streams it (bmw_cardata 0.1.0a3) and as bmw-mqtt-bridge `43932c7c` splits it with
//! `MQTT_SPLIT_TOPICS=1` (`on_bmw_message` of its source).
//!
//! BMW says what has changed, each key with its own time and unit, in one object under the account and the VIN. The bridge
//! has a topic for each key, with what stood at it. Neither retains by default, and there is no speed. Rates are assumed:
//! BMW does not say how often a key comes.

use jiff::{SignedDuration, Timestamp};

use super::image::CarImage;
use super::saying::{Saying, decimals};
use crate::vss::VssSignal;

/// The account.
pub(super) const GCID: &str = "5a1e0000-0000-4000-8000-000000000001";

/// Rate of what counts, assumed; what is an event comes at once.
const COUNTERS_EVERY: SignedDuration = SignedDuration::from_mins(5);

const MOVING: &str = "vehicle.isMoving";
const ODOMETER: &str = "vehicle.vehicle.travelledDistance";
const IGNITION: &str = "vehicle.drivetrain.engine.isIgnitionOn";
const CHARGE: &str = "vehicle.drivetrain.batteryManagement.header";
const CHARGING: &str = "vehicle.drivetrain.electricEngine.charging.status";
const GRID_ENERGY: &str =
    "vehicle.drivetrain.electricEngine.charging.consumptionOverLifeTime.overall.gridEnergy";

pub(super) fn sayings(image: &CarImage) -> Vec<Saying> {
    let ignition = image.text(VssSignal::Ignition).map(|_| {
        if image.is_on() {
            "\"ASN_isTrue\""
        } else {
            "\"ASN_isFalse\""
        }
    });
    let charging = if image.is_charging() {
        "\"CHARGINGACTIVE\""
    } else if image.has_ended_charge() {
        "\"CHARGINGENDED\""
    } else {
        "\"NOCHARGING\""
    };
    let at_once = SignedDuration::ZERO;
    let percent = image.number(VssSignal::StateOfCharge);
    let values = [
        (
            MOVING,
            image.flag(VssSignal::IsMoving).map(|flag| flag.to_string()),
            None,
            VssSignal::IsMoving,
            at_once,
        ),
        (
            IGNITION,
            ignition.map(str::to_owned),
            None,
            VssSignal::Ignition,
            at_once,
        ),
        (
            ODOMETER,
            image.odometer_km().map(|km| decimals(km.floor(), 0)),
            Some("km"),
            VssSignal::Odometer,
            COUNTERS_EVERY,
        ),
        (
            CHARGE,
            percent.map(|percent| decimals(percent.floor(), 0)),
            Some("%"),
            VssSignal::StateOfCharge,
            at_once,
        ),
        (
            CHARGING,
            Some(charging.to_owned()),
            None,
            VssSignal::IsCharging,
            at_once,
        ),
        (
            GRID_ENERGY,
            image.grid_kwh().map(|kwh| decimals(kwh, 2)),
            Some("kWh"),
            VssSignal::ChargedEnergy,
            COUNTERS_EVERY,
        ),
    ];
    let known = values.into_iter();
    known
        .filter_map(|(key, value, unit, signal, every)| {
            Some(Saying {
                unit,
                every,
                ..Saying::new(key, value?, image.measured(signal))
            })
        })
        .collect()
}

/// Topic and payload of BMW's broker, for all that is to be said at `at`.
pub(super) fn raw(image: &CarImage, sayings: &[Saying], at: Timestamp) -> (String, String) {
    let vin = &image.vin;
    let data: Vec<String> = sayings
        .iter()
        .map(|saying| format!("\"{}\":{}", saying.key, point(saying)))
        .collect();
    let payload = format!(
        r#"{{"vin":"{vin}","entityId":"{GCID}","topic":"{vin}","timestamp":"{at:.0}","data":{{{}}}}}"#,
        data.join(",")
    );
    (format!("{GCID}/{vin}"), payload)
}

/// Topic and payload of the bridge, for one key.
pub(super) fn split(image: &CarImage, saying: &Saying) -> (String, String) {
    let topic = format!("bmw/vehicles/{}/{}", image.vin, saying.key);
    (topic, point(saying))
}

fn point(saying: &Saying) -> String {
    let measured = format!("{:.0}", saying.measured);
    let unit = saying
        .unit
        .map_or_else(String::new, |unit| format!(r#","unit":"{unit}""#));
    format!(
        r#"{{"timestamp":"{measured}","value":{}{unit}}}"#,
        saying.value
    )
}
