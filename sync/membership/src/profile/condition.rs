//! Takes the condition of a rule apart: which parts hold for some evidence, and what each part asks for.

use serde::{Serialize, Serializer};

use super::BoolExpression;
use super::facts::Facts;
use super::fields::fields;
use super::linear::Linear;
use super::source;
use super::typed::{BoolNode, Comparison, IntNode};

/// One of the parts of a rule's condition that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The part, in the rule profile.
    pub source: String,
    /// The field that it bounds; `None` when it is not about one field.
    pub field: Option<&'static str>,
    /// The comparison of the field, or of the two sides, that it asks for.
    pub operator: Option<Comparison>,
    /// The value that the field is compared with, or that of the right side; for a boolean field 1 for true and 0 for false.
    pub needed: Option<i64>,
    /// The value of the field, or of the left side.
    pub actual: Option<i64>,
    /// True when the part holds; a part without a value does not.
    pub held: bool,
}

/// The demand of a part.
#[derive(Default)]
struct Wanted {
    field: Option<&'static str>,
    operator: Option<Comparison>,
    needed: Option<i64>,
    actual: Option<i64>,
}

impl BoolExpression {
    /// Explains each part for some evidence, in the order of the expression.
    pub(crate) fn explain(&self, facts: &Facts) -> Vec<Condition> {
        let mut parts = Vec::new();
        conjuncts(&self.0, &mut parts);
        parts.into_iter().map(|part| explain(part, facts)).collect()
    }

    /// The parts as expressions of their own, each with its source.
    pub(crate) fn parts(&self, on: crate::trigger::Trigger) -> Vec<(Self, String)> {
        let mut parts = Vec::new();
        conjuncts(&self.0, &mut parts);
        parts
            .into_iter()
            .map(|part| (Self(part.clone()), source::of_bool(part, on)))
            .collect()
    }
}

/// Lists what `&&` joins; all of it for any other expression.
fn conjuncts<'a>(node: &'a BoolNode, parts: &mut Vec<&'a BoolNode>) {
    if let BoolNode::And(operands) = node {
        for operand in operands.iter() {
            conjuncts(operand, parts);
        }
    } else {
        parts.push(node);
    }
}

fn explain(part: &BoolNode, facts: &Facts) -> Condition {
    let Wanted {
        field,
        operator,
        needed,
        actual,
    } = wanted(part, true, facts);
    Condition {
        source: source::of_bool(part, facts.on()),
        field,
        operator,
        needed,
        actual,
        held: part.eval(facts.values()) == Ok(true),
    }
}

/// Finds what makes an expression true, or false.
fn wanted(node: &BoolNode, value: bool, facts: &Facts) -> Wanted {
    match node {
        BoolNode::Field(index) => Wanted {
            field: Some(fields(facts.on())[*index].name),
            operator: Some(Comparison::Equal),
            needed: Some(i64::from(value)),
            actual: Some(facts.values()[*index]),
        },
        BoolNode::Not(operand) => wanted(operand, !value, facts),
        BoolNode::Same(operands) => match &**operands {
            [operand, BoolNode::Constant(same)] | [BoolNode::Constant(same), operand] => {
                wanted(operand, value == *same, facts)
            }
            _ => Wanted::default(),
        },
        BoolNode::Compare(comparison, operands) => {
            let comparison = if value {
                *comparison
            } else {
                comparison.negated()
            };
            compared(comparison, operands, facts)
        }
        BoolNode::Condition(condition, branches) => match condition.eval(facts.values()) {
            Ok(first) => wanted(&branches[usize::from(!first)], value, facts),
            Err(_) => Wanted::default(),
        },
        BoolNode::Constant(_) | BoolNode::And(_) | BoolNode::Or(_) => Wanted::default(),
    }
}

fn compared(comparison: Comparison, operands: &[IntNode; 2], facts: &Facts) -> Wanted {
    let values = facts.values();
    // An expression that cannot be evaluated has no value to show.
    let value = |node: &IntNode| node.eval(values).ok();
    let name = |index: usize| Some(fields(facts.on())[index].name);
    let (left, right) = (&operands[0], &operands[1]);
    match (left, right) {
        (IntNode::Field(index), _) => Wanted {
            field: name(*index),
            operator: Some(comparison),
            needed: value(right),
            actual: Some(values[*index]),
        },
        (_, IntNode::Field(index)) => Wanted {
            field: name(*index),
            operator: Some(comparison.flipped()),
            needed: value(left),
            actual: Some(values[*index]),
        },
        _ => solved(comparison, operands, facts).unwrap_or_else(|| Wanted {
            field: None,
            operator: Some(comparison),
            needed: value(right),
            actual: value(left),
        }),
    }
}

/// Solves a comparison of sums for the first field that it reads, with the others as they are.
fn solved(comparison: Comparison, operands: &[IntNode; 2], facts: &Facts) -> Option<Wanted> {
    let (left, right) = (Linear::of(&operands[0])?, Linear::of(&operands[1])?);
    let sum = left.minus(&right)?;
    let mut read = Vec::new();
    operands[0].fields(&mut read);
    operands[1].fields(&mut read);
    let index = read.into_iter().find(|index| sum.factor(*index) != 0)?;
    let factor = sum.factor(index);
    // factor * field <op> bound
    let bound = -sum.rest_at(index, facts.values())?;
    let comparison = if factor > 0 {
        comparison
    } else {
        comparison.flipped()
    };
    let (bound, factor) = (bound * factor.signum(), factor.abs());
    let (down, up) = (bound.div_euclid(factor), -(-bound).div_euclid(factor));
    let needed = match comparison {
        Comparison::LessOrEqual | Comparison::Greater => down,
        Comparison::Less | Comparison::GreaterOrEqual => up,
        Comparison::Equal | Comparison::NotEqual if down == up => down,
        Comparison::Equal | Comparison::NotEqual => return None,
    };
    Some(Wanted {
        field: Some(fields(facts.on())[index].name),
        operator: Some(comparison),
        needed: Some(i64::try_from(needed).ok()?),
        actual: Some(facts.values()[index]),
    })
}

impl Serialize for Comparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.symbol())
    }
}
