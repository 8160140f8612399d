//! The command line of the simulated vehicle.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::{Broker, Command, SimError, Simulator};
use anyhow::Context;
use clap::{CommandFactory, Parser};
use jiff::Timestamp;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::{Action, Common, SimulatorCli, exit_code};
use crate::ending::{say_summary, told_to_end};
use crate::failure::{in_one_line, to_program};
use crate::list::{list, list_as_json};
use crate::live::live;
use crate::screen::{Screen, say};

/// Runs the program with these arguments, the first of which is its name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let json = args.iter().any(|arg| arg == "--json");
    let cli = match SimulatorCli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, json),
    };
    let chosen = std::env::var("RUST_LOG").ok();
    let chosen: Option<Targets> = chosen.and_then(|levels| levels.parse().ok());
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(io::stderr))
        .with(chosen.unwrap_or_else(|| {
            Targets::new()
                .with_default(LevelFilter::WARN)
                .with_target("mqtt5", LevelFilter::ERROR)
        }))
        .init();
    match act(&cli.action) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough, as `head` has.
        Err(error)
            if error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            let failed = error.downcast_ref::<SimError>();
            let hint = if failed.is_some_and(SimError::is_about_charge) {
                "; --soc PERCENT begins with another charge"
            } else {
                ""
            };
            let line = format!("{}{hint}", in_one_line(&error));
            if json {
                to_program(&line);
            }
            say(line);
            ExitCode::from(error.downcast_ref::<SimError>().map_or(1, exit_code))
        }
    }
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
    ExitCode::from(2)
}

/// Joins what clap says of a wrong argument, with its values and tips, up to the usage.
fn wrong_in_one_line(said: &str) -> String {
    let lines = said.lines().map(str::trim);
    let lines =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let line = lines.join("; ").replace(":; ", ": ");
    line.trim_start_matches("error: ").to_owned()
}

fn act(action: &Action) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    if let Some((command, common)) = action.command()? {
        return runtime.block_on(publish(&command, common));
    }
    match action {
        Action::Live { common } => runtime.block_on(live(common)),
        Action::Broker { port, json } => runtime.block_on(host(*port, *json)),
        Action::Completions { shell } => {
            // In one piece: whoever stops reading is told apart from a failure.
            let mut script = Vec::new();
            let command = &mut SimulatorCli::command();
            clap_complete::generate(*shell, command, "vehicle-sim", &mut script);
            Ok(io::stdout().write_all(&script)?)
        }
        Action::List { json: true } => list_as_json(),
        Action::List { json: false }
        | Action::Replay { .. }
        | Action::Drive { .. }
        | Action::Charge { .. }
        | Action::Scenario { .. } => list(),
    }
}

async fn publish(command: &Command, common: &Common) -> anyhow::Result<()> {
    let options = common.options(Timestamp::now())?;
    let zone = options.zone.clone();
    let mut simulator = Simulator::new(options)?;
    let messages = simulator.count(command)?;
    let mut screen = Screen::new(messages, zone);
    let stopper = simulator.stopper();
    let interrupt = tokio::spawn(async move {
        if told_to_end().await.is_ok() {
            stopper.stop();
        }
    });
    let outcome = simulator
        .run_reporting(command, &mut |progress| screen.show(progress))
        .await;
    interrupt.abort();
    screen.finish();
    say_summary(&outcome?, common)
}

async fn host(port: u16, json: bool) -> anyhow::Result<()> {
    let broker = Broker::start(port)?;
    let address = format!("127.0.0.1:{}", broker.port());
    if json {
        writeln!(io::stdout(), "{}", serde_json::json!({ "broker": address }))?;
    } else {
        writeln!(io::stdout(), "MQTT broker on {address}")?;
    }
    told_to_end().await
}
