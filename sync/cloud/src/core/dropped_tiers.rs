//! Tiers that a version of the policy no longer has, and the members who hold them.

use dashpoint_membership::{Policy, ServerTime, TierId};
use serde::Serialize;

use super::CloudCore;
use crate::error::CloudError;
use crate::store::members;

/// One tier that the newest version has and the next one lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DroppedTier {
    /// The tier.
    pub tier: TierId,
    /// Members who hold it, until an entry of theirs moves them.
    pub members: u64,
}

impl CloudCore {
    /// Lists the tiers of the newest policy whose ids another lacks: who holds one keeps it, without a title, until an entry
    /// moves him.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn dropped_tiers(
        &mut self,
        next: &Policy,
        now: ServerTime,
    ) -> Result<Vec<DroppedTier>, CloudError> {
        self.look(now, |unit| {
            let newest = unit.policies.newest().policy();
            let is_kept = |tier: &TierId| next.tiers.ladder.iter().any(|kept| kept.id == *tier);
            let dropped = newest.tiers.ladder.iter().map(|tier| &tier.id);
            dropped
                .filter(|tier| !is_kept(tier))
                .map(|tier| {
                    let members = members::holders(unit.db, tier)?;
                    let tier = tier.clone();
                    Ok(DroppedTier { tier, members })
                })
                .collect()
        })
    }
}
