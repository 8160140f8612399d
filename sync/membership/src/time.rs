//! Time as the programme knows it. None of it reads a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The cloud's time: seconds since 1970-01-01T00:00:00Z.
///
/// Only the cloud makes these; in the car they come out of signed receipts and statements. The car's own idea of the
/// time is turned into one only to predict what the cloud will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerTime(i64);

impl ServerTime {
    /// Wraps seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_s(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_unix_s(self) -> i64 {
        self.0
    }

    /// This time and that many seconds.
    #[must_use]
    pub const fn plus_s(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// A day of the member's local calendar: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalDay(i32);

impl LocalDay {
    /// Wraps days since 1970-01-01.
    #[must_use]
    pub const fn new(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

/// Time of an event in the car, no finer than five minutes: the only time of driving that leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CoarseTime(i64);

impl CoarseTime {
    /// The grain, in minutes.
    pub const GRAIN_MIN: i64 = 5;

    /// The five minutes that contain the instant, given in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn containing_unix_s(seconds: i64) -> Self {
        let grain_s = Self::GRAIN_MIN * 60;
        Self(seconds.div_euclid(grain_s) * Self::GRAIN_MIN)
    }

    /// Takes minutes since 1970-01-01T00:00Z; `None` unless a multiple of five.
    #[must_use]
    pub const fn from_unix_min(minutes: i64) -> Option<Self> {
        if minutes.rem_euclid(Self::GRAIN_MIN) == 0 {
            Some(Self(minutes))
        } else {
            None
        }
    }

    /// Minutes since 1970-01-01T00:00Z, a multiple of five.
    #[must_use]
    pub const fn as_unix_min(self) -> i64 {
        self.0
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_unix_s(self) -> i64 {
        self.0.saturating_mul(60)
    }
}

/// The car's trust in its clock when it made an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockQuality {
    /// Within two minutes of a signed server time of the last day.
    Synced,
    /// Running on since; no reason to doubt it.
    Running,
    /// Before the last signed server time, or never set (1970 at boot).
    Doubtful,
}

/// The time of an entry as its device saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventTime {
    /// Time, to five minutes, in UTC.
    pub at: CoarseTime,
    /// Offset of the local clock from UTC, in minutes.
    pub utc_offset_min: i16,
    /// The car's trust in its clock.
    pub quality: ClockQuality,
}

impl fmt::Display for ServerTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(at) => at.fmt(f),
            Err(_) => write!(f, "{} s since 1970", self.0),
        }
    }
}

impl fmt::Display for CoarseTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ServerTime::from_unix_s(self.as_unix_s()).fmt(f)
    }
}
