//! The proof that a clock was set back: a lifetime meter goes on rising behind its newest stamp.

use std::collections::BTreeMap;

use super::bus_time::{BusTime, PROOF_LEN, TOLERANCE_MS};
use super::clock::SignalClock;
use super::sample::{LATENESS_MS, Stamped};
use crate::signal::Signal;

/// Samples of one signal that run forward, but behind its newest stamp.
#[derive(Debug, Clone)]
struct BackwardRun {
    first_ms: i64,
    newest: Stamped,
    len: u8,
    /// True when a lifetime meter has gone on rising in them.
    rises: bool,
    /// Times of the bus at which the first and the newest arrived.
    arrived_ms: (i64, i64),
    /// Age of its values: for so long the meter told what it had told before.
    age_ms: i64,
}

impl BackwardRun {
    /// Returns the age of a meter that rises for the first time at this time of the bus, after these samples. What is sent again comes at
    /// once, and tells no age.
    fn age_until(&self, sample: &Stamped, now_ms: i64) -> i64 {
        let (first_ms, newest_ms) = self.arrived_ms;
        let lasted_ms = newest_ms.saturating_sub(first_ms);
        if now_ms.saturating_sub(newest_ms) > lasted_ms.saturating_mul(2) {
            return 0;
        }
        let told_ms = sample.at_ms.saturating_sub(self.first_ms);
        now_ms.saturating_sub(first_ms).min(told_ms)
    }
}

/// Samples behind the newest stamps of their signals, and the clock that was last found to have been set back.
#[derive(Debug, Clone, Default)]
pub(super) struct SetBackProof {
    runs: BTreeMap<Signal, BackwardRun>,
    proven: Option<Signal>,
}

/// Result of a sample behind the newest stamp of its signal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SetBack {
    /// It may have been said before: a copy proves nothing.
    Unproven,
    /// Its clock was set back, as another one was before it.
    Follows,
    /// A clock was set back: these samples are new, in the order of their stamps, and every other clock is in doubt.
    Proven(Vec<Stamped>),
}

impl SetBackProof {
    /// Forgets what a signal has said behind its newest stamp: it has said something newer.
    pub(super) fn forget(&mut self, signal: Signal) {
        if !self.runs.is_empty() {
            self.runs.remove(&signal);
        }
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(super) fn translate(&mut self, by_ms: i64) {
        for run in self.runs.values_mut() {
            let (first_ms, newest_ms) = &mut run.arrived_ms;
            *first_ms = first_ms.saturating_add(by_ms);
            *newest_ms = newest_ms.saturating_add(by_ms);
        }
    }

    /// Notes a sample behind the newest stamp of its signal.
    pub(super) fn take(
        &mut self,
        sample: &Stamped,
        clock: &SignalClock,
        proven: Option<&SignalClock>,
        bus: BusTime,
    ) -> SetBack {
        let bus_ms = bus.ms.unwrap_or(sample.at_ms);
        let (value, known) = (sample.meter_value(), clock.value);
        let rises = value.is_some() && known.is_some() && value >= known;
        self.note(sample, rises, bus_ms.saturating_add(bus.quiet_ms));
        if proven.is_some_and(|proven| Self::follows(sample, clock, proven, bus_ms, bus.quiet_ms)) {
            return SetBack::Follows;
        }
        let Some(run) = self.runs.get(&sample.signal) else {
            return SetBack::Unproven;
        };
        if run.len < PROOF_LEN {
            return SetBack::Unproven;
        }
        let is_back = clock.shift_ms() != 0
            && clock.own_ms > Some(bus_ms.saturating_add(TOLERANCE_MS))
            && sample.at_ms.abs_diff(bus_ms) <= TOLERANCE_MS.unsigned_abs();
        if is_back {
            return SetBack::Follows;
        }
        if !(rises && value > known) {
            return SetBack::Unproven;
        }
        // A state that is said once may have been said long before the third value of the meter.
        let since_ms = run.first_ms.saturating_sub(TOLERANCE_MS);
        let until_ms = sample.at_ms.saturating_add(TOLERANCE_MS);
        let mut newer: Vec<Stamped> = self
            .runs
            .values()
            .map(|run| &run.newest)
            .filter(|newest| (since_ms..=until_ms).contains(&newest.at_ms))
            .cloned()
            .collect();
        newer.sort_by_key(|newest| newest.at_ms);
        self.proven = Some(sample.signal);
        SetBack::Proven(newer)
    }

    /// Returns the signal whose clock was last found to have been set back.
    pub(super) fn proven(&self) -> Option<Signal> {
        self.proven
    }

    /// Returns the age of the values of a signal that runs backward.
    pub(super) fn age_ms(&self, signal: Signal) -> i64 {
        self.runs.get(&signal).map_or(0, |run| run.age_ms)
    }

    fn note(&mut self, sample: &Stamped, rises: bool, now_ms: i64) {
        let mut age_ms = 0;
        match self.runs.get_mut(&sample.signal) {
            Some(run) if run.newest.at_ms == sample.at_ms => return,
            Some(run) if run.newest.at_ms < sample.at_ms && run.rises == rises => {
                run.len = run.len.saturating_add(1);
                run.newest = sample.clone();
                run.arrived_ms.1 = now_ms;
                return;
            }
            Some(run) if run.newest.at_ms < sample.at_ms && rises => {
                age_ms = run.age_until(sample, now_ms);
            }
            Some(_) | None => {}
        }
        let run = BackwardRun {
            first_ms: sample.at_ms,
            newest: sample.clone(),
            len: 1,
            rises,
            arrived_ms: (now_ms, now_ms),
            age_ms,
        };
        self.runs.insert(sample.signal, run);
    }

    /// Returns whether a sample keeps the time of a clock that was found to have been set back since its signal last spoke. That
    /// clock has gone on since its own last sample.
    fn follows(
        sample: &Stamped,
        clock: &SignalClock,
        proven: &SignalClock,
        bus_ms: i64,
        quiet_ms: i64,
    ) -> bool {
        let (Some(own_ms), Some(at_ms)) = (proven.own_ms, proven.at_ms) else {
            return false;
        };
        let since_ms = bus_ms.saturating_sub(at_ms).max(0).saturating_add(quiet_ms);
        let now_ms = own_ms.saturating_add(since_ms);
        clock.is_doubted()
            && sample.at_ms.abs_diff(now_ms) <= TOLERANCE_MS.unsigned_abs()
            && clock.own_ms > Some(now_ms.saturating_add(LATENESS_MS))
    }
}
