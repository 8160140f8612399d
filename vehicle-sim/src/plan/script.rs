//! The growing plan: publishes states only when they change, and leaves out what is to be omitted.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Mark, Plan};
use crate::error::SimError;
use crate::identity::Identity;
use crate::message::{Delivery, Message};
use crate::meters::Meters;
use crate::vehicle::Vehicle;
use crate::vss::{Signal, Value};

/// The signals follow this release of VSS.
const VSS_VERSION: (i64, i64) = (6, 0);

/// A plan being written.
pub(crate) struct Script<'a> {
    vehicle: &'a Vehicle,
    omit: &'a BTreeSet<String>,
    omitted: BTreeSet<String>,
    at: Timestamp,
    /// The states last published, by path.
    shown: BTreeMap<String, Value>,
    messages: Vec<Message>,
    marks: Vec<Mark>,
}

impl<'a> Script<'a> {
    /// Begins at `at` with what a head unit that knows nothing must learn first: who the car is and its meters.
    pub(crate) fn open(
        at: Timestamp,
        vehicle: &'a Vehicle,
        identity: &Identity,
        omit: &'a BTreeSet<String>,
        meters: &Meters,
    ) -> Self {
        let mut script = Self {
            vehicle,
            omit,
            omitted: BTreeSet::new(),
            at,
            shown: BTreeMap::new(),
            messages: Vec::new(),
            marks: Vec::new(),
        };
        script.show(Signal::VssMajor, VSS_VERSION.0);
        script.show(Signal::VssMinor, VSS_VERSION.1);
        script.show(Signal::Vin, identity.vin.as_str());
        if let Some(driver) = &identity.driver {
            script.show(Signal::DriverIssuer, driver.issuer.as_str());
            script.show(Signal::DriverSubject, driver.subject.as_str());
        }
        script.show_meters(meters);
        script.show(Signal::IsMoving, false);
        script.show(Signal::IsCharging, false);
        script
    }

    /// What follows happens at `at`.
    pub(crate) fn turn_to(&mut self, at: Timestamp) {
        self.at = at;
    }

    /// Publishes the value as the signal is carried: a sample always, a state when it changed.
    pub(crate) fn show(&mut self, signal: Signal, value: impl Into<Value>) {
        self.push(signal.path().into(), value.into(), signal.delivery());
    }

    /// Publishes a signal that the simulator does not know: a number as a sample, anything else as a state.
    pub(crate) fn show_other(&mut self, path: &str, value: &Value) {
        let delivery = match value {
            Value::Int(_) | Value::Float(_) => Delivery::Sample,
            Value::Bool(_) | Value::Text(_) => Delivery::State,
        };
        self.push(path.to_owned().into(), value.clone(), delivery);
    }

    /// Publishes the meters that changed and remembers where the car stands.
    pub(crate) fn show_meters(&mut self, meters: &Meters) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole metres, far below what an i64 holds"
        )]
        let whole_metres = meters.odometer_m.floor() as i64;
        self.show(Signal::Odometer, whole_metres);
        self.show(Signal::ChargedEnergy, meters.charged_kwh);
        self.show(Signal::ConsumedEnergy, meters.consumed_kwh);
        self.show(Signal::RenewableEnergy, meters.renewable_kwh);
        self.show(Signal::StateOfCharge, meters.charge_percent(self.vehicle));
        self.mark(meters);
    }

    /// Remembers that the car stands at `meters` once everything up to here is published.
    pub(crate) fn mark(&mut self, meters: &Meters) {
        let mark = Mark {
            messages: self.messages.len(),
            at: self.at,
            meters: meters.clone(),
        };
        self.marks.push(mark);
    }

    /// The finished plan.
    ///
    /// # Errors
    /// When something was to be omitted that never came: a name misspelt would change nothing without a word.
    pub(crate) fn close(mut self, meters: &Meters) -> Result<Plan, SimError> {
        if let Some(path) = self.omit.difference(&self.omitted).next() {
            return Err(SimError::OmitsNothing { path: path.clone() });
        }
        self.mark(meters);
        Ok(Plan {
            messages: self.messages,
            marks: self.marks,
        })
    }

    fn push(&mut self, path: Cow<'static, str>, value: Value, delivery: Delivery) {
        if self.omit.contains(path.as_ref()) {
            self.omitted.insert(path.into_owned());
            return;
        }
        if delivery == Delivery::State {
            if self.shown.get(path.as_ref()) == Some(&value) {
                return;
            }
            self.shown.insert(path.to_string(), value.clone());
        }
        self.messages.push(Message {
            path,
            value,
            at: self.at,
            delivery,
        });
    }
}
