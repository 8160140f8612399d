//! Judges and settles entries that follow the log.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{
    Account, Arrival, Cause, Chain, CoarseTime, Entry, EntryBody, EntryHash, EntryRef, Given,
    MemberId, Rejection, ServerTime, Settled, Settlement, Verdict, Zone, reject, settle_weighed,
};
use dashpoint_wire::{EpochGrant, Raw, Signed, WireError};

use super::holds::claim;
use super::intake::PENDING_MAX;
use super::judged::{Admission, Judged, Sent, find_awaited, happened, origin};
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::plausible::{Doubt, doubt, flaw};
use crate::store::awaited::AwaitedEntry;
use crate::store::bindings::Bound;
use crate::store::devices::{self, Device, Head};
use crate::store::uses;
use crate::store::{
    accounts, awaited, bindings, cloud_row, grants, intervals, log, receipts, reviews,
};

/// Settles entries one after the other, with the accounts they touch held open until the end.
pub(super) struct Settler<'a> {
    unit: &'a UnitOfWork<'a>,
    device: &'a Device,
    head: Head,
    open: BTreeMap<MemberId, OpenAccount>,
    touched: BTreeSet<MemberId>,
    /// An entry of this batch was made under a receipt of a clock that was ahead.
    was_ahead: bool,
    /// A stretch that was kept for an entry of this batch is free.
    freed_kept: bool,
    /// A meter was opened by an entry of this batch.
    has_opened: bool,
    /// The newest receipt of the log before the present epoch, once it was looked up.
    before_epoch: Option<ServerTime>,
}

struct OpenAccount {
    account: Account,
    zone: Zone,
    settlements: Vec<Settlement>,
}

/// Receipt that an entry is held to.
struct HeldReceipt {
    arrival: Arrival,
    /// The cloud signed the receipt that the entry names, or can no longer tell.
    is_known: bool,
}

impl<'a> Settler<'a> {
    pub fn new(unit: &'a UnitOfWork<'a>, device: &'a Device) -> Self {
        Self {
            unit,
            device,
            head: device.head,
            open: BTreeMap::new(),
            touched: BTreeSet::new(),
            was_ahead: false,
            freed_kept: false,
            has_opened: false,
            before_epoch: None,
        }
    }

    /// Names a member whose statement goes into the answer.
    pub fn touch(&mut self, member: Option<MemberId>) {
        self.touched.extend(member);
    }

    /// Judges one entry, settles it and writes it to the log. One that the database before a restore had ends as it did there.
    pub fn take(&mut self, entry: &Signed<Entry>) -> Result<Verdict, CloudError> {
        let (db, device) = (self.unit.db, self.device);
        let Sent { origin, awaited } = find_awaited(db, device, entry)?;
        let mut judged = self.judged(entry, origin)?;
        if let Some(awaited) = &awaited {
            judged.end_as_before(db, device, entry.body(), awaited)?;
        }
        let verdict = self.write(entry, &judged)?;
        if let Some(awaited) = &awaited {
            self.has_come(awaited, entry.body().reference(device.id), &verdict)?;
        }
        Ok(verdict)
    }

    /// Awaits an entry no more, unless another one has its stretch and may lose it.
    fn has_come(
        &mut self,
        awaited: &AwaitedEntry,
        place: EntryRef,
        verdict: &Verdict,
    ) -> Result<(), CloudError> {
        let (db, now) = (self.unit.db, self.unit.now);
        match verdict {
            Verdict::Rejected {
                reason: Rejection::AlreadyPaid,
            } if awaited.outcome.waits_on() => Ok(()),
            Verdict::Rejected { .. } if awaited.keeps_stretch() => {
                // Those that came second to it are judged anew, once the accounts are written.
                self.freed_kept = true;
                awaited::let_go(db, place, now)
            }
            Verdict::Rejected { .. }
            | Verdict::Accepted { .. }
            | Verdict::Adjusted { .. }
            | Verdict::Review { .. } => awaited::came(db, awaited),
        }
    }

    fn judged(&mut self, entry: &Signed<Entry>, origin: EntryHash) -> Result<Judged, CloudError> {
        let held = self.arrival(entry.body())?;
        let known_from = self.known_from(entry.body())?;
        Ok(Judged {
            origin,
            admission: self.admit(entry, origin, &held, known_from)?,
            arrival: held.arrival,
            known_from,
            freed: None,
        })
    }

