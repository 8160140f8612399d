//! Puts samples into the order of their event time, and keeps away those whose time cannot be.
//!
//! The bus has one time, and each signal has a clock that is fitted to it. A sample that is newer for its own signal is always
//! taken: out of the time of the bus, it is taken at the time of its arrival. Only clocks that keep the time of the bus move
//! it ahead, two of them or one three times; the others follow. When most signals say that it is wrong, all that is known
//! moves with it.

mod bus_time;
mod clock;
mod clocks;
mod held;
mod sample;
mod set_back;
mod timeline;
mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::counts::{Counts, Fault};
use crate::reading::SignalReading;
use crate::signal::Signal;

pub(crate) use bus_time::TOLERANCE_MS;
use clocks::TimePlace;
pub(crate) use clocks::{KeptClocks, SeenSample};
use held::Held;
pub(crate) use sample::{Batch, LATENESS_MS, Stamped, TakenSample, TimeChange, TimeCheck};
use timeline::Timeline;

/// Distance from the bus's time that a time may have and still be believed at once.
const STRANGE_MS: i64 = 24 * 3_600_000;
/// Distance between the times of signals that agree on a strange time.
const AGREEMENT_MS: i64 = 60_000;
/// The number of signals that must agree.
const AGREEING: usize = 3;
/// Strange samples kept while waiting for others to agree; the oldest goes first.
const QUARANTINE_LEN_MAX: usize = 64;
/// Silence of the bus after which the retained state counts as complete.
const SETTLED_MS: i64 = 1_000;

/// The samples that wait for those before them.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    bus: Timeline,
    /// Newest time known from state, before anything is live.
    hint_ms: Option<i64>,
    retained: BTreeMap<Signal, (i64, SignalReading)>,
    quarantine: VecDeque<Stamped>,
    /// Newest stamp of each signal since the start.
    said_ms: BTreeMap<Signal, i64>,
    /// Signals whose retain flag was seen on what is said now: somebody leaves it there.
    flagged: BTreeSet<Signal>,
    /// Samples further than the bus.
    held: Held,
    /// The time of the last sample when it is one of them.
    ahead_ms: Option<i64>,
    /// Newest stamp that has arrived.
    stamp_ms: Option<i64>,
}

impl Intake {
    /// Goes on with what a checkpoint held. Nothing later can come before it: the bus does not send twice.
    pub(crate) fn resume(
        waiting: Vec<Stamped>,
        at_ms: Option<i64>,
        clocks: &KeptClocks,
    ) -> (Self, Vec<Batch>) {
        let mut intake = Self {
            hint_ms: at_ms,
            bus: Timeline::resume(waiting, at_ms, clocks),
            ..Self::default()
        };
        let batches = intake.ripe(i64::MAX);
        (intake, batches)
    }

    /// Notes what was folded before a restart, so that it is not taken again when it is sent again.
    pub(crate) fn remember(&mut self, seen: impl Iterator<Item = SeenSample>) {
        for seen in seen {
            self.bus.remember(&seen);
        }
    }

    /// Returns the clocks, for a checkpoint.
    pub(crate) fn clocks(&self) -> KeptClocks {
        self.bus.clocks.kept()
    }

    /// Returns the waiting samples, for a checkpoint.
    pub(crate) fn waiting(&self) -> Vec<Stamped> {
        let waiting = &self.bus.waiting;
        let newest_ms = waiting.last_key_value().map(|((at_ms, _), _)| *at_ms);
        let from_ms = self.bus.newest_ms.max(newest_ms).unwrap_or_default();
        // What is held is at no time yet: in its order it goes behind the others.
        let held = self.held.iter().zip(1..).map(|(held, index)| {
            let at_ms = from_ms.saturating_add(index);
            Stamped {
                at_ms,
                reading: held.reading.for_fold(),
                refitted: true,
                captured_ms: self.bus.clocks.captured_ms(held, at_ms),
                ..held.clone()
            }
        });
        waiting.values().cloned().chain(held).collect()
    }

