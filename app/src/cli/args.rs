//! The command line of the head unit.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dashpoint_ui::locale::Language;

use crate::bus::host_and_port;
use crate::language::of_command_line as default_language;

/// The member's side of a car maker's loyalty programme, in the car.
///
/// Earns points from vehicle signals with no network, signs each entry, and reconciles with the member cloud when the
/// network is back.
#[derive(Debug, Parser)]
#[command(name = "dashpoint", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    pub logging: Logging,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Amount of the log on standard error.
#[derive(Debug, Args)]
pub struct Logging {
    /// Log debug lines, too, whatever RUST_LOG says.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Log warnings and errors only, whatever RUST_LOG says.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  dashpoint enrol --config dashpoint.toml        show a QR code; the member approves it once
  dashpoint run --config dashpoint.toml          with its window; --no-screen runs without
  dashpoint status --config dashpoint.toml       points, pending, tier, connection
  dashpoint check-in --config dashpoint.toml     one point a day
  dashpoint screenshot --config dashpoint.toml --out home.png --language en
  dashpoint sync --config dashpoint.toml         reconcile now
  dashpoint ledger --config dashpoint.toml --verify --json
  dashpoint explain vehicle-sim/cycles/us06.csv      what a recording would earn, and why; --policy FILE by other rules

Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration.";

/// Commands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the head unit: take signals, award points, reconcile with the cloud.
    Run(RunArgs),
    /// Enrol this head unit: show a code and wait until the member has approved it.
    Enrol(EnrolArgs),
    /// Show points, pending points, tier and connection, as the screen would.
    Status(StatusArgs),
    /// Check the member in for today on the running head unit.
    CheckIn(CheckInArgs),
    /// Reconcile with the cloud now, on the running head unit, and tell what came of it.
    Sync(SyncArgs),
    /// Draw a page of the screen into a PNG file: from the data folder, read-only, without a display.
    Screenshot(ScreenshotArgs),
    /// Show the ledger of this car, newest first, or verify every link and signature of it.
    Ledger(LedgerArgs),
    /// Explain what a recording or an entry is worth: trips, factors, rules, caps. Needs no cloud and no broker.
    Explain(ExplainArgs),
    /// Check a mapping file for a car that is not VSS 6.0: topic and conversion of each signal, and what can be earned with it.
    CheckMapping(CheckMappingArgs),
}

impl Command {
    /// The language that the command was asked to speak, or that of the environment.
    #[must_use]
    pub fn language(&self) -> Language {
        let chosen = match self {
            Self::Run(args) => args.language,
            Self::Screenshot(args) => args.language,
            Self::Enrol(EnrolArgs { output, .. })
            | Self::Status(StatusArgs { output, .. })
            | Self::CheckIn(CheckInArgs { output, .. })
            | Self::Sync(SyncArgs { output, .. })
            | Self::Ledger(LedgerArgs { output, .. })
            | Self::Explain(ExplainArgs { output, .. })
            | Self::CheckMapping(CheckMappingArgs { output, .. }) => Some(output.language),
        };
        chosen.unwrap_or_else(default_language)
    }
}

/// Selection of the head unit.
#[derive(Debug, Args)]
pub struct Place {
    /// Configuration of the head unit.
    #[arg(
        long,
        env = "DASHPOINT_CONFIG",
        hide_env_values = true,
        value_name = "FILE",
        default_value = "dashpoint.toml"
    )]
    pub config: PathBuf,
}

/// Form of the output.
#[derive(Debug, Args)]
pub struct Output {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Language of the words [default: that of LC_ALL, LC_MESSAGES or LANG, else English].
    #[arg(long, value_enum, value_name = "LANGUAGE", default_value_t = default_language(), hide_default_value = true)]
    pub language: Language,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = RUN_HELP)]
pub struct RunArgs {
    #[command(flatten)]
    pub place: Place,
    /// Run without the screen. With it, closing the window ends the program.
    #[arg(long)]
    pub no_screen: bool,
    /// Language of the screen until the driver chooses one on it [default: the car's, else that of LC_ALL, LC_MESSAGES or LANG,
    /// else 中文].
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub language: Option<Language>,
    /// Allow what only tests may do: the clock of the bus.
    #[arg(long)]
    pub test: bool,
    /// Print what is run as JSON at the start; what happens then is logged.
    #[arg(long)]
    pub json: bool,
}

const RUN_HELP: &str = "\
Shown: the window with the member's card, or the code to enrol with; log lines on standard
error. It runs until its window is closed, or until SIGTERM or Ctrl-C; `dashpoint status` tells
meanwhile what it does.

