//! Entries that came second to a meter, once the first has lost its stretch.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{
    Account, Cause, Entry, EntryRef, MemberId, Points, Rejection, ServerTime, Settlement,
    VehicleId, Verdict, settle_late,
};
use serde::Serialize;

use super::unit_of_work::UnitOfWork;

use crate::error::CloudError;
use crate::plausible::doubt;
use crate::store::devices::{self, Device};
use crate::store::intervals::MeterStretch;
use crate::store::log::Loser;
use crate::store::uses::Use;
use crate::store::{accounts, intervals, log, uses};

/// Outcome for the entries that were rejected because a stretch was paid that is free now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LateEntries {
    /// Entries that hold their stretch from now on.
    pub paid: Vec<LatePayment>,
    /// Entries that are in doubt all the same: they stay rejected.
    pub in_doubt: Vec<EntryRef>,
}

/// Payment of an entry after its rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LatePayment {
    /// The entry.
    pub entry: EntryRef,
    /// The points, those included that arrears took.
    pub points: Points,
}

impl LateEntries {
    /// Adds the outcome of another act.
    pub(super) fn extend(&mut self, other: Self) {
        self.paid.extend(other.paid);
        self.in_doubt.extend(other.in_doubt);
    }
}

/// An account with the rows that are not written yet.
struct OpenedAccount {
    account: Account,
    rows: Vec<Settlement>,
    /// Entries that were paid after their rejection before, once and for all.
    released: BTreeSet<EntryRef>,
}

impl UnitOfWork<'_> {
    /// Pays the entries of vehicles that came second to stretches that are free now, in the order in which they came: also those
    /// that became free before, when the entry was in doubt that is not any more. A device that was shut out as a fraud is paid
    /// nothing, nor is one for stretches that it lost itself.
    pub(super) fn pay_losers(
        &self,
        vehicles: BTreeSet<VehicleId>,
    ) -> Result<LateEntries, CloudError> {
        let mut done = LateEntries::default();
        let mut open: BTreeMap<MemberId, OpenedAccount> = BTreeMap::new();
        for vehicle in vehicles {
            let mut freed = intervals::list(self.db, vehicle)?;
            freed.retain(|stretch| stretch.freed.is_some());
            for loser in log::already_paid(self.db, vehicle)? {
                self.pay_loser(&loser, &freed, &mut open, &mut done)?;
            }
        }
        for (member, open) in open {
            if !open.rows.is_empty() {
                accounts::save(self.db, member, &open.account, &open.rows)?;
            }
        }
        Ok(done)
    }

    fn pay_loser(
        &self,
        loser: &Loser,
        freed: &[MeterStretch],
        open: &mut BTreeMap<MemberId, OpenedAccount>,
        done: &mut LateEntries,
    ) -> Result<(), CloudError> {
        let (device, body) = self.logged(loser.entry)?;
        let Some(claim) = self.late_claim(&device, loser.entry, &body)? else {
            return Ok(());
        };
        let wanted = claim.evidence.interval();
        let touches = |stretch: &&MeterStretch| stretch.interval.overlaps(&wanted);
        let is_own = |stretch: &MeterStretch| stretch.entry.device == device.id;
        let mut lost = freed.iter().filter(touches).peekable();
        if lost.peek().is_none()
            || lost.any(is_own)
            || intervals::overlaps(self.db, claim.vehicle, wanted)?
            || devices::is_fraud(self.db, device.id)?
        {
            return Ok(());
        }
        let known = match open.remove(&loser.member) {
            Some(known) => known,
            None => self.open(loser.member)?,
        };
        let known = open.entry(loser.member).or_insert(known);
        if known.released.contains(&loser.entry) {
            return Ok(());
        }
        if self.is_doubted(&device, &body, &claim)? {
            done.in_doubt.push(loser.entry);
            return Ok(());
        }
        let paid = settle_late(
            &mut known.account,
            &self.zone(loser.member)?,
            self.policies,
            loser.entry,
            &body,
            counted_at(&body, &claim),
            self.now,
        );
        self.hold_late(&device, Some(&claim), paid.given.as_ref())?;
        let row = paid.row;
        done.paid.push(LatePayment {
            entry: loser.entry,
            points: row.points.minus(row.arrears),
        });
        known.rows.push(row);
        Ok(())
    }

    fn open(&self, member: MemberId) -> Result<OpenedAccount, CloudError> {
        let rows = accounts::about_entries(self.db, member)?;
        let released = rows.into_iter().filter_map(|row| match row.cause {
            Cause::Released { entry } => Some(entry),
            Cause::Entry { .. }
            | Cause::Spent { .. }
            | Cause::Reversed { .. }
            | Cause::Expired { .. }
            | Cause::ClawedBack { .. }
            | Cause::Granted { .. }
            | Cause::TierChanged { .. } => None,
        });
        Ok(OpenedAccount {
            account: self.account(member)?,
            rows: Vec::new(),
            released: released.collect(),
        })
    }

    /// Returns whether an entry was rejected because its stretch was another's, was not paid since, and may be: not for a
    /// stretch that its own device lost, and not when that was shut out as a fraud.
    pub(super) fn came_second(&self, entry: EntryRef) -> Result<bool, CloudError> {
        let Some(logged) = log::find(self.db, entry)? else {
            return Ok(false);
        };
        let reason = Rejection::AlreadyPaid;
        let Some(member) = logged
            .member
            .filter(|_| logged.verdict == Verdict::Rejected { reason })
        else {
            return Ok(false);
        };
        let (device, body) = self.logged(entry)?;
        if devices::is_fraud(self.db, device.id)? || self.open(member)?.released.contains(&entry) {
            return Ok(false);
        }
        let Some(wanted) = body.transaction().interval() else {
            return Ok(false);
        };
        let freed = intervals::list(self.db, device.vehicle)?;
        let mut lost = freed
            .iter()
            .filter(|stretch| stretch.freed.is_some() && stretch.interval.overlaps(&wanted));
        Ok(lost.all(|stretch| stretch.entry.device != device.id))
    }

    fn is_doubted(
        &self,
        device: &Device,
        body: &Entry,
        claim: &Use<'_>,
    ) -> Result<bool, CloudError> {
        let Some(policy) = self.policies.get(body.policy) else {
            return Ok(true);
        };
        let history = uses::history(self.db, claim, device.enrolled)?;
        Ok(doubt(body, &policy.policy().score, &history, claim.arrived).is_some())
    }
}

/// The time whose caps an entry counts for: its own, between the receipt that the car held and the arrival.
pub(super) fn counted_at(body: &Entry, claim: &Use<'_>) -> ServerTime {
    ServerTime::from_unix_s(body.time.at.as_unix_s())
        .max(claim.receipt_at)
        .min(claim.arrived)
}
