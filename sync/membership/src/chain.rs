//! The state that both ends derive from a device's chain, entry by entry.

use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::points::Points;
use crate::policy::{Allowance, AllowanceLimit};
use crate::time::{EventTime, ServerTime};
use crate::zone::DAY_S;

/// Running state of one device's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Time that the last entry counted for: it never goes back along a chain.
    pub cap_time: ServerTime,
    /// Server time of the receipt under which the last entry was made.
    pub receipt_at: ServerTime,
    /// Entries made under that receipt.
    pub entries: u32,
    /// Points earned by them.
    pub points: Points,
}

/// The arrival of an entry: as the cloud saw it, or as the car expects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Server time of the arrival.
    pub at: ServerTime,
    /// Server time from which the offline allowance counts: that of the receipt which the entry names, as far as the cloud
    /// knows that it signed it.
    pub receipt_at: ServerTime,
}

/// Farthest that a time of the chain may be ahead of an arrival, in seconds: one farther ahead comes from a cloud whose
/// clock was wrong, and binds nothing once the clock is right.
const AHEAD_S_MAX: i64 = 3_600;

/// Longest time before its arrival that an entry counts for: what was paid against caps is remembered no longer.
pub const LATEST_ARRIVAL_DAYS: i64 = 92;

/// Position of an entry in its chain, before it is counted itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChainPosition {
    /// The time that it counts for.
    pub(crate) cap_time: ServerTime,
    /// Entries and points made under the same receipt before it.
    pub(crate) minted: Minted,
}

/// Entries and points that a device made since its last receipt, and the time since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minted {
    entries: u32,
    points: Points,
    offline_s: i64,
}

/// The used part of the offline allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllowanceState {
    /// Nothing to say.
    Ok,
    /// The screen asks to connect.
    Soft,
    /// The next award needs confirmation.
    Hard,
}

impl Chain {
    /// The state of a chain that has no entry yet, opened at that time.
    #[must_use]
    pub const fn start(at: ServerTime) -> Self {
        Self {
            cap_time: at,
            receipt_at: at,
            entries: 0,
            points: Points::ZERO,
        }
    }

    /// Returns the position of an entry with that time and receipt.
    pub(crate) fn position(
        &self,
        time: &EventTime,
        receipt_at: ServerTime,
        arrival: Arrival,
    ) -> ChainPosition {
        let since = arrival.receipt_at.min(arrival.at);
        let event = arrival.clamped(time, receipt_at);
        let earliest = arrival.at.plus_s(-LATEST_ARRIVAL_DAYS * DAY_S);
        let last = arrival.right(self.cap_time).unwrap_or(earliest);
        let is_fresh = arrival
            .right(self.receipt_at)
            .is_none_or(|last| since > last);
        ChainPosition {
            cap_time: event.max(earliest).max(last),
            minted: Minted {
                entries: if is_fresh { 0 } else { self.entries },
                points: if is_fresh { Points::ZERO } else { self.points },
                offline_s: event.as_unix_s().saturating_sub(since.as_unix_s()),
            },
        }
    }

    /// Counts an entry that pays nothing here, whatever its verdict and whosever it is, with the points that its device
    /// predicts: the car counts it before it knows.
    ///
    /// [`crate::settle`] and [`crate::reject`] do this themselves; this is for an entry that belongs to no account here.
    pub fn count(&mut self, entry: &Entry, arrival: Arrival) {
        self.advance(entry, arrival);
        self.earned(entry.predicted());
    }

    /// Counts an entry without what it earns, and gives where it stood before.
    pub(crate) fn advance(&mut self, entry: &Entry, arrival: Arrival) -> ChainPosition {
        let position = self.position(&entry.time, entry.receipt_at, arrival);
        let since = arrival.receipt_at.min(arrival.at);
        *self = Self {
            cap_time: position.cap_time,
            receipt_at: arrival
                .right(self.receipt_at)
                .map_or(since, |last| last.max(since)),
            entries: position.minted.entries.saturating_add(1),
            points: position.minted.points,
        };
        position
    }

    /// Counts the points that the last entry earns, whatever its device predicted.
    pub(crate) fn earned(&mut self, points: Points) {
        self.points = self.points.plus(points.max(Points::ZERO));
    }

    /// Returns the state of the allowance at a time, for a device that last heard from the cloud at `contact`.
    #[must_use]
    pub fn allowance(
        &self,
        allowance: &Allowance,
        contact: ServerTime,
        now: ServerTime,
    ) -> AllowanceState {
        let fresh = contact > self.receipt_at;
        let since = contact.max(self.receipt_at);
        let minted = Minted {
            entries: if fresh { 0 } else { self.entries },
            points: if fresh { Points::ZERO } else { self.points },
            offline_s: now.as_unix_s().saturating_sub(since.as_unix_s()),
        };
        if minted.reaches(&allowance.hard) {
            AllowanceState::Hard
        } else if minted.reaches(&allowance.soft) {
            AllowanceState::Soft
        } else {
            AllowanceState::Ok
        }
    }
}

impl Arrival {
    /// The arrival of an entry whose receipt nobody doubts.
    #[must_use]
    pub const fn of(entry: &Entry, at: ServerTime) -> Self {
        Self {
            at,
            receipt_at: entry.receipt_at,
        }
    }

    /// Returns the time that an event counts for by itself: not before the receipt that its entry names, and not after the
    /// arrival.
    pub(crate) fn clamped(self, time: &EventTime, receipt_at: ServerTime) -> ServerTime {
        // A receipt later than the arrival is refused by the caller, or was signed by a clock that was wrong then.
        let floor = if receipt_at > self.at {
            self.receipt_at.min(self.at)
        } else {
            receipt_at
        };
        ServerTime::from_unix_s(time.at.as_unix_s()).clamp(floor, self.at)
    }

    /// A time of the chain that a right clock can have given.
    fn right(self, time: ServerTime) -> Option<ServerTime> {
        (time <= self.at.plus_s(AHEAD_S_MAX)).then_some(time)
    }
}

impl Minted {
    pub(crate) fn reaches(&self, limit: &AllowanceLimit) -> bool {
        self.points >= limit.points
            || self.entries >= limit.entries
            || self.offline_s >= i64::from(limit.days) * DAY_S
    }
}
