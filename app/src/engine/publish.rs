//! What the engine tells: to whoever asks on the socket, and on the bus how far it has come.

use super::Engine;
use super::live::Live;

impl Engine {
    /// Tells the socket and the bus what has changed.
    pub fn publish(&mut self) {
        self.live.drive_state = Some(self.telematics.drive_state());
        self.live.trip_open = self.telematics.trip_driver().is_some();
        self.live.newest_ms = self.telematics.bus_time_ms();
        self.live.taken = self.telematics.counts().all_taken();
        self.live.unsaved = self.unsaved.len() as u64;
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
        // Before the first sample it is the newest state that the broker had kept: whoever waits for the head unit to
        // take something must hear of one that has just started, too.
        let newest_ms = self.live.newest_ms.or(self.newest_kept_ms);
        self.outputs
            .seen
            .send_if_modified(|seen| std::mem::replace(seen, newest_ms) != newest_ms);
        let live = self.live.clone();
        // The signals stay in the channel until there is news of them: they are too many to be copied each time.
        self.outputs.live.send_if_modified(|shown| {
            let told = std::mem::take(&mut shown.signals);
            let changed = signals.is_some() || *shown != live;
            *shown = Live {
                signals: signals.unwrap_or(told),
                ..live
            };
            changed
        });
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
}
