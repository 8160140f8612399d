//! Makes an entry in the car: valued by the policy, with its expected payment.

use super::fold::{Fold, arrival};
use super::payment::{Meters, Payment};
use crate::account::Settlement;
use crate::entry::{Award, Entry, EntryBody, Subject};
use crate::ids::{BindingId, EntryHash, Epoch, Seq};
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
            unvalued.kind(),
            self.zone.local_day(position.cap_time),
            &appraise(policy, &unvalued, header.time.utc_offset_min),
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
