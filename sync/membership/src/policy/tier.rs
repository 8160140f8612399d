//! The tiers, as data.

use serde::{Deserialize, Serialize};

use crate::ids::TierId;
use crate::points::Growth;
use crate::text::Text;

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Its name in entries and reports.
    pub id: TierId,
    /// What the member reads.
    pub title: Text,
    /// Growth value from which it is reached, and that keeps it at its review.
    pub threshold: Growth,
}

/// What happens to a member whose growth value no longer keeps the tier.
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
pub struct Tiers {
    /// From the lowest, which never ends and has threshold 0, upwards.
    pub ladder: Vec<Tier>,
    /// How long a tier is held from the last promotion or review, in months.
    pub months: u16,
    /// What happens at the end when the growth value of the period is too low.
    pub demotion: Demotion,
}
