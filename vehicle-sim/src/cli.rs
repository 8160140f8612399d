//! The command line: what may be typed, and what it becomes.

use std::path::PathBuf;
use std::time::Duration;

use crate::{
    Access, BrokerLogin, Command, Endpoint, Identity, Options, Scenario, SimError, SimulatedCharge,
    SimulatedDriver, Speed, Tls, Vehicle, Vin,
};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::names::{CycleName, GatewayName, SourceName};

/// A simulated electric car on an MQTT bus, in COVESA VSS 6.0.
///
/// Commands follow each other in simulated time: the clock, the odometer and the energy counters are kept in a state
/// file. The same arguments and the same state publish the same messages.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  vehicle-sim broker                                 an MQTT broker on 127.0.0.1:1883, for a desk without one
  vehicle-sim drive --cycle us06                     ten minutes of aggressive driving
  vehicle-sim charge --kwh 18 --renewable 80         an AC charge, 80 % of it renewable
  vehicle-sim replay day.csv --speedup 60            a recorded day, an hour in a minute
  vehicle-sim scenario red-lights                    one of the ready scenarios, or a file
  vehicle-sim live                                   steps typed one by one
  vehicle-sim list                                   cycles, scenarios, file formats, signals

Exit codes: 0 done, 1 failed, also when the state file cannot be read or written, 2 wrong arguments, recording or scenario."
)]
pub struct SimulatorCli {
    #[command(subcommand)]
    pub action: Action,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Drive along a recording; its header says what it is
    #[command(after_help = "\
Formats:
  cycSecs,cycMps or second,m/s                  a speed table
  timestamp,cycle_sec,timestep,speed_mph        a recorded day; timestep > 1 is a gap, in which nothing is
                                                published and the odometer stands still
  field,signal,value,delay                      VSS signals, as KUKSA's csv-provider has them

Examples:
  vehicle-sim replay day.csv
  vehicle-sim replay day.csv --keep-time --zone America/Chicago
  vehicle-sim replay recording.csv --omit Vehicle.Acceleration.Longitudinal --json")]
    Replay {
        /// The recording
        file: PathBuf,
        /// Keep the times of a recorded day, in --zone, instead of ending now
        #[arg(long)]
        keep_time: bool,
        /// Publish the positions in the recording too; without it no position leaves the file
        #[arg(long)]
        with_position: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Drive a cycle that the program brings along
    #[command(after_help = "\
Examples:
  vehicle-sim drive --cycle wltc-3b
  vehicle-sim drive --cycle udds --as ovms
  vehicle-sim drive --cycle udds --driver https://id.example.com#42 --speedup 10")]
    Drive {
        /// The cycle
        #[arg(long, value_enum)]
        cycle: CycleName,
        #[command(flatten)]
        common: Common,
    },
    /// Charge, parked and switched off
    #[command(after_help = "\
Examples:
  vehicle-sim charge --kwh 18 --renewable 80
  vehicle-sim charge --kwh 30 --renewable 25 --source OCPI --dc
  vehicle-sim charge --kwh 18 --renewable 80 --asleep")]
    Charge {
        /// Energy into the battery
        #[arg(long, allow_negative_numbers = true)]
        kwh: f64,
        /// Renewable share in percent
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
        renewable: u8,
        /// Source of the renewable share
        #[arg(long, value_enum, ignore_case = true, default_value = "SITE")]
        source: SourceName,
        /// At a DC post rather than an AC one
        #[arg(long)]
        dc: bool,
        /// The head unit sleeps: nothing is published until the car wakes, and then the risen counter
        #[arg(long)]
        asleep: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Do the steps of a scenario, and park
    #[command(after_help = "\
`vehicle-sim list` shows the ready scenarios; each is a file of the folder vehicle-sim/scenarios, to be copied and changed.

Examples:
  vehicle-sim scenario red-lights
  vehicle-sim scenario ./my-own.toml --speedup 10")]
    Scenario {
        /// A file, or the name of a ready scenario
        file: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Do the steps that are typed, one a line; it parks at the end of the input
    #[command(after_help = "\
A line is a step as in a file; a step without arguments is its name alone.

Examples:
  vehicle-sim live
  printf 'drive = { cycle = \"us06\" }\npark\noffline\n' | vehicle-sim live")]
    Live {
        #[command(flatten)]
        common: Common,
    },
    /// Host an MQTT broker on 127.0.0.1 until interrupted
    #[command(after_help = "Example:\n  vehicle-sim broker --port 1884")]
    Broker {
        /// The port; 0 is any free one
        #[arg(long, default_value_t = 1883)]
        port: u16,
        /// Print the address as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a script that completes commands and options in a shell
    #[command(
        after_help = "Example:\n  vehicle-sim completions bash > ~/.local/share/bash-completion/completions/vehicle-sim"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Show cycles, scenarios, gateways, file formats and signals
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Options of every command that publishes.
#[derive(Debug, Args)]
pub struct Common {
    /// The MQTT broker
    #[arg(
        long,
        env = "DASHPOINT_BROKER",
        hide_env_values = true,
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:1883"
    )]
    broker: Endpoint,
    /// File of clock and lifetime meters; remove it for a new car
    #[arg(long, value_name = "FILE", default_value = "vehicle-sim.state.json")]
    state: PathBuf,
    /// Begin no earlier; without it at 08:00 of today, a replay so that it ends now, and later five minutes after the last command
    #[arg(long, value_name = "RFC3339")]
    start: Option<Timestamp>,
    /// Local time of the car
    #[arg(long, value_parser = zone, default_value = "Asia/Shanghai")]
    zone: TimeZone,
    /// Publish as this gateway does; `vehicle-sim list` describes each, and names its mapping
    #[arg(
        long = "as",
        value_name = "GATEWAY",
        value_enum,
        hide_possible_values = true,
        default_value = "vss"
    )]
    gateway: GatewayName,
    /// Simulated time: N times as fast as the clock on the wall, or as fast as it is taken; 1 where a gateway says no times, else max
    #[arg(long, value_name = "N|max")]
    speedup: Option<Speed>,
    /// States (QoS 1) sent ahead of what the head unit has taken; 400 is faster and right for `vehicle-sim broker`
    #[arg(long, value_name = "N", default_value_t = Options::STATES_AHEAD, value_parser = states_ahead)]
    states_ahead: usize,
    /// Simulated seconds sent ahead of what the head unit has taken; what comes more than 2 late is late for it
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=3600))]
    time_ahead: u16,
    /// Seconds for which the head unit may say nothing, until the rest goes out without it
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u16).range(0..=600))]
    patience: u16,
    /// Vehicle identification number
    #[arg(long, default_value = Vin::FAKE)]
    vin: Vin,
    /// The driver, as the car's sign-in has it; without it the last driver stays
    #[arg(long, value_name = "ISSUER#SUBJECT")]
    driver: Option<SimulatedDriver>,
    /// A guest drives, nobody that the car knows, until --driver or --no-driver
    #[arg(long, conflicts_with = "driver")]
    guest: bool,
    /// The car does not say who drives, as before the first --driver or --guest: the member earns who was enrolled without --driver
    #[arg(long, conflicts_with_all = ["driver", "guest"])]
    no_driver: bool,
    /// Chooses what chance decides in the faults of a scenario
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Do not publish this signal (repeatable)
    #[arg(long, value_name = "SIGNAL")]
    omit: Vec<String>,
    /// Temperature outside: cold air is heavier, and the cabin wants heat
    #[arg(long, default_value_t = Options::CELSIUS, allow_negative_numbers = true, value_parser = celsius)]
    celsius: f64,
    /// State of charge to begin with, as if the battery had been swapped
    #[arg(long, value_name = "PERCENT")]
    soc: Option<f64>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
    // Last: its heading stands over all options that follow.
    #[command(flatten)]
    access: AccessArgs,
}

