//! The opening of a meter as the fold finds it.

use dashpoint_membership::MeterOpening;
use serde::{Deserialize, Serialize};

use crate::driver::Driver;
use crate::marks::MeterMark;

/// A counter that turned out to be another meter. What is claimed of it comes after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterOpened {
    /// The body of the entry.
    pub opening: MeterOpening,
    /// The driver then, or before; anybody may sign for it.
    pub driver: Driver,
    /// Time at which it was steady for long enough, in milliseconds since 1970-01-01T00:00:00Z.
    pub at_ms: i64,
    /// Offset of the local clock from UTC then, in minutes.
    pub utc_offset_min: i16,
}

impl MeterOpened {
    /// Returns the mark that the new meter begins with.
    #[must_use]
    pub const fn mark(&self) -> MeterMark {
        MeterMark {
            meter: self.opening.meter,
            number: self.opening.number,
            at: self.opening.first,
        }
    }
}
