//! The car as a gateway knows it: the last value of each signal, and the counters that VSS does not have.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::message::Message;
use crate::meters::CarMeters;
use crate::vss::{VssSignal, VssValue};

/// After so long without ignition and charge the buses of a car sleep. Assumed: cars differ from minutes to an hour.
const AWAKE: SignedDuration = SignedDuration::from_mins(15);

/// The most that braking gives back from one word of the car to the next: 100 kW for some seconds. A counter that falls
/// further is another one.
const REGAINED_AT_ONCE_KWH: f64 = 0.1;

/// The most that a charge at AC puts in from one word of the car to the next, some of which may be lost.
const CHARGED_AT_ONCE_KWH: f64 = 5.0;

/// A value with the time of its measurement.
#[derive(Debug, Clone, PartialEq)]
struct KnownValue {
    value: VssValue,
    measured: Timestamp,
}

/// The car as a gateway knows it.
#[derive(Debug, Clone)]
pub(super) struct CarImage {
    pub(super) vin: String,
    values: BTreeMap<VssSignal, KnownValue>,
    /// Of the energy at the meter, the part that reaches the battery.
    efficiency: f64,
    /// Lifetime kWh that braking put back.
    regained_kwh: f64,
    /// Lifetime kWh at the meter of the charging point at home.
    wallbox_kwh: f64,
    /// The charged energy at the begin of the last session; none when there was none since the gateway began.
    session_from_kwh: Option<f64>,
    is_plugged: bool,
    /// Something was charged since the plug went in.
    has_charged: bool,
    /// Since when neither the ignition was on nor the car was charged.
    quiet_since: Option<Timestamp>,
}

impl CarImage {
    pub(super) fn new(vin: String, efficiency: f64, meters: &CarMeters) -> Self {
        Self {
            vin,
            values: BTreeMap::new(),
            efficiency,
            regained_kwh: meters.regained_kwh,
            wallbox_kwh: meters.wallbox_kwh,
            session_from_kwh: None,
            is_plugged: false,
            has_charged: false,
            quiet_since: None,
        }
    }

    /// Takes a value that the car says. Nonsense does not get through a gateway.
    pub(super) fn take(&mut self, message: &Message) {
        let Some(signal) = VssSignal::from_path(&message.path) else {
            return;
        };
        if message.garbage.is_some() {
            return;
        }
        let before = self.number(signal);
        let known = KnownValue {
            value: message.value.clone(),
            measured: message.stamp(),
        };
        self.values.insert(signal, known);
        if signal == VssSignal::ConsumedEnergy {
            let fell_kwh = before.zip(self.number(signal)).map(|(from, to)| from - to);
            self.regained_kwh += fell_kwh.map_or(0.0, |fell| up_to(fell, REGAINED_AT_ONCE_KWH));
        } else if signal == VssSignal::ChargedEnergy {
            let rose_kwh = before.zip(self.number(signal)).map(|(from, to)| to - from);
            if self.is_charging() && self.is_ac() {
                let rose_kwh = rose_kwh.map_or(0.0, |rose| up_to(rose, CHARGED_AT_ONCE_KWH));
                self.wallbox_kwh += rose_kwh / self.efficiency;
            }
        } else if signal == VssSignal::IsCharging && self.is_charging() {
            self.is_plugged = true;
            self.has_charged = true;
            self.session_from_kwh = self.number(VssSignal::ChargedEnergy);
        } else if signal == VssSignal::EvseId {
            self.is_plugged = true;
        } else if signal == VssSignal::Ignition && self.is_on() {
            self.is_plugged = false;
            self.has_charged = false;
        }
        if self.is_on() || self.is_charging() {
            self.quiet_since = None;
        } else if self.quiet_since.is_none() {
            self.quiet_since = Some(message.at);
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "metres of a lifetime are far below"
    )]
    pub(super) fn number(&self, signal: VssSignal) -> Option<f64> {
        match &self.values.get(&signal)?.value {
            VssValue::Int(number) => Some(*number as f64),
            VssValue::Float(number) => Some(*number),
            VssValue::Bool(_) | VssValue::Text(_) => None,
        }
    }

    pub(super) fn flag(&self, signal: VssSignal) -> Option<bool> {
        match self.values.get(&signal)?.value {
            VssValue::Bool(flag) => Some(flag),
            VssValue::Int(_) | VssValue::Float(_) | VssValue::Text(_) => None,
        }
    }

