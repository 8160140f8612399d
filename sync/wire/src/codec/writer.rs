//! Writing CBOR to memory.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::Error;

/// CBOR in the making; always the shortest form of a number or a length.
#[derive(Debug)]
pub struct CborWriter(Encoder<Vec<u8>>);

impl Default for CborWriter {
    fn default() -> Self {
        Self(Encoder::new(Vec::new()))
    }
}

impl CborWriter {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_writer()
    }

    pub(crate) fn uint(&mut self, number: u64) {
        written(self.0.u64(number));
    }

    pub(crate) fn int(&mut self, number: i64) {
        written(self.0.i64(number));
    }

    pub(crate) fn bool(&mut self, value: bool) {
        written(self.0.bool(value));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        written(self.0.bytes(bytes));
    }

    pub(crate) fn text(&mut self, text: &str) {
        written(self.0.str(text));
    }

    pub(crate) fn array(&mut self, len: usize) {
        written(self.0.array(wide(len)));
    }

    pub(crate) fn map(&mut self, len: usize) {
        written(self.0.map(wide(len)));
    }

    pub(crate) fn tag(&mut self, tag: u64) {
        written(self.0.tag(minicbor::data::Tag::new(tag)));
    }

    /// Adds items that are encoded already.
    pub(crate) fn raw(&mut self, items: &[u8]) {
        self.0.writer_mut().extend_from_slice(items);
    }
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).expect("invariant: a length in memory fits 64 bits")
}

fn written(result: Result<&mut Encoder<Vec<u8>>, Error<Infallible>>) {
    result.expect("invariant: writing to memory does not fail");
}
