//! Facts about the car that no award is made of: the car's own name, and the state that its screen and its connection go by.

use serde::{Deserialize, Serialize};

/// A fact about the car, checked for its range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum VehicleFact {
    /// The VIN; it never leaves the car.
    Vin(String),
    /// True while the car has a way to its cloud.
    Connectivity(bool),
    /// State of charge, in percent.
    ChargePercent(f64),
    /// True when a service is due.
    ServiceDue(bool),
    /// True while the car's own displays are in their night mode.
    NightMode(bool),
    /// Language of the car's own displays, ISO 639-1.
    Language(String),
}
