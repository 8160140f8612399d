//! The conversion of what a car says into what VSS 6.0 would say.

use dashpoint_telematics::{Signal, Value};

use super::payload::{DataPoint, PayloadError, parse_or_null, typed};
use super::units::unit_of;
use super::words::{WordMeaning, Words};

/// Conversion of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// Words and numbers that stand for others.
    pub(super) words: Words,
    /// Value x scale + offset is in `unit`.
    pub(super) scale: f64,
    pub(super) offset: f64,
    /// The unit that the car publishes in, when it is said.
    pub(super) unit: Option<String>,
    /// From that unit to the signal's own.
    pub(super) factor: f64,
}

impl Default for Conversion {
    fn default() -> Self {
        Self {
            words: Words::default(),
            scale: 1.0,
            offset: 0.0,
            unit: None,
            factor: 1.0,
        }
    }
}

impl Conversion {
    /// Reads a payload that is one value, or one data point. Words see it before it is parsed; `None` when the car says
    /// nothing with it.
    ///
    /// # Errors
    /// [`PayloadError`]; the caller counts it by kind.
    pub fn read(&self, signal: Signal, payload: &[u8]) -> Result<Option<DataPoint>, PayloadError> {
        if let Some(meaning) = self.words.of_payload(payload) {
            let point = |value| DataPoint { value, ts_ms: None };
            return Ok(meaning.value().map(point));
        }
        let null = self.words.null.as_ref();
        let (value, ts_ms) = parse_or_null(payload, null.is_some())?;
        let value = match value {
            Some(value) => self.apply(signal, value),
            None => null.and_then(WordMeaning::value),
        };
        Ok(value.map(|value| DataPoint { value, ts_ms }))
    }

    /// Turns a value into what VSS 6.0 would say; `None` when the car says nothing with it. One that cannot be turned is
    /// left for the fold to refuse.
    #[must_use]
    pub fn apply(&self, signal: Signal, value: Value) -> Option<Value> {
        if let Some(meaning) = self.words.of_value(&value) {
            return meaning.value();
        }
        Some(match typed(signal, value) {
            Value::Number(number) => Value::Number(self.scaled(number)),
            value @ (Value::Bool(_) | Value::Text(_)) => value,
        })
    }

    /// Turns a number that is no word.
    pub(super) fn scaled(&self, number: f64) -> f64 {
        if self.scale == 1.0 && self.offset == 0.0 && self.factor == 1.0 {
            return number;
        }
        (number * self.scale + self.offset) * self.factor
    }

    /// Returns whether none of these texts can come out of it.
    #[must_use]
    pub fn shuts_out(&self, expected: &[&str]) -> bool {
        self.words.shut_out(expected)
    }

    /// Returns whether it has words, and none of them stands for one of these texts.
    #[must_use]
    pub fn has_no_word_for(&self, expected: &[&str]) -> bool {
        !self.words.is_empty() && !self.words.stand_for(expected)
    }

    /// Writes the conversion as a formula; empty when there is none.
    #[must_use]
    pub fn formula(&self, signal: Signal) -> String {
        let mut parts = Vec::new();
        if self.scale != 1.0 {
            parts.push(format!("x {}", self.scale));
        }
        if self.offset != 0.0 {
            parts.push(format!("+ {}", self.offset));
        }
        if let (Some(unit), Some(own)) = (&self.unit, unit_of(signal)) {
            parts.push(format!("{unit} -> {own} (x {})", self.factor));
        }
        parts.extend(self.words.formulas());
        parts.join(", ")
    }
}
