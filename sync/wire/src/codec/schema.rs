//! Lists the keys and numbers of every type, for the protocol's document to be checked against.

use std::collections::BTreeMap;

/// All types that a root is made of, by name.
#[derive(Debug, Default)]
pub struct Schema {
    shapes: BTreeMap<String, Shape>,
}

/// The encoding of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A newtype: the name of what it is encoded as.
    Newtype(String),
    /// A map or a choice.
    Table(Vec<SchemaRow>),
}

/// One key of a map, or one number of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRow {
    /// Key or number.
    pub number: u64,
    /// Name of the field or variant.
    pub name: String,
    /// Type of the value or body; empty for a choice without a body.
    pub holds: String,
}

impl Schema {
    /// The types, by name.
    #[must_use]
    pub const fn shapes(&self) -> &BTreeMap<String, Shape> {
        &self.shapes
    }

    pub(crate) fn newtype(&mut self, name: &str, inner: String) -> String {
        self.shapes.insert(name.to_owned(), Shape::Newtype(inner));
        name.to_owned()
    }

    /// Enters a type once; its rows may enter others.
    pub(crate) fn table(
        &mut self,
        name: &str,
        rows: impl FnOnce(&mut Self) -> Vec<SchemaRow>,
    ) -> String {
        if !self.shapes.contains_key(name) {
            let rows = rows(self);
            self.shapes.insert(name.to_owned(), Shape::Table(rows));
        }
        name.to_owned()
    }
}

pub(crate) fn row(number: u64, name: &str, holds: String) -> SchemaRow {
    SchemaRow {
        number,
        name: name.to_owned(),
        holds,
    }
}

/// A body of named fields, in one line.
pub(crate) fn braces(fields: &[SchemaRow]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|field| format!("{} `{}` {}", field.number, field.name, field.holds))
        .collect();
    format!("{{{}}}", fields.join("; "))
}
