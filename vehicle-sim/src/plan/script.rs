//! The growing plan: publishes states only when they change, leaves out what is to be omitted, and lets go wrong what
//! is to go wrong.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::fault::{BusFault, DisturbedMessage, FaultRng};
use super::messages::{Mark, Plan};
use super::setup::Setup;
use crate::error::SimError;
use crate::identity::SimulatedDriver;
use crate::message::{Delivery, Message};
use crate::meters::CarMeters;
use crate::vehicle::Vehicle;
use crate::vss::{VssSignal, VssValue};

/// The signals follow this release of VSS.
const VSS_VERSION: (i64, i64) = (6, 0);

/// A plan being written.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    vehicle: Vehicle,
    omit: BTreeSet<String>,
    omitted: BTreeSet<String>,
    at: Timestamp,
    /// The buses of the car sleep: nothing is published.
    is_asleep: bool,
    /// The states as they are, by path, whatever became of their messages.
    states: BTreeMap<String, VssValue>,
    faults: Vec<BusFault>,
    chance: FaultRng,
    /// The states that a fault has met.
    disturbed: BTreeSet<String>,
    /// Messages that come later than they should, in the order of coming.
    late: BTreeMap<(Timestamp, u64), Message>,
    put_off: u64,
    messages: Vec<Message>,
    marks: Vec<Mark>,
    restarts: Vec<usize>,
}

impl Script {
    /// Begins at `at` with what a head unit that knows nothing must learn first: who the car is and its meters.
    pub(crate) fn open(at: Timestamp, setup: Setup<'_>) -> Self {
        let mut script = Self {
            vehicle: setup.vehicle.clone(),
            omit: setup.omit.clone(),
            omitted: BTreeSet::new(),
            at,
            is_asleep: false,
            states: BTreeMap::new(),
            faults: Vec::new(),
            chance: FaultRng::new(setup.seed),
            disturbed: BTreeSet::new(),
            late: BTreeMap::new(),
            put_off: 0,
            messages: Vec::new(),
            marks: Vec::new(),
            restarts: Vec::new(),
        };
        script.show(VssSignal::VssMajor, VSS_VERSION.0);
        script.show(VssSignal::VssMinor, VSS_VERSION.1);
        script.show(VssSignal::Vin, setup.identity.vin.as_str());
        if let Some(driver) = &setup.identity.driver {
            script.show_driver(driver);
        }
        script.show(VssSignal::AirTemperature, setup.celsius);
        script.show_meters(setup.meters);
        script.show(VssSignal::IsMoving, false);
        script.show(VssSignal::IsCharging, false);
        script
    }

    /// Moves to the time `at`, after late messages that are due by then.
    pub(super) fn turn_to(&mut self, at: Timestamp) {
        self.at = at;
        let still_late = self.late.split_off(&(at, u64::MAX));
        let due = std::mem::replace(&mut self.late, still_late);
        self.messages.extend(due.into_values());
    }

    /// Publishes the value as the signal is carried: a sample always, a state when it changed.
    pub(super) fn show(&mut self, signal: VssSignal, value: impl Into<VssValue>) {
        self.push(signal.path().into(), value.into(), signal.delivery());
    }

    /// Publishes a signal that the simulator does not know: a number as a sample, anything else as a state.
    pub(super) fn show_other(&mut self, path: &str, value: &VssValue) {
        let delivery = match value {
            VssValue::Int(_) | VssValue::Float(_) => Delivery::Sample,
            VssValue::Bool(_) | VssValue::Text(_) => Delivery::State,
        };
        self.push(path.to_owned().into(), value.clone(), delivery);
    }

    pub(super) fn show_driver(&mut self, driver: &SimulatedDriver) {
        self.show(VssSignal::DriverIssuer, driver.issuer.as_str());
        self.show(VssSignal::DriverSubject, driver.subject.as_str());
    }

