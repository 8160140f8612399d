//! Errors of a policy.

use crate::ids::RuleId;
use crate::profile::ProfileError;

/// A reason for refusing a policy: the place in it, and what is expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// An expression of a rule is not in the rule profile.
    #[error("rule {rule}: `{expression}` ({source_text:?}): {problem}")]
    Rule {
        /// The rule.
        rule: RuleId,
        /// `when`, `points` or `growth`.
        expression: &'static str,
        /// Source of the expression.
        source_text: String,
        /// The problem in it.
        problem: ProfileError,
    },
    /// A value makes no sense.
    #[error("{place}: expected {expected}")]
    Value {
        /// The place.
        place: String,
        /// The expected value.
        expected: &'static str,
    },
}

impl PolicyError {
    /// The rule that is wrong, if it is a rule.
    #[must_use]
    pub const fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::Rule { rule, .. } => Some(rule),
            Self::Value { .. } => None,
        }
    }
}
