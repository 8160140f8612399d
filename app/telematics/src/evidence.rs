//! A trip or a session that is over, with its evidence.

use dashpoint_membership::{Evidence, Factor, Grade};
use serde::{Deserialize, Serialize};

use crate::driver::Driver;
use crate::marks::Marks;

/// A trip or a session that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The evidence, which may leave the car.
    pub evidence: Evidence,
    /// The driver to whom it belongs.
    pub driver: Driver,
    /// Its last moment, in milliseconds since 1970-01-01T00:00:00Z.
    pub ended_ms: i64,
    /// Offset of the local clock from UTC then, in minutes.
    pub utc_offset_min: i16,
    /// The private evidence, which stays in the car.
    pub private: PrivateEvidence,
    /// All marks once this is settled.
    pub marks: Marks,
}

/// Details that stay in the car, for disputes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivateEvidence {
    /// Of a trip.
    Trip(TripTrace),
    /// Of a charging session.
    Charge(ChargeTrace),
    /// Of a session of giving back.
    Discharge(DischargeTrace),
}

/// The trip in detail. Times are in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TripTrace {
    /// Its first moment.
    pub started_ms: i64,
    /// Its last moment.
    pub ended_ms: i64,
    /// The reason of its end.
    pub end: TripEnd,
    /// Time in park with the ignition on, in milliseconds.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub parked_ms: u64,
    /// The distance by the integral of speed, in metres: the cross-check of the odometer.
    pub speed_integral_m: u64,
    /// Source of the braking.
    pub braking: BrakingSource,
    /// Times at which each factor counted against the driver, oldest first.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub spells: Vec<Spell>,
    /// Spells beyond the first thousand, which are counted but not listed.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub spells_unlisted: u32,
}

/// Returns whether a value is the default and is left out: the flash pays for each byte of an award.
fn is_nothing<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl TripTrace {
    /// Returns whether odometer and speed contradict each other: more than a tenth and 200 m apart, where speed was
    /// seen.
    #[must_use]
    pub const fn contradicts(&self, distance_m: u64) -> bool {
        let apart_m = self.speed_integral_m.abs_diff(distance_m);
        self.speed_integral_m > 0 && apart_m > 200 && apart_m > distance_m / 10
    }
}

/// The reason of a trip's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TripEnd {
    /// Standing with the ignition off.
    Parked,
    /// Nothing was seen for longer than the car is silent in a drive, or time went back.
    Gap,
    /// Somebody else drives on.
    DriverChanged,
    /// The odometer is somewhere else now.
    OdometerMoved,
}

/// Source of the braking of a trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrakingSource {
    /// The published acceleration.
    Acceleration,
    /// The difference of speeds.
    Speed,
}

/// A stretch of time in which a factor counted against the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spell {
    /// The factor.
    pub factor: Factor,
    /// From when.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
    /// The worst of it: thousandths of g, milliseconds of headway, m/h of speed, or percent of weight.
    pub worst: i64,
}

/// The charging session in detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChargeTrace {
    /// Its first moment; unknown when the head unit slept through it.
    pub started_ms: Option<i64>,
    /// Its last moment, or when it was found.
    pub ended_ms: i64,
    /// True when it was found by the counter alone.
    pub reconstructed: bool,
    /// The charging point; empty when unknown.
    pub evse: String,
    /// Highest power seen, in watts.
    pub power_max_w: u64,
    /// The energy by where it came from, oldest first.
    pub steps: Vec<ChargeStep>,
}

/// Energy of one origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeStep {
    /// Time at which the energy began to flow, in milliseconds since 1970-01-01T00:00:00Z.
    pub from_ms: i64,
    /// Time at which it ended, in milliseconds since 1970-01-01T00:00:00Z.
    pub to_ms: i64,
    /// Energy, in watt-hours.
    pub wh: u64,
    /// Its renewable share, in permille.
    pub permille: u16,
    /// Grade of the share.
    pub grade: Grade,
}

/// The session of giving back in detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DischargeTrace {
    /// Its first moment; unknown when it had begun before the head unit woke.
    pub started_ms: Option<i64>,
    /// Its last moment.
    pub ended_ms: i64,
}
