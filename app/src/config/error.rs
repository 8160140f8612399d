//! Reasons for refusing a configuration.

use std::path::PathBuf;

use crate::bus::{MappingError, TlsError};

/// Reasons for refusing a configuration, with the key and the expected value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: cannot be read; give the head unit's configuration with --config FILE", path.display())]
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
    /// The certificates of the bus.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The mapping that it names.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A key is not one of the file.
    #[error("{}: {key}: not a key of this file{}", path.display(), meant_or_known(meant.as_deref(), known))]
    UnknownKey {
        /// Path of the file.
        path: PathBuf,
        /// The key, with its tables.
        key: String,
        /// The key that was meant, where one is near.
        meant: Option<String>,
        /// The keys of the table.
        known: String,
    },
    /// A key has not the value that it should have.
    #[error("{}: {key}: {found}; expected {expected}", path.display())]
    Key {
        /// Path of the file.
        path: PathBuf,
        /// The key, with its tables.
        key: String,
        /// The value in the file.
        found: String,
        /// The expected value.
        expected: &'static str,
    },
}

fn meant_or_known(meant: Option<&str>, known: &str) -> String {
    meant.map_or_else(
        || format!("; expected {known}"),
        |meant| format!(": did you mean `{meant}`?"),
    )
}
