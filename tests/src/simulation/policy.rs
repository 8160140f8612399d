//! Policies of a seed: the shipped one with shorter lives and smaller limits, so that days reach what takes years.

use dashpoint_membership::policy::{AllowanceLimit, Expiry};
use dashpoint_membership::{DEFAULT_POLICY_TOML, Points, Policy, PolicyVersion, ServerTime};

use super::meters::METERS_PER_YEAR;
use super::random::SeededRandom;
use super::violation::Violation;

const DAY_S: i64 = 86_400;

/// The policy that a seed begins with: version 2, since a new cloud signs the shipped one as the first.
pub fn first(random: &mut SeededRandom, begin: ServerTime) -> Result<Policy, Violation> {
    let mut policy: Policy = toml::from_str(DEFAULT_POLICY_TOML)
        .map_err(|e| Violation::new(format!("the shipped policy: {e}")))?;
    policy.version = PolicyVersion::new(2);
    policy.valid_from = begin.plus_s(-DAY_S);
    policy.valid_until = begin.plus_s(random.range(3, 15).cast_signed() * DAY_S);
    policy.grace_s = u32::try_from(random.range(0, 3) * 86_400).unwrap_or(0);
    policy.estimate_hold_days = if random.one_in(3) { 2 } else { 0 };
    policy.expiry = Expiry::Months(if random.one_in(3) { 1 } else { 24 });
    policy.allowance.soft = limit(200, 15, 5);
    policy.allowance.hard = limit(400, 30, 10);
    policy.allowance.confirm_days = 3;
    policy.allowance.meters_per_year = Some(METERS_PER_YEAR);
    for cap in &mut policy.caps {
        match cap.id.as_str() {
            "all-month" => cap.points = Points::new(200),
            "trip-day" => cap.points = Points::new(16),
            "clean-charging-week" => cap.points = Points::new(120),
            "all-year" => cap.points = Points::new(3_000),
            _ => {}
        }
    }
    Ok(policy)
}

/// The next one, signed while cars are on the road: other rates, other caps.
#[must_use]
pub fn next(before: &Policy, random: &mut SeededRandom, now: ServerTime) -> Policy {
    let mut policy = before.clone();
    policy.version = PolicyVersion::new(before.version.get() + 1);
    policy.valid_from = now.plus_s(random.range(0, 2).cast_signed() * DAY_S);
    policy.valid_until = policy
        .valid_from
        .plus_s(random.range(3, 15).cast_signed() * DAY_S);
    let tenths = random.range(7, 16);
    for rule in &mut policy.rules {
        // Always from the shipped expression, since nesting is bounded.
        let bare = bare(&rule.points).unwrap_or_else(|| rule.points.clone());
        rule.points = format!("({bare}) * {tenths} / 10");
    }
    for cap in &mut policy.caps {
        match cap.id.as_str() {
            "trip-day" => cap.points = Points::new(random.range(12, 20).cast_signed()),
            "charge-day" => cap.points = Points::new(random.range(50, 90).cast_signed()),
            _ => {}
        }
    }
    policy
}

/// The expression inside of `(..) * n / 10`.
fn bare(scaled: &str) -> Option<String> {
    let inner = scaled.strip_prefix('(')?;
    let (inner, _) = inner.rsplit_once(") * ")?;
    Some(inner.to_owned())
}

const fn limit(points: i64, entries: u32, days: u16) -> AllowanceLimit {
    AllowanceLimit {
        points: Points::new(points),
        entries,
        days,
    }
}
