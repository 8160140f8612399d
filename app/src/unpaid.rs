//! Finds the reason that an entry earned nothing, or less than its rules give: one answer for the screen and the command line.

use dashpoint_membership::policy::{Cap, CapOver, CompiledRule, EarningRule, Period};
use dashpoint_membership::profile::{Comparison, Condition, Facts};
use dashpoint_membership::{
    Adjustment, Appraisal, AroundEntry, Award, CapId, CompiledPolicy, Cut, Entry, Factor, LocalDay,
    Paid, Points, RuleId, Text, Verdict, Zone, appraise, cuts,
};
use dashpoint_ui::model::{Failed, LimitData, UnpaidRule};
use serde::{Deserialize, Serialize};

use crate::books::Books;
use crate::entry_status::EntryStatus;

/// Own entries before an entry, and after it, by which its caps are looked for; a cap of a longer stretch may go unnamed.
pub(crate) const OTHERS_MAX: u32 = 300;

/// The policy and the account that an entry's awards are explained by.
#[derive(Debug, Clone)]
pub(crate) struct AwardContext<'a> {
    /// The policy that the entry names: the car predicted by it.
    pub(crate) policy: &'a CompiledPolicy,
    /// The policy that values the entry: the one that it names while that pays, else the one in force then.
    valuing: &'a CompiledPolicy,
    /// The account, and the member's own entries before and after it.
    around: AroundEntry<'a>,
}

impl<'a> AwardContext<'a> {
    /// Finds policy and account of an entry, with the own entries before and after it of any member; `None` when policy or
    /// statement are not held any more.
    pub(crate) fn of(
        books: &'a Books,
        entry: &Entry,
        earlier: impl Iterator<Item = &'a Entry>,
        later: impl Iterator<Item = &'a Entry>,
    ) -> Option<Self> {
        let member_of = |entry: &Entry| {
            let binding = books.bindings.get(&entry.binding);
            binding.map(|binding| binding.member)
        };
        let member = member_of(entry)?;
        let book = books.members.get(&member)?;
        let policies = books.policies.as_ref()?;
        let policy = policies.get(entry.policy)?;
        let is_mine = |other: &&Entry| member_of(other) == Some(member);
        let earlier: Vec<&Entry> = earlier.filter(is_mine).take(OTHERS_MAX as usize).collect();
        let mut later: Vec<&Entry> = later.filter(is_mine).collect();
        // Newest first: the ones next to the entry are the last.
        let later = later.split_off(later.len().saturating_sub(OTHERS_MAX as usize));
        let others = earlier.iter().chain(&later);
        let around = AroundEntry {
            policy,
            used: &book.fold.account.used,
            zone: Zone::of_member(&book.statement.profile.zone),
            receipts: others.map(|other| other.receipt_at).collect(),
            earlier,
            later,
            latest: book.fold.chain.cap_time,
        };
        Some(Self {
            policy,
            valuing: policies.valuing(policy, around.cap_time_of(entry)),
            around,
        })
    }

    /// Returns the day for which an entry counts: its own, or that of the cloud where the car's clock was wrong.
    pub(crate) fn day_of(&self, entry: &Entry) -> LocalDay {
        self.around.day_of(entry)
    }

