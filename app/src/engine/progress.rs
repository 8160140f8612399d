//! Progress that was told on the bus.

/// The last wake-up of the publisher on the bus, with its event time.
#[derive(Debug, Default)]
pub(super) struct ToldSeen {
    /// For the last step.
    pub step_ms: Option<i64>,
    pub at_ms: u64,
}
