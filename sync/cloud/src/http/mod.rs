//! The endpoints of the protocol, and the approval page.

mod answer;
mod auth;
mod bundles;
mod device;
mod enrol;
mod incoming;
mod nonces;
mod page;
mod throttle;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{get, post};

use crate::ledger::Ledger;
use nonces::Nonces;
use throttle::Throttle;

/// Wrong codes on the approval page that are answered in a minute. With 2^40 codes and a thousand head units waiting, a
/// guesser would need thirty years for one hit.
const WRONG_CODES_A_MINUTE: u32 = 60;
/// Requests to be enrolled that are taken in a minute.
const ASKS_A_MINUTE: u32 = 120;

/// What all handlers share.
pub(crate) struct Site {
    ledger: Ledger,
    /// How the approval page is reached from outside, without a slash at its end.
    url: String,
    nonces: Mutex<Nonces>,
    wrong_codes: Mutex<Throttle>,
    asks: Mutex<Throttle>,
}

impl Site {
    pub fn new(ledger: Ledger, url: String) -> Self {
        Self {
            ledger,
            url,
            nonces: Mutex::new(Nonces::default()),
            wrong_codes: Mutex::new(Throttle::a_minute(WRONG_CODES_A_MINUTE)),
            asks: Mutex::new(Throttle::a_minute(ASKS_A_MINUTE)),
        }
    }
}

/// All routes.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/healthz", get(bundles::healthz))
        .route(
            "/v1/devices/{device}/entries",
            post(device::post_entries).get(device::get_entries),
        )
        .route("/v1/devices/{device}/epochs", post(device::post_epochs))
        .route("/v1/members/{member}/statement", get(bundles::statement))
        .route("/v1/policy", get(bundles::policy))
        .route("/v1/catalogue", get(bundles::catalogue))
        .route("/v1/enrolments", post(enrol::ask))
        .route("/v1/enrolments/{id}", get(enrol::state))
        .route("/enrol/{code}", get(enrol::show).post(enrol::decide))
        .fallback(answer::not_found)
        .with_state(Arc::new(site))
}