    fn write(&mut self, entry: &Signed<Entry>, judged: &Judged) -> Result<Verdict, CloudError> {
        let (db, now) = (self.unit.db, self.unit.now);
        let admission = &judged.admission;
        let place = entry.body().reference(self.device.id);
        if admission.member.is_none() {
            // The device's members learn that it is judged, and how far its chain is.
            self.touched
                .extend(bindings::members_of(db, self.device.id)?);
        }
        let (verdict, given) = self.settle(place, entry.body(), admission, judged.arrival)?;
        log::append(
            db,
            &log::NewRow {
                entry: place,
                hash: entry.hash(),
                origin: judged.origin,
                vehicle: self.device.vehicle,
                member: admission.member,
                arrived: to_five_minutes(now),
                verdict: &verdict,
                raw: entry.raw(),
            },
        )?;
        let interval = entry.body().transaction().interval();
        if let Some((freed, interval)) = judged.freed.as_ref().zip(interval) {
            intervals::keep_freed(db, place, self.device.vehicle, interval, freed)?;
        }
        if let Some(opening) = entry.body().transaction().opening() {
            let vehicle = self.device.vehicle;
            let unit = self.unit;
            self.has_opened |= unit.note_opening(vehicle, place, opening, judged, &verdict)?;
        }
        match &admission.doubt {
            // A stretch in doubt keeps nobody else out until an operator accepts it.
            Some(doubt) if matches!(verdict, Verdict::Review { .. }) => {
                tracing::info!(%place, %doubt, "evidence in doubt: it waits for an operator");
                let (vehicle, awaits_meter) = (self.device.vehicle, *doubt == Doubt::NotOpen);
                reviews::open(db, place, vehicle, &doubt.to_string(), awaits_meter, now)?;
            }
            Some(_) => {}
            None if counts(&verdict) && judged.freed.is_none() => {
                let holds = claim(self.device, place, entry.body(), judged.known_from, now);
                self.unit.hold(holds.as_ref(), given.as_ref())?;
            }
            None => {}
        }
        self.head.seq = entry.body().seq;
        self.head.hash = entry.hash();
        Ok(verdict)
    }

    /// Holds the receipt that an entry names to those that this cloud signed for the device: the allowance counts from the
    /// newest of them that is not after it. One that is not after the chain's own is taken as it is, since it only makes the
    /// allowance smaller.
    ///
    /// A receipt later than now was signed by a clock of this cloud that was ahead, or by nobody; a database that went back
    /// no longer knows which. Nor does one that has seen many receipts since know those that a carried entry names: it is
    /// taken, and makes the allowance no larger.
    fn arrival(&mut self, entry: &Entry) -> Result<HeldReceipt, CloudError> {
        let (unit, named) = (self.unit, entry.receipt_at);
        let chain = self.head.chain.receipt_at;
        let last = if chain > unit.now {
            self.device.enrolled.min(unit.now)
        } else {
            chain
        };
        let signed = |at| receipts::newest_up_to(unit.db, self.device.id, at);
        let is_of_the_future = named > unit.now && named > last;
        let is_carried = matches!(entry.body, EntryBody::Carry { .. });
        let is_known = !is_of_the_future
            || is_carried
            || signed(named)? == Some(named)
            || unit.server_epoch > cloud_row::FIRST;
        let receipt_at = if named <= last {
            named
        } else {
            signed(named.min(unit.now))?.unwrap_or(last).max(last)
        };
        if is_of_the_future && is_known && !std::mem::replace(&mut self.was_ahead, true) {
            tracing::warn!(
                device = %self.device.id, seq = %entry.seq, receipt_at = %named, now = %unit.now,
                "entries under a receipt of the future: this cloud's clock was ahead when it signed it; they are paid"
            );
        }
        Ok(HeldReceipt {
            arrival: Arrival {
                at: unit.now,
                receipt_at,
            },
            is_known,
        })
    }

    /// Finds the newest receipt that the car is known to have held when it made an entry: receipts follow each other along a
    /// chain, so that an older one than the log has already makes nothing unknown. A carried entry keeps the receipt of its
    /// original, which is older than what this epoch has: it is held to the log before the epoch.
    fn known_from(&mut self, entry: &Entry) -> Result<ServerTime, CloudError> {
        let now = self.unit.now;
        if entry.receipt_at > now {
            return Ok(self.device.enrolled.min(now));
        }
        let logged = match entry.body {
            EntryBody::Fresh(_) => self.head.chain.receipt_at,
            EntryBody::Carry { .. } => self.before_epoch()?,
        };
        // A chain that is ahead was counted by a clock that was wrong.
        let logged = Some(logged).filter(|logged| *logged <= now);
        Ok(logged.map_or(entry.receipt_at, |logged| logged.max(entry.receipt_at)))
    }

