//! Bounds on how often something may happen: for each caller first, and for all of them together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Callers that are remembered. Past it the one who is nearest to being free is forgotten and begins anew; the bound for
/// all holds whatever is forgotten.
const CALLERS_MAX: usize = 65_536;

/// So many at once, and so many again in each such stretch of time, evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    pub most: u32,
    pub per: Duration,
}

/// Counts what callers do. The time is any that only rises; it is checked and counted in one step, so a burst gets
/// exactly what one after the other would.
#[derive(Debug)]
pub(super) struct Throttle<K> {
    each: Rate,
    all: Rate,
    /// Times at which each caller has all of its rate again; callers that have it now are not here.
    callers: BTreeMap<K, Duration>,
    /// The same, the nearest first.
    order: BTreeSet<(Duration, K)>,
    all_free_at: Duration,
}

/// It happened too often; how long until it may happen again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooOften {
    pub wait: Duration,
}

impl Rate {
    /// No bound that is ever reached: a step of it is a nanosecond.
    pub const NONE: Self = Self {
        most: 1_000_000_000,
        per: Duration::from_secs(1),
    };

    pub const fn a_minute(most: u32) -> Self {
        Self {
            most,
            per: Duration::from_secs(60),
        }
    }

    fn step(self) -> Duration {
        self.per / self.most.max(1)
    }

    /// Returns the time at which all of the rate is free again after one more; the error is the time to wait.
    fn take(self, free_at: Duration, now: Duration) -> Result<Duration, TooOften> {
        let next = free_at.max(now) + self.step();
        let wait = next.saturating_sub(now + self.per);
        if wait.is_zero() {
            Ok(next)
        } else {
            Err(TooOften { wait })
        }
    }
}

impl<K: Ord + Copy> Throttle<K> {
    pub const fn new(each: Rate, all: Rate) -> Self {
        Self {
            each,
            all,
            callers: BTreeMap::new(),
            order: BTreeSet::new(),
            all_free_at: Duration::ZERO,
        }
    }

    /// Counts one of a caller, unless the caller's rate or that of all is used up. What is refused counts nowhere: one who
    /// asks on and on uses up no more than its own rate.
    pub fn take(&mut self, caller: K, now: Duration) -> Result<(), TooOften> {
        let free_at = self.callers.get(&caller).copied().unwrap_or(now);
        let next = self.each.take(free_at, now)?;
        self.all_free_at = self.all.take(self.all_free_at, now)?;
        self.set(caller, next, now);
        Ok(())
    }

    /// Takes one back that need not have been counted.
    pub fn give_back(&mut self, caller: K, now: Duration) {
        if let Some(free_at) = self.callers.get(&caller).copied() {
            self.set(caller, free_at.saturating_sub(self.each.step()), now);
        }
        self.give_back_to_all();
    }

    /// Takes one back from the bound of all; it still counts for its caller.
    pub fn give_back_to_all(&mut self) {
        self.all_free_at = self.all_free_at.saturating_sub(self.all.step());
    }

