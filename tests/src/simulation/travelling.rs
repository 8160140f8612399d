//! A request as it travels: the body deflated, the token signed over it.

use dashpoint_membership::DeviceId;
use dashpoint_sync::HttpRequest;
use dashpoint_wire::message::EntriesRequest;
use dashpoint_wire::{
    MAX_DECODED, RequestTarget, RequestToken, Signed, SigningKey, authorization, decode, deflate,
    inflate,
};

/// A request as it travels: the body deflated, the token signed over it.
#[derive(Debug, Clone)]
pub struct Travelling {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Deflated; empty for a read.
    pub body: Vec<u8>,
    /// The header that carries the token.
    pub authorization: String,
    /// The device.
    pub device: DeviceId,
}

impl Travelling {
    /// Signs a request as the transport does.
    #[must_use]
    pub fn new(
        request: &HttpRequest,
        device: DeviceId,
        key: &SigningKey,
        unix_s: i64,
    ) -> Option<Self> {
        let dashpoint_sync::Credential::Device { nonce } = request.credential else {
            return None;
        };
        let body = if request.body.is_empty() {
            Vec::new()
        } else {
            deflate(&request.body)
        };
        let asked = RequestTarget {
            method: request.method.as_str(),
            path: &request.path,
            body: &body,
        };
        let token = Signed::sign(RequestToken::new(asked, unix_s, nonce), key, &device).ok()?;
        Some(Self {
            method: request.method.as_str(),
            path: request.path.clone(),
            body,
            authorization: authorization(&token),
            device,
        })
    }

    /// The message in the body, if it is entries.
    #[must_use]
    pub fn entries(&self) -> Option<EntriesRequest> {
        if self.method != "POST" || !self.path.ends_with("/entries") {
            return None;
        }
        decode(&inflate(&self.body, MAX_DECODED).ok()?).ok()
    }
}
