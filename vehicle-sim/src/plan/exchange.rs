//! Parts of the car that are exchanged: a meter, the battery.

use jiff::SignedDuration;
use serde::Deserialize;

use super::car::{Car, later};
use crate::error::SimError;

const METRES_PER_KM: f64 = 1000.0;

/// A swap at a station, from park to the new battery. Assumed: stations say three to five minutes.
const SWAP: SignedDuration = SignedDuration::from_mins(5);

/// A lifetime meter that can be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeterKind {
    Odometer,
    ChargedEnergy,
    ConsumedEnergy,
}

impl Car {
    /// Replaces a meter by one that reads `reads`, in km or kWh.
    pub(crate) fn replace_meter(&mut self, meter: MeterKind, reads: f64) -> Result<(), SimError> {
        self.pass_a_second()?;
        match meter {
            MeterKind::Odometer => {
                let leap_m = reads * METRES_PER_KM - self.meters.odometer_m;
                self.meters.odometer_m += leap_m;
                self.driven_from_m += leap_m;
            }
            MeterKind::ChargedEnergy => self.set_charged(reads),
            MeterKind::ConsumedEnergy => self.meters.consumed_kwh = reads,
        }
        self.script.show_meters(&self.meters);
        Ok(())
    }

    /// Parks and swaps the battery for one with this state of charge, and with this reading on a counter of its own.
    pub(crate) fn swap_battery(
        &mut self,
        percent: u8,
        charged_kwh: Option<f64>,
    ) -> Result<(), SimError> {
        self.park()?;
        self.turn_to(later(self.at(), SWAP)?);
        let capacity_kwh = self.vehicle.battery.capacity_kwh;
        self.meters.stored_kwh = capacity_kwh * f64::from(percent) / 100.0;
        if let Some(charged_kwh) = charged_kwh {
            self.set_charged(charged_kwh);
        }
        self.script.show_meters(&self.meters);
        Ok(())
    }

    /// No more of a charge was renewable than was charged.
    fn set_charged(&mut self, charged_kwh: f64) {
        self.meters.charged_kwh = charged_kwh;
        self.meters.renewable_kwh = self.meters.renewable_kwh.min(charged_kwh);
    }
}
