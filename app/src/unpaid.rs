//! Finds the reason that an entry earned nothing, or less than its rules give: one answer for the screen and the command line.

use std::collections::BTreeMap;

use dashpoint_membership::policy::{CompiledRule, EarningRule, Period};
use dashpoint_membership::profile::{Comparison, Condition, Facts};
use dashpoint_membership::{
    Adjustment, Appraisal, CapId, CompiledPolicy, Cut, Entry, Factor, LocalDay, Milli, Points,
    Text, Verdict, Zone, appraise, cuts,
};
use dashpoint_ui::model::{Failed, LimitData};
use serde::Serialize;

use crate::books::Books;

/// The policy and the account that an entry's awards are explained by.
#[derive(Debug, Clone)]
pub(crate) struct AwardContext<'a> {
    /// The policy that the entry was valued by.
    pub(crate) policy: &'a CompiledPolicy,
    /// The counts of the member's account against the caps.
    used: &'a BTreeMap<CapId, BTreeMap<LocalDay, Milli>>,
    /// The member's zone.
    zone: Zone,
    /// The member's own entries after it.
    later: Vec<&'a Entry>,
}

impl<'a> AwardContext<'a> {
    /// Finds policy and account of an entry, with the own entries after it of any member; `None` when policy or statement
    /// are not held any more.
    pub(crate) fn of(
        books: &'a Books,
        entry: &Entry,
        later: impl Iterator<Item = &'a Entry>,
    ) -> Option<Self> {
        let member_of = |entry: &Entry| {
            let binding = books.bindings.get(&entry.binding);
            binding.map(|binding| binding.member)
        };
        let member = member_of(entry)?;
        let book = books.members.get(&member)?;
        Some(Self {
            policy: books.policies.as_ref()?.get(entry.policy)?,
            used: &book.fold.account.used,
            zone: Zone::of_member(&book.statement.profile.zone),
            later: later
                .filter(|later| member_of(later) == Some(member))
                .collect(),
        })
    }

    /// Returns the reason that an entry earned nothing; `None` when it did earn, or may: thousandths are carried to the
    /// next award.
    pub(crate) fn why_nothing(&self, entry: &Entry) -> Option<Failed> {
        if !entry.predicted().is_zero() {
            return None;
        }
        let awards = entry.transaction().awards();
        if let Some(cut) = self.cuts(entry).first() {
            return Some(Failed::CapReached(LimitData::of(
                self.policy,
                &cut.cap,
                Some(cut.room),
            )));
        }
        if !awards.is_empty() {
            return None;
        }
        Some(self.why_no_rule_pays(entry))
    }

    /// Returns the cap that cut an entry: by the cloud's verdict, or in the car's prediction.
    pub(crate) fn cut(&self, entry: &Entry, verdict: Option<&Verdict>) -> Option<LimitData> {
        if let Some(Verdict::Adjusted { paid, reasons }) = verdict
            && let Some(Adjustment::Cap { cap }) = reasons.first()
        {
            let caps = self.policy.policy().caps.iter();
            let found = caps.into_iter().find(|known| known.id == *cap)?;
            // What is paid to several awards together says nothing of the room that one of them had.
            let is_alone = entry.transaction().awards().len() == 1;
            let room = is_alone.then_some(paid.points);
            return Some(LimitData::of(self.policy, found, room));
        }
        let cuts = self.cuts(entry);
        let cut = cuts.first()?;
        Some(LimitData::of(self.policy, &cut.cap, Some(cut.room)))
    }

    /// Returns each award that a cap cut, with the cap.
    pub(crate) fn cuts(&self, entry: &Entry) -> Vec<Cut> {
        cuts(entry, self.policy, self.used, &self.zone, &self.later)
    }

    /// The reason of the rule that is nearest to paying: the fewest conditions that fail, then what can be changed first.
    fn why_no_rule_pays(&self, entry: &Entry) -> Failed {
        let transaction = entry.transaction();
        let Some(facts) = Facts::of(transaction, &self.policy.policy().carbon) else {
            return Failed::NoRule;
        };
        let appraisals = appraise(self.policy, transaction);
        let reasons = appraisals.iter().filter_map(|appraisal| {
            let (rule, compiled) = self.policy.rule(&appraisal.rule)?;
            (!rule.shadow).then(|| why_not(rule, compiled, appraisal, &facts))
        });
        let nearest = reasons.min_by_key(|(missing, failed)| (*missing, weight(failed)));
        nearest.map_or(Failed::NoRule, |(_, failed)| failed)
    }
}

/// The reason that one rule pays nothing, with the number of its conditions that do not hold.
fn why_not(
    rule: &EarningRule,
    compiled: &CompiledRule,
    appraisal: &Appraisal,
    facts: &Facts,
) -> (usize, Failed) {
    if appraisal.held {
        return (0, Failed::TooLittle);
    }
    let conditions = compiled.explain(facts);
    let missing: Vec<&Condition> = conditions.iter().filter(|part| !part.held).collect();
    let reasons = missing.iter().map(|part| failed(part, rule));
    match reasons.min_by_key(weight) {
        Some(failed) => (missing.len(), failed),
        // The condition holds, and an amount has no value or is none that a rule may give.
        None => (
            1,
            Failed::NoAmount {
                rule: rule.title.clone(),
            },
        ),
    }
}

