//! Finds the cap that cut what a rule gives for an entry, from the account after it.

use std::collections::BTreeMap;

use crate::entry::{Award, Entry};
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

/// Finds the awards of an entry that a cap cut by a whole point or more, with the cap.
///
/// `policy` is the one that the entry was valued by. `used` is what the member's account counts against the caps now,
/// the entry and those after it included. `later` are the device's own entries after it: a cap under which one of them was
/// still paid in the same period had room left, so it is not the one. Of several that remain, the first of the policy is
/// named. An entry whose period the account has forgotten has no cap here.
#[must_use]
pub fn cuts(
    entry: &Entry,
    policy: &CompiledPolicy,
    used: &BTreeMap<CapId, BTreeMap<LocalDay, Milli>>,
    zone: &Zone,
    later: &[&Entry],
) -> Vec<Cut> {
    let day = day_of(entry, zone);
    let awards = entry.transaction().awards().iter();
    awards
        .filter(|award| is_cut(award))
        .filter_map(|award| {
            let caps = policy.policy().caps.iter();
            let kind = entry.transaction().kind();
            let mut full = caps.filter(|cap| {
                cap.applies_to(&award.rule, kind)
                    && is_full(cap, used, day)
                    && !later
                        .iter()
                        .any(|later| was_paid_under(later, cap, day, zone))
            });
            Some(Cut {
                rule: award.rule.clone(),
                cap: full.next()?.clone(),
                room: award.predicted,
            })
        })
        .collect()
}

/// Tells whether an award lost a whole point: a remainder only ever adds to the whole points of what the rule gives.
fn is_cut(award: &Award) -> bool {
    award.predicted.get() < award.points.split().0
}

fn is_full(cap: &Cap, used: &BTreeMap<CapId, BTreeMap<LocalDay, Milli>>, day: LocalDay) -> bool {
    let periods = used.get(&cap.id);
    let used = periods.and_then(|periods| periods.get(&cap.per.first_day(day)));
    used.copied().unwrap_or(Milli::ZERO) >= Milli::from_whole(cap.points.get())
}

/// Tells whether a whole point of a later entry was paid within the same period of a cap.
fn was_paid_under(later: &Entry, cap: &Cap, day: LocalDay, zone: &Zone) -> bool {
    let same = cap.per.first_day(day_of(later, zone)) == cap.per.first_day(day);
    let kind = later.transaction().kind();
    let mut awards = later.transaction().awards().iter();
    same && awards.any(|award| {
        cap.applies_to(&award.rule, kind)
            && award.predicted > Points::ZERO
            && award.points > Milli::ZERO
    })
}

/// The day for which an entry counts, as far as the car knows.
fn day_of(entry: &Entry, zone: &Zone) -> LocalDay {
    let event = ServerTime::from_unix_s(entry.time.at.as_unix_s());
    zone.local_day(event.max(entry.receipt_at))
}
