//! The report on rules: how often each of them held, failed and paid, over the entries of a time. Shadow rules are evaluated too.

use std::collections::BTreeMap;

use dashpoint_membership::policy::CompiledPolicy;
use dashpoint_membership::{
    Appraisal, Entry, Given, MemberId, Milli, Points, RuleId, ServerTime, Text, Verdict, appraise,
};
use serde::Serialize;

use super::CloudCore;
use super::ledger_view::{EntryChange, EntryLine};
use super::named_caps::settled_by;
use super::selected::SelectedEntries;
use crate::error::CloudError;
use crate::store::{intervals, log};

/// Thousandths that each rule carries, by member, as far as entries tell.
type CarriedMilli = BTreeMap<Option<MemberId>, BTreeMap<RuleId, Milli>>;

/// One rule over the entries of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleLine {
    /// The rule.
    pub rule: RuleId,
    /// Its title, as the policy in force or the first has it that valued an entry by it.
    pub title: Text,
    /// True when it was evaluated and paid nothing: a rule that was tried first has a line for each.
    pub shadow: bool,
    /// Entries of its kind.
    pub entries: u64,
    /// Entries for which its condition held.
    pub entries_held: u64,
    /// Entries for which it could not be computed.
    pub entries_failed: u64,
    /// Thousandths of a point that it gives for them, before caps.
    pub worth_milli: Milli,
    /// Entries for which it was paid a whole point at least; none for a policy that is only tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries_paid: Option<u64>,
    /// Points that it was paid. Where several rules pay for an entry they are split by the amounts that each gave after caps, to the
    /// point; for an entry without a meter stretch, as the car predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_points: Option<Points>,
}

impl CloudCore {
    /// Reports on each rule of the policy in force, and on those of before that valued an entry, over the entries that stand: rejected
    /// ones, refused ones and those whose points were taken back are left out. Each entry is valued by the policy that it was given its
    /// points by, where that is kept with its stretch, else by the one that its verdict names; or all of them by `instead`, which pays
    /// nothing.
    ///
    /// # Errors
    /// [`CloudError::NoMember`] and [`CloudError::NoDevice`] for one that is not here; [`CloudError::NoTime`] when no time lies between
    /// the two; [`CloudError::NoPolicyVersion`] when an entry was valued by a policy that is not kept; [`CloudError::Wire`] when the log
    /// holds bytes that its device did not sign.
    pub fn rule_lines(
        &self,
        selected: SelectedEntries,
        instead: Option<&CompiledPolicy>,
        now: ServerTime,
    ) -> Result<Vec<RuleLine>, CloudError> {
        self.check_selected(selected)?;
        let is_paid = instead.is_none();
        let listed = instead.unwrap_or_else(|| self.policies.in_force_at(now));
        let mut lines: BTreeMap<(RuleId, bool), RuleLine> = BTreeMap::new();
        for (rule, _) in listed.rules() {
            let line = RuleLine::new(listed, &rule.id, rule.shadow, is_paid);
            lines.insert((rule.id.clone(), rule.shadow), line);
        }
        let mut carried = CarriedMilli::new();
        let mut count = |line: EntryLine, entry: &Entry| {
            let is_anothers = selected
                .device
                .is_some_and(|device| line.entry.device != device);
            let Some(paid) = paid(&line) else {
                return Ok(());
            };
            let held = intervals::of(&self.db, line.entry)?;
            let given = held.and_then(|stretch| stretch.given);
            // Also of those that are not asked for: what they left completes later points.
            let given_parts = given.as_ref().map(|given| {
                let carried = carried.entry(line.member).or_default();
                split_as_given(paid, given, carried)
            });
            if is_anothers || !selected.has_time(line.happened) {
                return Ok(());
            }
            let policy = match instead {
                Some(policy) => policy,
                None => self.valuing(&line, given.as_ref())?,
            };
            let appraisals = appraise(policy, entry.transaction(), entry.time.utc_offset_min);
            let mut parts =
                given_parts.unwrap_or_else(|| split_as_predicted(paid, entry, &appraisals));
            for appraisal in &appraisals {
                let key = (appraisal.rule.clone(), appraisal.shadow);
                let rule = lines.entry(key).or_insert_with_key(|(rule, shadow)| {
                    RuleLine::new(policy, rule, *shadow, is_paid)
                });
                rule.add(appraisal, parts.remove(&appraisal.rule));
            }
            Ok(())
        };
        // Remainders are a member's, over all devices.
        let members = match (selected.device, selected.member) {
            (Some(device), None) => {
                let members = log::members_of(&self.db, device)?;
                members.into_iter().map(Some).collect()
            }
            (_, member) => vec![member],
        };
        for member in members {
            self.each_entry(None, member, &mut count)?;
        }
        Ok(lines.into_values().collect())
    }

