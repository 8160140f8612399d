//! Enrols a head unit: it asks, a member says yes on his phone, and the documents that the cloud then signs are
//! verified.
//!
//! Pure but for the sending: [`ask_request`] and [`poll_request`] make requests, [`read_ticket`] and [`read_state`] read
//! the answers, so any transport does.

use dashpoint_membership::{Catalogue, CompiledPolicy, Policy, PolicyError, Statement, VehicleId};
use dashpoint_wire::message::{EnrolRequest, EnrolState, EnrolTicket};
use dashpoint_wire::{
    Binding, DeviceCertificate, EpochGrant, PublicKey, Signed, WireError, decode, encode,
};

use crate::exchange::{Credential, HttpRequest, Method, Response};

/// The identity that the head unit asked with, and the key of the cloud that it trusts.
#[derive(Debug, Clone, Copy)]
pub struct Applicant {
    /// The key that it will sign with.
    pub key: PublicKey,
    /// The vehicle it sits in.
    pub vehicle: VehicleId,
    /// The cloud's public key, pinned in the car.
    pub cloud_key: PublicKey,
}

/// The state of an enrolment.
#[derive(Debug)]
pub enum EnrolProgress {
    /// The member has not decided: ask again in a few seconds.
    Waiting,
    /// The member has said yes; a member of the vehicle, which earns already, or the operator has to agree.
    AwaitingConsent,
    /// The member said no.
    Refused,
    /// Nobody said anything in time.
    Expired,
    /// The member said yes.
    Enrolled(Box<Enrolled>),
}

/// Everything that a head unit needs to earn with no network. All of it verified, and of one device and member.
#[derive(Debug)]
pub struct Enrolled {
    /// The cloud's word that the key is that of this head unit.
    pub certificate: Signed<DeviceCertificate>,
    /// For whom it earns.
    pub binding: Signed<Binding>,
    /// Its first epoch; a later one for a key that had been enrolled before.
    pub grant: Signed<EpochGrant>,
    /// The policy in force.
    pub policy: Signed<Policy>,
    /// The benefits.
    pub catalogue: Signed<Catalogue>,
    /// The member's statement.
    pub statement: Signed<Statement>,
}

/// Reasons for refusing an answer to an enrolment.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The cloud answered with another status than the one hoped for.
    #[error("the cloud answered with status {status}")]
    Status {
        /// The status code.
        status: u16,
    },
    /// The answer is none that a cloud gives: somebody on the way gave it.
    #[error("the answer is not a cloud's")]
    Garbled(#[source] WireError),
    /// The bytes are not what they should be, or not signed by the pinned cloud.
    #[error("{what} does not verify")]
    Bytes {
        /// The documents that are expected.
        what: &'static str,
        /// The cause.
        #[source]
        source: WireError,
    },
    /// The certificate is for another key or another vehicle.
    #[error("the certificate is for another key or another vehicle")]
    NotForMe,
    /// The policy's rules cannot be run by this program.
    #[error("the policy cannot be used")]
    Policy(#[source] PolicyError),
}

impl EnrolError {
    /// Returns whether asking again later may bring something else.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            // Somebody on the way may answer with a redirection or a sign-in page of his own.
            Self::Status { status } => matches!(*status, 300..=399 | 407 | 408 | 429 | 500..=599),
            Self::Garbled(_) => true,
            Self::Bytes { .. } | Self::NotForMe | Self::Policy(_) => false,
        }
    }

    /// Returns whether the cloud no longer has the request, as some time after its code has expired.
    #[must_use]
    pub const fn is_forgotten(&self) -> bool {
        matches!(self, Self::Status { status: 404 })
    }
}

/// The request that asks to be let in.
#[must_use]
pub fn ask_request(ask: &EnrolRequest) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        path: "/v1/enrolments".to_owned(),
        body: encode(ask),
        credential: Credential::None,
    }
}

/// Reads the answer to [`ask_request`].
///
/// # Errors
/// [`EnrolError::Status`], [`EnrolError::Bytes`].
pub fn read_ticket(response: &Response) -> Result<EnrolTicket, EnrolError> {
    match response.status {
        200 | 201 => decode(&response.body).map_err(bytes("the ticket")),
        status => Err(EnrolError::Status { status }),
    }
}

/// The request that asks where the enrolment stands.
#[must_use]
pub fn poll_request(ticket: &EnrolTicket) -> HttpRequest {
    let id: String = ticket.id.iter().map(|byte| format!("{byte:02x}")).collect();
    HttpRequest {
        method: Method::Get,
        path: format!("/v1/enrolments/{id}"),
        body: Vec::new(),
        credential: Credential::None,
    }
}

/// Reads the answer to [`poll_request`] and verifies everything in it.
///
/// # Errors
/// [`EnrolError`]; nothing of the answer is to be kept.
pub fn read_state(response: &Response, me: &Applicant) -> Result<EnrolProgress, EnrolError> {
    if response.status != 200 {
        let status = response.status;
        return Err(EnrolError::Status { status });
    }
    match decode(&response.body).map_err(EnrolError::Garbled)? {
        EnrolState::Waiting => Ok(EnrolProgress::Waiting),
        EnrolState::AwaitingConsent => Ok(EnrolProgress::AwaitingConsent),
        EnrolState::Refused => Ok(EnrolProgress::Refused),
        EnrolState::Expired => Ok(EnrolProgress::Expired),
        EnrolState::Approved {
            device,
            certificate,
            binding,
            grant,
            policy,
            catalogue,
            statement,
        } => {
            let key = &me.cloud_key;
            let certificate = certificate
                .verify(key, &device)
                .map_err(bytes("the certificate"))?;
            if certificate.body().key != me.key || certificate.body().vehicle != me.vehicle {
                return Err(EnrolError::NotForMe);
            }
            let binding = binding.verify(key, &device).map_err(bytes("the binding"))?;
            let member = binding.body().member;
            let policy = policy.verify(key, &()).map_err(bytes("the policy"))?;
            CompiledPolicy::compile_known(policy.body().clone()).map_err(EnrolError::Policy)?;
            Ok(EnrolProgress::Enrolled(Box::new(Enrolled {
                certificate,
                grant: grant.verify(key, &device).map_err(bytes("the grant"))?,
                policy,
                catalogue: catalogue.verify(key, &()).map_err(bytes("the catalogue"))?,
                statement: statement
                    .verify(key, &member)
                    .map_err(bytes("the statement"))?,
                binding,
            })))
        }
    }
}

const fn bytes(what: &'static str) -> impl FnOnce(WireError) -> EnrolError {
    move |source| EnrolError::Bytes { what, source }
}
