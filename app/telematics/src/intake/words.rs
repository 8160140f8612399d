//! States of a car that are said once, and were refused for their time: they may be new all the same.

use std::collections::{BTreeMap, VecDeque};

use super::bus_time::TOLERANCE_MS;
use super::sample::Stamped;
use crate::reading::{Ignition, SignalReading};
use crate::signal::Signal;

/// Changes of a state that are remembered, by which a copy is known.
const SPELLS_MAX: usize = 16;

/// A time in which a state was said to be the same, by the stamps of the first and the last word.
#[derive(Debug, Clone, Copy)]
struct SaidSpell {
    on: bool,
    from_ms: i64,
    to_ms: i64,
}

/// A refused word that a session is over, and the first and the last stamp of what other signals have said since behind their newest.
#[derive(Debug, Clone)]
struct RefusedEnd {
    word: Stamped,
    behind_ms: BTreeMap<Signal, (i64, i64)>,
}

impl RefusedEnd {
    /// Returns whether the clock of a signal was behind since the word was said, and went on: it was set back, and the word is true.
    fn is_true_by(&self, signal: Signal) -> bool {
        self.behind_ms
            .get(&signal)
            .is_some_and(|(first_ms, last_ms)| {
                first_ms < last_ms
                    && first_ms.abs_diff(self.word.at_ms) <= TOLERANCE_MS.unsigned_abs()
            })
    }
}

/// The last refused word of each state.
#[derive(Debug, Clone, Default)]
pub(super) struct RefusedWords {
    refused: BTreeMap<Signal, Stamped>,
    /// Of each session the first refused word that it is over, while nothing tells whether it is late.
    ends: BTreeMap<Signal, RefusedEnd>,
    taken: BTreeMap<Signal, VecDeque<SaidSpell>>,
    /// True while the car says that it moves.
    moves: bool,
}

/// Returns whether a reading says that the car drives or charges, or that it does so no longer; `None` for any other.
pub(super) fn says_on(reading: &SignalReading) -> Option<bool> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are said again and again"
    )]
    match reading {
        SignalReading::Ignition(ignition) => Some(*ignition == Ignition::On),
        SignalReading::InPark(in_park) => Some(!in_park),
        SignalReading::Charging(on) | SignalReading::Discharging(on) => Some(*on),
        _ => None,
    }
}

impl RefusedWords {
    pub(super) fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    /// Notes the stamp of a word that was taken.
    pub(super) fn note_taken(&mut self, signal: Signal, on: bool, own_ms: i64) {
        self.refused.remove(&signal);
        self.ends.remove(&signal);
        let spells = self.taken.entry(signal).or_default();
        match spells.back_mut() {
            Some(last) if last.on == on && last.to_ms <= own_ms => last.to_ms = own_ms,
            Some(_) | None => spells.push_back(SaidSpell {
                on,
                from_ms: own_ms,
                to_ms: own_ms,
            }),
        }
        if spells.len() > SPELLS_MAX {
            spells.pop_front();
        }
    }

    /// Notes whether the car says that it moves.
    pub(super) fn note_motion(&mut self, reading: &SignalReading) {
        if matches!(
            reading,
            SignalReading::SpeedKmh(_) | SignalReading::Moving(_)
        ) {
            self.moves = reading.is_movement();
        }
    }

    /// Keeps a word that was refused, unless it is a copy.
    pub(super) fn keep(&mut self, sample: &Stamped) {
        let signal = sample.signal;
        let Some(on) = says_on(&sample.reading) else {
            return;
        };
        // A later word that it goes on is one even as a copy.
        let is_older = |end: &RefusedEnd| end.word.at_ms < sample.at_ms;
        if on && self.ends.get(&signal).is_some_and(is_older) {
            self.ends.remove(&signal);
        }
        if self.is_copy(sample, on) {
            return;
        }
        let ends = matches!(
            sample.reading,
            SignalReading::Charging(false) | SignalReading::Discharging(false)
        );
        if !ends {
            self.refused.insert(signal, sample.clone());
            return;
        }
        self.refused.remove(&signal);
        self.ends.entry(signal).or_insert_with(|| RefusedEnd {
            word: sample.clone(),
            behind_ms: BTreeMap::new(),
        });
    }

    pub(super) fn has_ends(&self) -> bool {
        !self.ends.is_empty()
    }

    /// Notes a sample behind the newest of its signal.
    pub(super) fn note_behind(&mut self, sample: &Stamped) {
        for (signal, end) in &mut self.ends {
            if *signal != sample.signal {
                let behind = end.behind_ms.entry(sample.signal);
                let (_, last_ms) = behind.or_insert((sample.at_ms, sample.at_ms));
                *last_ms = sample.at_ms.max(*last_ms);
            }
        }
    }

    /// Returns the ends of sessions that are true now that a signal says something newer than its newest: its clock was behind for as
    /// long as theirs was. The others are late, since this signal was in time.
    pub(super) fn take_ends(&mut self, by: Signal) -> Vec<Stamped> {
        let ends = std::mem::take(&mut self.ends).into_iter();
        let (of_others, own): (Vec<_>, Vec<_>) = ends.partition(|(signal, _)| *signal != by);
        self.ends.extend(own);
        let is_true = |(_, end): (Signal, RefusedEnd)| end.is_true_by(by).then_some(end.word);
        of_others.into_iter().filter_map(is_true).collect()
    }

    /// Returns whether a word was taken before: at its time the state was so.
    fn is_copy(&self, sample: &Stamped, on: bool) -> bool {
        let mut spells = self.taken.get(&sample.signal).into_iter().flatten();
        spells.any(|spell| spell.on == on && (spell.from_ms..=spell.to_ms).contains(&sample.at_ms))
    }

    /// Returns the words that a lifetime meter confirms by rising: a car that drives is switched on, and one that charges is plugged in,
    /// and does not move.
    pub(super) fn confirmed_by(&mut self, meter: Signal) -> Vec<Stamped> {
        if self.refused.is_empty() {
            return Vec::new();
        }
        let is_odometer = meter == Signal::Odometer;
        if self.moves && !is_odometer {
            return Vec::new();
        }
        let mut confirmed = Vec::new();
        self.refused.retain(|signal, word| {
            let is_of_drive = matches!(signal, Signal::Ignition | Signal::Gear);
            if is_of_drive != is_odometer {
                // A car that drives is not plugged in.
                return !is_odometer;
            }
            let is_confirmed = matches!(
                word.reading,
                SignalReading::Ignition(Ignition::On)
                    | SignalReading::InPark(false)
                    | SignalReading::Charging(true)
            );
            if is_confirmed {
                confirmed.push(word.clone());
            }
            !is_confirmed
        });
        confirmed
    }
}
