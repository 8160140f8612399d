//! The head unit: a process of its own, driven and asked through its own command line.

mod status_json;

#[cfg(test)]
pub use status_json::LedgerCheck;
use status_json::SyncAttempt;
pub use status_json::{HeadUnitEntry, HeadUnitLedger, HeadUnitStatus, LedgerVerification};

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::screen::ScreenPage;
use crate::wait::wait_for;
use dashpoint_ui::locale::Language;

/// First argument with which this program is a head unit: the demo starts itself as one, so that nothing else has to be
/// built.
pub const HEAD_UNIT: &str = "head-unit";
/// Rows asked of the ledger: more than any story makes.
const ROWS: &str = "500";
/// The signal that nobody can catch.
const SIGKILL: i32 = 9;
/// Time that the head unit may take to end in order.
const END_PATIENCE: Duration = Duration::from_secs(60);

/// The program of the head unit and its surroundings.
#[derive(Debug, Clone)]
pub struct HeadUnitSetup {
    /// The program that is a head unit with [`HEAD_UNIT`] as its first argument.
    pub program: PathBuf,
    /// The head unit's configuration.
    pub config: PathBuf,
    /// Language of the output.
    pub language: Language,
    /// True when the head unit opens its window.
    pub window: bool,
}

/// A head unit with its data folder, running or not.
#[derive(Debug)]
pub struct HeadUnit {
    setup: HeadUnitSetup,
    log: File,
    running: Option<Child>,
}

/// A head unit that runs and is about to be killed, from a place that cannot wait for anything.
#[derive(Debug)]
pub struct Victim {
    setup: HeadUnitSetup,
    child: Child,
}

/// A head unit that was killed.
#[derive(Debug)]
pub struct Killed {
    /// Status from its last moments.
    pub last: HeadUnitStatus,
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

impl HeadUnitSetup {
    /// Gives the arguments with which the head unit runs: its pages are in the language of the story.
    fn run_arguments(&self) -> Vec<&'static str> {
        let mut arguments = vec!["run", "--test"];
        if self.window {
            arguments.extend(["--language", self.language.code()]);
        } else {
            arguments.push("--no-screen");
        }
        arguments
    }

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
    pub fn new(setup: HeadUnitSetup, log: &Path) -> anyhow::Result<Self> {
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
        self.launch()?;
        self.until_it_hears().await
    }

