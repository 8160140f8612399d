//! Finds out over all admissible evidence which values an expression may have, to refuse a rule that can never pay.
//!
//! Each answer is a set that is never too small. So a rule that can pay is never refused; one that cannot may be missed.

use super::eval::EvalError;
use super::fields::fields;
use super::linear::Linear;
use super::span::Span;
use super::typed::{BoolNode, Comparison, IntNode};
use super::{BoolExpression, IntExpression};
use crate::trigger::Trigger;

/// Values that each field of a trigger may have, under the conditions that were assumed.
#[derive(Debug, Clone)]
pub(crate) struct Outlook(Vec<Span>);

/// Values that an amount may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// None: it fails for any evidence.
    Fails(EvalError),
    /// None within the bounds of an award.
    OutOfRange {
        /// The least.
        from: i64,
        /// The greatest.
        to: i64,
    },
    /// Some within the bounds of an award.
    Payable {
        /// The greatest of these.
        greatest: i64,
    },
}

/// Values of a boolean expression.
#[derive(Debug, Clone, Copy)]
struct Truth {
    yes: bool,
    no: bool,
    failure: Option<EvalError>,
}

/// Values of an integer expression.
#[derive(Debug, Clone, Copy)]
struct Range {
    span: Option<Span>,
    failure: Option<EvalError>,
}

impl Outlook {
    /// Takes all admissible evidence of a trigger.
    pub(crate) fn of(on: Trigger) -> Self {
        let spans = fields(on).iter();
        Self(
            spans
                .map(|field| Span::between(field.least, field.most))
                .collect(),
        )
    }

    /// Assumes that a condition holds; an error when it never does, with the failure that it always ends in, if it does.
    pub(crate) fn assume(&self, condition: &BoolExpression) -> Result<Self, Option<EvalError>> {
        let truth = self.truth(&condition.0);
        match self.given(&condition.0, true) {
            Some(refined) if truth.yes => Ok(refined),
            Some(_) | None if truth.no => Err(None),
            Some(_) | None => Err(truth.failure),
        }
    }

    /// Returns whether a condition is true for all evidence; one that fails for some is not.
    pub(crate) fn always_holds(&self, condition: &BoolExpression) -> bool {
        let truth = self.truth(&condition.0);
        truth.yes && !truth.no && truth.failure.is_none()
    }

    /// Finds the values of an amount, and which of them are from 0 to `most`.
    pub(crate) fn amount(&self, amount: &IntExpression, most: i64) -> Amount {
        let range = self.range(&amount.0);
        let Some(span) = range.span else {
            return Amount::Fails(range.failure.unwrap_or(EvalError::Overflow));
        };
        // The ends of a span are within 64 bits.
        let narrow = |end: i128| i64::try_from(end).unwrap_or(i64::MAX);
        match span.within(0, i128::from(most)) {
            Some(payable) => Amount::Payable {
                greatest: narrow(payable.high()),
            },
            None => Amount::OutOfRange {
                from: narrow(span.low()),
                to: narrow(span.high()),
            },
        }
    }

    fn range(&self, node: &IntNode) -> Range {
        let range = self.by_parts(node);
        let ends = Linear::of(node).and_then(|sum| sum.ends(&self.0));
        match (range.span, ends) {
            (Some(span), Some((least, most))) => Range {
                span: span.within(least, most),
                ..range
            },
            _ => range,
        }
    }

    fn by_parts(&self, node: &IntNode) -> Range {
        match node {
            IntNode::Constant(value) | IntNode::Named(_, value) => Range {
                span: Some(Span::one(*value)),
                failure: None,
            },
            IntNode::Field(index) => Range {
                span: Some(self.0[*index]),
                failure: None,
            },
            IntNode::Negate(operand) => {
                let operand = self.range(operand);
                let negated = operand
                    .span
                    .map(|span| Span::one(0).apply(super::typed::IntOperator::Subtract, span));
                let (span, failure) = negated.unwrap_or((None, None));
                Range {
                    span,
                    failure: operand.failure.or(failure),
                }
            }
            IntNode::Binary(operator, operands) => {
                let (left, right) = (self.range(&operands[0]), self.range(&operands[1]));
                let failure = left.failure.or(right.failure);
                let (Some(one), Some(other)) = (left.span, right.span) else {
                    return Range {
                        span: None,
                        failure,
                    };
                };
                let (span, own) = one.apply(*operator, other);
                Range {
                    span,
                    failure: failure.or(own),
                }
            }
            IntNode::Condition(condition, branches) => {
                let truth = self.truth(condition);
                let branch = |taken: bool, node: &IntNode| {
                    let given = self.given(condition, taken)?;
                    Some(given.range(node))
                };
                let yes = truth.yes.then(|| branch(true, &branches[0])).flatten();
                let no = truth.no.then(|| branch(false, &branches[1])).flatten();
                let none = Range {
                    span: None,
                    failure: None,
                };
                let (yes, no) = (yes.unwrap_or(none), no.unwrap_or(none));
                Range {
                    span: either(yes.span, no.span, Span::or),
                    failure: truth.failure.or(yes.failure).or(no.failure),
                }
            }
            IntNode::Min(operands) => self.chosen(operands, i128::min),
            IntNode::Max(operands) => self.chosen(operands, i128::max),
        }
    }

