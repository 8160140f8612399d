//! Ed25519 keys.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::digest;
use crate::error::WireError;

/// The private half of a key pair; it signs and is never shown.
#[derive(Clone)]
pub struct SigningKey(Arc<Ed25519KeyPair>);

impl SigningKey {
    /// Makes a new key from the operating system's randomness and returns it as PKCS#8 (version 2, DER) to be stored.
    ///
    /// # Errors
    /// [`WireError::NoRandomness`].
    pub fn generate() -> Result<Vec<u8>, WireError> {
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map(|document| document.as_ref().to_vec())
            .map_err(|_| WireError::NoRandomness)
    }

    /// Takes a stored key.
    ///
    /// # Errors
    /// [`WireError::PrivateKey`] when it is no PKCS#8 version 2, or its halves do not fit.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, WireError> {
        Ed25519KeyPair::from_pkcs8(pkcs8)
            .map(|pair| Self(Arc::new(pair)))
            .map_err(|_| WireError::PrivateKey)
    }

    /// Makes the key of a seed (RFC 8032): the same one each time, for simulations and vectors.
    ///
    /// # Panics
    /// Never: each 32 bytes are a seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .expect("invariant: a seed of 32 bytes has the right length");
        Self(Arc::new(pair))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; PublicKey::LEN];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        let mut bytes = [0; SIGNATURE_LEN];
        bytes.copy_from_slice(self.0.sign(message).as_ref());
        bytes
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public())
    }
}

pub(crate) const SIGNATURE_LEN: usize = 64;
pub(crate) const KEY_ID_LEN: usize = 8;

/// Encodings of y of the points of order 1, 2, 4 and 8, those above the field's prime included.
const SMALL_ORDER: [[u8; 32]; 7] = [
    y_of(0x00, 0x00, 0x00),
    y_of(0x01, 0x00, 0x00),
    y_of(0xec, 0xff, 0x7f),
    y_of(0xed, 0xff, 0x7f),
    y_of(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

const fn y_of(first: u8, between: u8, last: u8) -> [u8; 32] {
    let mut y = [between; 32];
    y[0] = first;
    y[31] = last;
    y
}

/// The public half of a key pair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// A text that is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a public key: one has 64 hexadecimal digits, in lower case")]
pub struct ParseKeyError(String);

impl PublicKey {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// Takes the bytes as they are; a key that is no point of the curve verifies nothing.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes as they are.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Tells a point of small order, under which one signature serves for many messages: nobody's key pair has one.
    ///
    /// The seven values of y with either sign, as in libsodium's `ge25519_has_small_order`.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        let mut y = self.0;
        y[31] &= 0x7f;
        SMALL_ORDER.contains(&y)
    }

    /// The first eight bytes of the key's SHA-256: how a signature names it.
    #[must_use]
    pub fn id(&self) -> [u8; KEY_ID_LEN] {
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&digest(&self.0)[..KEY_ID_LEN]);
        id
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WireError> {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(message, signature)
            .map_err(|_| WireError::BadSignature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        HEXLOWER
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| ParseKeyError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_is_read_back_and_a_damaged_one_is_not() {
        let stored = SigningKey::generate().unwrap();
        let key = SigningKey::from_pkcs8(&stored).unwrap();
        let signature = key.sign(b"message");
        assert_eq!(key.public().verify(b"message", &signature), Ok(()));
        assert_eq!(
            key.public().verify(b"massage", &signature),
            Err(WireError::BadSignature)
        );
        assert!(SigningKey::from_pkcs8(&stored[1..]).is_err());
        assert!(!format!("{key:?}").contains(&HEXLOWER.encode(&stored[16..48])));
    }

    /// The first test vector of RFC 8032, 7.1.
    #[test]
    fn a_seed_gives_the_key_that_the_rfc_says() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let seed: [u8; 32] = HEXLOWER
            .decode(seed.as_bytes())
            .unwrap()
            .try_into()
            .unwrap();
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(SigningKey::from_seed(&seed).public().to_string(), public);
        assert_eq!(
            public.parse::<PublicKey>().map(|key| key.to_string()),
            Ok(public.to_owned())
        );
        assert!(public.to_uppercase().parse::<PublicKey>().is_err());
        assert!(public[2..].parse::<PublicKey>().is_err());
    }
}
