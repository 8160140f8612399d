//! The catalogue of benefits (权益).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{BenefitId, CatalogueVersion, TierId};
use crate::points::Points;
use crate::policy::{CompiledPolicy, Tiers, ValuePlace};
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
#[error("{place}: expected {expected}")]
pub struct CatalogueError {
    place: ValuePlace,
    expected: String,
}

impl CatalogueError {
    /// The place in the catalogue.
    pub(crate) const fn place(&self) -> &ValuePlace {
        &self.place
    }
}

/// A price that no member can ever have saved.
const PRICE_MAX: Points = Points::new(1_000_000_000);

impl Catalogue {
    /// Checks it against the policy that it goes with.
    ///
    /// # Errors
    /// [`CatalogueError`] that names the first wrong benefit and what is expected of it.
    pub fn check(&self, policy: &CompiledPolicy) -> Result<(), CatalogueError> {
        let mut seen = BTreeSet::new();
        let ladder = &policy.policy().tiers;
        for (index, benefit) in self.benefits.iter().enumerate() {
            let text =
                "a text in both languages, for the member reads it: { en = \"..\", zh = \"..\" }";
            let checks = [
                (
                    seen.insert(&benefit.id),
                    "id",
                    "an id that no other benefit has".to_owned(),
                ),
                (
                    !benefit.title.is_blank(),
                    "title",
                    format!("as title {text}"),
                ),
                (
                    !benefit.terms.is_blank(),
                    "terms",
                    format!("as terms {text}"),
                ),
                (
                    (Points::ZERO..=PRICE_MAX).contains(&benefit.price),
                    "price",
                    "a price from 0 to 1,000,000,000 points".to_owned(),
                ),
                (
                    ladder.rank(&benefit.tier).is_some(),
                    "tier",
                    tier_of(benefit, ladder),
                ),
                (
                    benefit.valid_days > 0,
                    "valid_days",
                    "vouchers that are valid for at least a day".to_owned(),
                ),
            ];
            let wrong = checks.into_iter().find(|(holds, ..)| !holds);
            if let Some((_, key, expected)) = wrong {
                let name = format!("benefit {}", benefit.id);
                let place = ValuePlace::item(name, "benefits", index, key);
                return Err(CatalogueError { place, expected });
            }
        }
        Ok(())
    }
}

/// Words the tiers that a benefit may be open from.
fn tier_of(benefit: &Benefit, tiers: &Tiers) -> String {
    let ladder: Vec<&str> = tiers.ladder.iter().map(|tier| tier.id.as_str()).collect();
    format!(
        "a tier of the policy, one of {}, found {}",
        ladder.join(", "),
        benefit.tier
    )
}
