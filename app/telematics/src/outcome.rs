//! The outputs of the fold.

use crate::checkpoint::Checkpoint;
use crate::drive_state::DriveState;
use crate::driver::Driver;
use crate::evidence::Finished;
use crate::fold::FoldOutcome;
use crate::marks::MeterMark;
use crate::meter_opened::MeterOpened;
use crate::vehicle_fact::VehicleFact;

/// An output of the fold, in the order in which outputs are to be stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The car moves, stands or is parked now.
    DriveState(DriveState),
    /// Another fact about the car holds now; those who go by it hear it before anything of the same sample is folded.
    VehicleFact(VehicleFact),
    /// A trip has begun; it is this driver's.
    TripStarted {
        /// The driver of the trip.
        driver: Driver,
        /// Time of the start, in milliseconds since 1970-01-01T00:00:00Z.
        at_ms: i64,
    },
    /// A trip or a session is over; its evidence and the new marks are to be kept together.
    Finished(Box<Finished>),
    /// A meter is settled up to here without anything to pay for: its first value, or a rise that nobody can explain.
    Mark(MeterMark),
    /// A counter turned out to be another meter: to be kept, with its mark, before what is claimed of it.
    MeterOpened(Box<MeterOpened>),
    /// The state to go on from after a crash; it replaces the one before.
    Checkpoint(Box<Checkpoint>),
}

impl From<FoldOutcome> for Outcome {
    fn from(folded: FoldOutcome) -> Self {
        match folded {
            FoldOutcome::TripStarted { driver, at_ms } => Self::TripStarted { driver, at_ms },
            FoldOutcome::Finished(finished) => Self::Finished(finished),
            FoldOutcome::Mark(mark) => Self::Mark(mark),
            FoldOutcome::MeterOpened(opened) => Self::MeterOpened(opened),
        }
    }
}
