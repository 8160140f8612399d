//! Enrolment: the car asks and waits, a person says yes or no on a page.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Form};
use dashpoint_membership::{BindingId, DeviceId, MemberId};
use dashpoint_wire::message::{EnrolRequest, EnrolTicket, RefusalCode};
use data_encoding::HEXLOWER;
use ring::hmac;
use serde::Deserialize;

use super::answer::{ApiError, cbor};
use super::app_state::AppState;
use super::incoming::{Incoming, Segment};
use super::page;
use crate::clock::system_now;
use crate::connections::Caller;
use crate::core::{Approval, AskIds, GrantedIds, Waiting, Word};
use crate::error::CloudError;
use crate::ledger::{Turn, Weight};
use crate::peer::Peer;
use crate::random;

type Shared = State<Arc<AppState>>;

/// Fields of the form.
#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    answer: DecisionAnswer,
    #[serde(default)]
    member: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DecisionAnswer {
    Yes,
    No,
}

/// `POST /v1/enrolments`.
pub(super) async fn ask(State(state): Shared, incoming: Incoming) -> Result<Response, ApiError> {
    let request: EnrolRequest = incoming.message()?;
    state.count_ask(incoming.peer())?;
    let unavailable = |_| ApiError::because(RefusalCode::Unavailable);
    let id = random::bytes().map_err(unavailable)?;
    let code = random::code().map_err(unavailable)?;
    let approve_url = format!("{}/enrol/{code}?link={}", state.url, state.link(&code));
    let ids = AskIds {
        id,
        code: code.clone(),
    };
    let peer = incoming.peer();
    let asked = state
        .ledger
        .call(incoming.turn(Weight::Quick, None), move |core| {
            let now = core.now(system_now())?;
            core.ask_from(Some(peer), &request, ids, now)
                .map_err(ApiError::from)
        })
        .await;
    if asked.is_err() {
        state.give_ask_back(peer);
    }
    let expires = asked?;
    let ticket = EnrolTicket {
        id,
        code: random::spoken_code(&code),
        approve_url,
        expires,
    };
    Ok(cbor(StatusCode::CREATED, &ticket))
}

/// `GET /v1/enrolments/{id}`.
pub(super) async fn state(
    State(state): Shared,
    Segment(id): Segment,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let not_found = || ApiError::because(RefusalCode::NotFound);
    let id: [u8; 16] = HEXLOWER
        .decode(id.as_bytes())
        .ok()
        .and_then(|id| id.try_into().ok())
        .ok_or_else(not_found)?;
    let state = state
        .ledger
        .call(turn(&caller), move |core| {
            let now = core.now(system_now())?;
            core.enrol_state(id, now).map_err(ApiError::from)
        })
        .await?
        .ok_or_else(not_found)?;
    Ok(cbor(StatusCode::OK, &state))
}

