//! Validates the parts of a policy beside its rule expressions.

use std::collections::BTreeSet;

use super::error::ValuePlace;
use super::{Allowance, CapOver, Expiry, Policy, PolicyError, ScoreModel, Tiers};
use crate::points::{Growth, Points};

/// Longest time for which points may live or a tier may be held, in months.
const MONTHS_MAX: u16 = 240;
/// The offline allowance must end before the cloud forgets what was paid against a cap.
const OFFLINE_DAYS_MAX: u16 = 92;
/// A rule pays at most a million points; a cap beyond a billion is a slip of the pen.
const CAP_POINTS_MAX: Points = Points::new(1_000_000_000);

pub(super) fn validate(policy: &Policy) -> Result<(), PolicyError> {
    must(
        policy.valid_from < policy.valid_until,
        "valid_until",
        "a time after valid_from",
    )?;
    must(
        !policy.zone_data.is_empty(),
        "zone_data",
        "a version of the time zone data, such as 2026a",
    )?;
    must(policy.needed_profile() > 0, "rule_profile", "at least 1")?;
    must(policy.points_per_yuan > 0, "points_per_yuan", "at least 1")?;
    validate_rules(policy)?;
    validate_caps(policy)?;
    validate_energy(policy)?;
    validate_score(&policy.score)?;
    validate_tiers(&policy.tiers)?;
    validate_expiry(policy)?;
    validate_allowance(&policy.allowance)
}

fn validate_rules(policy: &Policy) -> Result<(), PolicyError> {
    let mut seen = BTreeSet::new();
    policy
        .rules
        .iter()
        .enumerate()
        .try_for_each(|(index, rule)| {
            must(
                seen.insert(&rule.id),
                ValuePlace::item(format!("rule {}", rule.id), "rules", index, "id"),
                "an id that no other rule has",
            )
        })
}

fn validate_caps(policy: &Policy) -> Result<(), PolicyError> {
    let mut seen = BTreeSet::new();
    for (index, cap) in policy.caps.iter().enumerate() {
        let place = |name, key| ValuePlace::item(name, "caps", index, key);
        let name = || format!("cap {}", cap.id);
        must(
            seen.insert(&cap.id),
            place(name(), "id"),
            "an id that no other cap has",
        )?;
        must(
            (Points::ZERO..=CAP_POINTS_MAX).contains(&cap.points),
            place(name(), "points"),
            "points from 0 to 1,000,000,000",
        )?;
        if let CapOver::Rule(rule) = &cap.over {
            let known = policy.rules.iter().any(|known| known.id == *rule);
            must(
                known,
                place(format!("cap {} over rule {rule}", cap.id), "over"),
                "a rule of this policy",
            )?;
        }
    }
    Ok(())
}

fn validate_energy(policy: &Policy) -> Result<(), PolicyError> {
    const PERMILLE: &str = "renewable_permille from 0 to 1000";
    let mut prefixes = BTreeSet::new();
    for (index, site) in policy.sites.iter().enumerate() {
        let name = || format!("site {:?}", site.evse_prefix);
        let place = |key| ValuePlace::item(name(), "sites", index, key);
        must(
            !site.evse_prefix.is_empty(),
            place("evse_prefix"),
            "a prefix of EVSE ids",
        )?;
        must(
            prefixes.insert(&site.evse_prefix),
            place("evse_prefix"),
            "a prefix that no other site has",
        )?;
        must(
            site.renewable_permille <= 1_000,
            place("renewable_permille"),
            PERMILLE,
        )?;
    }
    let mut after = 0;
    for (index, window) in policy.windows.iter().enumerate() {
        let name = || format!("window {}..{}", window.from_min, window.to_min);
        let place = |key| ValuePlace::item(name(), "windows", index, key);
        must(
            window.from_min < window.to_min,
            place("to_min"),
            "an end after its beginning",
        )?;
        must(
            window.to_min <= 1_440,
            place("to_min"),
            "minutes of the day, at most 1440",
        )?;
        must(
            window.from_min >= after,
            place("from_min"),
            "windows in order that do not overlap",
        )?;
        must(
            window.renewable_permille <= 1_000,
            place("renewable_permille"),
            PERMILLE,
        )?;
        after = window.to_min;
    }
    Ok(())
}

/// Checks that each group of charging points has its own beginning as ids are compared. It is asked before an operator signs, and
/// no part of [`validate`]: what was signed is read and applied.
pub(super) fn tell_sites_apart(policy: &Policy) -> Result<(), PolicyError> {
    let mut prefixes = BTreeSet::new();
    for (index, site) in policy.sites.iter().enumerate() {
        let prefix = site.significant_prefix();
        let expected = if prefix.is_empty() {
            "a prefix of EVSE ids"
        } else if prefixes.insert(prefix) {
            continue;
        } else {
            "a prefix that no other site has"
        };
        let name = format!("site {:?}", site.evse_prefix);
        let place = ValuePlace::item(name, "sites", index, "evse_prefix");
        return must(false, place, expected);
    }
    Ok(())
}

