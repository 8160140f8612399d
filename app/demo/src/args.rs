//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Plays the whole way of a point on this machine and checks what became of each.
///
/// Starts an MQTT broker, a member cloud and a simulated car in this process and the head unit as a process of its own.
/// The car is enrolled, drives online, loses the network, drives and charges offline, has its head unit killed in the
/// middle of a drive, and gets the network back. The car's clock is simulated: a day takes seconds, and comes out the
/// same each time.
#[derive(Debug, Parser)]
#[command(name = "dashpoint-demo", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Print the report as JSON on stdout, and the story on stderr.
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep everything in this folder, which has to be empty or new: ledger, cloud, configuration and logs. Without it
    /// a temporary one is used and removed.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo run --release                               play it
  cargo run --release -- --json                     the same, with a report for a machine
  cargo run --release -- --keep /tmp/sunday         play it and keep the ledger; look into it with
  cargo run --release -p dashpoint -- ledger --verify --config /tmp/sunday/dashpoint.toml

Exit codes: 0 the promise held (the car and the cloud agree to the point, nothing is pending, the ledger
verifies, nothing is missing), 1 it did not or the demo could not be played, 2 wrong arguments.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}
