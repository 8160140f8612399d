//! Entries: what a device signs, one for each thing that happened.

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::ids::{
    BindingId, DeviceId, EntryHash, EntryRef, Epoch, EvidenceDigest, PolicyVersion, RuleId, Seq,
};
use crate::meter::{MeterInterval, MeterOpening};
use crate::points::{Milli, Points};
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
    /// The next meter of a quantity; no rule evaluates it.
    OpenMeter(MeterOpening),
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

/// A transaction before it is valued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Evidence of driving or charging.
    Earn {
        /// The evidence.
        evidence: Evidence,
        /// Digest of the private evidence that stays in the car.
        digest: EvidenceDigest,
    },
    /// Something that the member did on the screen.
    Member {
        /// The action.
        action: MemberAction,
    },
    /// The next meter of a quantity.
    OpenMeter(MeterOpening),
}

/// The kind of an entry: lists and stores name it so. Which rules evaluate it is
/// [`Trigger::of`](crate::policy::Trigger::of).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A trip.
    Trip,
    /// A charging session.
    Charge,
    /// A session of giving back to the grid.
    Discharge,
    /// The daily check-in.
    CheckIn,
    /// The opening of a meter.
    OpenMeter,
}

impl EntryKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Trip,
        Self::Charge,
        Self::Discharge,
        Self::CheckIn,
        Self::OpenMeter,
    ];

    /// Returns its name as programs and operators read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trip => "trip",
            Self::Charge => "charge",
            Self::Discharge => "discharge",
            Self::CheckIn => "check-in",
            Self::OpenMeter => "open-meter",
        }
    }

    /// Returns the number by which a store keeps it; one that was given once is never given to another kind.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Trip => 1,
            Self::Charge => 2,
            Self::Discharge => 3,
            Self::CheckIn => 4,
            Self::OpenMeter => 5,
        }
    }

    /// Returns the kind with a number; `None` for a number that was never given.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
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

    /// Returns the hash of the entry that said it first: of the original of a carry, else its own.
    #[must_use]
    pub const fn origin(&self, own: EntryHash) -> EntryHash {
        match self.body {
            EntryBody::Fresh(_) => own,
            EntryBody::Carry { original, .. } => original,
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
            Self::OpenMeter(_) => &[],
        }
    }

    pub(crate) fn valued(mut self, valued: Vec<Award>) -> Self {
        match &mut self {
            Self::Earn { awards, .. } | Self::Member { awards, .. } => *awards = valued,
            Self::OpenMeter(_) => {}
        }
        self
    }

    /// Returns its kind.
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Earn {
                evidence: Evidence::Trip(_),
                ..
            } => EntryKind::Trip,
            Self::Earn {
                evidence: Evidence::Charge(_),
                ..
            } => EntryKind::Charge,
            Self::Earn {
                evidence: Evidence::Discharge(_),
                ..
            } => EntryKind::Discharge,
            Self::Member {
                action: MemberAction::CheckIn,
                ..
            } => EntryKind::CheckIn,
            Self::OpenMeter(_) => EntryKind::OpenMeter,
        }
    }

    /// Returns the evidence; `None` for what is neither driving nor charging.
    #[must_use]
    pub const fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Earn { evidence, .. } => Some(evidence),
            Self::Member { .. } | Self::OpenMeter(_) => None,
        }
    }

    /// Returns the digest of the private evidence; `None` where there is no evidence.
    #[must_use]
    pub const fn digest(&self) -> Option<&EvidenceDigest> {
        match self {
            Self::Earn { digest, .. } => Some(digest),
            Self::Member { .. } | Self::OpenMeter(_) => None,
        }
    }

    /// The stretch of a lifetime meter that it claims, if it claims one.
    #[must_use]
    pub fn interval(&self) -> Option<MeterInterval> {
        self.evidence().map(Evidence::interval)
    }

    /// The opening of a meter, if it is one.
    #[must_use]
    pub const fn opening(&self) -> Option<&MeterOpening> {
        match self {
            Self::OpenMeter(opening) => Some(opening),
            Self::Earn { .. } | Self::Member { .. } => None,
        }
    }
}

impl Subject {
    pub(crate) fn with(self, awards: Vec<Award>) -> Transaction {
        match self {
            Self::Earn { evidence, digest } => Transaction::Earn {
                evidence,
                digest,
                awards,
            },
            Self::Member { action } => Transaction::Member { action, awards },
            Self::OpenMeter(opening) => Transaction::OpenMeter(opening),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_entry_has_a_name_and_a_number_of_its_own() {
        for (place, kind) in EntryKind::ALL.into_iter().enumerate() {
            assert_eq!(EntryKind::of_number(kind.number()), Some(kind));
            let others = EntryKind::ALL.into_iter().skip(place + 1);
            assert!(others.map(EntryKind::name).all(|name| name != kind.name()));
        }
        assert_eq!(EntryKind::of_number(0), None);
    }
}
