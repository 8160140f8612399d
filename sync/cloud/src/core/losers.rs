//! Entries that came second to a meter, once the first has lost its stretch.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{
    Account, Entry, EntryRef, MemberId, Points, ServerTime, Settled, Settlement, VehicleId,
    settle_late,
};
use serde::Serialize;

use super::freed_meters::FreedMeters;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::plausible::doubt;
use crate::store::devices::{self, Device};
use crate::store::intervals::Freed;
use crate::store::log::Loser;
use crate::store::uses::Use;
use crate::store::{accounts, awaited, intervals, log, uses};

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

impl LatePayment {
    fn of(entry: EntryRef, row: &Settlement) -> Self {
        Self {
            entry,
            points: row.points.minus(row.arrears),
        }
    }
}

/// An account with the rows that are not written yet.
struct OpenedAccount {
    account: Account,
    rows: Vec<Settlement>,
}

impl UnitOfWork<'_> {
    /// Pays the entries of vehicles that came second to stretches that are free now, in the order in which they came: also those
    /// that became free before, when the entry was in doubt that is not any more. A device that was shut out as a fraud is paid
    /// nothing, nor is one for stretches that it lost itself, unless the database before a restore had paid that very entry.
    ///
    /// Whoever has a head unit can send many that come second. So each is left out by what costs least, and the signature of one
    /// that will be paid is the only one that is verified again.
    pub(super) fn pay_losers(
        &self,
        vehicles: BTreeSet<VehicleId>,
    ) -> Result<LateEntries, CloudError> {
        let mut done = LateEntries::default();
        let mut open: BTreeMap<MemberId, OpenedAccount> = BTreeMap::new();
        for vehicle in vehicles {
            let freed = FreedMeters::new(intervals::freed(self.db, vehicle)?);
            let due = awaited::due_in(self.db, vehicle)?;
            let mut losers = log::already_paid(self.db, vehicle)?;
            // The database before had paid these, in whatever order they came again.
            losers.sort_by_key(|loser| !due.contains(&loser.entry));
            for loser in losers {
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
        freed: &FreedMeters,
        open: &mut BTreeMap<MemberId, OpenedAccount>,
        done: &mut LateEntries,
    ) -> Result<(), CloudError> {
        let raw = self.logged_raw(loser.entry)?;
        let body = raw.claimed()?;
        let Some(wanted) = body.transaction().interval() else {
            return Ok(());
        };
        if !freed.touch(wanted) {
            return Ok(());
        }
        let had_it = awaited::is_due(self.db, loser.entry)?;
        let origin = log::origin(self.db, loser.entry)?;
        if (!had_it && freed.touch_own(loser.entry.device, wanted))
            || intervals::overlaps(self.db, loser.vehicle, wanted, origin)?
        {
            return Ok(());
        }
        let device = self.device(loser.entry.device)?;
        let Some(claim) = self.late_claim(&device, loser.entry, &body)? else {
            return Ok(());
        };
        let is_doubted = awaited::stays_second(self.db, loser.entry)?
            || self.is_doubted(&device, &body, &claim)?;
        if !had_it && is_doubted {
            done.in_doubt.push(loser.entry);
            return Ok(());
        }
        raw.verify(&device.key, &device.id)?;
        let known = match open.remove(&loser.member) {
            Some(known) => known,
            None => OpenedAccount {
                account: self.account(loser.member)?,
                rows: Vec::new(),
            },
        };
        let known = open.entry(loser.member).or_insert(known);
        let paid = self.settle_loser(loser.member, &mut known.account, &body, &claim)?;
        self.hold_late(&device, Some(&claim), paid.given.as_ref())?;
        done.paid.push(LatePayment::of(loser.entry, &paid.row));
        known.rows.push(paid.row);
        Ok(())
    }

    /// Pays an entry that came second, and takes its stretch from it at once; `None` for one that did not come second, or that is a
    /// fraud's or another vehicle's.
    pub(super) fn pay_without(
        &self,
        vehicle: VehicleId,
        entry: EntryRef,
        freed: &Freed,
    ) -> Result<Option<LatePayment>, CloudError> {
        let (device, body) = self.logged(entry)?;
        let claim = self.late_claim(&device, entry, &body)?;
        let logged = log::find(self.db, entry)?.filter(|logged| logged.came_second());
        let member = logged.and_then(|logged| logged.member);
        let (Some(member), Some(claim)) = (member, claim) else {
            return Ok(None);
        };
        if device.vehicle != vehicle || devices::is_fraud(self.db, entry.device)? {
            return Ok(None);
        }
        let mut account = self.account(member)?;
        let row = self.settle_loser(member, &mut account, &body, &claim)?.row;
        let paid = LatePayment::of(entry, &row);
        accounts::save(self.db, member, &account, &[row])?;
        self.lose_at_once(&device, Some(&claim), freed)?;
        Ok(Some(paid))
    }

    fn settle_loser(
        &self,
        member: MemberId,
        account: &mut Account,
        body: &Entry,
        claim: &Use<'_>,
    ) -> Result<Settled, CloudError> {
        let (zone, at) = (self.zone(member)?, counted_at(body, claim));
        Ok(settle_late(
            account,
            &zone,
            self.policies,
            claim.entry,
            body,
            at,
            self.now,
        ))
    }

    /// Writes that an entry held its stretch and lost it, as in the database before a restore.
    pub(super) fn lose_at_once(
        &self,
        device: &Device,
        claim: Option<&Use<'_>>,
        freed: &Freed,
    ) -> Result<(), CloudError> {
        if let Some(claim) = claim {
            let interval = claim.evidence.interval();
            intervals::keep_freed(self.db, claim.entry, device.vehicle, interval, freed)?;
            awaited::settled(self.db, claim.entry)?;
        }
        Ok(())
    }

    /// Returns whether an entry was rejected because its stretch was another's, was not paid since, and may be: not for a
    /// stretch that its own device lost, and not when that was shut out as a fraud.
    pub(super) fn came_second(&self, entry: EntryRef) -> Result<bool, CloudError> {
        let Some(logged) = log::find(self.db, entry)? else {
            return Ok(false);
        };
        if logged.member.is_none()
            || !logged.came_second()
            || intervals::has_held(self.db, entry)?
            || devices::is_fraud(self.db, entry.device)?
        {
            return Ok(false);
        }
        let (device, body) = self.logged(entry)?;
        let Some(wanted) = body.transaction().interval() else {
            return Ok(false);
        };
        let freed = FreedMeters::new(intervals::freed(self.db, device.vehicle)?);
        Ok(!freed.touch_own(device.id, wanted))
    }

    pub(super) fn is_doubted(
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
