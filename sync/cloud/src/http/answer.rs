//! Encodes answers: deflated CBOR, refusals, and nothing of an internal error.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use dashpoint_wire::message::{Refusal, RefusalCode};
use dashpoint_wire::{Cbor, Nonce, deflate, encode};

use super::throttle::TooOften;
use crate::error::CloudError;

/// Seconds after which a busy cloud is worth another try.
const RETRY_AFTER_S: u64 = 2;
/// Seconds after which a cloud that waits for its operator is worth another try.
const PEOPLE_S: u64 = 300;
/// Seconds after which somebody who asked too often is heard again.
const SLOW_DOWN_S: u64 = 60;

/// A request that is not answered with what it asked for.
#[derive(Debug)]
pub(super) struct ApiError {
    code: RefusalCode,
    nonce: Option<Nonce>,
    retry_after_s: Option<u64>,
}

impl ApiError {
    pub const fn because(code: RefusalCode) -> Self {
        Self {
            code,
            nonce: None,
            retry_after_s: match code {
                RefusalCode::SlowDown => Some(SLOW_DOWN_S),
                RefusalCode::Unavailable | RefusalCode::Forgotten => Some(RETRY_AFTER_S),
                RefusalCode::Malformed
                | RefusalCode::Token
                | RefusalCode::Device
                | RefusalCode::NotBound
                | RefusalCode::NotFound
                | RefusalCode::TooLarge
                | RefusalCode::NotAuthentic => None,
            },
        }
    }

    /// It was asked too often; it may be asked again after a while.
    pub fn slow_down(wait: Duration) -> Self {
        Self {
            retry_after_s: Some(wait.as_secs() + 1),
            ..Self::because(RefusalCode::SlowDown)
        }
    }

    /// An operator has to do something first.
    fn for_people() -> Self {
        Self {
            retry_after_s: Some(PEOPLE_S),
            ..Self::because(RefusalCode::Unavailable)
        }
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub const fn with_nonce(nonce: Nonce) -> Self {
        Self {
            nonce: Some(nonce),
            ..Self::because(RefusalCode::Token)
        }
    }
}

impl From<CloudError> for ApiError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "whatever is not named here as the caller's is the cloud's own failure"
    )]
    fn from(failed: CloudError) -> Self {
        match &failed {
            CloudError::NoMember(_) => Self::because(RefusalCode::NotBound),
            CloudError::NoDevice(_) => Self::because(RefusalCode::Device),
            CloudError::NoCode(_) => Self::because(RefusalCode::NotFound),
            CloudError::WeakKey | CloudError::KeyOfAnotherVehicle => {
                Self::because(RefusalCode::Malformed)
            }
            CloudError::TooMuch { wait_s, .. } => {
                tracing::warn!(%failed, "a request has to come back");
                Self::slow_down(Duration::from_secs(u64::try_from(*wait_s).unwrap_or(0)))
            }
            failed if failed.is_out_of_range() => Self::because(RefusalCode::Malformed),
            CloudError::TooManyWaiting => Self::because(RefusalCode::SlowDown),
            // Logged once by the core, not with every request.
            CloudError::PolicyForgotten { .. } | CloudError::MemberForgotten(_) => {
                Self::for_people()
            }
            CloudError::ProofWanted { .. } => Self::because(RefusalCode::Forgotten),
            // Anybody can send one: it is worth no line of the log.
            CloudError::NotProven { .. } => Self::because(RefusalCode::NotAuthentic),
            _ => {
                // The one place where a failure of the cloud itself is logged; the car learns only to come back.
                if failed.is_temporary() {
                    tracing::warn!(%failed, "a request has to come back");
                } else {
                    tracing::error!(%failed, "a request failed");
                }
                match failed {
                    CloudError::ClockLeapt { .. } | CloudError::DatabaseGone(_) => {
                        Self::for_people()
                    }
                    _ => Self::because(RefusalCode::Unavailable),
                }
            }
        }
    }
}

impl From<TooOften> for ApiError {
    fn from(often: TooOften) -> Self {
        Self::slow_down(often.wait)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> axum::response::Response {
        let body = Refusal {
            code: self.code,
            nonce: self.nonce,
        };
        let mut response = cbor(self.status(), &body);
        if let Some(seconds) = self.retry_after_s {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A message of the protocol.
pub(super) fn cbor<T: Cbor>(status: StatusCode, message: &T) -> axum::response::Response {
    bytes(status, &encode(message))
}

/// Signed bytes as they are.
pub(super) fn signed(raw: &[u8]) -> axum::response::Response {
    bytes(StatusCode::OK, raw)
}

/// The caller has the newest already.
pub(super) fn unchanged() -> axum::response::Response {
    StatusCode::NOT_MODIFIED.into_response()
}

/// It is done; there is nothing to tell.
pub(super) fn done() -> axum::response::Response {
    StatusCode::NO_CONTENT.into_response()
}

/// There is no such endpoint, or not with this method.
pub(super) async fn not_found() -> ApiError {
    ApiError::because(RefusalCode::NotFound)
}

fn bytes(status: StatusCode, plain: &[u8]) -> axum::response::Response {
    let mut response = Response::new(Body::from(deflate(plain)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/cbor"),
    );
    headers.insert(
        header::CONTENT_ENCODING,
        HeaderValue::from_static("deflate"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
