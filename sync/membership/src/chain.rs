//! What both ends derive from a device's chain, entry by entry.

use serde::{Deserialize, Serialize};

use crate::points::Points;
use crate::time::ServerTime;

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
}
