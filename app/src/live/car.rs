//! State of the car beyond driving and charging.

use dashpoint_telematics::VehicleFact;
use dashpoint_ui::locale::Language;

/// State of the car beyond driving and charging.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CarState {
    /// The battery is low.
    pub low_charge: bool,
    /// A service is due.
    pub service_due: bool,
    /// Its own displays are in their night mode.
    pub night: bool,
    /// Its own displays speak English; unknown until the bus has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub english: Option<bool>,
}

/// Charge below which the screen suggests to charge, in percent.
const LOW_CHARGE_PERCENT: f64 = 20.0;

impl CarState {
    /// Takes a fact about the car; vehicle and connection say nothing here.
    pub fn take(&mut self, fact: &VehicleFact) {
        match fact {
            VehicleFact::ChargePercent(percent) => self.low_charge = *percent < LOW_CHARGE_PERCENT,
            VehicleFact::ServiceDue(due) => self.service_due = *due,
            VehicleFact::NightMode(night) => self.night = *night,
            VehicleFact::Language(language) => self.english = Some(!language.starts_with("zh")),
            VehicleFact::Vin(_) | VehicleFact::Connectivity(_) => {}
        }
    }

    /// The language of the car's own displays.
    #[must_use]
    pub fn language(&self) -> Option<Language> {
        self.english.map(|english| {
            if english {
                Language::English
            } else {
                Language::Chinese
            }
        })
    }
}
