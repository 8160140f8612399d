//! Derives what a car can earn from the signals that it says, and names what is missing.
//!
//! The rules follow the fold. A test drives the fold through every set of the signals that they ask for, and holds them to
//! what comes out.

mod gaps;

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_telematics::{STEP_MS_MAX, Signal};
use serde::Serialize;

pub use gaps::EarningGap;

/// Time between two values that the fold takes for seen at most, in milliseconds.
const SEEN_MS_MAX: u64 = 5_000;
/// Time between two values of power that is no step any more, in milliseconds.
const POWER_MS_MAX: u64 = STEP_MS_MAX.unsigned_abs();

/// Something that a car earns by, or that its screen needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ability {
    /// Trips begin, end and are paid.
    Trips,
    /// The metres of a trip.
    Distance,
    /// The energy that a trip uses.
    EnergyUsed,
    /// Braking, a part of the driving score.
    Braking,
    /// Charging sessions.
    Charging,
    /// The screen knows when the car is parked.
    ParkedState,
}

/// Extent of an ability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// It is there.
    Yes,
    /// It is there, by a meter of the car.
    Metered,
    /// It is there, by what the program makes of other signals.
    Estimated,
    /// It is not there.
    None,
}

/// A reason for which an ability is less than it could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// The words of the ignition leave no way to be ON.
    WordForOn,
    /// The ignition was not ON in the time of listening.
    NotOn,
    /// There is no odometer.
    Odometer,
    /// It is a part of a trip, and there are no trips.
    Trips,
    /// There is no counter of used energy; the power stands in.
    EnergyCounter,
    /// There is neither a counter of used energy nor the power of the battery.
    Energy,
    /// Neither speed nor acceleration is there.
    Deceleration,
    /// It is there, and its values are so far apart that nothing between them is seen.
    Cadence,
    /// It was said once, so that nobody knows how far apart its values are.
    CadenceUnknown,
    /// There is no lifetime counter of charged energy.
    ChargeCounter,
    /// There is no charging flag: the counter tells of a charge afterwards.
    ChargeFlag,
    /// Neither gear nor ignition is there.
    Park,
}

/// An ability, its extent, and what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbilityFinding {
    /// The ability.
    pub ability: Ability,
    /// Its extent.
    pub extent: Extent,
    /// The reasons that it is no more than that.
    pub lacks: Vec<Lack>,
}

/// The signals that a car says, as far as abilities follow from them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaidSignals {
    /// The signals.
    pub signals: BTreeSet<Signal>,
    /// The way of its ignition to be ON.
    pub ignition: IgnitionOn,
    /// The pace of those that were listened to; without one, the values of a signal count as seen.
    pub paces: BTreeMap<Signal, SaidCadence>,
}

/// The way of an ignition to be ON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IgnitionOn {
    /// It can be.
    #[default]
    Possible,
    /// It can not, by the words of the mapping.
    NoWord,
    /// It was not, in the time of listening.
    Unheard,
}

/// The pace at which the values of a signal follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidCadence {
    /// So many milliseconds apart.
    EveryMs(u64),
    /// Said once: there is no telling.
    Unknown,
}

