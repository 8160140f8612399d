//! The token that each request of a device carries.

use dashpoint_membership::{DeviceId, ServerTime};
use data_encoding::BASE64URL_NOPAD;

use crate::codec::cbor_map;
use crate::digest;
use crate::error::WireError;
use crate::key::PublicKey;
use crate::signed::{Raw, Signable, Signed};

/// Distance that a token's time may have from the cloud's, in seconds.
pub const TOKEN_WINDOW_S: u64 = 120;

/// Sixteen bytes that the cloud gives to a device whose clock is wrong.
pub type Nonce = [u8; 16];

/// The body that a device signs to make one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestToken {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query as sent, from the first slash.
    pub path: String,
    /// SHA-256 of the body as sent: deflated, and of no bytes when there is none.
    pub body: [u8; 32],
    /// The device's clock, in seconds since 1970-01-01T00:00:00Z.
    pub at_unix_s: i64,
    /// The nonce of a 401, when the time alone was not good enough.
    pub nonce: Option<Nonce>,
}

cbor_map! { signed:
    RequestToken { 1 => method, 2 => path, 3 => body, 4 => at_unix_s, 5 => nonce }
}

impl Signable for RequestToken {
    type Scope = DeviceId;
    const CONTEXT: &'static str = "dashpoint/token/v1";
    const MAX_LEN: usize = 1024;
    const GROWS: bool = false;

    fn check(&self, _: &DeviceId) -> Result<(), WireError> {
        Ok(())
    }
}

/// A request, as both ends see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTarget<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Path and query as sent, from the first slash.
    pub path: &'a str,
    /// The body as sent, deflated; empty when there is none.
    pub body: &'a [u8],
}

impl RequestToken {
    /// The token for a request at a time of the device's clock, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn new(asked: RequestTarget<'_>, at_unix_s: i64, nonce: Option<Nonce>) -> Self {
        Self {
            method: asked.method.to_owned(),
            path: asked.path.to_owned(),
            body: digest(asked.body),
            at_unix_s,
            nonce,
        }
    }
}

/// A reason for refusing a request token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is not one of this device.
    #[error("the token is not one of this device")]
    Token(#[from] WireError),
    /// The token is genuine and made for another request.
    #[error("the token is for another request")]
    OtherRequest,
    /// The token is genuine and its time too far from the cloud's.
    #[error("the token's time is off by {off_s} s")]
    Clock {
        /// By how much, in seconds.
        off_s: u64,
    },
    /// The token is genuine and its nonce is not one that is accepted now.
    #[error("the token's nonce is not accepted")]
    Nonce,
}

impl TokenError {
    /// Returns whether the same device may try once more with a nonce.
    #[must_use]
    pub const fn wants_nonce(&self) -> bool {
        match self {
            Self::Clock { .. } | Self::Nonce => true,
            Self::Token(_) | Self::OtherRequest => false,
        }
    }
}

/// Lets a request in: the token is signed by the device for exactly this request, and it is of now, which a time within
/// [`TOKEN_WINDOW_S`] shows, or one of the `nonces` that the cloud accepts now.
///
/// # Errors
/// [`TokenError`].
pub fn verify_token(
    token: Raw<RequestToken>,
    key: &PublicKey,
    device: &DeviceId,
    asked: RequestTarget<'_>,
    now: ServerTime,
    nonces: &[Nonce],
) -> Result<(), TokenError> {
    let token = token.verify(key, device)?.into_parts().1;
    let same_request = token.method == asked.method
        && token.path == asked.path
        && token.body == digest(asked.body);
    if !same_request {
        return Err(TokenError::OtherRequest);
    }
    let off_s = now.as_unix_s().abs_diff(token.at_unix_s);
    match token.nonce {
        Some(nonce) if nonces.contains(&nonce) => Ok(()),
        Some(_) => Err(TokenError::Nonce),
        None if off_s <= TOKEN_WINDOW_S => Ok(()),
        None => Err(TokenError::Clock { off_s }),
    }
}

const SCHEME: &str = "Dashpoint ";

/// The value of the `Authorization` header that carries a token.
#[must_use]
pub fn authorization(token: &Signed<RequestToken>) -> String {
    format!("{SCHEME}{}", BASE64URL_NOPAD.encode(token.raw()))
}

/// The token of an `Authorization` header.
///
/// # Errors
/// [`WireError::Authorization`] when the header is of another form, [`WireError::TooLong`].
pub fn parse_authorization(value: &str) -> Result<Raw<RequestToken>, WireError> {
    let encoded = value
        .strip_prefix(SCHEME)
        .ok_or(WireError::Authorization)?
        .as_bytes();
    let max = BASE64URL_NOPAD.encode_len(RequestToken::MAX_LEN);
    if encoded.len() > max {
        return Err(WireError::TooLong {
            len: encoded.len(),
            max,
        });
    }
    BASE64URL_NOPAD
        .decode(encoded)
        .map(Raw::from)
        .map_err(|_| WireError::Authorization)
}
