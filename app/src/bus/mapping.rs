//! The mapping of a car that is not VSS 6.0: where each signal is published, and how its values are turned.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use dashpoint_telematics::{FORMER_PATHS, Signal, Value, ValueKind};
use serde::Deserialize;
use toml::Table;

use super::payload::typed;
use super::units::{factor, unit_of};
use super::{TOPIC_PREFIX, topic_under};

/// Reasons that a mapping cannot be used: one line each.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The file cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{}: line {line}: not TOML: {what}", path.display())]
    NotToml {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Message of the parser.
        what: String,
    },
    /// Something in it is wrong.
    #[error("{}: {problem}", path.display())]
    Wrong {
        /// Path of the file.
        path: PathBuf,
        /// The first wrong place.
        problem: Problem,
    },
}

/// A wrong place of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct Problem {
    /// The key, with its tables.
    pub key: String,
    /// The problem, and the expected form.
    pub what: String,
}

/// Topic and conversion of each signal of a car.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    routes: Vec<Route>,
    by_topic: HashMap<String, usize>,
    problems: Vec<Problem>,
}

/// Topic and conversion of one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The signal.
    pub signal: Signal,
    /// Its topic; none when the car cannot say it, or when what is written of it is wrong.
    pub topic: Option<String>,
    /// Conversion of its values.
    pub conversion: Conversion,
}

/// Conversion of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// Words and numbers that stand for others.
    words: BTreeMap<String, Value>,
    /// Value x scale + offset is in `unit`.
    scale: f64,
    offset: f64,
    /// The unit that the car publishes in, when it is said.
    unit: Option<String>,
    /// From that unit to the signal's own.
    factor: f64,
}

/// One signal as the file has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    topic: Option<String>,
    alias: Option<String>,
    unit: Option<String>,
    scale: Option<f64>,
    offset: Option<f64>,
    #[serde(default)]
    values: BTreeMap<String, toml::Value>,
    #[serde(default)]
    absent: bool,
}

impl Default for Mapping {
    /// VSS 6.0 as KUKSA's publisher has it.
    fn default() -> Self {
        Self::of(TOPIC_PREFIX, &BTreeMap::new(), Vec::new())
    }
}

impl Mapping {
    /// Reads a file that must be right in all of its parts.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn load(path: &Path) -> Result<Self, MappingError> {
        let mapping = Self::look(path)?;
        match mapping.problems.first() {
            None => Ok(mapping),
            Some(problem) => Err(MappingError::Wrong {
                path: path.to_owned(),
                problem: problem.clone(),
            }),
        }
    }

    /// Reads a file, and keeps what is wrong with it for [`Mapping::problems`].
    ///
    /// # Errors
    /// [`MappingError`] when it cannot be read, or is no TOML.
    pub fn look(path: &Path) -> Result<Self, MappingError> {
        let text = std::fs::read_to_string(path).map_err(|source| MappingError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|(line, what)| MappingError::NotToml {
            path: path.to_owned(),
            line,
            what,
        })
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(1, |span| text[..span.start].lines().count().max(1));
            (line, error.message().replace('\n', " "))
        })?;
        let mut problems = Vec::new();
        let mut refuse = |key: &str, what: String| {
            problems.push(Problem {
                key: key.to_owned(),
                what,
            });
        };
        let prefix = match table.remove("prefix") {
            None => TOPIC_PREFIX.to_owned(),
            Some(toml::Value::String(prefix)) if is_topic_part(&prefix) => prefix,
            Some(_) => {
                refuse("prefix", "expected a text without + and #".to_owned());
                TOPIC_PREFIX.to_owned()
            }
        };
        let mut written = BTreeMap::new();
        match table.remove("signals") {
            None => {}
            Some(toml::Value::Table(signals)) => {
                for (path, value) in signals {
                    if FORMER_PATHS.contains(&path.as_str()) {
                        tracing::info!(
                            path,
                            "the mapping names a signal that is not used any more"
                        );
                        continue;
                    }
                    let key = format!("signals.{path:?}");
                    let Some(signal) = Signal::from_path(&path) else {
                        let what = "not a signal that Dashpoint uses; expected a VSS 6.0 path of `dashpoint check-mapping`";
                        refuse(&key, what.to_owned());
                        continue;
                    };
                    match value.try_into::<Written>() {
                        Ok(entry) => {
                            written.insert(signal, entry);
                        }
                        Err(error) => refuse(&key, error.message().replace('\n', " ")),
                    }
                }
            }
            Some(_) => refuse("signals", "expected a table".to_owned()),
        }
        for key in table.keys() {
            refuse(
                key,
                "not a key of this file; expected prefix, signals".to_owned(),
            );
        }
        Ok(Self::of(&prefix, &written, problems))
    }

    fn of(prefix: &str, written: &BTreeMap<Signal, Written>, mut problems: Vec<Problem>) -> Self {
        let mut routes = Vec::new();
        let mut by_topic = HashMap::new();
        let as_is = Written::default();
        for signal in Signal::ALL {
            let entry = written.get(signal).unwrap_or(&as_is);
            let key = format!("signals.{:?}", signal.path());
            let mut route = Route {
                signal: *signal,
                topic: None,
                conversion: Conversion::none(),
            };
            match entry.route(*signal, prefix) {
                Ok(Some((topic, conversion))) if !by_topic.contains_key(&topic) => {
                    by_topic.insert(topic.clone(), routes.len());
                    route.topic = Some(topic);
                    route.conversion = conversion;
                }
                Ok(Some((topic, _))) => problems.push(Problem {
                    key,
                    what: format!("topic {topic:?} is another signal's already"),
                }),
                Ok(None) => {}
                Err(what) => problems.push(Problem { key, what }),
            }
            routes.push(route);
        }
        Self {
            routes,
            by_topic,
            problems,
        }
    }

    /// Returns the route of each signal, in the order of [`Signal::ALL`].
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Returns its problems; a mapping that was loaded has none.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Finds the route of a topic, if the topic is used.
    #[must_use]
    pub fn route(&self, topic: &str) -> Option<&Route> {
        self.routes.get(*self.by_topic.get(topic)?)
    }
}

