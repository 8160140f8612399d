//! Lifetime meters of a vehicle, and the stretches of them that entries claim.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::time::CoarseTime;

/// A quantity that a lifetime counter of the vehicle counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meter {
    /// The odometer, in metres.
    Odometer,
    /// Energy ever charged from outside, in watt-hours.
    Charged,
    /// Energy ever given back to the grid, in watt-hours.
    Discharged,
}

impl Meter {
    /// All quantities.
    pub const ALL: [Self; 3] = [Self::Odometer, Self::Charged, Self::Discharged];

    /// Returns its name as programs and operators read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Odometer => "odometer",
            Self::Charged => "charged",
            Self::Discharged => "discharged",
        }
    }
}

/// Tells the meters of one quantity of a vehicle apart, from 1: a battery or an instrument cluster that is replaced brings the
/// next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeterNumber(NonZeroU32);

impl MeterNumber {
    /// The first meter of a quantity, which no entry opens.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// Takes a number; `None` for 0.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Returns whether it is the first meter of its quantity.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.get() == Self::FIRST.get()
    }

    /// The number after this one; stays at the last one there is.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number before this one; `None` for the first.
    #[must_use]
    pub const fn before(self) -> Option<Self> {
        Self::new(self.get() - 1)
    }
}

impl Default for MeterNumber {
    fn default() -> Self {
        Self::FIRST
    }
}

impl fmt::Display for MeterNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A half-open stretch `from..to` of one meter that an entry claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MeterInterval {
    /// The quantity.
    pub meter: Meter,
    /// The meter of that quantity.
    #[serde(default, skip_serializing_if = "MeterNumber::is_first")]
    pub number: MeterNumber,
    /// First unit that is claimed.
    pub from: u64,
    /// First unit after it that is not.
    pub to: u64,
}

impl MeterInterval {
    /// A stretch of the first meter of a quantity.
    #[must_use]
    pub const fn of_first(meter: Meter, from: u64, to: u64) -> Self {
        Self {
            meter,
            number: MeterNumber::FIRST,
            from,
            to,
        }
    }

    /// Units claimed; 0 for an interval that runs backwards.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// Returns whether both claim a common unit of the same meter.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        (self.meter, self.number) == (other.meter, other.number)
            && self.from < other.to
            && other.from < self.to
    }
}

/// The opening of the next meter of a quantity: the counter of the vehicle is another one than before, after a repair or a swap.
///
/// The part of the car that decides so makes a [`crate::Subject::OpenMeter`] of it; from the entry on it claims stretches of the new
/// number, none of them below [`Self::first`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MeterOpening {
    /// The quantity.
    pub meter: Meter,
    /// The number of the meter that is opened, from 2: the one after the last that the car knows.
    pub number: MeterNumber,
    /// Last reading of the meter before it.
    pub last: u64,
    /// First reading of the new one.
    pub first: u64,
    /// Time since which the new one has been steady.
    pub since: CoarseTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_meter_shares_no_unit() {
        let first = MeterInterval::of_first(Meter::Charged, 10, 20);
        assert!(first.overlaps(&MeterInterval {
            from: 19,
            to: 30,
            ..first
        }));
        let number = MeterNumber::FIRST.next();
        assert!(!first.overlaps(&MeterInterval { number, ..first }));
        assert!(!first.overlaps(&MeterInterval {
            meter: Meter::Discharged,
            ..first
        }));
    }

    #[test]
    fn numbers_begin_at_one() {
        assert_eq!(MeterNumber::new(0), None);
        assert_eq!(MeterNumber::FIRST.before(), None);
        assert_eq!(MeterNumber::new(2), Some(MeterNumber::FIRST.next()));
        assert_eq!(MeterNumber::FIRST.next().before(), Some(MeterNumber::FIRST));
    }

    #[test]
    fn first_meters_have_no_number() {
        let text = |interval: MeterInterval| toml::to_string(&interval).unwrap();
        let first = MeterInterval::of_first(Meter::Odometer, 1, 2);
        assert_eq!(text(first), "meter = \"odometer\"\nfrom = 1\nto = 2\n");
        let number = MeterNumber::FIRST.next();
        let second = MeterInterval { number, ..first };
        assert!(text(second).contains("number = 2"));
        for interval in [first, second] {
            let read: MeterInterval = toml::from_str(&text(interval)).unwrap();
            assert_eq!(read, interval);
        }
    }
}
