//! VISS v3 over MQTT (COVESA's vissr v3.1.0, `server/vissv2server/mqttMgr/mqttMgr.go`).
//!
//! A client names a topic for the replies, and each value of its subscription comes there, QoS 0, not retained. All values
//! are text. Times are RFC 3339 in whole seconds.

use super::post::GatewayMessage;
use super::saying::whole_second;
use crate::message::{Delivery, Message};
use crate::vss::VssValue;

/// The vehicle, as it stands in the topic for the replies.
pub(super) const VEHICLE: &str = "car";

/// The reply that says one value.
pub(super) fn reply(message: &Message) -> GatewayMessage {
    let stamp = whole_second(message.stamp());
    let value = match &message.value {
        VssValue::Bool(flag) => flag.to_string(),
        VssValue::Int(number) => number.to_string(),
        VssValue::Float(number) => number.to_string(),
        VssValue::Text(text) => text.clone(),
    };
    let value = serde_json::Value::from(value);
    let path = &message.path;
    let payload = format!(
        r#"{{"action":"subscription","subscriptionId":"1","data":{{"path":"{path}","dp":{{"value":{value},"ts":"{stamp:.0}"}}}},"ts":"{stamp:.0}"}}"#
    );
    GatewayMessage {
        topic: format!("dashpoint/viss/{VEHICLE}"),
        payload,
        at: message.at,
        stamp,
        delivery: Delivery::Sample,
    }
}
