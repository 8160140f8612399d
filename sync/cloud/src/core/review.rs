//! Decisions of an operator on what is held back.

use dashpoint_membership::{
    Entry, EntryRef, Given, LedgerVersion, MemberId, Paid, Points, ReviewReason, ServerTime,
    Settlement, settle_late,
};
use dashpoint_wire::Raw;
use serde::Serialize;

use super::CloudCore;
use super::consent::given;
use super::holds::claim;
use super::losers::{LateEntries, counted_at};
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::devices::Device;
use crate::store::intervals::Freed;
use crate::store::openings::{OpenedMeter, OpeningState};
use crate::store::uses::Use;
use crate::store::{accounts, awaited, intervals, log, members, openings, reviews, uses};

/// One award that is held back, as `review list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldLine {
    /// The entry.
    pub entry: EntryRef,
    /// The member whom it is for.
    pub member: MemberId,
    /// The amount.
    pub paid: Paid,
    /// The reason that the member reads.
    pub reason: ReviewReason,
    /// The doubt in words, for evidence that is in doubt.
    pub doubt: Option<String>,
    /// Time at which it is paid by itself, or at which an operator is to have decided.
    #[serde(rename = "until_unix_s")]
    pub until: ServerTime,
    /// Only an operator ends it.
    pub needs_decision: bool,
}

/// An operator's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ruling {
    /// The entry.
    pub entry: EntryRef,
    /// The member.
    pub member: MemberId,
    /// It is paid.
    pub accepted: bool,
    /// The points, those included that arrears took.
    pub points: Points,
    /// The state of the account that it made.
    pub version: LedgerVersion,
    /// Outcome for the entries that had come second to a stretch that it lost.
    pub late: LateEntries,
}

impl CloudCore {
    /// Lists everything that is held back, those first that an operator has to decide, then by time.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn held_lines(&self) -> Result<Vec<HeldLine>, CloudError> {
        let mut lines = Vec::new();
        for member in members::ids(&self.db)? {
            let account = accounts::find(&self.db, member)?.ok_or(CloudError::NoMember(member))?;
            for held in &account.pending {
                lines.push(HeldLine {
                    entry: held.entry,
                    member,
                    paid: held.paid,
                    reason: held.reason,
                    doubt: reviews::find(&self.db, held.entry)?.map(|review| review.doubt),
                    until: held.until,
                    needs_decision: held.reason.needs_decision(),
                });
            }
        }
        lines.sort_by_key(|line| (!line.needs_decision, line.until, line.entry));
        Ok(lines)
    }

    /// Pays what is held back for an entry; a stretch in doubt becomes the entry's. Pays an entry as well that had come second to
    /// a stretch, stayed rejected for a doubt when it became free, and has it now; or that had it in the database before a restore and
    /// kept its points without it.
    ///
    /// # Errors
    /// [`CloudError::NotHeld`]; [`CloudError::MeterTaken`] when another entry was paid for the stretch meanwhile;
    /// [`CloudError::NoReason`].
    pub fn accept_held(
        &mut self,
        entry: EntryRef,
        reason: &str,
        now: ServerTime,
    ) -> Result<Ruling, CloudError> {
        self.work(now, |unit| unit.accept_held(entry, given(reason)?))
    }

    /// Gives up what is held back for an entry; the stretch that it claims is free.
    ///
    /// # Errors
    /// [`CloudError::NotHeld`], [`CloudError::NoReason`].
    pub fn refuse_held(
        &mut self,
        entry: EntryRef,
        reason: &str,
        now: ServerTime,
    ) -> Result<Ruling, CloudError> {
        self.work(now, |unit| unit.refuse_held(entry, given(reason)?))
    }
}

