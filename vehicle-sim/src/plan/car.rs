//! The car while a plan is being written: it stands, drives, charges or sleeps, and its clock and meters go on.

use jiff::{SignedDuration, Timestamp};

use super::fault::BusFault;
use super::messages::Plan;
use super::script::Script;
use super::setup::Setup;
use crate::error::SimError;
use crate::identity::SimulatedDriver;
use crate::meters::CarMeters;
use crate::physics::{SpeedRamp, battery_draw_w};
use crate::recording::{DriveRecording, Observation};
use crate::vehicle::Vehicle;
use crate::vss::{VssSignal, VssValue};

const PARK: i64 = 126;
const DRIVE: i64 = 127;
const KMH_PER_MPS: f64 = 3.6;
const METRES_PER_KM: f64 = 1000.0;
const SECOND: SignedDuration = SignedDuration::from_secs(1);
const NANOS_PER_SECOND: i32 = 1_000_000_000;

/// Deceleration that stops the car after a recording that ends while moving: below the 0.1 g from which braking counts
/// anywhere.
const STOPPING_MPS2: f64 = 0.8;

/// The car.
#[derive(Debug, Clone)]
pub(crate) struct Car {
    pub(super) vehicle: Vehicle,
    celsius: f64,
    pub(super) script: Script,
    pub(super) meters: CarMeters,
    /// The time of what was published last.
    at: Timestamp,
    /// True while only the opening was published at `at`.
    is_fresh: bool,
    is_on: bool,
    pub(super) driven_from_m: f64,
    /// Time and value of the last known speed, unless the recorder was off since.
    last: Option<(Timestamp, f64)>,
}

impl Car {
    /// A car that says at `at` what a head unit that knows nothing must learn first.
    pub(crate) fn new(at: Timestamp, setup: Setup<'_>) -> Self {
        Self {
            vehicle: setup.vehicle.clone(),
            celsius: setup.celsius,
            script: Script::open(at, setup),
            meters: setup.meters.clone(),
            at,
            is_fresh: true,
            is_on: false,
            driven_from_m: setup.meters.odometer_m,
            last: None,
        }
    }

    /// The time of the car.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// Drives along a recording: ignition on unless it is, then each row, then to a stop.
    pub(crate) fn drive(
        &mut self,
        recording: &DriveRecording,
        with_position: bool,
    ) -> Result<(), SimError> {
        self.turn_on()?;
        let start = self.at;
        for row in &recording.rows {
            self.turn_to(later(start, row.offset)?);
            match &row.observation {
                Observation::Speed(speed_mps) => self.go(*speed_mps, row.after_gap)?,
                Observation::Other { path, value } => {
                    if with_position || !is_position(path) {
                        self.script.show_other(path, value);
                    }
                }
            }
        }
        while let Some((_, speed_mps)) = self.last.filter(|(_, speed_mps)| *speed_mps > 0.0) {
            self.turn_to(later(self.at, SECOND)?);
            self.go((speed_mps - STOPPING_MPS2).max(0.0), false)?;
        }
        Ok(())
    }

    /// Stands with the ignition on, as at a red light.
    pub(crate) fn stand(&mut self, lasts: SignedDuration) -> Result<(), SimError> {
        self.turn_on()?;
        let until = later(self.at, lasts)?;
        self.go(0.0, false)?;
        while later(self.at, SECOND)? <= until {
            self.turn_to(later(self.at, SECOND)?);
            self.go(0.0, false)?;
        }
        Ok(())
    }

    /// Park a second after the stop, ignition off a second later: no two of these edges share a time. Nothing when
    /// the ignition is off.
    pub(crate) fn park(&mut self) -> Result<(), SimError> {
        if !self.is_on {
            return Ok(());
        }
        self.turn_to(later(self.at, SECOND)?);
        self.script.show(VssSignal::SelectedGear, PARK);
        self.script.show(VssSignal::ParkingBrake, true);
        self.turn_to(later(self.at, SECOND)?);
        self.script.show(VssSignal::BatteryPower, 0.0);
        self.show_off();
        self.script.mark(&self.meters);
        Ok(())
    }

    /// Puts the lever somewhere, and nothing else.
    pub(crate) fn select(&mut self, gear: i64) -> Result<(), SimError> {
        self.pass_a_second()?;
        self.script.show(VssSignal::SelectedGear, gear);
        Ok(())
    }

    /// Says something of the car that follows from nothing it does.
    pub(crate) fn say(
        &mut self,
        signal: VssSignal,
        value: impl Into<VssValue>,
    ) -> Result<(), SimError> {
        self.pass_a_second()?;
        self.script.show(signal, value);
        self.script.mark(&self.meters);
        Ok(())
    }

    /// Says a signal that the simulator does not know.
    pub(crate) fn say_other(&mut self, path: &str, value: &VssValue) -> Result<(), SimError> {
        self.pass_a_second()?;
        self.script.show_other(path, value);
        self.script.mark(&self.meters);
        Ok(())
    }

    /// Somebody else sits down.
    pub(crate) fn change_driver(&mut self, driver: &SimulatedDriver) -> Result<(), SimError> {
        self.pass_a_second()?;
        self.script.show_driver(driver);
        self.script.mark(&self.meters);
        Ok(())
    }

