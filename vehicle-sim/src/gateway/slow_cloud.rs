//! A maker's cloud that is asked each five minutes. It is invented: of the kind that Volvo2mqtt v1.13.5 and
//! hyundai-loxone-bridge `e63d7251` ask, but neither of the two has a counter of the charged energy, or a time.
//!
//! It has no speed, no power and no energy used. Topics and data points are those of VSS, so that no mapping is needed;
//! the time is that of the car's own report, so that a value can be minutes old. Whole kilometres. Rates are assumed.

use jiff::SignedDuration;

use super::image::CarImage;
use super::saying::{Saying, decimals};
use crate::vss::VssSignal;

/// Interval at which the cloud is asked.
pub(super) const EACH: SignedDuration = SignedDuration::from_mins(5);

const METRES_PER_KM: f64 = 1_000.0;

pub(super) fn sayings(image: &CarImage) -> Vec<Saying> {
    let number = |signal, digits| image.number(signal).map(|number| decimals(number, digits));
    let metres = image.odometer_km().map(|km| km.floor() * METRES_PER_KM);
    let ignition = image.text(VssSignal::Ignition);
    let values = [
        (
            VssSignal::Odometer,
            metres.map(|metres| decimals(metres, 0)),
        ),
        (
            VssSignal::Ignition,
            ignition.map(|word| format!("\"{word}\"")),
        ),
        (
            VssSignal::StateOfCharge,
            number(VssSignal::StateOfCharge, 0),
        ),
        (VssSignal::IsCharging, Some(image.is_charging().to_string())),
        (
            VssSignal::ChargedEnergy,
            number(VssSignal::ChargedEnergy, 1),
        ),
    ];
    let known = values.into_iter();
    known
        .filter_map(|(signal, value)| {
            Some(Saying::new(signal.path(), value?, image.measured(signal)))
        })
        .collect()
}

/// Topic and payload of one value.
pub(super) fn point(saying: &Saying) -> (String, String) {
    let topic = format!("vss/{}", saying.key.replace('.', "/"));
    let payload = format!(
        r#"{{"value":{},"ts":"{:.0}"}}"#,
        saying.value, saying.measured
    );
    (topic, payload)
}
