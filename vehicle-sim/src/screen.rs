//! Progress on a terminal while a command runs: a bar, and lines on stderr for what matters.

use std::fmt::Display;
use std::io::{self, Write};

use crate::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A progress bar with the simulated clock. Where stderr is no terminal there is none.
pub struct Screen {
    bar: ProgressBar,
    zone: TimeZone,
    shown: Option<Timestamp>,
}

impl Screen {
    /// A bar for so many messages; the clock runs in `zone`.
    pub fn new(messages: usize, zone: TimeZone) -> Self {
        let bar =
            ProgressBar::with_draw_target(Some(messages as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} messages");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            bar,
            zone,
            shown: None,
        }
    }

    /// Shows how far it is.
    pub fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Sent { messages, at } => {
                self.bar.set_position(messages as u64);
                // Many messages share a time, and formatting one costs more than sending it.
                if self.shown != Some(at) && !self.bar.is_hidden() {
                    let clock = at.to_zoned(self.zone.clone()).strftime("%F %T").to_string();
                    self.bar.set_message(clock);
                    self.shown = Some(at);
                }
            }
            Progress::NobodyAnswers => self.say(
                "no head unit answers on dashpoint/seen: going on without pacing, at most 2,000 samples a second",
            ),
            Progress::Reconnecting => self.say("the broker went away: connecting again"),
        }
    }

    /// Takes the bar off.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }
}

/// Writes a line to stderr. A closed stderr is nobody listening, which is no failure.
pub fn say(line: impl Display) {
    drop(writeln!(io::stderr(), "vehicle-sim: {line}"));
}
