//! Checks that a policy must pass before an operator signs it. What was signed before is read and applied without them.

use super::error::ValuePlace;
use super::validate::must;
use super::{CompiledPolicy, PolicyError};
use crate::score::best_score_x100;

/// The longest time for which points may be held back, in days.
const HOLD_DAYS_MAX: u16 = 366;
/// A factor is a share of the drive.
const PERCENT_MAX: i64 = 100 * 100_000_000;

impl CompiledPolicy {
    /// Checks that every text is there, that each number can be reached, and that each rule can pay.
    ///
    /// # Errors
    /// [`PolicyError`] that names the first wrong place and what is expected there.
    pub fn check_signable(&self) -> Result<(), PolicyError> {
        self.check_texts()?;
        self.check_numbers()?;
        self.check_sites()?;
        self.check_payable()
    }

    fn check_texts(&self) -> Result<(), PolicyError> {
        let policy = self.policy();
        for (index, rule) in policy.rules.iter().enumerate() {
            let place = || {
                ValuePlace::item(
                    format!("title of rule {}", rule.id),
                    "rules",
                    index,
                    "title",
                )
            };
            must(!rule.title.is_blank(), place(), BOTH_LANGUAGES)?;
        }
        for (index, tier) in policy.tiers.ladder.iter().enumerate() {
            let name = format!("title of tier {}", tier.id);
            let place = ValuePlace::item(name, "tiers.ladder", index, "title");
            must(!tier.title.is_blank(), place, BOTH_LANGUAGES)?;
        }
        must(
            !policy.zone_data.trim().is_empty(),
            "zone_data",
            "a version of the time zone data, such as 2026a",
        )
    }

    fn check_numbers(&self) -> Result<(), PolicyError> {
        let policy = self.policy();
        for (index, factor) in policy.score.factors.iter().enumerate() {
            let name = format!("score factor {:?}", factor.factor);
            must(
                factor.cap_percent.units() <= PERCENT_MAX,
                ValuePlace::item(name, "score.factors", index, "cap_percent"),
                "a cap_percent from 0 to 100: a factor is a share of the drive, so that no more is ever counted",
            )?;
        }
        must(
            best_score_x100(&policy.score) > 0,
            "score.intercept",
            "more than slope * base: every drive would have the score 0",
        )?;
        must(
            policy.carbon.petrol_g_per_km > 0,
            "carbon.petrol_g_per_km",
            "at least 1: no drive would avoid emissions",
        )?;
        must(
            policy.estimate_hold_days <= HOLD_DAYS_MAX,
            "estimate_hold_days",
            "0 to 366 days: what is held back for longer is as good as never paid",
        )?;
        must(
            policy.allowance.confirm_days <= HOLD_DAYS_MAX,
            "allowance.confirm_days",
            "0 to 366 days: what is held back for longer is as good as never paid",
        )
    }
}

const BOTH_LANGUAGES: &str =
    "a text in both languages, for the member reads it: { en = \"Safe trip\", zh = \"安全出行\" }";
