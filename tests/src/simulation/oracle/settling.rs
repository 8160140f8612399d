//! Settled entries, held against the books: no award and no unit of a meter twice, no cap passed, no doubt made up or overlooked.

use dashpoint_membership::policy::{CapOver, Trigger};
use dashpoint_membership::{
    Entry, EntryBody, EntryHash, EntryRef, MemberId, Meter, MeterNumber, Points, Rejection,
    ReviewReason, ServerTime, Transaction, VehicleId, Verdict,
};

use super::{EntryOwner, Oracle, origin_of};
use crate::simulation::coverage::Coverage;
use crate::simulation::doubt::{DoubtTimes, MeterClaim, WeighedClaim, is_in_doubt};
use crate::simulation::drivers::misdirected;
use crate::simulation::meters::WaitingClaim;
use crate::simulation::violation::Violation;

/// Points by which whole points may pass a cap that counts thousandths: one for each rule's remainder.
const REMAINDERS: i64 = 4;

impl Oracle {
    /// Finds when an entry was settled whose first answer nobody saw: its row of the ledger has the time, and it is that of a
    /// request at which the cloud broke down.
    pub(super) fn settled_at(
        &mut self,
        place: EntryRef,
        entry: &Entry,
        owner: &EntryOwner,
    ) -> Result<ServerTime, Violation> {
        let ledger = self.books.ledgers.get(&owner.payee(entry)?);
        let row = ledger.and_then(|ledger| ledger.entries.get(&place));
        let at = row.map(|row| row.at);
        let at = at.ok_or_else(|| Violation::new(format!("{place:?} has no row in the ledger")))?;
        if self.books.chain(place.device)?.see(at) {
            Ok(at)
        } else {
            Err(Violation::new(format!(
                "{place:?} was settled at {at}, when nobody had sent it"
            )))
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one entry with all that is known of it"
    )]
    pub(super) fn settle(
        &mut self,
        place: EntryRef,
        hash: EntryHash,
        entry: &Entry,
        verdict: &Verdict,
        at: ServerTime,
        owner: &EntryOwner,
        tally: &mut Coverage,
    ) -> Result<(), Violation> {
        tally.judged(verdict);
        if let EntryBody::Carry { .. } = entry.body {
            tally.row("gap or wrong prev: carried into a new epoch");
        }
        let chain = self.books.chain(place.device)?;
        let times = chain.times(entry, at);
        let cap_time = chain.count(entry, at);
        if let Some(opening) = entry.transaction().opening() {
            let vehicle = owner.vehicle;
            self.settle_opening(place, hash, entry, opening, vehicle, times, verdict, tally)?;
            self.books
                .settled
                .entry(origin_of(entry, hash))
                .or_insert(place);
            return Ok(());
        }
        let claimed = self.weigh(place, entry, owner.vehicle, times);
        if let Verdict::Rejected { reason } = verdict {
            if !matches!(reason, Rejection::AlreadyPaid | Rejection::AlreadyRecorded) {
                return Err(Violation::new(format!(
                    "honest evidence was rejected as {reason:?}: {entry:?}"
                )));
            }
            if *reason == Rejection::AlreadyPaid
                && claimed
                    .as_ref()
                    .is_none_or(|claimed| !self.may_be_taken(claimed))
            {
                return Err(Violation::new(format!(
                    "nobody holds the stretch for which {place:?} was refused: {entry:?}"
                )));
            }
            let payee = owner.payee(entry)?;
            let misdirected = misdirected(entry.transaction(), payee, &owner.crew, &owner.logs);
            if let Some(claimed) = claimed.filter(|_| misdirected.is_none()) {
                self.books.second.insert(place, claimed);
            }
            // Rejected for good, unless another entry says the same and is paid.
            self.books
                .settled
                .entry(origin_of(entry, hash))
                .or_insert(place);
            return Ok(());
        }
        if entry.receipt_at > at {
            tally.event("paid under a receipt of the future");
        }
        let payee = owner.payee(entry)?;
        if let Some(what) = misdirected(entry.transaction(), payee, &owner.crew, &owner.logs) {
            return Err(Violation::new(format!("{place:?}: {what}")));
        }
        let origin = origin_of(entry, hash);
        if let Verdict::Review {
            reason: ReviewReason::Evidence,
            ..
        } = verdict
        {
            let in_doubt = claimed.filter(|claimed| claimed.is_in_doubt != [false; 2]);
            let Some(claimed) = in_doubt else {
                return Err(Violation::new(format!(
                    "nothing in {place:?} is in doubt, and it waits for an operator: {entry:?}"
                )));
            };
            let interval = claimed.claims[0].interval;
            let (vehicle, meters) = (owner.vehicle, &mut self.books.meters);
            if interval.number != MeterNumber::FIRST
                && meters
                    .opened(vehicle, interval.meter, interval.number)
                    .is_none()
            {
                tally.event("waited for its meter");
                let waiting = WaitingClaim {
                    vehicle,
                    entry: entry.clone(),
                    times,
                    claimed,
                };
                meters.claims.insert(place, waiting);
            }
            // It waits for an operator, and takes neither a stretch nor room of a cap meanwhile: a plausible claim for the same
            // metres is paid.
            self.books.settled.entry(origin).or_insert(place);
            return Ok(());
        }
        if let Some(kind) = Trigger::of(entry.transaction().kind()) {
            self.use_caps(payee, kind, cap_time, verdict.paid().points, tally)?;
        }
        if let Some(before) = self.books.settled.insert(origin, place)
            && !self.is_rejected(before)
        {
            return Err(Violation::new(format!(
                "{place:?} was paid, and {before:?} for the same award"
            )));
        }
        claimed.map_or(Ok(()), |claimed| {
            self.claim(claimed, verdict.paid().is_nothing(), tally)
        })
    }

