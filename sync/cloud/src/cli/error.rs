//! Reasons that the command line ends without success, and its exit codes.

use dashpoint_membership::{PolicyVersion, ServerTime};

use crate::error::CloudError;

/// Exit code for a wrong argument or a wrong file.
pub(super) const USAGE: u8 = 2;
/// Something failed.
pub(super) const FAILED: u8 = 1;

/// Reasons that the program ends without success.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The cloud refused or failed.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
    /// A result that JSON does not have.
    #[error("cannot write the output as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The number of the next policy, in a database that went back: the number after its newest may have been signed before.
    #[error(
        "this database went back in a restore and may lack versions that cars have: give a number above them with --version N"
    )]
    NextVersion,
    /// A number that is not above the newest: a higher version would stay in force.
    #[error(
        "policy {0} is signed already and would stay in force: give a number above it with --version N"
    )]
    LowVersion(PolicyVersion),
    /// Rules that would not be in force at any time.
    #[error(
        "the rules of policy {old} would be in force until {until}, which is past or before they begin: give a later time with --valid-until"
    )]
    RevertEnded {
        /// The version whose rules are to be in force again.
        old: PolicyVersion,
        /// The end of its time.
        until: ServerTime,
    },
    /// A revert to rules that are in force.
    #[error(
        "policy {newest} is in force with the rules of policy {old}, and nothing would change: to sign them all the same give a number above {newest} with --version N"
    )]
    NothingToRevert {
        /// The version whose rules were to be in force again.
        old: PolicyVersion,
        /// The version in force.
        newest: PolicyVersion,
    },
    /// A policy that TOML does not have.
    #[error("cannot write the output as TOML: {0}")]
    Toml(#[from] toml::ser::Error),
}

impl CliError {
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Cloud(error) if error.is_usage() => USAGE,
            Self::NextVersion
            | Self::LowVersion(_)
            | Self::RevertEnded { .. }
            | Self::NothingToRevert { .. } => USAGE,
            Self::Cloud(_) | Self::Output(_) | Self::Json(_) | Self::Toml(_) => FAILED,
        }
    }

    /// Returns whether the reader of the output went away, as `head` does: no error.
    pub(super) fn is_closed_pipe(&self) -> bool {
        let kind = match self {
            Self::Output(failed) => Some(failed.kind()),
            Self::Json(failed) => failed.io_error_kind(),
            Self::Cloud(_)
            | Self::Toml(_)
            | Self::NextVersion
            | Self::LowVersion(_)
            | Self::RevertEnded { .. }
            | Self::NothingToRevert { .. } => None,
        };
        kind == Some(std::io::ErrorKind::BrokenPipe)
    }
}
