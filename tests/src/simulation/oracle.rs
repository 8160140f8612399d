//! The promise, held against what the screens show and what the cloud settles.
//!
//! The oracle keeps books of its own, from the outside: every award that a screen has shown, every verdict that was
//! answered, every settlement of every ledger, every unit of every meter that was paid.

mod openings;
mod settling;

use std::collections::BTreeMap;

use dashpoint_membership::policy::{CapOver, LateHour, Period};
use dashpoint_membership::{
    CapId, Cause, DeviceId, Entry, EntryBody, EntryHash, EntryRef, Epoch, LedgerVersion, MemberId,
    Points, Policy, Seq, ServerTime, Statement, VehicleId, Verdict, Zone,
};
use dashpoint_wire::{ChainPoint, PublicKey};

use super::chain_times::SeenChain;
use super::cloud::Posting;
use super::cloud_record::{CloudRecord, RecordedLedger};
use super::coverage::Coverage;
use super::drivers::{Crew, Log};
use super::violation::Violation;

/// An award that a screen has shown.
#[derive(Debug, Clone)]
pub struct ShownAward {
    /// Its newest place in the chain.
    pub point: ChainPoint,
    /// The member.
    pub member: MemberId,
    /// It was only on a disk that is gone.
    pub lost: bool,
}

/// The books of the harness.
pub struct Oracle {
    /// Shown awards, by the car and the hash of the entry that said them first.
    pub shown: BTreeMap<(usize, EntryHash), ShownAward>,
    /// The cloud's answers and settlements.
    pub books: CloudRecord,
    /// The cloud's answers before it went back to a backup.
    former: BTreeMap<EntryRef, Vec<Verdict>>,
    caps: BTreeMap<CapId, (CapOver, Period, Points)>,
    zone: Zone,
    /// Weights of the late hours, the same in all policies.
    late_hours: Vec<LateHour>,
    /// Times at which devices were enrolled, also by a cloud that went back to before it.
    enrolled: BTreeMap<DeviceId, ServerTime>,
    /// Devices that the cloud must not listen to any more.
    shut_out: BTreeMap<DeviceId, ServerTime>,
}

/// Owner of entries and meters.
#[derive(Debug, Clone)]
pub struct EntryOwner {
    /// Verifies them.
    pub key: PublicKey,
    /// Vehicle of the meters.
    pub vehicle: VehicleId,
    /// Members of the points, by binding.
    pub crew: Crew,
    /// Driving logs of the car and of every clone of it.
    pub logs: Vec<Log>,
}

impl EntryOwner {
    fn payee(&self, entry: &Entry) -> Result<MemberId, Violation> {
        let payee = self.crew.member_of(entry.binding);
        payee.ok_or_else(|| Violation::new(format!("nobody has the binding {}", entry.binding)))
    }
}

impl Oracle {
    /// Empty books.
    pub fn new() -> Result<Self, Violation> {
        let zone = Zone::new("Asia/Shanghai").map_err(|e| Violation::new(e.to_string()))?;
        Ok(Self {
            shown: BTreeMap::new(),
            books: CloudRecord::default(),
            former: BTreeMap::new(),
            caps: BTreeMap::new(),
            zone,
            late_hours: Vec::new(),
            enrolled: BTreeMap::new(),
            shut_out: BTreeMap::new(),
        })
    }

    /// The cloud went back to a backup: it knows what it knew then. What cars hold of its later word is still its word.
    pub fn go_back(&mut self, mut books: CloudRecord) {
        for (member, ledger) in &mut books.ledgers {
            let later = self.books.ledgers.get(member);
            for (version, balances) in later.into_iter().flat_map(|ledger| &ledger.balances) {
                ledger
                    .balances
                    .entry(*version)
                    .or_default()
                    .extend(balances);
            }
        }
        for (place, (_, verdict)) in &self.books.answered {
            self.former.entry(*place).or_default().push(verdict.clone());
        }
        // The car shows that it was enrolled.
        for (device, at) in &self.enrolled {
            let chain = books.chains.entry(*device);
            chain.or_insert_with(|| SeenChain::begin(*at));
        }
        self.books = books;
    }

    /// A device has shown the grant of its epoch.
    pub fn remind(&mut self, device: DeviceId, granted: ServerTime) -> Result<(), Violation> {
        self.books.chain(device)?.remind(granted);
        Ok(())
    }

    /// A device that begins its chain.
    pub fn begin(&mut self, device: DeviceId, at: ServerTime) {
        self.enrolled.insert(device, at);
        self.books.chains.insert(device, SeenChain::begin(at));
    }

    /// The cloud has opened an epoch for a device.
    pub fn grant(&mut self, device: DeviceId, at: ServerTime) -> Result<(), Violation> {
        self.books.chain(device)?.grant(at);
        Ok(())
    }

    /// The cloud broke down over the entries of a device: nobody saw whether it signed a receipt.
    pub fn lose_sight(&mut self, device: DeviceId, at: ServerTime) -> Result<(), Violation> {
        self.books.chain(device)?.lose_sight(at);
        Ok(())
    }

