//! Reads a policy and a catalogue from the text of a TOML file: strictly, since a key that is not known is a mistake.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::catalogue::{Catalogue, CatalogueError};
use crate::ids::RuleId;
use crate::plain_toml;
use crate::policy::{PathStep, Policy, PolicyError, PolicyWarning};

/// A reason that a text is no policy or no catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The problem in one line, with what is expected.
    pub problem: String,
}

impl Policy {
    /// Reads the text of a policy file; a key that is not known is refused at any level.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        read(text)
    }
}

impl Catalogue {
    /// Reads the text of a catalogue file; a key that is not known is refused at any level.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        read(text)
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, FileError> {
    toml::from_str(text).map_err(|refused| FileError {
        line: refused.span().map_or(1, |span| line_at(text, span.start)),
        problem: unknown_name(refused.message())
            .unwrap_or_else(|| plain_toml::problem(text, &refused)),
    })
}

/// Says which key or name was meant, when the message is serde's about one that is not known: it and those that are, each
/// in backticks.
fn unknown_name(message: &str) -> Option<String> {
    let what = if message.starts_with("unknown field `") {
        "key"
    } else if message.starts_with("unknown variant `") {
        "value"
    } else {
        return None;
    };
    let mut quoted = message.split('`').skip(1).step_by(2);
    let key = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    Some(match nearest_name(key, &known) {
        Some(meant) => format!("unknown {what} `{key}`: did you mean `{meant}`?"),
        None => format!(
            "unknown {what} `{key}`: known here are {}",
            known.join(", ")
        ),
    })
}

/// Finds the name that was meant by one that is not known; `None` where none is near.
#[must_use]
pub fn nearest_name<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |known: &&&str| strsim::damerau_levenshtein(name, known);
    let nearest = known.iter().min_by_key(distance);
    // A third of the letters may be wrong; beyond that a proposal is a guess.
    let meant = nearest.filter(|known| distance(known) <= 1 + name.chars().count() / 3);
    meant.copied()
}

/// Finds the line, from 1, of what a policy is refused for; `None` when the text does not show it.
#[must_use]
pub fn line_of(text: &str, refused: &PolicyError) -> Option<usize> {
    let table = table_of(text)?;
    let line_of_path = |path: &[PathStep]| line_in(text, &table, path);
    let in_rule = |rule: &RuleId, key: &'static str| {
        let DeValue::Array(rules) = table.get_ref().get("rules")?.get_ref() else {
            return None;
        };
        let index = rules.iter().position(|item| {
            let DeValue::Table(item) = item.get_ref() else {
                return false;
            };
            let id = item.get("id").and_then(|id| id.get_ref().as_str());
            id == Some(rule.as_str())
        })?;
        let path = [
            PathStep::Key("rules"),
            PathStep::Item(index),
            PathStep::Key(key),
        ];
        line_of_path(&path)
    };
    match refused {
        PolicyError::Rule {
            rule, expression, ..
        }
        | PolicyError::Unpayable {
            rule, expression, ..
        } => in_rule(rule, expression),
        PolicyError::UnknownKind { rule, .. } => in_rule(rule, "on"),
        PolicyError::NewerProfile { .. } => line_of_path(&[PathStep::Key("rule_profile")]),
        PolicyError::Value { place, .. } => line_of_path(place.path()),
        PolicyError::CapWithoutRoom { index, .. } => {
            let path = [
                PathStep::Key("caps"),
                PathStep::Item(*index),
                PathStep::Key("points"),
            ];
            line_of_path(&path)
        }
    }
}

/// Finds the line, from 1, of what a catalogue is refused for; `None` when the text does not show it.
#[must_use]
pub fn line_of_benefit(text: &str, refused: &CatalogueError) -> Option<usize> {
    line_in(text, &table_of(text)?, refused.place().path())
}

/// Finds the line, from 1, of what a policy is warned of; `None` when the text does not show it.
#[must_use]
pub fn line_of_warning(text: &str, warning: &PolicyWarning) -> Option<usize> {
    line_in(text, &table_of(text)?, warning.place.path())
}

/// Finds the line, from 1, of a key outside of all tables; `None` when it is not there.
#[must_use]
pub fn line_of_key(text: &str, key: &'static str) -> Option<usize> {
    line_in(text, &table_of(text)?, &[PathStep::Key(key)])
}

/// Parses a text for the places in it; `None` for one that is no TOML, which its reader refuses with the line itself.
fn table_of(text: &str) -> Option<Spanned<DeTable<'_>>> {
    DeTable::parse(text).ok()
}

/// Finds the line of a value; where it is left out, that of what it should stand in.
fn line_in(text: &str, table: &Spanned<DeTable<'_>>, path: &[PathStep]) -> Option<usize> {
    let (PathStep::Key(first), inner) = path.split_first()? else {
        return None;
    };
    let mut found = table.get_ref().get(*first)?;
    for step in inner {
        let next = match (step, found.get_ref()) {
            (PathStep::Key(key), DeValue::Table(table)) => table.get(*key),
            (PathStep::Item(index), DeValue::Array(items)) => items.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        found = next;
    }
    Some(line_at(text, found.span().start))
}

fn line_at(text: &str, byte: usize) -> usize {
    text.get(..byte)
        .map_or(1, |before| before.matches('\n').count() + 1)
}
