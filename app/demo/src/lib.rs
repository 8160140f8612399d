//! The whole world on one machine: broker, vehicle and cloud in this process, the head unit in one of its own, so that
//! it can be killed.
//!
//! A story is data: steps that one after another befall a world. What became of each point is told as it happens, and
//! judged at the end: the [`Report`] says what was found, and the exit code whether the promise held.

mod args;
mod cloud;
mod folder;
mod head_unit;
mod judge;
mod patience;
mod play;
mod report;
mod story;
mod tell;
mod words;
mod world;

pub use report::{Charged, Drove, Entries, Points, Report, Signals};

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use tokio::signal::ctrl_c;

use args::Args;
use folder::Folder;
use play::play;
use story::Story;
use tell::Teller;

/// First argument with which this program is a head unit: the demo starts itself as one, so that nothing else has to be
/// built.
pub const HEAD_UNIT: &str = "head-unit";

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;

/// Runs the program with these arguments, the first being its name, and gives its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|first| first == HEAD_UNIT) {
        arguments.remove(1);
        return dashpoint::run(arguments);
    }
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; clap knows where each belongs.
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            return error.print().map_or(ExitCode::FAILURE, |()| code.into());
        }
    };
    let folder = match Folder::open(args.keep.as_deref()) {
        Ok(folder) => folder,
        Err(error) => return fail(&error, EXIT_USAGE),
    };
    match demo(&args, &folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, EXIT_FAILED),
    }
}

fn demo(args: &Args, folder: &Folder) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let mut teller = Teller::new(args.json);
    let story = Story::of_a_sunday()?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot start")?;
    let (report, faults) = runtime.block_on(async {
        tokio::select! {
            told = play(&story, folder, program, &mut teller) => told,
            stopped = ctrl_c() => {
                stopped.context("Ctrl-C cannot be heard")?;
                bail!("stopped before its end")
            }
        }
    })?;
    if args.json {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    }
    match faults.as_slice() {
        [] => Ok(()),
        faults => bail!("the promise did not hold: {}", faults.join("; ")),
    }
}

#[expect(clippy::print_stderr, reason = "the one line that says what failed")]
fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("dashpoint-demo: {error:#}");
    code.into()
}
