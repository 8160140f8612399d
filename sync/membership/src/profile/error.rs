//! Reasons that an expression is not in the rule profile.

use std::fmt;

use super::limits::{MAX_NESTING, MAX_OPERATORS, MAX_SOURCE_BYTES};

/// A reason that an expression is not in the rule profile, with what the profile allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Too long.
    #[error("it has {0} bytes; at most {MAX_SOURCE_BYTES} are allowed")]
    TooLong(usize),
    /// Nested too deeply.
    #[error("it nests {0} deep; parentheses and `?:` may nest {MAX_NESTING} deep")]
    TooDeep(usize),
    /// Too many operators.
    #[error("it has {0} operators; at most {MAX_OPERATORS} are allowed")]
    TooManyOperators(usize),
    /// A character that no expression of the profile contains.
    #[error(
        "{found:?} at byte {at} is not allowed: an expression is made of integers, names, + - * / %, comparisons, \
         && || !, ?:, min(), max() and parentheses"
    )]
    Character {
        /// The character.
        found: char,
        /// Position of the character, from 0.
        at: usize,
    },
    /// It breaks the grammar.
    #[error("{place}: {problem}")]
    Syntax {
        /// Place in the expression.
        place: SourcePlace,
        /// The problem at this place, and what is expected there.
        problem: String,
    },
    /// Something of CEL that the profile leaves out.
    #[error(
        "{0} is not allowed: an expression has integers, true, false, names, operators, min() and max()"
    )]
    NotAllowed(String),
    /// A name that the trigger does not have.
    #[error("there is no {name:?}; allowed are {allowed}")]
    UnknownName {
        /// The name.
        name: String,
        /// Fields and constants that exist.
        allowed: String,
    },
    /// An operand or a result of the wrong type.
    #[error("{place} must be {expected}, but is {found}")]
    Type {
        /// The operand or result.
        place: String,
        /// Its expected type.
        expected: &'static str,
        /// Its type.
        found: &'static str,
    },
}

/// A place in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourcePlace {
    /// Line, from 1; `None` when the expression has one line.
    pub line: Option<usize>,
    /// Character of the line, from 1.
    pub character: usize,
}

impl SourcePlace {
    /// Makes the place of a byte.
    pub(super) fn of(source: &str, at: usize) -> Self {
        let before = source.get(..at).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: source.contains('\n').then_some(line),
            character: before[start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line} of it, ")?;
        }
        write!(f, "character {}", self.character)
    }
}
