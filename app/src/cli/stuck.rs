//! Watches that the engine takes the bus input: a head unit that hangs on its disk does not know that the car has begun
//! to drive.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::interval;

use crate::bus::BusInput;
use crate::engine::Live;

/// Interval of the checks.
const EVERY: Duration = Duration::from_secs(1);
/// Looks in a row at which something waits and nothing was taken, after which the engine counts as stuck.
const LOOKS: u32 = 2;

/// Tells the window while the engine is stuck; ends with the bus.
pub(super) async fn tell_when_stuck(
    samples: mpsc::WeakSender<BusInput>,
    mut live: watch::Receiver<Live>,
    stuck: watch::Sender<bool>,
) {
    let mut looks = interval(EVERY);
    let mut vain = Vain::default();
    loop {
        looks.tick().await;
        let Some(samples) = samples.upgrade() else {
            return;
        };
        let waits = samples.capacity() < samples.max_capacity();
        let took = live.has_changed().unwrap_or(false);
        live.mark_unchanged();
        let is_stuck = vain.look(waits, took);
        stuck.send_if_modified(|told| std::mem::replace(told, is_stuck) != is_stuck);
    }
}

/// Looks in vain, in a row.
#[derive(Debug, Default)]
struct Vain(u32);

impl Vain {
    /// Returns whether the engine is stuck, from whether input waits for it and whether its output is new.
    fn look(&mut self, waits: bool, took: bool) -> bool {
        self.0 = if waits && !took { self.0 + 1 } else { 0 };
        self.0 >= LOOKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_leaves_what_the_bus_says_is_stuck_until_it_takes_it() {
        let mut vain = Vain::default();
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
            assert_eq!(vain.look(waits, took), expected, "{step}");
        }
    }
}
