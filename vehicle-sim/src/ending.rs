//! The end of a command: the signals that ask for it, and the summary.

use std::io::{self, Write};

use anyhow::Context;

use crate::Summary;
use crate::cli::Common;

/// Prints the summary of a command.
pub(crate) fn say_summary(summary: &Summary, common: &Common) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if common.json {
        writeln!(out, "{}", serde_json::to_string(summary)?)?;
    } else {
        writeln!(out, "{summary}")?;
    }
    Ok(())
}

/// Ends when somebody presses Ctrl-C or a service manager says so.
pub(crate) async fn told_to_end() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate =
            signal(SignalKind::terminate()).context("no signals on this machine")?;
        tokio::select! {
            outcome = tokio::signal::ctrl_c() => outcome.context("no signals on this machine"),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    {
        let outcome = tokio::signal::ctrl_c().await;
        outcome.context("no signals on this machine")
    }
}
