//! Reasons that an expression is not in the rule profile.

use super::{MAX_NESTING, MAX_OPERATORS, MAX_SOURCE_BYTES};

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
    /// CEL cannot read it.
    #[error("it is not an expression: {0}")]
    Syntax(String),
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
