//! Writes checked expressions in the rule profile, with no more parentheses than they need.

use super::fields::fields;
use super::typed::{BoolNode, Comparison, IntNode, IntOperator};
use crate::trigger::Trigger;

/// Writes a boolean expression over the fields of a trigger.
pub(super) fn of_bool(node: &BoolNode, on: Trigger) -> String {
    let mut writer = Writer {
        on,
        out: String::new(),
    };
    writer.bool(node, ANY);
    writer.out
}

/// Precedence of operators, as the grammar has it.
const ANY: u8 = 0;
const OR: u8 = 1;
const AND: u8 = 2;
const RELATION: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;
const UNARY: u8 = 6;

struct Writer {
    on: Trigger,
    out: String,
}

impl Writer {
    fn field(&mut self, index: usize) {
        self.out.push_str(fields(self.on)[index].name);
    }

    /// Writes a part in parentheses when what is around it binds closer.
    fn part(&mut self, binds: u8, around: u8, write: impl FnOnce(&mut Self)) {
        let closed = binds < around;
        if closed {
            self.out.push('(');
        }
        write(self);
        if closed {
            self.out.push(')');
        }
    }

    fn bool(&mut self, node: &BoolNode, around: u8) {
        match node {
            BoolNode::Constant(value) => self.out.push_str(if *value { "true" } else { "false" }),
            BoolNode::Field(index) => self.field(*index),
            BoolNode::Not(operand) => {
                if let BoolNode::Same(operands) = &**operand {
                    return self.same(operands, "!=", around);
                }
                self.part(UNARY, around, |writer| {
                    writer.out.push('!');
                    writer.bool(operand, UNARY);
                });
            }
            BoolNode::And(operands) => self.joined(operands, "&&", AND, around),
            BoolNode::Or(operands) => self.joined(operands, "||", OR, around),
            BoolNode::Same(operands) => self.same(operands, "==", around),
            BoolNode::Compare(comparison, operands) => self.part(RELATION, around, |writer| {
                writer.int(&operands[0], RELATION + 1);
                writer.sign(comparison.symbol());
                writer.int(&operands[1], RELATION + 1);
            }),
            BoolNode::Condition(condition, branches) => self.part(ANY, around, |writer| {
                writer.bool(condition, OR);
                writer.sign("?");
                writer.bool(&branches[0], OR);
                writer.sign(":");
                writer.bool(&branches[1], ANY);
            }),
        }
    }

    fn joined(&mut self, operands: &[BoolNode; 2], sign: &str, binds: u8, around: u8) {
        self.part(binds, around, |writer| {
            writer.bool(&operands[0], binds);
            writer.sign(sign);
            writer.bool(&operands[1], binds + 1);
        });
    }

    fn same(&mut self, operands: &[BoolNode; 2], sign: &str, around: u8) {
        self.part(RELATION, around, |writer| {
            writer.bool(&operands[0], RELATION + 1);
            writer.sign(sign);
            writer.bool(&operands[1], RELATION + 1);
        });
    }

    fn int(&mut self, node: &IntNode, around: u8) {
        match node {
            IntNode::Constant(value) => self.out.push_str(&value.to_string()),
            IntNode::Named(name, _) => self.out.push_str(name),
            IntNode::Field(index) => self.field(*index),
            IntNode::Negate(operand) => self.part(UNARY, around, |writer| {
                writer.out.push('-');
                writer.int(operand, UNARY);
            }),
            IntNode::Binary(operator, operands) => {
                let (sign, binds) = match operator {
                    IntOperator::Add => ("+", SUM),
                    IntOperator::Subtract => ("-", SUM),
                    IntOperator::Multiply => ("*", PRODUCT),
                    IntOperator::Divide => ("/", PRODUCT),
                    IntOperator::Remainder => ("%", PRODUCT),
                };
                self.part(binds, around, |writer| {
                    writer.int(&operands[0], binds);
                    writer.sign(sign);
                    writer.int(&operands[1], binds + 1);
                });
            }
            IntNode::Condition(condition, branches) => self.part(ANY, around, |writer| {
                writer.bool(condition, OR);
                writer.sign("?");
                writer.int(&branches[0], OR);
                writer.sign(":");
                writer.int(&branches[1], ANY);
            }),
            IntNode::Min(operands) => self.call("min", operands),
            IntNode::Max(operands) => self.call("max", operands),
        }
    }

    fn call(&mut self, name: &str, operands: &[IntNode]) {
        self.out.push_str(name);
        self.out.push('(');
        for (place, operand) in operands.iter().enumerate() {
            if place > 0 {
                self.out.push_str(", ");
            }
            self.int(operand, ANY);
        }
        self.out.push(')');
    }

    fn sign(&mut self, sign: &str) {
        self.out.push(' ');
        self.out.push_str(sign);
        self.out.push(' ');
    }
}

impl Comparison {
    /// Its sign in the rule profile.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}