impl SaidSignals {
    fn has(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// Returns whether its values are known to be no further apart than this.
    fn has_each(&self, signal: Signal, most_ms: u64) -> bool {
        self.has(signal)
            && match self.paces.get(&signal) {
                None => true,
                Some(SaidCadence::EveryMs(every_ms)) => *every_ms <= most_ms,
                Some(SaidCadence::Unknown) => false,
            }
    }

    /// Returns what the pace of these signals lacks, none of which is said often enough.
    fn cadence_lack(&self, signals: &[Signal]) -> Lack {
        let is_known =
            |signal: &Signal| matches!(self.paces.get(signal), Some(SaidCadence::EveryMs(_)));
        let mut said = signals.iter().filter(|signal| self.has(**signal));
        if said.all(is_known) {
            Lack::Cadence
        } else {
            Lack::CadenceUnknown
        }
    }

    fn has_any(&self, signals: &[Signal]) -> bool {
        signals.iter().any(|signal| self.has(*signal))
    }

    /// Returns each ability, in the order of its declaration.
    #[must_use]
    pub fn abilities(&self) -> Vec<AbilityFinding> {
        let trips = self.trip_lacks();
        let has_trips = trips.is_empty();
        let of_trip = |extent: Extent, lacks: Vec<Lack>| {
            if has_trips {
                (extent, lacks)
            } else {
                (Extent::None, vec![Lack::Trips])
            }
        };
        let (energy, energy_lacks) = self.energy();
        let (braking, braking_lacks) = self.braking();
        let (charging, charging_lacks) = self.charging();
        let is_parked_known = self.has_any(&[Signal::Gear, Signal::Ignition]);
        let parked_lacks = if is_parked_known {
            Vec::new()
        } else {
            vec![Lack::Park]
        };
        [
            (Ability::Trips, (yes_without(&trips), trips)),
            (Ability::Distance, of_trip(Extent::Yes, Vec::new())),
            (Ability::EnergyUsed, of_trip(energy, energy_lacks)),
            (Ability::Braking, of_trip(braking, braking_lacks)),
            (Ability::Charging, (charging, charging_lacks)),
            (
                Ability::ParkedState,
                (yes_without(&parked_lacks), parked_lacks),
            ),
        ]
        .into_iter()
        .map(|(ability, (extent, lacks))| AbilityFinding {
            ability,
            extent,
            lacks,
        })
        .collect()
    }

    /// A trip begins when the odometer rises and neither ignition nor gear speak against it, and is paid by the odometer.
    fn trip_lacks(&self) -> Vec<Lack> {
        // A gear out of park after OFF speaks for a drive as ON does.
        let needs_ignition = self.has(Signal::Ignition) && !self.has(Signal::Gear);
        let missing = [
            (
                needs_ignition && self.ignition == IgnitionOn::NoWord,
                Lack::WordForOn,
            ),
            (
                needs_ignition && self.ignition == IgnitionOn::Unheard,
                Lack::NotOn,
            ),
            (!self.has(Signal::Odometer), Lack::Odometer),
        ];
        let missing = missing.into_iter().filter(|(is_missing, _)| *is_missing);
        missing.map(|(_, lack)| lack).collect()
    }

    fn energy(&self) -> (Extent, Vec<Lack>) {
        if self.has(Signal::ConsumedEnergy) {
            (Extent::Metered, Vec::new())
        } else if self.has_each(Signal::BatteryPower, POWER_MS_MAX) {
            (Extent::Estimated, vec![Lack::EnergyCounter])
        } else if self.has(Signal::BatteryPower) {
            let cadence = self.cadence_lack(&[Signal::BatteryPower]);
            (Extent::None, vec![Lack::EnergyCounter, cadence])
        } else {
            (Extent::None, vec![Lack::Energy])
        }
    }

    fn braking(&self) -> (Extent, Vec<Lack>) {
        let sources = [Signal::Speed, Signal::Longitudinal];
        if sources
            .into_iter()
            .any(|signal| self.has_each(signal, SEEN_MS_MAX))
        {
            (Extent::Yes, Vec::new())
        } else if self.has_any(&sources) {
            (Extent::None, vec![self.cadence_lack(&sources)])
        } else {
            (Extent::None, vec![Lack::Deceleration])
        }
    }

    fn charging(&self) -> (Extent, Vec<Lack>) {
        let has_flag = self.has(Signal::IsCharging);
        match self.has(Signal::ChargedEnergy) {
            true if has_flag => (Extent::Metered, Vec::new()),
            true => (Extent::Estimated, vec![Lack::ChargeFlag]),
            false => (Extent::None, vec![Lack::ChargeCounter]),
        }
    }
}

fn yes_without(lacks: &[Lack]) -> Extent {
    if lacks.is_empty() {
        Extent::Yes
    } else {
        Extent::None
    }
}

#[cfg(test)]
mod tests;