Examples:
  dashpoint run --config dashpoint.toml
  dashpoint run --language en
  dashpoint -v run --no-screen                   with debug lines

Exit codes: 0 ended in order, 1 failed, 2 wrong arguments or configuration, or no display.";

/// Arguments of `screenshot`.
#[derive(Debug, Args)]
pub struct ScreenshotArgs {
    #[command(flatten)]
    pub place: Place,
    /// The file to write.
    #[arg(long, value_name = "PNG")]
    pub out: PathBuf,
    /// The page [default: home; enrol while the head unit is not enrolled].
    #[arg(long, value_enum, value_name = "PAGE")]
    pub page: Option<PageName>,
    /// Language of the page [default: the driver's choice, else as the window's].
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub language: Option<Language>,
    /// Colours of the page [default: the driver's choice].
    #[arg(long, value_enum, value_name = "THEME")]
    pub theme: Option<ThemeName>,
    /// Drive state of the car [default: as the running head unit sees it, else parked].
    #[arg(long, value_enum, value_name = "STATE")]
    pub drive_state: Option<DriveName>,
    /// Width of the screen in pixels; it is 720 high.
    #[arg(long, value_name = "PIXELS", default_value_t = 1920, value_parser = clap::value_parser!(u32).range(1280..=1920))]
    pub width: u32,
    /// Print what was drawn as JSON.
    #[arg(long)]
    pub json: bool,
}

/// A page of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PageName {
    /// The member's card.
    Home,
    /// The ledger, the newest row open.
    Activity,
    /// The summary of the newest trip.
    Trip,
    /// The benefits.
    Benefits,
    /// Enrolment: the code that waits for a phone, or who the member is.
    Enrol,
    /// The settings.
    Settings,
}

/// The colours of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThemeName {
    /// Light.
    Day,
    /// Dark.
    Night,
}

/// Drive states of the car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DriveName {
    /// In park.
    Parked,
    /// At a red light: restricted as moving.
    Standing,
    /// Moving.
    Moving,
    /// Nobody knows: restricted as moving.
    Unknown,
}

/// Arguments of `enrol`.
#[derive(Debug, Args)]
pub struct EnrolArgs {
    #[command(flatten)]
    pub place: Place,
    /// Driver on the vehicle's bus that the membership is for, as ISSUER#SUBJECT; without it, whoever drives
    /// unidentified.
    #[arg(long, value_name = "ISSUER#SUBJECT")]
    pub driver: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = STATUS_HELP)]
pub struct StatusArgs {
    #[command(flatten)]
    pub place: Place,
    /// Show the vehicle's signals instead: last time, rate, what was refused, never seen.
    #[arg(long)]
    pub signals: bool,
    #[command(flatten)]
    pub output: Output,
}

const STATUS_HELP: &str = "\
Shown: first what keeps points from coming, and what to do; then each member's points,
pending points, next tier and caps; last the policy version and the connection. It works while the
head unit does not run, too.

Examples:
  dashpoint status --config dashpoint.toml
  dashpoint status --language zh
  dashpoint status --signals                     each signal of the car, on a running head unit
  dashpoint status --json

Exit codes: 0 done, 1 failed or not enrolled, 2 wrong arguments or configuration.";

/// Arguments of `check-mapping`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_MAPPING_HELP)]
pub struct CheckMappingArgs {
    /// The mapping, TOML.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Name of the vehicle in the topics, in the place of +.
    #[arg(long, value_name = "NAME")]
    pub vehicle: Option<String>,
    /// Listen to a broker for so long, such as 60s or 5m, and tell what each signal says.
    #[arg(long, value_name = "TIME", value_parser = listening_time)]
    pub listen: Option<Duration>,
    #[command(flatten)]
    pub output: Output,
    // Its heading holds for everything after it.
    #[command(flatten)]
    pub broker: BrokerArgs,
}

const CHECK_MAPPING_HELP: &str = "\
The table of abilities tells what the car earns by what the mapping has, and what is missing.

Columns with --listen:
  said     messages of the signal
  last     its last value, in the unit of the signal; no text that may name car, person or place
  every    time between two values
  clock    time of the values less the time of their arrival
  refused  messages that the head unit would not take, by reason

Examples:
  dashpoint check-mapping app/mapping/vss-5.1.toml
  dashpoint check-mapping car.toml --listen 60s --broker 192.168.1.20:1883
  dashpoint check-mapping app/mapping/teslamate.toml --vehicle 1 --listen 5m --json

Exit codes: 0 the mapping is right, 1 nothing to take was said, or there is no broker, 2 wrong arguments or mapping.";

