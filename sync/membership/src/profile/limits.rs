//! The version of the rule profile, and the bounds of one expression.

/// The newest rule profile that this program evaluates. A later profile has all of an earlier one, with the same meaning.
pub const RULE_PROFILE: u32 = 2;

/// Longest expression in bytes.
pub const MAX_SOURCE_BYTES: usize = 1_024;
/// Deepest nesting of parentheses and conditions.
pub const MAX_NESTING: usize = 8;
/// Most operators in one expression. Bounds the depth of a chain such as `a + b + c`, which needs no parentheses.
pub const MAX_OPERATORS: usize = 64;
