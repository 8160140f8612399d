//! A charging session.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::car::{Car, later, whole_second};
use crate::error::SimError;
use crate::meters::CarMeters;
use crate::vss::VssSignal;

const SECONDS_PER_HOUR: f64 = 3600.0;
const WATTS_PER_KW: f64 = 1000.0;

/// Interval at which the meters are published while charging, in seconds.
const STEP_S: u32 = 10;

/// Emission of fossil generation in China in 2023, g/kWh (Ministry of Ecology and Environment and National Bureau
/// of Statistics: 0.8273 kg/kWh). The share that is not renewable is taken to come from it.
const FOSSIL_G_PER_KWH: f64 = 827.3;

/// Source of the renewable share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EnergySource {
    /// The station, over the cable: a share that it announced ahead.
    Iso15118,
    /// The operator's energy mix of the charging point.
    Ocpi,
    /// A utility's signal.
    OpenAdr,
    /// A meter of the site.
    Site,
    Estimate,
}

impl EnergySource {
    /// Every source.
    pub const ALL: [Self; 5] = [
        Self::Iso15118,
        Self::Ocpi,
        Self::OpenAdr,
        Self::Site,
        Self::Estimate,
    ];

    /// The value on the bus.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iso15118 => "ISO15118",
            Self::Ocpi => "OCPI",
            Self::OpenAdr => "OPENADR",
            Self::Site => "SITE",
            Self::Estimate => "ESTIMATE",
        }
    }
}

/// A charging session to simulate.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedCharge {
    /// Energy into the battery; above 0.
    pub kwh: f64,
    /// 0 to 100.
    pub renewable_percent: u8,
    pub source: EnergySource,
    /// At a DC post, with its power and its id, rather than at an AC one.
    pub dc: bool,
}

impl SimulatedCharge {
    /// The id of the simulated charging point: of the shape of ISO 15118-2 Annex H, without separators.
    pub fn evse_id(&self) -> &'static str {
        if self.dc {
            "CNTSTE000002"
        } else {
            "CNTSTE000001"
        }
    }

    /// g/kWh, from the share that is not renewable.
    pub fn carbon_g_per_kwh(&self) -> i64 {
        let fossil = f64::from(100_u8.saturating_sub(self.renewable_percent)) / 100.0;
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 827")]
        let grams = (fossil * FOSSIL_G_PER_KWH).round() as i64;
        grams
    }

    fn check(&self) -> Result<(), SimError> {
        if !(self.kwh.is_finite() && self.kwh > 0.0) {
            return Err(SimError::OutOfRange {
                what: "kwh",
                value: self.kwh,
                expected: "a number above 0",
            });
        }
        if self.renewable_percent > 100 {
            let value = f64::from(self.renewable_percent);
            return Err(SimError::OutOfRange {
                what: "renewable",
                value,
                expected: "0 to 100 percent",
            });
        }
        Ok(())
    }
}

impl Car {
    /// Charges: parked, ignition off, power at once and even until exactly the energy is in.
    pub(crate) fn charge(&mut self, charge: &SimulatedCharge) -> Result<(), SimError> {
        self.check_charge(charge)?;
        self.park()?;
        self.pass_a_second()?;
        self.show_off();
        self.script.show(VssSignal::EvseId, charge.evse_id());
        // The mix is on the bus before the session begins, as the station says it before it closes its contactor.
        self.script
            .show(VssSignal::EnergyMixSource, charge.source.name());
        self.script.show(
            VssSignal::RenewablePercentage,
            i64::from(charge.renewable_percent),
        );
        if charge.source == EnergySource::Iso15118 {
            let one_range = format!("0:{}", charge.renewable_percent);
            self.script.show(VssSignal::PriceRules, one_range.as_str());
        }
        self.script
            .show(VssSignal::CarbonIntensity, charge.carbon_g_per_kwh());

        let before = self.meters.clone();
        let power_kw = self.charging_kw(charge);
        let begins = after(self.at(), 1.0)?;
        self.turn_to(begins);
        self.script.show(VssSignal::IsCharging, true);
        self.script.show(VssSignal::ChargingAveragePower, power_kw);
        self.script
            .show(VssSignal::ChargingPowerLoss, self.charging_loss_w(charge));
        self.script
            .show(VssSignal::BatteryPower, power_kw * WATTS_PER_KW);
        let total_s = self.charging_s(charge);
        for step in 1_u32.. {
            let elapsed_s = f64::from(step) * f64::from(STEP_S);
            if elapsed_s >= total_s {
                break;
            }
            self.turn_to(after(begins, elapsed_s)?);
            self.script
                .show(VssSignal::BatteryPower, power_kw * WATTS_PER_KW);
            let kwh = charge.kwh * elapsed_s / total_s;
            self.meters = self.charged(&before, kwh, charge);
            self.script.show_meters(&self.meters);
        }
        self.meters = self.charged(&before, charge.kwh, charge);
        self.turn_to(after(begins, total_s)?);
        self.script.show_meters(&self.meters);
        self.turn_to(after(begins, total_s + 1.0)?);
        self.script.show(VssSignal::BatteryPower, 0.0);
        self.script.show(VssSignal::IsCharging, false);
        self.script.mark(&self.meters);
        Ok(())
    }

