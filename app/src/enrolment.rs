//! Sends the requests of an enrolment and commits its documents, for the command line and for the screen.

use std::time::Duration;

use anyhow::Context;
use dashpoint_store::{Store, StoreError};
use dashpoint_sync::enrol::Enrolled;
use dashpoint_sync::{HttpRequest, Response};
use dashpoint_sync_http::Transport;

use crate::books::DEVICE_META;
use crate::clock::system_unix_ms;

/// Interval between questions for the member's decision.
pub const ASK_EVERY: Duration = Duration::from_secs(1);

/// Sends one request of the enrolment.
///
/// # Errors
/// When the cloud does not answer.
pub async fn ask(transport: &Transport, request: &HttpRequest) -> anyhow::Result<Response> {
    transport
        .send(request, None, system_unix_ms().div_euclid(1_000))
        .await
        .context("the cloud cannot be reached; enrolment needs it")
}

/// Commits an enrolment: the device first, the epoch last, so that an interrupted one counts as none.
///
/// # Errors
/// When the store refuses a write.
pub fn keep(store: &mut Store, enrolled: &Enrolled) -> Result<(), StoreError> {
    let device = enrolled.certificate.body().device;
    store.put_meta(DEVICE_META, device.as_bytes())?;
    store.put_certificate(&enrolled.certificate)?;
    store.put_binding(&enrolled.binding)?;
    store.put_policy(&enrolled.policy)?;
    store.put_catalogue(&enrolled.catalogue)?;
    store.put_statement(&enrolled.statement)?;
    store.begin_epoch(&enrolled.grant, &[]).map(drop)
}
