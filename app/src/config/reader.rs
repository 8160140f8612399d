//! Reads a TOML table key by key, so that each refusal names its key.

use std::path::Path;

use dashpoint_membership::nearest_name;
use toml::{Table, Value};

use super::error::ConfigError;

/// A key of the file and its expected value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConfigKey {
    /// Name in its table.
    pub name: &'static str,
    /// The expected value.
    pub expected: &'static str,
}

/// One table of the file, with the keys that it may have.
pub(super) struct TableReader<'a> {
    path: &'a Path,
    prefix: String,
    table: Table,
    keys: &'static [ConfigKey],
}

impl<'a> TableReader<'a> {
    pub(super) fn parse(
        text: &str,
        path: &'a Path,
        keys: &'static [ConfigKey],
    ) -> Result<Self, ConfigError> {
        let table = text
            .parse::<Table>()
            .map_err(|error| ConfigError::NotToml {
                path: path.to_owned(),
                line: error
                    .span()
                    .map_or(1, |span| text[..span.start].lines().count().max(1)),
                what: error.message().replace('\n', " "),
            })?;
        Self::new(path, String::new(), table, keys)
    }

    /// Refuses a key that is none of these first: a misspelt one would else be told as a missing key of the right name.
    fn new(
        path: &'a Path,
        prefix: String,
        table: Table,
        keys: &'static [ConfigKey],
    ) -> Result<Self, ConfigError> {
        let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
        let mut found = table.keys();
        if let Some(stranger) = found.find(|key| !known.contains(&key.as_str())) {
            return Err(ConfigError::UnknownKey {
                path: path.to_owned(),
                key: format!("{prefix}{stranger}"),
                meant: nearest_name(stranger, &known).map(str::to_owned),
                known: known.join(", "),
            });
        }
        Ok(Self {
            path,
            prefix,
            table,
            keys,
        })
    }

    /// A table inside; empty when it is not there.
    pub(super) fn table(
        &self,
        key: ConfigKey,
        keys: &'static [ConfigKey],
    ) -> Result<Self, ConfigError> {
        let prefix = format!("{}{}.", self.prefix, key.name);
        match self.value(key) {
            None => Self::new(self.path, prefix, Table::new(), keys),
            Some(Value::Table(table)) => Self::new(self.path, prefix, table.clone(), keys),
            Some(other) => Err(self.refuse(key, found(other))),
        }
    }

    /// A table inside, when it is there.
    pub(super) fn table_if_there(
        &self,
        key: ConfigKey,
        keys: &'static [ConfigKey],
    ) -> Result<Option<Self>, ConfigError> {
        self.has(key).then(|| self.table(key, keys)).transpose()
    }

    pub(super) fn parsed<T>(
        &self,
        key: ConfigKey,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let parsed = value.as_str().and_then(parse);
        parsed
            .map(Some)
            .ok_or_else(|| self.refuse(key, found(value)))
    }

    pub(super) fn required<T>(
        &self,
        key: ConfigKey,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.parsed(key, parse)?
            .ok_or_else(|| self.refuse(key, "missing".to_owned()))
    }

    pub(super) fn parsed_or<T>(
        &self,
        key: ConfigKey,
        default: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        match self.parsed(key, &parse)? {
            Some(value) => Ok(value),
            None => parse(default).ok_or_else(|| self.refuse(key, "no default".to_owned())),
        }
    }

    pub(super) fn text_or(&self, key: ConfigKey, default: &str) -> Result<String, ConfigError> {
        self.parsed_or(key, default, |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    pub(super) fn choice<T: Copy>(
        &self,
        key: ConfigKey,
        default: T,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let pick = |text: &str| {
            choices
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, value)| *value)
        };
        Ok(self.parsed(key, pick)?.unwrap_or(default))
    }

    /// A whole number from 0 to `most`.
    pub(super) fn whole_or(
        &self,
        key: ConfigKey,
        default: u64,
        most: u64,
    ) -> Result<u64, ConfigError> {
        let Some(value) = self.value(key) else {
            return Ok(default);
        };
        let number = value.as_integer().and_then(|number| number.try_into().ok());
        number
            .filter(|number| *number <= most)
            .ok_or_else(|| self.refuse(key, found(value)))
    }

    /// Returns whether a key is there.
    pub(super) fn has(&self, key: ConfigKey) -> bool {
        self.value(key).is_some()
    }

    fn value(&self, key: ConfigKey) -> Option<&Value> {
        debug_assert!(self.keys.contains(&key), "{} is no key here", key.name);
        self.table.get(key.name)
    }

    pub(super) fn refuse(&self, key: ConfigKey, found: String) -> ConfigError {
        ConfigError::Key {
            path: self.path.to_owned(),
            key: format!("{}{}", self.prefix, key.name),
            found,
            expected: key.expected,
        }
    }
}

fn found(value: &Value) -> String {
    let text = value.to_string().replace('\n', " ");
    let short: String = text.chars().take(60).collect();
    format!("found {short}")
}
