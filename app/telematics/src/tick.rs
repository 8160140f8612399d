//! The time between two samples that follow each other.

/// A longer time between two samples is missed: it counts neither for nor against the driver.
pub(crate) const TICK_MS_MAX: i64 = 5_000;

/// The time between two samples: the later one speaks for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Tick {
    /// The time between two samples, unless it was missed.
    pub(crate) fn between(from_ms: i64, to_ms: i64) -> Option<Self> {
        let tick = Self { from_ms, to_ms };
        (1..=TICK_MS_MAX)
            .contains(&to_ms.saturating_sub(from_ms))
            .then_some(tick)
    }

    /// The time between two samples, however long.
    pub(crate) const fn step(from_ms: i64, to_ms: i64) -> Self {
        Self { from_ms, to_ms }
    }

    pub(crate) fn ms(self) -> u64 {
        self.to_ms.abs_diff(self.from_ms)
    }
}
