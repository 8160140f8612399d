//! The command line of the simulated vehicle.

mod cli;
mod screen;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use jiff::Timestamp;
use tracing_subscriber::EnvFilter;
use vehicle_sim::{Broker, Command, Cycle, Delivery, Signal, SimError, Simulator};

use crate::cli::{Action, Cli, Common, exit_code};
use crate::screen::{Screen, say};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,rumqttd=off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
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
            say(format!("{error:#}"));
            ExitCode::from(error.downcast_ref::<SimError>().map_or(1, exit_code))
        }
    }
}

fn act(action: &Action) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    if let Some((command, common)) = action.command() {
        return runtime.block_on(publish(&command, common));
    }
    match action {
        Action::Broker { port } => runtime.block_on(host(*port)),
        Action::List | Action::Replay { .. } | Action::Drive { .. } | Action::Charge { .. } => {
            list()
        }
    }
}

async fn publish(command: &Command, common: &Common) -> anyhow::Result<()> {
    let options = common.options(Timestamp::now());
    let zone = options.zone.clone();
    let mut simulator = Simulator::new(options)?;
    let messages = simulator.plan(command)?.messages.len();
    let mut screen = Screen::new(messages, zone);
    let stopper = simulator.stopper();
    let interrupt = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopper.stop();
        }
    });
    let outcome = simulator
        .run_reporting(command, &mut |progress| screen.show(progress))
        .await;
    interrupt.abort();
    screen.finish();
    let summary = outcome?;
    let mut out = io::stdout().lock();
    if common.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else {
        writeln!(out, "{summary}")?;
    }
    Ok(())
}

async fn host(port: u16) -> anyhow::Result<()> {
    let broker = Broker::start(port)?;
    writeln!(io::stdout(), "MQTT broker on 127.0.0.1:{}", broker.port())?;
    tokio::signal::ctrl_c()
        .await
        .context("no signals on this machine")
}

fn list() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Cycles (drive --cycle NAME), regulation speed tables at 1 Hz by way of NREL/fastsim:"
    )?;
    for cycle in Cycle::ALL {
        let seconds = cycle.recording()?.rows.len() - 1;
        writeln!(out, "  {:8} {seconds:5} s  {}", cycle.name(), cycle.about())?;
    }
    writeln!(out, "\nRecordings (replay FILE), by their header:")?;
    writeln!(
        out,
        "  cycSecs,cycMps or second,m/s             a speed table"
    )?;
    writeln!(
        out,
        "  timestamp,cycle_sec,timestep,speed_mph   a recorded day"
    )?;
    writeln!(
        out,
        "  field,signal,value,delay                 VSS signals (KUKSA csv-provider)"
    )?;
    writeln!(out, "\nSignals (topic vss/ and the path with slashes):")?;
    for signal in Signal::ALL {
        let carried = match signal.delivery() {
            Delivery::Sample => "sample, QoS 0",
            Delivery::State => "state, QoS 1 retained",
        };
        writeln!(out, "  {:82} {carried}", signal.path())?;
    }
    Ok(())
}
