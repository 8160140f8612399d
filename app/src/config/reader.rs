//! Reads a TOML table key by key, so that each refusal names its key.

use std::collections::BTreeSet;
use std::path::Path;

use dashpoint_membership::nearest_name;
use toml::{Table, Value};

use super::error::ConfigError;

/// One table of the file, and which of its keys were asked for.
pub(super) struct TableReader<'a> {
    path: &'a Path,
    prefix: String,
    table: Table,
    asked: BTreeSet<&'static str>,
    order: Vec<&'static str>,
}

impl<'a> TableReader<'a> {
    pub(super) fn parse(text: &str, path: &'a Path) -> Result<Self, ConfigError> {
        let table = text
            .parse::<Table>()
            .map_err(|error| ConfigError::NotToml {
                path: path.to_owned(),
                line: error
                    .span()
                    .map_or(1, |span| text[..span.start].lines().count().max(1)),
                what: error.message().replace('\n', " "),
            })?;
        Ok(Self::new(path, String::new(), table))
    }

    const fn new(path: &'a Path, prefix: String, table: Table) -> Self {
        Self {
            path,
            prefix,
            table,
            asked: BTreeSet::new(),
            order: Vec::new(),
        }
    }

    /// A table inside; empty when it is not there.
    pub(super) fn table(&mut self, key: &'static str) -> Result<Self, ConfigError> {
        let prefix = format!("{}{key}.", self.prefix);
        match self.take(key) {
            None => Ok(Self::new(self.path, prefix, Table::new())),
            Some(Value::Table(table)) => Ok(Self::new(self.path, prefix, table)),
            Some(other) => Err(self.refuse(key, found(&other), "a table")),
        }
    }

    /// A table inside, when it is there.
    pub(super) fn table_if_there(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Self>, ConfigError> {
        if self.table.contains_key(key) {
            self.table(key).map(Some)
        } else {
            // Asked for: it is a key of the file.
            Ok(self.take(key).and(None))
        }
    }

    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => match parse(&text) {
                Some(value) => Ok(Some(value)),
                None => Err(self.refuse(key, found(&Value::String(text)), expected)),
            },
            Some(other) => Err(self.refuse(key, found(&other), expected)),
        }
    }

    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.parsed(key, expected, parse)?
            .ok_or_else(|| self.refuse(key, "missing".to_owned(), expected))
    }

    pub(super) fn parsed_or<T>(
        &mut self,
        key: &'static str,
        expected: &'static str,
        default: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        match self.parsed(key, expected, &parse)? {
            Some(value) => Ok(value),
            None => {
                parse(default).ok_or_else(|| self.refuse(key, "no default".to_owned(), expected))
            }
        }
    }

    pub(super) fn text_or(
        &mut self,
        key: &'static str,
        expected: &'static str,
        default: &str,
    ) -> Result<String, ConfigError> {
        self.parsed_or(key, expected, default, |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        expected: &'static str,
        default: T,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let pick = |text: &str| {
            choices
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, value)| *value)
        };
        Ok(self.parsed(key, expected, pick)?.unwrap_or(default))
    }

    /// A whole number from 0 to `most`.
    pub(super) fn whole_or(
        &mut self,
        key: &'static str,
        expected: &'static str,
        default: u64,
        most: u64,
    ) -> Result<u64, ConfigError> {
        let Some(value) = self.take(key) else {
            return Ok(default);
        };
        let number = value.as_integer().and_then(|number| number.try_into().ok());
        number
            .filter(|number| *number <= most)
            .ok_or_else(|| self.refuse(key, found(&value), expected))
    }

    /// Counts a key among those of the file, and returns whether it is there.
    pub(super) fn know(&mut self, key: &'static str) -> bool {
        self.take(key).is_some()
    }

    /// Refuses a key that nobody asked for: a misspelt key must not be ignored.
    pub(super) fn done(self) -> Result<(), ConfigError> {
        self.all_of(&self.order)
    }

    /// Refuses a key that is none of these.
    pub(super) fn all_of(&self, known: &[&'static str]) -> Result<(), ConfigError> {
        let mut keys = self.table.keys();
        let Some(stranger) = keys.find(|key| !known.contains(&key.as_str())) else {
            return Ok(());
        };
        Err(ConfigError::UnknownKey {
            path: self.path.to_owned(),
            key: format!("{}{stranger}", self.prefix),
            meant: nearest_name(stranger, known).map(str::to_owned),
            known: known.join(", "),
        })
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        if self.asked.insert(key) {
            self.order.push(key);
        }
        self.table.get(key).cloned()
    }

    pub(super) fn refuse(&self, key: &str, found: String, expected: &'static str) -> ConfigError {
        ConfigError::Key {
            path: self.path.to_owned(),
            key: format!("{}{key}", self.prefix),
            found,
            expected,
        }
    }
}

fn found(value: &Value) -> String {
    let text = value.to_string().replace('\n', " ");
    let short: String = text.chars().take(60).collect();
    format!("found {short}")
}
