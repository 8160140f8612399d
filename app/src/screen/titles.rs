//! Titles of the policy, and amounts in wholes.

use dashpoint_membership::{CompiledPolicy, Growth, Text, TierId};

/// Returns the title of a tier; its id when this policy no longer has it.
pub(super) fn tier_title(policy: &CompiledPolicy, tier: &TierId) -> Text {
    let ladder = &policy.policy().tiers.ladder;
    ladder.iter().find(|step| step.id == *tier).map_or_else(
        || Text {
            en: tier.to_string(),
            zh: tier.to_string(),
        },
        |step| step.title.clone(),
    )
}

/// Whole growth value of thousandths.
pub(super) const fn whole(milli: i64) -> Growth {
    Growth::new(milli.div_euclid(1_000))
}
