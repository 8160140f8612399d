//! Reading CBOR from foreign bytes.

use minicbor::Decoder;
use minicbor::data::Type;

use super::{MAX_ITEMS, MAX_TEXT};
use crate::error::WireError;

/// A place in foreign bytes.
///
/// Nothing is reserved for a length before its items are there, so no few bytes cost much memory.
#[derive(Debug)]
pub struct Reader<'b>(Decoder<'b>);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    pub(crate) fn position(&self) -> usize {
        self.0.position()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.position() == self.0.input().len()
    }

    /// The bytes from an earlier position up to here.
    pub(crate) fn since(&self, position: usize) -> &'b [u8] {
        &self.0.input()[position..self.0.position()]
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
        if matches!(self.0.datatype(), Ok(Type::Array)) {
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
        read(&mut self.0).map_err(|_| WireError::Malformed { at, expected })
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

pub(crate) const fn bounded(len: usize, max: usize) -> Result<(), WireError> {
    if len <= max {
        Ok(())
    } else {
        Err(WireError::TooLong { len, max })
    }
}
