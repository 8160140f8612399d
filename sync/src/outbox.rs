//! The wait of entries that nobody waits for: the time of their arrival must not tell when the car came to rest.

use std::time::Duration;

use dashpoint_membership::{Epoch, Seq};

use crate::local_chain::LocalChain;
use crate::now::Now;

/// Decides which of the waiting entries may leave: those that somebody waits for at once, the others at a drawn time.
#[derive(Debug, Clone, Copy)]
pub struct Outbox {
    bound_ms: u64,
    /// The newest entry that may leave, and with it all before it.
    released: (Epoch, Seq),
    /// Time at which everything signed until then may leave; drawn once, for the first that waits.
    due_ms: Option<u64>,
}

impl Outbox {
    /// Starts on a chain whose newest entry was made at `made_unix_s`. What is older than the bound may leave, because
    /// its arrival tells no time any more; what is younger waits for a part of the rest, not for the bound anew.
    pub fn new(bound: Duration, chain: &LocalChain, made_unix_s: Option<i64>, now: Now) -> Self {
        let bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        let mut outbox = Self {
            bound_ms,
            released: (chain.acked.epoch, chain.acked.seq),
            due_ms: None,
        };
        let age_s = made_unix_s.map(|made_s| now.unix_s.saturating_sub(made_s));
        // Made in the future, by a clock that was set back since: nothing is known of its age.
        let age_s_known = age_s.and_then(|age_s| u64::try_from(age_s).ok());
        let age_ms = age_s_known.unwrap_or(0).saturating_mul(1_000);
        if age_ms >= bound_ms {
            outbox.release(chain);
        } else if chain.waiting() > 0 {
            outbox.due_ms = Some(drawn_ms(bound_ms - age_ms, now));
        }
        outbox
    }

    /// Lets everything that is signed leave now.
    pub const fn release(&mut self, chain: &LocalChain) {
        self.released = (chain.head.epoch, chain.head.seq);
        self.due_ms = None;
    }

    /// Lets leave what is signed, when the drawn time has come.
    pub fn come_due(&mut self, chain: &LocalChain, now: Now) {
        if self.due_ms.is_some_and(|due_ms| due_ms <= now.monotonic_ms) {
            self.release(chain);
        }
    }

    /// Draws a time for entries that may not leave yet, unless one is drawn already.
    pub fn arrange(&mut self, chain: &LocalChain, now: Now) {
        if self.due_ms.is_none() && chain.waiting() > self.ready(chain) {
            self.due_ms = Some(drawn_ms(self.bound_ms, now));
        }
        self.come_due(chain, now);
    }

    /// Returns how many of the waiting entries may leave.
    pub fn ready(&self, chain: &LocalChain) -> u64 {
        let (epoch, seq) = self.released;
        if epoch == chain.epoch() {
            seq.min(chain.head.seq)
                .get()
                .saturating_sub(chain.acked.seq.get())
        } else {
            0
        }
    }

    /// Returns the drawn time, in monotonic milliseconds; `None` while nothing waits for one.
    pub const fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }
}

fn drawn_ms(bound_ms: u64, now: Now) -> u64 {
    now.monotonic_ms
        .saturating_add(now.random % bound_ms.saturating_add(1))
}
