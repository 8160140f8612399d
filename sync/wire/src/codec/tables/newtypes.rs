//! Ids, versions, amounts and times: as the one value inside.

use dashpoint_membership::policy::Decimal8;
use dashpoint_membership::{
    BenefitId, BindingId, CapId, CatalogueVersion, CoarseTime, DeviceId, DriverTag, EntryHash,
    Epoch, EvidenceDigest, Growth, LedgerVersion, LocalDay, MemberId, MeterNumber, Milli, Points,
    PolicyVersion, RuleId, Seq, ServerEpoch, ServerTime, TierId, VehicleId,
};

use crate::codec::{Cbor, CborReader, CborWriter, Schema};
use crate::error::WireError;
use crate::key::PublicKey;

macro_rules! bytes {
    ($($name:ident),+ $(,)?) => {$(
        impl Cbor for $name {
            fn write(&self, out: &mut CborWriter) {
                self.as_bytes().write(out);
            }

            fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
                <[u8; Self::LEN]>::read(input).map(Self::from_bytes)
            }

            fn describe(schema: &mut Schema) -> String {
                let inner = <[u8; Self::LEN]>::describe(schema);
                schema.newtype(stringify!($name), inner)
            }
        }
    )+};
}

bytes!(
    MemberId,
    DeviceId,
    VehicleId,
    BindingId,
    DriverTag,
    EntryHash,
    EvidenceDigest,
    PublicKey,
);

macro_rules! numbers {
    ($($name:ident as $inner:ty: $from:ident, $to:ident;)+) => {$(
        impl Cbor for $name {
            fn write(&self, out: &mut CborWriter) {
                self.$to().write(out);
            }

            fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
                <$inner>::read(input).map(Self::$from)
            }

            fn describe(schema: &mut Schema) -> String {
                let inner = <$inner>::describe(schema);
                schema.newtype(stringify!($name), inner)
            }
        }
    )+};
}

numbers! {
    Epoch as u32: new, get;
    Seq as u64: new, get;
    PolicyVersion as u32: new, get;
    CatalogueVersion as u32: new, get;
    ServerEpoch as u32: new, get;
    LedgerVersion as u64: new, get;
    Points as i64: new, get;
    Growth as i64: new, get;
    Milli as i64: new, get;
    ServerTime as i64: from_unix_s, as_unix_s;
    LocalDay as i32: new, get;
    Decimal8 as i64: from_units, units;
}

macro_rules! names {
    ($($name:ident),+ $(,)?) => {$(
        impl Cbor for $name {
            fn write(&self, out: &mut CborWriter) {
                out.text(self.as_str());
            }

            fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
                Self::new(input.text()?)
                    .map_err(|_| input.value("a name of 1 to 48 characters out of a-z, 0-9 and -"))
            }

            fn describe(schema: &mut Schema) -> String {
                let inner = String::describe(schema);
                schema.newtype(stringify!($name), inner)
            }
        }
    )+};
}

names!(RuleId, CapId, BenefitId, TierId);

impl Cbor for MeterNumber {
    fn write(&self, out: &mut CborWriter) {
        self.get().write(out);
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        Self::new(u32::read(input)?).ok_or_else(|| input.value("a number from 1"))
    }

    fn describe(schema: &mut Schema) -> String {
        let inner = u32::describe(schema);
        schema.newtype("MeterNumber", inner)
    }
}

impl Cbor for CoarseTime {
    fn write(&self, out: &mut CborWriter) {
        self.as_unix_min().write(out);
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        Self::from_unix_min(i64::read(input)?)
            .ok_or_else(|| input.value("a multiple of five minutes"))
    }

    fn describe(schema: &mut Schema) -> String {
        let inner = i64::describe(schema);
        schema.newtype("CoarseTime", inner)
    }
}
