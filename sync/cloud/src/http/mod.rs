//! The endpoints of the protocol, and the approval page.

mod answer;
mod app_state;
mod arrival;
mod auth;
mod bundles;
mod device;
mod enrol;
mod incoming;
mod nonces;
mod page;
mod rates;
mod throttle;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub(crate) use app_state::AppState;

/// All routes.
pub(crate) fn router(state: AppState) -> Router {
    let state = Arc::new(state);
    Router::new()
        .route("/healthz", get(bundles::healthz))
        .route(
            "/v1/devices/{device}/entries",
            post(device::post_entries).get(device::get_entries),
        )
        .route("/v1/devices/{device}/epochs", post(device::post_epochs))
        .route("/v1/devices/{device}/proof", post(device::post_proof))
        .route("/v1/members/{member}/statement", get(bundles::statement))
        .route("/v1/policy", get(bundles::policy))
        .route("/v1/catalogue", get(bundles::catalogue))
        .route("/v1/enrolments", post(enrol::ask))
        .route("/v1/enrolments/{id}", get(enrol::state))
        .route("/enrol/{code}", get(enrol::show).post(enrol::decide))
        .fallback(answer::not_found)
        .method_not_allowed_fallback(answer::not_found)
        .layer(from_fn_with_state(Arc::clone(&state), arrival::whole))
        .with_state(state)
}
