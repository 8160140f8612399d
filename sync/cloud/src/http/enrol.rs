//! Enrolment: the car asks and waits, a person says yes or no on a page.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use dashpoint_membership::{BindingId, DeviceId, MemberId};
use dashpoint_wire::message::{EnrolRequest, EnrolTicket, RefusalCode};
use data_encoding::HEXLOWER;
use serde::Deserialize;

use super::Site;
use super::answer::{Denied, cbor};
use super::incoming::Incoming;
use super::page;
use crate::clock::system_now;
use crate::core::{AskIds, GrantedIds, Waiting};
use crate::error::CloudError;
use crate::random;

type Shared = State<Arc<Site>>;

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    answer: Said,
    #[serde(default)]
    member: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Yes,
    No,
}

/// `POST /v1/enrolments`.
pub(super) async fn ask(State(site): Shared, incoming: Incoming) -> Result<Response, Denied> {
    let request: EnrolRequest = incoming.message()?;
    site.count_ask()?;
    let unavailable = |_| Denied::because(RefusalCode::Unavailable);
    let id = random::bytes().map_err(unavailable)?;
    let code = random::code().map_err(unavailable)?;
    let approve_url = format!("{}/enrol/{code}", site.url);
    let ids = AskIds {
        id,
        code: code.clone(),
    };
    let expires = site
        .ledger
        .call(move |core| {
            let now = core.now(system_now())?;
            core.ask(&request, ids, now).map_err(Denied::from)
        })
        .await?;
    let ticket = EnrolTicket {
        id,
        code,
        approve_url,
        expires,
    };
    Ok(cbor(StatusCode::CREATED, &ticket))
}

/// `GET /v1/enrolments/{id}`.
pub(super) async fn state(State(site): Shared, Path(id): Path<String>) -> Result<Response, Denied> {
    let not_found = || Denied::because(RefusalCode::NotFound);
    let id: [u8; 16] = HEXLOWER
        .decode(id.as_bytes())
        .ok()
        .and_then(|id| id.try_into().ok())
        .ok_or_else(not_found)?;
    let state = site
        .ledger
        .call(move |core| {
            let now = core.now(system_now())?;
            core.enrol_state(id, now).map_err(Denied::from)
        })
        .await?
        .ok_or_else(not_found)?;
    Ok(cbor(StatusCode::OK, &state))
}

/// `GET /enrol/{code}`.
pub(super) async fn show(State(site): Shared, Path(code): Path<String>) -> Response {
    match site.waiting_with(code).await {
        Ok(Some(waiting)) => html(StatusCode::OK, page::question(&waiting, None)),
        Ok(None) => html(StatusCode::NOT_FOUND, page::unknown_code()),
        Err(denied) => refused(&denied),
    }
}

/// `POST /enrol/{code}`.
pub(super) async fn decide(
    State(site): Shared,
    Path(code): Path<String>,
    Form(decision): Form<Decision>,
) -> Response {
    let waiting = match site.waiting_with(code).await {
        Ok(Some(waiting)) => waiting,
        Ok(None) => return html(StatusCode::NOT_FOUND, page::unknown_code()),
        Err(denied) => return refused(&denied),
    };
    let outcome = match decision.answer {
        Said::No => site.refuse(waiting.code.clone()).await,
        Said::Yes => match decision.member.trim().parse::<MemberId>() {
            Ok(member) => site.approve(waiting.code.clone(), member).await,
            Err(_) => Ok(Outcome::NoMember),
        },
    };
    match outcome {
        Ok(Outcome::Approved) => html(StatusCode::OK, page::approved(&waiting)),
        Ok(Outcome::Refused) => html(StatusCode::OK, page::refused(&waiting)),
        Ok(Outcome::NoMember) => html(
            StatusCode::UNPROCESSABLE_ENTITY,
            page::question(&waiting, Some(page::NO_MEMBER)),
        ),
        Ok(Outcome::Late) => html(StatusCode::NOT_FOUND, page::unknown_code()),
        Err(denied) => refused(&denied),
    }
}

enum Outcome {
    Approved,
    Refused,
    NoMember,
    Late,
}

impl Site {
    fn count_ask(&self) -> Result<(), Denied> {
        let taken = match self.asks.lock() {
            Ok(mut asks) => asks.take(system_now()),
            Err(_) => false,
        };
        if taken {
            Ok(())
        } else {
            Err(Denied::because(RefusalCode::SlowDown))
        }
    }

    /// Looks a typed code up; wrong ones are counted, and past the bound nobody gets an answer for a while.
    async fn waiting_with(&self, typed: String) -> Result<Option<Waiting>, Denied> {
        let full = || Denied::because(RefusalCode::SlowDown);
        let is_full = |site: &Self| match site.wrong_codes.lock() {
            Ok(mut wrong) => wrong.is_full(system_now()),
            Err(_) => true,
        };
        if is_full(self) {
            return Err(full());
        }
        let code = random::typed_code(&typed);
        let waiting = self
            .ledger
            .call(move |core| {
                let now = core.now(system_now())?;
                core.waiting_with(&code, now).map_err(Denied::from)
            })
            .await?;
        if waiting.is_none()
            && let Ok(mut wrong) = self.wrong_codes.lock()
        {
            wrong.count();
        }
        Ok(waiting)
    }

    async fn approve(&self, code: String, member: MemberId) -> Result<Outcome, Denied> {
        let unavailable = |_| Denied::because(RefusalCode::Unavailable);
        let ids = GrantedIds {
            device: DeviceId::from_bytes(random::bytes().map_err(unavailable)?),
            binding: BindingId::from_bytes(random::bytes().map_err(unavailable)?),
        };
        self.ledger
            .call(move |core| {
                let now = core.now(system_now())?;
                outcome(
                    core.approve(&code, member, ids, now)
                        .map(|_| Outcome::Approved),
                )
            })
            .await
    }

    async fn refuse(&self, code: String) -> Result<Outcome, Denied> {
        self.ledger
            .call(move |core| {
                let now = core.now(system_now())?;
                outcome(core.refuse(&code, now).map(|()| Outcome::Refused))
            })
            .await
    }
}

fn outcome(decided: Result<Outcome, CloudError>) -> Result<Outcome, Denied> {
    match decided {
        Err(CloudError::NoMember(_)) => Ok(Outcome::NoMember),
        Err(CloudError::NoCode(_) | CloudError::AlreadyRevoked(_)) => Ok(Outcome::Late),
        decided => decided.map_err(Denied::from),
    }
}

fn refused(denied: &Denied) -> Response {
    let status = denied.status();
    html(status, page::later())
}

/// A page that runs no script, loads nothing, sits in no frame and is kept by nobody.
fn html(status: StatusCode, page: String) -> Response {
    let mut response = (status, Html(page)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
