//! The whole world on one machine: broker, vehicle and cloud in this process, the head unit in one of its own, so that
//! it can be killed.
//!
//! A story is data: steps that one after another befall a world. What became of each point is told as it happens, and
//! judged at the end: the [`PlayReport`] says what was found, and the exit code whether the promise held.

mod amounts;
mod args;
mod cloud;
mod failure;
mod folder;
mod head_unit;
mod invariant_check;
mod narrator;
mod network;
mod play;
mod report;
mod screen;
mod second_car;
mod story;
mod wait;
mod words;
mod world;

pub use head_unit::HEAD_UNIT;
pub use report::{Entries, PlayReport, Points, ReportedCharge, ReportedTrip, Signals};

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use clap::error::ErrorKind;
use dashpoint::wrong_in_one_line;
use tokio::signal::ctrl_c;

use args::{DemoArgs, DemoCommand, PlayArgs};
use failure::DemoFailure;
use folder::DemoFolder;
use narrator::Narrator;
use network::proxy;
use play::play;
use screen::{ScreenOptions, ScreenOutput, has_display};
use story::{ReadyStory, Story};
use vehicle_sim::{in_one_line, to_program};

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;

/// Runs the program with these arguments, the first being its name, and gives its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|first| first == HEAD_UNIT) {
        arguments.remove(1);
        return dashpoint::run(arguments);
    }
    let json = arguments.iter().any(|argument| argument == "--json");
    let args = match DemoArgs::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => return refuse(&error, json),
    };
    let (outcome, code) = match &args.command {
        Some(DemoCommand::Proxy(args)) => (
            runtime().and_then(|on| on.block_on(proxy(args))),
            EXIT_FAILED,
        ),
        None => match chosen(&args.play) {
            Ok((story, folder, screen)) => match demo(&args.play, &story, &folder, screen) {
                // The report is out already.
                Ok(faults) if !faults.is_empty() => {
                    let line = DemoFailure::Otherwise(faults).in_words(args.play.spoken());
                    return fail(&line, EXIT_FAILED);
                }
                played => (played.map(drop), EXIT_FAILED),
            },
            Err(error) => (Err(error), EXIT_USAGE),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever stopped reading, as `head` does, has what he wanted.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let line = in_one_line(&error);
            if json {
                to_program(&line);
            }
            let known = error.downcast_ref::<DemoFailure>();
            let told = known.map(|failure| failure.in_words(args.play.spoken()));
            fail(&told.unwrap_or(line), code)
        }
    }
}

/// Prints help, version or a wrong argument.
fn refuse(error: &clap::Error, json: bool) -> ExitCode {
    // Help and version are no errors; clap knows where each belongs.
    if !error.use_stderr() {
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    let said = error.to_string();
    if json {
        to_program(&wrong_in_one_line(&said));
    }
    if error.kind() == ErrorKind::ValueValidation {
        let line = said.lines().next().unwrap_or_default();
        return fail(line.trim_start_matches("error: "), EXIT_USAGE);
    }
    drop(error.print());
    EXIT_USAGE.into()
}

/// Returns whether the reader of the output went away.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = || cause.downcast_ref::<serde_json::Error>()?.io_error_kind();
        kind.or_else(json) == Some(io::ErrorKind::BrokenPipe)
    })
}

/// Chooses the story, the folder and the way to show the screen from the arguments.
fn chosen(args: &PlayArgs) -> anyhow::Result<(Story, DemoFolder, ScreenOutput)> {
    let ready = |ready: Option<&ReadyStory>| Story::ready(*ready.context("no such story")?);
    let story = match (&args.scenario, &args.persona) {
        (Some(file), _) => Story::open(file)?,
        (None, Some(name)) => ready(ReadyStory::PERSONAS.iter().find(|ready| ready.name == name))?,
        (None, None) => ready(ReadyStory::STORIES.first())?,
    };
    let folder = DemoFolder::open(args.keep.as_deref())?;
    let asked = ScreenOptions {
        headless: args.headless,
        each_step: args.persona.is_none(),
        pause_s: args.pause,
        out: args.out.as_deref(),
    };
    Ok((story, folder, ScreenOutput::choose(&asked, has_display())?))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("the runtime cannot start")
}

/// Plays a story; returns what was not as it should be.
fn demo(
    args: &PlayArgs,
    story: &Story,
    folder: &DemoFolder,
    screen: ScreenOutput,
) -> anyhow::Result<Vec<String>> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let language = args.spoken();
    let stays = screen.window;
    let mut narrator = Narrator::new(language, args.json);
    if !screen.window && !args.headless {
        narrator.line(language.choose(
            "There is no display: the story is told here, and the head unit runs without its window.",
            "没有显示器：故事在此讲述，车机不开窗口运行。",
        ))?;
    }
    let runtime = runtime()?;
    let played = runtime.block_on(async {
        tokio::select! {
            played = play(story, folder, program, screen, &mut narrator) => played,
            stopped = ctrl_c() => {
                stopped.context("Ctrl-C cannot be heard")?;
                bail!(DemoFailure::Stopped)
            }
        }
    })?;
    hand_over(args, &played.report)?;
    if stays {
        narrator.verdict(language.choose(
            "The window stays; close it, or press Ctrl-C, to end.",
            "窗口保持打开；关闭窗口或按 Ctrl-C 结束。",
        ))?;
    }
    runtime.block_on(played.world.end())?;
    Ok(played.faults)
}

/// Gives the report to the machines that asked for it.
fn hand_over(args: &PlayArgs, report: &PlayReport) -> anyhow::Result<()> {
    if args.json {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, report)?;
        writeln!(out)?;
    }
    if let Some(out) = &args.out {
        let file = out.join("report.json");
        std::fs::write(&file, serde_json::to_vec_pretty(report)?)
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "the one line that says what failed")]
fn fail(line: &str, code: u8) -> ExitCode {
    eprintln!("dashpoint-demo: {line}");
    code.into()
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_reader_that_went_away_is_known() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(is_closed_pipe(&writeln!(Gone).unwrap_err().into()));
        let json = serde_json::to_writer(Gone, &1).unwrap_err();
        assert!(is_closed_pipe(&json.into()));
        assert!(!is_closed_pipe(&anyhow!("something else")));
    }
}
