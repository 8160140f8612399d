//! Steps typed one by one.

use std::io::{self, BufRead, IsTerminal};
use std::thread;

use crate::{LiveCar, Simulator, Step, Summary};
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::cli::Common;
use crate::ending::{say_summary, told_to_end};
use crate::screen::{Screen, say};

/// Lines that may wait while a step is being published.
const LINES: usize = 64;

/// Does each step that is typed, and parks at the end of the input. Where a person types, a line that is no step is
/// only said to be none; a script that pipes one in fails.
pub async fn live(common: &Common) -> anyhow::Result<()> {
    let mut simulator = Simulator::new(common.options(Timestamp::now())?)?;
    let mut car = simulator.live()?;
    let stopper = simulator.stopper();
    let mut interrupt = tokio::spawn(async move {
        if told_to_end().await.is_ok() {
            stopper.stop();
        }
    });
    let is_person = io::stdin().is_terminal();
    let mut lines = lines();
    let outcome = loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            // The car's state was kept after each step.
            _ = &mut interrupt => return Ok(()),
        };
        let Some(line) = line.transpose()? else {
            break end(&mut simulator, car, common).await;
        };
        let Some(line) = said(&line) else { continue };
        let outcome = match line.parse() {
            Ok(step) => act(&mut simulator, &mut car, &step, common).await,
            Err(error) => Err(error.into()),
        };
        match outcome {
            Err(error) if is_person => say(format!("{error:#}")),
            Err(error) => break Err(error),
            Ok(()) => {}
        }
    };
    interrupt.abort();
    outcome
}

/// Returns the content of a line, or `None` for an empty one or a comment.
fn said(line: &str) -> Option<String> {
    let line = line.trim();
    (!line.is_empty() && !line.starts_with('#')).then(|| line.to_owned())
}

async fn act(
    simulator: &mut Simulator,
    car: &mut LiveCar,
    step: &Step,
    common: &Common,
) -> anyhow::Result<()> {
    let mut screen = Screen::new(0, common.zone());
    let outcome = simulator
        .step(car, step, &mut |progress| screen.show(progress))
        .await;
    screen.finish();
    tell(outcome?, common)
}

async fn end(simulator: &mut Simulator, car: LiveCar, common: &Common) -> anyhow::Result<()> {
    let mut screen = Screen::new(0, common.zone());
    let outcome = simulator
        .end(car, &mut |progress| screen.show(progress))
        .await;
    screen.finish();
    tell(outcome?, common)
}

fn tell(summary: Option<Summary>, common: &Common) -> anyhow::Result<()> {
    match summary {
        Some(summary) => say_summary(&summary, common),
        None => Ok(()),
    }
}

/// A thread reads, since reading stdin cannot be cancelled.
fn lines() -> mpsc::Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel(LINES);
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
