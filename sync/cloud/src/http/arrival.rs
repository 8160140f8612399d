//! Limits that each request passes before it is read: its size, and the time that it takes to arrive.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dashpoint_wire::MAX_BODY;
use dashpoint_wire::message::RefusalCode;

use super::answer::ApiError;
use super::app_state::AppState;
use crate::connections::Caller;

/// Bytes of the path and the headers: a token has 300.
const HEAD_MAX: usize = 16 * 1024;
/// Headers of a request.
const HEADERS_MAX: usize = 100;

/// Takes a request in whole, within its bounds. From then on its connection is being served; until then it is one that
/// waits, and may have to make room.
pub(super) async fn whole(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(caller) = parts.extensions.get::<Caller>().cloned() else {
        return ApiError::because(RefusalCode::Unavailable).into_response();
    };
    if !fits(&parts) {
        return ApiError::because(RefusalCode::TooLarge).into_response();
    }
    let body = match tokio::time::timeout(state.body_time, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return ApiError::because(RefusalCode::TooLarge).into_response(),
        Err(_) => return ApiError::because(RefusalCode::Unavailable).into_response(),
    };
    let served = caller.served();
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    drop(served);
    answer
}

fn fits(parts: &Parts) -> bool {
    let headers = parts.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    let path = parts
        .uri
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    parts.headers.len() <= HEADERS_MAX && headers + path <= HEAD_MAX
}
