//! What the program hands to the window: one immutable value, of which only the newest counts.

use std::sync::Arc;

use dashpoint_membership::{MeterInterval, ServerTime};
use dashpoint_telematics::DriveState;
use dashpoint_ui::Drive;
use dashpoint_ui::data::ScreenData;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::choices::Choices;
use super::data::CarState;

/// Everything that the window knows at one moment.
#[derive(Debug, Clone)]
pub struct Scene {
    /// What the pages are made of.
    pub data: ScreenData,
    /// How the car moves.
    pub drive: Drive,
    /// What the car's own displays do.
    pub car: CarState,
    /// What the driver has chosen, as it is on the disk.
    pub choices: Choices,
    /// The car's best idea of the time.
    pub now: ServerTime,
    /// The zone of the member's days.
    pub zone: TimeZone,
}

/// Where scenes are put; one that the window has not looked at yet is replaced by the next.
pub type Scenes = watch::Sender<Option<Arc<Scene>>>;

impl Scene {
    /// Which trip the summary would be of.
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