    /// Holds the claim of an entry on a meter against those that hold a stretch of it.
    pub(super) fn weigh(
        &self,
        place: EntryRef,
        entry: &Entry,
        vehicle: VehicleId,
        times: [DoubtTimes; 2],
    ) -> Option<WeighedClaim> {
        let Transaction::Earn { evidence, .. } = entry.transaction() else {
            return None;
        };
        let meter = (vehicle, evidence.interval().meter);
        let claims = times.map(|times| MeterClaim::of(place, entry, evidence, times));
        let holders = Meter::ALL.map(|meter| self.books.claims.get(&(vehicle, meter)));
        let holders = || holders.iter().copied().flatten().flatten();
        let is_in_doubt = [0, 1].map(|way| {
            is_in_doubt(
                entry,
                evidence,
                &self.late_hours,
                &claims[way],
                times[way],
                self.books.meters.claimed(
                    vehicle,
                    evidence.interval().meter,
                    evidence.interval().number,
                    way,
                ),
                holders().map(|holder| &holder[way]),
            )
        });
        Some(WeighedClaim {
            meter,
            claims,
            is_in_doubt,
        })
    }

    /// Gives an entry the stretch that it claims, which no other entry holds. Evidence in doubt for which nothing is paid holds
    /// none.
    pub(super) fn claim(
        &mut self,
        claimed: WeighedClaim,
        is_unpaid: bool,
        tally: &mut Coverage,
    ) -> Result<(), Violation> {
        let WeighedClaim {
            meter,
            mut claims,
            is_in_doubt,
        } = claimed;
        if is_unpaid && is_in_doubt.contains(&true) {
            tally.event("in doubt and paid nothing");
            if is_in_doubt.contains(&false) {
                let [claim, _] = claims;
                self.books.perhaps.entry(meter).or_default().push(claim);
            }
            return Ok(());
        }
        if is_in_doubt == [true; 2] {
            return Err(Violation::new(format!(
                "{:?} is in doubt, and was paid",
                claims[0]
            )));
        }
        for claim in &mut claims {
            claim.is_unpaid = is_unpaid;
        }
        self.hold(meter, claims)
    }

