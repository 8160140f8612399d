//! Sums over several explanations: what each source is worth, and what each rule gives in all.

use std::collections::BTreeSet;

use dashpoint_membership::RuleId;
use serde::Serialize;

use super::report::{Explanation, RuleReport};

/// Sums over explanations by one policy, or by the policies of the entries.
#[derive(Debug, Serialize)]
pub struct Totals {
    /// Name of the policy.
    pub policy: String,
    /// Its version; several where each entry has its own.
    pub policy_versions: BTreeSet<u32>,
    /// Each recording or entry, in the order of the command line.
    pub sources: Vec<SourceTotal>,
    /// Each rule that looked at something, in the order of the policy.
    pub rules: Vec<RuleTotal>,
}

/// Worth of one recording or entry.
#[derive(Debug, Serialize)]
pub struct SourceTotal {
    /// The recording, or EPOCH-SEQ of the entry.
    pub source: String,
    /// Trips and sessions in it.
    pub found: usize,
    /// Amount that the rules give before caps, in thousandths of a point.
    pub worth_milli: i64,
    /// Whole points within the caps; none of an entry: the ledger tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// Growth value; none of an entry: the ledger tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<i64>,
}

/// Sum of one rule.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct RuleTotal {
    /// The rule.
    pub rule: RuleId,
    /// True when it is only reported.
    pub shadow: bool,
    /// Trips and sessions that it looked at.
    pub found: u64,
    /// Those for which its condition held.
    pub held: u64,
    /// Those for which it could not be computed.
    pub failed: u64,
    /// Amount that it gives before caps, in thousandths of a point.
    pub worth_milli: i64,
    /// Growth value that it gives, in thousandths.
    pub growth_milli: i64,
}

impl Totals {
    /// Sums up explanations, each with the name of its source.
    #[must_use]
    pub fn of(explained: &[(String, Explanation)]) -> Self {
        let mut rules: Vec<RuleTotal> = Vec::new();
        let all = explained.iter();
        for report in all.flat_map(|(_, one)| one.found.iter().flat_map(|found| &found.rules)) {
            let is_known =
                |known: &&mut RuleTotal| known.rule == report.rule && known.shadow == report.shadow;
            match rules.iter_mut().find(is_known) {
                Some(known) => known.add(report),
                None => {
                    let mut total = RuleTotal::new(report);
                    total.add(report);
                    rules.push(total);
                }
            }
        }
        let first = explained.first();
        Self {
            policy: first.map_or_else(String::new, |(_, one)| one.policy.clone()),
            policy_versions: explained
                .iter()
                .map(|(_, one)| one.policy_version)
                .collect(),
            sources: explained
                .iter()
                .map(|(source, one)| SourceTotal {
                    source: source.clone(),
                    found: one.found.len(),
                    worth_milli: worth_milli(one),
                    points: one.points,
                    growth: one.growth,
                })
                .collect(),
            rules,
        }
    }
}

impl RuleTotal {
    fn new(report: &RuleReport) -> Self {
        Self {
            rule: report.rule.clone(),
            shadow: report.shadow,
            found: 0,
            held: 0,
            failed: 0,
            worth_milli: 0,
            growth_milli: 0,
        }
    }

    fn add(&mut self, report: &RuleReport) {
        self.found += 1;
        self.held += u64::from(report.held);
        self.failed += u64::from(report.problem.is_some());
        self.worth_milli = self.worth_milli.saturating_add(report.raw_milli);
        self.growth_milli = self.growth_milli.saturating_add(report.growth_milli);
    }
}

/// Adds up what the rules of an explanation give, without those that are only reported.
fn worth_milli(explanation: &Explanation) -> i64 {
    let rules = explanation.found.iter().flat_map(|found| &found.rules);
    let paying = rules.filter(|rule| !rule.shadow);
    paying.map(|rule| rule.raw_milli).sum()
}
