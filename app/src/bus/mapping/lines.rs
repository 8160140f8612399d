//! The lines of keys in a TOML text.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Finds the line of a key, for whoever has to mend it.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    table: Option<Spanned<DeTable<'a>>>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text,
            table: DeTable::parse(text).ok(),
        }
    }

    /// Returns the line of the last key of the path that is there, from 1; 1 when none is.
    pub(super) fn line(&self, path: &[&str]) -> usize {
        let mut byte = 0;
        let mut inside = self.table.as_ref().map(Spanned::get_ref);
        for key in path {
            let Some((found, value)) =
                inside.and_then(|table| table.iter().find(|(known, _)| known.get_ref() == key))
            else {
                break;
            };
            byte = found.span().start;
            inside = if let DeValue::Table(table) = value.get_ref() {
                Some(table)
            } else {
                None
            };
        }
        let before = self.text.get(..byte).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}
