//! The catalogue of benefits (权益).

use serde::{Deserialize, Serialize};

use crate::ids::{BenefitId, CatalogueVersion, TierId};
use crate::points::Points;
use crate::text::Text;
use crate::time::ServerTime;

/// All benefits, in the order they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Raised with each change.
    pub version: CatalogueVersion,
    /// When it was made.
    pub issued: ServerTime,
    /// The benefits; main-business ones come first.
    pub benefits: Vec<Benefit>,
}

/// One benefit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Benefit {
    /// Its name in entries and reports.
    pub id: BenefitId,
    /// Kind of benefit.
    pub kind: BenefitKind,
    /// What the member reads first.
    pub title: Text,
    /// What it covers and what it does not.
    pub terms: Text,
    /// What it costs; nothing for a benefit of the tier.
    pub price: Points,
    /// The tier from which it is open.
    pub tier: TierId,
    /// What it is worth in the member's situation, for the suggestion on the home page.
    pub suits: Suits,
    /// Days for which a voucher for it can be used.
    pub valid_days: u16,
}

/// Kind of benefit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BenefitKind {
    /// Main business (主业): maintenance, repair, charging, rescue.
    Main,
    /// Cross-industry partner (异业).
    Partner,
    /// Donation to charity (公益捐赠).
    Charity,
}

/// The state of the car in which a benefit is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suits {
    /// Any.
    Always,
    /// The battery is low.
    LowCharge,
    /// A service is due.
    ServiceDue,
}
