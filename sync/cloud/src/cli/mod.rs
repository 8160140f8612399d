//! The command line of `dashpoint-cloud`.

mod args;
mod decide;
mod policy;
mod run;
mod show;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::error::CloudError;
pub use args::{Args, Command};
pub use run::{Edge, execute};

/// Exit code for a wrong argument or a wrong file.
const USAGE: u8 = 2;
/// Something failed.
const FAILED: u8 = 1;

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
    /// A policy that TOML does not have.
    #[error("cannot write the output as TOML: {0}")]
    Toml(#[from] toml::ser::Error),
}

impl CliError {
    fn code(&self) -> u8 {
        match self {
            Self::Cloud(error) if error.is_usage() => USAGE,
            Self::Cloud(_) | Self::Output(_) | Self::Json(_) | Self::Toml(_) => FAILED,
        }
    }

    /// Returns whether the reader of the output went away, as `head` does: no error.
    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(failed) if failed.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// Runs the program: what it has to say goes to `out`, one line on what went wrong to `err`.
pub fn main(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let done = match Args::try_parse_from(args) {
        Ok(args) => run::run(args, out),
        Err(refused) => return usage(&refused, out, err),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string(), error.code(), err),
    }
}

/// Help goes out whole; a wrong argument is one line.
fn usage(refused: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    let text = refused.to_string();
    if !refused.use_stderr() {
        return match out.write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failed) => complain(&failed.to_string(), FAILED, err),
        };
    }
    let helps_anyway =
        refused.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if helps_anyway {
        drop(err.write_all(text.as_bytes()));
        return ExitCode::from(USAGE);
    }
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let what = lines.iter().take_while(|line| !line.is_empty());
    let line = what.copied().collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line).to_owned();
    complain(&line, USAGE, err)
}

fn complain(line: &str, code: u8, err: &mut dyn Write) -> ExitCode {
    // With standard error gone there is nobody left to tell.
    drop(writeln!(err, "dashpoint-cloud: {line}"));
    ExitCode::from(code)
}
