//! Names of the caps in verdicts, for operators.

use dashpoint_membership::policy::{CompiledPolicy, Period};
use dashpoint_membership::{
    Adjustment, CapId, Cause, Entry, Points, Policies, PolicyVersion, Statement, Text, Verdict,
};
use serde::Serialize;

use super::CloudCore;

/// A cap that cut, as operators read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedCap {
    /// Id of the cap.
    pub cap: CapId,
    /// The awards that it bounds.
    pub over: Text,
    /// Over which stretch of the member's calendar.
    pub per: Period,
    /// The most points in it.
    pub most_points: i64,
    /// Points that it had room for; `None` where other rules were paid beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_points: Option<i64>,
}

impl NamedCap {
    fn of(policy: &CompiledPolicy, id: &CapId, room: Option<Points>) -> Option<Self> {
        let caps = policy.policy().caps.iter();
        let cap = caps.into_iter().find(|cap| cap.id == *id)?;
        Some(Self {
            cap: cap.id.clone(),
            over: policy.cap_title(cap),
            per: cap.per,
            most_points: cap.points.get(),
            room_points: room.map(Points::get),
        })
    }
}

/// Names the caps that cut an entry.
pub(super) fn caps_of_entry(
    policies: &Policies,
    entry: &Entry,
    verdict: &Verdict,
) -> Vec<NamedCap> {
    let (version, paid) = match verdict {
        Verdict::Adjusted { paid, reasons } => (settled_by(reasons, entry.policy), paid.points),
        Verdict::Accepted { .. } | Verdict::Rejected { .. } | Verdict::Review { .. } => {
            return Vec::new();
        }
    };
    let is_alone = entry.transaction().awards().len() == 1;
    let policy = policies.get(version).unwrap_or_else(|| policies.newest());
    let room = is_alone.then_some(paid);
    cut(verdict)
        .filter_map(|cap| NamedCap::of(policy, cap, room))
        .collect()
}

/// The caps that a verdict names.
fn cut(verdict: &Verdict) -> impl Iterator<Item = &CapId> {
    let reasons = match verdict {
        Verdict::Adjusted { reasons, .. } => reasons.as_slice(),
        Verdict::Accepted { .. } | Verdict::Rejected { .. } | Verdict::Review { .. } => &[],
    };
    reasons.iter().filter_map(|reason| match reason {
        Adjustment::Cap { cap } => Some(cap),
        Adjustment::Policy { .. } | Adjustment::Rule { .. } | Adjustment::Remainder { .. } => None,
    })
}

/// The policy that an entry was settled by: the one that it names, unless the verdict says another.
pub(super) fn settled_by(reasons: &[Adjustment], named: PolicyVersion) -> PolicyVersion {
    let other = reasons.iter().find_map(|reason| match reason {
        Adjustment::Policy { version } => Some(*version),
        Adjustment::Cap { .. } | Adjustment::Rule { .. } | Adjustment::Remainder { .. } => None,
    });
    other.unwrap_or(named)
}

impl CloudCore {
    /// Names each cap in the settlements of a statement once, as the policy in force at its newest settlement has it.
    #[must_use]
    pub fn named_caps(&self, statement: &Statement) -> Vec<NamedCap> {
        let mut named: Vec<NamedCap> = Vec::new();
        for settlement in statement.settlements.iter().rev() {
            let Cause::Entry { verdict, .. } = &settlement.cause else {
                continue;
            };
            let policy = self.policies.in_force_at(settlement.at);
            for cap in cut(verdict) {
                if named.iter().all(|known| known.cap != *cap) {
                    named.extend(NamedCap::of(policy, cap, None));
                }
            }
        }
        named
    }
}
