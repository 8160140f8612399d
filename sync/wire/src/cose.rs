//! `COSE_Sign1` (RFC 9052) in the one form that is accepted here.
//!
//! `18([<< {1: -19, 4: key id} >>, {}, payload, signature])`: tag 18, Ed25519 (RFC 9864), an empty unprotected map, an
//! attached payload. What is signed besides is `[purpose, scope]`, so that no signature serves for another thing.

use crate::codec::{CborReader, CborWriter};
use crate::error::WireError;
use crate::key::{KEY_ID_LEN, PublicKey, SIGNATURE_LEN, SigningKey};

const TAG_SIGN1: u64 = 18;
const HEADER_ALGORITHM: u64 = 1;
const HEADER_KEY_ID: u64 = 4;
const ALGORITHM_ED25519: i64 = -19;
const SIGN1_CONTEXT: &str = "Signature1";

/// The context and scope that a signature covers besides headers and payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose<'a> {
    /// Names the kind of thing that is signed.
    pub context: &'a str,
    /// The device or member that it is signed for.
    pub scope: &'a [u8],
}

impl Purpose<'_> {
    fn external_aad(self) -> Vec<u8> {
        let mut out = CborWriter::default();
        out.array(2);
        out.text(self.context);
        out.bytes(self.scope);
        out.into_bytes()
    }

    fn to_be_signed(self, protected: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut out = CborWriter::default();
        out.array(4);
        out.text(SIGN1_CONTEXT);
        out.bytes(protected);
        out.bytes(&self.external_aad());
        out.bytes(payload);
        out.into_bytes()
    }
}

/// Signs a payload and returns the whole message.
pub(crate) fn sign1(payload: &[u8], key: &SigningKey, purpose: Purpose<'_>) -> Vec<u8> {
    let protected = protected_header(&key.public().id());
    let signature = key.sign(&purpose.to_be_signed(&protected, payload));
    assemble(&protected, payload, &signature)
}

/// Verifies a whole message and returns its payload.
pub(crate) fn verify1<'b>(
    raw: &'b [u8],
    key: &PublicKey,
    purpose: Purpose<'_>,
) -> Result<&'b [u8], WireError> {
    let parts = MessageParts::take(raw)?;
    if parts.protected != protected_header(&key.id()) {
        return Err(WireError::WrongKey);
    }
    let message = purpose.to_be_signed(parts.protected, parts.payload);
    key.verify(&message, parts.signature)?;
    Ok(parts.payload)
}

/// Returns the payload of a whole message, whoever signed it.
pub(crate) fn unverified(raw: &[u8]) -> Result<&[u8], WireError> {
    Ok(MessageParts::take(raw)?.payload)
}

/// The parts of a message in the accepted form; nothing about them is known to be genuine.
struct MessageParts<'b> {
    protected: &'b [u8],
    payload: &'b [u8],
    signature: &'b [u8],
}

impl<'b> MessageParts<'b> {
    fn take(raw: &'b [u8]) -> Result<Self, WireError> {
        let mut input = CborReader::new(raw);
        let is_sign1 = input.tag()? == TAG_SIGN1 && input.array()? == 4;
        if !is_sign1 {
            return Err(input.value("a COSE_Sign1 message"));
        }
        let protected = input.bytes()?;
        if input.map()? != 0 {
            return Err(input.value("an empty unprotected header"));
        }
        let parts = Self {
            protected,
            payload: input.bytes()?,
            signature: input.bytes()?,
        };
        check_header(parts.protected)?;
        let is_canonical = parts.signature.len() == SIGNATURE_LEN
            && assemble(parts.protected, parts.payload, parts.signature) == raw;
        if is_canonical {
            Ok(parts)
        } else {
            Err(WireError::NotCanonical)
        }
    }
}

/// Refuses a protected header of another form, such as one of another algorithm; the key id may be any.
fn check_header(protected: &[u8]) -> Result<(), WireError> {
    let id = protected
        .len()
        .checked_sub(KEY_ID_LEN)
        .and_then(|begin| protected[begin..].try_into().ok());
    match id {
        Some(id) if protected_header(&id) == protected => Ok(()),
        _ => Err(WireError::NotCanonical),
    }
}

fn protected_header(key_id: &[u8; KEY_ID_LEN]) -> Vec<u8> {
    let mut out = CborWriter::default();
    out.map(2);
    out.uint(HEADER_ALGORITHM);
    out.int(ALGORITHM_ED25519);
    out.uint(HEADER_KEY_ID);
    out.bytes(key_id);
    out.into_bytes()
}

fn assemble(protected: &[u8], payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut out = CborWriter::default();
    out.tag(TAG_SIGN1);
    out.array(4);
    out.bytes(protected);
    out.map(0);
    out.bytes(payload);
    out.bytes(signature);
    out.into_bytes()
}
