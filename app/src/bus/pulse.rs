//! Decides when the broker is pinged and when it counts as silent.
//!
//! Unlike deadlines ([`crate::clock`]), silence is counted while the head unit is awake: one that was suspended has heard nothing, and
//! a ping that was sent just before may still be answered.

use std::time::Duration;

use tokio::time::Instant;

/// Interval of the pings, in seconds: what the broker is told.
pub(super) const KEEP_ALIVE_S: u16 = 10;
const KEEP_ALIVE: Duration = Duration::from_secs(KEEP_ALIVE_S as u64);

/// The broker sent nothing from one ping to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the broker has been silent since the last ping")]
pub(super) struct Silent;

/// The time of the next ping, and whether the broker was heard since the last one.
#[derive(Debug)]
pub(super) struct Pulse {
    ping_at: Instant,
    is_heard: bool,
}

impl Pulse {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ping_at: now + KEEP_ALIVE,
            is_heard: true,
        }
    }

    /// Notes that bytes came. Any bytes count: the answer to a ping waits behind a message that takes long.
    pub(super) fn handle_bytes(&mut self) {
        self.is_heard = true;
    }

    /// Returns the time of the next ping.
    pub(super) fn poll_timeout(&self) -> Instant {
        self.ping_at
    }

    /// Begins the next interval: a ping is to be sent.
    ///
    /// # Errors
    /// [`Silent`] when the last ping was not answered.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), Silent> {
        if !self.is_heard {
            return Err(Silent);
        }
        self.is_heard = false;
        self.ping_at = now + KEEP_ALIVE;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_silent_when_a_whole_interval_brought_no_byte() {
        let begins = Instant::now();
        let mut pulse = Pulse::new(begins);
        assert_eq!(pulse.poll_timeout(), begins + KEEP_ALIVE);
        // A large message on its way for an hour, in pieces, with no packet that is whole.
        for interval in 1..=360 {
            let now = begins + KEEP_ALIVE * interval;
            assert_eq!(pulse.handle_timeout(now), Ok(()));
            assert_eq!(pulse.poll_timeout(), now + KEEP_ALIVE);
            pulse.handle_bytes();
        }
        let now = begins + KEEP_ALIVE * 361;
        assert_eq!(pulse.handle_timeout(now), Ok(()));
        assert_eq!(pulse.handle_timeout(now + KEEP_ALIVE), Err(Silent));
    }
}
