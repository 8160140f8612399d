//! Reading CBOR from foreign bytes.

use std::ops::Range;

use minicbor::Decoder;
use minicbor::data::Type;

use super::unknown::{self, Omission};
use crate::error::{WireError, bounded};
use crate::limits::{MAX_ITEMS, MAX_TEXT};

/// A place in foreign bytes.
///
/// Nothing is reserved for a length before its items are there, so no few bytes cost much memory.
#[derive(Debug)]
pub struct CborReader<'b> {
    decoder: Decoder<'b>,
    /// True when entries of maps that are not known are skipped.
    is_tolerant: bool,
    cuts: Vec<Omission>,
}

impl<'b> CborReader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self {
            decoder: Decoder::new(bytes),
            is_tolerant: false,
            cuts: Vec::new(),
        }
    }

    /// Begins to read bytes that a newer program may have written.
    pub(crate) fn tolerant(bytes: &'b [u8]) -> Self {
        Self {
            is_tolerant: true,
            ..Self::new(bytes)
        }
    }

    pub(crate) const fn is_tolerant(&self) -> bool {
        self.is_tolerant
    }

    /// Skips an entry whose key, at `from`, was read and is not known.
    pub(crate) fn skip_entry(&mut self, from: usize) -> Result<(), WireError> {
        let bytes = self.decoder.input();
        let value = unknown::skip(bytes, from)?;
        let end = unknown::skip(bytes, value)?;
        self.decoder.set_position(end);
        self.cut(from..end, Vec::new());
        Ok(())
    }

    /// Notes bytes that this program would have written in another way.
    pub(crate) fn cut(&mut self, place: Range<usize>, instead: Vec<u8>) {
        self.cuts.push(Omission { place, instead });
    }

    /// Returns the bytes as this program would have written them.
    pub(crate) fn known_bytes(self) -> Vec<u8> {
        unknown::without(self.decoder.input(), self.cuts)
    }

    pub(crate) fn position(&self) -> usize {
        self.decoder.position()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.decoder.position() == self.decoder.input().len()
    }

    /// The bytes from an earlier position up to here.
    pub(crate) fn since(&self, position: usize) -> &'b [u8] {
        &self.decoder.input()[position..self.decoder.position()]
    }

    pub(crate) fn uint(&mut self) -> Result<u64, WireError> {
        self.item("an unsigned integer", Decoder::u64)
    }

    pub(crate) fn int(&mut self) -> Result<i64, WireError> {
        self.item("an integer of 64 bits", Decoder::i64)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, WireError> {
        self.item("a boolean", Decoder::bool)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], WireError> {
        self.item("a byte string", Decoder::bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, WireError> {
        let text = self.item("a text", Decoder::str)?;
        bounded(text.len(), MAX_TEXT)?;
        Ok(text)
    }

    pub(crate) fn array(&mut self) -> Result<usize, WireError> {
        self.length("an array", Decoder::array)
    }

    pub(crate) fn map(&mut self) -> Result<usize, WireError> {
        self.length("a map", Decoder::map)
    }

    pub(crate) fn tag(&mut self) -> Result<u64, WireError> {
        self.item("a tag", Decoder::tag).map(u64::from)
    }

    /// The number of a choice, and whether a body follows.
    pub(crate) fn choice(&mut self) -> Result<(u64, bool), WireError> {
        if matches!(self.decoder.datatype(), Ok(Type::Array)) {
            if self.array()? != 2 {
                return Err(self.value("an array of a number and a body"));
            }
            Ok((self.uint()?, true))
        } else {
            Ok((self.uint()?, false))
        }
    }

    /// The error for a value that was read and that the type does not have.
    pub(crate) fn value(&self, expected: &'static str) -> WireError {
        WireError::Value {
            at: self.position(),
            expected,
        }
    }

    fn item<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<T, WireError> {
        let at = self.position();
        read(&mut self.decoder).map_err(|_| WireError::Malformed { at, expected })
    }

    fn length(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<Option<u64>, minicbor::decode::Error>,
    ) -> Result<usize, WireError> {
        // An indefinite length is no error of shape, only not the accepted encoding.
        let items = self.item(expected, read)?.ok_or(WireError::NotCanonical)?;
        let items = usize::try_from(items).unwrap_or(usize::MAX);
        bounded(items, MAX_ITEMS)?;
        Ok(items)
    }
}