/// Access to the in-vehicle broker.
#[derive(Debug, Args)]
#[command(next_help_heading = "The broker to listen to")]
pub struct BrokerArgs {
    /// HOST:PORT of the broker.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883", value_parser = broker, requires = "listen")]
    pub broker: (String, u16),
    /// Name at the broker.
    #[arg(long, value_name = "NAME", requires_all = ["password_file", "listen"])]
    pub user: Option<String>,
    /// File with the password of --user in its first line.
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// TLS: certificate of the authority that vouches for the broker, PEM.
    #[arg(long, value_name = "FILE", requires = "listen")]
    pub ca: Option<PathBuf>,
    /// TLS: a certificate to show, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["ca", "key"])]
    pub cert: Option<PathBuf>,
    /// TLS: the key of --cert, PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
}

fn broker(text: &str) -> Result<(String, u16), String> {
    host_and_port(text).ok_or_else(|| "expected HOST:PORT".to_owned())
}

fn listening_time(text: &str) -> Result<Duration, String> {
    let (number, unit_s) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60),
        None => (text.strip_suffix('s').unwrap_or(text), 1),
    };
    // The answer below names the form that is right, whatever was wrong.
    let seconds = number.parse::<u64>().ok();
    let seconds = seconds.and_then(|number| number.checked_mul(unit_s));
    match seconds {
        Some(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        Some(_) | None => Err("expected a time such as 60s or 5m, at most a day".to_owned()),
    }
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_HELP)]
pub struct ExplainArgs {
    /// Recordings, folders of them, or EPOCH-SEQ of entries in the ledger; of several the totals by rule are shown too.
    #[arg(value_name = "RECORDING|FOLDER|EPOCH-SEQ", required = true)]
    pub what: Vec<String>,
    /// Value it by this policy (TOML), instead of the shipped one or that of the entry.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Show before and after: the totals by this policy (TOML) beside those by the other.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Zone of the local times of a recording.
    #[arg(long, value_name = "ZONE", default_value = "Asia/Shanghai")]
    pub zone: String,
    /// Local time at which a recording without a date begins [default: 2026-01-01T08:00].
    #[arg(long, value_name = "TIME")]
    pub start: Option<jiff::civil::DateTime>,
    /// Energy drawn where a recording tells of none.
    #[arg(long, value_name = "KWH", allow_negative_numbers = true, value_parser = consumption)]
    pub kwh_per_100km: Option<f64>,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub output: Output,
}

const EXPLAIN_HELP: &str = "\
Recordings, told apart by their first line:
  second,m/s or cycSecs,cycMps      speed table: seconds, metres per second
  timestamp,timestep,speed_mph      recorded day: local time, seconds since the row before, miles per hour
  field,signal,value,delay          VSS signals, as KUKSA's csv-provider has them

Examples:
  dashpoint explain vehicle-sim/cycles/us06.csv
  dashpoint explain commute.csv --policy changed.toml --kwh-per-100km 15 --json
  dashpoint explain vehicle-sim/cycles --against changed.toml
  dashpoint explain 1-12 --config dashpoint.toml

Exit codes: 0 done, 1 failed, also when a rule failed, 2 wrong arguments, recording or policy.";

fn consumption(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(kwh) if (0.0..=1_000.0).contains(&kwh) => Ok(kwh),
        Ok(_) | Err(_) => Err("expected kilowatt-hours, 0 to 1000".to_owned()),
    }
}

/// Arguments of `check-in`.
#[derive(Debug, Args)]
pub struct CheckInArgs {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
#[command(after_help = SYNC_HELP)]
pub struct SyncArgs {
    #[command(flatten)]
    pub place: Place,
    /// Time to wait for the end of the attempt; the head unit goes on with it beyond that.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(0..=3600))]
    pub wait: u16,
    #[command(flatten)]
    pub output: Output,
}

const SYNC_HELP: &str = "\
Shown: one line with the connection, the entries that the cloud confirmed, held back or
rejected, and those that still wait, such as `online; 3 entries confirmed; nothing waits`. A pause
that the cloud asked for is not cut short.

Examples:
  dashpoint sync --config dashpoint.toml
  dashpoint sync --wait 5                        5 seconds at most
  dashpoint sync --json

Exit codes: 0 car and cloud have met, 1 they have not, and the line says why.";

/// Arguments of `ledger`.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    #[command(flatten)]
    pub place: Place,
    /// Verify the chain, the signatures, the meter intervals, the receipts and the lot sums.
    #[arg(long)]
    pub verify: bool,
    /// The number of entries, newest first.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub last: u32,
    #[command(flatten)]
    pub output: Output,
}
