//! Makes an entry in the car: valued by the policy, with its expected payment.

use super::fold::{Fold, arrival};
use super::payment::{Meters, Payment};
use crate::account::Settlement;
use crate::entry::{Award, Entry, EntryBody, MemberAction, Transaction};
use crate::evidence::Evidence;
use crate::ids::{BindingId, EntryHash, Epoch, EvidenceDigest, Seq};
use crate::policy::Policies;
use crate::time::{EventTime, ServerTime};
use crate::valuation::appraise;

/// Place and time of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The life of the chain.
    pub epoch: Epoch,
    /// The place in it.
    pub seq: Seq,
    /// SHA-256 of the raw bytes of the entry before; for seq 1, of the epoch's grant.
    pub prev: EntryHash,
    /// The binding, which names device and member.
    pub binding: BindingId,
    /// Time of the event.
    pub time: EventTime,
    /// Server time of the last receipt or grant that the device holds.
    pub receipt_at: ServerTime,
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
}

impl Fold {
    /// Makes the next entry of the device, to be signed: valued by the policy in force, with the expected payment; and
    /// takes it into the fold.
    pub fn mint(
        &mut self,
        policies: &Policies,
        header: Header,
        subject: Subject,
        now: ServerTime,
    ) -> (Entry, Settlement) {
        let arrival = arrival(now, header.receipt_at);
        let position = self
            .chain
            .position(&header.time, header.receipt_at, arrival);
        let policy = policies.in_force_at(position.cap_time);
        let unvalued = subject.with(Vec::new());
        let payments = Meters::of(&self.account).pay(
            policy,
            unvalued.trigger(),
            self.zone.local_day(position.cap_time),
            &appraise(policy, &unvalued),
        );
        let entry = Entry {
            epoch: header.epoch,
            seq: header.seq,
            prev: header.prev,
            binding: header.binding,
            time: header.time,
            receipt_at: header.receipt_at,
            policy: policy.version(),
            body: EntryBody::Fresh(
                unvalued.valued(payments.into_iter().map(Award::from).collect()),
            ),
        };
        let settlement = self.push(policies, &entry, now);
        (entry, settlement)
    }
}

impl Subject {
    fn with(self, awards: Vec<Award>) -> Transaction {
        match self {
            Self::Earn { evidence, digest } => Transaction::Earn {
                evidence,
                digest,
                awards,
            },
            Self::Member { action } => Transaction::Member { action, awards },
        }
    }
}

impl Transaction {
    fn valued(mut self, valued: Vec<Award>) -> Self {
        match &mut self {
            Self::Earn { awards, .. } | Self::Member { awards, .. } => *awards = valued,
        }
        self
    }
}

impl From<Payment> for Award {
    fn from(payment: Payment) -> Self {
        Self {
            rule: payment.rule,
            points: payment.raw.points,
            growth: payment.raw.growth,
            predicted: payment.paid.points,
        }
    }
}
