//! The parts of a car, before it does anything.

use std::collections::BTreeSet;

use crate::identity::Identity;
use crate::meters::CarMeters;
use crate::vehicle::Vehicle;

/// Parts of a car.
#[derive(Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) vehicle: &'a Vehicle,
    pub(crate) identity: &'a Identity,
    pub(crate) omit: &'a BTreeSet<String>,
    pub(crate) meters: &'a CarMeters,
    pub(crate) seed: u64,
    /// Of the air outside.
    pub(crate) celsius: f64,
}