    pub(super) fn text(&self, signal: VssSignal) -> Option<&str> {
        match &self.values.get(&signal)?.value {
            VssValue::Text(text) => Some(text),
            VssValue::Bool(_) | VssValue::Int(_) | VssValue::Float(_) => None,
        }
    }

    pub(super) fn value(&self, signal: VssSignal) -> Option<&VssValue> {
        self.values.get(&signal).map(|known| &known.value)
    }

    /// The time of the value that is known of a signal.
    pub(super) fn measured(&self, signal: VssSignal) -> Timestamp {
        let known = self.values.get(&signal);
        known.map_or(Timestamp::UNIX_EPOCH, |known| known.measured)
    }

    pub(super) fn is_on(&self) -> bool {
        self.text(VssSignal::Ignition) == Some("ON")
    }

    pub(super) fn is_charging(&self) -> bool {
        self.flag(VssSignal::IsCharging) == Some(true)
    }

    /// True from the charging point's word until the ignition is on again.
    pub(super) fn is_plugged(&self) -> bool {
        self.is_plugged
    }

    /// Returns whether a charge is over and the plug still in.
    pub(super) fn has_ended_charge(&self) -> bool {
        self.has_charged && !self.is_charging()
    }

    /// Parked and without charge for so long that the buses of the car sleep.
    pub(super) fn is_asleep(&self, at: Timestamp) -> bool {
        self.quiet_since
            .is_some_and(|since| at.duration_since(since) >= AWAKE)
    }

    /// Returns whether the charge is of the charger on board, which has losses.
    pub(super) fn is_ac(&self) -> bool {
        self.number(VssSignal::ChargingPowerLoss)
            .is_none_or(|loss_w| loss_w > 0.0)
    }

    /// The gear, by the letter on the lever.
    pub(super) fn gear(&self) -> Option<char> {
        match self.value(VssSignal::SelectedGear)? {
            VssValue::Int(126) => Some('P'),
            VssValue::Int(127) => Some('D'),
            VssValue::Int(0) => Some('N'),
            VssValue::Int(-1) => Some('R'),
            VssValue::Int(_) | VssValue::Float(_) | VssValue::Bool(_) | VssValue::Text(_) => None,
        }
    }

    pub(super) fn odometer_km(&self) -> Option<f64> {
        self.number(VssSignal::Odometer)
            .map(|metres| metres / 1_000.0)
    }

    /// Out of the battery when positive, as most programs have it.
    pub(super) fn draw_kw(&self) -> Option<f64> {
        self.number(VssSignal::BatteryPower)
            .map(|watts| -watts / 1_000.0)
    }

    /// Into the battery; 0 while nothing is charged.
    pub(super) fn charging_kw(&self) -> f64 {
        if self.is_charging() {
            self.number(VssSignal::ChargingAveragePower).unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// At the meter of the charging point; 0 while nothing is charged.
    pub(super) fn grid_kw(&self) -> f64 {
        let loss_w = self.number(VssSignal::ChargingPowerLoss).unwrap_or(0.0);
        let into_kw = self.charging_kw();
        if into_kw > 0.0 {
            into_kw + loss_w / 1_000.0
        } else {
            0.0
        }
    }

    /// Lifetime kWh of the grid as a car works it out from its own counter, with the losses of its charger on board.
    pub(super) fn grid_kwh(&self) -> Option<f64> {
        self.number(VssSignal::ChargedEnergy)
            .map(|kwh| kwh / self.efficiency)
    }

    /// Lifetime kWh at the meter of the charging point at home, which knows nothing of the counters of the car.
    pub(super) fn wallbox_kwh(&self) -> f64 {
        self.wallbox_kwh
    }

    /// kWh into the battery since the last session began.
    pub(super) fn session_kwh(&self) -> Option<f64> {
        let charged = self.number(VssSignal::ChargedEnergy)?;
        Some((charged - self.session_from_kwh?).max(0.0))
    }

    /// The same at the meter of the charging point.
    pub(super) fn session_grid_kwh(&self) -> Option<f64> {
        self.session_kwh().map(|kwh| kwh / self.efficiency)
    }

    /// Lifetime kWh that the car drew, without what braking put back, and that.
    pub(super) fn gross_kwh(&self) -> Option<(f64, f64)> {
        self.number(VssSignal::ConsumedEnergy)
            .map(|net| (net + self.regained_kwh, self.regained_kwh))
    }
}

/// A step of a counter that may be one; 0 for one that goes the other way, or too far.
fn up_to(step_kwh: f64, most_kwh: f64) -> f64 {
    if (0.0..=most_kwh).contains(&step_kwh) {
        step_kwh
    } else {
        0.0
    }
}
