//! Numbers, booleans, texts and byte strings.

use super::{Cbor, CborReader, CborWriter, Schema};
use crate::error::WireError;

macro_rules! cbor_number {
    ($($number:ty as $wide:ty: $call:ident, $name:literal;)+) => {$(
        impl Cbor for $number {
            fn write(&self, out: &mut CborWriter) {
                out.$call(<$wide>::from(*self));
            }

            fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
                Self::try_from(input.$call()?)
                    .map_err(|_| input.value(concat!("a number of type ", $name)))
            }

            fn describe(_: &mut Schema) -> String {
                $name.to_owned()
            }
        }
    )+};
}

cbor_number! {
    u8 as u64: uint, "uint8";
    u16 as u64: uint, "uint16";
    u32 as u64: uint, "uint32";
    u64 as u64: uint, "uint64";
    i16 as i64: int, "int16";
    i32 as i64: int, "int32";
    i64 as i64: int, "int64";
}

impl Cbor for bool {
    fn write(&self, out: &mut CborWriter) {
        out.bool(*self);
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        input.bool()
    }

    fn describe(_: &mut Schema) -> String {
        "bool".to_owned()
    }
}

impl Cbor for String {
    fn write(&self, out: &mut CborWriter) {
        out.text(self);
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        input.text().map(str::to_owned)
    }

    fn describe(_: &mut Schema) -> String {
        "tstr".to_owned()
    }
}

impl<const N: usize> Cbor for [u8; N] {
    fn write(&self, out: &mut CborWriter) {
        out.bytes(self);
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        let bytes = input.bytes()?;
        bytes
            .try_into()
            .map_err(|_| input.value("a byte string of the length that its type has"))
    }

    fn describe(_: &mut Schema) -> String {
        format!("bstr {N}")
    }
}
