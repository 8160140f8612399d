//! Stretches of meters that an operator takes from entries, and the points that go with them.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{DeviceId, EntryRef, MemberId, Points, ServerTime, VehicleId};
use serde::Serialize;

use super::CloudCore;
use super::consent::given;
use super::entry_payments::EntryPayments;
use super::losers::{LateEntries, LatePayment};
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::intervals::{self, Freed, MeterStretch};
use crate::store::{awaited, devices, log, uses};

/// Selects the stretches that are freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selected {
    /// The one of an entry.
    Entry(EntryRef),
    /// All that a device holds.
    Device(DeviceId),
}

/// Outcome of freeing stretches of meters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FreedStretches {
    /// Entries that lost their stretch.
    pub entries: Vec<EntryRef>,
    /// Points taken back, by member; those that are owed since are among them.
    pub taken_back: BTreeMap<MemberId, Points>,
    /// Outcome for the entries that had come second to them.
    pub late: LateEntries,
}

/// Outcome of shutting a device out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// The device.
    pub revoked: DeviceId,
    /// The database knows it. One that it does not know is kept out, should it show an enrolment that a restore has lost.
    pub was_known: bool,
    /// Entries that it was to send again after a restore, and that had counted: they do not come.
    pub awaited: usize,
    /// The stretches that it held and lost.
    pub freed: FreedStretches,
}

impl CloudCore {
    /// Lists the stretches of a vehicle's meters, held, kept for what is to come again, and freed.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn stretches(&self, vehicle: VehicleId) -> Result<Vec<MeterStretch>, CloudError> {
        intervals::list(&self.db, vehicle)
    }

    /// Frees stretches of a vehicle's meters, so that another entry can be paid for them. The points that were paid for
    /// them are taken back, unless `keeps_points`: then the units may be paid a second time, by the operator's will. An entry that
    /// came second, and whose act of this kind a restore took back, is paid again what it had before the act.
    ///
    /// # Errors
    /// [`CloudError::HoldsNothing`], [`CloudError::NoDevice`], [`CloudError::NoReason`].
    pub fn free_stretches(
        &mut self,
        vehicle: VehicleId,
        selected: Selected,
        keeps_points: bool,
        reason: &str,
        now: ServerTime,
    ) -> Result<FreedStretches, CloudError> {
        self.work(now, |unit| {
            let reason = given(reason)?;
            let (device, only) = match selected {
                Selected::Entry(entry) => (entry.device, Some(entry)),
                Selected::Device(device) => (device, None),
            };
            let stretches = match only {
                Some(entry) => intervals::of(unit.db, entry)?.into_iter().collect(),
                None => intervals::held_by(unit.db, device)?,
            };
            let mut stretches: Vec<MeterStretch> = stretches;
            stretches.retain(|stretch| stretch.vehicle == vehicle);
            let act = Freed {
                at: unit.now,
                reason: reason.to_owned(),
                keeps_points,
            };
            let awaited = awaited::free(unit.db, vehicle, device, only, &act)?;
            let (here, mut paid) = unit.free_due_here(vehicle, device, only, &act)?;
            let is_nothing = stretches.is_empty() && awaited.is_empty() && here.is_empty();
            if let Some(entry) = only.filter(|_| is_nothing) {
                let freed = awaited::freed_there(unit.db, entry)?;
                let freed = freed.filter(|freed| freed.left_points() == keeps_points);
                let freed = freed.ok_or(CloudError::HoldsNothing(entry))?;
                paid.extend(unit.free_at_once(vehicle, entry, &freed)?);
            }
            if is_nothing {
                unit.device(device)?;
            }
            let mut freed = unit.free_all(&stretches, keeps_points, reason)?;
            freed.entries.extend(awaited);
            freed.entries.extend(here);
            freed.late = unit.pay_losers(BTreeSet::from([vehicle]))?;
            freed.late.paid.splice(..0, paid);
            Ok(freed)
        })
    }

    /// Shuts a device out: none of its requests is let in any more. The stretches of meters for which it was paid nothing
    /// become free, and its readings bind no other entry any more. Its members keep their points, and their say over the
    /// vehicle until it earns for somebody else.
    ///
    /// A device that is not known here is kept out as well.
    ///
    /// # Errors
    /// [`CloudError::AlreadyRevoked`].
    pub fn revoke_device(
        &mut self,
        device: DeviceId,
        now: ServerTime,
    ) -> Result<Revocation, CloudError> {
        self.work(now, |unit| {
            if let Some(barred) = unit.bar_unknown(device, None)? {
                return Ok(barred);
            }
            let awaited = unit.shut_out(device)?;
            let unpaid = unit.unpaid(device)?;
            let mut freed = unit.free_all(&unpaid, true, intervals::FREED_UNPAID)?;
            freed.late = unit.judge_losers_anew(device)?;
            Ok(Revocation {
                revoked: device,
                was_known: true,
                awaited,
                freed,
            })
        })
    }

    /// Does the same for a device that claimed what was not its own, also one that is shut out already: all that it holds
    /// becomes free, what it was paid is taken back, what is held back for it is refused, and its members lose the say over
    /// the vehicle that they had by it.
    ///
    /// # Errors
    /// [`CloudError::AlreadyRevoked`] for one that is not known here and kept out already; [`CloudError::NoReason`].
    pub fn revoke_fraud(
        &mut self,
        device: DeviceId,
        reason: &str,
        now: ServerTime,
    ) -> Result<Revocation, CloudError> {
        self.work(now, |unit| {
            let reason = given(reason)?;
            if let Some(barred) = unit.bar_unknown(device, Some(reason))? {
                return Ok(barred);
            }
            let awaited = match unit.shut_out(device) {
                Ok(awaited) => awaited,
                Err(CloudError::AlreadyRevoked(_)) => 0,
                Err(failed) => return Err(failed),
            };
            awaited::give_all_up(unit.db, device, unit.now)?;
            devices::mark_fraud(unit.db, device, unit.now, reason)?;
            for entry in unit.held_for(device)? {
                unit.give_up_held(entry, reason)?;
            }
            unit.withdraw_openings(device, reason)?;
            let held = intervals::held_by(unit.db, device)?;
            let mut freed = unit.free_all(&held, false, reason)?;
            // Once all of it is free: else one that came later would be paid for the part that became free first.
            freed.late = unit.judge_losers_anew(device)?;
            Ok(Revocation {
                revoked: device,
                was_known: true,
                awaited,
                freed,
            })
        })
    }
}

