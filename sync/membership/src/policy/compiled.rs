//! A policy that was checked and can be applied.

use std::collections::BTreeSet;

use super::validate::{must, validate};
use super::{EarningRule, Policy, PolicyError, RuleKind, Tier, Tiers, Trigger};
use crate::ids::{PolicyVersion, RuleId, TierId};
use crate::points::Growth;
use crate::profile::{
    BoolExpression, Condition, Facts, IntExpression, ProfileError, RULE_PROFILE, field_since,
};
use crate::time::{CoarseTime, ServerTime};

/// A policy whose every part was checked and whose rules are ready to be evaluated.
#[derive(Debug, Clone)]
pub struct CompiledPolicy {
    policy: Policy,
    /// One for each rule of the policy; `None` for one that is skipped.
    rules: Vec<Option<CompiledRule>>,
    skipped: Vec<SkippedRule>,
}

/// A rule that a newer cloud has signed and this program cannot evaluate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedRule {
    /// The rule.
    pub rule: RuleId,
    /// The reason.
    pub reason: PolicyError,
}

/// The three expressions of one rule, checked.
#[derive(Debug, Clone)]
pub struct CompiledRule {
    on: Trigger,
    pub(crate) when: BoolExpression,
    pub(crate) points: IntExpression,
    pub(crate) growth: IntExpression,
}

impl CompiledPolicy {
    /// Checks the whole policy and compiles its rules.
    ///
    /// # Errors
    /// [`PolicyError`] that names the first wrong place and what is expected there.
    pub fn compile(policy: Policy) -> Result<Self, PolicyError> {
        let compiled = Self::compile_known(policy)?;
        if let Some(skipped) = compiled.skipped.into_iter().next() {
            return Err(skipped.reason);
        }
        let needed = compiled.policy.needed_profile();
        if needed > RULE_PROFILE {
            return Err(PolicyError::NewerProfile { needed });
        }
        Ok(Self {
            skipped: Vec::new(),
            ..compiled
        })
    }

    /// Checks the whole policy and compiles the rules that this program can evaluate, for a car that may be older than the
    /// cloud. It skips a rule on a kind of transaction that it does not know, and under a newer rule profile a rule that is
    /// not written in its own.
    ///
    /// # Errors
    /// [`PolicyError`] that names the first wrong place and what is expected there.
    pub fn compile_known(policy: Policy) -> Result<Self, PolicyError> {
        validate(&policy)?;
        let is_newer = policy.needed_profile() > RULE_PROFILE;
        let mut rules = Vec::new();
        let mut skipped = Vec::new();
        for rule in &policy.rules {
            match compile_rule(rule) {
                Ok(compiled) => {
                    let since = |name: &&str| field_since(compiled.on, name);
                    let needed = compiled.reads().iter().map(since).max();
                    must(
                        needed.is_none_or(|needed| needed <= policy.needed_profile()),
                        "rule_profile",
                        "at least 2: a rule reads a field that rule profile 1 does not have",
                    )?;
                    rules.push(Some(compiled));
                }
                Err(reason) => {
                    if !is_newer && !matches!(reason, PolicyError::UnknownKind { .. }) {
                        return Err(reason);
                    }
                    rules.push(None);
                    let rule = rule.id.clone();
                    skipped.push(SkippedRule { rule, reason });
                }
            }
        }
        Ok(Self {
            policy,
            rules,
            skipped,
        })
    }

    /// The rules that [`CompiledPolicy::compile_known`] left out.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedRule] {
        &self.skipped
    }

    /// The policy as it was signed.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> PolicyVersion {
        self.policy.version
    }

    /// Returns whether an award under it is paid by it at that time, which is known to five minutes: it has begun, and has not
    /// ended, its grace included.
    #[must_use]
    pub const fn pays_at(&self, at: ServerTime) -> bool {
        let last = self.policy.valid_until.plus_s(self.policy.grace_s as i64);
        let latest = at.plus_s(CoarseTime::GRAIN_MIN * 60 - 1);
        self.policy.valid_from.as_unix_s() <= latest.as_unix_s()
            && at.as_unix_s() <= last.as_unix_s()
    }

    /// The tier that every member has at least.
    #[must_use]
    pub fn lowest_tier(&self) -> &Tier {
        self.policy
            .tiers
            .ladder
            .first()
            .expect("invariant: a compiled policy has a tier")
    }

    /// Each rule that is evaluated, as the operator wrote it, with its checked expressions.
    pub fn rules(&self) -> impl Iterator<Item = (&EarningRule, &CompiledRule)> {
        let rules = self.policy.rules.iter().zip(&self.rules);
        rules.filter_map(|(rule, compiled)| Some((rule, compiled.as_ref()?)))
    }

    /// Returns a rule by its id.
    #[must_use]
    pub fn rule(&self, id: &RuleId) -> Option<(&EarningRule, &CompiledRule)> {
        self.rules().find(|(rule, _)| rule.id == *id)
    }
}

impl CompiledRule {
    /// Explains each part of the condition for some evidence of the rule's kind; all parts must hold for the rule to pay.
    #[must_use]
    pub fn explain(&self, facts: &Facts) -> Vec<Condition> {
        self.when.explain(facts)
    }

    /// Returns the kind of transaction that it evaluates.
    #[must_use]
    pub const fn on(&self) -> Trigger {
        self.on
    }

    /// Lists the fields that its condition and its amounts read.
    #[must_use]
    pub fn reads(&self) -> BTreeSet<&'static str> {
        let read = [
            self.when.reads(self.on),
            self.points.reads(self.on),
            self.growth.reads(self.on),
        ];
        read.into_iter().flatten().collect()
    }

    /// The parts of the condition with their sources.
    pub(super) fn parts(&self) -> Vec<(BoolExpression, String)> {
        self.when.parts(self.on)
    }
}

impl Tiers {
    /// The place of a tier in the ladder, from 0; `None` for one that this policy no longer has.
    #[must_use]
    pub fn rank(&self, tier: &TierId) -> Option<usize> {
        self.ladder.iter().position(|step| step.id == *tier)
    }

    /// The place of the highest tier that a growth value reaches.
    #[must_use]
    pub fn reached(&self, growth: Growth) -> usize {
        self.ladder
            .iter()
            .rposition(|step| step.threshold <= growth)
            .unwrap_or(0)
    }
}

fn compile_rule(rule: &EarningRule) -> Result<CompiledRule, PolicyError> {
    let wrong = |expression: &'static str, source: &str, problem: ProfileError| PolicyError::Rule {
        rule: rule.id.clone(),
        expression,
        source_text: source.to_owned(),
        problem,
    };
    let on = match rule.on {
        RuleKind::Known(on) => on,
        RuleKind::Unknown(kind) => {
            let rule = rule.id.clone();
            return Err(PolicyError::UnknownKind { rule, kind });
        }
    };
    Ok(CompiledRule {
        on,
        when: BoolExpression::compile(&rule.when, on)
            .map_err(|problem| wrong("when", &rule.when, problem))?,
        points: IntExpression::compile(&rule.points, on)
            .map_err(|problem| wrong("points", &rule.points, problem))?,
        growth: IntExpression::compile(&rule.growth, on)
            .map_err(|problem| wrong("growth", &rule.growth, problem))?,
    })
}
