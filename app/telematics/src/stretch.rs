//! A stretch of a meter.

use serde::{Deserialize, Serialize};

/// A stretch of a meter within the trip.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Stretch {
    pub(crate) const fn at(value: u64) -> Self {
        Self {
            from: value,
            to: value,
        }
    }
}
