//! The wire between car and cloud: bytes to types and back.
//!
//! Every type has one accepted encoding, deterministic CBOR (RFC 8949, 4.2.1), and every signed one travels as a
//! `COSE_Sign1` (RFC 9052) whose raw bytes are kept: [`Signed`] is made from bytes that verified, [`Raw`] are bytes that
//! nobody looked at yet, and there is no way to read a body between the two. `sync/PROTOCOL.md` says the same byte by
//! byte, and the tests hold it to the code.

pub mod codec;
mod compress;
mod cose;
mod document;
mod error;
mod key;
mod limits;
pub mod message;
mod salt;
mod signed;
mod token;

pub use codec::{Cbor, decode, encode};
pub use compress::{deflate, inflate};
pub use document::{Binding, ChainPoint, DeviceCertificate, EpochGrant, Receipt};
pub use error::WireError;
pub use key::{ParseKeyError, PublicKey, SigningKey};
pub use message::{EntryVerdict, verdicts_digest};
pub use salt::{CloudKey, NameSalt, ParseCloudKeyError};
pub use signed::{Raw, Scope, Signable, Signed};
pub use token::{
    Nonce, RequestTarget, RequestToken, TOKEN_WINDOW_S, TokenError, authorization,
    parse_authorization, verify_token,
};

/// Most entries in one request or page.
pub const MAX_ENTRIES: usize = 100;

/// Most bindings in one proof of enrolment.
pub const MAX_BINDINGS: usize = 256;

/// Most policies in one proof of enrolment.
pub const MAX_POLICIES: usize = 4;

/// Most bytes of the documents in one proof of enrolment: they fit into a request, whatever deflating gains.
pub const MAX_PROOF: usize = 60 * 1024;

/// Most bytes of a request's body as sent: what a cloud node has to hold before it knows who asks.
pub const MAX_BODY: usize = 64 * 1024;

/// Most bytes of a body once inflated, in both directions.
pub const MAX_DECODED: usize = 1024 * 1024;

/// SHA-256.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    out
}
