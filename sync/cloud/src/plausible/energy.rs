//! Energy of trips and sessions, held against what road, charger and battery can give and take.

use dashpoint_membership::{Current, Evidence, ServerTime, Trip};

use super::limits::{
    AUXILIARY_W, BATTERY_WH_MAX, COUNTER_WH, DAY_S, DESCENT_WH_MAX, ROAD_WH_PER_KM, SLOPE_WH_PER_M,
    UNTOLD_DAY_WH,
};

/// Energy of a trip beyond what road, heating and cooling account for, in watt-hours: below 0 when there is room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExcessEnergy {
    /// Regained, beyond what was used and what the road gives downhill.
    pub regained_wh: i64,
    /// Used, beyond what the road takes uphill and what runs beside the drive.
    pub used_wh: i64,
}

impl ExcessEnergy {
    /// Computes that of evidence; a session has none.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        match evidence {
            Evidence::Trip(trip) => Self::of_trip(trip),
            Evidence::Charge(_) | Evidence::Discharge(_) => Self::default(),
        }
    }

    /// Computes that of a trip.
    #[must_use]
    pub fn of_trip(trip: &Trip) -> Self {
        let slope_wh = trip.odometer.length().saturating_mul(SLOPE_WH_PER_M);
        let auxiliary_wh = lasted_s(trip) * AUXILIARY_W / 3_600;
        let used_wh = i64::from(trip.used_wh);
        let descent_wh = signed(slope_wh.min(DESCENT_WH_MAX));
        Self {
            regained_wh: (i64::from(trip.regained_wh) - used_wh).saturating_sub(descent_wh),
            used_wh: used_wh
                .saturating_sub(signed(slope_wh))
                .saturating_sub(signed(auxiliary_wh)),
        }
    }

    /// Returns whether this much is more than rounded counters explain, in regained and in used energy.
    #[must_use]
    pub fn is_too_much(self) -> (bool, bool) {
        let beyond = |excess_wh: i64| excess_wh > signed(COUNTER_WH);
        (beyond(self.regained_wh), beyond(self.used_wh))
    }

    /// Adds what its neighbours had, where this trip has any: the trip that leaves room is not to blame for the others.
    #[must_use]
    pub fn with(self, neighbours: Self) -> Self {
        let together = |own_wh: i64, others_wh: i64| match own_wh {
            ..=0 => own_wh,
            1.. => own_wh.saturating_add(others_wh),
        };
        Self {
            regained_wh: together(self.regained_wh, neighbours.regained_wh),
            used_wh: together(self.used_wh, neighbours.used_wh),
        }
    }

    /// Sums the trips before or after one, the nearest first, as far as the sum is greatest; 0 when it is never above 0.
    ///
    /// The counter of consumption moves in steps of up to 1 kWh: the step that one trip has too many, the next one has too few, so
    /// that trips in a row are off by no more than one of them. So each row of them has to keep to it, and a long trip that
    /// leaves much room licenses none of the others.
    #[must_use]
    pub fn most_in_a_row(nearest_first: impl Iterator<Item = Self>) -> Self {
        let (mut sum, mut most) = (Self::default(), Self::default());
        for next in nearest_first {
            sum.regained_wh = sum.regained_wh.saturating_add(next.regained_wh);
            sum.used_wh = sum.used_wh.saturating_add(next.used_wh);
            most.regained_wh = most.regained_wh.max(sum.regained_wh);
            most.used_wh = most.used_wh.max(sum.used_wh);
        }
        most
    }

    /// Adds both sides of a trip.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            regained_wh: self.regained_wh.saturating_add(other.regained_wh),
            used_wh: self.used_wh.saturating_add(other.used_wh),
        }
    }
}

/// Energy that a vehicle has taken or given in a stretch of server time, and what accounts for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnergyWindow {
    /// Beginning of the stretch, which lasts until now.
    pub since: ServerTime,
    /// Watt-hours of sessions of the same kind.
    pub same_wh: u64,
    /// Watt-hours of sessions of the other kind.
    pub other_wh: u64,
    /// Metres that trips claim.
    pub metres: u64,
}

impl EnergyWindow {
    /// Returns the watt-hours that sessions may have after so many seconds: a battery, what the vehicle does unsaid, and what it
    /// says to have used or to have taken in.
    #[must_use]
    pub fn room_wh(&self, evidence: &Evidence, passed_s: u64) -> u64 {
        let road_wh = match evidence {
            Evidence::Charge(_) => self.metres.saturating_mul(ROAD_WH_PER_KM) / 1_000,
            Evidence::Trip(_) | Evidence::Discharge(_) => 0,
        };
        BATTERY_WH_MAX + passed_s * UNTOLD_DAY_WH / DAY_S + road_wh + self.other_wh
    }
}

/// Returns the watt-hours that a charger gives, or a battery gives back, in so many seconds of a session.
#[must_use]
pub fn session_wh_max(evidence: &Evidence, span_s: u64) -> u64 {
    let current = match evidence {
        Evidence::Charge(charge) => charge.current,
        Evidence::Trip(_) | Evidence::Discharge(_) => Current::Unknown,
    };
    current.session_wh_max(span_s)
}

/// Seconds from the beginning of a trip to its end, seen or missed.
#[must_use]
pub fn lasted_s(trip: &Trip) -> u64 {
    trip.driving.at_most_s() + u64::from(trip.missed_s)
}

fn signed(wh: u64) -> i64 {
    i64::try_from(wh).unwrap_or(i64::MAX)
}
