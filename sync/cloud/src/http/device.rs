//! Requests of a device about its own chain.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use dashpoint_membership::{DeviceId, Epoch, Seq};
use dashpoint_wire::MAX_ENTRIES;
use dashpoint_wire::message::{EntriesRequest, EpochRequest, RefusalCode};
use serde::Deserialize;

use super::answer::{ApiError, cbor, done};
use super::app_state::AppState;
use super::incoming::{Incoming, Segment, parsed};
use crate::clock::system_now;
use crate::core::PostOutcome;
use crate::ledger::Weight;

type Shared = State<Arc<AppState>>;

/// The place from which a device wants its own entries.
#[derive(Debug, Deserialize)]
pub(super) struct From {
    epoch: u32,
    from: u64,
}

/// `POST /v1/devices/{d}/entries`.
pub(super) async fn post_entries(
    State(state): Shared,
    Segment(device): Segment,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let device: DeviceId = parsed(&device)?;
    let posted = state
        .for_device(
            incoming,
            Weight::Long,
            device,
            move |core, incoming, now| {
                let request: EntriesRequest = incoming.message()?;
                if i64::try_from(request.from.get()).is_err() {
                    return Err(ApiError::because(RefusalCode::Malformed));
                }
                if request.entries.len() > MAX_ENTRIES {
                    return Err(ApiError::because(RefusalCode::TooLarge));
                }
                core.advance_posted_clock(device, &request, now)?;
                let now = core.now(system_now())?;
                Ok(core.post_entries(device, &request, now)?)
            },
        )
        .await?;
    match posted {
        PostOutcome::Settled(response) => Ok(cbor(StatusCode::OK, &response)),
        PostOutcome::Diverged(divergence) => Ok(cbor(StatusCode::CONFLICT, &divergence)),
        PostOutcome::NotAuthentic(refused) => {
            tracing::warn!(%device, %refused, "bytes that are not authentic");
            Err(ApiError::because(RefusalCode::NotAuthentic))
        }
    }
}

/// `GET /v1/devices/{d}/entries?epoch=&from=`.
pub(super) async fn get_entries(
    State(state): Shared,
    Segment(device): Segment,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let device: DeviceId = parsed(&device)?;
    let wanted: From = incoming.query()?;
    let page = state
        .for_device(incoming, Weight::Long, device, move |core, _, _| {
            let (epoch, from) = (Epoch::new(wanted.epoch), Seq::new(wanted.from));
            Ok(core.entries_from(device, epoch, from)?)
        })
        .await?;
    Ok(cbor(StatusCode::OK, &page))
}

/// `POST /v1/devices/{d}/epochs`.
pub(super) async fn post_epochs(
    State(state): Shared,
    Segment(device): Segment,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let device: DeviceId = parsed(&device)?;
    let opened = state
        .for_device(
            incoming,
            Weight::Long,
            device,
            move |core, incoming, now| {
                let request: EpochRequest = incoming.message()?;
                Ok(core.open_epoch(device, &request, now)?)
            },
        )
        .await?;
    Ok(cbor(StatusCode::OK, &opened))
}

/// `POST /v1/devices/{d}/proof`: also of a device that this database forgot when it went back.
pub(super) async fn post_proof(
    State(state): Shared,
    Segment(device): Segment,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let device: DeviceId = parsed(&device)?;
    state
        .for_shown_device(incoming, Weight::Long, device, move |core, proof, now| {
            Ok(core.take_proof(device, proof, now)?)
        })
        .await?;
    Ok(done())
}
