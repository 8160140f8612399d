//! A policy with everything close by: low caps, a short allowance, months instead of years.

use dashpoint_membership::policy::{AllowanceLimit, Demotion, Expiry, Policy};
use dashpoint_membership::*;

use crate::support::*;

pub(super) const CAPS: [(&str, i64); 9] = [
    ("check-in-day", 1),
    ("check-in-year", 2),
    ("safe-trip-day", 6),
    ("clean-charging-week", 30),
    ("trip-day", 30),
    ("charge-day", 25),
    ("all-day", 40),
    ("all-month", 90),
    ("all-year", 140),
];

pub(super) fn first() -> Policy {
    let mut policy = default_policy();
    for (cap, (id, most)) in policy.caps.iter_mut().zip(CAPS) {
        assert_eq!(cap.id.as_str(), id);
        cap.points = points(most);
    }
    policy.valid_until = at(MORNING + 30 * DAY);
    policy.grace_s = 86_400;
    policy.expiry = Expiry::Months(1);
    policy.tiers.months = 1;
    for (tier, threshold) in policy.tiers.ladder.iter_mut().zip([0, 5, 40, 90, 200]) {
        tier.threshold = Growth::new(threshold);
    }
    policy.allowance.soft = AllowanceLimit {
        points: points(30),
        entries: 4,
        days: 5,
    };
    policy.allowance.hard = AllowanceLimit {
        points: points(45),
        entries: 9,
        days: 12,
    };
    policy.allowance.confirm_days = 2;
    policy.estimate_hold_days = 1;
    policy
}

/// In force five days before the first runs out: pays charging and check-ins otherwise.
pub(super) fn second() -> Policy {
    let mut policy = first();
    policy.version = PolicyVersion::new(2);
    policy.valid_from = at(MORNING + 25 * DAY);
    policy.valid_until = at(MORNING + 900 * DAY);
    policy.rules[0].points = "renewable_wh".to_owned();
    policy.rules[3].growth = "2500".to_owned();
    policy.tiers.demotion = Demotion::ToFit;
    policy
}

/// The same policy from its text.
pub(super) fn read_back(policy: &Policy) -> Policy {
    toml::from_str(&toml::to_string(policy).unwrap()).unwrap()
}
