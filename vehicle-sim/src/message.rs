//! One message on the bus.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use crate::vss::Value;

/// How a message is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0, not retained: the next one comes in a second.
    Sample,
    /// QoS 1, retained: a head unit that starts later must learn it.
    State,
}

/// A value of one signal at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Path in the VSS tree, with dots.
    pub path: Cow<'static, str>,
    pub value: Value,
    /// The time of the event, not of sending.
    pub at: Timestamp,
    pub delivery: Delivery,
}

#[derive(Serialize)]
struct DataPoint<'a> {
    value: &'a Value,
    ts: String,
}

impl Message {
    /// The MQTT topic: `vss/` and the path with slashes, as KUKSA's publisher has it.
    pub fn topic(&self) -> String {
        format!("vss/{}", self.path.replace('.', "/"))
    }

    /// The VISS data point: `{"value": …, "ts": "…Z"}` with milliseconds.
    pub fn payload(&self) -> String {
        let point = DataPoint {
            value: &self.value,
            ts: format!("{:.3}", self.at),
        };
        serde_json::to_string(&point).expect("invariant: a scalar and a string are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vss::Signal;

    fn message(value: Value) -> Message {
        Message {
            path: Signal::Speed.path().into(),
            value,
            at: "2026-11-22T08:00:01.25Z".parse().unwrap(),
            delivery: Delivery::Sample,
        }
    }

    #[test]
    fn topic_and_payload_are_those_of_the_bus() {
        assert_eq!(message(Value::Bool(true)).topic(), "vss/Vehicle/Speed");
        for (value, json) in [
            (
                Value::Float(53.2),
                r#"{"value":53.2,"ts":"2026-11-22T08:00:01.250Z"}"#,
            ),
            (
                Value::Float(0.0),
                r#"{"value":0.0,"ts":"2026-11-22T08:00:01.250Z"}"#,
            ),
            (
                Value::Int(126),
                r#"{"value":126,"ts":"2026-11-22T08:00:01.250Z"}"#,
            ),
            (
                Value::Bool(true),
                r#"{"value":true,"ts":"2026-11-22T08:00:01.250Z"}"#,
            ),
            (
                Value::from("ON"),
                r#"{"value":"ON","ts":"2026-11-22T08:00:01.250Z"}"#,
            ),
        ] {
            assert_eq!(message(value).payload(), json);
        }
    }

    #[test]
    fn speed_keeps_every_bit() {
        let speed = 0.1_f64 + 0.2;
        let json: serde_json::Value =
            serde_json::from_str(&message(speed.into()).payload()).unwrap();
        assert_eq!(json["value"].as_f64(), Some(speed));
    }
}
