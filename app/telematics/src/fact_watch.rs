//! Follows the facts about the car.

use std::collections::BTreeMap;

use crate::intake::Stamped;
use crate::reading::{SignalReading, Value};
use crate::signal::Signal;
use crate::vehicle_fact::VehicleFact;

impl VehicleFact {
    /// Returns the fact that a value states; `None` when the value is refused or the signal states none.
    #[must_use]
    pub fn of(signal: Signal, value: &Value) -> Option<Self> {
        match SignalReading::new(signal, value) {
            Ok(SignalReading::Fact(fact)) => Some(fact),
            Ok(_) | Err(_) => None,
        }
    }
}

/// Follows the facts as samples arrive, without waiting for late ones, each signal in the order of its own times.
///
/// A fact whose time is not believed waits until the bus agrees on that time. The exception is a VIN that contradicts the
/// believed one: it is told whatever its time is, since in doubt nothing may be earned. Only a VIN in order ends the doubt.
#[derive(Debug, Default)]
pub(crate) struct FactWatch {
    told: BTreeMap<Signal, VehicleFact>,
    seen_ms: BTreeMap<Signal, i64>,
    /// The VIN that was last told in order.
    vin: Option<VehicleFact>,
}

impl FactWatch {
    /// Takes a reading that was not refused for its value; gives the fact when it is another than before.
    pub(crate) fn take(&mut self, stamped: &Stamped, is_strange: bool) -> Option<VehicleFact> {
        let SignalReading::Fact(fact) = &stamped.reading else {
            return None;
        };
        let is_vin = matches!(fact, VehicleFact::Vin(_));
        let seen_ms = self.seen_ms.get(&stamped.signal);
        let is_overtaken = seen_ms.is_some_and(|&seen_ms| stamped.at_ms < seen_ms);
        if is_strange || is_overtaken {
            if !is_vin || self.vin.as_ref() == Some(fact) {
                return None;
            }
        } else {
            self.seen_ms.insert(stamped.signal, stamped.at_ms);
            if is_vin {
                self.vin = Some(fact.clone());
            }
        }
        let before = self.told.insert(stamped.signal, fact.clone());
        (before.as_ref() != Some(fact)).then(|| fact.clone())
    }

    /// Forgets the times: the bus has moved to another time.
    pub(crate) fn forget_times(&mut self) {
        self.seen_ms.clear();
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        for at_ms in self.seen_ms.values_mut() {
            *at_ms = at_ms.saturating_add(by_ms);
        }
    }
}
