//! Puts samples into the order of their event time, and keeps away those whose time cannot be.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::counts::{Counts, Fault};
use crate::reading::SignalReading;
use crate::signal::Signal;

/// Delay that a sample may have and still be folded in order.
pub(crate) const LATENESS_MS: i64 = 2_000;
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

/// A reading at its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stamped {
    pub(crate) signal: Signal,
    pub(crate) at_ms: i64,
    pub(crate) reading: SignalReading,
    pub(crate) retained: bool,
}

/// Everything that was so at one time: folded together, so that the order within a millisecond cannot matter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Batch {
    /// Live samples of one millisecond.
    Instant { at_ms: i64, readings: Vec<Stamped> },
    /// State that the broker kept, of different times.
    Retained(Vec<Stamped>),
    /// A name that was refused for its time: of who drives, the last word counts for something all the same.
    OutOfOrder(Stamped),
}

/// Result of the check of a sample's time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TimeCheck {
    /// In order, told before, or state that the broker had kept.
    Believed,
    /// More than two seconds behind the bus.
    Late,
    /// More than a day off the bus; it waits for other signals to agree.
    Strange,
    /// The bus has moved to another time: the samples that had waited for that, as they came.
    Moved(Vec<Stamped>),
}

/// The samples that wait for those before them.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// Newest live time that was believed.
    newest_ms: Option<i64>,
    /// Newest time known from state, before anything is live.
    hint_ms: Option<i64>,
    /// Everything before has been folded, and what comes from there now would be out of order. Never later than the
    /// newest time: what follows on it is in order however long the bus was quiet.
    folded_ms: Option<i64>,
    waiting: BTreeMap<(i64, Signal), (SignalReading, bool)>,
    retained: BTreeMap<Signal, (i64, SignalReading)>,
    quarantine: VecDeque<Stamped>,
}

impl Intake {
    /// Goes on with what a checkpoint held. Nothing later can come before it: the bus does not send twice.
    pub(crate) fn resume(waiting: Vec<Stamped>, at_ms: Option<i64>) -> (Self, Vec<Batch>) {
        let keyed = |held: Stamped| ((held.at_ms, held.signal), (held.reading, held.retained));
        let mut intake = Self {
            hint_ms: at_ms,
            waiting: waiting.into_iter().map(keyed).collect(),
            ..Self::default()
        };
        let batches = intake.ripe(i64::MAX);
        (intake, batches)
    }

    /// Returns the waiting samples, for a checkpoint.
    pub(crate) fn waiting(&self) -> Vec<Stamped> {
        let stamped =
            |(&(at_ms, signal), (reading, retained)): (&(i64, Signal), &(SignalReading, bool))| {
                Stamped {
                    signal,
                    at_ms,
                    reading: reading.clone(),
                    retained: *retained,
                }
            };
        self.waiting.iter().map(stamped).collect()
    }

    /// Newest event time that was believed, in milliseconds since 1970.
    pub(crate) fn newest_ms(&self) -> Option<i64> {
        self.newest_ms
    }

    /// Event time of the oldest sample that is held back for ones that come late.
    pub(crate) fn oldest_waiting_ms(&self) -> Option<i64> {
        let oldest = self.waiting.first_key_value();
        oldest.map(|((at_ms, _), _)| *at_ms)
    }

    /// Takes one sample; gives what is to be folded before anything that waits.
    pub(crate) fn take(
        &mut self,
        sample: &Stamped,
        counts: &mut Counts,
    ) -> (TimeCheck, Vec<Batch>) {
        if sample.retained {
            self.take_retained(sample, counts);
            return (TimeCheck::Believed, Vec::new());
        }
        let reference = self.newest_ms.or(self.hint_ms);
        if reference.is_some_and(|bus_ms| bus_ms.abs_diff(sample.at_ms) > STRANGE_MS.unsigned_abs())
        {
            return self.take_strange(sample, counts);
        }
        let key = (sample.at_ms, sample.signal);
        let reading = sample.reading.for_fold();
        let known_ms = counts.of(sample.signal).and_then(|known| known.last_ts_ms);
        let is_late = self.is_late(sample.at_ms);
        let is_past = is_late || self.folded_ms >= Some(sample.at_ms);
        let fault = match self.waiting.get(&key) {
            Some((known, _)) if *known == reading => Some(Fault::Duplicate),
            Some(_) => None,
            None if is_past && known_ms == Some(sample.at_ms) => Some(Fault::Duplicate),
            None => is_late.then_some(Fault::Late),
        };
        if let Some(fault) = fault {
            counts.refuse(sample.signal, fault);
            if fault != Fault::Late {
                return (TimeCheck::Believed, Vec::new());
            }
            let name = sample.reading.is_name();
            let name = name.then(|| Batch::OutOfOrder(sample.clone()));
            return (TimeCheck::Late, name.into_iter().collect());
        }
        counts.take(sample.signal, sample.at_ms);
        self.waiting.insert(key, (reading, false));
        let newest_ms = self
            .newest_ms
            .map_or(sample.at_ms, |newest_ms| newest_ms.max(sample.at_ms));
        self.newest_ms = Some(newest_ms);
        (TimeCheck::Believed, Vec::new())
    }

