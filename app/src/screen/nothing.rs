//! Finds the reason that a trip or a charge earned nothing: the condition that was not met.

use dashpoint_membership::policy::{CapOver, EarningRule, Period};
use dashpoint_membership::{Evidence, Milli, Points};
use dashpoint_ui::activity::Failed;

use super::data::Shown;
use super::own::OwnEntry;
use super::rows::evidence;
use crate::explain::conjuncts;

/// Returns the reason that an entry earned nothing; `None` when it did earn, or may: thousandths are carried to the
/// next award.
pub(super) fn why_nothing(shown: &Shown<'_>, own: &OwnEntry) -> Option<Failed> {
    let awards = own.entry.transaction().awards();
    if !own.entry.predicted().is_zero() {
        return None;
    }
    if let Some(cut) = awards
        .iter()
        .find(|award| award.points >= Milli::from_whole(1))
    {
        return Some(Failed::CapReached {
            cap: cap_of_day(shown, own, &CapOver::Rule(cut.rule.clone())),
        });
    }
    if !awards.is_empty() {
        return None;
    }
    let evidence = evidence(own)?;
    let trigger = own.entry.transaction().trigger();
    let rules = shown.policy.policy().rules.iter();
    let failed = rules
        .filter(|rule| rule.on == trigger && !rule.shadow)
        .filter_map(|rule| failed_condition(rule, evidence));
    Some(failed.min_by_key(weight).unwrap_or(Failed::NoRule))
}

/// The member can do most about the first.
const fn weight(failed: &Failed) -> u8 {
    match failed {
        Failed::Score { .. } => 0,
        Failed::Renewable { .. } => 1,
        Failed::Distance { .. } => 2,
        Failed::CapReached { .. } | Failed::Guest | Failed::NoRule => 3,
    }
}

/// The smallest cap of the day that covers what was cut.
fn cap_of_day(shown: &Shown<'_>, own: &OwnEntry, rule: &CapOver) -> Points {
    let kind = CapOver::Kind(own.entry.transaction().trigger());
    let caps = shown.policy.policy().caps.iter();
    caps.filter(|cap| cap.per == Period::Day)
        .filter(|cap| cap.over == *rule || cap.over == kind || cap.over == CapOver::All)
        .map(|cap| cap.points)
        .min()
        .unwrap_or(Points::ZERO)
}

/// The part of a rule's condition that this evidence does not meet, as far as it is one that the screen has words for.
fn failed_condition(rule: &EarningRule, evidence: &Evidence) -> Option<Failed> {
    conjuncts(&rule.when)
        .into_iter()
        .filter_map(|part| {
            let (field, needed) = part.split_once(">=")?;
            failed_part(field.trim(), needed.trim().parse().ok()?, evidence)
        })
        .min_by_key(weight)
}

fn failed_part(field: &str, needed: u64, evidence: &Evidence) -> Option<Failed> {
    match (field, evidence) {
        ("score_x100", Evidence::Trip(trip)) if u64::from(trip.score_x100) < needed => {
            Some(Failed::Score {
                got_x100: trip.score_x100,
                needed_x100: u16::try_from(needed).ok()?,
            })
        }
        ("distance_m", Evidence::Trip(trip)) if trip.odometer.length() < needed => {
            Some(Failed::Distance {
                got_m: trip.odometer.length(),
                needed_m: needed,
            })
        }
        ("renewable_permille", Evidence::Charge(charge))
            if u64::from(charge.renewable_permille) < needed =>
        {
            Some(Failed::Renewable {
                got_permille: charge.renewable_permille,
                needed_permille: u16::try_from(needed).ok()?,
            })
        }
        _ => None,
    }
}
