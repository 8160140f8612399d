//! Publishes the engine's state: to clients of the socket, and its progress on the bus.

use super::Engine;

/// Advance of event time after which the publisher on the bus is woken, in milliseconds.
const SEEN_STEP_MS: u64 = 1_000;
/// After so much of its own time any news wakes them. Less than they look again of themselves.
const SEEN_WAKE_MS: u64 = 50;

impl Engine {
    /// Tells the socket and the bus what has changed.
    pub fn publish(&mut self) {
        self.live.drive_state = Some(self.telematics.drive_state());
        self.live.trip_open = self.telematics.trip_driver().is_some();
        self.tell_wheel();
        self.live.newest_ms = self.telematics.bus_time_ms();
        self.live.taken = self.telematics.counts().all_taken();
        self.live.kept = self.telematics.counts().all_kept();
        self.live.unsaved = self.unsaved.len() as u64;
        self.live.disk = self.troubles.worst();
        self.keep_last_seen();
        let due_ms = self.machine.poll_timeout();
        if std::mem::replace(&mut self.due_ms, due_ms) != due_ms {
            self.live.next_try_unix_s = due_ms.map(|due_ms| self.unix_s_at(due_ms));
        }
        let looked = self
            .signals
            .look(self.telematics.counts(), self.clock.monotonic_ms());
        let signals = looked.map(|(refused, signals)| {
            self.live.refused = refused;
            signals
        });
        // A sample that waits for a second signal has arrived, and a replay sends no second one before it is told so. Before the first
        // sample it is the newest state that the broker had kept: a replay must hear of a head unit that has just started, too.
        self.tell_seen(self.telematics.arrived_ms().or(self.newest_kept_ms));
        let live = &self.live;
        // The signals stay in the channel until there is news of them: they are too many to be copied each time.
        self.outputs.live.send_if_modified(|shown| {
            let told = std::mem::take(&mut shown.signals);
            let changed = signals.is_some() || *shown != *live;
            if changed {
                shown.clone_from(live);
            }
            shown.signals = signals.unwrap_or(told);
            changed
        });
    }

    /// Keeps what is told while the head unit does not run, when it has changed.
    fn keep_last_seen(&mut self) {
        let seen = self.last_seen.then(&self.live);
        self.live.last_refusal = seen.refused;
        if seen == self.last_seen {
            return;
        }
        self.last_seen = seen;
        let device = self.books.identity.device;
        if let Err(error) = seen.put(&mut self.store, device) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what keeps points from coming is not kept for the time after"
            );
        }
    }

    /// Tells whether a member is at the wheel; looks it up only for another driver, or after other bindings.
    fn tell_wheel(&mut self) {
        let wheel = (self.telematics.at_the_wheel(), self.books.bindings.len());
        if self.told_wheel.as_ref() != Some(&wheel) {
            self.live.guest_by_car = self.member_at_wheel().is_none();
            self.told_wheel = Some(wheel);
        }
        self.live.driver_named |= self.telematics.has_told_driver();
    }

    /// Keeps the newest time where the bus finds it, and wakes whoever says it there when there is something to say: a
    /// wake-up for each sample would cost more than the sample.
    fn tell_seen(&mut self, newest_ms: Option<i64>) {
        let now_ms = self.clock.monotonic_ms();
        let told = newest_ms.zip(self.told_seen.step_ms);
        let is_step =
            told.is_none_or(|(newest_ms, told_ms)| newest_ms.abs_diff(told_ms) >= SEEN_STEP_MS);
        let is_due = is_step || now_ms.saturating_sub(self.told_seen.at_ms) >= SEEN_WAKE_MS;
        let is_told = self.outputs.seen.send_if_modified(|seen| {
            let is_news = std::mem::replace(seen, newest_ms) != newest_ms;
            is_news && is_due
        });
        if is_told {
            self.told_seen.at_ms = now_ms;
            if is_step {
                self.told_seen.step_ms = newest_ms;
            }
        }
    }

    /// The wall clock at a monotonic time.
    fn unix_s_at(&self, monotonic_ms: u64) -> i64 {
        let ahead_ms = monotonic_ms.saturating_sub(self.clock.monotonic_ms());
        let ahead_s = i64::try_from(ahead_ms / 1_000).unwrap_or(0);
        self.clock
            .unix_ms()
            .div_euclid(1_000)
            .saturating_add(ahead_s)
    }

    /// Looks whether the open attempt has ended.
    pub(super) fn look_at_attempt(&mut self) {
        let (due_ms, now_ms) = (self.machine.poll_timeout(), self.clock.monotonic_ms());
        self.live.attempts.look(due_ms, now_ms);
    }
}
