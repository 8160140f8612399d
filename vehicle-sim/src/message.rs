//! One message on the bus.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Delivery of a message: quality of service and retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0, not retained: the next one comes in a second.
    Sample,
    /// QoS 1, retained: a head unit that starts later must learn it.
    State,
    /// QoS 0, retained, as many gateways have it.
    Kept,
}

/// A payload that no sensor means to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Garbage {
    /// No JSON at all.
    Text,
    Empty,
    /// A mebibyte.
    Huge,
    /// A data point whose value is no number.
    Nan,
    /// A data point whose value is a list.
    WrongType,
    /// The right value at a time long gone.
    #[serde(rename = "year-1970")]
    Year1970,
    /// The right value at a time far ahead.
    #[serde(rename = "year-2099")]
    Year2099,
}

/// Size of a huge payload, in bytes.
const HUGE: usize = 1024 * 1024;

/// The value of a signal, as native JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VssValue {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl From<bool> for VssValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for VssValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for VssValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for VssValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// A value of one signal at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Path in the VSS tree, with dots.
    pub path: Cow<'static, str>,
    pub value: VssValue,
    /// The time of the event, not of sending.
    pub at: Timestamp,
    /// By so much the clock that stamps it is ahead; behind when negative.
    pub clock_ahead: SignedDuration,
    pub delivery: Delivery,
    /// Nonsense that is sent in place of the value.
    pub garbage: Option<Garbage>,
}

#[derive(Serialize)]
struct VssDataPoint<'a> {
    value: &'a VssValue,
    ts: &'a str,
}

impl Message {
    /// The MQTT topic: `vss/` and the path with slashes, as KUKSA's publisher has it.
    pub fn topic(&self) -> String {
        format!("vss/{}", self.path.replace('.', "/"))
    }

    /// The time that the payload says, by the clock that stamps it.
    pub fn stamp(&self) -> Timestamp {
        self.at.checked_add(self.clock_ahead).unwrap_or(self.at)
    }

    /// The VISS data point: `{"value": …, "ts": "…Z"}` with milliseconds; or the garbage in its place.
    pub fn payload(&self) -> String {
        let ts = format!("{:.3}", self.stamp());
        match self.garbage {
            None => self.point(&ts),
            Some(Garbage::Text) => "no data point".to_owned(),
            Some(Garbage::Empty) => String::new(),
            Some(Garbage::Huge) => "x".repeat(HUGE),
            Some(Garbage::Nan) => format!(r#"{{"value":"NaN","ts":"{ts}"}}"#),
            Some(Garbage::WrongType) => format!(r#"{{"value":[1],"ts":"{ts}"}}"#),
            Some(Garbage::Year1970) => self.point("1970-01-01T00:00:00.000Z"),
            Some(Garbage::Year2099) => self.point("2099-01-01T00:00:00.000Z"),
        }
    }

    fn point(&self, ts: &str) -> String {
        let point = VssDataPoint {
            value: &self.value,
            ts,
        };
        serde_json::to_string(&point).expect("invariant: a scalar and a string are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vss::VssSignal;

    fn message(value: VssValue) -> Message {
        Message {
            path: VssSignal::Speed.path().into(),
            value,
            at: "2026-11-22T08:00:01.25Z".parse().unwrap(),
            clock_ahead: SignedDuration::ZERO,
            delivery: Delivery::Sample,
            garbage: None,
        }
    }

    #[test]
    fn topic_and_payload_are_those_of_the_bus() {
        assert_eq!(message(VssValue::Bool(true)).topic(), "vss/Vehicle/Speed");
        for (value, json) in [
            (
                VssValue::Float(53.2),
                r#"{"value":53.2,"ts":"2026-11-22T08:00:01.250Z"}"#,
            ),
            (
                VssValue::Float(0.0),
                r#"{"value":0.0,"ts":"2026-11-22T08:00:01.250Z"}"#,
            ),
            (
                VssValue::Int(126),
                r#"{"value":126,"ts":"2026-11-22T08:00:01.250Z"}"#,
            ),
            (
                VssValue::Bool(true),
                r#"{"value":true,"ts":"2026-11-22T08:00:01.250Z"}"#,
            ),
            (
                VssValue::from("ON"),
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