/// Fewer than a command opens with would wait for an answer to what was not said.
fn states_ahead(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (Options::STATES_AHEAD..=800).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(format!("expected {} to 800", Options::STATES_AHEAD)),
    }
}

fn celsius(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(celsius) if (-50.0..=60.0).contains(&celsius) => Ok(celsius),
        Ok(_) | Err(_) => Err("expected -50 to 60".to_owned()),
    }
}

fn zone(name: &str) -> Result<TimeZone, jiff::Error> {
    TimeZone::get(name)
}

impl Common {
    /// Local time of the car.
    pub fn zone(&self) -> TimeZone {
        self.zone.clone()
    }

    /// The options of the car; `now` is the wall clock.
    ///
    /// # Errors
    /// When a file that the broker's door needs cannot be used.
    pub fn options(&self, now: Timestamp) -> Result<Options, SimError> {
        Ok(Options {
            broker: self.broker.clone(),
            access: self.access.read()?,
            state: Some(self.state.clone()),
            start: self.start,
            zone: self.zone.clone(),
            now,
            speed: self
                .speedup
                .unwrap_or(if self.gateway.gateway().says_times() {
                    Speed::Max
                } else {
                    Speed::Times(1.0)
                }),
            gateway: self.gateway.gateway(),
            states_ahead: self.states_ahead,
            time_ahead: Some(SignedDuration::from_secs(i64::from(self.time_ahead))),
            patience: Duration::from_secs(u64::from(self.patience)),
            identity: Identity {
                vin: self.vin.clone(),
                driver: self
                    .driver
                    .clone()
                    .or_else(|| self.guest.then(SimulatedDriver::guest))
                    .or_else(|| self.no_driver.then(SimulatedDriver::unnamed)),
            },
            seed: self.seed,
            omit: self.omit.iter().cloned().collect(),
            vehicle: Vehicle::bolt(),
            celsius: self.celsius,
            charge_percent: self.soc,
        })
    }
}

