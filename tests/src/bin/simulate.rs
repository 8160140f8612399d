//! `simulate`: lives seeds until one breaks the promise, and says what they have reached.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use dashpoint_tests::simulation::{Counts, Coverage, ENOUGH, Planted, run_seed};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Cars, a cloud, and everything that goes wrong between them: checks that no point is lost and none counts twice.
#[derive(Debug, Parser)]
#[command(name = "simulate", version)]
struct SimulateArgs {
    /// The number of seeds to live: 300, or with `--seed` one.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first one; alone, only this one.
    #[arg(long)]
    seed: Option<u64>,
    /// Plants a bug at a seam of the harness, to see it found: ends at the first seed that breaks.
    #[arg(long, value_enum)]
    planted: Option<Planted>,
    /// Says the end as JSON.
    #[arg(long)]
    json: bool,
}

/// The end of a run.
#[derive(Debug, Serialize)]
struct SimulationReport {
    #[serde(flatten)]
    tally: Coverage,
    cpu_seconds: f64,
    cpu_seconds_per_seed: f64,
    /// Seeds that broke the promise, and how.
    broken: Vec<Broken>,
    /// Items that should have been reached and were not; only with enough seeds.
    never_reached: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Broken {
    seed: u64,
    what: String,
    story: Vec<String>,
}

#[expect(clippy::print_stdout, reason = "the output of the program")]
fn main() -> ExitCode {
    let args = SimulateArgs::parse();
    let first = args.seed.unwrap_or(0);
    let seeds = args
        .seeds
        .unwrap_or(if args.seed.is_some() { 1 } else { ENOUGH });
    let report = run(first, seeds, args.planted);
    if args.json {
        match serde_json::to_string_pretty(&report) {
            Ok(json) => println!("{json}"),
            Err(_) => return ExitCode::FAILURE,
        }
    } else {
        say(&report);
    }
    if report.broken.is_empty() && report.never_reached.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(first: u64, seeds: u64, planted: Option<Planted>) -> SimulationReport {
    let bar = bar(seeds);
    let cpu_before = cpu();
    let mut tally = Coverage::default();
    let mut broken = Vec::new();
    for seed in first..first.saturating_add(seeds) {
        match run_seed(seed, planted) {
            Ok(reached) => tally.add(&reached),
            Err(violation) => {
                let what = violation.to_string();
                bar.println(format!("seed {seed}: {what}"));
                let story = violation.story().to_vec();
                broken.push(Broken { seed, what, story });
            }
        }
        bar.inc(1);
        if planted.is_some() && !broken.is_empty() {
            break;
        }
    }
    bar.finish_and_clear();
    let cpu_seconds = (cpu() - cpu_before).as_secs_f64();
    let never_reached = if seeds >= ENOUGH && planted.is_none() {
        tally.missing()
    } else {
        Vec::new()
    };
    SimulationReport {
        tally,
        cpu_seconds,
        cpu_seconds_per_seed: cpu_seconds / seeds.max(1) as f64,
        broken,
        never_reached,
    }
}

fn bar(seeds: u64) -> ProgressBar {
    let bar = ProgressBar::new(seeds);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds  {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// CPU time of this process so far; nothing where the system does not tell.
fn cpu() -> Duration {
    // Clock ticks are hundredths of a second on every Linux; fields 14 and 15, counted after the name in brackets.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

#[expect(clippy::print_stdout, reason = "the output of the program")]
fn say(report: &SimulationReport) {
    let tally = &report.tally;
    println!(
        "{} seeds, {} simulated vehicle-days, {} awards shown, {} looks at a screen; {:.2} CPU-seconds a seed",
        tally.seeds, tally.vehicle_days, tally.awards, tally.checks, report.cpu_seconds_per_seed
    );
    println!(
        "{} awards were lost with the only disk that held them",
        tally.lost_with_disk
    );
    println!(
        "{} rows show the verdict of an earlier life of the cloud; no account does",
        tally.former_verdicts
    );
    println!(
        "{} awards had not been sent when their head unit was shut out",
        tally.shut_out
    );
    for (title, counts) in [
        ("faults", &tally.faults),
        ("events", &tally.events),
        ("verdicts", &tally.verdicts),
        ("caps used up", &tally.caps),
        ("rows of the table", &tally.rows),
    ] {
        say_counts(title, counts);
    }
    for never in &report.never_reached {
        println!("never reached: {never}");
    }
    for Broken { seed, what, story } in &report.broken {
        if report.broken.len() == 1 {
            story.iter().for_each(|line| println!("{line}"));
        }
        println!("BROKEN seed {seed}: {what}");
        println!("  again: cargo run -p dashpoint-tests --bin simulate -- --seed {seed}");
    }
}

#[expect(clippy::print_stdout, reason = "the output of the program")]
fn say_counts(title: &str, counts: &Counts) {
    println!("{title}");
    for (name, times) in counts {
        println!("  {times:>8}  {name}");
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn it_tells_its_version() {
        let asked = SimulateArgs::try_parse_from(["simulate", "--version"]);
        let told = asked.err().map(|answer| answer.to_string());
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(told, Some(format!("simulate {version}\n")));
        SimulateArgs::command().debug_assert();
    }
}
