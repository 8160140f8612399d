//! What is wrong with a policy.

use crate::ids::RuleId;
use crate::profile::ProfileError;

/// Why a policy is refused: the place in it, and what is expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// An expression of a rule is not in the rule profile.
    #[error("rule {rule}: `{expression}` ({source_text:?}): {problem}")]
    Rule {
        /// The rule.
        rule: RuleId,
        /// `when`, `points` or `growth`.
        expression: &'static str,
        /// What it says.
        source_text: String,
        /// What is wrong with it.
        problem: ProfileError,
    },
    /// A value makes no sense.
    #[error("{place}: expected {expected}")]
    Value {
        /// Where.
        place: String,
        /// What is expected there.
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
