//! The payload of a signal: the VISS data point, or a bare value stamped on arrival.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use dashpoint_telematics::{Signal, Value, ValueKind};

/// Longest payload that is looked at, in bytes; a data point has about sixty.
pub const PAYLOAD_MAX: usize = 4_096;

/// A value and when it was true.
#[derive(Debug, Clone, PartialEq)]
pub struct DataPoint {
    /// The value; a number that came as text is still text here, the signal's type decides.
    pub value: Value,
    /// Milliseconds since 1970-01-01T00:00:00Z; `None` for a bare value.
    pub ts_ms: Option<i64>,
}

/// Reasons that a payload is no data point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum PayloadError {
    /// Nothing in it.
    #[error("empty")]
    Empty,
    /// More than [`PAYLOAD_MAX`].
    #[error("too long")]
    TooLong,
    /// Neither JSON nor a bare word.
    #[error("not a data point")]
    NotADataPoint,
    /// The time is not RFC 3339.
    #[error("no time")]
    BadTime,
}

impl PayloadError {
    /// Its name in reports and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too-long",
            Self::NotADataPoint => "not-a-data-point",
            Self::BadTime => "bad-time",
        }
    }
}

/// Reads `{"value": 53.2, "ts": "2026-11-22T08:00:01.250Z"}`, with the value as number, boolean or text (VISS quotes
/// every scalar), or a bare value; `None` for a value that is null, where null stands for something.
///
/// # Errors
/// [`PayloadError`] for anything else; the caller counts it by kind.
pub(super) fn parse_or_null(
    payload: &[u8],
    has_null: bool,
) -> Result<(Option<Value>, Option<i64>), PayloadError> {
    let of_scalar = |scalar: Scalar<'_>| match scalar.value_or_null()? {
        None if !has_null => Err(PayloadError::NotADataPoint),
        value => Ok(value),
    };
    match payload.len() {
        0 => return Err(PayloadError::Empty),
        1..=PAYLOAD_MAX => {}
        _ => return Err(PayloadError::TooLong),
    }
    let text = std::str::from_utf8(payload)
        .map_err(|_| PayloadError::NotADataPoint)?
        .trim();
    if text.starts_with('{') {
        let written: Written<'_> =
            serde_json::from_str(text).map_err(|_| PayloadError::NotADataPoint)?;
        let value = of_scalar(written.value)?;
        let ts_ms = match written.ts {
            None => None,
            Some(Scalar::Text(ts)) => Some(parse_time(&ts)?),
            Some(
                Scalar::Flag(_)
                | Scalar::Number(_)
                | Scalar::Long(_)
                | Scalar::Null
                | Scalar::Other,
            ) => {
                return Err(PayloadError::BadTime);
            }
        };
        return Ok((value, ts_ms));
    }
    let value = match serde_json::from_str::<Scalar<'_>>(text) {
        Ok(scalar) => of_scalar(scalar)?,
        Err(_) if is_bare_word(text) => Some(Value::Text(text.to_owned())),
        Err(_) => return Err(PayloadError::NotADataPoint),
    };
    Ok((value, None))
}

/// A value in the type of its signal: VISS quotes every scalar.
#[must_use]
pub fn typed(signal: Signal, value: Value) -> Value {
    match (signal.kind(), value) {
        (ValueKind::Number { .. }, Value::Text(text)) => match text.parse() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::Text(text),
        },
        (ValueKind::Flag, Value::Text(text)) => match text.parse() {
            Ok(flag) => Value::Bool(flag),
            Err(_) => Value::Text(text),
        },
        (_, value) => value,
    }
}

/// A data point as it was written; what else stands in it is nobody's business.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    value: Scalar<'a>,
    #[serde(borrow, default, deserialize_with = "there")]
    ts: Option<Scalar<'a>>,
}

/// Deserializes a field that is present, also when it is null.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Scalar<'de>>, D::Error> {
    Scalar::deserialize(deserializer).map(Some)
}

/// A JSON value that lies in the message itself: there are hundreds of these a second.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    /// True or false.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A whole number that an `f64` rounds, such as an identifier of 17 digits.
    Long(i128),
    /// A text.
    Text(Cow<'a, str>),
    /// Null.
    Null,
    /// A list or an object.
    Other,
}

/// Most whole numbers that an `f64` has without rounding: 2^53.
pub(super) const WHOLE_MAX: i128 = 1 << 53;

