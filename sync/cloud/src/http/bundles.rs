//! Documents that the cloud signs for members and for everyone: unchanged costs nothing.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use dashpoint_membership::{CatalogueVersion, LedgerVersion, MemberId, PolicyVersion};
use dashpoint_wire::message::RefusalCode;
use serde::Deserialize;

use super::answer::{ApiError, signed, unchanged};
use super::app_state::AppState;
use super::incoming::{Incoming, Segment, parsed};
use crate::clock::system_now;
use crate::connections::Caller;
use crate::error::CloudError;
use crate::ledger::{Turn, Weight};

type Shared = State<Arc<AppState>>;

/// The version that the caller has; 0 for none.
#[derive(Debug, Deserialize)]
pub(super) struct Since {
    #[serde(default)]
    since: u64,
}

impl Since {
    /// No version is above what the database counts with.
    fn of(incoming: &Incoming) -> Result<u64, ApiError> {
        let since = incoming.query::<Self>()?.since;
        if i64::try_from(since).is_err() {
            return Err(ApiError::because(RefusalCode::Malformed));
        }
        Ok(since)
    }

    /// A version beyond the range is newer than any.
    fn short(incoming: &Incoming) -> Result<u32, ApiError> {
        Ok(u32::try_from(Self::of(incoming)?).unwrap_or(u32::MAX))
    }
}

/// `GET /v1/members/{m}/statement?since=`.
pub(super) async fn statement(
    State(state): Shared,
    Segment(member): Segment,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let member: MemberId = parsed(&member)?;
    let since = LedgerVersion::new(Since::of(&incoming)?);
    let device = incoming.device()?;
    let statement = state
        .for_device(incoming, Weight::Quick, device, move |core, _, now| {
            Ok(core.statement_for(device, member, since, now)?)
        })
        .await?;
    Ok(statement.map_or_else(unchanged, |statement| signed(statement.raw())))
}

/// `GET /v1/policy?since=`: the next version after it that the car needs.
pub(super) async fn policy(State(state): Shared, incoming: Incoming) -> Result<Response, ApiError> {
    let since = PolicyVersion::new(Since::short(&incoming)?);
    let device = incoming.device()?;
    let policy = state
        .for_device(incoming, Weight::Quick, device, move |core, _, now| {
            Ok(core.policy_since(since, now)?)
        })
        .await?;
    Ok(policy.map_or_else(unchanged, |policy| signed(policy.as_bytes())))
}

/// `GET /v1/catalogue?since=`.
pub(super) async fn catalogue(
    State(state): Shared,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let since = CatalogueVersion::new(Since::short(&incoming)?);
    let device = incoming.device()?;
    let catalogue = state
        .for_device(incoming, Weight::Quick, device, move |core, _, now| {
            Ok(core.catalogue_since(since, now)?)
        })
        .await?;
    Ok(catalogue.map_or_else(unchanged, |catalogue| signed(catalogue.as_bytes())))
}

/// `GET /healthz`: the ledger answers, its clock is believed, and its last write was done. Otherwise 503 with the reason.
/// A clock that leapt and is not confirmed, and the policies and the count of members that entries wait for come behind the `ok`.
pub(super) async fn healthz(
    State(state): Shared,
    Extension(caller): Extension<Caller>,
) -> (StatusCode, String) {
    let turn = Turn {
        weight: Weight::Quick,
        peer: Some(caller.peer),
        device: None,
    };
    let healthy = state.ledger.call(turn, |core| {
        let now = core.now(system_now())?;
        core.health(now)?;
        core.member_count()?;
        let unconfirmed = core.unconfirmed_clock(now)?.map(|clock| clock.to_string());
        let lines: Vec<String> = unconfirmed.into_iter().chain(core.waits()).collect();
        Ok((!lines.is_empty()).then(|| lines.join("\n")))
    });
    let healthy: Result<Option<String>, CloudError> = healthy.await;
    match healthy {
        Ok(None) => (StatusCode::OK, "ok\n".to_owned()),
        Ok(Some(lines)) => (StatusCode::OK, format!("ok\n{lines}\n")),
        Err(failed) => (StatusCode::SERVICE_UNAVAILABLE, format!("{failed}\n")),
    }
}
