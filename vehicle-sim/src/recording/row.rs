//! One row of a recording.

use jiff::SignedDuration;

use crate::vss::VssValue;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingRow {
    /// Time since the first row.
    pub offset: SignedDuration,
    /// True when the recorder was off between the previous row and this one.
    pub after_gap: bool,
    pub observation: Observation,
}

/// The content of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// m/s, finite and not below 0.
    Speed(f64),
    /// Any other VSS signal, with its path.
    Other { path: String, value: VssValue },
}