impl Written {
    /// Topic and conversion; `None` when the car cannot say it.
    fn route(&self, signal: Signal, prefix: &str) -> Result<Option<(String, Conversion)>, String> {
        if self.absent {
            let more = self.topic.is_some() || self.alias.is_some() || self.unit.is_some();
            return if more {
                Err("absent: and yet a topic, an alias or a unit is given".to_owned())
            } else {
                Ok(None)
            };
        }
        let topic = match (&self.topic, &self.alias) {
            (Some(_), Some(_)) => return Err("expected a topic or an alias, not both".to_owned()),
            (Some(topic), None) => topic.clone(),
            (None, Some(alias)) => topic_under(prefix, alias),
            (None, None) => topic_under(prefix, signal.path()),
        };
        if topic.is_empty() || !is_topic_part(&topic) {
            return Err(format!("topic {topic:?}: expected one without + and #"));
        }
        let numeric = matches!(signal.kind(), ValueKind::Number { .. });
        if !numeric && (self.scale.is_some() || self.offset.is_some()) {
            return Err("scale, offset: the signal is no number".to_owned());
        }
        let (scale, offset) = (self.scale.unwrap_or(1.0), self.offset.unwrap_or(0.0));
        if !(scale.is_finite() && offset.is_finite()) || scale == 0.0 {
            return Err("scale, offset: expected numbers, and a scale that is not 0".to_owned());
        }
        let factor = match &self.unit {
            Some(unit) => factor(signal, unit)?,
            None => 1.0,
        };
        let words = self
            .values
            .iter()
            .map(|(word, value)| Ok((word.clone(), stands_for(signal, value)?)))
            .collect::<Result<_, String>>()?;
        let conversion = Conversion {
            words,
            scale,
            offset,
            unit: self.unit.clone(),
            factor,
        };
        Ok(Some((topic, conversion)))
    }
}

/// Returns the value of a word, in the signal's own type.
fn stands_for(signal: Signal, value: &toml::Value) -> Result<Value, String> {
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
        "values: found {found}; expected them to stand for {expected}"
    ))
}

fn is_topic_part(text: &str) -> bool {
    !text.contains(['+', '#', '\0'])
}

impl Conversion {
    const fn none() -> Self {
        Self {
            words: BTreeMap::new(),
            scale: 1.0,
            offset: 0.0,
            unit: None,
            factor: 1.0,
        }
    }

    /// Turns a value into what VSS 6.0 would say. One that cannot be turned is left for the fold to refuse.
    #[must_use]
    pub fn apply(&self, signal: Signal, value: Value) -> Value {
        if !self.words.is_empty() {
            let word = match &value {
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Text(text) => text.clone(),
            };
            if let Some(stands_for) = self.words.get(&word) {
                return stands_for.clone();
            }
        }
        match typed(signal, value) {
            Value::Number(number) if !self.is_none() => {
                Value::Number((number * self.scale + self.offset) * self.factor)
            }
            value @ (Value::Bool(_) | Value::Number(_) | Value::Text(_)) => value,
        }
    }

    fn is_none(&self) -> bool {
        self.scale == 1.0 && self.offset == 0.0 && self.factor == 1.0
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
        for (word, stands_for) in &self.words {
            let stands_for = match stands_for {
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Text(text) => text.clone(),
            };
            parts.push(format!("{word} = {stands_for}"));
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests;
