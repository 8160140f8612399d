//! Validates the parts of a policy beside its rule expressions.

use std::collections::BTreeSet;
use std::fmt::Display;

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
    policy.rules.iter().try_for_each(|rule| {
        must(
            seen.insert(&rule.id),
            format!("rule {}", rule.id),
            "an id that no other rule has",
        )
    })
}

fn validate_caps(policy: &Policy) -> Result<(), PolicyError> {
    let mut seen = BTreeSet::new();
    for cap in &policy.caps {
        let place = || format!("cap {}", cap.id);
        must(seen.insert(&cap.id), place(), "an id that no other cap has")?;
        must(
            (Points::ZERO..=CAP_POINTS_MAX).contains(&cap.points),
            place(),
            "points from 0 to 1,000,000,000",
        )?;
        if let CapOver::Rule(rule) = &cap.over {
            let known = policy.rules.iter().any(|known| known.id == *rule);
            must(
                known,
                format!("cap {} over rule {rule}", cap.id),
                "a rule of this policy",
            )?;
        }
    }
    Ok(())
}

fn validate_energy(policy: &Policy) -> Result<(), PolicyError> {
    const PERMILLE: &str = "renewable_permille from 0 to 1000";
    let mut prefixes = BTreeSet::new();
    for site in &policy.sites {
        let place = || format!("site {:?}", site.evse_prefix);
        must(
            !site.evse_prefix.is_empty(),
            place(),
            "a prefix of EVSE ids",
        )?;
        must(
            prefixes.insert(&site.evse_prefix),
            place(),
            "a prefix that no other site has",
        )?;
        must(site.renewable_permille <= 1_000, place(), PERMILLE)?;
    }
    let mut after = 0;
    for window in &policy.windows {
        let place = || format!("window {}..{}", window.from_min, window.to_min);
        must(
            window.from_min < window.to_min,
            place(),
            "an end after its beginning",
        )?;
        must(
            window.to_min <= 1_440,
            place(),
            "minutes of the day, at most 1440",
        )?;
        must(
            window.from_min >= after,
            place(),
            "windows in order that do not overlap",
        )?;
        must(window.renewable_permille <= 1_000, place(), PERMILLE)?;
        after = window.to_min;
    }
    Ok(())
}

fn validate_score(model: &ScoreModel) -> Result<(), PolicyError> {
    must(
        model.slope.units() > 0 && model.base.units() > 0,
        "score",
        "slope and base above 0",
    )?;
    let ascending = model
        .factors
        .is_sorted_by(|one, next| one.factor < next.factor);
    must(ascending, "score.factors", "each factor once, in order")?;
    for factor in &model.factors {
        let place = || format!("score factor {:?}", factor.factor);
        must(
            factor.coefficient.units() > 0,
            place(),
            "a coefficient above 0",
        )?;
        let cap = factor.cap_percent.units();
        must(cap >= 0, place(), "a cap_percent of at least 0")?;
        let within = (0..=cap).contains(&factor.unobserved_percent.units());
        must(
            within,
            place(),
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
    let mut hours = BTreeSet::new();
    model.late_hours.iter().try_for_each(|late| {
        let place = format!("late hour {}", late.hour);
        must(
            late.hour < 24 && hours.insert(late.hour),
            &place,
            "an hour from 0 to 23 that is there once",
        )?;
        must(
            late.weight_percent <= 100,
            &place,
            "a weight_percent from 0 to 100",
        )
    })
}

fn validate_tiers(tiers: &Tiers) -> Result<(), PolicyError> {
    let lowest = tiers.ladder.first().map(|tier| tier.threshold);
    must(
        lowest == Some(Growth::ZERO),
        "tiers.ladder",
        "a first tier with threshold 0",
    )?;
    let ascending = tiers
        .ladder
        .is_sorted_by(|one, next| one.threshold < next.threshold);
    must(
        ascending,
        "tiers.ladder",
        "thresholds that rise from tier to tier",
    )?;
    let mut seen = BTreeSet::new();
    for tier in &tiers.ladder {
        must(
            seen.insert(&tier.id),
            format!("tier {}", tier.id),
            "an id that no other tier has",
        )?;
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

fn must(holds: bool, place: impl Display, expected: &'static str) -> Result<(), PolicyError> {
    if holds {
        Ok(())
    } else {
        Err(PolicyError::Value {
            place: place.to_string(),
            expected,
        })
    }
}
