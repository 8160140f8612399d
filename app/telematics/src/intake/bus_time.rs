//! The time of the bus, and what counts as the same time.

/// Difference between clocks that speak of the same time, and the time in which a signal counts as living.
pub(crate) const TOLERANCE_MS: i64 = 60_000;
/// Samples in a row that prove a clock by themselves.
pub(super) const PROOF_LEN: u8 = 3;

/// The time of the bus, as a sample finds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct BusTime {
    pub(super) ms: Option<i64>,
    /// Before it nothing can be put in order.
    pub(super) folded_ms: Option<i64>,
    /// End of a time before a restart.
    pub(super) resumed_ms: Option<i64>,
    /// Silence since the newest sample.
    pub(super) quiet_ms: i64,
    /// Silences since the newest sample of a leader.
    pub(super) led_ms: i64,
}