    fn before_epoch(&mut self) -> Result<ServerTime, CloudError> {
        if let Some(found) = self.before_epoch {
            return Ok(found);
        }
        let (unit, device) = (self.unit, self.device.id);
        let found = match grants::find(unit.db, device, self.head.epoch)? {
            Some(raw) => {
                let grant = Raw::<EpochGrant>::from(raw).verify(&unit.key.public(), &device)?;
                grant.body().chain.receipt_at
            }
            // A database that went back may have forgotten it.
            None => self.device.enrolled,
        };
        self.before_epoch = Some(found);
        Ok(found)
    }

    fn bound(&self, entry: &Entry) -> Result<Option<Bound>, CloudError> {
        let bound = bindings::find(self.unit.db, entry.binding)?;
        Ok(bound.filter(|bound| bound.device == self.device.id))
    }

    /// Judges an authentic entry, the plainest reason first.
    fn admit(
        &self,
        entry: &Signed<Entry>,
        origin: EntryHash,
        held: &HeldReceipt,
        known_from: ServerTime,
    ) -> Result<Admission, CloudError> {
        let arrival = held.arrival;
        let claimed = self::origin(entry);
        let entry = entry.body();
        let Some(bound) = self.bound(entry)? else {
            return Ok(Admission {
                member: None,
                refused: Some(Rejection::NoBinding),
                doubt: None,
            });
        };
        // A binding that is there has begun, whatever a clock showed that was ahead.
        let when = happened(entry, arrival);
        let is_valid = when < bound.valid_until
            && (bound.valid_from.min(arrival.at) <= when || self.held_receipt(entry)?);
        let refused = if !held.is_known {
            Some(Rejection::Implausible)
        } else if !is_valid {
            Some(Rejection::BindingNotValid)
        } else {
            self.contradiction(entry, claimed, origin, arrival)?
        };
        let doubt = match refused {
            None => self.doubt(entry, origin, known_from)?,
            Some(_) => None,
        };
        Ok(Admission {
            member: Some(bound.member),
            refused,
            doubt,
        })
    }

    /// Returns whether the device held a receipt of this cloud when it made an entry, as far as a database that went back can
    /// tell. A binding that seems to begin later was then made by a clock that was ahead: who names it has it.
    fn held_receipt(&self, entry: &Entry) -> Result<bool, CloudError> {
        let (unit, named) = (self.unit, entry.receipt_at);
        let signed = receipts::newest_up_to(unit.db, self.device.id, named)?;
        Ok(signed == Some(named) || unit.server_epoch > cloud_row::FIRST)
    }

    /// Holds an admissible entry against what is known of the vehicle.
    fn doubt(
        &self,
        entry: &Entry,
        origin: EntryHash,
        known_from: ServerTime,
    ) -> Result<Option<Doubt>, CloudError> {
        let unit = self.unit;
        if let Some(opening) = entry.transaction().opening() {
            return unit.opening_doubt(self.device, entry, opening, origin, known_from);
        }
        let place = entry.reference(self.device.id);
        let Some(claim) = claim(self.device, place, entry, known_from, unit.now) else {
            return Ok(None);
        };
        let Some(policy) = unit.policies.get(entry.policy) else {
            return Ok(None);
        };
        let history = uses::history(unit.db, &claim, self.device.enrolled)?;
        Ok(doubt(entry, &policy.policy().score, &history, unit.now))
    }

    fn contradiction(
        &self,
        entry: &Entry,
        claimed: EntryHash,
        origin: EntryHash,
        arrival: Arrival,
    ) -> Result<Option<Rejection>, CloudError> {
        let unit = self.unit;
        // Without its policy an entry is refused by the rules themselves.
        let Some(policy) = unit.policies.get(entry.policy) else {
            return Ok(None);
        };
        if let Some(flaw) = flaw(entry, &policy.policy().score, arrival) {
            tracing::info!(device = %self.device.id, seq = %entry.seq, %flaw, "implausible evidence");
            return Ok(Some(Rejection::Implausible));
        }
        let carried = matches!(entry.body, EntryBody::Carry { .. });
        if carried && log::knows_origin(unit.db, self.device.vehicle, claimed)? {
            return Ok(Some(Rejection::AlreadyRecorded));
        }
        if let Some(opening) = entry.transaction().opening() {
            // The vehicle has that meter already: what is claimed on it is judged as any claim.
            let is_anothers = unit.is_opened_by_another(self.device.vehicle, opening, origin)?;
            return Ok(is_anothers.then_some(Rejection::AlreadyRecorded));
        }
        match entry.transaction().interval() {
            Some(interval) => {
                let vehicle = self.device.vehicle;
                let is_taken = intervals::overlaps(unit.db, vehicle, interval, origin)?;
                Ok(is_taken.then_some(Rejection::AlreadyPaid))
            }
            None => Ok(None),
        }
    }