impl Scalar<'_> {
    /// Returns a whole number, with all of its digits.
    pub(super) const fn whole(number: i128) -> Self {
        if -WHOLE_MAX < number && number < WHOLE_MAX {
            Self::Number(number as f64)
        } else {
            Self::Long(number)
        }
    }

    /// Returns the value; `None` for null.
    ///
    /// # Errors
    /// [`PayloadError::NotADataPoint`] for a list and an object.
    pub(super) fn value_or_null(self) -> Result<Option<Value>, PayloadError> {
        match self {
            Self::Flag(flag) => Ok(Some(Value::Bool(flag))),
            Self::Number(number) => Ok(Some(Value::Number(number))),
            Self::Long(number) => Ok(Some(Value::Number(number as f64))),
            Self::Text(text) => Ok(Some(Value::Text(text.into_owned()))),
            Self::Null => Ok(None),
            Self::Other => Err(PayloadError::NotADataPoint),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::whole(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::whole(number.into()))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// Reads a time of RFC 3339, in milliseconds since 1970-01-01T00:00:00Z.
///
/// # Errors
/// [`PayloadError::BadTime`].
pub(super) fn parse_time(text: &str) -> Result<i64, PayloadError> {
    text.parse::<Timestamp>()
        .map(Timestamp::as_millisecond)
        .map_err(|_| PayloadError::BadTime)
}

/// KUKSA publishes an enum value as a bare word (`LOCK`) and a driver's subject as bare text.
fn is_bare_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'*' | b'@')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(payload: &[u8]) -> Result<DataPoint, PayloadError> {
        let (value, ts_ms) = parse_or_null(payload, false)?;
        let value = value.ok_or(PayloadError::NotADataPoint)?;
        Ok(DataPoint { value, ts_ms })
    }

    #[test]
    fn a_data_point_has_its_value_in_any_json_form() {
        let at = Some(1_795_334_401_250);
        for (payload, value) in [
            (
                r#"{"value": 53.2, "ts": "2026-11-22T08:00:01.250Z"}"#,
                Value::Number(53.2),
            ),
            (
                r#"{"value": "53.2", "ts": "2026-11-22T08:00:01.250Z"}"#,
                Value::Text("53.2".into()),
            ),
            (
                r#"{"ts":"2026-11-22T16:00:01.25+08:00","value":true}"#,
                Value::Bool(true),
            ),
            (
                r#"{"value":"\u0041","unit":{"x":[1]},"ts":"2026-11-22T08:00:01.250Z"}"#,
                Value::Text("A".into()),
            ),
            (
                r#"{"value":-7,"ts":"2026-11-22T08:00:01.250Z"}"#,
                Value::Number(-7.0),
            ),
        ] {
            assert_eq!(
                parse(payload.as_bytes()),
                Ok(DataPoint { value, ts_ms: at }),
                "{payload}"
            );
        }
        for (payload, value) in [
            ("53.2", Value::Number(53.2)),
            ("true", Value::Bool(true)),
            ("LOCK", Value::Text("LOCK".into())),
            ("\"ON\"", Value::Text("ON".into())),
        ] {
            assert_eq!(
                parse(payload.as_bytes()),
                Ok(DataPoint { value, ts_ms: None }),
                "{payload}"
            );
        }
    }

    #[test]
    fn anything_else_is_named_by_kind() {
        let long = "1".repeat(PAYLOAD_MAX + 1);
        for (payload, kind) in [
            (&b""[..], PayloadError::Empty),
            (long.as_bytes(), PayloadError::TooLong),
            (b"\xff\xfe", PayloadError::NotADataPoint),
            (b"{\"value\":", PayloadError::NotADataPoint),
            (b"{\"value\":null}", PayloadError::NotADataPoint),
            (b"[1,2]", PayloadError::NotADataPoint),
            (b"hello world", PayloadError::NotADataPoint),
            (b"{\"value\":1,\"ts\":\"yesterday\"}", PayloadError::BadTime),
            (b"{\"value\":1,\"ts\":12}", PayloadError::BadTime),
            (b"{\"value\":1,\"ts\":null}", PayloadError::BadTime),
            (
                b"{\"ts\":\"2026-11-22T08:00:01Z\"}",
                PayloadError::NotADataPoint,
            ),
            // A null is no value, whatever its time.
            (b"{\"value\":null,\"ts\":12}", PayloadError::NotADataPoint),
            (
                b"{\"value\":{\"deep\":[1]},\"ts\":12}",
                PayloadError::NotADataPoint,
            ),
        ] {
            assert_eq!(
                parse(payload),
                Err(kind),
                "{:?}",
                String::from_utf8_lossy(payload)
            );
        }
    }
}
