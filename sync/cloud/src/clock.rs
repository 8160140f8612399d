//! The cloud's clock: the only place where it reads one.

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
