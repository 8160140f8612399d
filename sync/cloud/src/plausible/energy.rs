//! Energy of trips, held against what the road can give and take.

use dashpoint_membership::{Evidence, Trip};

use super::limits::{AUXILIARY_W, COUNTER_WH, SLOPE_WH_PER_M};

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
        let (used_wh, slope_wh) = (i64::from(trip.used_wh), signed(slope_wh));
        Self {
            regained_wh: (i64::from(trip.regained_wh) - used_wh).saturating_sub(slope_wh),
            used_wh: used_wh
                .saturating_sub(slope_wh)
                .saturating_sub(signed(auxiliary_wh)),
        }
    }

    /// Returns whether this much is more than rounded counters explain, in regained and in used energy.
    #[must_use]
    pub fn is_too_much(self) -> (bool, bool) {
        let beyond = |excess_wh: i64| excess_wh > signed(COUNTER_WH);
        (beyond(self.regained_wh), beyond(self.used_wh))
    }

    /// Adds what other trips had, where this one has any: the trip that leaves room is not to blame for the others.
    ///
    /// The sum is a signed one. The counter of consumption moves in steps of up to 1 kWh: the step that one trip has too many,
    /// the next one has too few, so that all trips together are off by no more than one of them.
    #[must_use]
    pub fn with(self, others: Self) -> Self {
        let together = |own_wh: i64, others_wh: i64| match own_wh {
            ..=0 => own_wh,
            1.. => own_wh.saturating_add(others_wh),
        };
        Self {
            regained_wh: together(self.regained_wh, others.regained_wh),
            used_wh: together(self.used_wh, others.used_wh),
        }
    }
}

/// Seconds from the beginning of a trip to its end, seen or missed.
#[must_use]
pub fn lasted_s(trip: &Trip) -> u64 {
    trip.driving.at_most_s() + u64::from(trip.missed_s)
}

fn signed(wh: u64) -> i64 {
    i64::try_from(wh).unwrap_or(i64::MAX)
}
