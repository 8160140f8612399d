//! The cloud's clock: the only place where it reads one.

use std::fmt;

use dashpoint_membership::ServerTime;
use serde::Serialize;

/// The clock of a cloud; chosen once, when its data folder is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// The machine's.
    System,
    /// The newest event time that a device posted, never backwards: a week replays in a minute. For tests only.
    Posted,
}

impl ClockKind {
    /// The word for it on the command line and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Posted => "posted",
        }
    }
}

/// The state of a clock that leapt ahead and is not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnconfirmedClock {
    /// The last time at which the database was at work before.
    pub known: ServerTime,
    /// The time that the clock showed then.
    pub leapt: ServerTime,
    /// The time at which a cloud that goes on working has confirmed it.
    pub until: ServerTime,
}

impl fmt::Display for UnconfirmedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            known,
            leapt,
            until,
        } = self;
        write!(
            f,
            "the clock came from {known} to {leapt} while this cloud was not at work: nothing expires, nothing is released and no tier is reviewed before it was at work for a day, at {until}; set the clock right, or say `dashpoint-cloud serve --accept-clock REASON` when it is right"
        )
    }
}

/// The machine's time.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the edge of the cloud: everything inside takes the time as a parameter"
)]
pub fn system_now() -> ServerTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A machine whose clock stands before 1970 is at 1970.
    let seconds = since.map_or(0, |since| since.as_secs());
    ServerTime::from_unix_s(i64::try_from(seconds).unwrap_or(i64::MAX))
}
