//! Reads a policy and a catalogue from the text of a TOML file: strictly, since a key that is not known is a mistake.

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use crate::catalogue::Catalogue;
use crate::policy::{Policy, PolicyError};

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
        problem: unknown_key(refused.message())
            .unwrap_or_else(|| refused.message().replace('\n', ", ")),
    })
}

/// Says which key was meant, when the message is serde's about a key that is not known: the key and those that are, each in
/// backticks.
fn unknown_key(message: &str) -> Option<String> {
    if !message.starts_with("unknown field `") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let key = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    let distance = |known: &&&str| strsim::damerau_levenshtein(key, known);
    let nearest = known.iter().min_by_key(distance);
    // A third of the letters may be wrong; beyond that a proposal is a guess.
    let meant = nearest.filter(|known| distance(known) <= 1 + key.chars().count() / 3);
    Some(match meant {
        Some(meant) => format!("unknown key `{key}`: did you mean `{meant}`?"),
        None => format!("unknown key `{key}`: known here are {}", known.join(", ")),
    })
}

/// Finds the line, from 1, of what a policy is refused for; `None` when the text does not show it.
#[must_use]
pub fn line_of(text: &str, refused: &PolicyError) -> Option<usize> {
    let (rule, key) = match refused {
        PolicyError::Rule {
            rule, expression, ..
        }
        | PolicyError::Unpayable {
            rule, expression, ..
        } => (rule, *expression),
        PolicyError::UnknownKind { rule, .. } => (rule, "on"),
        PolicyError::NewerProfile { .. } | PolicyError::Value { .. } => return None,
    };
    let table = DeTable::parse(text).ok()?;
    let rules = table.get_ref().get("rules")?;
    let DeValue::Array(rules) = rules.get_ref() else {
        return None;
    };
    let found = rules.iter().find_map(|item| {
        let DeValue::Table(item) = item.get_ref() else {
            return None;
        };
        let id = item.get("id")?.get_ref().as_str()?;
        (id == rule.as_str()).then(|| item.get(key))?
    })?;
    Some(line_at(text, found.span().start))
}

fn line_at(text: &str, byte: usize) -> usize {
    text.get(..byte)
        .map_or(1, |before| before.matches('\n').count() + 1)
}
