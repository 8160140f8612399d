//! From cel's syntax tree to a tree that cannot fail by type.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::error::ProfileError;
use super::fields::{CONSTANTS, Enumeration, FieldKind, fields, names};
use super::scan::scan;
use super::syntax;
use crate::trigger::Trigger;

/// Gives an integer, or the place of a named value in its enumeration.
#[derive(Debug, Clone)]
pub(super) enum IntNode {
    Constant(i64),
    /// A named value of an enumeration, by its place.
    Named(&'static str, i64),
    Field(usize),
    Negate(Box<Self>),
    Binary(IntOperator, Box<[Self; 2]>),
    Condition(Box<BoolNode>, Box<[Self; 2]>),
    Min(Vec<Self>),
    Max(Vec<Self>),
}

/// Gives a boolean.
#[derive(Debug, Clone)]
pub(super) enum BoolNode {
    Constant(bool),
    Field(usize),
    Not(Box<Self>),
    And(Box<[Self; 2]>),
    Or(Box<[Self; 2]>),
    Compare(Comparison, Box<[IntNode; 2]>),
    Same(Box<[Self; 2]>),
    Condition(Box<Self>, Box<[Self; 2]>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum IntOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A comparison of two integers, or of two named values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
}

impl Comparison {
    /// Returns the comparison that holds exactly when this one does not.
    pub(super) const fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// Returns the comparison of the sides in exchanged places.
    pub(super) const fn flipped(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

/// A checked expression of any type.
pub(super) enum Typed {
    Int(IntNode),
    Bool(BoolNode),
    Enum(Enumeration, IntNode),
}

/// Checks an expression over the fields of a trigger.
pub(super) fn compile(source: &str, on: Trigger) -> Result<Typed, ProfileError> {
    scan(source)?;
    let tree = cel::parser::Parser::new()
        .max_recursion_depth(32)
        .parse(source)
        .map_err(|errors| syntax::diagnose(source, &errors))?;
    Checker { on }.check(&tree)
}

impl Typed {
    pub(super) fn into_int(self) -> Result<IntNode, ProfileError> {
        self.int("the result")
    }

    pub(super) fn into_bool(self) -> Result<BoolNode, ProfileError> {
        self.bool("the result")
    }

    fn int(self, place: &str) -> Result<IntNode, ProfileError> {
        match self {
            Self::Int(node) => Ok(node),
            Self::Bool(_) | Self::Enum(..) => Err(self.not("an integer", place)),
        }
    }

    fn bool(self, place: &str) -> Result<BoolNode, ProfileError> {
        match self {
            Self::Bool(node) => Ok(node),
            Self::Int(_) | Self::Enum(..) => Err(self.not("true or false", place)),
        }
    }

    fn not(&self, expected: &'static str, place: &str) -> ProfileError {
        ProfileError::Type {
            place: place.to_owned(),
            expected,
            found: self.title(),
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::Int(_) => "an integer",
            Self::Bool(_) => "true or false",
            Self::Enum(enumeration, _) => enumeration.title(),
        }
    }
}

struct Checker {
    on: Trigger,
}

impl Checker {
    fn check(&self, tree: &IdedExpr) -> Result<Typed, ProfileError> {
        match &tree.expr {
            Expr::Literal(literal) => check_literal(literal),
            Expr::Ident(name) => self.check_name(name),
            Expr::Call(call) => self.check_call(call),
            Expr::Comprehension(_) => Err(not_allowed("a macro")),
            Expr::List(_) => Err(not_allowed("a list")),
            Expr::Map(_) => Err(not_allowed("a map")),
            Expr::Struct(_) => Err(not_allowed("a message")),
            Expr::Select(_) => Err(not_allowed("a field of a field")),
            Expr::Unspecified => Err(not_allowed("an empty place")),
        }
    }

    fn check_name(&self, name: &str) -> Result<Typed, ProfileError> {
        let field = fields(self.on).iter().enumerate();
        for (index, field) in field {
            if field.name == name {
                return Ok(match field.kind {
                    FieldKind::Int => Typed::Int(IntNode::Field(index)),
                    FieldKind::Bool => Typed::Bool(BoolNode::Field(index)),
                    FieldKind::Enum(enumeration) => Typed::Enum(enumeration, IntNode::Field(index)),
                });
            }
        }
        self.constants()
            .find(|(constant, ..)| *constant == name)
            .map(|(name, enumeration, value)| Typed::Enum(enumeration, IntNode::Named(name, value)))
            .ok_or_else(|| ProfileError::UnknownName {
                name: name.to_owned(),
                allowed: self.names(),
            })
    }

    /// The named values that some field of the trigger can have.
    fn constants(&self) -> impl Iterator<Item = (&'static str, Enumeration, i64)> {
        CONSTANTS.into_iter().filter(|(_, enumeration, _)| {
            fields(self.on)
                .iter()
                .any(|field| field.kind == FieldKind::Enum(*enumeration))
        })
    }

    fn names(&self) -> String {
        let names: Vec<&str> = names(self.on)
            .chain(self.constants().map(|(name, ..)| name))
            .collect();
        if names.is_empty() {
            "no names for this trigger".to_owned()
        } else {
            names.join(", ")
        }
    }

    fn check_call(&self, call: &CallExpr) -> Result<Typed, ProfileError> {
        let name = call.func_name.as_str();
        if call.target.is_some() {
            return Err(not_allowed(&format!("the call .{name}()")));
        }
        if let ("min" | "max", [_, _, ..]) = (name, &call.args[..]) {
            let place = format!("each argument of {name}()");
            let operands = call
                .args
                .iter()
                .map(|argument| self.check(argument)?.int(&place))
                .collect::<Result<_, _>>()?;
            return Ok(Typed::Int(if name == "min" {
                IntNode::Min(operands)
            } else {
                IntNode::Max(operands)
            }));
        }
        match &call.args[..] {
            [operand] => self.check_unary(name, operand),
            [left, right] => self.check_binary(name, left, right),
            [condition, yes, no] if name == operators::CONDITIONAL => {
                self.check_condition(condition, yes, no)
            }
            _ => Err(unknown_call(name)),
        }
    }

    fn check_unary(&self, name: &str, operand: &IdedExpr) -> Result<Typed, ProfileError> {
        match name {
            operators::NEGATE => {
                let operand = self.check(operand)?.int("the operand of -")?;
                Ok(Typed::Int(IntNode::Negate(Box::new(operand))))
            }
            operators::LOGICAL_NOT => {
                let operand = self.check(operand)?.bool("the operand of !")?;
                Ok(Typed::Bool(BoolNode::Not(Box::new(operand))))
            }
            _ => Err(unknown_call(name)),
        }
    }

    fn check_binary(
        &self,
        name: &str,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<Typed, ProfileError> {
        let arithmetic = |operator| {
            let operands = self.ints(name, left, right)?;
            Ok(Typed::Int(IntNode::Binary(operator, operands)))
        };
        let comparison = |comparison| {
            let operands = self.ints(name, left, right)?;
            Ok(Typed::Bool(BoolNode::Compare(comparison, operands)))
        };
        match name {
            operators::ADD => arithmetic(IntOperator::Add),
            operators::SUBSTRACT => arithmetic(IntOperator::Subtract),
            operators::MULTIPLY => arithmetic(IntOperator::Multiply),
            operators::DIVIDE => arithmetic(IntOperator::Divide),
            operators::MODULO => arithmetic(IntOperator::Remainder),
            operators::LESS => comparison(Comparison::Less),
            operators::LESS_EQUALS => comparison(Comparison::LessOrEqual),
            operators::GREATER => comparison(Comparison::Greater),
            operators::GREATER_EQUALS => comparison(Comparison::GreaterOrEqual),
            operators::EQUALS => self.check_equality(Comparison::Equal, left, right),
            operators::NOT_EQUALS => self.check_equality(Comparison::NotEqual, left, right),
            operators::LOGICAL_AND => {
                let operands = self.bools(name, left, right)?;
                Ok(Typed::Bool(BoolNode::And(operands)))
            }
            operators::LOGICAL_OR => {
                let operands = self.bools(name, left, right)?;
                Ok(Typed::Bool(BoolNode::Or(operands)))
            }
            _ => Err(unknown_call(name)),
        }
    }

    fn check_equality(
        &self,
        comparison: Comparison,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<Typed, ProfileError> {
        let (left, right) = (self.check(left)?, self.check(right)?);
        let node = match (left, right) {
            (Typed::Int(left), Typed::Int(right)) => {
                BoolNode::Compare(comparison, Box::new([left, right]))
            }
            (Typed::Enum(one, left), Typed::Enum(other, right)) if one == other => {
                BoolNode::Compare(comparison, Box::new([left, right]))
            }
            (Typed::Bool(left), Typed::Bool(right)) => {
                let same = BoolNode::Same(Box::new([left, right]));
                match comparison {
                    Comparison::NotEqual => BoolNode::Not(Box::new(same)),
                    Comparison::Equal
                    | Comparison::Less
                    | Comparison::LessOrEqual
                    | Comparison::Greater
                    | Comparison::GreaterOrEqual => same,
                }
            }
            (left, right) => return Err(right.not(left.title(), "the right side of a comparison")),
        };
        Ok(Typed::Bool(node))
    }

    fn check_condition(
        &self,
        condition: &IdedExpr,
        yes: &IdedExpr,
        no: &IdedExpr,
    ) -> Result<Typed, ProfileError> {
        let condition = Box::new(self.check(condition)?.bool("what stands before ?")?);
        match (self.check(yes)?, self.check(no)?) {
            (Typed::Int(yes), Typed::Int(no)) => Ok(Typed::Int(IntNode::Condition(
                condition,
                Box::new([yes, no]),
            ))),
            (Typed::Enum(one, yes), Typed::Enum(other, no)) if one == other => Ok(Typed::Enum(
                one,
                IntNode::Condition(condition, Box::new([yes, no])),
            )),
            (Typed::Bool(yes), Typed::Bool(no)) => Ok(Typed::Bool(BoolNode::Condition(
                condition,
                Box::new([yes, no]),
            ))),
            (yes, no) => Err(no.not(yes.title(), "what stands after :")),
        }
    }

    fn ints(
        &self,
        name: &str,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<Box<[IntNode; 2]>, ProfileError> {
        let place = format!("each side of {}", symbol(name));
        Ok(Box::new([
            self.check(left)?.int(&place)?,
            self.check(right)?.int(&place)?,
        ]))
    }

    fn bools(
        &self,
        name: &str,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<Box<[BoolNode; 2]>, ProfileError> {
        let place = format!("each side of {}", symbol(name));
        Ok(Box::new([
            self.check(left)?.bool(&place)?,
            self.check(right)?.bool(&place)?,
        ]))
    }
}

fn check_literal(literal: &LiteralValue) -> Result<Typed, ProfileError> {
    match literal {
        // cel reads the sign into a literal, which reaches one number that no literal of the grammar reaches.
        LiteralValue::Int(value) if *value.inner() == i64::MIN => {
            Err(not_allowed("an integer below -9223372036854775807"))
        }
        LiteralValue::Int(value) => Ok(Typed::Int(IntNode::Constant(*value.inner()))),
        LiteralValue::Boolean(value) => Ok(Typed::Bool(BoolNode::Constant(*value.inner()))),
        LiteralValue::Bytes(_) | LiteralValue::String(_) => Err(not_allowed("text")),
        LiteralValue::Double(_) => Err(not_allowed("a number with a point or an exponent")),
        LiteralValue::UInt(_) => Err(not_allowed("an unsigned number")),
        LiteralValue::Null => Err(not_allowed("null")),
    }
}

fn symbol(operator: &str) -> &str {
    operator.trim_matches('_')
}

fn unknown_call(name: &str) -> ProfileError {
    match symbol(name) {
        "min" | "max" => not_allowed(&format!("{name}() of fewer than two")),
        "@in" => not_allowed("in"),
        _ => not_allowed(&format!("{name}()")),
    }
}

fn not_allowed(what: &str) -> ProfileError {
    ProfileError::NotAllowed(what.to_owned())
}

impl IntNode {
    /// Adds the fields that it reads, in their order.
    pub(super) fn fields(&self, read: &mut Vec<usize>) {
        match self {
            Self::Constant(_) | Self::Named(..) => {}
            Self::Field(index) => read.push(*index),
            Self::Negate(operand) => operand.fields(read),
            Self::Binary(_, operands) => operands.iter().for_each(|operand| operand.fields(read)),
            Self::Condition(condition, branches) => {
                condition.fields(read);
                branches.iter().for_each(|branch| branch.fields(read));
            }
            Self::Min(operands) | Self::Max(operands) => {
                operands.iter().for_each(|operand| operand.fields(read));
            }
        }
    }
}

impl BoolNode {
    /// Adds the fields that it reads, in their order.
    pub(super) fn fields(&self, read: &mut Vec<usize>) {
        match self {
            Self::Constant(_) => {}
            Self::Field(index) => read.push(*index),
            Self::Not(operand) => operand.fields(read),
            Self::And(operands) | Self::Or(operands) | Self::Same(operands) => {
                operands.iter().for_each(|operand| operand.fields(read));
            }
            Self::Compare(_, operands) => operands.iter().for_each(|operand| operand.fields(read)),
            Self::Condition(condition, branches) => {
                condition.fields(read);
                branches.iter().for_each(|branch| branch.fields(read));
            }
        }
    }
}