    /// Newest event time that was believed, in milliseconds since 1970.
    pub(crate) fn newest_ms(&self) -> Option<i64> {
        self.bus.newest_ms
    }

    /// Newest event time that has arrived, in milliseconds since 1970: believed, or of the last sample while it waits for another signal.
    /// No later than the stamps say: a clock that follows may be some milliseconds further.
    pub(crate) fn arrived_ms(&self) -> Option<i64> {
        let newest_ms = self.bus.newest_ms.max(self.ahead_ms)?;
        Some(
            self.stamp_ms
                .map_or(newest_ms, |stamp_ms| newest_ms.min(stamp_ms)),
        )
    }

    /// Returns the time for which the bus has been quiet since its newest sample, in milliseconds: all silences between those that were
    /// not taken.
    pub(crate) fn quiet_ms(&self) -> i64 {
        self.bus.quiet_ms
    }

    /// Notes that something has arrived that is no sample: the next silence is another one.
    pub(crate) fn end_quiet(&mut self) {
        self.bus.end_quiet();
    }

    /// Event time of the oldest sample that is held back for ones that come late.
    pub(crate) fn oldest_waiting_ms(&self) -> Option<i64> {
        let oldest = self.bus.waiting.first_key_value();
        let held = self.held.iter().map(|held| self.bus.clocks.at_ms(held));
        let waiting = oldest.map(|((at_ms, _), _)| *at_ms);
        waiting.into_iter().chain(held.min()).min()
    }

    /// Takes one sample; gives what is to be folded before anything that waits.
    pub(crate) fn take(&mut self, sample: &Stamped, counts: &mut Counts) -> TakenSample {
        let mut taken = TakenSample::default();
        self.bus.end_quiet();
        self.ahead_ms = None;
        let said_ms = self.said_ms.insert(sample.signal, sample.at_ms);
        let is_newer = said_ms.is_some_and(|said_ms| said_ms < sample.at_ms);
        if sample.retained && is_newer {
            self.flagged.insert(sample.signal);
        }
        // What a broker has kept is said again as it was: with any other time somebody speaks.
        let is_other = said_ms.is_some_and(|said_ms| said_ms != sample.at_ms);
        let is_news = is_newer || is_other && self.flagged.contains(&sample.signal);
        if sample.retained && !is_news {
            self.said_ms
                .extend(said_ms.map(|said_ms| (sample.signal, said_ms)));
            self.take_retained(sample, counts);
            taken.check = Some(TimeCheck::Believed(sample.at_ms));
            return taken;
        }
        // A broker keeps one value of each topic: whatever is newer than that is said now, also by one that leaves the flag on it.
        let sample = &Stamped {
            retained: false,
            ..sample.clone()
        };
        let sample_ms = self.bus.clocks.at_ms(sample);
        let is_strange = |bus_ms: i64| bus_ms.abs_diff(sample_ms) > STRANGE_MS.unsigned_abs();
        if self.bus.newest_ms.or(self.hint_ms).is_some_and(is_strange) {
            return self.take_strange(sample, counts);
        }
        let ahead_ms = LATENESS_MS.saturating_add(self.bus.quiet_ms);
        self.stamp_ms = self.stamp_ms.max(Some(sample.at_ms));
        match self.bus.place(sample, ahead_ms) {
            TimePlace::InTime(at_ms) => {
                let is_newer = self.bus.clocks.own_ms(sample.signal) < Some(sample.at_ms);
                self.bus.take_in_time(sample, at_ms, counts);
                if is_newer && !self.held.is_empty() {
                    self.contradict(sample.signal, counts, &mut taken);
                }
                taken.check = Some(TimeCheck::Believed(at_ms));
                self.bus.correct(sample.signal, &mut taken);
            }
            TimePlace::Fits(at_ms) => {
                self.bus.take_at(sample, at_ms, counts);
                taken.check = Some(TimeCheck::Believed(at_ms));
            }
            TimePlace::Behind if self.bus.is_doubtful_behind(sample) => {
                self.bus.refuse_late(sample, counts, &mut taken);
            }
            TimePlace::Behind => {
                let at_ms = self.bus.take_fitted(sample, counts);
                taken.check = Some(TimeCheck::Believed(at_ms));
            }
            TimePlace::Ahead => {
                let is_taken = self.held.hold(&mut self.bus, sample, counts, &mut taken);
                taken.check = Some(if is_taken {
                    TimeCheck::Released
                } else {
                    self.ahead_ms = Some(sample_ms);
                    TimeCheck::Strange
                });
            }
            TimePlace::Overtaken => {
                self.bus.take_overtaken(sample, counts, &mut taken);
                // A clock that was set back tells the time of the bus all the same, and what is held was said before that.
                if taken.check == Some(TimeCheck::Released) {
                    let by = sample.signal;
                    self.held.refuse_older(&taken.released, counts);
                    self.held
                        .contradict(&mut self.bus, by, TOLERANCE_MS, counts, &mut taken);
                    taken.check = Some(TimeCheck::Released);
                }
            }
        }
        self.bus.take_confirmed(counts, &mut taken);
        taken
    }