    /// Returns what nothing can come before any more.
    pub(crate) fn ripen(&mut self) -> Vec<Batch> {
        match self.newest_ms {
            Some(newest_ms) => self.ripe(newest_ms.saturating_sub(LATENESS_MS)),
            None => Vec::new(),
        }
    }

    /// The bus has been quiet for so long: what waits need not wait for more.
    pub(crate) fn quiet(&mut self, for_ms: i64) -> Vec<Batch> {
        let mut batches = match self.newest_ms {
            Some(newest_ms) if for_ms > 0 => {
                self.ripe(newest_ms.saturating_add(for_ms).saturating_sub(LATENESS_MS))
            }
            Some(_) | None => Vec::new(),
        };
        if for_ms >= SETTLED_MS {
            batches.extend(self.settled());
        }
        batches
    }

    /// Everything that waits, at the end of a recording.
    pub(crate) fn drain(&mut self) -> Vec<Batch> {
        let mut batches = self.ripe(i64::MAX);
        batches.extend(self.settled());
        batches
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
        if self.newest_ms.is_some() && !self.is_late(at_ms) {
            self.waiting
                .entry((at_ms, signal))
                .or_insert((reading, true));
        } else {
            self.retained.insert(signal, (at_ms, reading));
        }
    }

    fn take_strange(&mut self, sample: &Stamped, counts: &mut Counts) -> (TimeCheck, Vec<Batch>) {
        let Stamped { signal, at_ms, .. } = *sample;
        counts.refuse(signal, Fault::Quarantined);
        self.quarantine.push_back(sample.clone());
        let agrees = |held_ms: i64| held_ms.abs_diff(at_ms) <= AGREEMENT_MS.unsigned_abs();
        let agreeing: BTreeSet<Signal> = self
            .quarantine
            .iter()
            .filter(|held| agrees(held.at_ms))
            .map(|held| held.signal)
            .collect();
        let name = sample.reading.is_name();
        let name = name.then(|| Batch::OutOfOrder(sample.clone()));
        if agreeing.len() < AGREEING {
            if self.quarantine.len() > QUARANTINE_LEN_MAX {
                self.quarantine.pop_front();
            }
            return (TimeCheck::Strange, name.into_iter().collect());
        }
        // The bus itself has moved to another time: finish the old one first.
        let mut batches = self.ripe(i64::MAX);
        batches.extend(name);
        self.folded_ms = None;
        let mut released = Vec::new();
        for held in std::mem::take(&mut self.quarantine) {
            let held_ms = held.at_ms;
            if agrees(held_ms) {
                counts.take(held.signal, held_ms);
                self.newest_ms = Some(self.newest_ms.map_or(held_ms, |newest_ms| {
                    if agrees(newest_ms) {
                        newest_ms.max(held_ms)
                    } else {
                        held_ms
                    }
                }));
                let key = (held_ms, held.signal);
                self.waiting.insert(key, (held.reading.for_fold(), false));
                released.push(held);
            }
        }
        (TimeCheck::Moved(released), batches)
    }

    fn is_late(&self, at_ms: i64) -> bool {
        let behind = |newest_ms: i64| at_ms < newest_ms.saturating_sub(LATENESS_MS);
        self.newest_ms.is_some_and(behind)
            || self.folded_ms.is_some_and(|folded_ms| at_ms < folded_ms)
    }

