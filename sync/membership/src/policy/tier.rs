//! The tiers, as data.

use serde::{Deserialize, Serialize};

use crate::ids::TierId;
use crate::points::Growth;
use crate::text::Text;

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its name in entries and reports.
    pub id: TierId,
    /// Title that the member reads.
    pub title: Text,
    /// Growth value from which it is reached, and that keeps it at its review.
    pub threshold: Growth,
}

/// The demotion of a member whose growth value no longer keeps the tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demotion {
    /// One tier down.
    OneStep,
    /// Down to the tier that the growth value of the period reaches.
    ToFit,
}

/// The ladder of tiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// From the lowest, which never ends and has threshold 0, upwards.
    pub ladder: Vec<Tier>,
    /// Months for which a tier is held from the last promotion or review.
    pub months: u16,
    /// Demotion at the end when the growth value of the period is too low.
    pub demotion: Demotion,
}