impl UnitOfWork<'_> {
    fn accept_held(&self, entry: EntryRef, reason: &str) -> Result<Ruling, CloudError> {
        if let Some(opened) = self.waiting_opening(entry)? {
            self.accept_opening(&opened, reason)?;
            return self.ruling_on_opening(entry, true);
        }
        let came_second = self.came_second(entry)?;
        let took_room = match reviews::find(self.db, entry)? {
            Some(review) => Some(review.took_room),
            None => came_second.then_some(false),
        };
        let is_pending = match log::find(self.db, entry)?.and_then(|logged| logged.member) {
            Some(member) => {
                let pending = self.account(member)?.pending;
                pending.iter().any(|held| held.entry == entry)
            }
            None => false,
        };
        if !came_second && !is_pending {
            return Err(CloudError::NotHeld(entry));
        }
        let freed = awaited::freed_there(self.db, entry)?;
        let freed = freed.filter(Freed::left_points);
        let doubted = match took_room {
            Some(took_room) if freed.is_some() => Some((self.logged(entry)?, took_room)),
            Some(took_room) => Some((self.doubted(entry)?, took_room)),
            None => None,
        };
        self.rule_on(entry, true, reason, |unit, member| {
            let zone = unit.zone(member)?;
            let mut account = unit.account(member)?;
            let Some(((device, body), took_room)) = doubted.as_ref() else {
                let paid = account.accept(entry, unit.now, &zone, unit.policy());
                return Ok((account, paid));
            };
            let claim = unit.late_claim(device, entry, body)?;
            let (row, given) = if *took_room {
                (account.accept(entry, unit.now, &zone, unit.policy()), None)
            } else {
                let cap_time = claim.map_or(unit.now, |claim| counted_at(body, &claim));
                let (policies, now) = (unit.policies, unit.now);
                let late = settle_late(&mut account, &zone, policies, entry, body, cap_time, now);
                (Some(late.row), late.given)
            };
            match freed.as_ref() {
                Some(freed) => unit.lose_at_once(device, claim.as_ref(), freed)?,
                None => unit.hold_late(device, claim.as_ref(), given.as_ref())?,
            }
            Ok((account, row))
        })
    }

    /// Finds the opening of a meter that an entry says, while it waits for an operator.
    fn waiting_opening(&self, entry: EntryRef) -> Result<Option<OpenedMeter>, CloudError> {
        let opened = openings::of_entry(self.db, entry)?;
        Ok(opened.filter(|opened| opened.state == OpeningState::Waits))
    }

    fn ruling_on_opening(&self, entry: EntryRef, accepted: bool) -> Result<Ruling, CloudError> {
        let logged = log::find(self.db, entry)?.and_then(|logged| logged.member);
        let member = logged.ok_or(CloudError::NotHeld(entry))?;
        Ok(Ruling {
            entry,
            member,
            accepted,
            points: Points::ZERO,
            version: self.account(member)?.version,
            late: LateEntries::default(),
        })
    }

    fn refuse_held(&self, entry: EntryRef, reason: &str) -> Result<Ruling, CloudError> {
        if let Some(opened) = self.waiting_opening(entry)? {
            self.refuse_opening(&opened, reason)?;
            return self.ruling_on_opening(entry, false);
        }
        let holds = intervals::holds(self.db, entry)? || awaited::is_due(self.db, entry)?;
        let mut ruling = self.give_up_held(entry, reason)?;
        if holds {
            ruling.late = self.judge_losers_anew(entry.device)?;
        }
        Ok(ruling)
    }

    /// Refuses what is held back for an entry, and frees the stretch that it may hold; the caller pays those that had come second.
    pub(super) fn give_up_held(&self, entry: EntryRef, reason: &str) -> Result<Ruling, CloudError> {
        let stretch = intervals::of(self.db, entry)?;
        awaited::let_go(self.db, entry, self.now)?;
        if let Some(stretch) = &stretch {
            self.free_stretch(stretch, false, reason)?;
        }
        let given = stretch.as_ref().and_then(|stretch| stretch.given.as_ref());
        self.rule_on(entry, false, reason, |unit, member| {
            let mut account = unit.account(member)?;
            let zone = unit.zone(member)?;
            let refused = account.refuse(entry, given, unit.now, &zone, unit.policies);
            Ok((account, refused))
        })
    }

    fn rule_on(
        &self,
        entry: EntryRef,
        accepted: bool,
        reason: &str,
        act: impl Fn(
            &Self,
            MemberId,
        ) -> Result<(dashpoint_membership::Account, Option<Settlement>), CloudError>,
    ) -> Result<Ruling, CloudError> {
        let logged = log::find(self.db, entry)?.ok_or(CloudError::NotHeld(entry))?;
        let member = logged.member.ok_or(CloudError::NotHeld(entry))?;
        let (account, settled) = act(self, member)?;
        let settled = settled.ok_or(CloudError::NotHeld(entry))?;
        let (version, points) = (settled.version, settled.points.minus(settled.arrears));
        accounts::save(self.db, member, &account, &[settled])?;
        reviews::decide(self.db, entry, self.now, accepted, reason)?;
        Ok(Ruling {
            entry,
            member,
            accepted,
            points,
            version,
            late: LateEntries::default(),
        })
    }

    /// Reads an entry that was in doubt, and makes sure that the stretch that it claims is nobody's.
    fn doubted(&self, entry: EntryRef) -> Result<(Device, Entry), CloudError> {
        let (device, body) = self.logged(entry)?;
        let origin = log::origin(self.db, entry)?;
        match body.transaction().interval() {
            Some(interval) if intervals::overlaps(self.db, device.vehicle, interval, origin)? => {
                Err(CloudError::MeterTaken(entry))
            }
            Some(_) | None => Ok((device, body)),
        }
    }

    /// Reads an entry of the log with the device that signed it.
    pub(super) fn logged(&self, entry: EntryRef) -> Result<(Device, Entry), CloudError> {
        let device = self.device(entry.device)?;
        let signed = self.logged_raw(entry)?.verify(&device.key, &device.id)?;
        Ok((device, signed.into_parts().1))
    }

    /// Reads the bytes of an entry of the log.
    pub(super) fn logged_raw(&self, entry: EntryRef) -> Result<Raw<Entry>, CloudError> {
        let raw = log::raw_from(self.db, entry.device, entry.epoch, entry.seq, 1)?;
        let raw = raw.into_iter().next().ok_or(CloudError::NotHeld(entry))?;
        Ok(Raw::from(raw))
    }

    /// The claim of an entry of the log on a meter, if it makes one, as it was when it came.
    pub(super) fn late_claim<'a>(
        &self,
        device: &Device,
        entry: EntryRef,
        body: &'a Entry,
    ) -> Result<Option<Use<'a>>, CloudError> {
        // The log has the arrival rounded down to five minutes: what counts is that nobody knew of it before.
        let by = |arrived: ServerTime| arrived.plus_s(299).min(self.now);
        let arrived = log::arrived(self.db, entry)?.map_or(self.now, by);
        let receipt_at = if body.receipt_at > arrived {
            device.enrolled.min(arrived)
        } else {
            body.receipt_at
        };
        Ok(claim(device, entry, body, receipt_at, arrived))
    }

    /// Gives an entry of the log the stretch that it claims. A device that was shut out since says nothing of the vehicle
    /// any more.
    pub(super) fn hold_late(
        &self,
        device: &Device,
        claim: Option<&Use<'_>>,
        given: Option<&Given>,
    ) -> Result<(), CloudError> {
        self.hold(claim, given)?;
        match claim.filter(|_| device.revoked.is_some()) {
            Some(claim) => uses::delete(self.db, claim.entry),
            None => Ok(()),
        }
    }

    pub(super) fn account(
        &self,
        member: MemberId,
    ) -> Result<dashpoint_membership::Account, CloudError> {
        accounts::find(self.db, member)?.ok_or(CloudError::NoMember(member))
    }
}
