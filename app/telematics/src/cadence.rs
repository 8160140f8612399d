//! The cadence of a signal.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Steps that are remembered.
const STEPS_MAX: usize = 8;
/// Steps from which on one of them is usual.
const STEPS_MIN: usize = 2;
/// Longest step between two words of one signal, in milliseconds: in a longer time nobody spoke, or nobody listened.
pub const STEP_MS_MAX: i64 = 900_000;

/// The last steps of time between the words of one signal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cadence {
    steps_ms: VecDeque<i64>,
    last_ms: Option<i64>,
}

impl Cadence {
    /// Notes that the signal was said.
    pub(crate) fn note(&mut self, at_ms: i64) {
        let step_ms = self.last_ms.map(|last_ms| at_ms.saturating_sub(last_ms));
        self.last_ms = self.last_ms.max(Some(at_ms));
        let Some(step_ms) = step_ms.filter(|step_ms| (1..=STEP_MS_MAX).contains(step_ms)) else {
            return;
        };
        if self.steps_ms.len() >= STEPS_MAX {
            self.steps_ms.pop_front();
        }
        self.steps_ms.push_back(step_ms);
    }

    /// The usual step in milliseconds: half of the last ones are no longer. `None` until some were seen.
    pub(crate) fn step_ms(&self) -> Option<i64> {
        if self.steps_ms.len() < STEPS_MIN {
            return None;
        }
        let mut steps_ms: Vec<i64> = self.steps_ms.iter().copied().collect();
        steps_ms.sort_unstable();
        steps_ms.get((steps_ms.len() - 1) / 2).copied()
    }

    /// The usual step in seconds, rounded up.
    pub(crate) fn step_s(&self) -> Option<u16> {
        let step_s = self.step_ms()?.unsigned_abs().div_ceil(1_000);
        u16::try_from(step_s).ok()
    }

    /// The longest time between two words that is no silence: two steps and a half, since each second one may be lost.
    pub(crate) fn patience_ms(&self) -> Option<i64> {
        let usual_ms = self.step_ms()?;
        Some((usual_ms.saturating_mul(5) / 2).min(STEP_MS_MAX))
    }

    /// Forgets when it was last said: time has begun anew.
    pub(crate) fn forget_times(&mut self) {
        self.last_ms = None;
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        self.last_ms = self.last_ms.map(|last_ms| last_ms.saturating_add(by_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cadence(times_s: &[i64]) -> Cadence {
        let mut cadence = Cadence::default();
        for at_s in times_s {
            cadence.note(at_s * 1_000);
        }
        cadence
    }

    #[test]
    fn the_usual_step_is_that_of_most() {
        assert_eq!(cadence(&[0, 30]).step_ms(), None);
        assert_eq!(cadence(&[0, 30, 60]).step_ms(), Some(30_000));
        // One word is lost, and one comes after a night.
        let often = cadence(&[0, 30, 60, 120, 150, 40_000, 40_030]);
        assert_eq!(often.step_ms(), Some(30_000));
        assert_eq!(often.patience_ms(), Some(75_000));
        assert_eq!(often.step_s(), Some(30));
        let fast: Vec<i64> = (0..9).map(|step| step * 250).collect();
        let mut fast_words = Cadence::default();
        for at_ms in fast {
            fast_words.note(at_ms);
        }
        assert_eq!(fast_words.step_s(), Some(1));
        // Ten of each second, then each five minutes.
        let mut now_seldom = cadence(&(0..20).collect::<Vec<_>>());
        for step in 1..=5 {
            now_seldom.note((19 + step * 300) * 1_000);
        }
        assert_eq!(now_seldom.step_ms(), Some(300_000));
        assert_eq!(now_seldom.patience_ms(), Some(750_000));
    }
}