    /// Takes the caps of a policy; of several versions the most generous holds.
    pub fn take_policy(&mut self, policy: &Policy) {
        self.late_hours.clone_from(&policy.score.late_hours);
        for cap in &policy.caps {
            let known = self
                .caps
                .entry(cap.id.clone())
                .or_insert_with(|| (cap.over.clone(), cap.per, cap.points));
            known.2 = known.2.max(cap.points);
        }
    }

    /// A screen shows an own entry.
    pub fn show(
        &mut self,
        car: usize,
        member: MemberId,
        point: ChainPoint,
        entry: &Entry,
        tally: &mut Coverage,
    ) {
        if let EntryBody::Fresh(_) = entry.body {
            tally.awards += 1;
            if entry.time.quality == dashpoint_membership::ClockQuality::Doubtful {
                tally.row("clock wrong");
            }
        }
        let origin = origin_of(entry, point.hash);
        let shown = self.shown.entry((car, origin)).or_insert(ShownAward {
            point,
            member,
            lost: false,
        });
        shown.point = point;
        shown.lost = false;
    }

    /// Takes what the cloud has answered to entries. `may_be_new`: the cloud lost power before it could answer once.
    pub fn take(
        &mut self,
        posting: &Posting,
        owner: &EntryOwner,
        may_be_new: bool,
        tally: &mut Coverage,
    ) -> Result<(), Violation> {
        if let Some(at) = self.shut_out.get(&posting.device) {
            return Err(Violation::new(format!(
                "{} was shut out at {at} and is heard",
                posting.device
            )));
        }
        self.books.chain(posting.device)?.hear(posting.heard);
        let said = posting.request.entries.iter();
        for (raw, verdict) in said.zip(&posting.response.verdicts) {
            let hash = raw.hash();
            let entry = raw.clone().verify(&owner.key, &posting.device);
            let entry = entry.map_err(|e| Violation::new(format!("the cloud took {e}")))?;
            let entry = entry.into_parts().1;
            let place = EntryRef {
                device: posting.device,
                epoch: entry.epoch,
                seq: entry.seq,
            };
            let before = self.books.answered.get(&place);
            if verdict.duplicate {
                tally.row("same entry twice");
            }
            match before {
                Some((known, first)) if verdict.duplicate => {
                    if *known != hash || *first != verdict.verdict {
                        return Err(Violation::new(format!(
                            "{place:?} was answered {first:?} and then {:?}",
                            verdict.verdict
                        )));
                    }
                }
                Some(_) => {
                    return Err(Violation::new(format!("{place:?} was settled twice")));
                }
                None if verdict.duplicate && !may_be_new => {
                    return Err(Violation::new(format!(
                        "{place:?} counts as known and was never answered"
                    )));
                }
                None => {
                    let at = if verdict.duplicate {
                        self.settled_at(place, &entry, owner)?
                    } else {
                        posting.at
                    };
                    self.books
                        .answered
                        .insert(place, (hash, verdict.verdict.clone()));
                    self.settle(place, hash, &entry, &verdict.verdict, at, owner, tally)?;
                }
            }
        }
        // The receipt of an answer is signed once its entries have been judged.
        self.books.chain(posting.device)?.sign(posting.at);
        Ok(())
    }

    /// The cloud does not listen to a device any more: what was claimed by it and not paid is free.
    pub fn shut_out(&mut self, device: DeviceId, at: ServerTime) {
        self.shut_out.insert(device, at);
        for (meter, claims) in &mut self.books.claims {
            let perhaps = self.books.perhaps.entry(*meter).or_default();
            claims.retain_mut(|ways| {
                let stays = ways.each_mut().map(|claim| claim.outlasts(device)) == [true; 2];
                let [claim, _] = ways;
                // Whether thousandths were paid that made no whole point is not known from outside.
                if !stays && claim.has_award {
                    perhaps.push(claim.clone());
                }
                stays
            });
        }
    }

    /// After which version the oracle has not seen a member's ledger.
    #[must_use]
    pub fn seen(&self, member: MemberId) -> LedgerVersion {
        LedgerVersion::new(
            self.books
                .ledgers
                .get(&member)
                .map_or(0, |ledger| ledger.version),
        )
    }