    /// Returns the reason that an entry which stands so earned nothing; `None` when it did earn, or its state is another reason.
    pub(crate) fn why_nothing(&self, entry: &Entry, status: &EntryStatus) -> Option<Failed> {
        if !status.earned_nothing(entry) {
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
        if awards.is_empty() {
            return Some(self.why_no_rule_pays(entry));
        }
        Some(Failed::Fraction {
            milli: awards.iter().map(|award| award.points).sum(),
            // What is not paid is not carried on either.
            is_carried: *status != EntryStatus::Unpaid && self.around.left_room(entry),
        })
    }

    /// Returns the cap that cut an entry: by the cloud's verdict, or in the car's prediction.
    pub(crate) fn cut(&self, entry: &Entry, verdict: Option<&Verdict>) -> Option<LimitData> {
        if let Some((policy, cap, paid)) = self.cut_by_cloud(entry, verdict) {
            let kind = entry.transaction().kind();
            let mut awards = entry.transaction().awards().iter();
            // What is paid to several awards together tells the room of a cap that is over all of them, and of no other.
            let is_over_all = awards.all(|award| cap.applies_to(&award.rule, kind));
            let room = is_over_all.then_some(paid.points);
            return Some(LimitData::of(policy, cap, room));
        }
        let cuts = self.cuts(entry);
        let cut = cuts.first()?;
        Some(LimitData::of(self.policy, &cut.cap, Some(cut.room)))
    }

    /// Returns each award that a cap cut, by the cloud's verdict or in the car's prediction, with the cap.
    pub(crate) fn cut_awards(&self, entry: &Entry, verdict: Option<&Verdict>) -> Vec<CapCut> {
        let Some((policy, cap, paid)) = self.cut_by_cloud(entry, verdict) else {
            let cuts = self.cuts(entry);
            let cuts = cuts.iter();
            return cuts
                .map(|cut| CapCut::of(self.policy, &cut.rule, &cut.cap, Some(cut.room)))
                .collect();
        };
        let transaction = entry.transaction();
        let kind = transaction.kind();
        let is_over = |award: &&Award| cap.applies_to(&award.rule, kind);
        let is_over_all = transaction.awards().iter().all(|award| is_over(&award));
        let mut left = paid.points;
        let mut cuts = Vec::new();
        for award in transaction.awards() {
            let room = award.predicted.min(left);
            left = left.minus(room);
            if is_over(&award) && room.get() < award.points.split().0 {
                let room = is_over_all.then_some(room);
                cuts.push(CapCut::of(policy, &award.rule, cap, room));
            }
        }
        if cuts.is_empty() {
            let last = transaction.awards().iter().rfind(is_over);
            cuts.extend(last.map(|award| CapCut::of(policy, &award.rule, cap, None)));
        }
        cuts
    }

    /// Returns the cap that leaves an entry without a point, and whether it is over one rule alone.
    pub(crate) fn full_cap(&self, entry: &Entry) -> Option<(CapCut, bool)> {
        let cut = self.cuts(entry).into_iter().next()?;
        let is_of_rule = matches!(cut.cap.over, CapOver::Rule(_));
        Some((
            CapCut::of(self.policy, &cut.rule, &cut.cap, Some(cut.room)),
            is_of_rule,
        ))
    }

    /// Returns the cap by which the cloud paid otherwise than the car predicted, with its policy and what the cloud paid;
    /// `None` also when neither policy that can have valued the entry has the cap: the car does not hold the one that did.
    fn cut_by_cloud(
        &self,
        entry: &Entry,
        verdict: Option<&Verdict>,
    ) -> Option<(&'a CompiledPolicy, &'a Cap, Paid)> {
        let Some(Verdict::Adjusted { paid, reasons }) = verdict else {
            return None;
        };
        let Adjustment::Cap { cap } = deciding(reasons, paid.points, entry.predicted())? else {
            return None;
        };
        // The cloud knows the time that an entry counts for, the car only about.
        [self.valuing, self.policy].into_iter().find_map(|policy| {
            let mut caps = policy.policy().caps.iter();
            let found = caps.find(|known| known.id == *cap)?;
            Some((policy, found, *paid))
        })
    }

    /// Returns the cap by which less is held back than the car predicted, when it is certain that another car of the member
    /// used it. `chain` is everything that this car signed, newest first.
    pub(crate) fn used_elsewhere(
        &self,
        entry: &Entry,
        held: Points,
        chain: &[&Entry],
    ) -> Option<LimitData> {
        // A remainder that another car used up can take one point of each award.
        let lost = usize::try_from(entry.predicted().minus(held).get());
        if lost.is_ok_and(|lost| lost <= entry.transaction().awards().len()) {
            return None;
        }
        let around = AroundEntry {
            policy: self.valuing,
            ..self.around.clone()
        };
        let cap = around.filled_elsewhere(entry, chain)?;
        Some(LimitData::of(self.valuing, cap, None))
    }

    /// Returns each award that a cap cut in the car's prediction, with the cap.
    fn cuts(&self, entry: &Entry) -> Vec<Cut> {
        cuts(entry, &self.around)
    }

    /// The reason of the rule that is nearest to paying: the fewest conditions that fail, then what can be changed first.
    fn why_no_rule_pays(&self, entry: &Entry) -> Failed {
        let transaction = entry.transaction();
        let Some(facts) = Facts::of(
            transaction,
            entry.time.utc_offset_min,
            &self.policy.policy().carbon,
        ) else {
            return Failed::NoRule;
        };
        let appraisals = appraise(self.policy, transaction, entry.time.utc_offset_min);
        let reasons = self.why_not(&appraisals, &facts);
        let nearest = reasons.min_by_key(|(missing, unpaid)| (*missing, weight(&unpaid.failed)));
        nearest.map_or(Failed::NoRule, |(_, unpaid)| unpaid.failed)
    }

    /// Lists the rules that pay nothing for an entry, each with its reason; none where the cloud valued it by other rules, or
    /// does not pay it.
    pub(crate) fn unpaid_rules(&self, entry: &Entry, status: &EntryStatus) -> Vec<UnpaidRule> {
        let is_by_these = match status {
            EntryStatus::Pending
            | EntryStatus::Settled
            | EntryStatus::Judged(Verdict::Accepted { .. }) => true,
            EntryStatus::Unpaid => status.earned_nothing(entry),
            EntryStatus::Judged(Verdict::Adjusted { reasons, .. }) => {
                reasons.iter().all(|reason| match reason {
                    Adjustment::Cap { .. } | Adjustment::Remainder { .. } => true,
                    Adjustment::Policy { .. } | Adjustment::Rule { .. } => false,
                })
            }
            EntryStatus::Judged(Verdict::Rejected { .. } | Verdict::Review { .. })
            | EntryStatus::Released { .. }
            | EntryStatus::Refused(_)
            | EntryStatus::TakenBack { .. }
            | EntryStatus::CarriedTo(_) => false,
        };
        let transaction = entry.transaction();
        let facts = Facts::of(
            transaction,
            entry.time.utc_offset_min,
            &self.policy.policy().carbon,
        );
        let facts = facts.filter(|_| is_by_these);
        let mut appraisals = appraise(self.policy, transaction, entry.time.utc_offset_min);
        let awards = transaction.awards();
        appraisals.retain(|appraisal| awards.iter().all(|award| award.rule != appraisal.rule));
        let reasons = facts
            .iter()
            .flat_map(|facts| self.why_not(&appraisals, facts));
        reasons.map(|(_, unpaid)| unpaid).collect()
    }

    /// The reason that each rule pays nothing, in the order of the policy, with the number of its conditions that do not hold.
    fn why_not<'b>(
        &'b self,
        appraisals: &'b [Appraisal],
        facts: &'b Facts,
    ) -> impl Iterator<Item = (usize, UnpaidRule)> + 'b {
        appraisals.iter().filter_map(|appraisal| {
            let (rule, compiled) = self.policy.rule(&appraisal.rule)?;
            let (missing, failed) = why_not(rule, compiled, appraisal, facts);
            let title = rule.title.clone();
            (!rule.shadow).then_some((missing, UnpaidRule { title, failed }))
        })
    }
}