    /// Starts the head unit, somebody's or nobody's yet: with a window it enrols there.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn launch(&mut self) -> anyhow::Result<()> {
        self.running = Some(self.spawn(&self.setup.run_arguments())?);
        Ok(())
    }

    /// Waits until a head unit that was launched is somebody's and hears the vehicle.
    ///
    /// # Errors
    /// When it ends before that.
    pub async fn until_it_hears(&mut self) -> anyhow::Result<()> {
        wait_for("the head unit hears the vehicle", async || {
            self.has_not_ended()?;
            // While it is nobody's it has no status to tell.
            let told = self.status().await.ok();
            let live = told.and_then(|status| status.live);
            Ok(live.filter(|live| live.bus).map(drop))
        })
        .await
    }

    /// Says so when a head unit that should run has ended.
    ///
    /// # Errors
    /// When it has.
    pub fn has_not_ended(&mut self) -> anyhow::Result<()> {
        let hint = if self.setup.window {
            "; can a window be opened? --headless plays without one"
        } else {
            ""
        };
        if let Some(child) = &mut self.running
            && let Some(ended) = child.try_wait()?
        {
            bail!("the head unit ended right after its start ({ended}){hint}");
        }
        Ok(())
    }

    /// Returns whether the head unit opens its window.
    pub const fn has_window(&self) -> bool {
        self.setup.window
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
    pub async fn restart(&mut self, mut killed: Killed) -> anyhow::Result<HeadUnitStatus> {
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

    /// Reads the status of the head unit.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn status(&self) -> anyhow::Result<HeadUnitStatus> {
        self.ask(&["status", "--json"]).await
    }

    /// The same as a person reads it.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn card(&self) -> anyhow::Result<String> {
        let language = self.setup.language.code();
        let output = self.command(&["status", "--language", language]).output();
        let output = output.await?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Its ledger, oldest entry first.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn ledger(&self) -> anyhow::Result<HeadUnitLedger> {
        self.ask_ledger(&["ledger", "--json", "--last", ROWS]).await
    }

    /// Epoch and number of its newest entry; none while the ledger is empty.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn newest_place(&self) -> anyhow::Result<Option<(u32, u64)>> {
        let ledger = self
            .ask_ledger(&["ledger", "--json", "--last", "1"])
            .await?;
        Ok(ledger.entries.last().map(|row| (row.epoch, row.seq)))
    }

    /// Its ledger, with every link and signature verified.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn verified_ledger(&self) -> anyhow::Result<HeadUnitLedger> {
        self.ask_ledger(&["ledger", "--json", "--last", ROWS, "--verify"])
            .await
    }

    /// Lets it reconcile now rather than when its pause is over, and waits until it has tried; returns whether it and the
    /// cloud have met.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn sync(&self) -> anyhow::Result<bool> {
        let tried = self.command(&["sync", "--json"]).output().await?;
        let tried: SyncAttempt =
            read("sync --json", &tried).context("the head unit does not tell what came of it")?;
        Ok(tried.result == "met")
    }

    /// Checks the member in for today, as on its screen, and returns what it says.
    ///
    /// # Errors
    /// When it does not run, or the check-in was not signed.
    pub async fn check_in(&self) -> anyhow::Result<String> {
        let language = self.setup.language.code();
        let asked = ["check-in", "--language", language];
        let told = self.command(&asked).stderr(Stdio::piped()).output().await?;
        if told.status.success() {
            let said = String::from_utf8_lossy(&told.stdout);
            return Ok(said.trim().to_owned());
        }
        match said_in_error(&told.stderr) {
            Some(why) => bail!("{why}"),
            None => bail!("the member could not be checked in"),
        }
    }

    /// Draws a page of its screen into a file, without a display.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub async fn screenshot(&self, page: ScreenPage, out: &Path) -> anyhow::Result<()> {
        let language = self.setup.language.code();
        let out = out
            .to_str()
            .context("the folder of the pictures has no text for a name")?;
        let page = [
            "screenshot",
            "--page",
            page.name(),
            "--language",
            language,
            "--out",
            out,
        ];
        let drawn = self.command(&page).stderr(Stdio::piped()).output().await?;
        if drawn.status.success() {
            return Ok(());
        }
        let why = said_in_error(&drawn.stderr);
        bail!("{}", why.as_deref().unwrap_or("a picture cannot be drawn"))
    }

    /// Waits until whoever looks at its window closes it.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn until_closed(&mut self) -> anyhow::Result<()> {
        let mut child = self.child()?;
        child.wait().await?;
        Ok(())
    }

    async fn ask_ledger(&self, arguments: &[&str]) -> anyhow::Result<HeadUnitLedger> {
        let mut ledger: HeadUnitLedger = self.ask(arguments).await?;
        ledger.entries.sort_by_key(|row| (row.epoch, row.seq));
        Ok(ledger)
    }

    /// Runs one of its commands and parses what it prints. A ledger that does not verify is a failure of the command,
    /// and an answer too.
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
        self.command(arguments)
            .stdout(self.log()?)
            .stderr(self.log()?)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.setup.program.display()))
    }

    fn log(&self) -> anyhow::Result<File> {
        self.log.try_clone().context("the log cannot be shared")
    }

    fn child(&mut self) -> anyhow::Result<Child> {
        self.running.take().context("the head unit does not run")
    }
}

/// Finds the sentence with which a command of the head unit failed.
fn said_in_error(stderr: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(stderr);
    let mut lines = said.lines().rev();
    let line = lines.find_map(|line| line.strip_prefix("dashpoint: "));
    line.map(str::to_owned)
}

/// Parses the output of a command, as far as the demo needs it.
fn read<T: DeserializeOwned>(asked: &str, output: &Output) -> anyhow::Result<T> {
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`dashpoint {asked}` ended with {}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_speaks_the_language_of_the_story() {
        for (language, window, expected) in [
            (
                Language::English,
                true,
                &["run", "--test", "--language", "en"][..],
            ),
            (
                Language::Chinese,
                true,
                &["run", "--test", "--language", "zh"],
            ),
            (Language::English, false, &["run", "--test", "--no-screen"]),
        ] {
            let setup = HeadUnitSetup {
                program: PathBuf::new(),
                config: PathBuf::new(),
                language,
                window,
            };
            assert_eq!(setup.run_arguments(), expected);
        }
    }
}
