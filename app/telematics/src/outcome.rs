//! What comes out of the fold.

use dashpoint_membership::{Evidence, Factor, Grade};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::drive_state::DriveState;
use crate::driver::Driver;
use crate::marks::{Marks, MeterMark};

/// What comes out of the fold, in the order in which it is to be kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The car moves, stands or is parked now.
    DriveState(DriveState),
    /// A trip has begun; it is this driver's.
    TripStarted {
        /// Whose it is.
        driver: Driver,
        /// When, in milliseconds since 1970-01-01T00:00:00Z.
        at_ms: i64,
    },
    /// A trip or a session is over; its evidence and the new marks are to be kept together.
    Finished(Box<Finished>),
    /// A meter is settled up to here without anything to pay for: its first value, or a rise that nobody can explain.
    Mark(MeterMark),
    /// The state to go on from after a crash; it replaces the one before.
    Checkpoint(Box<Checkpoint>),
}

/// A trip or a session that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// What may leave the car.
    pub evidence: Evidence,
    /// Whose it is.
    pub driver: Driver,
    /// Its last moment, in milliseconds since 1970-01-01T00:00:00Z.
    pub ended_ms: i64,
    /// Offset of the local clock from UTC then, in minutes.
    pub utc_offset_min: i16,
    /// What stays in the car.
    pub private: PrivateEvidence,
    /// All marks once this is settled.
    pub marks: Marks,
}

/// What stays in the car, for disputes.
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
    /// Why it ended.
    pub end: TripEnd,
    /// Time in park with the ignition on, in milliseconds.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub parked_ms: u64,
    /// The distance by the integral of speed, in metres: the cross-check of the odometer.
    pub speed_integral_m: u64,
    /// What the braking was taken from.
    pub braking: BrakingSource,
    /// When each factor counted against the driver, oldest first.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub spells: Vec<Spell>,
    /// Spells beyond the first thousand, which are counted but not listed.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub spells_unlisted: u32,
}

/// What is nothing is not written: the flash pays for each byte of an award.
fn is_nothing<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl TripTrace {
    /// Whether odometer and speed tell two different stories: more than a tenth and 200 m apart, where speed was seen.
    #[must_use]
    pub const fn contradicts(&self, distance_m: u64) -> bool {
        let apart_m = self.speed_integral_m.abs_diff(distance_m);
        self.speed_integral_m > 0 && apart_m > 200 && apart_m > distance_m / 10
    }
}

/// Why a trip ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TripEnd {
    /// Standing with the ignition off.
    Parked,
    /// Nothing was seen for more than two minutes, or time went back.
    Gap,
    /// Somebody else drives on.
    DriverChanged,
    /// The odometer is somewhere else now.
    OdometerMoved,
}

/// What the braking of a trip was taken from.
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
    /// Which factor.
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
    /// Whether it was found by the counter alone.
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
    /// When it began to flow.
    pub from_ms: i64,
    /// When it ended.
    pub to_ms: i64,
    /// How much, in watt-hours.
    pub wh: u64,
    /// Its renewable share, in permille.
    pub permille: u16,
    /// How good the word on that is.
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
