//! Pauses between requests.

use crate::now::Now;

/// First ceiling of the backoff.
const BASE_MS: u64 = 1_000;
/// Last ceiling of the backoff.
const CAP_MS: u64 = 5 * 60 * 1_000;
/// No draw of the jitter is below this share of the ceiling: unlucky cars must not hammer either.
const FLOOR_DIVISOR: u64 = 10;
/// The longest silence that an answer can impose: a wrong Retry-After must not cut a car off for good.
const PAUSE_MAX_MS: u64 = 24 * 60 * 60 * 1_000;
/// Distance that a retry keeps from the last failure when the network comes back.
const HURRY_AFTER_MS: u64 = 1_000;
/// Failures that stay counted then: a network that only seems to be back does not start from the first ceiling again.
const HURRIED_FAILURES: u32 = 4;
/// A network that comes and goes shortens the wait once in this time.
const HURRY_EVERY_MS: u64 = 30_000;

/// Decides when the next request may leave: exponential backoff with full jitter, and pauses that the cloud asked for.
#[derive(Debug, Clone, Default)]
pub struct Pacing {
    failures: u32,
    retry_at_ms: u64,
    /// Nothing leaves before it, whatever happens to the network.
    paused_until_ms: u64,
    last_failure_ms: u64,
    last_hurry_ms: Option<u64>,
}

impl Pacing {
    /// From when a request may leave, in monotonic milliseconds.
    #[must_use]
    pub const fn opens_at_ms(&self) -> u64 {
        if self.retry_at_ms > self.paused_until_ms {
            self.retry_at_ms
        } else {
            self.paused_until_ms
        }
    }

    /// The cloud did its part: the next failure starts from the first ceiling again.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
        self.retry_at_ms = 0;
    }

    /// Something failed: waits for a random part of a ceiling that doubles.
    pub fn failed(&mut self, now: Now) {
        let ceiling_ms = CAP_MS.min(BASE_MS << self.failures.min(16));
        let drawn_ms = now.random % (ceiling_ms + 1);
        self.failures = self.failures.saturating_add(1);
        self.last_failure_ms = now.monotonic_ms;
        self.retry_at_ms = now
            .monotonic_ms
            .saturating_add(drawn_ms.max(ceiling_ms / FLOOR_DIVISOR));
    }

    /// The cloud asked for that many seconds of silence; cars that were asked together do not come back together.
    pub fn asked_to_wait(&mut self, seconds: u64, now: Now) {
        let pause_ms = PAUSE_MAX_MS.min(seconds.saturating_mul(1_000));
        self.paused_until_ms = now.monotonic_ms.saturating_add(pause_ms);
        let resume = Now {
            monotonic_ms: self.paused_until_ms,
            ..now
        };
        self.failed(resume);
        self.last_failure_ms = now.monotonic_ms;
    }

    /// Nothing leaves for that long, and no network that comes back changes it.
    pub fn pause(&mut self, pause_ms: u64, now: Now) {
        self.paused_until_ms = now.monotonic_ms.saturating_add(pause_ms);
    }

    /// The network came back: shortens the backoff, but no pause that the cloud asked for.
    pub fn shorten_backoff(&mut self, now: Now) {
        let hurried_lately = self
            .last_hurry_ms
            .is_some_and(|last| now.monotonic_ms < last.saturating_add(HURRY_EVERY_MS));
        if self.failures == 0 || hurried_lately {
            return;
        }
        self.last_hurry_ms = Some(now.monotonic_ms);
        self.retry_soon();
    }

    /// A person asked for a try: shortens the backoff each time, but no pause that the cloud asked for. A finger cannot
    /// storm the cloud as a network can that comes and goes.
    pub fn asked_for(&mut self) {
        self.retry_soon();
    }

    fn retry_soon(&mut self) {
        self.failures = self.failures.min(HURRIED_FAILURES);
        let soon_ms = self.last_failure_ms.saturating_add(HURRY_AFTER_MS);
        self.retry_at_ms = self.retry_at_ms.min(soon_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Pacing {
        fn is_open(&self, now: Now) -> bool {
            now.monotonic_ms >= self.opens_at_ms()
        }
    }

    fn at(monotonic_ms: u64, random: u64) -> Now {
        Now {
            monotonic_ms,
            unix_s: 0,
            random,
        }
    }

    #[test]
    fn the_ceiling_doubles_up_to_five_minutes_and_the_draw_stays_between_floor_and_ceiling() {
        let ceilings = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map(|s| s * 1_000);
        for random in [0, 1, 999, 123_456_789, u64::MAX] {
            let mut pacing = Pacing::default();
            for ceiling in ceilings {
                pacing.failed(at(0, random));
                let wait = pacing.opens_at_ms();
                assert!(
                    (ceiling / 10..=ceiling).contains(&wait),
                    "{wait} of {ceiling}"
                );
            }
        }
    }

    #[test]
    fn a_network_that_comes_back_shortens_the_backoff_once_and_a_pause_never() {
        let mut pacing = Pacing::default();
        for _ in 0..10 {
            pacing.failed(at(0, 300_000));
        }
        assert!(!pacing.is_open(at(5_000, 0)));
        pacing.shorten_backoff(at(5_000, 0));
        assert!(pacing.is_open(at(5_000, 0)));

        for _ in 0..10 {
            pacing.failed(at(6_000, 300_000));
        }
        pacing.shorten_backoff(at(7_500, 0));
        assert!(!pacing.is_open(at(7_500, 0)), "twice within half a minute");

        pacing.asked_to_wait(120, at(40_000, 0));
        pacing.shorten_backoff(at(41_000, 0));
        assert!(!pacing.is_open(at(159_999, 0)));
        assert!(pacing.is_open(at(160_000, 0)));
    }

    #[test]
    fn a_person_who_asks_shortens_the_backoff_each_time_and_a_pause_never() {
        let mut pacing = Pacing::default();
        pacing.asked_for();
        assert!(pacing.is_open(at(0, 0)), "nothing has failed");
        for start_ms in [10_000, 20_000, 30_000] {
            for _ in 0..10 {
                pacing.failed(at(start_ms, 300_000));
            }
            pacing.asked_for();
            assert!(!pacing.is_open(at(start_ms + 999, 0)), "{start_ms}");
            assert!(pacing.is_open(at(start_ms + 1_000, 0)), "{start_ms}");
        }
        pacing.asked_to_wait(120, at(40_000, 0));
        pacing.asked_for();
        assert!(!pacing.is_open(at(159_999, 0)));
    }

    #[test]
    fn a_pause_is_a_day_at_most() {
        let mut pacing = Pacing::default();
        pacing.asked_to_wait(u64::MAX, at(0, 0));
        assert!(pacing.is_open(at(PAUSE_MAX_MS + CAP_MS, 0)));
        assert!(!pacing.is_open(at(PAUSE_MAX_MS - 1, 0)));
    }

    #[test]
    fn success_forgets_the_failures() {
        let mut pacing = Pacing::default();
        for _ in 0..10 {
            pacing.failed(at(0, u64::MAX));
        }
        pacing.succeeded();
        assert!(pacing.is_open(at(0, 0)));
        pacing.failed(at(0, u64::MAX));
        assert!(pacing.opens_at_ms() <= BASE_MS);
    }
}
