//! The clock of each signal, as its distance from the time of the bus.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bus_time::{BusTime, TOLERANCE_MS};
use super::clock::SignalClock;
use super::sample::{LATENESS_MS, Stamped};
use super::set_back::{SetBack, SetBackProof};
use crate::reading::SignalReading;
use crate::signal::{Signal, used_signals};

/// With so many samples in time of one signal, half of those of each are forgotten: what counts is who is in time more often.
const FITS_MAX: u32 = 256;
/// Leaders that keep the time of the bus together: only signals of motion move it against them.
const FIRM_LEADERS: u32 = 2;
/// The least that those who follow may be ahead of their leader.
const STEP_MS_MIN: i64 = 1_000;
/// Longest time for which a leader that seldom speaks counts as living.
const LEADER_MS_MAX: i64 = 300_000;
/// Room for those that follow within one step of the leader, a millisecond each: still in order for its next sample.
const ROOM_MS: i64 = 1_000;

/// The place of a sample on the time of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimePlace {
    /// In order, at this time.
    InTime(i64),
    /// In order at this time, to which its clock is to be fitted: it follows another one, or keeps the time of the bus again.
    Fits(i64),
    /// Newer for its own signal, but not in the time of the bus: its clock is to be fitted.
    Behind,
    /// Further than the bus: another signal is to confirm it.
    Ahead,
    /// Not newer for its own signal, or without room behind its leader, and too late to be put in order.
    Overtaken,
}

/// The clocks of all signals.
#[derive(Debug, Clone)]
pub(super) struct SignalClocks {
    /// One for each signal, in the order of the declaration.
    clocks: Vec<SignalClock>,
    set_back: SetBackProof,
}

/// The clocks of those signals that keep another time than the bus, for a restart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeptClocks(
    #[serde(deserialize_with = "used_signals")] BTreeMap<Signal, KeptClock>,
);

/// Distance of a clock from the time of the bus, and the part of it that is proven.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct KeptClock {
    shift_ms: i64,
    proven_shift_ms: i64,
}

/// The last sample of a signal before a restart: its time on the bus, and its value when it is a lifetime meter.
#[derive(Debug, Clone)]
pub(crate) struct SeenSample {
    pub(crate) signal: Signal,
    pub(crate) at_ms: i64,
    pub(crate) value: Option<u64>,
    /// The last word of a state: what begins or ends a drive or a session.
    pub(crate) word: Option<SignalReading>,
}

/// Living signals whose clocks agree.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    len: u32,
    /// Signals that have been in time.
    proven: u32,
    leaders: u32,
    fits: u32,
    /// True when one that has been in time says that the car moves.
    moves: bool,
    leads_motion: bool,
}

impl Group {
    fn add(&mut self, signal: Signal, clock: &SignalClock) {
        let is_motion = matches!(signal, Signal::Speed | Signal::IsMoving | Signal::Odometer);
        self.len += 1;
        self.proven += u32::from(clock.fits() > 0);
        self.leaders += u32::from(clock.leads());
        self.fits += clock.fits();
        self.moves |= is_motion && clock.fits() > 0;
        self.leads_motion |= is_motion && clock.leads();
    }
}

impl Default for SignalClocks {
    fn default() -> Self {
        Self {
            clocks: vec![SignalClock::default(); Signal::ALL.len()],
            set_back: SetBackProof::default(),
        }
    }
}

impl SignalClocks {
    /// Goes on with the clocks of before.
    pub(super) fn resume(kept: &KeptClocks) -> Self {
        let mut clocks = Self::default();
        for (signal, kept) in &kept.0 {
            let clock = clocks.of_mut(*signal);
            clock.set_shift(kept.shift_ms);
            clock.proven_shift_ms = kept.proven_shift_ms;
        }
        clocks
    }

    /// Notes what was taken before a restart: it is not taken again.
    pub(super) fn remember(&mut self, seen: &SeenSample) {
        let clock = self.of_mut(seen.signal);
        clock.own_ms = Some(seen.at_ms.saturating_sub(clock.shift_ms()));
        clock.at_ms = Some(seen.at_ms);
        clock.value = seen.value;
    }

    /// Forgets what was taken before a restart: the clock of the bus has begun anew.
    pub(super) fn forget(&mut self) {
        for clock in &mut self.clocks {
            (clock.own_ms, clock.at_ms, clock.value) = (None, None, None);
        }
    }