    /// Reads on in a member's ledger: every change of the balance is a settlement, and nothing expires that ends after `latest`.
    pub fn read(
        &mut self,
        statement: &Statement,
        latest: ServerTime,
        tally: &mut Coverage,
    ) -> Result<(), Violation> {
        let (mut late, mut waited) = (Vec::new(), Vec::new());
        let ledger = self
            .books
            .ledgers
            .entry(statement.member)
            .or_insert(RecordedLedger::EMPTY);
        for settlement in &statement.settlements {
            if settlement.version.get() <= ledger.version {
                continue;
            }
            ledger.balance = ledger.balance.plus(settlement.points);
            match &settlement.cause {
                Cause::Entry { entry, .. } => {
                    let before = ledger.entries.insert(*entry, settlement.clone());
                    if before.is_some() {
                        return Err(Violation::new(format!("{entry:?} is in the ledger twice")));
                    }
                }
                Cause::Released { entry } if self.books.second.contains_key(entry) => {
                    late.push(*entry);
                }
                Cause::Released { entry } if self.books.meters.claims.contains_key(entry) => {
                    waited.push(*entry);
                }
                Cause::Released { .. } => tally.verdict("released"),
                Cause::Expired { .. } => {
                    tally.verdict("expired");
                    let ends = settlement.allocations.iter().map(|taken| taken.expires);
                    if ends.max() > Some(latest) {
                        return Err(Violation::new(format!(
                            "points expired by a clock that was wrong: {settlement:?}"
                        )));
                    }
                }
                Cause::Spent { .. }
                | Cause::Reversed { .. }
                | Cause::ClawedBack { .. }
                | Cause::Granted { .. }
                | Cause::TierChanged { .. } => {}
            }
            let balances = ledger.balances.entry(settlement.version).or_default();
            balances.insert(ledger.balance);
        }
        let version = statement.account.version;
        if version.get() < ledger.version {
            return Err(Violation::new(format!(
                "the ledger went back from version {} to {version}",
                ledger.version
            )));
        }
        ledger.version = version.get();
        let balances = ledger.balances.entry(version).or_default();
        if balances.is_empty() {
            balances.insert(ledger.balance);
        }
        if statement.account.balance() != ledger.balance {
            return Err(Violation::new(format!(
                "the balance is {}, its settlements sum to {}",
                statement.account.balance(),
                ledger.balance
            )));
        }
        waited
            .into_iter()
            .try_for_each(|entry| self.pay_waiting(entry, tally))?;
        late.into_iter()
            .try_for_each(|entry| self.pay_late(entry, tally))
    }

    /// Holds what a screen shows as confirmed against the ledger that it came from.
    pub fn check_balance(&self, statement: &Statement, balance: Points) -> Result<(), Violation> {
        let ledger = self.books.ledgers.get(&statement.member);
        let version = statement.account.version;
        let expected = ledger.and_then(|ledger| ledger.balances.get(&version));
        if expected.is_some_and(|balances| balances.contains(&balance)) {
            return Ok(());
        }
        Err(Violation::new(format!(
            "the screen shows {balance} points confirmed, version {version} of the ledger has {expected:?}"
        )))
    }

    /// Each award of a car that its statement does not cover is still shown; none that it covers is shown as pending.
    pub fn check_pending(
        &self,
        car: usize,
        statement: &Statement,
        device: DeviceId,
        epoch: Epoch,
        pending: &[EntryRef],
        counted: &[EntryRef],
    ) -> Result<(), Violation> {
        let cover = statement.covers.get(&device);
        let through = cover
            .filter(|cover| cover.epoch == epoch)
            .map_or(Seq::new(0), |cover| cover.through);
        let covered = |item: &&EntryRef| item.epoch == epoch && item.seq <= through;
        if let Some(item) = pending.iter().find(covered) {
            return Err(Violation::new(format!(
                "{item:?} is shown as pending and in the confirmed balance"
            )));
        }
        for ((by, origin), shown) in &self.shown {
            let is_his = shown.member == statement.member;
            let of_here = *by == car && is_his && !shown.lost && shown.point.epoch == epoch;
            if !of_here || shown.point.seq <= through {
                continue;
            }
            let place = EntryRef {
                device,
                epoch,
                seq: shown.point.seq,
            };
            if !counted.contains(&place) {
                return Err(Violation::new(format!(
                    "award {origin} was shown and is neither pending nor answered ({place:?})"
                )));
            }
        }
        Ok(())
    }

    /// Once car and cloud have met: the word of the cloud on every award that a car has shown.
    pub fn check_rest(&self, car: usize) -> Result<(), Violation> {
        for ((by, origin), shown) in &self.shown {
            if *by == car && !shown.lost && !self.books.settled.contains_key(origin) {
                return Err(Violation::new(format!(
                    "award {origin} ({:?}) was shown and never answered",
                    shown.point
                )));
            }
        }
        for (place, (_, verdict)) in &self.books.answered {
            let mut ledgers = self.books.ledgers.values();
            if !ledgers.any(|ledger| ledger.entries.contains_key(place)) {
                return Err(Violation::new(format!(
                    "{place:?} was answered {verdict:?} and has no row in the ledger"
                )));
            }
        }
        Ok(())
    }

    /// Returns whether the cloud gave this verdict before it went back: a row may still show it where the entry came to
    /// the cloud again by another way than from this car. The account never does.
    #[must_use]
    pub fn was_answer(&self, place: EntryRef, verdict: &Verdict) -> bool {
        let former = self.former.get(&place);
        former.is_some_and(|former| former.contains(verdict))
    }

    /// The cloud's word on an entry.
    #[must_use]
    pub fn answer(&self, place: EntryRef) -> Option<&Verdict> {
        self.books.answered.get(&place).map(|(_, verdict)| verdict)
    }
}

fn origin_of(entry: &Entry, hash: EntryHash) -> EntryHash {
    match entry.body {
        EntryBody::Fresh(_) => hash,
        EntryBody::Carry { original, .. } => original,
    }
}
