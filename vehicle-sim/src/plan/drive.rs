//! A drive along a recording.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Plan, Script};
use crate::error::SimError;
use crate::identity::Identity;
use crate::meters::Meters;
use crate::physics::battery_draw_w;
use crate::recording::{Observation, Recording, Row};
use crate::vehicle::Vehicle;
use crate::vss::Signal;

const PARK: i64 = 126;
const DRIVE: i64 = 127;
const KMH_PER_MPS: f64 = 3.6;
const METRES_PER_KM: f64 = 1000.0;

/// How a recording that ends while moving is brought to a stop: below the 0.1 g from which braking counts anywhere.
const STOPPING_MPS2: f64 = 0.8;

/// What a drive needs to know.
#[derive(Clone, Copy)]
pub(crate) struct DriveInput<'a> {
    pub(crate) recording: &'a Recording,
    pub(crate) start: Timestamp,
    pub(crate) vehicle: &'a Vehicle,
    pub(crate) identity: &'a Identity,
    pub(crate) omit: &'a BTreeSet<String>,
    pub(crate) meters: &'a Meters,
    pub(crate) with_position: bool,
}

/// Works out a drive: ignition on, the recording, park, ignition off.
pub(crate) fn plan_drive(input: DriveInput<'_>) -> Result<Plan, SimError> {
    let mut script = Script::open(
        input.start,
        input.vehicle,
        input.identity,
        input.omit,
        input.meters,
    );
    script.show(Signal::ParkingBrake, false);
    script.show(Signal::SelectedGear, DRIVE);
    script.show(Signal::Ignition, "ON");
    let mut car = Car {
        vehicle: input.vehicle,
        driven_from_m: input.meters.odometer_m,
        meters: input.meters.clone(),
        script,
        last: None,
    };
    let mut offset = SignedDuration::ZERO;
    for row in &input.recording.rows {
        offset = row.offset;
        car.script.turn_to(later(input.start, offset)?);
        match &row.observation {
            Observation::Speed(speed_mps) => car.go(row, *speed_mps)?,
            Observation::Other { path, value } => {
                if input.with_position || !is_position(path) {
                    car.script.show_other(path, value);
                }
            }
        }
    }
    offset = car.stop(input.start, offset)?;
    car.park(input.start, offset)
}

/// Where the car is or where it charges must not be on the bus unless asked for.
fn is_position(path: &str) -> bool {
    path.starts_with("Vehicle.CurrentLocation.") || path.contains(".Location.")
}

fn later(start: Timestamp, offset: SignedDuration) -> Result<Timestamp, SimError> {
    start.checked_add(offset).map_err(SimError::Time)
}

/// The car on its way.
struct Car<'a> {
    vehicle: &'a Vehicle,
    driven_from_m: f64,
    meters: Meters,
    script: Script<'a>,
    /// When and how fast the speed was last known, unless the recorder was off since.
    last: Option<(SignedDuration, f64)>,
}

impl Car<'_> {
    /// Takes one speed of the recording. Across a gap nothing is known, so nothing is counted: the odometer stands
    /// still and no acceleration is published.
    fn go(&mut self, row: &Row, speed_mps: f64) -> Result<(), SimError> {
        let last = self.last.filter(|_| !row.after_gap);
        self.last = Some((row.offset, speed_mps));
        self.script.show(Signal::Speed, speed_mps * KMH_PER_MPS);
        self.script.show(Signal::IsMoving, speed_mps > 0.0);
        let Some((last_offset, last_mps)) = last else {
            return Ok(());
        };
        let seconds = (row.offset - last_offset).as_secs_f64();
        if seconds <= 0.0 {
            return Ok(());
        }
        let acceleration_mps2 = (speed_mps - last_mps) / seconds;
        self.script
            .show(Signal::LongitudinalAcceleration, acceleration_mps2);
        let metres = (speed_mps + last_mps) / 2.0 * seconds;
        let draw_w = battery_draw_w(self.vehicle, last_mps, speed_mps, seconds);
        let given_w = self
            .meters
            .drive(self.vehicle, metres, draw_w, seconds)
            .ok_or_else(|| SimError::BatteryEmpty {
                km: self.driven_km(),
            })?;
        self.script.show(Signal::BatteryPower, -given_w);
        self.script.show_meters(&self.meters);
        Ok(())
    }

    fn driven_km(&self) -> f64 {
        (self.meters.odometer_m - self.driven_from_m) / METRES_PER_KM
    }

    /// Brings the car gently to a stop when the recording ends while it moves; the time since the start then.
    fn stop(
        &mut self,
        start: Timestamp,
        mut offset: SignedDuration,
    ) -> Result<SignedDuration, SimError> {
        while let Some((_, speed_mps)) = self.last.filter(|(_, speed_mps)| *speed_mps > 0.0) {
            offset += SignedDuration::from_secs(1);
            self.script.turn_to(later(start, offset)?);
            let slower_mps = (speed_mps - STOPPING_MPS2).max(0.0);
            let observation = Observation::Speed(slower_mps);
            self.go(
                &Row {
                    offset,
                    after_gap: false,
                    observation,
                },
                slower_mps,
            )?;
        }
        Ok(offset)
    }

    /// Park a second after the stop, ignition off a second later: no two of these edges share a time.
    fn park(mut self, start: Timestamp, offset: SignedDuration) -> Result<Plan, SimError> {
        self.script
            .turn_to(later(start, offset + SignedDuration::from_secs(1))?);
        self.script.show(Signal::SelectedGear, PARK);
        self.script.show(Signal::ParkingBrake, true);
        self.script
            .turn_to(later(start, offset + SignedDuration::from_secs(2))?);
        self.script.show(Signal::BatteryPower, 0.0);
        self.script.show(Signal::Ignition, "OFF");
        self.script.close(&self.meters)
    }
}
