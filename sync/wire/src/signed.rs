//! Signed bodies with their raw bytes, and raw bytes that nobody verified yet.

use std::fmt;
use std::marker::PhantomData;

use dashpoint_membership::{DeviceId, EntryHash, MemberId};

use crate::codec::{Cbor, CborReader, CborWriter, Schema, decode, decode_tolerant, encode};
use crate::cose::{Purpose, sign1, unverified, verify1};
use crate::digest;
use crate::error::{WireError, bounded};
use crate::key::{PublicKey, SigningKey};

/// A body that is signed, for one purpose only.
pub trait Signable: Cbor {
    /// Scope of the signature: a device, a member, or `()` for everyone.
    type Scope: Scope;

    /// Names the purpose in what the signature covers.
    const CONTEXT: &'static str;

    /// Most raw bytes, signature and all.
    const MAX_LEN: usize;

    /// True when a reader skips the keys of maps that it does not know: a newer cloud may sign more than an older car
    /// knows. False for what a device signs.
    const GROWS: bool;

    /// Refuses a body that contradicts itself or speaks of another than its scope.
    ///
    /// # Errors
    /// [`WireError::WrongScope`], [`WireError::Account`].
    fn check(&self, scope: &Self::Scope) -> Result<(), WireError>;
}

/// The scope of a signature.
pub trait Scope {
    /// The bytes that the signature covers.
    fn as_scope(&self) -> &[u8];
}

impl Scope for DeviceId {
    fn as_scope(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Scope for MemberId {
    fn as_scope(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Scope for () {
    fn as_scope(&self) -> &[u8] {
        &[]
    }
}

/// A body whose signature was made or verified here, with the very bytes that were signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed<T> {
    raw: Vec<u8>,
    body: T,
}

impl<T: Signable> Signed<T> {
    /// Signs a body.
    ///
    /// # Errors
    /// [`WireError`] for a body that [`Signed::verify`] would refuse: one that is too long, names another device or member
    /// than `scope`, or contradicts itself.
    pub fn sign(body: T, key: &SigningKey, scope: &T::Scope) -> Result<Self, WireError> {
        body.check(scope)?;
        let payload = encode(&body);
        // A text or an array can be longer than the other end reads; better to learn it before it is sent.
        decode::<T>(&payload)?;
        let raw = sign1(&payload, key, purpose::<T>(scope));
        bounded(raw.len(), T::MAX_LEN)?;
        Ok(Self { raw, body })
    }

    /// Takes signed bytes as they came: the signature is verified over them as they are, then the body is read.
    ///
    /// # Errors
    /// [`WireError`] unless they are the one accepted encoding of a body, signed by `key`, for this purpose and `scope`. The
    /// encoding of a body that [grows](Signable::GROWS) may have keys that are not known.
    pub fn verify(
        raw: impl Into<Vec<u8>>,
        key: &PublicKey,
        scope: &T::Scope,
    ) -> Result<Self, WireError> {
        let raw = raw.into();
        bounded(raw.len(), T::MAX_LEN)?;
        let payload = verify1(&raw, key, purpose::<T>(scope))?;
        let body: T = read(payload)?;
        body.check(scope)?;
        Ok(Self { raw, body })
    }
}

impl<T> Signed<T> {
    /// The signed bytes.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Returns the decoded body.
    #[must_use]
    pub const fn body(&self) -> &T {
        &self.body
    }

    /// SHA-256 of the signed bytes: the `prev` of the next entry.
    #[must_use]
    pub fn hash(&self) -> EntryHash {
        EntryHash::from_bytes(digest(&self.raw))
    }

    /// The signed bytes, to be sent.
    #[must_use]
    pub fn to_raw(&self) -> Raw<T> {
        Raw::from(self.raw.clone())
    }

    /// The signed bytes and what they say.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, T) {
        (self.raw, self.body)
    }
}

impl<T: fmt::Debug> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signed").field(&self.body).finish()
    }
}

fn read<T: Signable>(payload: &[u8]) -> Result<T, WireError> {
    if T::GROWS {
        decode_tolerant(payload)
    } else {
        decode(payload)
    }
}

fn purpose<T: Signable>(scope: &T::Scope) -> Purpose<'_> {
    Purpose {
        context: T::CONTEXT,
        scope: scope.as_scope(),
    }
}

/// Bytes that claim to be a signed `T`. What they say is known to be said by the holder of a key only after [`Raw::verify`].
pub struct Raw<T> {
    bytes: Vec<u8>,
    claims: PhantomData<fn() -> T>,
}

impl<T> Raw<T> {
    /// The bytes as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes as they came.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256 of the bytes.
    #[must_use]
    pub fn hash(&self) -> EntryHash {
        EntryHash::from_bytes(digest(&self.bytes))
    }
}

impl<T: Signable> Raw<T> {
    /// [`Signed::verify`] of these bytes.
    ///
    /// # Errors
    /// Those of [`Signed::verify`].
    pub fn verify(self, key: &PublicKey, scope: &T::Scope) -> Result<Signed<T>, WireError> {
        Signed::verify(self.bytes, key, scope)
    }

    /// Reads what the bytes claim, whoever signed them: enough to leave them out, never to act on them.
    ///
    /// # Errors
    /// [`WireError`] unless they are the one accepted encoding of a body.
    pub fn claimed(&self) -> Result<T, WireError> {
        bounded(self.bytes.len(), T::MAX_LEN)?;
        read(unverified(&self.bytes)?)
    }
}

impl<T> From<Vec<u8>> for Raw<T> {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            claims: PhantomData,
        }
    }
}

impl<T> From<&[u8]> for Raw<T> {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl<T> From<Raw<T>> for Vec<u8> {
    fn from(raw: Raw<T>) -> Self {
        raw.bytes
    }
}

impl<T> From<Signed<T>> for Raw<T> {
    fn from(signed: Signed<T>) -> Self {
        Self::from(signed.raw)
    }
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        Self::from(self.bytes.clone())
    }
}

impl<T> PartialEq for Raw<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Raw<T> {}

impl<T> fmt::Debug for Raw<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes, {})", self.bytes.len(), self.hash())
    }
}

impl<T: Signable> Cbor for Raw<T> {
    fn write(&self, out: &mut CborWriter) {
        out.bytes(&self.bytes);
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        let bytes = input.bytes()?;
        bounded(bytes.len(), T::MAX_LEN)?;
        Ok(Self::from(bytes))
    }

    fn describe(schema: &mut Schema) -> String {
        format!("signed {}", T::describe(schema))
    }
}
