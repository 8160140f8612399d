//! Takes the condition of a rule apart, to show which parts held.

use dashpoint_membership::policy::EarningRule;
use dashpoint_membership::{CompiledPolicy, RuleId, Transaction, appraise};
use serde::Serialize;

/// One part of a rule's condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// As the rule has it.
    pub source: String,
    /// True when the part held.
    pub held: bool,
}

/// A rule's condition, part by part: each part is a policy in which the rule asks for nothing else.
#[derive(Debug)]
pub struct Probe {
    rule: RuleId,
    parts: Vec<(String, CompiledPolicy)>,
}

impl Probe {
    /// Takes the condition of a rule apart.
    #[must_use]
    pub fn new(policy: &CompiledPolicy, rule: &EarningRule) -> Self {
        let asks_only = |part: &str| {
            let mut changed = policy.policy().clone();
            let asked = changed.rules.iter_mut().find(|other| other.id == rule.id)?;
            asked.when = part.to_owned();
            asked.points = "0".to_owned();
            asked.growth = "0".to_owned();
            Some((part.to_owned(), CompiledPolicy::compile(changed).ok()?))
        };
        let parts: Option<Vec<_>> = conjuncts(&rule.when).into_iter().map(asks_only).collect();
        Self {
            rule: rule.id.clone(),
            parts: parts.unwrap_or_default(),
        }
    }

    /// Returns the id of its rule.
    #[must_use]
    pub const fn rule(&self) -> &RuleId {
        &self.rule
    }

    /// Evaluates each part for a transaction.
    #[must_use]
    pub fn conditions(&self, transaction: &Transaction) -> Vec<Condition> {
        let held = |policy: &CompiledPolicy| {
            let appraisals = appraise(policy, transaction);
            appraisals
                .iter()
                .any(|appraisal| appraisal.rule == self.rule && appraisal.held)
        };
        let condition = |(source, policy): &(String, CompiledPolicy)| Condition {
            source: source.clone(),
            held: held(policy),
        };
        self.parts.iter().map(condition).collect()
    }
}

/// The parts of an expression that `&&` joins outside of all parentheses; all of it when `||` or `?` bind looser.
pub(crate) fn conjuncts(expression: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_u32, 0);
    let bytes = expression.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'|' | b'?' if depth == 0 => return vec![expression.trim()],
            b'&' if depth == 0 && bytes.get(at + 1) == Some(&b'&') => {
                parts.push(expression[from..at].trim());
                from = at + 2;
            }
            _ => {}
        }
    }
    parts.push(expression[from..].trim());
    parts
}

/// Returns whether a rule reads a field.
#[must_use]
pub fn mentions(rule: &EarningRule, field: &str) -> bool {
    let part_of_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    [&rule.when, &rule.points, &rule.growth]
        .into_iter()
        .flat_map(|expression| expression.split(|char| !part_of_name(char)))
        .any(|name| name == field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_taken_apart_where_that_does_not_change_it() {
        for (expression, parts) in [
            ("true", vec!["true"]),
            ("a >= 5 && b", vec!["a >= 5", "b"]),
            (
                "(a || b && c) && min(d, e) > 1 && !f",
                vec!["(a || b && c)", "min(d, e) > 1", "!f"],
            ),
            ("a && b || c", vec!["a && b || c"]),
            ("a && b ? c : d", vec!["a && b ? c : d"]),
        ] {
            assert_eq!(conjuncts(expression), parts, "{expression}");
        }
    }
}
