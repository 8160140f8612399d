//! `dashpoint run`: the head unit at work, with or without a window.

use std::process::ExitCode;

use super::args::RunArgs;
use crate::clock::ClockSource;
use crate::config::Config;
use crate::error::UsageError;
use crate::runtime::{self, Display};

/// Runs the head unit until SIGTERM or SIGINT, or until its window is closed.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    if config.clock == ClockSource::Bus && !args.test {
        return Err(UsageError::BusClock.into());
    }
    let display = if args.no_screen {
        Display::None
    } else {
        Display::Window {
            language: args.language,
        }
    };
    runtime::run(config, display)?;
    Ok(ExitCode::SUCCESS)
}
