//! Rules that a version of the policy no longer has, and the thousandths that members have of them.

use dashpoint_membership::{Milli, Policy, RuleId, ServerTime};
use serde::Serialize;

use super::CloudCore;
use crate::error::CloudError;
use crate::store::members;

/// One rule that the newest version has and the next one lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DroppedRule {
    /// The rule.
    pub rule: RuleId,
    /// Members who have thousandths of a point of it, each less than a point.
    pub members: u64,
    /// Their thousandths together.
    #[serde(rename = "points_milli")]
    pub points: Milli,
}

impl CloudCore {
    /// Lists the rules of the newest policy whose ids another lacks: what members have of them stays behind, until a version has
    /// the id again.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn dropped_rules(
        &mut self,
        next: &Policy,
        now: ServerTime,
    ) -> Result<Vec<DroppedRule>, CloudError> {
        self.look(now, |unit| {
            let newest = unit.policies.newest().policy();
            let is_kept = |rule: &RuleId| next.rules.iter().any(|kept| kept.id == *rule);
            let dropped = newest.rules.iter().map(|rule| &rule.id);
            dropped
                .filter(|rule| !is_kept(rule))
                .map(|rule| {
                    let (members, points) = members::remainders(unit.db, rule)?;
                    let rule = rule.clone();
                    Ok(DroppedRule {
                        rule,
                        members,
                        points,
                    })
                })
                .collect()
        })
    }
}
