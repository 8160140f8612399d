//! The latest known value of each signal.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::driver::Driver;
use crate::intake::Stamped;
use crate::price_rules::PriceRules;
use crate::reading::{Ignition, MixSource, SignalReading};
use crate::signal::{Signal, used_signals};

/// Times of names that are remembered of each signal, so that what is told again is no other word.
const TOLD_MAX: usize = 16;

/// The newest of each signal; the lifetime meters are kept apart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Picture {
    #[serde(deserialize_with = "used_signals")]
    seen_ms: BTreeMap<Signal, i64>,
    /// Live speed and when: a retained one is no movement.
    pub(crate) speed: Option<(i64, f64)>,
    pub(crate) moving: Option<bool>,
    pub(crate) ignition: Option<Ignition>,
    pub(crate) in_park: Option<bool>,
    pub(crate) longitudinal_ms: Option<i64>,
    pub(crate) lateral_ms: Option<i64>,
    pub(crate) battery_w: Option<(i64, f64)>,
    pub(crate) charging: Option<bool>,
    pub(crate) discharging: Option<bool>,
    pub(crate) front: Option<(i64, f64)>,
    pub(crate) belted: Option<bool>,
    #[serde(default)]
    pub(crate) assisted: Option<bool>,
    pub(crate) mix: Mix,
    issuer: Option<String>,
    subject: Option<String>,
    /// Names and state that came after the known ones and say that they are older: either the clock of the bus was set
    /// back, or they are old. Until one of both is seen, nobody can say who drives.
    #[serde(default)]
    overtaken: BTreeMap<Signal, Stamped>,
    /// Names that differ from the known ones and carry a time at which one was taken before: copies of that one, unless the
    /// clock of the bus turns out to have begun anew.
    #[serde(default)]
    copies: BTreeMap<Signal, Stamped>,
    /// Times of the taken values of each name.
    #[serde(default)]
    told_ms: BTreeMap<Signal, VecDeque<i64>>,
}

/// The share that the bus published of the energy's origin, with its time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mix {
    pub(crate) evse: Option<(i64, String)>,
    pub(crate) source: Option<(i64, MixSource)>,
    pub(crate) permille: Option<(i64, u16)>,
    /// Shares by power that the station announced.
    #[serde(default)]
    pub(crate) rules: Option<(i64, PriceRules)>,
    /// The lifetime counter of the renewable part.
    #[serde(default)]
    pub(crate) renewable_wh: Option<(i64, u64)>,
}

impl Picture {
    /// Returns the time at which a signal was last taken.
    pub(crate) fn seen_ms(&self, signal: Signal) -> Option<i64> {
        self.seen_ms.get(&signal).copied()
    }

    /// Returns whether the gear was said after the ignition was off.
    pub(crate) fn is_in_gear_since_off(&self) -> bool {
        self.in_park == Some(false) && self.seen_ms(Signal::Gear) > self.seen_ms(Signal::Ignition)
    }

    /// Returns whether the ignition was off after the car said that it moves.
    pub(crate) fn is_off_since_moving(&self) -> bool {
        self.ignition == Some(Ignition::Off)
            && self.seen_ms(Signal::Ignition) > self.seen_ms(Signal::IsMoving)
    }

