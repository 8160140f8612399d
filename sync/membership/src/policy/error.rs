//! Errors of a policy.

use crate::ids::RuleId;
use crate::profile::{EvalError, ProfileError, RULE_PROFILE};

/// A reason for refusing a policy: the place in it, and what is expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// An expression of a rule is not in the rule profile.
    #[error("rule {rule}: `{expression}` ({:?}): {problem}", excerpt(source_text))]
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
    /// A rule that no evidence is ever paid by.
    #[error("rule {rule}: `{expression}` ({:?}): {problem}", excerpt(source_text))]
    Unpayable {
        /// The rule.
        rule: RuleId,
        /// `when`, `points` or `growth`.
        expression: &'static str,
        /// Source of the expression.
        source_text: String,
        /// The reason.
        problem: Unpayable,
    },
    /// A rule on a kind of transaction that this program does not know.
    #[error("rule {rule}: this program does not know transactions of kind {kind}")]
    UnknownKind {
        /// The rule.
        rule: RuleId,
        /// Number of the kind.
        kind: u64,
    },
    /// Rules in a profile that this program does not evaluate.
    #[error("rule_profile {needed}: this program evaluates up to {RULE_PROFILE}")]
    NewerProfile {
        /// The profile that the policy needs.
        needed: u32,
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

/// A reason that a rule never pays, whatever the evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpayable {
    /// A part of the condition is never true.
    #[error("{part:?} is never true{}, so the rule never pays", if *alone { "" } else { " together with what stands before it" })]
    NeverHolds {
        /// The part, in the rule profile.
        part: String,
        /// True when it is never true even alone.
        alone: bool,
    },
    /// The expression never has a value.
    #[error("it has no value for any evidence: {0}")]
    AlwaysFails(EvalError),
    /// The amount is never one that a rule may give.
    #[error("it gives {}, and a rule gives from 0 to {most}: it never pays", between(*from, *to))]
    OutOfRange {
        /// Least value.
        from: i64,
        /// Greatest value.
        to: i64,
        /// The most that a rule gives.
        most: i64,
    },
    /// Both amounts are nothing.
    #[error(
        "the rule never pays: `points` and `growth` are 0 wherever they are from 0 to {0} and have a value"
    )]
    Nothing(i64),
}

fn between(from: i64, to: i64) -> String {
    if from == to {
        from.to_string()
    } else {
        format!("{from} to {to}")
    }
}

/// The longest source of an expression that a message repeats, in characters.
const EXCERPT_CHARS: usize = 100;

/// The source of an expression, or its beginning.
fn excerpt(source: &str) -> String {
    match source.char_indices().nth(EXCERPT_CHARS) {
        None => source.to_owned(),
        Some((end, _)) => format!("{}...", &source[..end]),
    }
}

impl PolicyError {
    /// The rule that is wrong, if it is a rule.
    #[must_use]
    pub const fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::Rule { rule, .. }
            | Self::Unpayable { rule, .. }
            | Self::UnknownKind { rule, .. } => Some(rule),
            Self::NewerProfile { .. } | Self::Value { .. } => None,
        }
    }
}
