//! Bodies of requests and responses, deflated as HTTP means it (RFC 9110, 8.4.1.2): the zlib format.

use std::io::Read;

use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};

use crate::error::WireError;

/// Compresses a body for `Content-Encoding: deflate`.
#[must_use]
pub fn deflate(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ZlibEncoder::new(body, Compression::default())
        .read_to_end(&mut out)
        .expect("invariant: reading a slice and writing to memory do not fail");
    out
}

/// Restores a body, never holding more than `max` bytes and one of it.
///
/// # Errors
/// [`WireError::TooLong`] past `max`; [`WireError::Deflate`] for anything but one complete stream.
pub fn inflate(body: &[u8], max: usize) -> Result<Vec<u8>, WireError> {
    let mut decoder = ZlibDecoder::new(body);
    let mut out = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .by_ref()
        .take(limit)
        .read_to_end(&mut out)
        .map_err(|_| WireError::Deflate)?;
    if out.len() > max {
        return Err(WireError::TooLong {
            len: out.len(),
            max,
        });
    }
    let consumed = usize::try_from(decoder.total_in()).map_err(|_| WireError::Deflate)?;
    if consumed == body.len() && consumed > 0 {
        Ok(out)
    } else {
        Err(WireError::Deflate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deflated_comes_back_within_its_bound_only() {
        let body = vec![7; 10_000];
        let sent = deflate(&body);
        assert!(sent.len() < 100);
        assert_eq!(inflate(&sent, 10_000), Ok(body));
        assert_eq!(
            inflate(&sent, 9_999),
            Err(WireError::TooLong {
                len: 10_000,
                max: 9_999
            })
        );
    }

    #[test]
    fn anything_but_one_complete_stream_is_refused() {
        let sent = deflate(b"seven points");
        for len in 0..sent.len() {
            assert_eq!(
                inflate(&sent[..len], 100),
                Err(WireError::Deflate),
                "cut to {len}"
            );
        }
        let mut longer = sent;
        longer.push(0);
        assert_eq!(inflate(&longer, 100), Err(WireError::Deflate));
        assert_eq!(inflate(b"not zlib", 100), Err(WireError::Deflate));
    }
}
