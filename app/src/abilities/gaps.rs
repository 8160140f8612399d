//! What a car in use cannot earn, by what it is mapped to say and by what it has said.

use std::collections::BTreeSet;

use dashpoint_telematics::Signal;
use serde::Serialize;

use super::{Ability, Extent, SaidSignals};

/// Something that a car cannot earn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarningGap {
    /// The mapping has too little for trips.
    TripsUnmapped,
    /// The mapping has no counter of charged energy.
    ChargingUnmapped,
    /// The car says that it moves, or does not, and has not said its ignition.
    IgnitionUnheard,
    /// The car says that it charges, or does not, and has not said its counter of charged energy.
    CounterUnheard,
}

impl EarningGap {
    /// Returns the gaps of a car that is mapped so, and of which these signals were taken since the head unit started.
    #[must_use]
    pub fn of(mapped: &SaidSignals, taken: &BTreeSet<Signal>) -> Vec<Self> {
        let abilities = mapped.abilities();
        let can = |ability: Ability| {
            let mut abilities = abilities.iter();
            abilities.any(|finding| finding.ability == ability && finding.extent != Extent::None)
        };
        let has_any = |signals: &[Signal]| signals.iter().any(|signal| taken.contains(signal));
        let moves = has_any(&[Signal::Speed, Signal::IsMoving]);
        let charges = has_any(&[Signal::IsCharging, Signal::ChargingPower]);
        let trips = if !can(Ability::Trips) {
            Some(Self::TripsUnmapped)
        } else {
            (moves && !has_any(&[Signal::Ignition])).then_some(Self::IgnitionUnheard)
        };
        let charging = if !can(Ability::Charging) {
            Some(Self::ChargingUnmapped)
        } else {
            (charges && !has_any(&[Signal::ChargedEnergy])).then_some(Self::CounterUnheard)
        };
        trips.into_iter().chain(charging).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_by_mapping_or_by_silence() {
        let all: BTreeSet<Signal> = Signal::ALL.iter().copied().collect();
        let mapped = |left_out: &[Signal]| SaidSignals {
            signals: all
                .iter()
                .copied()
                .filter(|signal| !left_out.contains(signal))
                .collect(),
            ..SaidSignals::default()
        };
        let taken = |signals: &[Signal]| signals.iter().copied().collect::<BTreeSet<_>>();
        let nothing = BTreeSet::new();
        let whole = mapped(&[]);
        // A car that has said nothing yet may say everything.
        assert_eq!(EarningGap::of(&whole, &nothing), []);
        assert_eq!(EarningGap::of(&whole, &all), []);
        let ignition = mapped(&[Signal::Ignition]);
        assert_eq!(
            EarningGap::of(&ignition, &nothing),
            [EarningGap::TripsUnmapped]
        );
        let counter = mapped(&[Signal::ChargedEnergy]);
        assert_eq!(
            EarningGap::of(&counter, &all),
            [EarningGap::ChargingUnmapped]
        );
        let silent = taken(&[Signal::Speed, Signal::Odometer, Signal::IsCharging]);
        assert_eq!(
            EarningGap::of(&whole, &silent),
            [EarningGap::IgnitionUnheard, EarningGap::CounterUnheard]
        );
        let parked = taken(&[Signal::StateOfCharge]);
        assert_eq!(EarningGap::of(&whole, &parked), []);
    }
}