    /// Everything before `until_ms`, oldest first.
    fn ripe(&mut self, until_ms: i64) -> Vec<Batch> {
        if let Some(newest_ms) = self.newest_ms {
            self.folded_ms = self.folded_ms.max(Some(until_ms.min(newest_ms)));
        }
        let oldest = self.waiting.first_key_value();
        if oldest.is_none_or(|((oldest_ms, _), _)| *oldest_ms >= until_ms) {
            return Vec::new();
        }
        let mut ripe = self.waiting.split_off(&(until_ms, Signal::ALL[0]));
        std::mem::swap(&mut ripe, &mut self.waiting);
        let mut batches: Vec<Batch> = self.settled().into_iter().collect();
        for ((at_ms, signal), (reading, retained)) in ripe {
            let stamped = Stamped {
                signal,
                at_ms,
                reading,
                retained,
            };
            match batches.last_mut() {
                Some(Batch::Instant {
                    at_ms: same_ms,
                    readings,
                }) if *same_ms == at_ms => readings.push(stamped),
                Some(_) | None => batches.push(Batch::Instant {
                    at_ms,
                    readings: vec![stamped],
                }),
            }
        }
        batches
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
        };
        Some(Batch::Retained(retained.into_iter().map(stamped).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(signal: Signal, at_ms: i64) -> Stamped {
        Stamped {
            signal,
            at_ms,
            reading: SignalReading::Elsewhere,
            retained: false,
        }
    }

    /// Takes a sample and gives all that has become ripe.
    fn take(intake: &mut Intake, sample: &Stamped, counts: &mut Counts) -> Vec<Batch> {
        let (_, mut batches) = intake.take(sample, counts);
        batches.extend(intake.ripen());
        batches
    }

    fn times(batches: &[Batch]) -> Vec<i64> {
        let time = |batch: &Batch| match batch {
            Batch::Instant { at_ms, .. } => *at_ms,
            Batch::Retained(_) | Batch::OutOfOrder(_) => -1,
        };
        batches.iter().map(time).collect()
    }

    #[test]
    fn two_seconds_late_is_in_order_and_a_millisecond_more_is_late() {
        let (mut intake, mut counts) = (Intake::default(), Counts::default());
        assert!(take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts).is_empty());
        assert!(take(&mut intake, &sample(Signal::Odometer, 8_000), &mut counts).is_empty());
        assert!(take(&mut intake, &sample(Signal::Gear, 7_999), &mut counts).is_empty());
        assert_eq!(counts.faults(Signal::Gear, Fault::Late), 1);
        let batches = take(&mut intake, &sample(Signal::Speed, 12_001), &mut counts);
        assert_eq!(times(&batches), [8_000, 10_000]);
        assert!(take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts).is_empty());
        assert_eq!(counts.faults(Signal::Speed, Fault::Late), 1);
        assert!(take(&mut intake, &sample(Signal::Speed, 12_001), &mut counts).is_empty());
        assert_eq!(counts.faults(Signal::Speed, Fault::Duplicate), 1);
    }

    #[test]
    fn a_strange_time_waits_for_three_signals() {
        let (mut intake, mut counts) = (Intake::default(), Counts::default());
        let future_ms = 10_000 + STRANGE_MS + 1;
        take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts);
        for _ in 0..200 {
            assert!(take(&mut intake, &sample(Signal::Speed, future_ms), &mut counts).is_empty());
        }
        assert_eq!(intake.quarantine.len(), QUARANTINE_LEN_MAX);
        assert!(
            take(
                &mut intake,
                &sample(Signal::Odometer, future_ms),
                &mut counts
            )
            .is_empty()
        );
        assert_eq!(intake.newest_ms(), Some(10_000));
        let batches = take(
            &mut intake,
            &sample(Signal::Gear, future_ms + 5_000),
            &mut counts,
        );
        assert_eq!(times(&batches), [10_000, future_ms]);
        assert_eq!(intake.newest_ms(), Some(future_ms + 5_000));
        assert_eq!(counts.all_faults(Fault::Quarantined), 202);
    }

    #[test]
    fn a_clock_that_was_far_ahead_comes_back() {
        let (mut intake, mut counts) = (Intake::default(), Counts::default());
        take(
            &mut intake,
            &sample(Signal::Speed, 80 * STRANGE_MS),
            &mut counts,
        );
        for signal in [Signal::Speed, Signal::Odometer, Signal::Gear] {
            take(&mut intake, &sample(signal, 10_000), &mut counts);
        }
        assert_eq!(intake.newest_ms(), Some(10_000));
        let batches = take(&mut intake, &sample(Signal::Speed, 13_000), &mut counts);
        assert_eq!(times(&batches), [10_000]);
    }

    #[test]
    fn what_follows_on_a_quiet_bus_is_in_order_and_what_it_said_before_is_not() {
        let (mut intake, mut counts) = (Intake::default(), Counts::default());
        take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts);
        assert_eq!(times(&intake.quiet(30_000)), [10_000]);
        // The rest of the same moment, and the next one.
        take(&mut intake, &sample(Signal::Ignition, 10_000), &mut counts);
        take(&mut intake, &sample(Signal::Speed, 10_100), &mut counts);
        assert_eq!(counts.all_faults(Fault::Late), 0);
        take(&mut intake, &sample(Signal::Gear, 9_999), &mut counts);
        assert_eq!(counts.faults(Signal::Gear, Fault::Late), 1);
        assert_eq!(times(&intake.quiet(30_000)), [10_000, 10_100]);
        take(&mut intake, &sample(Signal::Speed, 10_100), &mut counts);
        assert_eq!(counts.faults(Signal::Speed, Fault::Duplicate), 1);
    }

    #[test]
    fn retained_state_goes_before_the_samples_or_when_the_bus_is_quiet() {
        let retained = |signal, at_ms| Stamped {
            retained: true,
            ..sample(signal, at_ms)
        };
        let (mut intake, mut counts) = (Intake::default(), Counts::default());
        take(&mut intake, &retained(Signal::Odometer, 1_000), &mut counts);
        assert!(intake.quiet(999).is_empty());
        assert_eq!(times(&intake.quiet(1_000)), [-1]);
        take(&mut intake, &retained(Signal::Odometer, 2_000), &mut counts);
        take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts);
        assert_eq!(times(&intake.quiet(2_001)), [-1, 10_000]);
    }
}
