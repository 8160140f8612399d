//! The kind of transaction that a rule evaluates.

use serde::{Deserialize, Serialize};

/// The kind of transaction that a rule evaluates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// A trip.
    Trip,
    /// A charging session.
    Charge,
    /// A session of giving back to the grid.
    Discharge,
    /// The daily check-in.
    CheckIn,
}
