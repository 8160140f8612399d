//! Times between two speeds that are longer than a tick.

use serde::{Deserialize, Serialize};

/// The knowledge of a time between two speeds that is longer than a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaceStep {
    /// The car says its speed so seldom.
    Usual,
    /// The bus lived, and said no other speed.
    Unchanged,
    /// Nobody knows.
    Untold,
}

/// A time between two speeds, with the way by both of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PacedTime {
    pub(crate) ms: u64,
    pub(crate) way_m: f64,
    /// Part of the way that was driven with assistance.
    #[serde(default)]
    pub(crate) assisted_m: f64,
}
