//! The fields of a struct as entries of a map.

use std::ops::Range;

use super::{BODY_VERSION, Cbor, CborReader, CborWriter, Schema};
use crate::error::WireError;

/// A value under a key: one that must be there, or an `Option` that is left out when it is `None`.
pub trait MapField: Sized {
    /// Returns whether it has an entry.
    fn is_present(&self) -> bool;

    /// Writes its entry, if it has one.
    fn put(&self, key: u64, out: &mut CborWriter);

    /// Takes it from the map, in the order of the keys.
    ///
    /// # Errors
    /// [`WireError`] when it must be there and is not, or is of another shape.
    fn take(map: &mut MapReader<'_, '_>, key: u64) -> Result<Self, WireError>;

    /// Its type in the schema.
    fn describe(schema: &mut Schema) -> String;
}

impl<T: Cbor> MapField for T {
    fn is_present(&self) -> bool {
        true
    }

    fn put(&self, key: u64, out: &mut CborWriter) {
        out.uint(key);
        self.write(out);
    }

    fn take(map: &mut MapReader<'_, '_>, key: u64) -> Result<Self, WireError> {
        map.take(key)?.ok_or_else(|| WireError::MissingKey {
            key,
            at: map.input.position(),
        })
    }

    fn describe(schema: &mut Schema) -> String {
        T::describe(schema)
    }
}

impl<T: Cbor> MapField for Option<T> {
    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn put(&self, key: u64, out: &mut CborWriter) {
        if let Some(value) = self {
            value.put(key, out);
        }
    }

    fn take(map: &mut MapReader<'_, '_>, key: u64) -> Result<Self, WireError> {
        map.take(key)
    }

    fn describe(schema: &mut Schema) -> String {
        format!("{}, optional", T::describe(schema))
    }
}

/// A map whose fields are being taken in ascending order of their keys.
#[derive(Debug)]
pub struct MapReader<'r, 'b> {
    input: &'r mut CborReader<'b>,
    /// Place of the map's head.
    head: Range<usize>,
    entries: usize,
    entries_left: usize,
    entries_skipped: usize,
    /// The key that was read and whose value comes next.
    key: Option<u64>,
    /// Place of this key.
    key_at: usize,
}

impl<'r, 'b> MapReader<'r, 'b> {
    pub(crate) fn open(input: &'r mut CborReader<'b>) -> Result<Self, WireError> {
        let from = input.position();
        let entries = input.map()?;
        let head = from..input.position();
        let mut map = Self {
            input,
            head,
            entries,
            entries_left: entries,
            entries_skipped: 0,
            key: None,
            key_at: from,
        };
        map.advance()?;
        Ok(map)
    }

    /// Opens the map of a signed body and takes its version.
    pub(crate) fn open_versioned(input: &'r mut CborReader<'b>) -> Result<Self, WireError> {
        let mut map = Self::open(input)?;
        match u64::take(&mut map, 0)? {
            BODY_VERSION => Ok(map),
            found => Err(WireError::Version { found }),
        }
    }

    /// Ends the map: no key may be left, but for one that a tolerant reader does not know.
    pub(crate) fn close(mut self) -> Result<(), WireError> {
        self.skip_until(None)?;
        match self.key {
            None => {
                if self.entries_skipped > 0 {
                    let mut head = CborWriter::default();
                    head.map(self.entries - self.entries_skipped);
                    self.input.cut(self.head, head.into_bytes());
                }
                Ok(())
            }
            Some(key) => Err(WireError::UnknownKey {
                key,
                at: self.input.position(),
            }),
        }
    }

    /// Skips, when the reader is tolerant, the entries before the next key that this program knows; all without one.
    fn skip_until(&mut self, known: Option<u64>) -> Result<(), WireError> {
        let is_before = |key| known.is_none_or(|known| key < known);
        while self.input.is_tolerant() && self.key.is_some_and(is_before) {
            self.input.skip_entry(self.key_at)?;
            self.entries_skipped += 1;
            self.advance()?;
        }
        Ok(())
    }

    fn take<T: Cbor>(&mut self, key: u64) -> Result<Option<T>, WireError> {
        self.skip_until(Some(key))?;
        if self.key != Some(key) {
            return Ok(None);
        }
        let value = T::read(self.input)?;
        self.advance()?;
        Ok(Some(value))
    }

    fn advance(&mut self) -> Result<(), WireError> {
        self.key = match self.entries_left.checked_sub(1) {
            None => None,
            Some(left) => {
                self.entries_left = left;
                self.key_at = self.input.position();
                let key = self.input.uint()?;
                // The comparison of what was read does not see the order of what was skipped.
                if self.input.is_tolerant() && self.key.is_some_and(|last| key <= last) {
                    return Err(WireError::NotCanonical);
                }
                Some(key)
            }
        };
        Ok(())
    }
}

/// Writes the head of a struct's map.
pub(crate) fn open_map(out: &mut CborWriter, fields_present: usize) {
    out.map(fields_present);
}

/// Writes the head of a signed body's map, and its version.
pub(crate) fn open_versioned_map(out: &mut CborWriter, fields_present: usize) {
    out.map(fields_present + 1);
    BODY_VERSION.put(0, out);
}

/// A field's [`MapField::take`], named so that a macro can let the field's type be inferred from where the value goes.
pub(crate) type Take<T> = fn(&mut MapReader<'_, '_>, u64) -> Result<T, WireError>;

/// Describes the type that a [`Take`] makes.
pub(crate) fn describe_taken<T: MapField>(_: Take<T>, schema: &mut Schema) -> String {
    T::describe(schema)
}

/// The same for a body that is not a field.
pub(crate) type Read<T> = fn(&mut CborReader<'_>) -> Result<T, WireError>;

/// Describes the type that a [`Read`] makes.
pub(crate) fn describe_read<T: Cbor>(_: Read<T>, schema: &mut Schema) -> String {
    T::describe(schema)
}
