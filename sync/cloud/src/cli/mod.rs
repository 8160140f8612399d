//! The command line of `dashpoint-cloud`.

mod args;
mod decide;
mod devices;
mod edge;
mod error;
mod meter_args;
mod meters;
mod names;
mod policy;
mod policy_warnings;
mod restored;
mod run;
mod show;
mod verdict_text;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches};

pub use args::{CloudArgs, CloudCommand};
pub use edge::Edge;
pub use error::CliError;
use error::{FAILED, USAGE};
pub use run::execute;

/// Runs the program: what it has to say goes to `out`, one line on what went wrong to `err`; with `--json` that goes to
/// `out`, too, as an object with `error`.
pub fn main(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let json = args.iter().any(|arg| arg == "--json");
    let done = match parsed(args) {
        Ok(args) => run::run(args, out, err),
        Err(refused) => return usage(&refused, json, out, err),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let line = error.to_string();
            if json {
                to_program(&line, out);
            }
            complain(&line, error.code(), err)
        }
    }
}

/// Reads the words that were typed, with the variables that stand for them.
fn parsed(args: Vec<OsString>) -> Result<CloudArgs, clap::Error> {
    let mut command = without_empty_variables(CloudArgs::command());
    let matches = command.try_get_matches_from_mut(args)?;
    CloudArgs::from_arg_matches(&matches).map_err(|refused| refused.format(&mut command))
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

/// Help goes out whole; a wrong argument is one line, with clap's tips.
fn usage(refused: &clap::Error, json: bool, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    let text = refused.to_string();
    if !refused.use_stderr() {
        return match out.write_all(text.as_bytes()) {
            Err(failed) if failed.kind() != std::io::ErrorKind::BrokenPipe => {
                complain(&failed.to_string(), FAILED, err)
            }
            Ok(()) | Err(_) => ExitCode::SUCCESS,
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
    let tips: Vec<_> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("tip: "))
        .collect();
    let meant = commands_of_group(refused)
        .or_else(|| nested_command(refused).map(|meant| format!("did you mean `{meant}`?")));
    let tips = match &meant {
        Some(meant) => vec![meant.as_str()],
        None => tips,
    };
    let line = [line.as_str()].into_iter().chain(tips).collect::<Vec<_>>();
    let line = line.join("; ");
    if json {
        to_program(&line, out);
    }
    complain(&line, USAGE, err)
}

/// Lists the commands of the group in which one was typed that it does not have, and none is near.
fn commands_of_group(refused: &clap::Error) -> Option<String> {
    refused.get(ContextKind::InvalidSubcommand)?;
    if refused.get(ContextKind::SuggestedSubcommand).is_some() {
        return None;
    }
    let usage = refused.get(ContextKind::Usage)?.to_string();
    let cli = CloudArgs::command();
    let mut words = usage.split_whitespace();
    let group = words.find_map(|word| cli.find_subcommand(word))?;
    let names: Vec<_> = group
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    Some(format!("`{}` has {}", group.get_name(), names.join(", ")))
}

/// Finds the command of a group that was meant, where none of the first level is as near to what was typed.
fn nested_command(refused: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(typed)) = refused.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let distance = |name: &str| strsim::damerau_levenshtein(typed, name);
    let cli = CloudArgs::command();
    let first_level = cli
        .get_subcommands()
        .map(|group| distance(group.get_name()));
    let nearest = first_level.min().unwrap_or(usize::MAX);
    let nested = cli.get_subcommands().flat_map(|group| {
        let commands = group.get_subcommands();
        commands.map(move |command| (group.get_name(), command.get_name()))
    });
    let (group, command) = nested.min_by_key(|(_, command)| distance(command))?;
    // Within the group clap has found it.
    if let Some(ContextValue::Strings(found)) = refused.get(ContextKind::SuggestedSubcommand)
        && found.iter().any(|found| found == command)
    {
        return None;
    }
    // A third of the letters may be wrong; beyond that a proposal is a guess.
    let is_near = distance(command) <= typed.chars().count().div_ceil(3);
    (is_near && distance(command) < nearest).then(|| format!("{group} {command}"))
}

/// Writes an error as a program reads it.
fn to_program(line: &str, out: &mut dyn Write) {
    // Whoever does not read the output reads the exit code.
    drop(writeln!(out, "{}", serde_json::json!({ "error": line })));
}

fn complain(line: &str, code: u8, err: &mut dyn Write) -> ExitCode {
    // With standard error gone there is nobody left to tell.
    drop(writeln!(err, "dashpoint-cloud: {line}"));
    ExitCode::from(code)
}
