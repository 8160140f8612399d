//! Entries: what a device signs, one for each thing that happened.

use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, MeterInterval};
use crate::ids::{
    BindingId, DeviceId, EntryHash, EntryRef, Epoch, EvidenceDigest, PolicyVersion, RuleId, Seq,
};
use crate::points::{Milli, Points};
use crate::time::{EventTime, ServerTime};
use crate::trigger::Trigger;

/// The signed payload of one link of a device's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The life of the chain.
    pub epoch: Epoch,
    /// The place in it, from 1 without gaps.
    pub seq: Seq,
    /// SHA-256 of the raw bytes of the entry before; for seq 1, of the epoch's grant.
    pub prev: EntryHash,
    /// The binding, which names device and member.
    pub binding: BindingId,
    /// Time of the event.
    pub time: EventTime,
    /// Server time of the last receipt or grant that the device held when it happened: the earliest day that it may
    /// count for, and the point from which the offline allowance counts.
    pub receipt_at: ServerTime,
    /// The policy that it was valued by.
    pub policy: PolicyVersion,
    /// The transaction, fresh or carried.
    pub body: EntryBody,
}

/// The body of an entry.
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

/// The transaction of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transaction {
    /// Evidence of driving or charging, with what it earns.
    Earn {
        /// The evidence.
        evidence: Evidence,
        /// Digest of the private evidence that stays in the car.
        digest: EvidenceDigest,
        /// The awards; empty when it earned nothing.
        awards: Vec<Award>,
    },
    /// Something that the member did on the screen.
    Member {
        /// The action.
        action: MemberAction,
        /// The awards; empty when it earned nothing.
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

/// The amounts that one rule gives for one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// The rule.
    pub rule: RuleId,
    /// Amount that the rule gives, before remainders and caps.
    pub points: Milli,
    /// Growth value that the rule gives.
    pub growth: Milli,
    /// Whole points that the car expects to be paid after remainders and caps.
    pub predicted: Points,
}

impl Entry {
    /// Names the entry of a device.
    #[must_use]
    pub const fn reference(&self, device: DeviceId) -> EntryRef {
        EntryRef {
            device,
            epoch: self.epoch,
            seq: self.seq,
        }
    }

    /// Returns the transaction, fresh or carried.
    #[must_use]
    pub const fn transaction(&self) -> &Transaction {
        match &self.body {
            EntryBody::Fresh(transaction) | EntryBody::Carry { transaction, .. } => transaction,
        }
    }

    /// Returns the sum of the points that the car expects to be paid.
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
    /// Returns the awards of the rules.
    #[must_use]
    pub fn awards(&self) -> &[Award] {
        match self {
            Self::Earn { awards, .. } | Self::Member { awards, .. } => awards,
        }
    }

    /// Returns the trigger of the rules that evaluate it.
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
