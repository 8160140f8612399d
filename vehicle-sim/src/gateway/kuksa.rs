//! KUKSA's val-server `f0e028bc` with its MQTT publisher, which ended on 2024-12-31: `vss/` and the path with slashes, the
//! bare value, QoS 0, not retained, whenever it changes. The databroker that took its place has no MQTT.

use super::post::GatewayMessage;
use crate::message::{Delivery, Message};
use crate::vss::VssValue;

/// The message that says one value.
pub(super) fn bare(message: &Message) -> GatewayMessage {
    let payload = match &message.value {
        VssValue::Bool(flag) => flag.to_string(),
        VssValue::Int(number) => number.to_string(),
        VssValue::Float(number) => number.to_string(),
        VssValue::Text(text) => text.clone(),
    };
    GatewayMessage {
        topic: message.topic(),
        payload,
        at: message.at,
        stamp: message.at,
        delivery: Delivery::Sample,
    }
}