/// Credentials for a broker that requires them.
#[derive(Debug, Args)]
#[command(next_help_heading = "A broker that does not let everybody in")]
pub struct AccessArgs {
    /// Name at the broker
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// File with the password of --user in its first line
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// TLS: certificate of the authority that vouches for the broker, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// TLS: the simulator's own certificate, PEM
    #[arg(long, value_name = "FILE", requires_all = ["ca", "key"])]
    cert: Option<PathBuf>,
    /// TLS: the key of --cert, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl AccessArgs {
    fn read(&self) -> Result<Access, SimError> {
        let login = match (&self.user, &self.password_file) {
            (Some(user), Some(file)) => Some(BrokerLogin::read(user, file)?),
            (Some(_) | None, _) => None,
        };
        let own = self.cert.as_deref().zip(self.key.as_deref());
        let tls = match &self.ca {
            Some(authority) => Some(Tls::read(authority, own)?),
            None => None,
        };
        Ok(Access { login, tls })
    }
}

impl Action {
    /// The command and its options, or `None` for what does not publish.
    ///
    /// # Errors
    /// When a scenario cannot be read.
    pub fn command(&self) -> Result<Option<(Command, &Common)>, SimError> {
        Ok(Some(match self {
            Self::Replay {
                file,
                keep_time,
                with_position,
                common,
            } => {
                let replay = Command::Replay {
                    file: file.clone(),
                    keep_time: *keep_time,
                    with_position: *with_position,
                };
                (replay, common)
            }
            Self::Drive { cycle, common } => (Command::Drive(cycle.cycle()), common),
            Self::Charge {
                kwh,
                renewable,
                source,
                dc,
                asleep,
                common,
            } => {
                let charge = SimulatedCharge {
                    kwh: *kwh,
                    renewable_percent: *renewable,
                    source: source.source(),
                    dc: *dc,
                };
                let command = if *asleep {
                    Command::ChargeAsleep(charge)
                } else {
                    Command::Charge(charge)
                };
                (command, common)
            }
            Self::Scenario { file, common } => (Command::Scenario(Scenario::open(file)?), common),
            Self::Live { .. }
            | Self::Broker { .. }
            | Self::Completions { .. }
            | Self::List { .. } => return Ok(None),
        }))
    }
}

