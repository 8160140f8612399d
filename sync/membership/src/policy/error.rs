//! Errors of a policy.

use std::fmt;

use crate::ids::{CapId, RuleId};
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
        place: ValuePlace,
        /// The expected value.
        expected: &'static str,
    },
    /// A cap without room over a rule that pays points.
    #[error(
        "cap {cap} over rule {rule}: expected points above 0, for the rule never pays under it; `shadow = true` in the \
         rule evaluates it without paying"
    )]
    CapWithoutRoom {
        /// The cap.
        cap: CapId,
        /// The place of the cap among the caps, from 0.
        index: usize,
        /// The rule.
        rule: RuleId,
    },
}

/// The place of a value in a policy: its name in a message, and the way to it in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePlace {
    name: String,
    path: Vec<PathStep>,
}

/// A step on the way to a value in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathStep {
    /// The value of a key.
    Key(&'static str),
    /// An item of a list, from 0.
    Item(usize),
}

impl ValuePlace {
    /// A value by its keys with dots in between, which are its name too.
    pub(super) fn key(dotted: &'static str) -> Self {
        Self {
            name: dotted.to_owned(),
            path: dotted.split('.').map(PathStep::Key).collect(),
        }
    }

    /// The value of a key in an item of a list.
    pub(crate) fn item(name: String, list: &'static str, index: usize, key: &'static str) -> Self {
        let mut path = Self::key(list).path;
        path.extend([PathStep::Item(index), PathStep::Key(key)]);
        Self { name, path }
    }

    /// Returns the way to the value in the file.
    pub(crate) fn path(&self) -> &[PathStep] {
        &self.path
    }
}

impl fmt::Display for ValuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
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
            | Self::UnknownKind { rule, .. }
            | Self::CapWithoutRoom { rule, .. } => Some(rule),
            Self::NewerProfile { .. } | Self::Value { .. } => None,
        }
    }
}
