//! Child processes: none outlives its test, and what they say is kept.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;

use super::{PATIENCE, now, until};

/// A running program; it is killed when it is dropped.
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; what it says is added to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        Self::start_apart(command, log, log)
    }

    /// Starts it; what it says on standard output is added to `out`, and everything else to `log`.
    pub fn start_apart(command: &mut Command, out: &Path, log: &Path) -> Self {
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            options.create(true).append(true).open(path).unwrap()
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(open(out))
            .stderr(open(log))
            .spawn()
            .unwrap();
        Self {
            child,
            log: log.to_owned(),
        }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: it can do nothing about it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, as a service manager ends a program; gives how it ended.
    pub fn terminate(mut self) -> ExitStatus {
        let told = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", self.child.id())])
            .status();
        assert!(told.unwrap().success(), "the program is gone already");
        self.ended()
    }

    /// Waits until it ends of itself.
    pub fn ended(&mut self) -> ExitStatus {
        until("a program ends", PATIENCE, || {
            self.child.try_wait().unwrap()
        })
    }

    /// Whether it ended, and how.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
        if thread::panicking() {
            tell(&self.log);
        }
    }
}

/// Shows the end of a log, for whoever reads why a test failed.
#[expect(
    clippy::print_stderr,
    reason = "it belongs to the report of a failed test"
)]
fn tell(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    eprintln!("== the end of {}", log.display());
    for line in &lines[lines.len().saturating_sub(30)..] {
        eprintln!("{line}");
    }
}

/// Runs a command that ends of itself, and never waits for it without bound.
pub fn ask(command: &mut Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let (done, watch) = std::sync::mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let began = now();
        while began.elapsed() < PATIENCE {
            let waited = watch.recv_timeout(PATIENCE);
            if !matches!(waited, Err(std::sync::mpsc::RecvTimeoutError::Timeout)) {
                return;
            }
        }
        drop(
            Command::new("sh")
                .args(["-c", &format!("kill -KILL {id}")])
                .status(),
        );
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    watchdog.join().unwrap();
    output
}

/// What a command wrote to its standard output.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command wrote to its standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
