//! Entries of maps that a newer program has written and this one does not know: skipped, and held to the one encoding too.

use std::ops::Range;

use crate::error::{WireError, bounded};
use crate::limits::{MAX_ITEMS, MAX_TEXT};

/// Deepest nesting of a value under an unknown key.
const MAX_DEPTH: usize = 16;

/// Bytes that this program would have written in another way, because it does not know an entry.
#[derive(Debug)]
pub(crate) struct Omission {
    /// Place of the bytes.
    pub place: Range<usize>,
    /// Bytes that this program would have written there.
    pub instead: Vec<u8>,
}

/// Returns the bytes as this program would have written them.
pub(crate) fn without(bytes: &[u8], mut cuts: Vec<Omission>) -> Vec<u8> {
    cuts.sort_by_key(|cut| cut.place.start);
    let mut kept = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for cut in cuts {
        kept.extend_from_slice(&bytes[from..cut.place.start]);
        kept.extend_from_slice(&cut.instead);
        from = cut.place.end;
    }
    kept.extend_from_slice(&bytes[from..]);
    kept
}

/// Checks that the item at a place is in the one accepted encoding, and returns the place after it.
///
/// # Errors
/// [`WireError`] for any other encoding, for what the protocol does not have, and beyond its bounds.
pub(crate) fn skip(bytes: &[u8], at: usize) -> Result<usize, WireError> {
    skip_nested(bytes, at, MAX_DEPTH)
}

fn skip_nested(bytes: &[u8], at: usize, depth: usize) -> Result<usize, WireError> {
    let (major, number, after) = head(bytes, at)?;
    let too_deep = WireError::Value {
        at,
        expected: "a value that nests at most 16 deep",
    };
    let depth = depth.checked_sub(1).ok_or(too_deep)?;
    match major {
        0 | 1 => Ok(after),
        2 => Ok(text_or_bytes(bytes, after, number)?.end),
        3 => {
            let place = text_or_bytes(bytes, after, number)?;
            length(number, MAX_TEXT)?;
            std::str::from_utf8(&bytes[place.clone()]).map_err(|_| malformed(at, "a text"))?;
            Ok(place.end)
        }
        4 => {
            let items = length(number, MAX_ITEMS)?;
            (0..items).try_fold(after, |at, _| skip_nested(bytes, at, depth))
        }
        5 => {
            let entries = length(number, MAX_ITEMS)?;
            let mut last: &[u8] = &[];
            (0..entries).try_fold(after, |at, _| {
                let value = skip_nested(bytes, at, depth)?;
                let key = &bytes[at..value];
                if key <= last {
                    return Err(WireError::NotCanonical);
                }
                last = key;
                skip_nested(bytes, value, depth)
            })
        }
        7 if matches!(bytes[at], 0xf4 | 0xf5) => Ok(after),
        _ => Err(malformed(at, "a value of the protocol")),
    }
}

/// Returns the major type and the number of an item, and the place after its head.
fn head(bytes: &[u8], at: usize) -> Result<(u8, u64, usize), WireError> {
    let end = malformed(at, "an item");
    let first = *bytes.get(at).ok_or(end.clone())?;
    let (major, info) = (first >> 5, first & 31);
    let size = match info {
        0..=23 => return Ok((major, u64::from(info), at + 1)),
        24..=27 => 1_usize << (info - 24),
        // Reserved, and lengths that are not told beforehand.
        _ => return Err(WireError::NotCanonical),
    };
    let after = at + 1 + size;
    let digits = bytes.get(at + 1..after).ok_or(end)?;
    let number = digits
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    let least = match size {
        1 => 24,
        size => 1 << (4 * size),
    };
    if number < least {
        return Err(WireError::NotCanonical);
    }
    Ok((major, number, after))
}

fn text_or_bytes(bytes: &[u8], from: usize, len: u64) -> Result<Range<usize>, WireError> {
    let end = malformed(from, "so many bytes");
    let len = usize::try_from(len).map_err(|_| end.clone())?;
    let to = from.checked_add(len).filter(|to| *to <= bytes.len());
    Ok(from..to.ok_or(end)?)
}

fn length(number: u64, max: usize) -> Result<usize, WireError> {
    let len = usize::try_from(number).unwrap_or(usize::MAX);
    bounded(len, max)?;
    Ok(len)
}

const fn malformed(at: usize, expected: &'static str) -> WireError {
    WireError::Malformed { at, expected }
}
