//! The command line of the cloud.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use dashpoint_membership::{EntryRef, MemberId, PolicyVersion, ServerTime};

use super::meter_args::{MeterCommand, entry};
use crate::clock::ClockKind;
use crate::connections::Limits;
use crate::core::{CloudCore, NamedDevice, NamedMember, SelectedEntries};
use crate::error::CloudError;

const EXAMPLES: &str = "Examples:
  dashpoint-cloud serve
  dashpoint-cloud member add --name 李雷 --zone Asia/Shanghai
  dashpoint-cloud device list
  dashpoint-cloud device approve 7K3M-Z0QA --member 李雷
  dashpoint-cloud device consent 7K3M-Z0QA --reason \"sold, contract seen\"
  dashpoint-cloud review list
  dashpoint-cloud entries --member 李雷 --last 20
  dashpoint-cloud policy show > policy.toml   (change it and raise `version`)
  dashpoint-cloud policy sign policy.toml
  dashpoint-cloud rule report --since 2026-11-01T00:00:00Z
  dashpoint-cloud --json statement 李雷
  source <(dashpoint-cloud completions bash)

Every command but `serve`, `init` and `restore` may be used while `serve` runs. Times in JSON are seconds since 1970-01-01T00:00:00Z.
Exit codes: 0 done, 1 failed, 2 wrong argument or file.";

/// The reference member cloud of Dashpoint.
#[derive(Debug, Parser)]
#[command(name = "dashpoint-cloud", version, after_help = EXAMPLES, term_width = 100)]
pub struct CloudArgs {
    /// The cloud's folder: its key and its database; an empty variable counts as unset
    #[arg(
        long,
        global = true,
        env = "DASHPOINT_DATA",
        hide_env_values = true,
        value_name = "DIR",
        default_value = "dashpoint-cloud-data"
    )]
    pub data: PathBuf,
    /// Write JSON in place of a table
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub logging: ServeLogging,
    /// The command
    #[command(subcommand)]
    pub command: CloudCommand,
}

/// Amount of the log of `serve` on standard error.
#[derive(Debug, Args)]
pub struct ServeLogging {
    /// Let `serve` log debug lines, too, whatever RUST_LOG says
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Let `serve` log warnings and errors only, whatever RUST_LOG says
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// Commands of the cloud.
#[derive(Debug, Subcommand)]
pub enum CloudCommand {
    /// Serve cars and the approval page; an empty folder gets a key, the default policy and catalogue on the first start
    Serve(Serve),
    /// Make a new cloud where none is: also beside a key whose database is lost and has no backup; no car is known to it
    Init,
    /// Members
    #[command(subcommand)]
    Member(MemberCommand),
    /// Head units and their requests to be enrolled
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Awards that are held back, and the decisions on them
    #[command(subcommand)]
    Review(ReviewCommand),
    /// Meters of vehicles: openings of new ones, and stretches, each paid once
    #[command(subcommand)]
    Meter(MeterCommand),
    /// Policies: what is earned for what
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Rules of the policies: how often each held and paid
    #[command(subcommand)]
    Rule(RuleCommand),
    /// The catalogue of benefits
    #[command(subcommand)]
    Catalogue(CatalogueCommand),
    /// List entries with their verdicts, in the order they came; those of the same five minutes by device, then in the
    /// order of its chain
    Entries {
        #[command(flatten)]
        selected: EntryFilter,
        /// Only the last so many
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..).map(|last| last as usize))]
        last: Option<usize>,
    },
    /// Show a member's statement as the car gets it
    Statement {
        /// The member: the name, the id, or its first digits
        member: NamedMember,
    },
    /// Print the key that cars have in their configuration: the public key and the salt of the names of vehicles and drivers
    Key,
    /// Write a copy of the database to a new file; the key is not in it
    Backup {
        /// The file to write
        file: PathBuf,
    },
    /// Put a backup in the place of the database, while nothing serves; cars send again what it lacks
    Restore {
        /// A file of `backup`, or a copy of `cloud.db`; it is not touched
        backup: PathBuf,
    },
    /// Points that expired
    #[command(subcommand)]
    Expiry(ExpiryCommand),
    /// Print a script that completes commands and options in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Run expiry, releases and tier reviews now; `serve` does it every hour
    #[command(visible_alias = "expire")]
    Maintain,
}

/// Selection of entries.
#[derive(Debug, Args)]
pub struct EntryFilter {
    /// Only entries that happened from here on, such as 2026-11-22T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<ServerTime>,
    /// Only entries that happened before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<ServerTime>,
    /// Only those of this member: the name, the id, or its first digits
    #[arg(long, value_name = "MEMBER")]
    pub member: Option<NamedMember>,
    /// Only those of this device: the id, or its first digits
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<NamedDevice>,
}

