//! The time of the bus, and the samples that wait for those before them.

use std::collections::BTreeMap;

use super::bus_time::{BusTime, TOLERANCE_MS};
use super::clocks::{KeptClocks, SeenSample, SignalClocks, TimePlace};
use super::sample::{Batch, LATENESS_MS, Stamped, TakenSample, TimeChange, TimeCheck};
use super::words::{RefusedWords, says_on};
use crate::counts::{Counts, Fault};
use crate::reading::SignalReading;
use crate::signal::Signal;

/// The time of the bus, with what has not been folded.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Newest live time that was believed.
    pub(super) newest_ms: Option<i64>,
    /// Time that a checkpoint had reached.
    resumed_ms: Option<i64>,
    /// Everything before has been folded, and what comes from there now would be out of order. Never later than the
    /// newest time: what follows on it is in order however long the bus was quiet.
    pub(super) folded_ms: Option<i64>,
    /// Time for which the bus has been quiet since its newest sample: all silences between those that were not taken.
    pub(super) quiet_ms: i64,
    /// The part of it that the present silence has told.
    told_quiet_ms: i64,
    /// Time for which it was quiet between the newest sample of a leader and the newest sample.
    led_ms: i64,
    pub(super) waiting: BTreeMap<(i64, Signal), Stamped>,
    pub(super) clocks: SignalClocks,
    words: RefusedWords,
    /// Lifetime meters that have risen while words waited for that.
    risen: Vec<Signal>,
}

impl Timeline {
    /// Goes on with what a checkpoint held.
    pub(super) fn resume(waiting: Vec<Stamped>, at_ms: Option<i64>, clocks: &KeptClocks) -> Self {
        let newest_ms = waiting.iter().map(|held| held.at_ms).max();
        let keyed = |held: Stamped| ((held.at_ms, held.signal), held);
        Self {
            resumed_ms: newest_ms.max(at_ms),
            waiting: waiting.into_iter().map(keyed).collect(),
            clocks: SignalClocks::resume(clocks),
            ..Self::default()
        }
    }

    /// The time of the bus for a sample: after a restart it begins anew, but not shortly before its end.
    pub(super) fn ms_for(&self, sample: &Stamped) -> Option<i64> {
        let ago_ms = |ended_ms: &i64| ended_ms.saturating_sub(self.clocks.at_ms(sample));
        let resumed_ms = self
            .resumed_ms
            .filter(|ended_ms| (0..=TOLERANCE_MS).contains(&ago_ms(ended_ms)));
        self.newest_ms.or(resumed_ms)
    }

    fn time_for(&self, sample: &Stamped) -> BusTime {
        let ms = self.ms_for(sample);
        // After a restart all that a checkpoint had reached is folded.
        let is_resumed = self.newest_ms.is_none() && ms.is_some();
        BusTime {
            ms,
            folded_ms: self.folded_ms.max(ms.filter(|_| is_resumed)),
            resumed_ms: self.resumed_ms,
            quiet_ms: self.quiet_ms,
            led_ms: self.led_ms.saturating_add(self.quiet_ms),
        }
    }

    /// Notes that nothing has arrived for so long.
    pub(super) fn pass_quiet(&mut self, for_ms: i64) {
        // Less than was told before is another silence.
        let told_ms = Some(self.told_quiet_ms).filter(|told_ms| *told_ms <= for_ms);
        let more_ms = for_ms.saturating_sub(told_ms.unwrap_or(0));
        self.quiet_ms = self.quiet_ms.saturating_add(more_ms);
        self.told_quiet_ms = for_ms;
    }

    /// The bus goes to this time. A sample that is no newer says nothing of the time that has gone by.
    pub(super) fn go_to(&mut self, at_ms: i64) {
        if self.newest_ms < Some(at_ms) {
            self.newest_ms = Some(at_ms);
            self.led_ms = self.led_ms.saturating_add(self.quiet_ms);
            (self.quiet_ms, self.told_quiet_ms) = (0, 0);
        }
    }

