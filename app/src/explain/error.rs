//! Reasons that nothing can be explained.

use std::path::PathBuf;

use dashpoint_membership::FileError;
use dashpoint_membership::PolicyError;

use super::recording::RecordingError;

/// Reasons that nothing can be explained: one line each.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The recording.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The policy cannot be read.
    #[error("{}: cannot be read", path.display())]
    PolicyUnreadable {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The policy is no TOML, lacks something or has a key that is not known.
    #[error("{name}")]
    PolicyShape {
        /// Name of the policy.
        name: String,
        /// The line and the problem.
        source: FileError,
    },
    /// The policy is wrong.
    #[error("{name}{}", line.map_or_else(String::new, |line| format!(": line {line}")))]
    PolicyWrong {
        /// Name of the policy.
        name: String,
        /// The line, from 1, of a wrong rule.
        line: Option<usize>,
        /// The place and the reason.
        source: Box<PolicyError>,
    },
    /// There is no such entry.
    #[error("{entry}: no such entry in the ledger; see `dashpoint ledger`")]
    NoEntry {
        /// The entry.
        entry: String,
    },
    /// The ledger does not hold the policy that it was valued by.
    #[error("{entry}: policy {version} is not held any more; give one with --policy FILE")]
    NoPolicy {
        /// The entry.
        entry: String,
        /// Number of the version.
        version: u32,
    },
}