impl EntryFilter {
    /// Finds whom it names.
    pub(super) fn found(&self, core: &CloudCore) -> Result<SelectedEntries, CloudError> {
        let member = self.member.as_ref().map(|named| core.find_member(named));
        let device = self.device.as_ref().map(|named| core.find_device(named));
        Ok(SelectedEntries {
            device: device.transpose()?,
            member: member.transpose()?,
            since: self.since,
            until: self.until,
        })
    }
}

/// One batch: with less a car could send none.
const DEVICE_ENTRIES_MIN: i64 = 100;

/// Options of the server.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Address to listen on; port 0 takes a free one. Plain HTTP: put a TLS terminator before it for anything but loopback
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8460")]
    pub listen: SocketAddr,
    /// Address at which cars and members reach it from outside; by default the address it listens on
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The clock of the cloud; chosen on the first start and kept
    #[arg(long, value_enum, default_value = "system")]
    pub clock: ClockChoice,
    /// Start of a posted clock, such as 2026-11-22T08:00:00Z; by default now
    #[arg(long, value_name = "TIME", value_parser = time, requires = "test")]
    pub posted_from: Option<ServerTime>,
    /// This cloud is for tests
    #[arg(long)]
    pub test: bool,
    /// Address of a TLS terminator in front: its X-Forwarded-For names the caller, by whom limits count. Repeatable
    #[arg(long = "trusted-proxy", value_name = "ADDRESS")]
    pub trusted_proxies: Vec<IpAddr>,
    /// Take the clock for right although it leapt: after a month without a run, or back by more than 15 minutes
    #[arg(long, value_name = "REASON")]
    pub accept_clock: Option<String>,
    /// Entries that one device may have recorded in a day; more stay in the car until there is room
    #[arg(long, value_name = "COUNT", default_value_t = Limits::DEFAULT.entries_a_day, value_parser = clap::value_parser!(u32).range(DEVICE_ENTRIES_MIN..))]
    pub device_entries: u32,
}

/// The clock of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClockChoice {
    /// The machine's
    System,
    /// The newest event time that a device posted; only with --test
    Posted,
}

impl From<ClockChoice> for ClockKind {
    fn from(clock: ClockChoice) -> Self {
        match clock {
            ClockChoice::System => Self::System,
            ClockChoice::Posted => Self::Posted,
        }
    }
}

/// About members.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Make somebody a member and print the id
    Add {
        /// Name as the member writes it
        #[arg(long)]
        name: String,
        /// Zone in which the member's days are counted
        #[arg(long, default_value = "Asia/Shanghai")]
        zone: String,
        /// The id of a member whom a restore has lost, as the log and `/healthz` name it; by default a new one
        #[arg(long, value_name = "ID")]
        id: Option<MemberId>,
    },
    /// List members
    List,
    /// Show one member with devices and lots
    Show {
        /// The member: the name, the id, or its first digits
        member: NamedMember,
    },
}

/// About devices.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// List devices with their last contact and the policy of their newest entry, and head units that wait to be enrolled
    List,
    /// Say yes to the head unit that shows this code
    Approve {
        /// The code on the car's screen
        code: String,
        /// The member whom it earns for: the name, the id, or its first digits
        #[arg(long, value_name = "MEMBER")]
        member: NamedMember,
        /// Reason of the operator to agree at once, when the vehicle earns for others; kept for ever
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Agree that a vehicle earns for one more member, who has said yes
    Consent {
        /// The code on the car's screen
        code: String,
        /// A member for whom the vehicle earns, who agrees: the name, the id, or its first digits
        #[arg(
            long,
            value_name = "MEMBER",
            required_unless_present = "reason",
            conflicts_with = "reason"
        )]
        member: Option<NamedMember>,
        /// Reason of the operator to agree in his place; kept for ever
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Say no to the head unit that shows this code
    Refuse {
        /// The code on the car's screen
        code: String,
    },
    /// Shut a device out for good: what it has not sent is not paid, and it earns again only when it is enrolled anew; stretches of
    /// meters for which it was paid nothing become free
    Revoke {
        /// The device: the id, or its first digits
        device: NamedDevice,
        /// It claimed what was not its own: all its stretches become free, and its points are taken back
        #[arg(long, requires = "reason")]
        fraud: bool,
        /// The reason of `--fraud`, kept for ever; without `--fraud` none is asked for
        #[arg(long, value_name = "TEXT", requires = "fraud")]
        reason: Option<String>,
    },
}

