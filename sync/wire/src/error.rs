//! Errors of decoding and verifying bytes.

use dashpoint_membership::AccountError;

/// Bytes that are not what they should be, or a body that must not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// More bytes than this thing may have.
    #[error("{len} bytes where at most {max} are allowed")]
    TooLong {
        /// Actual length.
        len: usize,
        /// Longest length that is allowed.
        max: usize,
    },
    /// Another CBOR item than the type has there, or an end in the middle.
    #[error("byte {at} is not the beginning of {expected}")]
    Malformed {
        /// Position in the bytes.
        at: usize,
        /// The item that the type has there.
        expected: &'static str,
    },
    /// The right CBOR item with a value that the type does not have.
    #[error("the item before byte {at} is not {expected}")]
    Value {
        /// The byte after it.
        at: usize,
        /// The item that the type has there.
        expected: &'static str,
    },
    /// A key that the type needs is not there.
    #[error("key {key} is missing before byte {at}")]
    MissingKey {
        /// The key.
        key: u64,
        /// Position at which it should have been.
        at: usize,
    },
    /// A key that the type does not have, or not in this place.
    #[error("key {key} before byte {at} is unknown or out of place")]
    UnknownKey {
        /// The key.
        key: u64,
        /// The byte after it.
        at: usize,
    },
    /// A version of a signed body that this program cannot read.
    #[error("a body of version {found}, and this program reads version {known}", known = crate::limits::BODY_VERSION)]
    Version {
        /// The version in the bytes.
        found: u64,
    },
    /// Readable, but not the one accepted encoding.
    #[error("not the one accepted encoding")]
    NotCanonical,
    /// Signed by another key than the expected one.
    #[error("the key id is not that of the expected key")]
    WrongKey,
    /// The signature does not fit bytes, key, purpose and scope.
    #[error("the signature does not verify")]
    BadSignature,
    /// Signed for one device or member and speaking of another.
    #[error("the body names another device or member than its signature covers")]
    WrongScope,
    /// Signed, but contradicting itself.
    #[error("the body contradicts itself: {0}")]
    Unsound(&'static str),
    /// A statement whose account contradicts itself.
    #[error("the statement cannot be used: {0}")]
    Account(#[from] AccountError),
    /// A private key that cannot be used.
    #[error("not a private Ed25519 key in PKCS#8 version 2")]
    PrivateKey,
    /// The operating system gave no random bytes.
    #[error("no random bytes for a new key")]
    NoRandomness,
    /// A body that is no complete zlib stream.
    #[error("not a deflated body")]
    Deflate,
    /// A header that carries no token.
    #[error("not an Authorization header of the form `Dashpoint <base64url>`")]
    Authorization,
}

impl WireError {
    /// Returns whether the bytes may be genuine and made for a newer program: they are worth keeping and reporting.
    #[must_use]
    pub const fn is_newer(&self) -> bool {
        matches!(self, Self::Version { .. })
    }

    /// Returns whether the bytes were not signed by the expected key for the expected purpose.
    #[must_use]
    pub const fn is_inauthentic(&self) -> bool {
        matches!(self, Self::WrongKey | Self::BadSignature | Self::WrongScope)
    }
}

/// Refuses a length that is above its bound.
pub(crate) const fn bounded(len: usize, max: usize) -> Result<(), WireError> {
    if len <= max {
        Ok(())
    } else {
        Err(WireError::TooLong { len, max })
    }
}
