//! The head unit: a process of its own, driven and asked through its own command line.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use dashpoint_membership::{Transaction, Verdict};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::HEAD_UNIT;
use crate::language::Language;
use crate::patience::wait_for;
use crate::story::Link;

/// Rows asked of the ledger: more than any story makes.
const ROWS: &str = "500";
/// The signal that nobody can catch.
const SIGKILL: i32 = 9;
/// How long it may take to end in order.
const END_PATIENCE: Duration = Duration::from_secs(60);

/// What `status --json` tells, as far as the demo looks.
#[derive(Debug, Deserialize)]
pub struct Status {
    /// What the running program tells about itself; none when it does not run.
    pub live: Option<Live>,
    /// The members of this car.
    pub members: Vec<Member>,
}

/// What the running program tells about itself.
#[derive(Debug, Deserialize)]
pub struct Live {
    /// How the connection to the cloud stands.
    pub connection: Connection,
    /// Entries without a receipt.
    pub waiting: u64,
    /// Whether the in-vehicle broker is connected.
    pub bus: bool,
    /// Samples taken since it started.
    pub taken: u64,
    /// Samples refused since it started, by kind.
    pub refused: BTreeMap<String, u64>,
    /// Trips and sessions of guests since it started.
    pub guest: u64,
}

/// How the connection to the cloud stands.
#[derive(Debug, Deserialize)]
pub struct Connection {
    /// In a word.
    pub state: Link,
}

/// A member as the car shows him.
#[derive(Debug, Deserialize)]
pub struct Member {
    /// Points that the cloud has confirmed.
    pub confirmed: i64,
    /// Points that it has not.
    pub pending: i64,
    /// The tier.
    pub tier: String,
}

/// What `ledger --json` tells, as far as the demo looks.
#[derive(Debug, Deserialize)]
pub struct Ledger {
    /// The entries, oldest first.
    pub entries: Vec<Row>,
    /// What was verified, when it was asked for.
    pub verification: Option<Verification>,
}

/// An entry of the ledger.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    /// Life of the chain.
    pub epoch: u32,
    /// Place in it.
    pub seq: u64,
    /// SHA-256 of its bytes.
    pub hash: String,
    /// Points that the car expects.
    pub predicted: i64,
    /// Points that the cloud paid; none while it has not spoken.
    pub paid: Option<i64>,
    /// What the cloud said.
    pub verdict: Option<Verdict>,
    /// What it says; none when it does not verify.
    pub transaction: Option<Transaction>,
}

/// What was verified.
#[derive(Debug, Default, Deserialize)]
pub struct Verification {
    /// One thing after another.
    pub checks: Vec<Check>,
}

/// One thing that must hold.
#[derive(Debug, Deserialize)]
pub struct Check {
    /// What.
    pub what: String,
    /// How many were looked at.
    pub looked_at: u64,
    /// Where it does not hold.
    pub faults: Vec<String>,
}

/// Which program runs where.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The program that is a head unit with [`HEAD_UNIT`] as its first argument.
    pub program: PathBuf,
    /// The head unit's configuration.
    pub config: PathBuf,
    /// What people read it in.
    pub language: Language,
}

/// A head unit with its data folder, running or not.
#[derive(Debug)]
pub struct HeadUnit {
    setup: Setup,
    log: File,
    running: Option<Child>,
}

/// A head unit that runs and is about to be killed, from a place that cannot wait for anything.
#[derive(Debug)]
pub struct Victim {
    setup: Setup,
    child: Child,
}

/// A head unit that was killed.
#[derive(Debug)]
pub struct Killed {
    /// What it told in its last moment.
    pub last: Status,
    child: Child,
}

impl Victim {
    /// Asks it for its status, and kills it as a power cut would: SIGKILL. Blocks meanwhile.
    ///
    /// # Errors
    /// When it cannot be asked or killed.
    pub fn strike(mut self) -> anyhow::Result<Killed> {
        let asked = self.setup.command(&["status", "--json"]).output();
        let asked = asked.context("`dashpoint status` cannot be run")?;
        let last = read("status --json", &asked)?;
        self.child
            .start_kill()
            .context("the head unit cannot be killed")?;
        Ok(Killed {
            last,
            child: self.child,
        })
    }
}

impl Setup {
    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command
            .arg(HEAD_UNIT)
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

impl HeadUnit {
    /// A head unit that does not run yet.
    ///
    /// # Errors
    /// When its log cannot be made.
    pub fn new(setup: Setup, log: &Path) -> anyhow::Result<Self> {
        let log = File::create(log).with_context(|| format!("{} cannot be made", log.display()))?;
        Ok(Self {
            setup,
            log,
            running: None,
        })
    }

    /// Starts enrolment; it ends when the member has said yes.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn enrol(&self) -> anyhow::Result<Child> {
        self.spawn(&["enrol"])
    }

