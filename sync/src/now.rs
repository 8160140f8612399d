//! The instant at which the machine is asked, and the tickets by which it knows its own questions again.

/// Clock readings and chance for one step of the machine, which has neither of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that never goes back and runs on while the car sleeps: all deadlines.
    pub monotonic_ms: u64,
    /// The car's wall clock, in seconds since 1970-01-01T00:00:00Z, right or wrong: only shown and logged.
    pub unix_s: i64,
    /// Evenly spread random bits, new ones for each step: they spread retries of many cars.
    pub random: u64,
}

/// Names one effect that the machine waits for; its answer carries the same ticket.
///
/// An answer with another ticket comes too late or twice, and is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    /// The ticket before the first.
    pub(crate) const ZERO: Self = Self(0);

    /// The ticket after this one.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}