    pub(super) fn kept(&self) -> KeptClocks {
        let kept = |signal: &Signal| {
            let clock = self.of(*signal);
            let kept = KeptClock {
                shift_ms: clock.shift_ms(),
                proven_shift_ms: clock.proven_shift_ms,
            };
            (*signal, kept)
        };
        let clocks = Signal::ALL.iter().map(kept);
        let is_off = |(_, kept): &(Signal, KeptClock)| kept.shift_ms != 0;
        KeptClocks(clocks.filter(is_off).collect())
    }

    fn of(&self, signal: Signal) -> &SignalClock {
        &self.clocks[signal as usize]
    }

    fn of_mut(&mut self, signal: Signal) -> &mut SignalClock {
        &mut self.clocks[signal as usize]
    }

    /// Newest stamp that was taken of a signal.
    pub(super) fn own_ms(&self, signal: Signal) -> Option<i64> {
        self.of(signal).own_ms
    }

    /// The time of the bus at which a sample was said, by the clock of its signal.
    pub(super) fn at_ms(&self, sample: &Stamped) -> i64 {
        sample
            .at_ms
            .saturating_add(self.of(sample.signal).shift_ms())
    }

    /// Returns the earliest time of the bus at which a sample that is taken at this one may have been captured: a stamp that is older
    /// is that of an old value or of a clock that is behind, and nothing but a proof tells which.
    pub(super) fn captured_ms(&self, sample: &Stamped, at_ms: i64) -> i64 {
        let proven_ms = self.of(sample.signal).proven_shift_ms;
        at_ms.min(sample.at_ms.saturating_add(proven_ms))
    }

    /// Fits the clock of a signal to a sample by which it is proven to have been set back, and gives the time of the bus for it.
    pub(super) fn fit_back(
        &mut self,
        sample: &Stamped,
        bus_ms: i64,
        folded_ms: Option<i64>,
    ) -> i64 {
        let age_ms = self.set_back.age_ms(sample.signal);
        let doubt_ms = self.of(sample.signal).doubt_ms().max(age_ms);
        let at_ms = self.fit(sample, bus_ms, folded_ms);
        self.of_mut(sample.signal).set_back(doubt_ms);
        at_ms
    }

    /// Returns whether a signal has spoken, and does so at least each minute.
    pub(super) fn speaks_often(&self, signal: Signal) -> bool {
        let clock = self.of(signal);
        clock.at_ms.is_some() && clock.step_ms <= TOLERANCE_MS
    }

    /// Returns whether the signal has kept the time of the bus before.
    pub(super) fn is_trusted(&self, signal: Signal) -> bool {
        self.of(signal).fits() > 0
    }

    /// Returns whether a signal only follows others at this time of the bus.
    pub(super) fn follows(&self, signal: Signal, bus_ms: i64) -> bool {
        self.of(signal).shift_ms() != 0 && self.lead(bus_ms).is_some()
    }

