//! A request as it came.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use dashpoint_membership::DeviceId;
use dashpoint_wire::message::RefusalCode;
use dashpoint_wire::{Cbor, MAX_BODY, MAX_DECODED, RequestTarget, WireError, decode, inflate};

use super::answer::ApiError;
use crate::connections::Caller;
use crate::ledger::{Turn, Weight};
use crate::peer::Peer;

/// Names the device of a request whose path does not.
const DEVICE_HEADER: &str = "dashpoint-device";

/// A request as it came.
#[derive(Debug)]
pub(super) struct Incoming {
    method: String,
    uri: Uri,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    caller: Caller,
}

/// The one part of the path that the request chooses, as text.
#[derive(Debug)]
pub(super) struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(text)| Self(text))
            .map_err(|_| ApiError::because(RefusalCode::Malformed))
    }
}

impl<S: Send + Sync> FromRequest<S> for Incoming {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let caller = parts.extensions.get::<Caller>().cloned();
        let caller = caller.ok_or(ApiError::because(RefusalCode::Unavailable))?;
        // It is all there, and within its bound.
        let body = to_bytes(body, MAX_BODY)
            .await
            .map_err(|_| ApiError::because(RefusalCode::TooLarge))?;
        let path = parts
            .uri
            .path_and_query()
            .map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
        Ok(Self {
            method: parts.method.as_str().to_owned(),
            uri: parts.uri,
            path,
            headers: parts.headers,
            body,
            caller,
        })
    }
}

impl Incoming {
    /// Returns the sender.
    pub const fn peer(&self) -> Peer {
        self.caller.peer
    }

    /// Its turn on the ledger's thread.
    pub const fn turn(&self, weight: Weight, device: Option<DeviceId>) -> Turn {
        Turn {
            weight,
            peer: Some(self.caller.peer),
            device,
        }
    }

    /// Returns the request that the token must have been signed for.
    pub fn asked(&self) -> RequestTarget<'_> {
        RequestTarget {
            method: &self.method,
            path: &self.path,
            body: &self.body,
        }
    }

    /// The `Authorization` header.
    pub fn authorization(&self) -> Result<&str, ApiError> {
        self.header(header::AUTHORIZATION.as_str())
            .ok_or(ApiError::because(RefusalCode::Token))
    }

    /// The device that the request names in a header.
    pub fn device(&self) -> Result<DeviceId, ApiError> {
        self.header(DEVICE_HEADER)
            .and_then(|id| id.parse().ok())
            .ok_or(ApiError::because(RefusalCode::Malformed))
    }

    /// The query.
    pub fn query<T: serde::de::DeserializeOwned>(&self) -> Result<T, ApiError> {
        Query::try_from_uri(&self.uri)
            .map(|Query(wanted)| wanted)
            .map_err(|_| ApiError::because(RefusalCode::Malformed))
    }

    /// The body as a message: inflated within its bound, in the one accepted encoding.
    pub fn message<T: Cbor>(&self) -> Result<T, ApiError> {
        let malformed = || ApiError::because(RefusalCode::Malformed);
        if self.header(header::CONTENT_ENCODING.as_str()) != Some("deflate") {
            return Err(malformed());
        }
        let plain = inflate(&self.body, MAX_DECODED).map_err(|refused| {
            if matches!(refused, WireError::TooLong { .. }) {
                ApiError::because(RefusalCode::TooLarge)
            } else {
                malformed()
            }
        })?;
        decode(&plain).map_err(|_| malformed())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Reads an id or a number out of a path or a query.
pub(super) fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, ApiError> {
    text.parse()
        .map_err(|_| ApiError::because(RefusalCode::Malformed))
}