/// About what is held back.
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// List what is held back, those first that wait for a decision
    List,
    /// Pay what is held back for an entry
    Accept(Decided),
    /// Give up what is held back for an entry; what it claims of a meter is free
    Refuse(Decided),
}

/// A decision on an entry.
#[derive(Debug, clap::Args)]
pub struct Decided {
    /// The entry, as `review list` shows it: DEVICE/EPOCH-SEQ
    #[arg(value_parser = entry)]
    pub entry: EntryRef,
    /// The reason; kept for ever
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// About points that expired.
#[derive(Debug, Subcommand)]
pub enum ExpiryCommand {
    /// Give back what expired too early, from a time on, each lot once; the member reads the reason
    Reverse {
        /// Expired by the cloud's clock from here on, such as 2036-11-22T00:00:00Z
        #[arg(long, value_name = "TIME", value_parser = time)]
        since: ServerTime,
        /// Expired before this time, also what would have expired by now in any case
        #[arg(long, value_name = "TIME", value_parser = time)]
        until: Option<ServerTime>,
        /// Only those of this member, by the name, the id, or its first digits; by default of all
        #[arg(long, value_name = "MEMBER")]
        member: Option<NamedMember>,
        /// The reason that the member reads, of at most 512 bytes
        #[arg(long)]
        reason: String,
    },
}

/// About policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print a policy as TOML, to be edited and signed again
    Show {
        /// The version; by default the one in force
        #[arg(value_parser = version)]
        version: Option<PolicyVersion>,
    },
    /// List the fields that a rule may read, with their units
    Fields,
    /// Check a policy file without signing it: its keys, its rules, and its version against the cloud in --data
    Check {
        /// The file
        file: PathBuf,
    },
    /// Check and sign a policy file; its version must be higher than the newest
    Sign {
        /// The file
        file: PathBuf,
        /// In force from here, in place of the file's `valid_from`
        #[arg(long, value_name = "TIME", value_parser = time)]
        valid_from: Option<ServerTime>,
        /// Meant to be in force until here, in place of the file's `valid_until`
        #[arg(long, value_name = "TIME", value_parser = time)]
        valid_until: Option<ServerTime>,
    },
    /// Sign an old version again under the next number: what a newer one changed is taken back
    Revert {
        /// The version whose rules are to be in force again
        #[arg(value_name = "VERSION", value_parser = version)]
        rules_of: PolicyVersion,
        /// The number of the new version; by default the next one. After a restore it must be given: the database may lack versions
        /// that cars have
        #[arg(long = "version", value_name = "N", value_parser = version)]
        next: Option<PolicyVersion>,
        /// In force from here; by default from now on
        #[arg(long, value_name = "TIME", value_parser = time)]
        valid_from: Option<ServerTime>,
        /// Meant to be in force until here, in place of the old version's `valid_until`
        #[arg(long, value_name = "TIME", value_parser = time)]
        valid_until: Option<ServerTime>,
    },
    /// List all versions
    List,
}

/// About rules.
#[derive(Debug, Subcommand)]
pub enum RuleCommand {
    /// Count for each rule the entries of its kind, for how many of them it held, failed and paid, and what they are worth by it;
    /// shadow rules too. Entries that are rejected, refused or taken back are left out
    Report {
        #[command(flatten)]
        selected: EntryFilter,
        /// Value all of them by this policy file, which need not be signed
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
}

/// About the catalogue.
#[derive(Debug, Subcommand)]
pub enum CatalogueCommand {
    /// Print the catalogue as TOML, to be edited and signed again
    Show,
    /// Check a catalogue file against the policy in force without signing it
    Check {
        /// The file
        file: PathBuf,
    },
    /// Check and sign a catalogue file; its version must be higher than the newest
    Sign {
        /// The file
        file: PathBuf,
    },
}

fn time(text: &str) -> Result<ServerTime, String> {
    text.parse::<jiff::Timestamp>()
        .map(|at| ServerTime::from_unix_s(at.as_second()))
        .map_err(|_| "expected a time such as 2026-11-22T08:00:00Z".to_owned())
}

fn version(text: &str) -> Result<PolicyVersion, String> {
    text.parse()
        .map(PolicyVersion::new)
        .map_err(|_| "expected a number such as 3".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_may_always_send_one_batch() {
        let serve =
            |count: &str| CloudArgs::try_parse_from(["cloud", "serve", "--device-entries", count]);
        assert!(serve("99").is_err() && serve("0").is_err());
        assert!(serve("100").is_ok());
        assert_eq!(
            usize::try_from(DEVICE_ENTRIES_MIN).unwrap(),
            dashpoint_wire::MAX_ENTRIES
        );
    }
}
