//! The state that a restart goes on from after a crash.

use serde::{Deserialize, Serialize};

use crate::fold::Fold;
use crate::intake::Stamped;

/// The open trip and sessions, with all that is needed to go on with them.
///
/// It is private evidence: it stays in the car. One that this version cannot read is dropped, and with it at most what
/// was open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub(crate) fold: Fold,
    pub(crate) waiting: Vec<Stamped>,
}

impl Checkpoint {
    /// The event time it was taken at, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn at_ms(&self) -> Option<i64> {
        self.fold.last_ms()
    }
}