    /// Returns the signals that kept the time of the bus in its last minute.
    pub(super) fn living(&self, bus_ms: i64) -> impl Iterator<Item = Signal> + '_ {
        let since_ms = bus_ms.saturating_sub(TOLERANCE_MS);
        let lives = move |signal: &Signal| self.of(*signal).at_ms >= Some(since_ms);
        Signal::ALL.iter().copied().filter(lives)
    }

    /// Returns the living signals by which the bus is dated, and whether they keep its time. Where none does, these are the signals whose
    /// clocks are about as far off as that of this one.
    pub(super) fn timekeepers(&self, bus_ms: i64, like: Signal) -> (Vec<Signal>, bool) {
        let keeps = |signal: &Signal| self.of(*signal).keeps_time();
        let keepers: Vec<Signal> = self.living(bus_ms).filter(keeps).collect();
        if !keepers.is_empty() {
            return (keepers, true);
        }
        let shift_ms = self.of(like).shift_ms();
        let is_near = |signal: &Signal| {
            self.of(*signal).shift_ms().abs_diff(shift_ms) <= TOLERANCE_MS.unsigned_abs()
        };
        (self.living(bus_ms).filter(is_near).collect(), false)
    }

    /// Returns whether a signal leads.
    pub(super) fn leads(&self, signal: Signal) -> bool {
        self.of(signal).leads()
    }

    /// Returns whether a clock leads at this time of the bus: one that speaks each few minutes does so until its next word is
    /// overdue.
    fn leads_at(clock: &SignalClock, bus_ms: i64) -> bool {
        let overdue_ms = clock.step_ms.saturating_mul(2);
        let since_ms = bus_ms.saturating_sub(overdue_ms.clamp(TOLERANCE_MS, LEADER_MS_MAX));
        clock.leads() && clock.at_ms >= Some(since_ms)
    }

    /// Newest time that a living leader has kept, and the step that the most frequent of them makes.
    pub(super) fn lead(&self, bus_ms: i64) -> Option<(i64, i64)> {
        let leaders = self.clocks.iter();
        let leaders = leaders.filter(|clock| Self::leads_at(clock, bus_ms));
        let time = |clock: &SignalClock| Some((clock.at_ms?, clock.step_ms));
        leaders
            .filter_map(time)
            .reduce(|(at_ms, step_ms), (other_ms, other)| (at_ms.max(other_ms), step_ms.min(other)))
    }

    /// Finds the place of a sample. `ahead_ms` is the step that the bus may make without another word.
    pub(super) fn place(&self, sample: &Stamped, bus: BusTime, ahead_ms: i64) -> TimePlace {
        let clock = self.of(sample.signal);
        let at_ms = self.at_ms(sample);
        let Some(bus_ms) = bus.ms else {
            // A clock that is off gives no time to a bus that has none.
            let most_ms = bus.resumed_ms.max(Some(sample.at_ms));
            return match most_ms {
                Some(most_ms) if clock.shift_ms() != 0 => TimePlace::Fits(at_ms.min(most_ms)),
                Some(_) | None => TimePlace::InTime(at_ms),
            };
        };
        let is_late = |at_ms: i64| {
            at_ms < bus_ms.saturating_sub(LATENESS_MS)
                || bus.folded_ms.is_some_and(|folded_ms| at_ms < folded_ms)
        };
        let is_late_now = is_late(at_ms);
        if clock.own_ms >= Some(sample.at_ms) {
            return if is_late_now {
                TimePlace::Overtaken
            } else {
                TimePlace::InTime(at_ms)
            };
        }
        if clock.shift_ms() != 0 {
            let keeps_time = !is_late(sample.at_ms)
                && sample.at_ms <= bus_ms.saturating_add(LATENESS_MS)
                && clock.at_ms < Some(sample.at_ms);
            if keeps_time {
                return TimePlace::Fits(sample.at_ms);
            }
            let lead = self.lead(bus_ms).filter(|_| !is_late_now);
            if let Some(lead) = lead {
                return Self::place_behind_leader(clock, at_ms, lead, bus);
            }
        }
        if is_late_now {
            TimePlace::Behind
        } else if at_ms > bus_ms.saturating_add(ahead_ms) {
            TimePlace::Ahead
        } else {
            TimePlace::InTime(at_ms)
        }
    }

    /// Finds the place of a sample of a clock that is off: it is no further than its leader is about to be.
    fn place_behind_leader(
        clock: &SignalClock,
        at_ms: i64,
        (lead_ms, step_ms): (i64, i64),
        bus: BusTime,
    ) -> TimePlace {
        let mut most_ms = lead_ms.saturating_add(step_ms.clamp(STEP_MS_MIN, TOLERANCE_MS));
        if bus.led_ms > 0 {
            most_ms = most_ms.max(lead_ms.saturating_add(bus.led_ms));
        }
        if at_ms <= most_ms {
            return TimePlace::InTime(at_ms);
        }
        let after_ms = clock
            .at_ms
            .map_or(i64::MIN, |last_ms| last_ms.saturating_add(1));
        let placed_ms = most_ms.max(after_ms).max(bus.folded_ms.unwrap_or(i64::MIN));
        let last_ms = most_ms.saturating_add(ROOM_MS);
        if placed_ms <= last_ms {
            TimePlace::Fits(placed_ms)
        } else if clock.at_ms == Some(last_ms) && bus.folded_ms <= Some(last_ms) {
            // Its last sample still waits there, and the newer one takes its place.
            TimePlace::Fits(last_ms)
        } else {
            TimePlace::Overtaken
        }
    }

    /// Notes a sample that was taken at this time of the bus.
    pub(super) fn take(&mut self, sample: &Stamped, at_ms: i64) {
        self.set_back.forget(sample.signal);
        let clock = self.of_mut(sample.signal);
        if clock.own_ms < Some(sample.at_ms) {
            clock.note(sample);
        }
        if let Some(last_ms) = clock.at_ms.filter(|last_ms| *last_ms < at_ms) {
            clock.step_ms = at_ms.saturating_sub(last_ms);
        }
        clock.at_ms = clock.at_ms.max(Some(at_ms));
        clock.fits_again();
        if clock.fits() >= FITS_MAX {
            self.clocks.iter_mut().for_each(SignalClock::halve_fits);
        }
    }

    /// Sets the clock of a signal so that a sample of it is at this time of the bus.
    pub(super) fn set(&mut self, sample: &Stamped, at_ms: i64) {
        self.set_back.forget(sample.signal);
        let clock = self.of_mut(sample.signal);
        clock.note(sample);
        clock.set_shift(at_ms.saturating_sub(sample.at_ms));
        clock.at_ms = Some(at_ms);
    }

    /// Returns whether a sample of a lifetime meter is above the highest value that was taken.
    pub(super) fn rises(&self, sample: &Stamped) -> bool {
        let known = self.of(sample.signal).value;
        known.is_some() && sample.meter_value() > known
    }

    /// Fits the clock of a signal to a sample of it that is said now, and gives the time of the bus for it. One that was
    /// ahead only once keeps its clock: a single wild time must not stand in the way of those that follow.
    pub(super) fn fit(&mut self, sample: &Stamped, bus_ms: i64, folded_ms: Option<i64>) -> i64 {
        let clock = self.of_mut(sample.signal);
        let after_ms = clock
            .at_ms
            .map_or(i64::MIN, |last_ms| last_ms.saturating_add(1));
        let least_ms = after_ms.max(folded_ms.unwrap_or(i64::MIN));
        let is_ahead = sample.at_ms > bus_ms.saturating_add(LATENESS_MS);
        let keeps_time =
            !is_ahead && sample.at_ms >= bus_ms.saturating_sub(LATENESS_MS).max(least_ms);
        let at_ms = if keeps_time {
            sample.at_ms
        } else {
            bus_ms.max(least_ms)
        };
        let goes_on = |(once_ms, once_at_ms): (i64, i64)| {
            let step_ms = sample.at_ms.saturating_sub(once_ms);
            step_ms > 0
                && step_ms.abs_diff(at_ms.saturating_sub(once_at_ms)) <= TOLERANCE_MS.unsigned_abs()
        };
        if is_ahead && !clock.ahead_once.is_some_and(goes_on) {
            clock.ahead_once = Some((sample.at_ms, at_ms));
            clock.at_ms = Some(at_ms);
        } else {
            self.set(sample, at_ms);
        }
        at_ms
    }

    /// Notes a sample behind the newest stamp of its signal. Gives those that are proven to be new all the same, because their
    /// clock was set back.
    pub(super) fn prove_set_back(&mut self, sample: &Stamped, bus: BusTime) -> Vec<Stamped> {
        let clock = *self.of(sample.signal);
        let proven = self.set_back.proven().map(|signal| *self.of(signal));
        match self.set_back.take(sample, &clock, proven.as_ref(), bus) {
            SetBack::Unproven => Vec::new(),
            SetBack::Follows => vec![sample.clone()],
            SetBack::Proven(newer) => {
                self.clocks.iter_mut().for_each(SignalClock::doubt);
                newer
            }
        }
    }

    /// Returns the error of the bus when most of the signals that live agree on it, by the clock of this one: they must be
    /// more, and have been in time more often. The car moves by its own clock, so that a signal of its motion that leads stays
    /// right, and so do several others against those that say nothing of motion.
    pub(super) fn common_shift_ms(&self, signal: Signal, bus_ms: i64) -> Option<i64> {
        let shift_ms = self.of(signal).shift_ms();
        if shift_ms.unsigned_abs() <= LATENESS_MS.unsigned_abs() {
            return None;
        }
        let (mut agreeing, mut others) = (Group::default(), Group::default());
        let since_ms = bus_ms.saturating_sub(TOLERANCE_MS);
        for signal in Signal::ALL.iter().copied() {
            let clock = self.of(signal);
            let lives = clock.at_ms >= Some(since_ms) || Self::leads_at(clock, bus_ms);
            if clock.is_doubted() || !lives {
                continue;
            }
            if clock.shift_ms().abs_diff(shift_ms) <= LATENESS_MS.unsigned_abs() {
                agreeing.add(signal, clock);
            } else {
                others.add(signal, clock);
            }
        }
        let is_firm = others.leads_motion || (others.leaders >= FIRM_LEADERS && !agreeing.moves);
        let is_common = agreeing.proven >= 2
            && agreeing.len > others.len
            && agreeing.fits > others.fits
            && !is_firm;
        is_common.then_some(shift_ms)
    }

    /// The time of the bus was wrong by so much.
    pub(super) fn translate(&mut self, by_ms: i64) {
        for clock in &mut self.clocks {
            clock.translate(by_ms);
        }
        self.set_back.translate(by_ms);
    }
}
