//! Conversions of a mapping file: scale, unit and words.

use dashpoint_telematics::{Signal, Value, ValueKind};

use super::facts::FileFacts;
use super::keys::{Mistake, TableKeys};
use crate::bus::conversion::Conversion;
use crate::bus::units::factor;
use crate::bus::words::{WordMeaning, Words};

/// Reads scale, offset, unit and words.
pub(super) fn read_conversion(
    signal: Signal,
    keys: TableKeys<'_>,
    facts: &FileFacts,
) -> Result<Conversion, Mistake> {
    let (scale, offset) = (keys.number("scale")?, keys.number("offset")?);
    if let Some(key) = scale.map(|_| "scale").or(offset.map(|_| "offset"))
        && must_be_number(signal, key).is_err()
    {
        let what = "scale, offset: the signal is no number";
        return Err(Mistake::new(key, what));
    }
    let (scale, offset) = (scale.unwrap_or(1.0), offset.unwrap_or(0.0));
    if !(scale.is_finite() && offset.is_finite()) || scale == 0.0 {
        let what = "scale, offset: expected numbers, and a scale that is not 0";
        return Err(Mistake::new("scale", what));
    }
    let unit = keys.text("unit")?;
    let factor = match unit {
        Some(unit) => factor(signal, unit).map_err(|what| Mistake::new("unit", what))?,
        None => 1.0,
    };
    Ok(Conversion {
        words: read_words(signal, keys, facts)?,
        scale,
        offset,
        unit: unit.map(str::to_owned),
        factor,
    })
}

fn read_words(signal: Signal, keys: TableKeys<'_>, facts: &FileFacts) -> Result<Words, Mistake> {
    let wrong = |key: &str, what: String| Mistake::new(key, format!("{key}: {what}"));
    let mut words = Words::default();
    for (word, value) in keys.table("values")?.into_iter().flat_map(|table| table.0) {
        let value =
            stands_for(signal, value).map_err(|what| wrong("values", what).in_values(word))?;
        if facts.format < 2 {
            words.add_exact(word.clone(), value);
            continue;
        }
        let added = if word == "null" {
            Err("null: write it as `null = ...`".to_owned())
        } else {
            words.add(word, WordMeaning::Value(value))
        };
        added.map_err(|what| wrong("values", what).in_values(word))?;
    }
    for item in keys.list("ignore")? {
        let Some(word) = item.as_str() else {
            return Err(wrong("ignore", format!("found {item}; expected texts")));
        };
        let known = match word {
            "" => words.empty.replace(WordMeaning::Nothing).is_some(),
            "null" => words.null.replace(WordMeaning::Nothing).is_some(),
            word => {
                let added = words.add(word, WordMeaning::Nothing);
                added.map_err(|what| wrong("ignore", what))?;
                false
            }
        };
        if known {
            return Err(wrong("ignore", format!("{word:?} is there twice")));
        }
    }
    for key in ["null", "empty"] {
        let Some(value) = keys.0.get(key) else {
            continue;
        };
        let value = stands_for(signal, value).map_err(|what| wrong(key, what))?;
        let slot = if key == "null" {
            &mut words.null
        } else {
            &mut words.empty
        };
        if slot.replace(WordMeaning::Value(value)).is_some() {
            return Err(wrong(key, "it is ignored as well".to_owned()));
        }
    }
    Ok(words)
}

impl Mistake {
    /// The same, at this word of `values`.
    fn in_values(mut self, word: &str) -> Self {
        self.at.push(word.to_owned());
        self
    }
}

/// Refuses a key for a signal that is no number.
pub(super) fn must_be_number(signal: Signal, key: &str) -> Result<(), Mistake> {
    match signal.kind() {
        ValueKind::Number { .. } => Ok(()),
        ValueKind::Flag | ValueKind::Text => {
            Err(Mistake::new(key, format!("{key}: the signal is no number")))
        }
    }
}

/// Returns the value of a word, in the signal's own type.
pub(super) fn stands_for(signal: Signal, value: &toml::Value) -> Result<Value, String> {
    let (found, expected) = match (signal.kind(), value) {
        (ValueKind::Flag, toml::Value::Boolean(flag)) => return Ok(Value::Bool(*flag)),
        (ValueKind::Number { .. }, toml::Value::Integer(number)) => {
            return Ok(Value::Number(*number as f64));
        }
        (ValueKind::Number { .. }, toml::Value::Float(number)) => {
            return Ok(Value::Number(*number));
        }
        (ValueKind::Text, toml::Value::String(text)) => return Ok(Value::Text(text.clone())),
        (ValueKind::Flag, other) => (other, "true or false"),
        (ValueKind::Number { .. }, other) => (other, "numbers"),
        (ValueKind::Text, other) => (other, "texts"),
    };
    Err(format!(
        "found {found}; expected them to stand for {expected}"
    ))
}