    fn set(&mut self, caller: K, free_at: Duration, now: Duration) {
        if let Some(before) = self.callers.remove(&caller) {
            self.order.remove(&(before, caller));
        }
        while let Some((free, other)) = self.order.first().copied()
            && (free <= now || self.callers.len() >= CALLERS_MAX)
        {
            self.order.pop_first();
            self.callers.remove(&other);
        }
        if free_at > now {
            self.callers.insert(caller, free_at);
            self.order.insert((free_at, caller));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const NONE: Rate = Rate::a_minute(1_000_000);

    fn taken<K: Ord + Copy>(
        throttle: &mut Throttle<K>,
        caller: K,
        now: Duration,
        tries: usize,
    ) -> usize {
        (0..tries)
            .filter(|_| throttle.take(caller, now).is_ok())
            .count()
    }

    #[test]
    fn a_burst_gets_exactly_the_rate_and_then_one_a_step() {
        let mut throttle = Throttle::new(Rate::a_minute(60), NONE);
        assert_eq!(taken(&mut throttle, 1, 100 * S, 1_000), 60);
        assert_eq!(throttle.take(1, 100 * S), Err(TooOften { wait: S }));
        assert_eq!(taken(&mut throttle, 1, 101 * S, 1_000), 1);
        assert_eq!(taken(&mut throttle, 1, 111 * S, 1_000), 10);
        assert_eq!(
            taken(&mut throttle, 2, 111 * S, 1_000),
            60,
            "another caller"
        );
        assert_eq!(taken(&mut throttle, 1, 1_000 * S, 1_000), 60);
    }

    #[test]
    fn one_who_floods_uses_up_its_own_rate_and_no_more_of_all() {
        let mut throttle = Throttle::new(Rate::a_minute(10), Rate::a_minute(30));
        for second in 0..60 {
            taken(&mut throttle, 1, second * S, 100);
        }
        assert_eq!(taken(&mut throttle, 2, 60 * S, 100), 10);
        // All together have a bound of their own, whoever they are.
        let others: usize = (3..100)
            .map(|caller| taken(&mut throttle, caller, 60 * S, 100))
            .sum();
        assert!((10..=30).contains(&others), "{others}");
        assert_eq!(taken(&mut throttle, 200, 60 * S, 1), 0);
    }

    #[test]
    fn what_was_right_is_given_back() {
        let mut throttle = Throttle::new(Rate::a_minute(3), Rate::a_minute(3));
        for _ in 0..100 {
            assert_eq!(throttle.take(1, S), Ok(()));
            throttle.give_back(1, S);
        }
        assert!(throttle.callers.is_empty());
        assert_eq!(taken(&mut throttle, 1, S, 100), 3);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_bound_of_all_holds() {
        let mut throttle = Throttle::new(Rate::a_minute(2), Rate::a_minute(200_000));
        assert_eq!(taken(&mut throttle, 0, S, 3), 2);
        for caller in 1..=100_000_u32 {
            throttle.take(caller, S).unwrap();
            assert!(throttle.callers.len() <= CALLERS_MAX);
        }
        assert_eq!(throttle.callers.len(), throttle.order.len());
        assert_eq!(
            taken(&mut throttle, 0, S, 3),
            0,
            "the nearest to being free went first"
        );
        let more: usize = (200_000..400_000)
            .map(|caller| taken(&mut throttle, caller, S, 1))
            .sum();
        assert_eq!(more, 200_000 - 100_002);
        throttle.take(1, 1_000 * S).unwrap();
        assert_eq!(
            throttle.callers.len(),
            1,
            "those who are free again are forgotten"
        );
    }

    /// Over any stretch no caller has more than the burst and what the rate brings back, and all have no more than all may.
    #[test]
    fn no_order_of_calls_gets_more_than_the_rate() {
        let mut random = 0x1234_5678_9abc_def1_u64;
        let mut draw = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let (each, all) = (Rate::a_minute(7), Rate::a_minute(20));
        let mut throttle = Throttle::new(each, all);
        let mut now = Duration::ZERO;
        let mut taken: Vec<(Duration, u64)> = Vec::new();
        for _ in 0..20_000 {
            if draw(10) == 0 {
                now += Duration::from_millis(draw(20_000));
            }
            let caller = draw(6);
            match throttle.take(caller, now) {
                Ok(()) => taken.push((now, caller)),
                Err(TooOften { wait }) => assert!(!wait.is_zero() && wait <= each.per),
            }
        }
        for (from, _) in &taken {
            for span in [10, 60, 300] {
                let until = *from + span * S;
                let within: Vec<u64> = taken
                    .iter()
                    .filter(|(at, _)| (*from..=until).contains(at))
                    .map(|(_, caller)| *caller)
                    .collect();
                let most =
                    |rate: Rate| u64::from(rate.most) + u64::from(rate.most) * u64::from(span) / 60;
                let caller = 0;
                let of_one = within.iter().filter(|other| **other == caller).count();
                assert!(u64::try_from(of_one).unwrap() <= most(each));
                assert!(u64::try_from(within.len()).unwrap() <= most(all));
            }
        }
    }
}
