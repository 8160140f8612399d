//! The watch over a counter that may be another meter.

use dashpoint_membership::MeterNumber;
use serde::{Deserialize, Serialize};

use crate::evidence::Finished;

/// The settled state of a quantity, and what waits while its counter may be another meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MeterWatch {
    /// The number of the meter before.
    pub(super) number: MeterNumber,
    /// Its mark.
    pub(super) mark: Option<u64>,
    /// The charged energy that was accounted for.
    pub(super) floor_wh: Option<u64>,
    /// Driven or charged on the counter since, oldest first.
    pub(super) waiting: Vec<Finished>,
    /// The ledger knows the meter: nothing waits any longer.
    #[serde(default)]
    pub(super) is_opened: bool,
}