    fn hold(
        &mut self,
        meter: (VehicleId, Meter),
        claims: [MeterClaim; 2],
    ) -> Result<(), Violation> {
        let holders = self.books.claims.entry(meter).or_default();
        let mut others = holders.iter();
        if let Some([other, _]) = others.find(|[other, _]| other.overlaps(&claims[0])) {
            return Err(Violation::new(format!(
                "{:?} holds its stretch, and {other:?} does",
                claims[0]
            )));
        }
        holders.push(claims);
        Ok(())
    }

    /// An entry that came second is paid after all, once the first has lost its stretch: it holds it from now on.
    pub(in crate::simulation) fn pay_late(
        &mut self,
        place: EntryRef,
        tally: &mut Coverage,
    ) -> Result<(), Violation> {
        tally.event("paid after the first had lost its stretch");
        let claimed = self.books.second.remove(&place);
        let mut claimed = claimed.ok_or_else(|| {
            Violation::new(format!("{place:?} was paid late, and was never second"))
        })?;
        if self.shut_out.contains_key(&place.device) {
            for claim in &mut claimed.claims {
                claim.shut_out();
            }
        }
        self.hold(claimed.meter, claimed.claims)
    }

    /// Returns whether an entry holds a unit of what another claims, or may hold it.
    fn may_be_taken(&self, claimed: &WeighedClaim) -> bool {
        let claim = &claimed.claims[0];
        let holders = self.books.claims.get(&claimed.meter);
        let mut holders = holders.into_iter().flatten().map(|[holder, _]| holder);
        let perhaps = self.books.perhaps.get(&claimed.meter);
        let mut perhaps = perhaps.into_iter().flatten();
        holders.any(|holder| holder.overlaps(claim)) || perhaps.any(|other| other.overlaps(claim))
    }

    fn is_rejected(&self, place: EntryRef) -> bool {
        let answered = self.books.answered.get(&place);
        matches!(
            answered,
            Some((
                _,
                Verdict::Rejected { .. }
                    | Verdict::Review {
                        reason: ReviewReason::Evidence,
                        ..
                    }
            ))
        )
    }

    fn use_caps(
        &mut self,
        member: MemberId,
        kind: Trigger,
        at: [ServerTime; 2],
        points: Points,
        tally: &mut Coverage,
    ) -> Result<(), Violation> {
        for (cap, (over, per, most)) in &self.caps {
            let counts = match over {
                CapOver::All => true,
                CapOver::Kind(of) => *of == kind,
                CapOver::Rule(rule) => match rule.as_str() {
                    "clean-charging" => kind == Trigger::Charge,
                    "check-in" => kind == Trigger::CheckIn,
                    _ => false,
                },
            };
            if !counts {
                continue;
            }
            let [first, other] = at.map(|at| self.zone.period_start(at, *per));
            if first != other {
                tally.event("period of a cap not known from outside");
                continue;
            }
            let used = self
                .books
                .used
                .entry((member, cap.clone(), first))
                .or_default();
            *used += points.get();
            // The only rule of its kind, with a cap of whole points: a second check-in of a day pays nothing at all.
            let remainders = if kind == Trigger::CheckIn && *over != CapOver::All {
                0
            } else {
                REMAINDERS
            };
            if *used > most.get() + remainders {
                return Err(Violation::new(format!(
                    "cap {cap} of {most} points let {used} through"
                )));
            }
        }
        Ok(())
    }

    /// Counts the periods in which a cap was used up.
    pub fn count_caps(&self, tally: &mut Coverage) {
        for ((_, cap, _), used) in &self.books.used {
            let most = self
                .caps
                .get(cap)
                .map_or(i64::MAX, |(_, _, most)| most.get());
            if *used >= most - REMAINDERS {
                tally.cap(cap.as_str());
            }
        }
    }
}
