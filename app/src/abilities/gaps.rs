//! Gaps of a car in use: trips or charging that it cannot earn, by what it is mapped to say and by what is refused of it.

use dashpoint_telematics::Signal;
use serde::Serialize;

use super::{Ability, Extent, SaidSignals};
use crate::live::Live;

/// Something that a car cannot earn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarningGap {
    /// The mapping has too little for trips.
    TripsUnmapped,
    /// The mapping has no counter of charged energy.
    ChargingUnmapped,
    /// The car says its ignition, and all of it was refused since the head unit started.
    IgnitionRefused,
}

impl EarningGap {
    /// Returns the gaps of a car that is mapped so, and of its running head unit.
    ///
    /// A signal that was not heard is no gap: a car at rest says little, and what it said before the start is known.
    #[must_use]
    pub fn of(mapped: &SaidSignals, live: Option<&Live>) -> Vec<Self> {
        let abilities = mapped.abilities();
        let cannot = |ability: Ability| {
            let mut abilities = abilities.iter();
            abilities.any(|finding| finding.ability == ability && finding.extent == Extent::None)
        };
        let trips = if cannot(Ability::Trips) {
            Some(Self::TripsUnmapped)
        } else {
            let refuses = live.is_some_and(refuses_ignition);
            refuses.then_some(Self::IgnitionRefused)
        };
        let charging = cannot(Ability::Charging).then_some(Self::ChargingUnmapped);
        trips.into_iter().chain(charging).collect()
    }
}

/// While a trip is open, the ignition is known from before the start.
fn refuses_ignition(live: &Live) -> bool {
    let mut signals = live.signals.iter();
    let ignition = signals.find(|signal| signal.path == Signal::Ignition.path());
    !live.trip_open && ignition.is_some_and(|one| one.taken == 0 && !one.refused.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::live::SignalLive;

    fn mapped(left_out: &[Signal]) -> SaidSignals {
        let signals = Signal::ALL.iter().copied();
        SaidSignals {
            signals: signals
                .filter(|signal| !left_out.contains(signal))
                .collect(),
            ..SaidSignals::default()
        }
    }

    #[test]
    fn a_gap_follows_from_the_mapping() {
        assert_eq!(EarningGap::of(&mapped(&[]), None), []);
        assert_eq!(
            EarningGap::of(&mapped(&[Signal::Odometer]), None),
            [EarningGap::TripsUnmapped]
        );
        assert_eq!(
            EarningGap::of(&mapped(&[Signal::ChargedEnergy]), None),
            [EarningGap::ChargingUnmapped]
        );
    }

    #[test]
    fn an_ignition_that_is_only_refused_is_a_gap() {
        let told = |taken: u64, refused: u64, trip_open: bool| {
            let kinds = BTreeMap::from([("out-of-range".to_owned(), refused)]);
            let ignition = SignalLive {
                path: Signal::Ignition.path().to_owned(),
                seen: true,
                last_ts_ms: None,
                per_minute: 0,
                taken,
                refused: kinds.into_iter().filter(|(_, times)| *times > 0).collect(),
            };
            let live = Live {
                trip_open,
                signals: vec![ignition],
                ..Live::default()
            };
            EarningGap::of(&mapped(&[]), Some(&live))
        };
        assert_eq!(told(0, 3, false), [EarningGap::IgnitionRefused]);
        assert_eq!(told(0, 0, false), []);
        assert_eq!(told(1, 3, false), []);
        assert_eq!(told(0, 3, true), []);
    }
}
