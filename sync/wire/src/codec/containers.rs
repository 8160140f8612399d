//! Arrays and maps of values.

use std::collections::BTreeMap;

use super::{Cbor, CborReader, CborWriter, Schema, encode};
use crate::error::WireError;

impl<T: Cbor> Cbor for Vec<T> {
    fn write(&self, out: &mut CborWriter) {
        out.array(self.len());
        for item in self {
            item.write(out);
        }
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        let len = input.array()?;
        let mut items = Self::new();
        for _ in 0..len {
            items.push(T::read(input)?);
        }
        Ok(items)
    }

    fn describe(schema: &mut Schema) -> String {
        format!("[{}]", T::describe(schema))
    }
}

impl<K: Cbor + Ord, V: Cbor> Cbor for BTreeMap<K, V> {
    fn write(&self, out: &mut CborWriter) {
        // The order of the encoded keys is not that of the keys: a short text comes before a long one.
        let mut entries: Vec<_> = self
            .iter()
            .map(|(key, value)| (encode(key), value))
            .collect();
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        out.map(entries.len());
        for (key, value) in entries {
            out.raw(&key);
            value.write(out);
        }
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        let len = input.map()?;
        let mut entries = Self::new();
        let mut last_key: &[u8] = &[];
        for _ in 0..len {
            let begin = input.position();
            let key = K::read(input)?;
            let encoded = input.since(begin);
            if encoded <= last_key {
                return Err(WireError::NotCanonical);
            }
            last_key = encoded;
            entries.insert(key, V::read(input)?);
        }
        Ok(entries)
    }

    fn describe(schema: &mut Schema) -> String {
        let key = K::describe(schema);
        format!("{{{key} => {}}}", V::describe(schema))
    }
}
