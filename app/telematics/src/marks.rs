//! Marks: the values up to which the lifetime meters are settled.

use dashpoint_membership::{Meter, MeterInterval};
use serde::{Deserialize, Serialize};

/// The high-water mark of each meter: nothing below it is ever claimed again. `None` is a meter never seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Of the odometer, in metres.
    pub odometer: Option<u64>,
    /// Of the charged energy, in watt-hours.
    pub charged: Option<u64>,
    /// Of the energy given back, in watt-hours. The car has no such counter: this is where it is kept.
    pub discharged: Option<u64>,
}

/// The mark of one meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterMark {
    /// The meter.
    pub meter: Meter,
    /// Settled up to here.
    pub at: u64,
}

impl Marks {
    /// The mark of one meter.
    #[must_use]
    pub const fn of(&self, meter: Meter) -> Option<u64> {
        match meter {
            Meter::Odometer => self.odometer,
            Meter::Charged => self.charged,
            Meter::Discharged => self.discharged,
        }
    }

    /// Raises the mark of one meter; a lower one changes nothing.
    pub fn raise(&mut self, mark: MeterMark) {
        let held = match mark.meter {
            Meter::Odometer => &mut self.odometer,
            Meter::Charged => &mut self.charged,
            Meter::Discharged => &mut self.discharged,
        };
        *held = (*held).max(Some(mark.at));
    }

    /// The higher mark of both, meter by meter.
    #[must_use]
    pub fn highest(self, other: Self) -> Self {
        Self {
            odometer: self.odometer.max(other.odometer),
            charged: self.charged.max(other.charged),
            discharged: self.discharged.max(other.discharged),
        }
    }

    /// Returns the part of an interval that is not settled yet; `None` when all of it is.
    pub(crate) fn unsettled(&self, meter: Meter, from: u64, to: u64) -> Option<MeterInterval> {
        let from = self.of(meter).map_or(from, |mark| mark.max(from));
        (from < to).then_some(MeterInterval::of_first(meter, from, to))
    }
}
