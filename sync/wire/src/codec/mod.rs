//! Deterministic CBOR: one accepted encoding for each value.
//!
//! A struct is a map with ascending integer keys, an absent `Option` has no key; a closed choice is its number, or
//! `[number, body]` when the variant carries something; a newtype is its inner value; a `BTreeMap` is a map in the order
//! of its encoded keys. A reader of what the cloud has signed skips the keys of a map that it does not know. There are no floating-point numbers, no tags inside a body and no indefinite lengths. The types
//! do not contain themselves, so they bound the nesting.

mod containers;
mod macros;
pub(crate) mod map;
mod primitives;
pub(crate) mod reader;
pub(crate) mod schema;
mod tables;
mod unknown;
mod writer;

pub(crate) use macros::{cbor_choice, cbor_map};
pub use map::{MapField, MapReader};
pub use reader::CborReader;
pub use schema::{Schema, SchemaRow, Shape};
pub use writer::CborWriter;

use crate::MAX_DECODED;
use crate::error::{WireError, bounded};
pub use crate::limits::{BODY_VERSION, MAX_ITEMS, MAX_TEXT};

/// A type with one encoding.
pub trait Cbor: Sized {
    /// Writes the value.
    fn write(&self, out: &mut CborWriter);

    /// Reads a value, laxly where CBOR has several forms for it: [`decode`] refuses all but one of them.
    ///
    /// # Errors
    /// [`WireError`] when the bytes are of another shape.
    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError>;

    /// Enters the type, and those it is made of, in the schema that the protocol's document is checked against, and
    /// returns its name there.
    fn describe(schema: &mut Schema) -> String;
}

/// The one encoding of a value.
#[must_use]
pub fn encode<T: Cbor>(value: &T) -> Vec<u8> {
    let mut out = CborWriter::default();
    value.write(&mut out);
    out.into_bytes()
}

/// The value of an encoding, if it is the one accepted.
///
/// # Errors
/// [`WireError`] when the bytes are too many, of another shape, or encoded in another way.
pub fn decode<T: Cbor>(bytes: &[u8]) -> Result<T, WireError> {
    bounded(bytes.len(), MAX_DECODED)?;
    let mut input = CborReader::new(bytes);
    let value = T::read(&mut input)?;
    // Comparing is simpler than checking each rule, and it cannot forget one.
    if input.is_at_end() && encode(&value) == bytes {
        Ok(value)
    } else {
        Err(WireError::NotCanonical)
    }
}

/// The known part of an encoding that a newer program may have written: the entries of maps under keys that are not known
/// are skipped, and are held to the one encoding too.
///
/// # Errors
/// [`WireError`] when the bytes are too many, of another shape, or encoded in another way.
pub(crate) fn decode_tolerant<T: Cbor>(bytes: &[u8]) -> Result<T, WireError> {
    bounded(bytes.len(), MAX_DECODED)?;
    let mut input = CborReader::tolerant(bytes);
    let value = T::read(&mut input)?;
    if input.is_at_end() && encode(&value) == input.known_bytes() {
        Ok(value)
    } else {
        Err(WireError::NotCanonical)
    }
}