/// The member can do most about the first; what no driver changes comes last.
const fn weight(failed: &Failed) -> u8 {
    match failed {
        Failed::Score { .. } => 0,
        Failed::Renewable { .. } => 1,
        Failed::Missed { .. } => 2,
        Failed::Unobserved { .. } => 3,
        Failed::NoEnergy => 4,
        Failed::Energy { .. } => 5,
        Failed::Distance { .. } => 6,
        Failed::NothingAvoided => 7,
        Failed::Condition { .. } => 8,
        Failed::NoAmount { .. } | Failed::TooLittle => 9,
        Failed::CapReached(_) | Failed::Guest | Failed::NoRule => 10,
    }
}

/// The fields that tell whether a factor of the score was observed.
const OBSERVED: [(&str, Factor); 6] = [
    ("hard_braking_observed", Factor::HardBraking),
    ("aggressive_turning_observed", Factor::AggressiveTurning),
    ("unsafe_following_observed", Factor::UnsafeFollowing),
    ("late_night_observed", Factor::LateNight),
    ("excessive_speed_observed", Factor::ExcessiveSpeed),
    ("unbuckled_observed", Factor::Unbuckled),
];

/// Returns the factor that a rule field tells the signal of.
pub fn observed_factor(field: &str) -> Option<Factor> {
    let found = OBSERVED.into_iter().find(|(name, _)| *name == field);
    found.map(|(_, factor)| factor)
}

/// Names a condition that does not hold by what the member knows of; any other one by its source.
fn failed(part: &Condition, rule: &EarningRule) -> Failed {
    known(part).unwrap_or_else(|| Failed::Condition {
        rule: rule.title.clone(),
        source: part.source.clone(),
    })
}

fn known(part: &Condition) -> Option<Failed> {
    let (field, actual, needed) = (part.field?, part.actual?, part.needed?);
    let at_least = match part.operator? {
        Comparison::GreaterOrEqual => Some(needed),
        Comparison::Greater => needed.checked_add(1),
        Comparison::Equal | Comparison::NotEqual | Comparison::Less | Comparison::LessOrEqual => {
            None
        }
    };
    let at_most = match part.operator? {
        Comparison::LessOrEqual => Some(needed),
        Comparison::Less => needed.checked_sub(1),
        Comparison::Equal
        | Comparison::NotEqual
        | Comparison::Greater
        | Comparison::GreaterOrEqual => None,
    };
    if let Some(factor) = observed_factor(field) {
        return (needed == 1).then_some(Failed::Unobserved { factor });
    }
    Some(match field {
        "score_x100" => Failed::Score {
            got_x100: u16::try_from(actual).ok()?,
            needed_x100: u16::try_from(at_least?).ok()?,
        },
        "distance_m" => Failed::Distance {
            got_m: u64::try_from(actual).ok()?,
            needed_m: u64::try_from(at_least?).ok()?,
        },
        "renewable_permille" => Failed::Renewable {
            got_permille: u16::try_from(actual).ok()?,
            needed_permille: u16::try_from(at_least?).ok()?,
        },
        "energy_wh" => Failed::Energy {
            got_wh: u64::try_from(actual).ok()?,
            needed_wh: u64::try_from(at_least?).ok()?,
        },
        "missed_s" => Failed::Missed {
            got_s: u64::try_from(actual).ok()?,
            most_s: u64::try_from(at_most?).ok()?,
        },
        "used_wh" if actual == 0 && at_least.is_some() => Failed::NoEnergy,
        "co2_avoided_g" if at_least? == 1 => Failed::NothingAvoided,
        _ => return None,
    })
}

/// A cap that cut, as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapCut {
    /// Id of the cap.
    pub cap: CapId,
    /// The awards that it bounds, as the member reads them.
    pub over: Text,
    /// Over which stretch of the calendar.
    pub per: Period,
    /// The most points in it.
    pub most_points: i64,
    /// Points that it had room for.
    pub room_points: i64,
}

impl CapCut {
    pub(crate) fn of(policy: &CompiledPolicy, cut: &Cut) -> Self {
        Self {
            cap: cut.cap.id.clone(),
            over: policy.cap_title(&cut.cap),
            per: cut.cap.per,
            most_points: cut.cap.points.get(),
            room_points: cut.room.get(),
        }
    }

    /// The cap as the member reads it.
    pub(crate) fn limit(&self) -> LimitData {
        LimitData {
            over: self.over.clone(),
            per: self.per,
            most: Points::new(self.most_points),
            room: Some(Points::new(self.room_points)),
        }
    }
}
