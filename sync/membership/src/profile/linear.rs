//! Integer expressions that are sums of fields times constants.

use std::collections::BTreeMap;

use super::span::Span;
use super::typed::{IntNode, IntOperator};

/// `constant + sum of factor * field`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Linear {
    factors: BTreeMap<usize, i128>,
    constant: i128,
}

impl Linear {
    /// Reads an expression as a sum; `None` for one that is none, or whose numbers are too large.
    pub(super) fn of(node: &IntNode) -> Option<Self> {
        match node {
            IntNode::Constant(value) | IntNode::Named(_, value) => {
                Some(Self::constant(i128::from(*value)))
            }
            IntNode::Field(index) => Some(Self {
                factors: BTreeMap::from([(*index, 1)]),
                constant: 0,
            }),
            IntNode::Negate(operand) => Self::of(operand)?.times(-1),
            IntNode::Binary(operator, operands) => {
                let (left, right) = (Self::of(&operands[0])?, Self::of(&operands[1])?);
                match operator {
                    IntOperator::Add => left.plus(&right),
                    IntOperator::Subtract => left.plus(&right.times(-1)?),
                    IntOperator::Multiply if right.factors.is_empty() => left.times(right.constant),
                    IntOperator::Multiply if left.factors.is_empty() => right.times(left.constant),
                    IntOperator::Multiply | IntOperator::Divide | IntOperator::Remainder => None,
                }
            }
            IntNode::Condition(..) | IntNode::Min(_) | IntNode::Max(_) => None,
        }
    }

    const fn constant(constant: i128) -> Self {
        Self {
            factors: BTreeMap::new(),
            constant,
        }
    }

    pub(super) fn minus(&self, other: &Self) -> Option<Self> {
        self.plus(&other.times(-1)?)
    }

    fn plus(&self, other: &Self) -> Option<Self> {
        let mut sum = self.clone();
        sum.constant = sum.constant.checked_add(other.constant)?;
        for (field, factor) in &other.factors {
            let own = sum.factors.entry(*field).or_insert(0);
            *own = own.checked_add(*factor)?;
        }
        sum.factors.retain(|_, factor| *factor != 0);
        Some(sum)
    }

    fn times(&self, by: i128) -> Option<Self> {
        let mut product = Self::constant(self.constant.checked_mul(by)?);
        for (field, factor) in &self.factors {
            let factor = factor.checked_mul(by)?;
            if factor != 0 {
                product.factors.insert(*field, factor);
            }
        }
        Some(product)
    }

    /// The fields with their factors.
    pub(super) fn factors(&self) -> impl Iterator<Item = (usize, i128)> {
        self.factors.iter().map(|(field, factor)| (*field, *factor))
    }

    /// The factor of a field; 0 for one that it does not have.
    pub(super) fn factor(&self, field: usize) -> i128 {
        self.factors.get(&field).copied().unwrap_or(0)
    }

    /// The value of the sum without one of its fields; `None` when it is too large.
    pub(super) fn rest_at(&self, left_out: usize, values: &[i64]) -> Option<i128> {
        let others = self.factors().filter(|(field, _)| *field != left_out);
        others
            .into_iter()
            .try_fold(self.constant, |sum, (field, factor)| {
                sum.checked_add(factor.checked_mul(i128::from(values[field]))?)
            })
    }

    /// Least and greatest value when each field is in its span; `None` when these are too large to tell.
    pub(super) fn ends(&self, fields: &[Span]) -> Option<(i128, i128)> {
        self.ends_without(fields, None)
    }

    /// The same for the sum without one of its fields.
    pub(super) fn ends_without(
        &self,
        fields: &[Span],
        left_out: Option<usize>,
    ) -> Option<(i128, i128)> {
        let (mut least, mut most) = (self.constant, self.constant);
        for (field, factor) in self.factors() {
            if Some(field) == left_out {
                continue;
            }
            let one = factor.checked_mul(fields[field].low())?;
            let other = factor.checked_mul(fields[field].high())?;
            least = least.checked_add(one.min(other))?;
            most = most.checked_add(one.max(other))?;
        }
        Some((least, most))
    }
}