    fn settle(
        &mut self,
        place: EntryRef,
        entry: &Entry,
        admission: &Admission,
        arrival: Arrival,
    ) -> Result<(Verdict, Option<Given>), CloudError> {
        let unit = self.unit;
        let chain = &mut self.head.chain;
        let Some(member) = admission.member else {
            return Ok((nobodys(unit, chain, place, entry, arrival)?, None));
        };
        let open = match self.open.entry(member) {
            Slot::Occupied(open) => open.into_mut(),
            Slot::Vacant(empty) => empty.insert(OpenAccount {
                account: accounts::find(unit.db, member)?.ok_or(CloudError::NoMember(member))?,
                zone: unit.zone(member)?,
                settlements: Vec::new(),
            }),
        };
        let account = &mut open.account;
        let Settled { row, given } = match admission.refused {
            Some(reason) => Settled {
                row: reject(account, chain, place, entry, reason, arrival),
                given: None,
            },
            None => settle_weighed(
                account,
                chain,
                &open.zone,
                unit.policies,
                place,
                entry,
                admission.doubt.is_some(),
                arrival,
            ),
        };
        let verdict = verdict_of(&row)?;
        open.settlements.push(row);
        self.touched.insert(member);
        Ok((verdict, given))
    }

    /// Writes the accounts, members ascending, and the head.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only what is settled for an entry can be held back"
    )]
    pub fn finish(self) -> Result<(Head, BTreeSet<MemberId>), CloudError> {
        for (member, open) in &self.open {
            let is_held_back = |settlement: &Settlement| match &settlement.cause {
                Cause::Entry { verdict, .. } => matches!(verdict, Verdict::Review { .. }),
                _ => false,
            };
            let holds_more = open.settlements.iter().any(is_held_back);
            if holds_more && open.account.pending.len() > PENDING_MAX {
                return Err(UnitOfWork::too_much_held_back(self.device.id));
            }
            accounts::save(self.unit.db, *member, &open.account, &open.settlements)?;
        }
        if self.head != self.device.head {
            devices::move_head(self.unit.db, self.device.id, &self.head)?;
        }
        if self.freed_kept {
            self.unit.judge_losers_anew(self.device.id)?;
        }
        let mut touched = self.touched;
        if self.has_opened {
            let waited = self.unit.pay_waiting(self.device.vehicle)?;
            for late in waited.paid {
                touched
                    .extend(log::find(self.unit.db, late.entry)?.and_then(|logged| logged.member));
            }
        }
        Ok((self.head, touched))
    }
}

/// An entry that no member's account has: the chain goes on, nothing is paid.
fn nobodys(
    unit: &UnitOfWork<'_>,
    chain: &mut Chain,
    place: EntryRef,
    entry: &Entry,
    arrival: Arrival,
) -> Result<Verdict, CloudError> {
    let mut nobody = Account::open(unit.policy(), unit.now);
    let refused = reject(
        &mut nobody,
        chain,
        place,
        entry,
        Rejection::NoBinding,
        arrival,
    );
    verdict_of(&refused)
}

fn verdict_of(settlement: &Settlement) -> Result<Verdict, CloudError> {
    match &settlement.cause {
        Cause::Entry { verdict, .. } => Ok(verdict.clone()),
        Cause::Released { .. }
        | Cause::Spent { .. }
        | Cause::Reversed { .. }
        | Cause::Expired { .. }
        | Cause::ClawedBack { .. }
        | Cause::Granted { .. }
        | Cause::TierChanged { .. } => {
            Err(WireError::Unsound("an entry was settled without a verdict").into())
        }
    }
}

/// Returns whether a verdict pays, or may still pay, for the evidence.
const fn counts(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Accepted { .. } | Verdict::Adjusted { .. } | Verdict::Review { .. } => true,
        Verdict::Rejected { .. } => false,
    }
}

/// Rounds a time of arrival down to five minutes: a car that is online posts seconds after its trip.
fn to_five_minutes(now: ServerTime) -> ServerTime {
    ServerTime::from_unix_s(CoarseTime::containing_unix_s(now.as_unix_s()).as_unix_s())
}