    /// Notes that the bus was quiet for longer than it has gone ahead, and that the present silence has told so much.
    pub(super) fn keep_quiet(&mut self, rest_ms: i64, told_ms: i64) {
        self.led_ms = self.led_ms.saturating_sub(rest_ms).max(0);
        (self.quiet_ms, self.told_quiet_ms) = (rest_ms, told_ms);
    }

    /// Notes that something has arrived, taken or not: the next silence is another one.
    pub(super) fn end_quiet(&mut self) {
        self.told_quiet_ms = 0;
    }

    /// Notes what was taken before a restart: it is not taken again.
    pub(super) fn remember(&mut self, seen: &SeenSample) {
        self.clocks.remember(seen);
        let on = seen.word.as_ref().and_then(says_on);
        if let Some((on, own_ms)) = on.zip(self.clocks.own_ms(seen.signal)) {
            self.words.note_taken(seen.signal, on, own_ms);
        }
    }

    /// Finds the place of a sample. `ahead_ms` is the step that the bus may make without another word.
    pub(super) fn place(&mut self, sample: &Stamped, ahead_ms: i64) -> TimePlace {
        let bus = self.time_for(sample);
        if bus.ms.is_none() && bus.resumed_ms > Some(self.clocks.at_ms(sample)) {
            self.clocks.forget();
        }
        self.clocks.place(sample, bus, ahead_ms)
    }

    /// Takes a sample that is in order.
    pub(super) fn take_in_time(&mut self, sample: &Stamped, at_ms: i64, counts: &mut Counts) {
        let is_known = match self.waiting.get(&(at_ms, sample.signal)) {
            Some(waiting) => waiting.reading == sample.reading.for_fold(),
            None => {
                self.time_for(sample).folded_ms >= Some(at_ms)
                    && self.clocks.own_ms(sample.signal) == Some(sample.at_ms)
            }
        };
        if is_known {
            counts.refuse(sample.signal, Fault::Duplicate);
            self.words.keep(sample);
            return;
        }
        self.judge_ends(sample, counts);
        self.note_rise(sample);
        self.clocks.take(sample, at_ms);
        self.wait(sample, at_ms, false, counts);
    }

    /// Takes a sample at a time of the bus to which its clock is fitted.
    pub(super) fn take_at(&mut self, sample: &Stamped, at_ms: i64, counts: &mut Counts) {
        self.judge_ends(sample, counts);
        self.note_rise(sample);
        // Power is summed over time, which a clock that only jitters neither adds to nor takes from.
        let moved_ms = at_ms.saturating_sub(self.clocks.at_ms(sample)).abs();
        let jitters =
            moved_ms < LATENESS_MS && matches!(sample.reading, SignalReading::BatteryW(_));
        self.clocks.set(sample, at_ms);
        self.wait(sample, at_ms, !jitters, counts);
    }

    /// Takes a sample that is newer for its own signal alone, at the time of the bus.
    pub(super) fn take_fitted(&mut self, sample: &Stamped, counts: &mut Counts) -> i64 {
        let bus = self.time_for(sample);
        let bus_ms = bus.ms.unwrap_or(sample.at_ms);
        self.note_rise(sample);
        let at_ms = self.clocks.fit(sample, bus_ms, bus.folded_ms);
        self.wait(sample, at_ms, true, counts);
        at_ms
    }

    /// Takes a sample of a clock that is proven to have been set back, at the time of the bus.
    fn take_set_back(&mut self, sample: &Stamped, counts: &mut Counts) -> i64 {
        let bus = self.time_for(sample);
        let bus_ms = bus.ms.unwrap_or(sample.at_ms);
        let at_ms = self.clocks.fit_back(sample, bus_ms, bus.folded_ms);
        self.wait(sample, at_ms, true, counts);
        at_ms
    }

