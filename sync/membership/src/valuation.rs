//! Evaluates the rules of a policy for one transaction, before caps and remainders.

use crate::entry::Transaction;
use crate::ids::RuleId;
use crate::points::Milli;
use crate::policy::{CompiledPolicy, EarningRule};
use crate::profile::{EvalError, Facts};

/// Result of one rule for one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appraisal {
    /// The rule.
    pub rule: RuleId,
    /// True when the condition held and the amounts could be computed.
    pub held: bool,
    /// Points that the rule gives; nothing unless it held.
    pub points: Milli,
    /// Growth value that the rule gives; nothing unless it held.
    pub growth: Milli,
    /// True when the rule is only reported.
    pub shadow: bool,
    /// Fields that the rule read, by their names in the rule profile.
    pub fields: Vec<(&'static str, i64)>,
    /// The reason that it could not be computed, if so.
    pub problem: Option<AppraisalProblem>,
}

/// A reason that a rule of a valid policy gave no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppraisalProblem {
    /// The arithmetic failed.
    #[error(transparent)]
    Arithmetic(#[from] EvalError),
    /// Less than nothing, or more than any award.
    #[error("the amount is not within 0..={} thousandths", EarningRule::PAYS_MAX.get())]
    OutOfRange,
}

/// Values a transaction by each rule of the policy that looks at its kind, in the order of the policy.
///
/// `utc_offset_min` is the offset of the entry's local clock from UTC, in minutes. Awards inside the transaction are ignored.
#[must_use]
pub fn appraise(
    policy: &CompiledPolicy,
    transaction: &Transaction,
    utc_offset_min: i16,
) -> Vec<Appraisal> {
    let Some(facts) = Facts::of(transaction, utc_offset_min, &policy.policy().carbon) else {
        return Vec::new();
    };
    policy
        .rules()
        .filter(|(rule, _)| rule.on == facts.on())
        .map(|(rule, compiled)| {
            let outcome = amounts(compiled, &facts);
            let (held, points, growth, problem) = match outcome {
                Ok(Some((points, growth))) => (true, points, growth, None),
                Ok(None) => (false, Milli::ZERO, Milli::ZERO, None),
                Err(problem) => (false, Milli::ZERO, Milli::ZERO, Some(problem)),
            };
            Appraisal {
                rule: rule.id.clone(),
                held,
                points,
                growth,
                shadow: rule.shadow,
                fields: facts.named(),
                problem,
            }
        })
        .collect()
}

fn amounts(
    rule: &crate::policy::CompiledRule,
    facts: &Facts,
) -> Result<Option<(Milli, Milli)>, AppraisalProblem> {
    if !rule.when.eval(facts)? {
        return Ok(None);
    }
    let points = bounded(rule.points.eval(facts)?)?;
    let growth = bounded(rule.growth.eval(facts)?)?;
    Ok(Some((points, growth)))
}

fn bounded(amount: i64) -> Result<Milli, AppraisalProblem> {
    if (0..=EarningRule::PAYS_MAX.get()).contains(&amount) {
        Ok(Milli::new(amount))
    } else {
        Err(AppraisalProblem::OutOfRange)
    }
}
