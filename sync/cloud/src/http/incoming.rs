//! A request as it came, with its bounds kept before anybody looks at it.

use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Query, Request};
use axum::http::{HeaderMap, Uri, header};
use dashpoint_membership::DeviceId;
use dashpoint_wire::message::RefusalCode;
use dashpoint_wire::{Asked, Cbor, MAX_BODY, MAX_DECODED, WireError, decode, inflate};

use super::answer::Denied;

/// How long 64 KiB may take: a sender that stalls holds no memory for longer.
const BODY_TIME: Duration = Duration::from_secs(30);

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
}

impl<S: Send + Sync> FromRequest<S> for Incoming {
    type Rejection = Denied;

    async fn from_request(request: Request, _: &S) -> Result<Self, Denied> {
        let (parts, body) = request.into_parts();
        let body = tokio::time::timeout(BODY_TIME, to_bytes(body, MAX_BODY))
            .await
            .map_err(|_| Denied::because(RefusalCode::Unavailable))?
            .map_err(|_| Denied::because(RefusalCode::TooLarge))?;
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
        })
    }
}

impl Incoming {
    /// What the token must have been signed for.
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            method: &self.method,
            path: &self.path,
            body: &self.body,
        }
    }

    /// The `Authorization` header.
    pub fn authorization(&self) -> Result<&str, Denied> {
        self.header(header::AUTHORIZATION.as_str())
            .ok_or(Denied::because(RefusalCode::Token))
    }

    /// The device that the request names in a header.
    pub fn device(&self) -> Result<DeviceId, Denied> {
        self.header(DEVICE_HEADER)
            .and_then(|id| id.parse().ok())
            .ok_or(Denied::because(RefusalCode::Malformed))
    }

    /// The query.
    pub fn query<T: serde::de::DeserializeOwned>(&self) -> Result<T, Denied> {
        Query::try_from_uri(&self.uri)
            .map(|Query(wanted)| wanted)
            .map_err(|_| Denied::because(RefusalCode::Malformed))
    }

    /// The body as a message: inflated within its bound, in the one accepted encoding.
    pub fn message<T: Cbor>(&self) -> Result<T, Denied> {
        let malformed = || Denied::because(RefusalCode::Malformed);
        if self.header(header::CONTENT_ENCODING.as_str()) != Some("deflate") {
            return Err(malformed());
        }
        let plain = inflate(&self.body, MAX_DECODED).map_err(|refused| {
            if matches!(refused, WireError::TooLong { .. }) {
                Denied::because(RefusalCode::TooLarge)
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
pub(super) fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, Denied> {
    text.parse()
        .map_err(|_| Denied::because(RefusalCode::Malformed))
}