    /// Takes the refused ends of sessions that are true by a sample that is newer for its own signal, before it; one that is late by
    /// it is forgotten.
    fn judge_ends(&mut self, sample: &Stamped, counts: &mut Counts) {
        let is_newer = self.clocks.own_ms(sample.signal) < Some(sample.at_ms);
        if self.words.has_ends() && is_newer && self.clocks.speaks_often(sample.signal) {
            for end in self.words.take_ends(sample.signal) {
                self.take_fitted(&end, counts);
            }
        }
    }

    /// Notes that a lifetime meter rises with a sample: the car goes on.
    fn note_rise(&mut self, sample: &Stamped) {
        if self.clocks.rises(sample) && !self.words.is_empty() {
            self.risen.push(sample.signal);
        }
    }

    /// Takes the words that were refused, and are confirmed by a lifetime meter that has risen since.
    pub(super) fn take_confirmed(&mut self, counts: &mut Counts, taken: &mut TakenSample) {
        for meter in std::mem::take(&mut self.risen) {
            for word in self.words.confirmed_by(meter) {
                let at_ms = self.take_fitted(&word, counts);
                taken.released.push(word.at(at_ms));
            }
        }
    }

    fn wait(&mut self, sample: &Stamped, at_ms: i64, refitted: bool, counts: &mut Counts) {
        counts.take(sample.signal, sample.at_ms);
        match says_on(&sample.reading) {
            Some(on) => self.words.note_taken(sample.signal, on, sample.at_ms),
            None => self.words.note_motion(&sample.reading),
        }
        if self.newest_ms.is_none() && self.resumed_ms <= Some(at_ms) {
            self.folded_ms = self.resumed_ms;
        }
        let waiting = Stamped {
            at_ms,
            reading: sample.reading.for_fold(),
            refitted,
            captured_ms: self.clocks.captured_ms(sample, at_ms),
            ..sample.clone()
        };
        self.waiting.insert((at_ms, sample.signal), waiting);
        self.go_to(at_ms);
        if self.clocks.leads(sample.signal) {
            self.led_ms = 0;
        }
    }

    /// Returns whether a sample that its own clock puts behind the bus is to be refused all the same: an old name is no word
    /// of now, and one that says that energy is given back may have been said and paid before a restart.
    pub(super) fn is_doubtful_behind(&self, sample: &Stamped) -> bool {
        let since_ms = self
            .ms_for(sample)
            .map_or(i64::MIN, |bus_ms| bus_ms.saturating_sub(TOLERANCE_MS));
        let is_old = self.clocks.at_ms(sample) <= since_ms;
        let may_be_paid = matches!(sample.reading, SignalReading::Discharging(true))
            && self.clocks.own_ms(sample.signal).is_none();
        is_old && (sample.reading.is_name() || may_be_paid)
    }

    pub(super) fn refuse_late(
        &self,
        sample: &Stamped,
        counts: &mut Counts,
        taken: &mut TakenSample,
    ) {
        counts.refuse(sample.signal, Fault::Late);
        let name = sample.reading.is_name();
        let name = name.then(|| Batch::OutOfOrder(sample.clone()));
        taken.batches.extend(name);
        taken.check = Some(TimeCheck::Late(self.clocks.at_ms(sample)));
    }

    /// Takes a sample behind a newer one of its own signal: late, told before, or of a clock that was set back.
    pub(super) fn take_overtaken(
        &mut self,
        sample: &Stamped,
        counts: &mut Counts,
        taken: &mut TakenSample,
    ) {
        let own_ms = self.clocks.own_ms(sample.signal);
        if own_ms < Some(sample.at_ms) {
            self.refuse_late(sample, counts, taken);
            return;
        }
        let proven = self.clocks.prove_set_back(sample, self.time_for(sample));
        if proven.contains(sample) {
            self.note_rise(sample);
            self.take_confirmed(counts, taken);
            for held in proven {
                let at_ms = self.take_set_back(&held, counts);
                taken.released.push(held.at(at_ms));
            }
            taken.check = Some(TimeCheck::Released);
            return;
        }
        self.words.note_behind(sample);
        self.words.keep(sample);
        if own_ms == Some(sample.at_ms) {
            counts.refuse(sample.signal, Fault::Duplicate);
            taken.check = Some(TimeCheck::Believed(self.clocks.at_ms(sample)));
        } else {
            self.refuse_late(sample, counts, taken);
        }
    }

