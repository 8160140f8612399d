//! Samples further than the bus, which wait until another signal is as far.

use std::collections::{BTreeSet, VecDeque};

use super::bus_time::{PROOF_LEN, TOLERANCE_MS};
use super::clocks::TimePlace;
use super::sample::{LATENESS_MS, Stamped, TakenSample};
use super::timeline::Timeline;
use crate::counts::{Counts, Fault};
use crate::signal::Signal;

/// Samples that are held; with more, the oldest is believed.
const HELD_LEN_MAX: usize = 64;
/// Step of the bus that two signals may say; a longer one needs most of those that live, since it may end a trip.
const JOINT_STEP_MS: i64 = 90_000;

/// Samples further than the bus, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Held(VecDeque<Stamped>);

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stamped> {
        self.0.iter()
    }

    /// Drops all of them: the bus has begun anew.
    pub(super) fn refuse_all(&mut self, counts: &mut Counts) {
        for held in self.0.drain(..) {
            counts.refuse(held.signal, Fault::Late);
        }
    }

    /// Drops the samples of those signals whose clocks were found to have been set back.
    pub(super) fn refuse_older(&mut self, set_back: &[Stamped], counts: &mut Counts) {
        self.0.retain(|held| {
            let is_older = set_back.iter().any(|newer| newer.signal == held.signal);
            if is_older {
                counts.refuse(held.signal, Fault::Late);
            }
            !is_older
        });
    }

    fn has(&self, signal: Signal) -> bool {
        self.0.iter().any(|held| held.signal == signal)
    }

    fn of(&self, signal: Signal) -> impl Iterator<Item = &Stamped> {
        self.0.iter().filter(move |held| held.signal == signal)
    }

    /// Returns the stamps' distance between the first and the last of a signal.
    fn span_ms(&self, signal: Signal) -> i64 {
        let mut stamps = self.of(signal).map(|held| held.at_ms);
        let first = stamps.next().unwrap_or_default();
        stamps.last().map_or(0, |last| last.saturating_sub(first))
    }

    /// Holds a sample further than the bus, and moves the bus ahead as far as the held samples confirm each other.
    ///
    /// Returns whether the sample was taken.
    pub(super) fn hold(
        &mut self,
        bus: &mut Timeline,
        sample: &Stamped,
        counts: &mut Counts,
        taken: &mut TakenSample,
    ) -> bool {
        self.0.push_back(sample.clone());
        while let Some(at_ms) = self.confirmed_ms(bus) {
            self.release_until(bus, at_ms, counts, taken);
        }
        let is_taken = self.0.iter().all(|held| held != sample);
        // The bus has gone on at another pace than those before it said.
        if is_taken && !self.0.is_empty() {
            self.contradict(bus, sample.signal, TOLERANCE_MS, counts, taken);
        }
        is_taken
    }

    /// The least time to which the bus can go by what is held.
    fn confirmed_ms(&self, bus: &Timeline) -> Option<i64> {
        let times = || {
            let time = |held: &Stamped| (bus.clocks.at_ms(held), held.signal);
            self.0.iter().map(time)
        };
        let (least_ms, first) = times().min()?;
        let bus_ms = bus.newest_ms?;
        let (timekeepers, keep_time) = bus.clocks.timekeepers(bus_ms, first);
        let mut is_contested = timekeepers.iter().any(|signal| !self.has(*signal));
        if least_ms.saturating_sub(bus_ms) > JOINT_STEP_MS {
            // The only one that keeps the time may be wild: the others live, and have seen no such time go by.
            is_contested |= bus.clocks.living(bus_ms).any(|signal| !self.has(signal));
        }
        if !is_contested || self.0.len() > HELD_LEN_MAX {
            return Some(least_ms);
        }
        let trusted = times().filter(|(_, signal)| !keep_time || bus.clocks.is_trusted(*signal));
        if let Some((at_ms, signal)) = trusted.min() {
            // A signal that is about as far, or further, agrees that so much time went by.
            let least_ms = at_ms.saturating_sub(TOLERANCE_MS);
            let agreeing = times().filter(|(other_ms, _)| *other_ms >= least_ms);
            let agreeing: BTreeSet<Signal> = agreeing.map(|(_, signal)| signal).collect();
            let is_near = at_ms.saturating_sub(bus_ms) <= JOINT_STEP_MS;
            let is_agreed =
                agreeing.len() > 1 && (is_near || agreeing.len() * 2 > timekeepers.len());
            let goes_on = self.of(signal).count() >= usize::from(PROOF_LEN);
            if is_agreed || goes_on {
                return Some(at_ms);
            }
        }
        // Two wild stamps may be any time apart.
        let alone = times().filter(|(_, signal)| {
            let goes_on = self.of(*signal).count() >= usize::from(PROOF_LEN);
            goes_on && self.span_ms(*signal) >= TOLERANCE_MS
        });
        alone.min().map(|(at_ms, _)| at_ms)
    }

    /// The bus goes to this time, and takes what is held until then in its order.
    pub(super) fn release_until(
        &mut self,
        bus: &mut Timeline,
        until_ms: i64,
        counts: &mut Counts,
        taken: &mut TakenSample,
    ) {
        loop {
            let times = self.0.iter().map(|held| bus.clocks.at_ms(held));
            let Some(least_ms) = times.min().filter(|least_ms| *least_ms <= until_ms) else {
                return;
            };
            let before = self.0.len();
            bus.go_to(least_ms);
            self.drop_in(bus, counts, taken);
            if self.0.len() == before {
                return;
            }
        }
    }

    /// Takes those of the held samples that the bus has reached.
    fn drop_in(&mut self, bus: &mut Timeline, counts: &mut Counts, taken: &mut TakenSample) {
        for held in std::mem::take(&mut self.0) {
            match bus.place(&held, LATENESS_MS) {
                TimePlace::InTime(at_ms) => {
                    bus.take_in_time(&held, at_ms, counts);
                    taken.released.push(held.at(at_ms));
                }
                TimePlace::Fits(at_ms) => {
                    bus.take_at(&held, at_ms, counts);
                    taken.released.push(held.at(at_ms));
                }
                TimePlace::Ahead => self.0.push_back(held),
                TimePlace::Behind => {
                    let at_ms = bus.take_fitted(&held, counts);
                    taken.released.push(held.at(at_ms));
                }
                TimePlace::Overtaken => bus.take_overtaken(&held, counts, taken),
            }
        }
    }

    /// A signal keeps the time of the bus: those that are further ahead of it than so much keep another one, and are taken
    /// now.
    pub(super) fn contradict(
        &mut self,
        bus: &mut Timeline,
        by: Signal,
        most_ms: i64,
        counts: &mut Counts,
        taken: &mut TakenSample,
    ) {
        self.drop_in(bus, counts, taken);
        for held in std::mem::take(&mut self.0) {
            let bus_ms = bus.newest_ms.unwrap_or(held.at_ms);
            let ahead_ms = bus.clocks.at_ms(&held).saturating_sub(bus_ms);
            let own_ms = if held.signal == by {
                JOINT_STEP_MS
            } else {
                most_ms
            };
            if ahead_ms <= own_ms {
                self.0.push_back(held);
                continue;
            }
            let at_ms = bus.take_fitted(&held, counts);
            taken.released.push(held.at(at_ms));
        }
    }
}
