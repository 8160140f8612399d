//! Marks: the values up to which the lifetime meters are settled.

use dashpoint_membership::{Meter, MeterInterval, MeterNumber};
use serde::{Deserialize, Serialize};

/// The high-water mark of each quantity's newest meter: nothing below it is ever claimed again, nor of a meter before. `None` is a
/// meter never seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Of the odometer, in metres.
    pub odometer: Option<u64>,
    /// Of the charged energy, in watt-hours.
    pub charged: Option<u64>,
    /// Of the energy given back, in watt-hours. The car has no such counter: this is where it is kept.
    pub discharged: Option<u64>,
    /// The odometer that is marked.
    #[serde(default, skip_serializing_if = "MeterNumber::is_first")]
    pub odometer_number: MeterNumber,
    /// The counter of charged energy that is marked.
    #[serde(default, skip_serializing_if = "MeterNumber::is_first")]
    pub charged_number: MeterNumber,
}

/// The mark of one meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MeterMark {
    /// The quantity.
    pub meter: Meter,
    /// The meter of that quantity.
    #[serde(default, skip_serializing_if = "MeterNumber::is_first")]
    pub number: MeterNumber,
    /// Settled up to here.
    pub at: u64,
}

impl MeterMark {
    /// The mark once an interval is settled.
    #[must_use]
    pub const fn after(interval: MeterInterval) -> Self {
        let MeterInterval {
            meter, number, to, ..
        } = interval;
        Self {
            meter,
            number,
            at: to,
        }
    }
}

impl Marks {
    /// Returns the mark of the newest meter of a quantity.
    #[must_use]
    pub const fn of(&self, meter: Meter) -> Option<u64> {
        match meter {
            Meter::Odometer => self.odometer,
            Meter::Charged => self.charged,
            Meter::Discharged => self.discharged,
        }
    }

    /// Returns the number of the newest meter of a quantity.
    #[must_use]
    pub const fn number(&self, meter: Meter) -> MeterNumber {
        match meter {
            Meter::Odometer => self.odometer_number,
            Meter::Charged => self.charged_number,
            Meter::Discharged => MeterNumber::FIRST,
        }
    }

    /// Returns the mark of a quantity with the number of its meter.
    #[must_use]
    pub fn mark(&self, meter: Meter) -> Option<MeterMark> {
        let number = self.number(meter);
        self.of(meter).map(|at| MeterMark { meter, number, at })
    }

    /// Raises the mark of one meter; a lower one, or that of a meter before, changes nothing.
    pub fn raise(&mut self, mark: MeterMark) {
        if self.mark(mark.meter).is_none_or(|held| held < mark) {
            self.put(mark.meter, mark.number, Some(mark.at));
        }
    }

    /// Returns the higher mark of both, quantity by quantity.
    #[must_use]
    pub fn highest(mut self, other: Self) -> Self {
        for mark in Meter::ALL.into_iter().filter_map(|meter| other.mark(meter)) {
            self.raise(mark);
        }
        self
    }

    /// Sets the mark of a quantity, also to a lower one.
    pub(crate) fn put(&mut self, meter: Meter, number: MeterNumber, at: Option<u64>) {
        match meter {
            Meter::Odometer => (self.odometer, self.odometer_number) = (at, number),
            Meter::Charged => (self.charged, self.charged_number) = (at, number),
            Meter::Discharged => self.discharged = at,
        }
    }

    /// Returns the part of an interval of the newest meter that is not settled yet; `None` when all of it is.
    pub(crate) fn unsettled(&self, meter: Meter, from: u64, to: u64) -> Option<MeterInterval> {
        let from = self.of(meter).map_or(from, |mark| mark.max(from));
        (from < to).then_some(MeterInterval {
            number: self.number(meter),
            ..MeterInterval::of_first(meter, from, to)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_meter_is_above_each_before() {
        let mark = |number, at| MeterMark {
            meter: Meter::Charged,
            number: MeterNumber::new(number).unwrap(),
            at,
        };
        let mut marks = Marks::default();
        for (raised, held) in [
            (mark(1, 9_000), mark(1, 9_000)),
            (mark(1, 8_000), mark(1, 9_000)),
            (mark(2, 50), mark(2, 50)),
            (mark(1, 9_500), mark(2, 50)),
            (mark(2, 60), mark(2, 60)),
        ] {
            marks.raise(raised);
            assert_eq!(marks.mark(Meter::Charged), Some(held));
        }
        assert_eq!(Marks::default().highest(marks), marks);
        assert_eq!(marks.highest(Marks::from(mark(1, 9_900))), marks);
    }
}