/// `GET /enrol/{code}`.
pub(super) async fn show(
    State(state): Shared,
    code: Result<Segment, ApiError>,
    scanned: Result<Query<Scanned>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Response {
    let Ok(Query(scanned)) = scanned else {
        return html(StatusCode::BAD_REQUEST, page::unknown_code());
    };
    match state.waiting_with(code, &scanned, &caller).await {
        Ok(Some(waiting)) => html(StatusCode::OK, page::question(&waiting, None)),
        Ok(None) => html(StatusCode::NOT_FOUND, page::unknown_code()),
        Err(denied) => refused(&denied),
    }
}

/// `POST /enrol/{code}`.
pub(super) async fn decide(
    State(state): Shared,
    code: Result<Segment, ApiError>,
    scanned: Result<Query<Scanned>, QueryRejection>,
    Extension(caller): Extension<Caller>,
    form: Result<Form<Decision>, FormRejection>,
) -> Response {
    let Ok(Query(scanned)) = scanned else {
        return html(StatusCode::BAD_REQUEST, page::unknown_code());
    };
    let waiting = match state.waiting_with(code, &scanned, &caller).await {
        Ok(Some(waiting)) => waiting,
        Ok(None) => return html(StatusCode::NOT_FOUND, page::unknown_code()),
        Err(denied) => return refused(&denied),
    };
    let Ok(Form(decision)) = form else {
        return html(
            StatusCode::UNPROCESSABLE_ENTITY,
            page::question(&waiting, Some(page::NO_ANSWER)),
        );
    };
    let outcome = match decision.answer {
        DecisionAnswer::No => state.refuse(waiting.code.clone(), &caller).await,
        DecisionAnswer::Yes => match decision.member.trim().parse::<MemberId>() {
            Ok(member) if waiting.claimed_by.is_some() => {
                state.consent(waiting.code.clone(), member, &caller).await
            }
            Ok(member) => state.approve(waiting.code.clone(), member, &caller).await,
            Err(_) => Ok(DecisionOutcome::NoMember),
        },
    };
    match outcome {
        Ok(DecisionOutcome::Approved) => html(StatusCode::OK, page::approved(&waiting)),
        Ok(DecisionOutcome::Refused) => html(StatusCode::OK, page::refused(&waiting)),
        Ok(DecisionOutcome::NoMember) => html(
            StatusCode::UNPROCESSABLE_ENTITY,
            page::question(&waiting, Some(page::NO_MEMBER)),
        ),
        Ok(DecisionOutcome::Waits(waiting)) => html(StatusCode::OK, page::question(&waiting, None)),
        Ok(DecisionOutcome::NotOfTheVehicle) => html(
            StatusCode::UNPROCESSABLE_ENTITY,
            page::question(&waiting, Some(page::NOT_OF_THE_VEHICLE)),
        ),
        Ok(DecisionOutcome::Late) => html(StatusCode::NOT_FOUND, page::unknown_code()),
        Err(denied) => refused(&denied),
    }
}

/// Query of a scanned link.
#[derive(Debug, Deserialize)]
pub(super) struct Scanned {
    link: Option<String>,
}

enum DecisionOutcome {
    Approved,
    Waits(Waiting),
    NotOfTheVehicle,
    Refused,
    NoMember,
    Late,
}

impl AppState {
    fn count_ask(&self, peer: Peer) -> Result<(), ApiError> {
        let mut asks = self.asks.lock().map_err(|_| unavailable())?;
        asks.take(peer, self.elapsed()).map_err(ApiError::from)
    }

    /// Takes back from all others what one address has asked and did not get: a flood beyond its share keeps nobody else out.
    fn give_ask_back(&self, peer: Peer) {
        if let Ok(mut asks) = self.asks.lock() {
            asks.give_back_to_others(peer, self.elapsed());
        }
    }

    /// The mark of a link that this run of the cloud gave out with a code: 64 bits that nobody guesses.
    fn link(&self, code: &str) -> String {
        let mark = hmac::sign(&self.link_key, code.as_bytes());
        HEXLOWER.encode(&mark.as_ref()[..8])
    }

    /// Looks a code up. One that was typed counts as a wrong one until it is found; one that was scanned was given out, and
    /// is answered however many others guess.
    async fn waiting_with(
        &self,
        typed: Result<Segment, ApiError>,
        scanned: &Scanned,
        caller: &Caller,
    ) -> Result<Option<Waiting>, ApiError> {
        let Ok(Segment(typed)) = typed else {
            return Ok(None);
        };
        let code = random::typed_code(&typed);
        let was_given_out = scanned.link.as_deref() == Some(self.link(&code).as_str());
        if !was_given_out {
            let mut wrong = self.wrong_codes.lock().map_err(|_| unavailable())?;
            wrong.take(caller.peer, self.elapsed())?;
        }
        let waiting = self
            .ledger
            .call(turn(caller), move |core| {
                let now = core.now(system_now())?;
                core.waiting_with(&code, now).map_err(ApiError::from)
            })
            .await?;
        if waiting.is_some()
            && !was_given_out
            && let Ok(mut wrong) = self.wrong_codes.lock()
        {
            wrong.give_back(caller.peer, self.elapsed());
        }
        Ok(waiting)
    }

    async fn approve(
        &self,
        code: String,
        member: MemberId,
        caller: &Caller,
    ) -> Result<DecisionOutcome, ApiError> {
        let ids = granted_ids()?;
        self.ledger
            .call(turn(caller), move |core| {
                let now = core.now(system_now())?;
                let approval = core.approve(&code, member, ids, now);
                outcome(approval.map(|approval| match approval {
                    Approval::Enrolled(_) => DecisionOutcome::Approved,
                    Approval::Waits(waiting) => DecisionOutcome::Waits(waiting),
                }))
            })
            .await
    }

    async fn consent(
        &self,
        code: String,
        member: MemberId,
        caller: &Caller,
    ) -> Result<DecisionOutcome, ApiError> {
        let ids = granted_ids()?;
        self.ledger
            .call(turn(caller), move |core| {
                let now = core.now(system_now())?;
                let approved = core.consent(&code, &Word::Member(member), ids, now);
                outcome(approved.map(|_| DecisionOutcome::Approved))
            })
            .await
    }

    async fn refuse(&self, code: String, caller: &Caller) -> Result<DecisionOutcome, ApiError> {
        self.ledger
            .call(turn(caller), move |core| {
                let now = core.now(system_now())?;
                outcome(core.refuse(&code, now).map(|()| DecisionOutcome::Refused))
            })
            .await
    }
}

const fn unavailable() -> ApiError {
    ApiError::because(RefusalCode::Unavailable)
}

const fn turn(caller: &Caller) -> Turn {
    Turn {
        weight: Weight::Quick,
        peer: Some(caller.peer),
        device: None,
    }
}

fn granted_ids() -> Result<GrantedIds, ApiError> {
    let unavailable = |_| unavailable();
    Ok(GrantedIds {
        device: DeviceId::from_bytes(random::bytes().map_err(unavailable)?),
        binding: BindingId::from_bytes(random::bytes().map_err(unavailable)?),
    })
}

fn outcome(decided: Result<DecisionOutcome, CloudError>) -> Result<DecisionOutcome, ApiError> {
    match decided {
        Err(CloudError::NoMember(_)) => Ok(DecisionOutcome::NoMember),
        Err(CloudError::NotOfTheVehicle(_)) => Ok(DecisionOutcome::NotOfTheVehicle),
        Err(
            CloudError::NoCode(_)
            | CloudError::AlreadyRevoked(_)
            | CloudError::KeyOfAnotherVehicle
            | CloudError::Claimed(_)
            | CloudError::NotClaimed(_),
        ) => Ok(DecisionOutcome::Late),
        decided => decided.map_err(ApiError::from),
    }
}

fn refused(denied: &ApiError) -> Response {
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
