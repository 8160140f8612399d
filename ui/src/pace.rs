//! How often a number may change under the driver's eyes.

use dashpoint_membership::Points;

use crate::Drive;
use crate::drive::is_restricted;

/// Shortest time between two changes while driving, in milliseconds.
pub const INTERVAL_MS: u64 = 10_000;

/// A number on the screen that changes at most every ten seconds while driving, and only upward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paced {
    shown: Points,
    changed_ms: Option<u64>,
}

impl Paced {
    /// Starts with what is shown first.
    #[must_use]
    pub const fn new(first: Points) -> Self {
        Self {
            shown: first,
            changed_ms: None,
        }
    }

    /// The number to show for the true one. `now_ms` is monotonic time.
    pub fn show(&mut self, truth: Points, drive: Drive, now_ms: u64) -> Points {
        let waited = self
            .changed_ms
            .is_none_or(|changed| now_ms.saturating_sub(changed) >= INTERVAL_MS);
        let allowed = !is_restricted(drive) || (waited && truth > self.shown);
        if allowed && truth != self.shown {
            self.shown = truth;
            self.changed_ms = Some(now_ms);
        }
        self.shown
    }
}
