//! Benefits of the catalogue.

use dashpoint_membership::{Benefit, Text};

/// A benefit of the catalogue and what it means to this member in this car.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenefitData {
    /// As the catalogue has it.
    pub benefit: Benefit,
    /// Title of the lowest tier that the benefit is open to.
    pub tier: Text,
    /// True when the benefit is open to this member.
    pub open: bool,
    /// True when the state of the car suggests the benefit.
    pub fits_now: bool,
    /// Worth of the price, in hundredths of a yuan.
    pub worth_fen: i64,
}
