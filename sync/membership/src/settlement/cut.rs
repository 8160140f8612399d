//! Finds the cap that cut what a rule gives for an entry, from the account after it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::chain::Arrival;
use crate::entry::{Award, Entry, EntryBody};
use crate::ids::{CapId, RuleId};
use crate::points::{Milli, Points};
use crate::policy::{Cap, CompiledPolicy};
use crate::time::{LocalDay, ServerTime};
use crate::zone::Zone;

/// A cap that left less room than a rule gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The rule.
    pub rule: RuleId,
    /// The cap.
    pub cap: Cap,
    /// Points that the award was predicted within it.
    pub room: Points,
}

/// The account and the member's other entries on the device, by which the caps of an entry are looked for.
#[derive(Debug, Clone)]
pub struct AroundEntry<'a> {
    /// The policy whose caps are looked at: the one that the entry was predicted under, or that values it.
    pub policy: &'a CompiledPolicy,
    /// The counts of the account against the caps now, the entry and those after it included.
    pub used: &'a BTreeMap<CapId, BTreeMap<LocalDay, Milli>>,
    /// The member's zone.
    pub zone: Zone,
    /// Entries before it that were paid, or may be.
    pub earlier: Vec<&'a Entry>,
    /// Entries after it.
    pub later: Vec<&'a Entry>,
    /// Server times of the receipts under which these entries were made.
    pub receipts: BTreeSet<ServerTime>,
    /// The time that the newest of all entries counts for.
    pub latest: ServerTime,
}

/// Finds the awards of an entry that a cap cut, with the cap.
///
/// An award that lost a whole point was cut by a cap that is full now; one that may have lost thousandths only when the
/// entries of this device up to it give more than the cap allows. A cap under which a later entry was still paid in the same
/// period had room left, so it is not the one. Of several that remain, the first of the policy is named. An entry whose
/// period the account has forgotten has no cap here.
#[must_use]
pub fn cuts(entry: &Entry, around: &AroundEntry<'_>) -> Vec<Cut> {
    let awards = entry.transaction().awards().iter();
    awards
        .filter_map(|award| {
            let mut full = around.full_caps(entry, award);
            let cap = full.find(|cap| loses_a_point(award) || around.exceeds(cap, entry, award))?;
            Some(Cut {
                rule: award.rule.clone(),
                cap: cap.clone(),
                room: award.predicted,
            })
        })
        .collect()
}