    /// Charges while the car's buses sleep: only the meters tell of it, when it wakes.
    pub(crate) fn charge_asleep(&mut self, charge: &SimulatedCharge) -> Result<(), SimError> {
        self.check_charge(charge)?;
        self.park()?;
        let wakes = after(self.at(), self.charging_s(charge))?;
        self.meters = self.meters.charged(charge.kwh, charge.renewable_percent);
        self.wake_at(whole_second(wakes)?)
    }

    /// The meters after `kwh` of a charge.
    fn charged(&self, before: &CarMeters, kwh: f64, charge: &SimulatedCharge) -> CarMeters {
        let mut meters = before.charged(kwh, charge.renewable_percent);
        if !charge.dc {
            meters.wallbox_kwh += kwh / self.vehicle.charging.ac_efficiency;
        }
        meters
    }

    fn check_charge(&self, charge: &SimulatedCharge) -> Result<(), SimError> {
        charge.check()?;
        let room_kwh = (self.vehicle.battery.capacity_kwh - self.meters.stored_kwh).max(0.0);
        if charge.kwh > room_kwh {
            return Err(SimError::BatteryFull { room_kwh });
        }
        Ok(())
    }

    /// Into the battery.
    fn charging_kw(&self, charge: &SimulatedCharge) -> f64 {
        let charging = &self.vehicle.charging;
        if charge.dc {
            charging.dc_kw
        } else {
            charging.ac_kw * charging.ac_efficiency
        }
    }

    fn charging_loss_w(&self, charge: &SimulatedCharge) -> f64 {
        let charging = &self.vehicle.charging;
        if charge.dc {
            0.0
        } else {
            charging.ac_kw * (1.0 - charging.ac_efficiency) * WATTS_PER_KW
        }
    }

    fn charging_s(&self, charge: &SimulatedCharge) -> f64 {
        charge.kwh / self.charging_kw(charge) * SECONDS_PER_HOUR
    }
}

/// To the millisecond, since that is what the payload carries and what comes back as seen.
fn after(start: Timestamp, seconds: f64) -> Result<Timestamp, SimError> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a full battery at the least power is far below"
    )]
    let millis = (seconds * 1000.0).round() as i64;
    later(start, SignedDuration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::identity::Identity;
    use crate::plan::Setup;
    use crate::vehicle::Vehicle;

    #[test]
    fn the_wallbox_counts_its_own_charges() {
        let vehicle = Vehicle::bolt();
        let meters = CarMeters::new(&vehicle);
        let setup = Setup {
            vehicle: &vehicle,
            identity: &Identity::default(),
            omit: &BTreeSet::new(),
            meters: &meters,
            seed: 0,
            celsius: 20.0,
        };
        let mut car = Car::new("2026-11-22T08:00:00Z".parse().unwrap(), setup);
        let charge = |kwh, dc| SimulatedCharge {
            kwh,
            renewable_percent: 80,
            source: EnergySource::Ocpi,
            dc,
        };
        car.charge(&charge(1.8, false)).unwrap();
        car.charge(&charge(2.0, true)).unwrap();
        car.charge_asleep(&charge(3.0, false)).unwrap();
        assert!((car.meters.wallbox_kwh - 1.8 / vehicle.charging.ac_efficiency).abs() < 1e-9);
        assert!((car.meters.charged_kwh - 6.8).abs() < 1e-9);
    }
}