    fn chosen(&self, operands: &[IntNode], choose: fn(i128, i128) -> i128) -> Range {
        let ranges: Vec<Range> = operands.iter().map(|operand| self.range(operand)).collect();
        let failure = ranges.iter().find_map(|range| range.failure);
        let spans: Option<Vec<Span>> = ranges.iter().map(|range| range.span).collect();
        let span = spans.and_then(|spans| {
            let all = spans.iter().copied().reduce(Span::or)?;
            let low = spans.iter().map(|span| span.low()).reduce(choose)?;
            let high = spans.iter().map(|span| span.high()).reduce(choose)?;
            all.within(low, high)
        });
        Range { span, failure }
    }

    fn truth(&self, node: &BoolNode) -> Truth {
        match node {
            BoolNode::Constant(value) => Truth {
                yes: *value,
                no: !value,
                failure: None,
            },
            BoolNode::Field(index) => Truth {
                yes: self.0[*index].high() != 0,
                no: self.0[*index].low() == 0,
                failure: None,
            },
            BoolNode::Not(operand) => {
                let truth = self.truth(operand);
                Truth {
                    yes: truth.no,
                    no: truth.yes,
                    ..truth
                }
            }
            BoolNode::And(operands) => self.decided(operands, true),
            BoolNode::Or(operands) => {
                let truth = self.decided(operands, false);
                Truth {
                    yes: truth.no,
                    no: truth.yes,
                    ..truth
                }
            }
            BoolNode::Compare(comparison, operands) => self.compared(*comparison, operands),
            BoolNode::Same(operands) => {
                let (left, right) = (self.truth(&operands[0]), self.truth(&operands[1]));
                Truth {
                    yes: left.yes && right.yes || left.no && right.no,
                    no: left.yes && right.no || left.no && right.yes,
                    failure: left.failure.or(right.failure),
                }
            }
            BoolNode::Condition(condition, branches) => {
                let truth = self.truth(condition);
                let none = Truth {
                    yes: false,
                    no: false,
                    failure: None,
                };
                let branch = |taken: bool, node: &BoolNode| {
                    let given = self.given(condition, taken);
                    given.map_or(none, |given| given.truth(node))
                };
                let yes = if truth.yes {
                    branch(true, &branches[0])
                } else {
                    none
                };
                let no = if truth.no {
                    branch(false, &branches[1])
                } else {
                    none
                };
                Truth {
                    yes: yes.yes || no.yes,
                    no: yes.no || no.no,
                    failure: truth.failure.or(yes.failure).or(no.failure),
                }
            }
        }
    }

    /// Truth of "both sides are `sought`"; either side alone decides against it, even when the other has no value.
    fn decided(&self, operands: &[BoolNode; 2], sought: bool) -> Truth {
        let is = |truth: Truth, value: bool| if value { truth.yes } else { truth.no };
        let (left, right) = (self.truth(&operands[0]), self.truth(&operands[1]));
        let both = is(left, sought) && {
            let given = self.given(&operands[0], sought);
            given.is_some_and(|given| is(given.truth(&operands[1]), sought))
        };
        Truth {
            yes: both,
            no: is(left, !sought) || is(right, !sought),
            failure: left.failure.or(right.failure),
        }
    }

    fn compared(&self, comparison: Comparison, operands: &[IntNode; 2]) -> Truth {
        let (left, right) = (self.range(&operands[0]), self.range(&operands[1]));
        let failure = left.failure.or(right.failure);
        let (Some(one), Some(other)) = (left.span, right.span) else {
            return Truth {
                yes: false,
                no: false,
                failure,
            };
        };
        let mut apart = (one.low() - other.high(), one.high() - other.low());
        if let Some((least, most)) = difference(operands).and_then(|sum| sum.ends(&self.0)) {
            apart = (apart.0.max(least), apart.1.min(most));
        }
        let (less, more) = (apart.0 < 0, apart.1 > 0);
        let equal = apart.0 <= 0 && apart.1 >= 0 && one.meets(other);
        let (yes, no) = match comparison {
            Comparison::Equal => (equal, less || more),
            Comparison::NotEqual => (less || more, equal),
            Comparison::Less => (less, equal || more),
            Comparison::LessOrEqual => (less || equal, more),
            Comparison::Greater => (more, equal || less),
            Comparison::GreaterOrEqual => (more || equal, less),
        };
        Truth { yes, no, failure }
    }