/// Returns the reason that decides what was paid otherwise than predicted: a cap, where less was paid and one is named.
pub(crate) fn deciding(
    reasons: &[Adjustment],
    paid: Points,
    predicted: Points,
) -> Option<&Adjustment> {
    let mut caps = reasons
        .iter()
        .filter(|reason| matches!(reason, Adjustment::Cap { .. }));
    let cap = caps.next().filter(|_| paid < predicted);
    cap.or(reasons.first())
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
        Failed::NoAmount { .. } | Failed::TooLittle | Failed::Fraction { .. } => 9,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapCut {
    /// The rule whose award it cut.
    pub rule: RuleId,
    /// Id of the cap.
    pub cap: CapId,
    /// The awards that it bounds, as the member reads them.
    pub over: Text,
    /// Over which stretch of the calendar.
    pub per: Period,
    /// The most points in it.
    pub most_points: i64,
    /// Points that it had room for; `None` where nobody knows.
    pub room_points: Option<i64>,
}

impl CapCut {
    pub(crate) fn of(
        policy: &CompiledPolicy,
        rule: &RuleId,
        cap: &Cap,
        room: Option<Points>,
    ) -> Self {
        Self {
            rule: rule.clone(),
            cap: cap.id.clone(),
            over: policy.cap_title(cap),
            per: cap.per,
            most_points: cap.points.get(),
            room_points: room.map(|room| room.max(Points::ZERO).get()),
        }
    }

    /// The cap as the member reads it.
    pub(crate) fn limit(&self) -> LimitData {
        LimitData {
            over: self.over.clone(),
            per: self.per,
            most: Points::new(self.most_points),
            room: self.room_points.map(Points::new),
        }
    }
}
