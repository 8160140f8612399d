//! Limits the rate at which numbers change in front of the driver.

use dashpoint_membership::Points;

use crate::Drive;
use crate::drive::is_restricted;
use crate::model::MemberData;

/// Shortest time between two changes while driving, in milliseconds.
pub const INTERVAL_MS: u64 = 10_000;

/// Holds the member's numbers back while driving: they change at most every ten seconds, and only upward.
#[derive(Debug, Clone, Default)]
pub struct NumberPacer {
    shown: Option<Numbers>,
    changed_ms: u64,
}

/// The numbers that are seen while driving; they change together, so that they always fit each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    balance: Points,
    worth_fen: i64,
    pending: Points,
    clean: Points,
}

impl Numbers {
    const fn of(member: &MemberData) -> Self {
        Self {
            balance: member.balance,
            worth_fen: member.worth_fen,
            pending: member.pending,
            clean: member.today.clean,
        }
    }

    /// Returns whether the next numbers take nothing back that was shown. Pending points that turn into confirmed ones
    /// are not.
    fn rises_to(&self, next: &Self) -> bool {
        next.balance >= self.balance
            && next.clean >= self.clean
            && next.balance.plus(next.pending) >= self.balance.plus(self.pending)
    }
}

impl NumberPacer {
    /// Nothing shown yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the numbers to show into the member's data. `now_ms` is monotonic time.
    pub fn hold(&mut self, member: &mut MemberData, drive: Drive, now_ms: u64) {
        let truth = Numbers::of(member);
        let shown = match self.shown {
            Some(shown) if is_restricted(drive) => {
                let waited = now_ms.saturating_sub(self.changed_ms) >= INTERVAL_MS;
                if waited && shown.rises_to(&truth) {
                    truth
                } else {
                    shown
                }
            }
            Some(_) | None => truth,
        };
        if self.shown != Some(shown) {
            self.shown = Some(shown);
            self.changed_ms = now_ms;
        }
        member.balance = shown.balance;
        member.worth_fen = shown.worth_fen;
        member.pending = shown.pending;
        member.today.clean = shown.clean;
    }
}
