//! Commands of the simulator.

use std::path::PathBuf;

use crate::cycle::Cycle;
use crate::plan::SimulatedCharge;
use crate::scenario::Scenario;

/// The commands of the simulator.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Drives a cycle.
    Drive(Cycle),
    /// Drives along a recording.
    Replay {
        file: PathBuf,
        /// Keep the times of a recorded day instead of ending now.
        keep_time: bool,
        /// Publish the positions of a recording as well.
        with_position: bool,
    },
    /// Charges, parked.
    Charge(SimulatedCharge),
    /// Charges while the head unit sleeps: only the meters tell of it, when the car wakes.
    ChargeAsleep(SimulatedCharge),
    /// Does the steps of a scenario, and parks.
    Scenario(Scenario),
}

impl Command {
    /// Returns the command as one would type it.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Drive(cycle) => format!("drive --cycle {}", cycle.name()),
            Self::Replay { file, .. } => format!("replay {}", file.display()),
            Self::Charge(charge) => {
                format!(
                    "charge --kwh {} --renewable {}",
                    charge.kwh, charge.renewable_percent
                )
            }
            Self::ChargeAsleep(charge) => {
                format!(
                    "charge --kwh {} --renewable {} --asleep",
                    charge.kwh, charge.renewable_percent
                )
            }
            Self::Scenario(scenario) => format!("scenario {}", scenario.name),
        }
    }
}
