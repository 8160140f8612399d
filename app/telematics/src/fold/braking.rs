//! The age that a counter of charged energy may have, by what it shows of braking.

use serde::{Deserialize, Serialize};

use crate::intake::{Stamped, TOLERANCE_MS};

/// Longest age of a counter that is looked for.
const AGE_MS_MAX: i64 = 3_600_000;

/// The clock of a counter of charged energy in a drive, and its rises that are none of charging. The first of these bounds the age of its
/// values: before the drive there was no braking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct BrakingWatch {
    /// The counter has risen by a drive.
    is_counted: bool,
    /// Time of its last rise.
    rose_ms: Option<i64>,
    /// Start of the last drive before which the counter had not risen for long.
    set_off_ms: Option<i64>,
    /// Distance of its stamps from the time of the bus in the last drive.
    ahead_ms: i64,
    /// Bound of the age of its values.
    age: Option<AgeBound>,
}

/// Time from the start of a drive to a rise of the counter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct AgeBound {
    age_ms: i64,
    /// Distance of the counter's stamps from the time of the bus, which changes with the age.
    ahead_ms: i64,
}

impl AgeBound {
    /// Returns the bound for values whose stamps are so far ahead.
    fn of(self, ahead_ms: i64) -> i64 {
        let change_ms = ahead_ms.saturating_sub(self.ahead_ms).saturating_abs();
        if change_ms > TOLERANCE_MS {
            return AGE_MS_MAX;
        }
        self.age_ms.saturating_add(change_ms).min(AGE_MS_MAX)
    }
}

impl BrakingWatch {
    /// A drive begins.
    pub(super) fn set_off(&mut self, at_ms: i64) {
        let rests = |rose_ms: i64| at_ms.saturating_sub(rose_ms) > AGE_MS_MAX;
        // What is shown soon after another drive or a charge may be of that one.
        if self.rose_ms.is_none_or(rests) {
            self.set_off_ms = Some(at_ms);
            self.age = None;
        }
        self.ahead_ms = 0;
    }

    /// Notes the clock of the counter in a drive, in which others keep the time of the bus.
    pub(super) fn note(&mut self, counter: &Stamped) {
        self.ahead_ms = counter.said_ms.saturating_sub(counter.at_ms);
    }

    /// The counter rises; `is_braking` when nothing charges the car.
    pub(super) fn rise(&mut self, counter: &Stamped, is_braking: bool) {
        let said_ms = counter.said_ms.saturating_sub(self.ahead_ms);
        let at_ms = counter.at_ms.max(said_ms);
        self.rose_ms = Some(at_ms);
        let age_ms = self.set_off_ms.map(|from_ms| at_ms.saturating_sub(from_ms));
        let Some(age_ms) = age_ms.filter(|age_ms| is_braking && *age_ms <= 2 * AGE_MS_MAX) else {
            return;
        };
        self.is_counted = true;
        let ahead_ms = self.ahead_ms;
        let is_unbound = |bound: AgeBound| bound.of(ahead_ms) >= AGE_MS_MAX;
        if self.age.is_none_or(is_unbound) {
            self.age = Some(AgeBound { age_ms, ahead_ms });
        }
    }

    /// Returns the earliest time at which a value may have been captured. A stamp that is ahead, as it was in the last drive, does not
    /// tell its age.
    pub(super) fn captured_ms(&self, counter: &Stamped) -> i64 {
        let ahead_ms = counter.said_ms.saturating_sub(counter.at_ms);
        if !self.is_counted || ahead_ms.min(self.ahead_ms) <= TOLERANCE_MS {
            return counter.captured_ms;
        }
        let age_ms = self.age.map_or(AGE_MS_MAX, |bound| bound.of(self.ahead_ms));
        let said_ms = counter.said_ms.saturating_sub(self.ahead_ms);
        counter.captured_ms.min(said_ms.saturating_sub(age_ms))
    }

    /// Forgets the times: the clock of the bus has been set back.
    pub(super) fn forget_times(&mut self) {
        *self = Self {
            is_counted: self.is_counted,
            ..Self::default()
        };
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(super) fn translate(&mut self, by_ms: i64) {
        for at_ms in self.rose_ms.iter_mut().chain(&mut self.set_off_ms) {
            *at_ms = at_ms.saturating_add(by_ms);
        }
        let bound = self.age.as_mut().map(|bound| &mut bound.ahead_ms);
        for ahead_ms in bound.into_iter().chain([&mut self.ahead_ms]) {
            *ahead_ms = ahead_ms.saturating_sub(by_ms);
        }
    }
}