fn validate_score(model: &ScoreModel) -> Result<(), PolicyError> {
    must(model.slope.units() > 0, "score.slope", "above 0")?;
    must(model.base.units() > 0, "score.base", "above 0")?;
    let mut before = None;
    for (index, factor) in model.factors.iter().enumerate() {
        let name = || format!("score factor {:?}", factor.factor);
        let place = |key| ValuePlace::item(name(), "score.factors", index, key);
        must(
            before < Some(factor.factor),
            place("factor"),
            "each factor once, in order",
        )?;
        before = Some(factor.factor);
        must(
            factor.coefficient.units() > 0,
            place("coefficient"),
            "a coefficient above 0",
        )?;
        let cap = factor.cap_percent.units();
        must(
            cap >= 0,
            place("cap_percent"),
            "a cap_percent of at least 0",
        )?;
        let within = (0..=cap).contains(&factor.unobserved_percent.units());
        must(
            within,
            place("unobserved_percent"),
            "an unobserved_percent from 0 to cap_percent",
        )?;
    }
    let limits = &model.thresholds;
    must(
        limits.brake_soft_mg < limits.brake_hard_mg,
        "score.thresholds.brake_hard_mg",
        "more than brake_soft_mg",
    )?;
    must(
        limits.turn_soft_mg < limits.turn_hard_mg,
        "score.thresholds.turn_hard_mg",
        "more than turn_soft_mg",
    )?;
    must(
        limits.headway_short_ms < limits.headway_long_ms,
        "score.thresholds.headway_long_ms",
        "more than headway_short_ms",
    )?;
    if let Some(ahead) = limits.faster_than_ahead {
        must(
            ahead.percent > 0,
            "score.thresholds.faster_than_ahead",
            "a percent of at least 1",
        )?;
        must(
            ahead.within_m > 0,
            "score.thresholds.faster_than_ahead",
            "a within_m of at least 1",
        )?;
    }
    let mut hours = BTreeSet::new();
    model
        .late_hours
        .iter()
        .enumerate()
        .try_for_each(|(index, late)| {
            let name = || format!("late hour {}", late.hour);
            let place = |key| ValuePlace::item(name(), "score.late_hours", index, key);
            must(
                late.hour < 24 && hours.insert(late.hour),
                place("hour"),
                "an hour from 0 to 23 that is there once",
            )?;
            must(
                late.weight_percent <= 100,
                place("weight_percent"),
                "a weight_percent from 0 to 100",
            )
        })
}

fn validate_tiers(tiers: &Tiers) -> Result<(), PolicyError> {
    must(!tiers.ladder.is_empty(), "tiers.ladder", "at least a tier")?;
    let mut seen = BTreeSet::new();
    let mut below = None;
    for (index, tier) in tiers.ladder.iter().enumerate() {
        let name = || format!("tier {}", tier.id);
        let place = |key| ValuePlace::item(name(), "tiers.ladder", index, key);
        must(
            seen.insert(&tier.id),
            place("id"),
            "an id that no other tier has",
        )?;
        must(
            index > 0 || tier.threshold == Growth::ZERO,
            place("threshold"),
            "a threshold of 0, for it is the first",
        )?;
        must(
            below < Some(tier.threshold),
            place("threshold"),
            "a threshold above that of the tier before it",
        )?;
        below = Some(tier.threshold);
    }
    must(
        (1..=MONTHS_MAX).contains(&tiers.months),
        "tiers.months",
        "1 to 240 months",
    )
}

fn validate_expiry(policy: &Policy) -> Result<(), PolicyError> {
    match policy.expiry {
        Expiry::Months(months) => {
            must(
                (1..=MONTHS_MAX).contains(&months),
                "expiry.months",
                "1 to 240 months",
            )?;
        }
        Expiry::CalendarYears(years) => {
            must(
                (1..=MONTHS_MAX / 12).contains(&years),
                "expiry.calendar-years",
                "1 to 20 years",
            )?;
        }
    }
    let descending = policy.remind_days.is_sorted_by(|one, next| one > next);
    must(
        descending,
        "remind_days",
        "days that fall from one to the next",
    )
}

fn validate_allowance(allowance: &Allowance) -> Result<(), PolicyError> {
    let (soft, hard) = (&allowance.soft, &allowance.hard);
    must(
        soft.points > Points::ZERO,
        "allowance.soft.points",
        "at least 1",
    )?;
    must(soft.entries > 0, "allowance.soft.entries", "at least 1")?;
    must(soft.days > 0, "allowance.soft.days", "at least 1")?;
    let beyond =
        soft.points <= hard.points && soft.entries <= hard.entries && soft.days <= hard.days;
    must(beyond, "allowance.hard", "nothing below allowance.soft")?;
    must(
        hard.days <= OFFLINE_DAYS_MAX,
        "allowance.hard.days",
        "at most 92",
    )
}

pub(super) fn must(
    holds: bool,
    place: impl Into<ValuePlace>,
    expected: &'static str,
) -> Result<(), PolicyError> {
    if holds {
        Ok(())
    } else {
        let place = place.into();
        Err(PolicyError::Value { place, expected })
    }
}

/// The value of a key that is there once, by its keys with dots in between.
impl From<&'static str> for ValuePlace {
    fn from(dotted: &'static str) -> Self {
        Self::key(dotted)
    }
}