impl UnitOfWork<'_> {
    /// Keeps a device out that is not known here; `None` for one that is.
    fn bar_unknown(
        &self,
        device: DeviceId,
        reason: Option<&str>,
    ) -> Result<Option<Revocation>, CloudError> {
        if devices::find(self.db, device)?.is_some() {
            return Ok(None);
        }
        if !devices::bar(self.db, device, self.now, reason)? {
            return Err(CloudError::AlreadyRevoked(device));
        }
        let awaited = awaited::give_up(self.db, device, self.now)?;
        let late = self.pay_losers(awaited.iter().copied().collect())?;
        Ok(Some(Revocation {
            revoked: device,
            was_known: false,
            awaited: awaited.len(),
            freed: FreedStretches {
                late,
                ..FreedStretches::default()
            },
        }))
    }

    /// Returns the number of entries that were awaited of the device.
    fn shut_out(&self, device: DeviceId) -> Result<usize, CloudError> {
        self.device(device)?;
        if !devices::revoke(self.db, device, self.now)? {
            return Err(CloudError::AlreadyRevoked(device));
        }
        uses::delete_all_of(self.db, device)?;
        Ok(awaited::give_up(self.db, device, self.now)?.len())
    }

    /// Judges the entries of a device's vehicle anew that came second: its readings bind them no more.
    pub(super) fn judge_losers_anew(&self, device: DeviceId) -> Result<LateEntries, CloudError> {
        let vehicle = self.device(device)?.vehicle;
        self.pay_losers(BTreeSet::from([vehicle]))
    }

    /// Entries of a device for which something is held back.
    fn held_for(&self, device: DeviceId) -> Result<Vec<EntryRef>, CloudError> {
        let mut held = Vec::new();
        for member in crate::store::bindings::members_of(self.db, device)? {
            let account = self.account(member)?;
            let entries = account.pending.iter().map(|held| held.entry);
            held.extend(entries.filter(|entry| entry.device == device));
        }
        Ok(held)
    }

    /// Frees what entries of a device are due that are here: one, or all. Returns the entries, and those of them that are paid without
    /// their stretch.
    fn free_due_here(
        &self,
        vehicle: VehicleId,
        device: DeviceId,
        only: Option<EntryRef>,
        act: &Freed,
    ) -> Result<(Vec<EntryRef>, Vec<LatePayment>), CloudError> {
        let here = awaited::due_here(self.db, vehicle, device, only)?;
        let mut paid = Vec::new();
        for entry in &here {
            if self.came_second(*entry)? {
                paid.extend(self.free_at_once(vehicle, *entry, act)?);
            } else if act.keeps_points {
                awaited::leave_points(self.db, *entry, act)?;
            } else {
                // What is held back for it is given up with its stretch.
                match self.give_up_held(*entry, &act.reason) {
                    Ok(_) => {}
                    Err(CloudError::NotHeld(_)) => awaited::let_go(self.db, *entry, self.now)?,
                    Err(failed) => return Err(failed),
                }
            }
        }
        Ok((here, paid))
    }

    /// Frees the stretch of an entry that came second, and had it in the database before a restore: it is written down as one that held
    /// it and lost it, and is paid when it keeps its points.
    fn free_at_once(
        &self,
        vehicle: VehicleId,
        entry: EntryRef,
        act: &Freed,
    ) -> Result<Option<LatePayment>, CloudError> {
        if act.keeps_points {
            let paid = self.pay_without(vehicle, entry, act)?;
            return paid.ok_or(CloudError::HoldsNothing(entry)).map(Some);
        }
        let (owner, body) = self.logged(entry)?;
        let claim = self.late_claim(&owner, entry, &body)?;
        self.lose_at_once(&owner, claim.as_ref(), act)?;
        Ok(None)
    }

    /// Takes one stretch from its entry, and nothing else.
    pub(super) fn free_stretch(
        &self,
        stretch: &MeterStretch,
        keeps_points: bool,
        reason: &str,
    ) -> Result<(), CloudError> {
        let freed = Freed {
            at: self.now,
            reason: reason.to_owned(),
            keeps_points,
        };
        intervals::free(self.db, stretch, &freed)?;
        uses::delete(self.db, stretch.entry)
    }

    /// Takes stretches from their entries; the caller pays those that had come second.
    pub(super) fn free_all(
        &self,
        stretches: &[MeterStretch],
        keeps_points: bool,
        reason: &str,
    ) -> Result<FreedStretches, CloudError> {
        let mut done = FreedStretches::default();
        let mut by_member: BTreeMap<MemberId, Vec<&MeterStretch>> = BTreeMap::new();
        for stretch in stretches {
            self.free_stretch(stretch, keeps_points, reason)?;
            done.entries.push(stretch.entry);
            let member = log::find(self.db, stretch.entry)?.and_then(|logged| logged.member);
            if let Some(member) = member.filter(|_| !keeps_points) {
                by_member.entry(member).or_default().push(stretch);
            }
        }
        for (member, lost) in by_member {
            let points = self.claw_back(member, &lost)?;
            if points > Points::ZERO {
                done.taken_back.insert(member, points);
            }
        }
        Ok(done)
    }

    /// Lists the stretches of a device for which nothing was paid or is held back, not by the verdict and not after it, as an
    /// entry is paid that came second once the first has lost its stretch. Thousandths are paid with the member's next point.
    pub(super) fn unpaid(&self, device: DeviceId) -> Result<Vec<MeterStretch>, CloudError> {
        let mut unpaid = Vec::new();
        let mut known = BTreeMap::new();
        for stretch in intervals::held_by(self.db, device)? {
            let is_paid = match &stretch.given {
                Some(given) => !given.is_nothing(),
                None => self.was_paid(stretch.entry, &mut known)?,
            };
            if !is_paid {
                unpaid.push(stretch);
            }
        }
        Ok(unpaid)
    }

    /// Returns whether an entry that an older program settled was paid whole points, or growth value: then or later.
    fn was_paid(
        &self,
        entry: EntryRef,
        known: &mut BTreeMap<MemberId, EntryPayments>,
    ) -> Result<bool, CloudError> {
        let Some(logged) = log::find(self.db, entry)? else {
            return Ok(false);
        };
        let is_nothing = logged.verdict.paid().is_nothing();
        let Some(member) = logged.member.filter(|_| is_nothing) else {
            return Ok(!is_nothing);
        };
        let payments = match known.entry(member) {
            Slot::Occupied(known) => known.into_mut(),
            Slot::Vacant(empty) => empty.insert(EntryPayments::read(self, member)?),
        };
        Ok(payments.has_paid(entry))
    }
}