    /// The evidence for which an expression is true, or false; `None` when there is none.
    fn given(&self, node: &BoolNode, value: bool) -> Option<Self> {
        match node {
            BoolNode::Constant(constant) => (*constant == value).then(|| self.clone()),
            BoolNode::Field(index) => self.narrowed(*index, |span| {
                let wanted = i128::from(value);
                span.within(wanted, wanted)
            }),
            BoolNode::Not(operand) => self.given(operand, !value),
            BoolNode::And(operands) => self.both_or_either(operands, value, true),
            BoolNode::Or(operands) => self.both_or_either(operands, value, false),
            BoolNode::Compare(comparison, operands) => {
                let comparison = if value {
                    *comparison
                } else {
                    comparison.negated()
                };
                self.compared(comparison, operands)
                    .yes
                    .then(|| self.where_holds(comparison, operands))
                    .flatten()
            }
            BoolNode::Same(_) => {
                let truth = self.truth(node);
                (if value { truth.yes } else { truth.no }).then(|| self.clone())
            }
            BoolNode::Condition(condition, branches) => {
                let branch =
                    |taken: bool, node: &BoolNode| self.given(condition, taken)?.given(node, value);
                either(
                    branch(true, &branches[0]),
                    branch(false, &branches[1]),
                    Self::or,
                )
            }
        }
    }

    fn both_or_either(&self, operands: &[BoolNode; 2], value: bool, joins: bool) -> Option<Self> {
        if value == joins {
            let given = self
                .given(&operands[0], value)?
                .given(&operands[1], value)?;
            // What the second side tells may narrow the first.
            given.given(&operands[0], value)
        } else {
            either(
                self.given(&operands[0], value),
                self.given(&operands[1], value),
                Self::or,
            )
        }
    }

    fn where_holds(&self, comparison: Comparison, operands: &[IntNode; 2]) -> Option<Self> {
        let mut given = self.clone();
        if let IntNode::Field(index) = operands[0]
            && let Some(other) = self.range(&operands[1]).span
        {
            given = given.narrowed(index, |span| kept(span, comparison, other))?;
        }
        if let IntNode::Field(index) = operands[1]
            && let Some(other) = self.range(&operands[0]).span
        {
            given = given.narrowed(index, |span| kept(span, comparison.flipped(), other))?;
        }
        match difference(operands) {
            Some(sum) => given.bounded_by(&sum, comparison),
            None => Some(given),
        }
    }

    /// Narrows each field of a sum that compares so with zero.
    fn bounded_by(&self, sum: &Linear, comparison: Comparison) -> Option<Self> {
        let mut given = self.clone();
        for (field, factor) in sum.factors() {
            let Some((least, most)) = sum.ends_without(&given.0, Some(field)) else {
                continue;
            };
            // factor * field + rest <op> 0, with rest from least to most.
            let (at_most, at_least) = match comparison {
                Comparison::Less => (Some(-least - 1), None),
                Comparison::LessOrEqual => (Some(-least), None),
                Comparison::Greater => (None, Some(1 - most)),
                Comparison::GreaterOrEqual => (None, Some(-most)),
                Comparison::Equal => (Some(-least), Some(-most)),
                Comparison::NotEqual => (None, None),
            };
            given = given.narrowed(field, |span| {
                let (mut low, mut high) = (span.low(), span.high());
                if let Some(bound) = at_most {
                    if factor > 0 {
                        high = high.min(bound.div_euclid(factor));
                    } else {
                        low = low.max(-bound.div_euclid(-factor));
                    }
                }
                if let Some(bound) = at_least {
                    if factor > 0 {
                        low = low.max(-(-bound).div_euclid(factor));
                    } else {
                        high = high.min((-bound).div_euclid(-factor));
                    }
                }
                span.within(low, high)
            })?;
        }
        Some(given)
    }

    fn narrowed(&self, index: usize, by: impl FnOnce(Span) -> Option<Span>) -> Option<Self> {
        let mut spans = self.0.clone();
        spans[index] = by(spans[index])?;
        Some(Self(spans))
    }

    fn or(self, other: Self) -> Self {
        let pairs = self.0.into_iter().zip(other.0);
        Self(pairs.map(|(one, other)| one.or(other)).collect())
    }
}

/// The members of a span that may compare so with one of another.
fn kept(span: Span, comparison: Comparison, other: Span) -> Option<Span> {
    match comparison {
        Comparison::Equal => span.and(other),
        Comparison::NotEqual if other.is_one() => span.without(other.low()),
        Comparison::NotEqual => Some(span),
        Comparison::Less => span.within(span.low(), other.high() - 1),
        Comparison::LessOrEqual => span.within(span.low(), other.high()),
        Comparison::Greater => span.within(other.low() + 1, span.high()),
        Comparison::GreaterOrEqual => span.within(other.low(), span.high()),
    }
}

fn difference(operands: &[IntNode; 2]) -> Option<Linear> {
    Linear::of(&operands[0])?.minus(&Linear::of(&operands[1])?)
}

fn either<T>(one: Option<T>, other: Option<T>, join: fn(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(join(one, other)),
        (one, other) => one.or(other),
    }
}
