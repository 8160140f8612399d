//! Entries: what a device signs, one for each thing that happened.

use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, MeterInterval};
use crate::ids::{BindingId, EntryHash, Epoch, EvidenceDigest, PolicyVersion, RuleId, Seq};
use crate::points::{Milli, Points};
use crate::policy::Trigger;
use crate::time::{EventTime, ServerTime};

/// The signed payload of one link of a device's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The life of the chain.
    pub epoch: Epoch,
    /// The place in it, from 1 without gaps.
    pub seq: Seq,
    /// SHA-256 of the raw bytes of the entry before; for seq 1, of the epoch's grant.
    pub prev: EntryHash,
    /// Whose entry it is.
    pub binding: BindingId,
    /// When it happened.
    pub time: EventTime,
    /// Server time of the last receipt or grant that the device held when it happened: the earliest day that it may
    /// count for, and the point from which the offline allowance counts.
    pub receipt_at: ServerTime,
    /// The policy that it was valued by.
    pub policy: PolicyVersion,
    /// What happened.
    pub body: EntryBody,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryBody {
    /// Said for the first time.
    Fresh(Transaction),
    /// Said again in a new epoch, after the cloud never got the original: binding, time, receipt time and policy are
    /// those of the original.
    Carry {
        /// SHA-256 of the raw bytes of the very first entry that said it.
        original: EntryHash,
        /// The same transaction.
        transaction: Transaction,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transaction {
    /// Evidence of driving or charging, with what it earns.
    Earn {
        /// What the car can show.
        evidence: Evidence,
        /// Digest of the private evidence that stays in the car.
        digest: EvidenceDigest,
        /// What the rules pay for it; empty when it earned nothing.
        awards: Vec<Award>,
    },
    /// Something that the member did on the screen.
    Member {
        /// What.
        action: MemberAction,
        /// What the rules pay for it.
        awards: Vec<Award>,
    },
}

/// Something that a member does on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberAction {
    /// The daily check-in (签到).
    CheckIn,
}

/// What one rule pays for one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// The rule.
    pub rule: RuleId,
    /// What the rule says, before remainders and caps.
    pub points: Milli,
    /// What the rule says for the growth value.
    pub growth: Milli,
    /// What the car expects to be paid after remainders and caps.
    pub predicted: Points,
}

impl Entry {
    /// What happened, said fresh or again.
    #[must_use]
    pub const fn transaction(&self) -> &Transaction {
        match &self.body {
            EntryBody::Fresh(transaction) | EntryBody::Carry { transaction, .. } => transaction,
        }
    }

    /// What the car expects to be paid.
    #[must_use]
    pub fn predicted(&self) -> Points {
        self.transaction()
            .awards()
            .iter()
            .map(|award| award.predicted)
            .sum()
    }
}

impl Transaction {
    /// What the rules pay for it.
    #[must_use]
    pub fn awards(&self) -> &[Award] {
        match self {
            Self::Earn { awards, .. } | Self::Member { awards, .. } => awards,
        }
    }

    /// Which rules look at it.
    #[must_use]
    pub const fn trigger(&self) -> Trigger {
        match self {
            Self::Earn {
                evidence: Evidence::Trip(_),
                ..
            } => Trigger::Trip,
            Self::Earn {
                evidence: Evidence::Charge(_),
                ..
            } => Trigger::Charge,
            Self::Earn {
                evidence: Evidence::Discharge(_),
                ..
            } => Trigger::Discharge,
            Self::Member {
                action: MemberAction::CheckIn,
                ..
            } => Trigger::CheckIn,
        }
    }

    /// The stretch of a lifetime meter that it claims, if it claims one.
    #[must_use]
    pub const fn interval(&self) -> Option<MeterInterval> {
        match self {
            Self::Earn { evidence, .. } => Some(evidence.interval()),
            Self::Member { .. } => None,
        }
    }
}