    /// A signal keeps the time of the bus: what is held is ahead of it. A clock that only follows says nothing of that.
    fn contradict(&mut self, by: Signal, counts: &mut Counts, taken: &mut TakenSample) {
        let bus_ms = self.bus.newest_ms.unwrap_or_default();
        if !self.bus.clocks.follows(by, bus_ms) {
            self.held
                .contradict(&mut self.bus, by, LATENESS_MS, counts, taken);
        }
    }

    /// Returns what nothing can come before any more.
    pub(crate) fn ripen(&mut self) -> Vec<Batch> {
        match self.bus.newest_ms {
            Some(newest_ms) => self.ripe(newest_ms.saturating_sub(LATENESS_MS)),
            None => Vec::new(),
        }
    }

    /// The bus has been quiet for so long: what waits need not wait for more.
    pub(crate) fn quiet(&mut self, for_ms: i64, counts: &mut Counts) -> TakenSample {
        let mut taken = TakenSample::default();
        self.bus.pass_quiet(for_ms);
        if for_ms > LATENESS_MS {
            self.release_quiet(for_ms, counts, &mut taken);
        }
        let mut batches = match self.bus.newest_ms {
            Some(newest_ms) if for_ms > 0 => {
                let until_ms = newest_ms.saturating_add(for_ms).saturating_sub(LATENESS_MS);
                self.ripe(until_ms.min(self.bus.quiet_until_ms(for_ms)))
            }
            Some(_) | None => Vec::new(),
        };
        if for_ms >= SETTLED_MS {
            batches.extend(self.settled());
        }
        taken.batches.append(&mut batches);
        taken
    }

    /// Takes what is held, as far as the bus has been quiet: so much time has gone by in any case. Nothing has contradicted it.
    fn release_quiet(&mut self, for_ms: i64, counts: &mut Counts, taken: &mut TakenSample) {
        let Some(bus_ms) = self.bus.newest_ms.filter(|_| !self.held.is_empty()) else {
            return;
        };
        let quiet_ms = self.bus.quiet_ms;
        let until_ms = bus_ms.saturating_add(quiet_ms.max(TOLERANCE_MS));
        self.held
            .release_until(&mut self.bus, until_ms, counts, taken);
        self.bus.take_confirmed(counts, taken);
        // The time by which the bus has gone ahead counts once.
        let newest_ms = self.bus.newest_ms.unwrap_or(bus_ms);
        let step_ms = newest_ms.saturating_sub(bus_ms);
        if step_ms > 0 {
            let rest_ms = quiet_ms.saturating_sub(step_ms).max(0);
            self.bus.keep_quiet(rest_ms, for_ms);
        }
    }

