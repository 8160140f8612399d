//! The catalogue of benefits (权益).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{BenefitId, CatalogueVersion, TierId};
use crate::points::Points;
use crate::policy::CompiledPolicy;
use crate::text::Text;
use crate::time::ServerTime;

/// The catalogue that the programme ships with, as TOML.
pub const DEFAULT_CATALOGUE_TOML: &str = include_str!("../policy/catalogue.toml");

/// All benefits, in the order they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Raised with each change.
    pub version: CatalogueVersion,
    /// Time at which it was made.
    pub issued: ServerTime,
    /// The benefits; main-business ones come first.
    pub benefits: Vec<Benefit>,
}

/// One benefit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benefit {
    /// Its name in entries and reports.
    pub id: BenefitId,
    /// Kind of benefit.
    pub kind: BenefitKind,
    /// Title, which the member reads first.
    pub title: Text,
    /// Terms: the things that it covers and does not cover.
    pub terms: Text,
    /// Price; nothing for a benefit of the tier.
    pub price: Points,
    /// The tier from which it is open.
    pub tier: TierId,
    /// State of the car in which the home page suggests it.
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

/// A reason for refusing a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("benefit {benefit}: expected {expected}")]
pub struct CatalogueError {
    benefit: BenefitId,
    expected: &'static str,
}

impl Catalogue {
    /// Checks it against the policy that it goes with.
    ///
    /// # Errors
    /// [`CatalogueError`] that names the first wrong benefit and what is expected of it.
    pub fn check(&self, policy: &CompiledPolicy) -> Result<(), CatalogueError> {
        let mut seen = BTreeSet::new();
        for benefit in &self.benefits {
            let tier = policy.policy().tiers.rank(&benefit.tier);
            let checks = [
                (seen.insert(&benefit.id), "an id that no other benefit has"),
                (benefit.price >= Points::ZERO, "a price of at least 0"),
                (tier.is_some(), "a tier of the policy"),
                (
                    benefit.valid_days > 0,
                    "vouchers that are valid for at least a day",
                ),
            ];
            if let Some((_, expected)) = checks.into_iter().find(|(holds, _)| !holds) {
                return Err(CatalogueError {
                    benefit: benefit.id.clone(),
                    expected,
                });
            }
        }
        Ok(())
    }
}
