//! The recent trips or sessions of a vehicle on its meters of one quantity.

use dashpoint_membership::{MeterInterval, MeterNumber};

use super::energy::ExcessEnergy;

/// A trip or session that holds a stretch of the meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentUse {
    /// The device of the claim signed it.
    pub is_own: bool,
    /// Number of its meter.
    pub number: MeterNumber,
    /// Reading at its beginning, in metres or watt-hours.
    pub from: u64,
    /// Reading at its end.
    pub to: u64,
    /// Seconds of driving, seen or missed; 0 for a session.
    pub lasted_s: u64,
    /// Energy that nothing accounts for.
    pub excess: ExcessEnergy,
}

/// Sums over what the vehicle did in a stretch of server time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MeterSums {
    /// Seconds of driving.
    pub lasted_s: u64,
    /// The longest of them.
    pub longest_s: u64,
    /// Seconds of driving that the device of the claim has said.
    pub own_lasted_s: u64,
    /// Units that the device of the claim has said.
    pub own_units: u64,
    /// Units of all meters of the quantity.
    pub units: u64,
}

impl MeterSums {
    /// Sums them.
    #[must_use]
    pub fn of(recent: &[RecentUse]) -> Self {
        let mut sums = Self::default();
        for one in recent {
            sums.lasted_s = sums.lasted_s.saturating_add(one.lasted_s);
            sums.longest_s = sums.longest_s.max(one.lasted_s);
            let units = one.to.saturating_sub(one.from);
            sums.units = sums.units.saturating_add(units);
            if one.is_own {
                sums.own_lasted_s = sums.own_lasted_s.saturating_add(one.lasted_s);
                sums.own_units = sums.own_units.saturating_add(units);
            }
        }
        sums
    }
}

/// Sums the energy that nothing accounts for of the trips below and above a stretch: a meter follows the one before it.
#[must_use]
pub fn neighbours(recent: &[RecentUse], stretch: MeterInterval) -> ExcessEnergy {
    let mut upwards: Vec<_> = recent
        .iter()
        .map(|one| ((one.number, one.from), one.excess))
        .collect();
    upwards.sort_by_key(|(place, _)| *place);
    let own = (stretch.number, stretch.from);
    let (below, above) = upwards.split_at(upwards.partition_point(|(place, _)| *place < own));
    let excess = |(_, excess): &((MeterNumber, u64), ExcessEnergy)| *excess;
    let below = ExcessEnergy::most_in_a_row(below.iter().rev().map(excess));
    below.plus(ExcessEnergy::most_in_a_row(above.iter().map(excess)))
}
