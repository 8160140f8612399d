//! The command line.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use crate::network::ProxyArgs;
use crate::story::ReadyStory;
use dashpoint_ui::locale::Language;

/// Plays the whole way of a point on this machine and checks what became of each.
///
/// Starts an MQTT broker, a member cloud and a simulated car in this process and the head unit as a process of its own.
/// The car is enrolled, drives online, loses the network, drives and charges offline, has its head unit killed in the
/// middle of a drive, and gets the network back after the member's other car has used up part of the day's points. The
/// car's clock is simulated: a day takes seconds, and comes out the same each time.
#[derive(Debug, Parser)]
#[command(
    name = "dashpoint-demo",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
pub(crate) struct DemoArgs {
    /// A command other than playing a story.
    #[command(subcommand)]
    pub(crate) command: Option<DemoCommand>,
    /// Options of the play.
    #[command(flatten)]
    pub(crate) play: PlayArgs,
}

/// Commands other than playing a story.
#[derive(Debug, Subcommand)]
pub(crate) enum DemoCommand {
    /// Stand between a car and its cloud, and let go wrong what a tester wants.
    Proxy(ProxyArgs),
}

/// Options of the play.
#[derive(Debug, clap::Args)]
pub(crate) struct PlayArgs {
    /// Play another story: a TOML file, or the name of a ready one.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) scenario: Option<PathBuf>,
    /// Begin where somebody stands, and open the head unit there.
    #[arg(long, value_name = "NAME", value_parser = persona(), conflicts_with = "scenario")]
    pub(crate) persona: Option<String>,
    /// Open no window, even where there is a display.
    #[arg(long)]
    pub(crate) headless: bool,
    /// Draw the screen after each step (of a persona: where it stands) into this folder, which has to be empty or new, and write
    /// report.json there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Seconds to look at the window after each step [default: 3 with a window].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) pause: Option<u16>,
    /// Language of the captions and of the head unit; by default that of LC_ALL, LC_MESSAGES or LANG, else
    /// English.
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub(crate) language: Option<Language>,
    /// Print the report as JSON on stdout, and the story on stderr.
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep everything in this folder, which has to be empty or new: ledger, cloud, configuration and logs. Without it
    /// a temporary one is used and removed.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

impl PlayArgs {
    /// Returns the language to speak.
    pub(crate) fn spoken(&self) -> Language {
        self.language.unwrap_or_else(dashpoint::default_language)
    }
}

fn persona() -> PossibleValuesParser {
    PossibleValuesParser::new(ReadyStory::PERSONAS.iter().map(|ready| ready.name))
}

const EXAMPLES: &str = "\
Ready stories, in app/demo/stories:
  sunday         the one that is played unasked
  bad-network    a cloud that is busy, far away and breaks off in its answers
  guest          somebody whom the car does not know takes the wheel
  week-offline   a week with no cloud

Personas, in app/demo/personas:
  new            enrolled a moment ago: no points, no trip
  gold-expiring  a gold member, whose oldest points expire within the month
  capped         the day's points for charging are earned
  guest          a guest is at the wheel
  offline-30d    thirty days with no cloud: everything since is pending

Examples:
  cargo run --release                               play it, in a window where there is a display
  cargo run --release -- --headless --out out       without one: a picture at each step, and report.json
  cargo run --release -- --language zh              播放中文版
  cargo run --release -- --json                     the same, with a report for a machine
  cargo run --release -- --scenario bad-network     another story
  cargo run --release -- --persona gold-expiring    a head unit to look at
  cargo run --release -- --keep /tmp/sunday         play it and keep the ledger; look into it with
  cargo run --release -p dashpoint -- ledger --verify --config /tmp/sunday/dashpoint.toml

Exit codes: 0 the promise held (the car and the cloud agree to the point, nothing is pending, the ledger
verifies, nothing is missing) and all is as the story expects, 1 it did not or the demo could not be
played, 2 wrong arguments or a story that makes no sense.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        DemoArgs::command().debug_assert();
    }

    #[test]
    fn the_help_names_every_story_and_persona() {
        for ready in ReadyStory::STORIES.iter().chain(ReadyStory::PERSONAS) {
            let line = format!("\n  {} ", ready.name);
            assert!(EXAMPLES.contains(&line), "{}", ready.name);
        }
    }
}
