//! The silence of the bus, as the engine tells the fold of it.

use dashpoint_telematics::Telematics;

use super::Engine;

/// After this much quiet nothing can be open any more: the fold learns of more when the engine wakes for another reason.
const QUIET_MAX_MS: u64 = 150_000;

impl Engine {
    /// The whole silence is told before the first word after it, also when the machine was suspended in it.
    pub(super) fn end_silence(&mut self) {
        let now_ms = self.clock.monotonic_ms();
        if now_ms.saturating_sub(self.last_input_ms) >= QUIET_MAX_MS {
            self.tell_quiet(now_ms);
        }
        self.last_input_ms = now_ms;
        self.told_quiet_ms = 0;
    }

    /// Tells the fold for how long the bus has been silent.
    pub(super) fn tell_quiet(&mut self, now_ms: u64) {
        let quiet_ms = now_ms.saturating_sub(self.last_input_ms);
        if quiet_ms > self.told_quiet_ms {
            self.told_quiet_ms = quiet_ms;
            let outcomes = self
                .telematics
                .quiet(i64::try_from(quiet_ms).unwrap_or(i64::MAX));
            self.keep(outcomes);
        }
    }

    /// The longest silence that the telematics is told of while it lasts.
    pub(super) fn quiet_max_ms(&self) -> u64 {
        if self.telematics.has_trip() {
            Telematics::QUIET_MS_MAX.unsigned_abs()
        } else {
            QUIET_MAX_MS
        }
    }
}