    fn valuing(
        &self,
        line: &EntryLine,
        given: Option<&Given>,
    ) -> Result<&CompiledPolicy, CloudError> {
        let version = match (given, &line.verdict) {
            (Some(given), _) => given.policy,
            (None, Verdict::Adjusted { reasons, .. }) => settled_by(reasons, line.policy),
            (
                None,
                Verdict::Accepted { .. } | Verdict::Rejected { .. } | Verdict::Review { .. },
            ) => line.policy,
        };
        let kept = self.policies.get(version);
        kept.ok_or(CloudError::NoPolicyVersion(version))
    }
}

impl RuleLine {
    fn new(policy: &CompiledPolicy, rule: &RuleId, shadow: bool, is_paid: bool) -> Self {
        let title = policy.rule(rule).map_or_else(
            || Text {
                en: rule.to_string(),
                zh: rule.to_string(),
            },
            |(known, _)| known.title.clone(),
        );
        let is_paid = is_paid && !shadow;
        Self {
            rule: rule.clone(),
            title,
            shadow,
            entries: 0,
            entries_held: 0,
            entries_failed: 0,
            worth_milli: Milli::ZERO,
            entries_paid: is_paid.then_some(0),
            paid_points: is_paid.then_some(Points::ZERO),
        }
    }

    fn add(&mut self, appraisal: &Appraisal, part: Option<Points>) {
        self.entries += 1;
        self.entries_held += u64::from(appraisal.held);
        self.entries_failed += u64::from(appraisal.problem.is_some());
        self.worth_milli = self.worth_milli.plus(appraisal.points);
        if let (Some(paid), Some(points), Some(part)) =
            (&mut self.entries_paid, &mut self.paid_points, part)
        {
            *paid += u64::from(!part.is_zero());
            *points = points.plus(part);
        }
    }
}

/// Returns the points that were paid for an entry; `None` for one that does not stand.
const fn paid(line: &EntryLine) -> Option<Points> {
    match (&line.verdict, line.since) {
        (_, Some(EntryChange::TakenBack | EntryChange::Refused)) => None,
        (_, Some(EntryChange::Paid(points))) => Some(points),
        (Verdict::Rejected { .. }, None) => None,
        (Verdict::Review { .. }, None) => Some(Points::ZERO),
        (Verdict::Accepted { paid } | Verdict::Adjusted { paid, .. }, None) => Some(paid.points),
    }
}

/// Splits the points of an entry by what each rule gave after caps: the whole points of each, and those that remainders completed to
/// the rules that carry most. A rule that was credited ahead of its remainder carries less than nothing until it has caught up.
fn split_as_given(
    paid: Points,
    given: &Given,
    carried: &mut BTreeMap<RuleId, Milli>,
) -> BTreeMap<RuleId, Points> {
    let mut left = paid;
    let mut parts = BTreeMap::new();
    let mut rests = Vec::new();
    for part in &given.parts {
        let (whole, rest) = part.points.split();
        let whole = Points::new(whole).min(left);
        left = left.minus(whole);
        parts.insert(part.rule.clone(), whole);
        let sum = carried.entry(part.rule.clone()).or_insert(Milli::ZERO);
        *sum = sum.plus(rest);
        rests.push((*sum, &part.rule));
    }
    rests.sort_by_key(|rest| std::cmp::Reverse(rest.0));
    for (sum, rule) in rests {
        if left.is_zero() {
            break;
        }
        left = left.minus(Points::new(1));
        carried.insert(rule.clone(), sum.minus(Milli::new(1_000)));
        let part = parts.entry(rule.clone()).or_insert(Points::ZERO);
        *part = part.plus(Points::new(1));
    }
    parts
}

/// Splits the points of an entry by the rules that give some: as the car predicted, as far as there are any left, and the rest to
/// the last.
fn split_as_predicted(
    paid: Points,
    entry: &Entry,
    appraisals: &[Appraisal],
) -> BTreeMap<RuleId, Points> {
    let gives = |appraisal: &&Appraisal| {
        appraisal.held && !appraisal.shadow && appraisal.points > Milli::ZERO
    };
    let paying = appraisals.iter().filter(gives);
    let awards = entry.transaction().awards();
    let mut left = paid;
    let mut parts = BTreeMap::new();
    let mut last = None;
    for appraisal in paying {
        let mut awards = awards.iter();
        let award = awards.find(|award| award.rule == appraisal.rule);
        let part = award.map_or(Points::ZERO, |award| award.predicted.min(left));
        left = left.minus(part);
        parts.insert(appraisal.rule.clone(), part);
        last = Some(&appraisal.rule);
    }
    if let Some(part) = last.and_then(|last| parts.get_mut(last)) {
        *part = part.plus(left);
    }
    parts
}
