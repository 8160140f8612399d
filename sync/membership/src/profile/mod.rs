//! The rule profile: the closed subset of CEL that earning rules are written in.
//!
//! Both ends must get the same integer from the same rule, so the profile has integers, booleans and the named values
//! of two enumerations, the evidence fields of the rule's trigger, `+ - * / %`, comparisons, `&& || !`, `?:`, `min`
//! and `max`, and nothing else. cel parses; what it parsed is checked and turned into a typed tree of our own, which
//! cannot fail by type and is evaluated with checked 64-bit arithmetic. `&&` and `||` absorb an error on one side when
//! the other side decides, as CEL defines it.

mod condition;
mod error;
mod eval;
mod facts;
mod fields;
mod limits;
mod linear;
mod outlook;
mod scan;
mod source;
mod span;
mod syntax;
mod typed;

pub use condition::Condition;
pub use error::{ProfileError, SourcePlace};
pub use eval::EvalError;
pub use facts::Facts;
pub(crate) use fields::field_since;
pub use fields::{FieldValue, RuleField, rule_fields};
pub use limits::{MAX_NESTING, MAX_OPERATORS, MAX_SOURCE_BYTES, RULE_PROFILE};
pub(crate) use outlook::{Amount, Outlook};
pub use typed::Comparison;

use crate::trigger::Trigger;
use typed::{BoolNode, IntNode};

/// A checked expression that gives a boolean.
#[derive(Debug, Clone)]
pub(crate) struct BoolExpression(BoolNode);

/// A checked expression that gives an integer.
#[derive(Debug, Clone)]
pub(crate) struct IntExpression(IntNode);

impl BoolExpression {
    pub(crate) fn compile(source: &str, on: Trigger) -> Result<Self, ProfileError> {
        typed::compile(source, on)?.into_bool().map(Self)
    }

    pub(crate) fn eval(&self, facts: &Facts) -> Result<bool, EvalError> {
        self.0.eval(facts.values())
    }

    pub(crate) fn reads(&self, on: Trigger) -> Vec<&'static str> {
        let mut read = Vec::new();
        self.0.fields(&mut read);
        fields::name_all(on, read)
    }
}

impl IntExpression {
    pub(crate) fn compile(source: &str, on: Trigger) -> Result<Self, ProfileError> {
        typed::compile(source, on)?.into_int().map(Self)
    }

    pub(crate) fn eval(&self, facts: &Facts) -> Result<i64, EvalError> {
        self.0.eval(facts.values())
    }

    pub(crate) fn reads(&self, on: Trigger) -> Vec<&'static str> {
        let mut read = Vec::new();
        self.0.fields(&mut read);
        fields::name_all(on, read)
    }
}
