//! The drive state before there is a member: a bus that tells nothing of motion must not keep a car from enrolling.

use std::time::Duration;

use dashpoint_telematics::{DriveState, Signal, Value};
use dashpoint_ui::Drive;

use crate::screen;

/// Time after which a bus that is connected and tells nothing of motion is taken as one that never will: a car that moves
/// publishes its speed several times a second. It is counted while the head unit is awake: suspended it hears nothing.
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// Watches for anything that the bus tells of motion. It counts for the enrolment alone: with a member, an unknown state
/// restricts as driving does.
#[derive(Debug, Default)]
pub(super) struct MotionSilence {
    is_connected: bool,
    has_waited: bool,
    /// The bus has told something of motion once: from then on only what it tells counts.
    is_broken: bool,
    odometer: Option<f64>,
}

impl MotionSilence {
    /// The bus was connected or lost; the wait begins again.
    pub(super) fn connected(&mut self, is_connected: bool) {
        self.is_connected = is_connected;
        self.has_waited = false;
    }

    /// [`SILENCE`] has passed since the bus was connected.
    pub(super) fn waited(&mut self) {
        self.has_waited = self.is_connected;
    }

    /// Returns whether there is something to wait for.
    pub(super) fn waits(&self) -> bool {
        self.is_connected && !self.has_waited && !self.is_broken
    }

    /// Takes a sample of the bus; `value` is `None` for one that cannot be read.
    pub(super) fn hear(&mut self, signal: Signal, value: Option<&Value>) {
        match (signal, value) {
            (
                Signal::Speed
                | Signal::IsMoving
                | Signal::Gear
                | Signal::Longitudinal
                | Signal::Lateral,
                _,
            ) => self.is_broken = true,
            (Signal::Odometer, Some(Value::Number(metres))) => {
                let before = self.odometer.replace(*metres);
                self.is_broken |= before.is_some_and(|before| before != *metres);
            }
            (Signal::Odometer, _) => self.is_broken = true,
            _ => {}
        }
    }

    /// Returns the drive state for the page.
    pub(super) fn drive(&self, told: DriveState) -> Drive {
        let is_silent = self.has_waited && !self.is_broken;
        match (self.is_connected, told) {
            (false, _) => Drive::Unknown,
            (true, DriveState::Unknown) if is_silent => Drive::Parked,
            (true, told) => screen::drive(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent() -> MotionSilence {
        let mut silence = MotionSilence::default();
        silence.connected(true);
        silence.waited();
        silence
    }

    #[test]
    fn a_bus_that_tells_nothing_of_motion_lets_enrol_after_a_while() {
        let mut silence = MotionSilence::default();
        silence.waited();
        assert_eq!(silence.drive(DriveState::Unknown), Drive::Unknown, "no bus");
        silence.connected(true);
        assert!(silence.waits());
        assert_eq!(
            silence.drive(DriveState::Unknown),
            Drive::Unknown,
            "at once"
        );
        silence.hear(Signal::StateOfCharge, Some(&Value::Number(50.0)));
        silence.hear(Signal::Odometer, Some(&Value::Number(12_000.0)));
        silence.waited();
        assert_eq!(silence.drive(DriveState::Unknown), Drive::Parked);
        silence.connected(false);
        assert_eq!(silence.drive(DriveState::Unknown), Drive::Unknown, "lost");
        silence.connected(true);
        assert_eq!(silence.drive(DriveState::Unknown), Drive::Unknown, "again");
        assert!(silence.waits());
    }

    #[test]
    fn what_the_bus_tells_of_motion_counts_before_its_silence() {
        for told in [DriveState::Moving, DriveState::Standing] {
            assert_eq!(silent().drive(told), screen::drive(told));
        }
        for (signal, value) in [
            (Signal::Speed, Some(Value::Number(0.0))),
            (Signal::Speed, None),
            (Signal::Gear, Some(Value::Number(1.0))),
            (Signal::IsMoving, None),
            (Signal::Lateral, Some(Value::Number(0.1))),
        ] {
            let mut silence = silent();
            silence.hear(signal, value.as_ref());
            assert_eq!(silence.drive(DriveState::Unknown), Drive::Unknown);
            assert!(!silence.waits());
        }
        let mut silence = silent();
        for metres in [12_000.0, 12_000.0] {
            silence.hear(Signal::Odometer, Some(&Value::Number(metres)));
            assert_eq!(silence.drive(DriveState::Unknown), Drive::Parked);
        }
        silence.hear(Signal::Odometer, Some(&Value::Number(12_004.0)));
        assert_eq!(silence.drive(DriveState::Unknown), Drive::Unknown);
    }
}