    /// Moves all times when most signals say that the time of the bus is wrong.
    pub(super) fn correct(&mut self, signal: Signal, taken: &mut TakenSample) {
        let Some(bus_ms) = self.newest_ms else {
            return;
        };
        let Some(shift_ms) = self.clocks.common_shift_ms(signal, bus_ms) else {
            return;
        };
        let by_ms = shift_ms.saturating_neg();
        let moved = |at_ms: i64| at_ms.saturating_add(by_ms);
        self.clocks.translate(by_ms);
        self.newest_ms = self.newest_ms.map(moved);
        self.folded_ms = self.folded_ms.map(moved);
        self.waiting = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|((at_ms, signal), waiting)| {
                let at_ms = moved(at_ms);
                let captured_ms = moved(waiting.captured_ms);
                let waiting = Stamped {
                    at_ms,
                    captured_ms,
                    ..waiting
                };
                ((at_ms, signal), waiting)
            })
            .collect();
        taken.batches.push(Batch::Translated(by_ms));
        taken.change = Some(TimeChange::By(by_ms));
    }

    /// Begins anew with samples whose times agree with each other.
    pub(super) fn begin_anew(&mut self, samples: &[Stamped], counts: &mut Counts) {
        self.folded_ms = None;
        self.clocks = SignalClocks::default();
        self.words = RefusedWords::default();
        self.risen.clear();
        (self.quiet_ms, self.told_quiet_ms, self.led_ms) = (0, 0, 0);
        self.newest_ms = samples.iter().map(|sample| sample.at_ms).max();
        for sample in samples {
            self.clocks.take(sample, sample.at_ms);
            self.wait(sample, sample.at_ms, false, counts);
        }
    }

    /// Returns the time until which a silence of so long may be folded: those that follow are ahead of their leader, which
    /// still comes there when it goes on.
    pub(super) fn quiet_until_ms(&self, for_ms: i64) -> i64 {
        let bus_ms = self.newest_ms.filter(|_| for_ms <= TOLERANCE_MS);
        let lead = bus_ms.and_then(|bus_ms| self.clocks.lead(bus_ms));
        lead.map_or(i64::MAX, |(lead_ms, _)| lead_ms.saturating_add(1))
    }

    pub(super) fn is_late(&self, at_ms: i64) -> bool {
        let behind = |newest_ms: i64| at_ms < newest_ms.saturating_sub(LATENESS_MS);
        self.newest_ms.is_some_and(behind)
            || self.folded_ms.is_some_and(|folded_ms| at_ms < folded_ms)
    }

    /// Everything before `until_ms`, oldest first.
    pub(super) fn ripe(&mut self, until_ms: i64) -> Vec<Batch> {
        if let Some(newest_ms) = self.newest_ms {
            self.folded_ms = self.folded_ms.max(Some(until_ms.min(newest_ms)));
        }
        let oldest = self.waiting.first_key_value();
        if oldest.is_none_or(|((oldest_ms, _), _)| *oldest_ms >= until_ms) {
            return Vec::new();
        }
        let mut ripe = self.waiting.split_off(&(until_ms, Signal::ALL[0]));
        std::mem::swap(&mut ripe, &mut self.waiting);
        let mut batches: Vec<Batch> = Vec::new();
        for ((at_ms, _), stamped) in ripe {
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
}
