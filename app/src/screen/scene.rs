//! The program's output for the window: one immutable value, of which only the newest counts.

use std::sync::Arc;

use dashpoint_membership::{MeterInterval, ServerTime};
use dashpoint_telematics::DriveState;
use dashpoint_ui::Drive;
use dashpoint_ui::model::ScreenData;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::choices::Choices;
use crate::live::CarState;

/// Everything that the window knows at one moment.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Data of the pages.
    pub data: ScreenData,
    /// The car's drive state.
    pub drive: Drive,
    /// State of the car's own displays.
    pub car: CarState,
    /// The driver's choices, as they are on the disk.
    pub choices: Choices,
    /// The car's best idea of the time.
    pub now: ServerTime,
    /// The zone of the member's days.
    pub zone: TimeZone,
}

/// Channel of the scenes; one that the window has not read yet is replaced by the next.
pub type Scenes = watch::Sender<Option<Arc<Scene>>>;

impl Scene {
    /// Returns the odometer interval of the trip that the summary would show.
    #[must_use]
    pub fn trip(&self) -> Option<MeterInterval> {
        self.data.trip.as_ref().map(|trip| trip.trip.odometer)
    }
}

/// The drive state as the pages know it.
#[must_use]
pub const fn drive(state: DriveState) -> Drive {
    match state {
        DriveState::Moving => Drive::Moving,
        DriveState::Standing => Drive::Standing,
        DriveState::Parked => Drive::Parked,
        DriveState::Unknown => Drive::Unknown,
    }
}