    /// Publishes the meters that changed and remembers where the car stands.
    pub(super) fn show_meters(&mut self, meters: &CarMeters) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole metres, far below what an i64 holds"
        )]
        let whole_metres = meters.odometer_m.floor() as i64;
        self.show(VssSignal::Odometer, whole_metres);
        self.show(VssSignal::ChargedEnergy, meters.charged_kwh);
        self.show(VssSignal::ConsumedEnergy, meters.consumed_kwh);
        self.show(VssSignal::RenewableEnergy, meters.renewable_kwh);
        self.show(
            VssSignal::StateOfCharge,
            meters.charge_percent(&self.vehicle),
        );
        self.mark(meters);
    }

    /// From now on nothing is published; states change all the same.
    pub(super) fn fall_asleep(&mut self) {
        self.is_asleep = true;
    }

    /// Publishes again, and every state at once.
    pub(super) fn wake_up(&mut self) {
        self.is_asleep = false;
        self.show_again();
    }

    /// Publishes every state as it is, changed or not.
    fn show_again(&mut self) {
        let unsaid: Vec<(String, VssValue)> = self
            .states
            .iter()
            .map(|(path, value)| (path.clone(), value.clone()))
            .collect();
        for (path, value) in unsaid {
            self.publish(path.into(), value, Delivery::State);
        }
    }

    pub(super) fn disturb(&mut self, fault: BusFault) {
        self.faults.push(fault);
    }

    /// Ends all faults and publishes the states that they have met as they are.
    pub(super) fn heal(&mut self) {
        self.faults.clear();
        for path in std::mem::take(&mut self.disturbed) {
            if let Some(value) = self.states.get(&path).cloned() {
                self.publish(path.into(), value, Delivery::State);
            }
        }
    }

    pub(super) fn restart_broker(&mut self) {
        self.restarts.push(self.messages.len());
        self.show_again();
    }

    /// Remembers that the car stands at `meters` once everything up to here is published.
    pub(super) fn mark(&mut self, meters: &CarMeters) {
        let mark = Mark {
            messages: self.messages.len(),
            at: self.at,
            meters: meters.clone(),
        };
        self.marks.push(mark);
    }

    /// Fails when something was to be omitted that never came.
    pub(super) fn check_omitted(&self) -> Result<(), SimError> {
        match self.omit.difference(&self.omitted).next() {
            Some(path) => Err(SimError::OmitsNothing { path: path.clone() }),
            None => Ok(()),
        }
    }

    /// Takes the messages that were written since the last call. What is late comes at the end of it.
    pub(super) fn take(&mut self, meters: &CarMeters) -> Plan {
        self.messages
            .extend(std::mem::take(&mut self.late).into_values());
        self.mark(meters);
        Plan {
            messages: std::mem::take(&mut self.messages),
            marks: std::mem::take(&mut self.marks),
            restarts: std::mem::take(&mut self.restarts),
        }
    }

    fn push(&mut self, path: Cow<'static, str>, value: VssValue, delivery: Delivery) {
        if self.omit.contains(path.as_ref()) {
            self.omitted.insert(path.into_owned());
            return;
        }
        if delivery == Delivery::State {
            if self.states.get(path.as_ref()) == Some(&value) {
                return;
            }
            self.states.insert(path.to_string(), value.clone());
        }
        self.publish(path, value, delivery);
    }

    fn publish(&mut self, path: Cow<'static, str>, value: VssValue, delivery: Delivery) {
        if self.is_asleep {
            return;
        }
        let mut outcome = DisturbedMessage::of(Message {
            path,
            value,
            at: self.at,
            clock_ahead: SignedDuration::ZERO,
            delivery,
            garbage: None,
        });
        for fault in &mut self.faults {
            if fault.meets(&outcome.message, &mut self.chance) {
                fault.apply(&mut outcome, &mut self.chance);
                if delivery == Delivery::State {
                    self.disturbed.insert(outcome.message.path.to_string());
                }
            }
        }
        for _ in 0..outcome.copies {
            if outcome.due > self.at {
                self.put_off += 1;
                self.late
                    .insert((outcome.due, self.put_off), outcome.message.clone());
            } else {
                self.messages.push(outcome.message.clone());
            }
        }
    }
}
