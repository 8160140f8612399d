//! The command line: what each command does, and what it prints.

mod ability_words;
mod args;
mod ask;
mod code_waits;
mod enrol;
mod evidence_words;
mod explain;
mod health_words;
mod ledger;
pub(crate) mod ledger_words;
mod lost;
mod mapping;
mod out;
pub(crate) mod reasons;
mod run;
mod screenshot;
mod signals;
mod status;
mod sync;
mod verify;
mod why;
mod words;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use rustix::fs::Mode;
#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::{EXIT_USAGE, report, to_program};
use args::{Cli, Command, Logging};

/// Runs the program with these arguments, the first being its name, and gives its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let cli = match parsed(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, json),
    };
    log_to_stderr(&cli.logging);
    keep_to_owner();
    let done = match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Enrol(args) => enrol::enrol(args),
        Command::Status(args) => status::status(args),
        Command::CheckIn(args) => ask::check_in(args),
        Command::Sync(args) => sync::sync(args),
        Command::Screenshot(args) => screenshot::screenshot(args),
        Command::Ledger(args) => ledger::ledger(args),
        Command::Explain(args) => explain::explain(args),
        Command::CheckMapping(args) => mapping::check(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => report(&error, json, cli.command.language()),
    }
}

/// Reads the words that were typed, with the variables that stand for them.
fn parsed(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = without_empty_variables(Cli::command());
    let matches = command.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|refused| refused.format(&mut command))
}

/// Drops each variable that is empty: it counts as unset.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        if value.is_some_and(|value| value.is_empty()) {
            arg.env(clap::builder::Resettable::Reset)
        } else {
            arg
        }
    });
    command.mut_subcommands(without_empty_variables)
}

/// Prints help, version or a wrong argument.
fn refuse(error: &clap::Error, json: bool) -> ExitCode {
    // Whoever stopped reading has what he wanted.
    drop(error.print());
    // Help and version are no errors; clap knows where each belongs.
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if json {
        to_program(&wrong_in_one_line(&error.to_string()));
    }
    ExitCode::from(EXIT_USAGE)
}

/// Says in one line what clap says of a wrong argument in several, with its values and tips, and without the usage.
#[must_use]
pub fn wrong_in_one_line(said: &str) -> String {
    let lines = said.lines().map(str::trim);
    let lines = lines.take_while(|line| !line.starts_with("Usage:"));
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    let mut told = String::new();
    for line in lines {
        told += match told.chars().next_back() {
            None => "",
            Some(':') => " ",
            Some(_) => "; ",
        };
        told += line.trim_start_matches("error: ");
    }
    told
}

/// Makes every file from its first byte for the owner alone, and keeps keys out of core dumps and other programs' reach.
fn keep_to_owner() {
    rustix::process::umask(Mode::from_raw_mode(0o077));
    #[cfg(target_os = "linux")]
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::debug!(%error, "the process can be dumped");
    }
}

/// Logs go to stderr, coloured only on a terminal; `-q`, `-v` or else `RUST_LOG` chooses. A second call in one process changes nothing.
fn log_to_stderr(logging: &Logging) {
    let levels = std::env::var_os("RUST_LOG").filter(|levels| !levels.is_empty());
    let levels = levels.map(|levels| levels.to_string_lossy().parse::<Targets>());
    let (chosen, refused) = match levels {
        Some(Err(error)) => (None, Some(error)),
        Some(Ok(chosen)) => (Some(chosen), None),
        None => (None, None),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let set = tracing_subscriber::registry()
        .with(lines)
        .with(levels_of(logging, chosen))
        .try_init();
    if set.is_err() {
        tracing::debug!("logging was set up before");
    }
    if let Some(error) = refused {
        tracing::warn!(%error, "RUST_LOG is not understood, the usual levels are logged; expected such as dashpoint=debug");
    }
}

/// Returns the levels to log: as typed, else as the variable has chosen.
fn levels_of(logging: &Logging, chosen: Option<Targets>) -> Targets {
    let own = match (logging.quiet, logging.verbose, chosen) {
        (true, ..) => LevelFilter::WARN,
        (false, true, _) => LevelFilter::DEBUG,
        (false, false, Some(chosen)) => return chosen,
        (false, false, None) => LevelFilter::INFO,
    };
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("dashpoint", own)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    /// Returns whether info and debug of this program are logged.
    fn logged(typed: &str, variable: Option<&str>) -> [bool; 2] {
        let words = format!("dashpoint {typed}");
        let cli = parsed(words.split_whitespace().map(OsString::from).collect()).unwrap();
        let variable = variable.map(|levels| levels.parse().unwrap());
        let levels = levels_of(&cli.logging, variable);
        [Level::INFO, Level::DEBUG].map(|level| levels.would_enable("dashpoint_sync", &level))
    }

    #[test]
    fn a_wrong_argument_keeps_its_way_out() {
        for (typed, told) in [
            (
                "screenshot --out a.png --page nosuch",
                "invalid value 'nosuch' for '--page <PAGE>'; [possible values: home, activity, trip, benefits, enrol, settings]",
            ),
            (
                "screenshot",
                "the following required arguments were not provided: --out <PNG>",
            ),
            (
                "status --langage en",
                "unexpected argument '--langage' found; tip: a similar argument exists: '--language'",
            ),
        ] {
            let words = format!("dashpoint {typed}");
            let words = words.split_whitespace().map(OsString::from).collect();
            let refused = parsed(words).unwrap_err();
            assert_eq!(wrong_in_one_line(&refused.to_string()), told);
        }
    }

    #[test]
    fn options_choose_what_is_logged() {
        assert_eq!(logged("run", None), [true, false]);
        for typed in ["-v run", "run --verbose"] {
            assert_eq!(logged(typed, Some("off")), [true, true], "{typed}");
        }
        for typed in ["-q run", "run --quiet", "-v run -q"] {
            assert_eq!(logged(typed, Some("debug")), [false, false], "{typed}");
        }
        assert_eq!(logged("run", Some("debug")), [true, true]);
        assert_eq!(logged("run", Some("off")), [false, false]);
        let both = ["dashpoint", "run", "-v", "-q"].map(OsString::from);
        assert!(parsed(both.to_vec()).is_err(), "either more or less");
    }
}
