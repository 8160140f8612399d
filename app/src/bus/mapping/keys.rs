//! Reads a table of a mapping key by key, so that each refusal says which key, and what to write.

use dashpoint_membership::nearest_name;
use toml::{Table, Value};

/// A mistake in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The keys below the table, down to the wrong one.
    pub(super) at: Vec<String>,
    /// The problem, and the expected form.
    pub(super) what: String,
}

impl Mistake {
    pub(super) fn new(key: &str, what: impl Into<String>) -> Self {
        Self {
            at: vec![key.to_owned()],
            what: what.into(),
        }
    }

    /// The same, seen from the table around it.
    pub(super) fn in_table(mut self, key: &str) -> Self {
        self.at.insert(0, key.to_owned());
        self
    }
}

/// One table.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableKeys<'a>(pub(super) &'a Table);

impl<'a> TableKeys<'a> {
    pub(super) fn has(self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn text(self, key: &str) -> Result<Option<&'a str>, Mistake> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(expected(key, other, "a text")),
        }
    }

    pub(super) fn number(self, key: &str) -> Result<Option<f64>, Mistake> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(*number as f64)),
            Some(Value::Float(number)) => Ok(Some(*number)),
            Some(other) => Err(expected(key, other, "a number")),
        }
    }

    pub(super) fn flag(self, key: &str) -> Result<bool, Mistake> {
        match self.0.get(key) {
            None => Ok(false),
            Some(Value::Boolean(flag)) => Ok(*flag),
            Some(other) => Err(expected(key, other, "true or false")),
        }
    }

    pub(super) fn table(self, key: &str) -> Result<Option<Self>, Mistake> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(TableKeys(table))),
            Some(other) => Err(expected(key, other, "a table")),
        }
    }

    pub(super) fn list(self, key: &str) -> Result<&'a [Value], Mistake> {
        match self.0.get(key) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(other) => Err(expected(key, other, "a list")),
        }
    }

    /// Refuses a key that is none of these, with the one that was meant.
    pub(super) fn only(self, known: &[&str]) -> Result<(), Mistake> {
        let mut keys = self.0.keys();
        match keys.find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(stranger) => {
                let what = unknown(stranger, "table", known);
                Err(Mistake::new(stranger, format!("{stranger}: {what}")))
            }
        }
    }
}

/// Says which key was meant by one that is not known there.
pub(super) fn unknown(key: &str, place: &str, known: &[&str]) -> String {
    match nearest_name(key, known) {
        Some(meant) => format!("not a key of this {place}: did you mean `{meant}`?"),
        None => format!("not a key of this {place}; expected {}", known.join(", ")),
    }
}

fn expected(key: &str, found: &Value, expected: &str) -> Mistake {
    let text = found.to_string().replace('\n', " ");
    let short: String = text.chars().take(60).collect();
    Mistake::new(key, format!("{key}: found {short}; expected {expected}"))
}
