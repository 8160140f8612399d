//! Watchdog of the engine: a stalled engine cannot know that the car has begun to move, so the window then applies the
//! restrictions for driving.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::interval;

use crate::bus::BusInput;
use crate::live::Live;

/// Interval of the checks.
const EVERY: Duration = Duration::from_secs(1);
/// Checks in a row at which input waits and none was taken, after which the engine counts as stalled.
const STALLED_CHECKS: u32 = 2;

/// Tells the window while the engine is stuck; ends with the bus.
pub(super) async fn watch_engine(
    samples: mpsc::WeakSender<BusInput>,
    mut live: watch::Receiver<Live>,
    stuck: watch::Sender<bool>,
) {
    let mut checks = interval(EVERY);
    let mut detector = StallDetector::default();
    loop {
        checks.tick().await;
        let Some(samples) = samples.upgrade() else {
            return;
        };
        let waits = samples.capacity() < samples.max_capacity();
        let took = live.has_changed().unwrap_or(false);
        live.mark_unchanged();
        let is_stuck = detector.check(waits, took);
        stuck.send_if_modified(|told| std::mem::replace(told, is_stuck) != is_stuck);
    }
}

/// Checks in a row at which input waited and none was taken.
#[derive(Debug, Default)]
struct StallDetector(u32);

impl StallDetector {
    /// Returns whether the engine is stuck, from whether input waits for it and whether its output is new.
    fn check(&mut self, waits: bool, took: bool) -> bool {
        self.0 = if waits && !took { self.0 + 1 } else { 0 };
        self.0 >= STALLED_CHECKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_leaves_what_the_bus_says_is_stuck_until_it_takes_it() {
        let mut detector = StallDetector::default();
        let table = [
            // A flood: something always waits, and something is always taken.
            (true, true, false),
            (true, true, false),
            (true, false, false),
            (true, false, true),
            (true, false, true),
            (true, true, false),
            // Silence is not being stuck.
            (false, false, false),
            (false, false, false),
            (true, false, false),
            (false, false, false),
        ];
        for (step, (waits, took, expected)) in table.into_iter().enumerate() {
            assert_eq!(detector.check(waits, took), expected, "{step}");
        }
    }
}