impl AroundEntry<'_> {
    /// Returns whether no cap was full after an entry: then all its thousandths are carried on.
    #[must_use]
    pub fn left_room(&self, entry: &Entry) -> bool {
        let mut awards = entry.transaction().awards().iter();
        awards.all(|award| self.full_caps(entry, award).next().is_none())
    }

    /// Finds a cap of an entry that is full though this device cannot have filled it: another device of the member used it.
    ///
    /// `chain` is everything that this device signed, newest first, as far back as it is read. A cap is named only when this
    /// holds of each full cap over the entry's awards: the chain goes back without a gap to before the cap's period, and all
    /// that it gives within the period is less than the cap.
    #[must_use]
    pub fn filled_elsewhere<'a>(&'a self, entry: &'a Entry, chain: &[&Entry]) -> Option<&'a Cap> {
        let known = without_gap(chain);
        let place = (entry.epoch, entry.seq);
        if !known.iter().any(|known| (known.epoch, known.seq) == place) {
            return None;
        }
        let day = self.day_of(entry);
        let awards = entry.transaction().awards().iter();
        let mut full = awards
            .flat_map(|award| self.full_caps(entry, award))
            .peekable();
        let first = full.peek().copied()?;
        full.all(|cap| self.cannot_have_filled(known, cap, day))
            .then_some(first)
    }

    /// Tells whether a chain without a gap holds every entry that this device can have put under a cap in the period of a day,
    /// and these do not fill it.
    fn cannot_have_filled(&self, known: &[&Entry], cap: &Cap, day: LocalDay) -> bool {
        let period = cap.per.first_day(day);
        // Times do not go back along a chain. A carried entry has the time of its original: what was lost since may be newer.
        let mut fresh = known
            .iter()
            .filter(|entry| matches!(entry.body, EntryBody::Fresh(_)));
        let is_whole = fresh.any(|entry| self.possible_days(entry).1 < period);
        let within = known.iter().filter(|entry| {
            let (first, last) = self.possible_days(entry);
            cap.per.first_day(first) <= period && period <= cap.per.first_day(last)
        });
        let all: Milli = within.map(|entry| given_under(cap, entry, None)).sum();
        is_whole && all < Milli::from_whole(cap.points.get())
    }

    /// The caps over an award that are full now and under which nothing was paid after it.
    fn full_caps<'a>(
        &'a self,
        entry: &'a Entry,
        award: &'a Award,
    ) -> impl Iterator<Item = &'a Cap> {
        let day = self.day_of(entry);
        let kind = entry.transaction().kind();
        let caps = self.policy.policy().caps.iter();
        caps.filter(move |cap| {
            cap.applies_to(&award.rule, kind)
                && self.is_full(cap, day)
                && !self
                    .later
                    .iter()
                    .any(|later| self.was_paid_under(later, cap, day))
        })
    }

    fn is_full(&self, cap: &Cap, day: LocalDay) -> bool {
        let periods = self.used.get(&cap.id);
        let used = periods.and_then(|periods| periods.get(&cap.per.first_day(day)));
        used.copied().unwrap_or(Milli::ZERO) >= Milli::from_whole(cap.points.get())
    }

    /// Tells whether the rules give more for the entries of this device up to an award than a cap allows in its period.
    fn exceeds(&self, cap: &Cap, entry: &Entry, award: &Award) -> bool {
        let day = self.day_of(entry);
        let earlier = self
            .earlier
            .iter()
            .filter(|earlier| self.is_within(earlier, cap, day));
        let before: Milli = earlier.map(|earlier| given_under(cap, earlier, None)).sum();
        let own = given_under(cap, entry, Some(award));
        let all = before.plus(own).plus(award.points);
        all > Milli::from_whole(cap.points.get())
    }

    /// Tells whether a whole point of a later entry was paid within the same period of a cap.
    fn was_paid_under(&self, later: &Entry, cap: &Cap, day: LocalDay) -> bool {
        let kind = later.transaction().kind();
        let mut awards = later.transaction().awards().iter();
        self.is_within(later, cap, day)
            && awards.any(|award| {
                cap.applies_to(&award.rule, kind)
                    && award.predicted > Points::ZERO
                    && award.points > Milli::ZERO
            })
    }

    fn is_within(&self, other: &Entry, cap: &Cap, day: LocalDay) -> bool {
        cap.per.first_day(self.day_of(other)) == cap.per.first_day(day)
    }

    /// The day for which an entry counts.
    #[must_use]
    pub fn day_of(&self, entry: &Entry) -> LocalDay {
        self.zone.local_day(self.cap_time_of(entry))
    }

    /// The time that an entry counts for, as far as the car knows: its arrival was not after the receipt that came next.
    #[must_use]
    pub fn cap_time_of(&self, entry: &Entry) -> ServerTime {
        let after = (Bound::Excluded(entry.receipt_at), Bound::Unbounded);
        let next = self.receipts.range(after).next();
        let arrived = next.map_or(self.latest, |next| self.latest.min(*next));
        let arrival = Arrival::of(entry, arrived.max(entry.receipt_at));
        arrival.clamped(&entry.time, entry.receipt_at)
    }

    /// The first and the last day for which an entry may count, whenever it arrived.
    fn possible_days(&self, entry: &Entry) -> (LocalDay, LocalDay) {
        let made = ServerTime::from_unix_s(entry.time.at.as_unix_s());
        (
            self.zone.local_day(entry.receipt_at),
            self.zone.local_day(made.max(entry.receipt_at)),
        )
    }
}

/// Returns the newest links of a chain, newest first, up to its first gap.
fn without_gap<'e, 'c>(chain: &'c [&'e Entry]) -> &'c [&'e Entry] {
    let follows = |pair: &&[&Entry]| {
        let (newer, older) = (pair[0], pair[1]);
        (newer.epoch, newer.seq) == (older.epoch, older.seq.next())
    };
    let links = chain.windows(2).take_while(follows).count();
    &chain[..chain.len().min(links + 1)]
}

/// Sums up the awards of an entry that count under a cap, up to that of a rule.
fn given_under(cap: &Cap, entry: &Entry, until: Option<&Award>) -> Milli {
    let transaction = entry.transaction();
    let kind = transaction.kind();
    let awards = transaction.awards().iter();
    let awards = awards.take_while(|other| until.is_none_or(|until| other.rule != until.rule));
    let awards = awards.filter(|award| cap.applies_to(&award.rule, kind));
    awards.map(|award| award.points).sum()
}

/// Tells whether an award lost a whole point: a remainder only ever adds to the whole points of what the rule gives.
fn loses_a_point(award: &Award) -> bool {
    award.predicted.get() < award.points.split().0
}