    /// Everything that waits, at the end of a recording.
    pub(crate) fn drain(&mut self, counts: &mut Counts) -> TakenSample {
        let mut taken = TakenSample::default();
        self.held
            .release_until(&mut self.bus, i64::MAX, counts, &mut taken);
        self.bus.take_confirmed(counts, &mut taken);
        let mut batches = self.ripe(i64::MAX);
        batches.extend(self.settled());
        taken.batches.append(&mut batches);
        taken
    }

    fn take_retained(&mut self, sample: &Stamped, counts: &mut Counts) {
        let Stamped { signal, at_ms, .. } = *sample;
        let reading = sample.reading.for_fold();
        self.hint_ms = self.hint_ms.max(Some(at_ms));
        if self
            .retained
            .get(&signal)
            .is_some_and(|(known_ms, _)| *known_ms >= at_ms)
        {
            counts.refuse(signal, Fault::Duplicate);
            return;
        }
        counts.take_kept(signal, at_ms);
        // While the bus lives, newer state takes its place among the samples; older state goes before them.
        if self.bus.newest_ms.is_some() && !self.bus.is_late(at_ms) {
            let kept = Stamped {
                reading,
                ..sample.clone()
            };
            self.bus.waiting.entry((at_ms, signal)).or_insert(kept);
        } else {
            self.retained.insert(signal, (at_ms, reading));
        }
    }

    fn take_strange(&mut self, sample: &Stamped, counts: &mut Counts) -> TakenSample {
        let Stamped { signal, at_ms, .. } = *sample;
        counts.refuse(signal, Fault::Quarantined);
        self.quarantine.push_back(sample.clone());
        let agrees = |held: &Stamped| held.at_ms.abs_diff(at_ms) <= AGREEMENT_MS.unsigned_abs();
        let agreeing: BTreeSet<Signal> = self
            .quarantine
            .iter()
            .filter(|held| agrees(held))
            .map(|held| held.signal)
            .collect();
        let name = sample.reading.is_name();
        let name = name.then(|| Batch::OutOfOrder(sample.clone()));
        if agreeing.len() < AGREEING {
            if self.quarantine.len() > QUARANTINE_LEN_MAX {
                self.quarantine.pop_front();
            }
            return TakenSample {
                check: Some(TimeCheck::Strange),
                batches: name.into_iter().collect(),
                ..TakenSample::default()
            };
        }
        // The bus itself has moved to another time: finish the old one first.
        let mut batches = self.ripe(i64::MAX);
        batches.extend(name);
        self.held.refuse_all(counts);
        let quarantine = std::mem::take(&mut self.quarantine);
        let released: Vec<Stamped> = quarantine.into_iter().filter(agrees).collect();
        self.bus.begin_anew(&released, counts);
        self.stamp_ms = self.bus.newest_ms;
        TakenSample {
            check: Some(TimeCheck::Released),
            change: Some(TimeChange::Anew),
            released,
            batches,
        }
    }

    /// Everything before `until_ms`, oldest first.
    fn ripe(&mut self, until_ms: i64) -> Vec<Batch> {
        let ripe = self.bus.ripe(until_ms);
        if ripe.is_empty() {
            return ripe;
        }
        self.settled().into_iter().chain(ripe).collect()
    }

    fn settled(&mut self) -> Option<Batch> {
        let retained = std::mem::take(&mut self.retained);
        if retained.is_empty() {
            return None;
        }
        let stamped = |(signal, (at_ms, reading))| Stamped {
            signal,
            at_ms,
            reading,
            retained: true,
            refitted: false,
            said_ms: at_ms,
            captured_ms: at_ms,
        };
        Some(Batch::Retained(retained.into_iter().map(stamped).collect()))
    }
}

#[cfg(test)]
mod tests;
