//! Evaluation of checked expressions: exact, total but for two errors, and the same on every machine.

use super::typed::{BoolNode, Comparison, IntNode, IntOperator};

/// A reason that an expression has no value for some evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A result past 64 bits.
    #[error("the result does not fit 64 bits")]
    Overflow,
    /// A division or remainder by zero.
    #[error("division by zero")]
    DivisionByZero,
}

impl IntNode {
    pub(super) fn eval(&self, values: &[i64]) -> Result<i64, EvalError> {
        match self {
            Self::Constant(value) | Self::Named(_, value) => Ok(*value),
            Self::Field(index) => Ok(values[*index]),
            Self::Negate(operand) => operand
                .eval(values)?
                .checked_neg()
                .ok_or(EvalError::Overflow),
            Self::Binary(operator, operands) => {
                operator.apply(operands[0].eval(values)?, operands[1].eval(values)?)
            }
            Self::Condition(condition, branches) => {
                branches[usize::from(!condition.eval(values)?)].eval(values)
            }
            Self::Min(operands) => reduce(operands, values, i64::min),
            Self::Max(operands) => reduce(operands, values, i64::max),
        }
    }
}

fn reduce(
    operands: &[IntNode],
    values: &[i64],
    choose: fn(i64, i64) -> i64,
) -> Result<i64, EvalError> {
    let (first, rest) = operands
        .split_first()
        .expect("invariant: the checker takes min and max of two or more");
    rest.iter().try_fold(first.eval(values)?, |best, operand| {
        Ok(choose(best, operand.eval(values)?))
    })
}

impl IntOperator {
    pub(super) fn apply(self, left: i64, right: i64) -> Result<i64, EvalError> {
        let result = match self {
            Self::Add => left.checked_add(right),
            Self::Subtract => left.checked_sub(right),
            Self::Multiply => left.checked_mul(right),
            Self::Divide | Self::Remainder if right == 0 => return Err(EvalError::DivisionByZero),
            Self::Divide => left.checked_div(right),
            Self::Remainder => left.checked_rem(right),
        };
        result.ok_or(EvalError::Overflow)
    }
}

impl BoolNode {
    pub(super) fn eval(&self, values: &[i64]) -> Result<bool, EvalError> {
        match self {
            Self::Constant(value) => Ok(*value),
            Self::Field(index) => Ok(values[*index] != 0),
            Self::Not(operand) => Ok(!operand.eval(values)?),
            Self::And(operands) => decide(&operands[0], &operands[1], values, false),
            Self::Or(operands) => decide(&operands[0], &operands[1], values, true),
            Self::Compare(comparison, operands) => {
                Ok(comparison.holds(&operands[0].eval(values)?, &operands[1].eval(values)?))
            }
            Self::Same(operands) => Ok(operands[0].eval(values)? == operands[1].eval(values)?),
            Self::Condition(condition, branches) => {
                branches[usize::from(!condition.eval(values)?)].eval(values)
            }
        }
    }
}

/// CEL's `&&` and `||`: either side alone may decide, even when the other one has no value.
fn decide(
    left: &BoolNode,
    right: &BoolNode,
    values: &[i64],
    decisive: bool,
) -> Result<bool, EvalError> {
    let left = left.eval(values);
    if left == Ok(decisive) {
        return left;
    }
    let right = right.eval(values);
    if right == Ok(decisive) {
        return right;
    }
    left.and(right)
}

impl Comparison {
    fn holds(self, left: &i64, right: &i64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}
