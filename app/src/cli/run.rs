//! `dashpoint run`: the head unit at work, with or without a window.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::args::RunArgs;
use super::out::print_json;
use crate::clock::ClockSource;
use crate::config::Config;
use crate::error::UsageError;
use crate::runtime::{self, Display};

/// Output of `run --json`.
#[derive(Debug, Serialize)]
struct RunReport<'a> {
    config: &'a Path,
    data: &'a Path,
    screen: bool,
}

/// Runs the head unit until SIGTERM or SIGINT, or until its window is closed.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    if config.clock == ClockSource::Bus && !args.test {
        return Err(UsageError::BusClock.into());
    }
    if args.json {
        print_json(&RunReport {
            config: &args.place.config,
            data: &config.data,
            screen: !args.no_screen,
        })?;
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