    /// Starts the head unit and waits until it hears the vehicle.
    ///
    /// # Errors
    /// When it does not start, or ends at once.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        self.running = Some(self.spawn(&["run", "--no-screen", "--test"])?);
        wait_for("the head unit hears the vehicle", async || {
            if let Some(child) = &mut self.running
                && let Some(ended) = child.try_wait()?
            {
                bail!("the head unit ended right after its start ({ended})");
            }
            let live = self.status().await?.live;
            Ok(live.filter(|live| live.bus).map(drop))
        })
        .await
    }

    /// Hands out what is about to be killed.
    ///
    /// # Errors
    /// When it does not run.
    pub fn expose(&mut self) -> anyhow::Result<Victim> {
        Ok(Victim {
            setup: self.setup.clone(),
            child: self.child()?,
        })
    }

    /// Starts again after it was killed; what it told in its last moment.
    ///
    /// # Errors
    /// As [`HeadUnit::start`].
    pub async fn restart(&mut self, mut killed: Killed) -> anyhow::Result<Status> {
        let ended = killed.child.wait().await?;
        if ended.signal() != Some(SIGKILL) {
            bail!("the head unit had ended by itself before it was killed ({ended})");
        }
        self.start().await?;
        Ok(killed.last)
    }

    /// Ends it in order, with SIGTERM.
    ///
    /// # Errors
    /// When it does not end, or not with success.
    pub async fn end(&mut self) -> anyhow::Result<()> {
        let mut child = self.child()?;
        let id = child.id().context("the head unit is gone already")?;
        // Every shell has it built in, and Rust's library does not.
        let mut shell = Command::new("sh");
        let told = shell.args(["-c", &format!("kill -TERM {id}")]).status();
        told.await.context("SIGTERM cannot be sent")?;
        let ended = timeout(END_PATIENCE, child.wait()).await;
        let ended = ended.map_err(|_| anyhow!("the head unit does not end at SIGTERM"))??;
        if !ended.success() {
            bail!("the head unit did not end in order ({ended})");
        }
        Ok(())
    }

    /// What it shows.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn status(&self) -> anyhow::Result<Status> {
        self.ask(&["status", "--json"]).await
    }

    /// The same as a person reads it.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn card(&self) -> anyhow::Result<String> {
        let language = self.setup.language.name();
        let output = self.command(&["status", "--lang", language]).output();
        let output = output.await?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Its ledger, oldest entry first.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn ledger(&self) -> anyhow::Result<Ledger> {
        self.ask_ledger(&["ledger", "--json", "--last", ROWS]).await
    }

    /// Its ledger, with every link and signature verified.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn verified_ledger(&self) -> anyhow::Result<Ledger> {
        self.ask_ledger(&["ledger", "--json", "--last", ROWS, "--verify"])
            .await
    }

    /// Tells it to reconcile now rather than when its pause is over.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn sync(&self) -> anyhow::Result<()> {
        let told = self.command(&["sync"]).status().await?;
        if told.success() {
            Ok(())
        } else {
            bail!("the head unit does not run any more")
        }
    }

    /// Checks the member in for today, as on its screen.
    ///
    /// # Errors
    /// When it does not run, or the check-in was not signed.
    pub async fn check_in(&self) -> anyhow::Result<()> {
        let told = self.command(&["check-in"]).status().await?;
        if told.success() {
            Ok(())
        } else {
            bail!("the member could not be checked in")
        }
    }

    async fn ask_ledger(&self, arguments: &[&str]) -> anyhow::Result<Ledger> {
        let mut ledger: Ledger = self.ask(arguments).await?;
        ledger.entries.sort_by_key(|row| (row.epoch, row.seq));
        Ok(ledger)
    }

    /// What one of its commands prints. A ledger that does not verify is a failure of the command, and an answer too.
    async fn ask<T: DeserializeOwned>(&self, arguments: &[&str]) -> anyhow::Result<T> {
        let asked = arguments.join(" ");
        let output = self.command(arguments).output();
        let output = output
            .await
            .with_context(|| format!("`dashpoint {asked}` cannot be run"))?;
        read(&asked, &output)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::from(self.setup.command(arguments));
        command.kill_on_drop(true);
        command
    }

    fn spawn(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        let log = || self.log.try_clone().context("the log cannot be shared");
        self.command(arguments)
            .stdout(log()?)
            .stderr(log()?)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.setup.program.display()))
    }

    fn child(&mut self) -> anyhow::Result<Child> {
        self.running.take().context("the head unit does not run")
    }
}

/// What a command printed, as far as the demo looks.
fn read<T: DeserializeOwned>(asked: &str, output: &Output) -> anyhow::Result<T> {
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`dashpoint {asked}` ended with {}", output.status))
}
