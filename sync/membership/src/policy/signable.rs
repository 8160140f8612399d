//! Checks that a policy must pass before an operator signs it. What was signed before is read and applied without them.

use std::collections::BTreeMap;

use super::error::ValuePlace;
use super::named_model::hold_to_name;
use super::validate::must;
use super::{CompiledPolicy, PolicyError};
use crate::trigger::Trigger;

/// The longest time for which points may be held back, in days.
const HOLD_DAYS_MAX: u16 = 366;
/// The most meters of one quantity that a vehicle opens in a year without an operator.
const METERS_PER_YEAR_MAX: u16 = 12;
/// A factor is a share of the drive.
const PERCENT_MAX: i64 = 100 * 100_000_000;

/// Bytes that the awards of one entry may have at most, of the 16,384 of an entry: what a car earns beyond it could not be signed.
const AWARDS_BYTES_MAX: usize = 8_192;
/// Bytes of an award beside the id of its rule: points, growth value and remainder.
const AWARD_BYTES: usize = 32;
/// The most caps. A statement lists each with what 92 days have used of it, and has 786,432 bytes.
const CAPS_MAX: usize = 64;

impl CompiledPolicy {
    /// Checks that every text is there, that each number can be reached, and that each rule can pay.
    ///
    /// # Errors
    /// [`PolicyError`] that names the first wrong place and what is expected there.
    pub fn check_signable(&self) -> Result<(), PolicyError> {
        self.check_texts()?;
        self.check_numbers()?;
        self.check_sizes()?;
        self.check_sites()?;
        hold_to_name(&self.policy().score)?;
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

    /// Checks that the awards of one entry and the caps of one statement have room where they are signed.
    fn check_sizes(&self) -> Result<(), PolicyError> {
        let mut bytes: BTreeMap<Trigger, usize> = BTreeMap::new();
        for (index, (rule, compiled)) in self.rules().enumerate() {
            let of_kind = bytes.entry(compiled.on()).or_default();
            *of_kind += rule.id.as_str().len() + AWARD_BYTES;
            let name = format!("rule {}", rule.id);
            must(
                *of_kind <= AWARDS_BYTES_MAX,
                ValuePlace::item(name, "rules", index, "id"),
                "fewer rules of this kind, or shorter ids: the awards of one entry could not be signed",
            )?;
        }
        if let Some(cap) = self.policy().caps.get(CAPS_MAX) {
            let name = format!("cap {}", cap.id);
            let place = ValuePlace::item(name, "caps", CAPS_MAX, "id");
            must(
                false,
                place,
                "at most 64 caps: a statement lists what is used of each",
            )?;
        }
        Ok(())
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
            policy.score.best_x100() > 0,
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
        )?;
        must(
            policy.allowance.meters_per_year() <= METERS_PER_YEAR_MAX,
            "allowance.meters_per_year",
            "0 to 12: an operator looks at what is replaced more often",
        )
    }
}

const BOTH_LANGUAGES: &str =
    "a text in both languages, for the member reads it: { en = \"Safe trip\", zh = \"安全出行\" }";