    /// A car that has said nothing yet and sleeps.
    pub(crate) fn asleep(at: Timestamp, setup: Setup<'_>) -> Self {
        let mut car = Self::new(at, setup);
        drop(car.take_plan());
        car
    }

    /// Sleeps, parked, and says everything anew when it wakes.
    pub(crate) fn sleep(&mut self, lasts: SignedDuration) -> Result<(), SimError> {
        self.wake_at(later(self.at, lasts)?)
    }

    /// Sleeps, parked, until `at`, and says everything anew then.
    pub(crate) fn wake_at(&mut self, at: Timestamp) -> Result<(), SimError> {
        self.park()?;
        self.script.fall_asleep();
        self.turn_to(at.max(self.at));
        self.show_off();
        self.script.show_meters(&self.meters);
        self.script.wake_up();
        self.script.mark(&self.meters);
        Ok(())
    }

    /// Something goes wrong from now on.
    pub(crate) fn disturb(&mut self, fault: BusFault) {
        self.script.disturb(fault);
    }

    /// Everything works again, and what was disturbed is said as it is.
    pub(crate) fn heal(&mut self) -> Result<(), SimError> {
        self.pass_a_second()?;
        self.script.heal();
        self.script.mark(&self.meters);
        Ok(())
    }

    /// The broker is restarted here, and the car says everything anew.
    pub(crate) fn restart_broker(&mut self) -> Result<(), SimError> {
        self.pass_a_second()?;
        self.script.restart_broker();
        self.script.mark(&self.meters);
        Ok(())
    }

    /// Takes the messages that were written since the last call.
    pub(crate) fn take_plan(&mut self) -> Plan {
        self.script.take(&self.meters)
    }

    /// The finished plan.
    ///
    /// # Errors
    /// When something was to be omitted that never came: a name misspelt would change nothing without a word.
    pub(crate) fn close(mut self) -> Result<Plan, SimError> {
        self.script.check_omitted()?;
        Ok(self.take_plan())
    }

    /// Whatever begins now does so at a whole second after what was said before.
    pub(super) fn pass_a_second(&mut self) -> Result<(), SimError> {
        if !self.is_fresh {
            let next = later(self.at, SECOND)?;
            self.turn_to(whole_second(next)?);
        }
        self.is_fresh = false;
        Ok(())
    }

    pub(super) fn turn_to(&mut self, at: Timestamp) {
        self.at = at;
        self.is_fresh = false;
        self.script.turn_to(at);
    }

    /// Parked and off, as a new head unit must learn it.
    pub(super) fn show_off(&mut self) {
        self.script.show(VssSignal::SelectedGear, PARK);
        self.script.show(VssSignal::ParkingBrake, true);
        self.script.show(VssSignal::Ignition, "OFF");
        self.is_on = false;
        self.last = None;
    }

    fn turn_on(&mut self) -> Result<(), SimError> {
        self.pass_a_second()?;
        if !self.is_on {
            self.driven_from_m = self.meters.odometer_m;
            self.is_on = true;
        }
        self.script.show(VssSignal::ParkingBrake, false);
        self.script.show(VssSignal::SelectedGear, DRIVE);
        self.script.show(VssSignal::Ignition, "ON");
        Ok(())
    }

    /// Takes one speed. Across a gap nothing is known, so nothing is counted: the odometer stands still and no
    /// acceleration is published.
    fn go(&mut self, speed_mps: f64, after_gap: bool) -> Result<(), SimError> {
        let last = self.last.filter(|_| !after_gap);
        self.last = Some((self.at, speed_mps));
        self.script.show(VssSignal::Speed, speed_mps * KMH_PER_MPS);
        self.script.show(VssSignal::IsMoving, speed_mps > 0.0);
        let Some((last_at, last_mps)) = last else {
            return Ok(());
        };
        let seconds = self.at.duration_since(last_at).as_secs_f64();
        if seconds <= 0.0 {
            return Ok(());
        }
        let acceleration_mps2 = (speed_mps - last_mps) / seconds;
        self.script
            .show(VssSignal::LongitudinalAcceleration, acceleration_mps2);
        let metres = (speed_mps + last_mps) / 2.0 * seconds;
        let ramp = SpeedRamp {
            from_mps: last_mps,
            to_mps: speed_mps,
            seconds,
        };
        let draw_w = battery_draw_w(&self.vehicle, self.celsius, ramp);
        let given_w = self
            .meters
            .drive(&self.vehicle, metres, draw_w, seconds)
            .ok_or_else(|| SimError::BatteryEmpty {
                km: (self.meters.odometer_m - self.driven_from_m) / METRES_PER_KM,
            })?;
        self.script.show(VssSignal::BatteryPower, -given_w);
        self.script.show_meters(&self.meters);
        Ok(())
    }
}

/// Returns whether a path is a position or a charging point, which must not be on the bus unless asked for.
fn is_position(path: &str) -> bool {
    path.starts_with("Vehicle.CurrentLocation.") || path.contains(".Location.")
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Result<Timestamp, SimError> {
    at.checked_add(by).map_err(SimError::Time)
}

/// The time itself or the next whole second.
pub(crate) fn whole_second(at: Timestamp) -> Result<Timestamp, SimError> {
    match at.subsec_nanosecond() {
        0 => Ok(at),
        nanos => later(
            at,
            SignedDuration::from_nanos(i64::from(NANOS_PER_SECOND - nanos)),
        ),
    }
}