    /// Returns the times at which the signals were last taken.
    pub(crate) fn last_seen(&self) -> impl Iterator<Item = (Signal, i64)> + '_ {
        self.seen_ms.iter().map(|(signal, at_ms)| (*signal, *at_ms))
    }

    /// Returns the last word of a state that begins or ends a drive or a session.
    pub(crate) fn word(&self, signal: Signal) -> Option<SignalReading> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "nothing else is such a state"
        )]
        match signal {
            Signal::Ignition => self.ignition.map(SignalReading::Ignition),
            Signal::Gear => self.in_park.map(SignalReading::InPark),
            Signal::IsCharging => self.charging.map(SignalReading::Charging),
            Signal::IsDischarging => self.discharging.map(SignalReading::Discharging),
            _ => None,
        }
    }

    /// Notes the time of a reading; `false` when a newer one of its signal is known.
    pub(crate) fn is_news(&mut self, signal: Signal, at_ms: i64) -> bool {
        if self.seen_ms(signal).is_some_and(|seen_ms| at_ms <= seen_ms) {
            return false;
        }
        self.seen_ms.insert(signal, at_ms);
        true
    }

    /// Takes a reading that is older than the known one, or whose time is not believed. Names that were taken before are
    /// old, and where no name is known it is the only word.
    pub(crate) fn take_overtaken(&mut self, stamped: &Stamped) {
        let Stamped {
            signal,
            at_ms,
            reading,
            ..
        } = stamped;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the others are said again and again, or are counters"
        )]
        let is_known = match reading {
            SignalReading::Issuer(issuer) => self.issuer.as_ref().map(|known| known == issuer),
            SignalReading::Subject(subject) => self.subject.as_ref().map(|known| known == subject),
            SignalReading::Ignition(ignition) => Some(self.ignition == Some(*ignition)),
            SignalReading::InPark(in_park) => Some(self.in_park == Some(*in_park)),
            _ => return,
        };
        let mut told_ms = self.told_ms.get(signal).into_iter().flatten();
        match is_known {
            None => self.take(stamped),
            Some(true) => {
                self.overtaken.remove(signal);
                self.copies.remove(signal);
            }
            Some(false) if told_ms.any(|told_ms| told_ms == at_ms) => {
                self.copies.insert(*signal, stamped.clone());
            }
            Some(false) => drop(self.overtaken.insert(*signal, stamped.clone())),
        }
    }

    /// Forgets the times: the clock of the bus has been set back. What seemed to be older is newer than what is known.
    pub(crate) fn forget_times(&mut self) {
        self.seen_ms.clear();
        self.told_ms.clear();
        for stamped in std::mem::take(&mut self.overtaken).into_values() {
            self.take(&stamped);
        }
        // A clock that begins at the same time with each start says the same times again: what seemed to be a copy may be the
        // newest name, and until one is said nobody can tell.
        self.overtaken.append(&mut self.copies);
        self.speed = None;
        self.battery_w = None;
        self.front = None;
        (self.longitudinal_ms, self.lateral_ms) = (None, None);
        self.mix = Mix::default();
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        let Self {
            seen_ms,
            speed,
            longitudinal_ms,
            lateral_ms,
            battery_w,
            front,
            mix,
            overtaken,
            copies,
            told_ms,
            ..
        } = self;
        let names = overtaken.values_mut().chain(copies.values_mut());
        let times = seen_ms
            .values_mut()
            .chain(longitudinal_ms)
            .chain(lateral_ms)
            .chain(names.map(|name| &mut name.at_ms))
            .chain(told_ms.values_mut().flatten())
            .chain(speed.as_mut().map(|(at_ms, _)| at_ms))
            .chain(battery_w.as_mut().map(|(at_ms, _)| at_ms))
            .chain(front.as_mut().map(|(at_ms, _)| at_ms))
            .chain(mix.evse.as_mut().map(|(at_ms, _)| at_ms))
            .chain(mix.source.as_mut().map(|(at_ms, _)| at_ms))
            .chain(mix.permille.as_mut().map(|(at_ms, _)| at_ms))
            .chain(mix.rules.as_mut().map(|(at_ms, _)| at_ms))
            .chain(mix.renewable_wh.as_mut().map(|(at_ms, _)| at_ms));
        for at_ms in times {
            *at_ms = at_ms.saturating_add(by_ms);
        }
    }

    /// Takes a reading of any signal that is not a lifetime meter.
    pub(crate) fn take(&mut self, stamped: &Stamped) {
        let at_ms = stamped.at_ms;
        self.overtaken.remove(&stamped.signal);
        self.copies.remove(&stamped.signal);
        if stamped.reading.is_name() {
            let told = self.told_ms.entry(stamped.signal).or_default();
            told.push_back(at_ms);
            if told.len() > TOLD_MAX {
                told.pop_front();
            }
        }
        match &stamped.reading {
            // Movement is what happens now, not what the broker remembers.
            SignalReading::SpeedKmh(_) | SignalReading::Moving(_) if stamped.retained => {}
            SignalReading::SpeedKmh(speed_kmh) => self.speed = Some((at_ms, *speed_kmh)),
            SignalReading::Moving(moving) => self.moving = Some(*moving),
            SignalReading::Ignition(ignition) => self.ignition = Some(*ignition),
            SignalReading::InPark(in_park) => self.in_park = Some(*in_park),
            SignalReading::LongitudinalMps2(_) => self.longitudinal_ms = Some(at_ms),
            SignalReading::LateralMps2(_) => self.lateral_ms = Some(at_ms),
            SignalReading::BatteryW(watts) => self.battery_w = Some((at_ms, *watts)),
            SignalReading::Charging(charging) => self.charging = Some(*charging),
            SignalReading::Discharging(discharging) => self.discharging = Some(*discharging),
            SignalReading::Evse(evse) => self.mix.evse = Some((at_ms, evse.clone())),
            SignalReading::RenewablePermille(permille) => {
                self.mix.permille = Some((at_ms, *permille));
            }
            SignalReading::Mix(source) => self.mix.source = Some((at_ms, *source)),
            SignalReading::PriceRules(rules) => self.mix.rules = Some((at_ms, rules.clone())),
            SignalReading::RenewableWh(wh) => self.mix.renewable_wh = Some((at_ms, *wh)),
            SignalReading::FrontM(metres) => self.front = Some((at_ms, *metres)),
            SignalReading::Assisted(assisted) => self.assisted = Some(*assisted),
            SignalReading::Belted(belted) => self.belted = Some(*belted),
            SignalReading::Issuer(issuer) => self.issuer = Some(issuer.clone()),
            SignalReading::Subject(subject) => self.subject = Some(subject.clone()),
            SignalReading::OdometerM(_)
            | SignalReading::ChargedWh(_)
            | SignalReading::ConsumedWh(_)
            | SignalReading::ChargingW(_)
            | SignalReading::Fact(_)
            | SignalReading::Elsewhere => {}
        }
    }

    /// Returns whether the bus has said who drives, also that the car does not say.
    pub(crate) fn has_told_driver(&self) -> bool {
        self.issuer.is_some() || self.subject.is_some()
    }

    /// Returns the driver; unknown while that is in doubt, so that no metre is paid to somebody else.
    pub(crate) fn driver(&self) -> Driver {
        if self.overtaken.values().all(|late| !late.reading.is_name()) {
            Driver::of(self.issuer.as_deref(), self.subject.as_deref())
        } else {
            Driver::Guest
        }
    }
}
