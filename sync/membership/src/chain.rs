//! What both ends derive from a device's chain, entry by entry.

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
    /// Points predicted by them.
    pub points: Points,
}

/// Longest time before its arrival that an entry counts for: what was paid against caps is remembered no longer.
pub(crate) const LATEST_ARRIVAL_DAYS: i64 = 92;

/// Where an entry stands in its chain, before it is counted itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The time that it counts for.
    pub(crate) cap_time: ServerTime,
    /// What was made under the same receipt before it.
    pub(crate) minted: Minted,
}

/// What a device made since it heard from the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minted {
    entries: u32,
    points: Points,
    offline_s: i64,
}

/// How far the offline allowance is used up.
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

    /// Where an entry of that time and receipt would stand.
    pub(crate) fn standing(
        &self,
        time: &EventTime,
        receipt_at: ServerTime,
        arrival: ServerTime,
    ) -> Standing {
        // A receipt later than the arrival is refused by the caller; here it must only not turn the limits round.
        let receipt_at = receipt_at.min(arrival);
        let event = ServerTime::from_unix_s(time.at.as_unix_s()).clamp(receipt_at, arrival);
        let earliest = arrival.plus_s(-LATEST_ARRIVAL_DAYS * DAY_S);
        let fresh = receipt_at > self.receipt_at;
        Standing {
            cap_time: event.max(earliest).max(self.cap_time),
            minted: Minted {
                entries: if fresh { 0 } else { self.entries },
                points: if fresh { Points::ZERO } else { self.points },
                offline_s: event.as_unix_s() - receipt_at.as_unix_s(),
            },
        }
    }

    /// Counts an entry, whatever its verdict and whosever it is: the car counts it before it knows.
    ///
    /// [`crate::settle`] and [`crate::reject`] do this themselves; this is for an entry that belongs to no account here.
    pub fn count(&mut self, entry: &Entry, arrival: ServerTime) {
        self.advance(entry, arrival);
    }

    pub(crate) fn advance(&mut self, entry: &Entry, arrival: ServerTime) -> Standing {
        let standing = self.standing(&entry.time, entry.receipt_at, arrival);
        *self = Self {
            cap_time: standing.cap_time,
            receipt_at: self.receipt_at.max(entry.receipt_at.min(arrival)),
            entries: standing.minted.entries.saturating_add(1),
            points: standing.minted.points.plus(entry.predicted()),
        };
        standing
    }

    /// How far the allowance is used up at a time, for a device that last heard from the cloud at `contact`.
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

impl Minted {
    pub(crate) fn reaches(&self, limit: &AllowanceLimit) -> bool {
        self.points >= limit.points
            || self.entries >= limit.entries
            || self.offline_s >= i64::from(limit.days) * DAY_S
    }
}