/// The exit code that an error of the simulator stands for.
pub fn exit_code(error: &SimError) -> u8 {
    if error.is_usage() { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EnergySource, Gateway};
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        SimulatorCli::command().debug_assert();
    }

    #[test]
    fn a_full_command_line_becomes_options() {
        let line = "vehicle-sim charge --kwh 18 --renewable 80 --dc --source ocpi --broker car:1884 --speedup 60 \
                    --start 2026-11-22T00:00:00Z --zone Europe/Berlin --omit Vehicle.Speed --omit Vehicle.IsMoving \
                    --driver maker#42 --soc 20 --celsius -7 --json";
        let cli = SimulatorCli::try_parse_from(line.split_whitespace()).unwrap();
        let (command, common) = cli.action.command().unwrap().unwrap();
        let charge = SimulatedCharge {
            kwh: 18.0,
            renewable_percent: 80,
            source: EnergySource::Ocpi,
            dc: true,
        };
        assert_eq!(command, Command::Charge(charge));
        let options = common.options(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(options.broker.to_string(), "car:1884");
        assert_eq!(options.speed, Speed::Times(60.0));
        assert_eq!(options.omit.len(), 2);
        assert_eq!(
            (options.charge_percent, options.celsius),
            (Some(20.0), -7.0)
        );
        assert_eq!(
            options.identity.driver.map(|driver| driver.subject),
            Some("42".to_owned())
        );
    }

    #[test]
    fn a_gateway_without_times_goes_by_the_wall_clock() {
        for (line, gateway, speed) in [
            ("", Gateway::Vss, Speed::Max),
            ("--as bmw-cardata", Gateway::BmwCardata, Speed::Max),
            ("--as ovms", Gateway::Ovms, Speed::Times(1.0)),
            ("--as ovms --speedup 60", Gateway::Ovms, Speed::Times(60.0)),
            ("--as evcc --speedup max", Gateway::Evcc, Speed::Max),
        ] {
            let line = format!("vehicle-sim drive --cycle udds {line}");
            let cli = SimulatorCli::try_parse_from(line.split_whitespace()).unwrap();
            let (_, common) = cli.action.command().unwrap().unwrap();
            let options = common.options(Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!((options.gateway, options.speed), (gateway, speed), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for line in [
            "vehicle-sim",
            "vehicle-sim drive",
            "vehicle-sim drive --cycle nedc",
            "vehicle-sim charge --kwh 18",
            "vehicle-sim charge --kwh 18 --renewable 101",
            "vehicle-sim drive --cycle udds --zone Moon/Crater",
            "vehicle-sim drive --cycle udds --vin SHORT",
            "vehicle-sim drive --cycle udds --broker nowhere",
            "vehicle-sim drive --cycle udds --speedup 0",
            "vehicle-sim drive --cycle udds --celsius -60",
            "vehicle-sim drive --cycle udds --time-ahead 0",
            "vehicle-sim drive --cycle udds --user gateway",
            "vehicle-sim drive --cycle udds --password-file secret",
            "vehicle-sim drive --cycle udds --cert own.pem --key own.key",
            "vehicle-sim drive --cycle udds --ca ca.pem --cert own.pem",
            "vehicle-sim replay",
            "vehicle-sim scenario",
            "vehicle-sim drive --cycle udds --guest --driver maker#42",
            "vehicle-sim drive --cycle udds --guest --no-driver",
            "vehicle-sim drive --cycle udds --as teslamate",
        ] {
            assert!(
                SimulatorCli::try_parse_from(line.split_whitespace()).is_err(),
                "{line}"
            );
        }
    }
}
