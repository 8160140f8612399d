//! The trip of a parked car whose odometer is still to come, and metres that no odometer has told yet.

use serde::{Deserialize, Serialize};

use crate::driver::Driver;
use crate::evidence::TripEnd;
use crate::trip::OpenTrip;

/// The trip of a car that was parked at this time, before its odometer was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ParkedTrip {
    pub(crate) trip: OpenTrip,
    pub(crate) at_ms: i64,
    #[serde(default = "ParkedTrip::by_ignition")]
    pub(crate) end: TripEnd,
    /// Set once the car was handed over: true for a guest's. Without it the choice at its end counts.
    #[serde(default)]
    pub(crate) is_guest: Option<bool>,
}

impl ParkedTrip {
    pub(crate) const fn new(trip: OpenTrip, at_ms: i64, end: TripEnd) -> Self {
        Self {
            trip,
            at_ms,
            end,
            is_guest: None,
        }
    }

    const fn by_ignition() -> TripEnd {
        TripEnd::Parked
    }

    /// Returns whether it can be paid as it is: its odometer has risen, beyond what is settled.
    pub(crate) fn can_be_paid(&self, settled_m: Option<u64>) -> bool {
        let stretch_m = self.trip.stretch_m();
        stretch_m.is_some_and(|(from_m, to_m)| to_m > from_m.max(settled_m.unwrap_or(0)))
    }

    /// Returns whether a drive of this driver may be the same trip.
    pub(crate) fn may_go_on(&self, driver: &Driver) -> bool {
        self.is_guest.is_none() && self.trip.driver == *driver
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        self.trip.translate(by_ms);
        self.at_ms = self.at_ms.saturating_add(by_ms);
    }
}

/// Metres that a trip which is over has left to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnreadWay {
    /// The one who drove them; `None` when they are of nobody who drives next.
    driver: Option<Driver>,
    /// The odometer before them.
    from_m: Option<u64>,
}

impl UnreadWay {
    pub(crate) const fn new(driver: Option<Driver>, from_m: Option<u64>) -> Self {
        Self { driver, from_m }
    }

    /// Returns the odometer before them.
    pub(crate) const fn before_m(&self) -> Option<u64> {
        self.from_m
    }

    /// Returns whether they are somebody else's.
    pub(crate) fn is_of_other_than(&self, driver: &Driver) -> bool {
        self.driver.as_ref() != Some(driver)
    }

    /// Returns whether a reading tells them: one that has not risen is of before.
    pub(crate) fn is_told_by(&self, odometer_m: u64) -> bool {
        self.from_m.is_none_or(|from_m| odometer_m > from_m)
    }
}
