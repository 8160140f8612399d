//! Bodies of requests and responses.

use dashpoint_membership::{
    Catalogue, DeviceId, DriverTag, Entry, Epoch, Policy, Seq, ServerTime, Statement, VehicleId,
    Verdict,
};

use crate::codec::{cbor_choice, cbor_map, encode};
use crate::digest;
use crate::document::{Binding, ChainPoint, DeviceCertificate, EpochGrant, Receipt};
use crate::key::PublicKey;
use crate::signed::Raw;
use crate::token::Nonce;

/// `POST /v1/devices/{d}/entries`: entries in the order of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntriesRequest {
    /// The life of the chain.
    pub epoch: Epoch,
    /// Place of the first entry.
    pub from: Seq,
    /// The last receipt that the device holds: it shows a restored cloud how far it once was.
    pub last_receipt: Option<Raw<Receipt>>,
    /// At most [`crate::MAX_ENTRIES`]; none asks for a fresh receipt.
    pub entries: Vec<Raw<Entry>>,
}

/// 200 on entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntriesResponse {
    /// One for each entry of the request, in its order; fewer when the next one waits (section 6).
    pub verdicts: Vec<EntryVerdict>,
    /// The receipt, up to the head.
    pub receipt: Raw<Receipt>,
    /// The statement of each member whom the entries touched.
    pub statements: Vec<Raw<Statement>>,
}

/// The cloud's word on one entry of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryVerdict {
    /// The entry.
    pub seq: Seq,
    /// The verdict, the original one for an entry that the cloud had.
    pub verdict: Verdict,
    /// True when the cloud had the entry before.
    pub duplicate: bool,
}

/// Digest by which a receipt binds the verdicts that came with it: SHA-256 of their encoding, with `duplicate` as false
/// in all, so that a repeated request has the same.
#[must_use]
pub fn verdicts_digest(verdicts: &[EntryVerdict]) -> [u8; 32] {
    let original: Vec<_> = verdicts
        .iter()
        .map(|said| EntryVerdict {
            duplicate: false,
            ..said.clone()
        })
        .collect();
    digest(&encode(&original))
}

/// 409 on entries: they do not follow what the cloud has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The head that the cloud has.
    pub known: ChainPoint,
}

/// 200 on `GET /v1/devices/{d}/entries`: what the cloud has of a device's own chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntriesPage {
    /// In the order of the chain.
    pub entries: Vec<Raw<Entry>>,
    /// True when there are more after these.
    pub more: bool,
}

/// `POST /v1/devices/{d}/epochs`: a device whose chain cannot go on asks for the next epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochRequest {
    /// Its own head.
    pub head: ChainPoint,
    /// The last receipt that it holds.
    pub last_receipt: Option<Raw<Receipt>>,
}

/// 200 on epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochResponse {
    /// The permission.
    pub grant: Raw<EpochGrant>,
}

/// `POST /v1/devices/{d}/proof`: what the cloud signed for a device when it was enrolled, for a cloud that went back to
/// before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentProof {
    /// Certificate of its key.
    pub certificate: Raw<DeviceCertificate>,
    /// The grant of its present epoch.
    pub grant: Raw<EpochGrant>,
    /// For whom it earns and earned; at most [`crate::MAX_BINDINGS`].
    pub bindings: Vec<Raw<Binding>>,
    /// Policies that its entries name, and the newest; at most [`crate::MAX_POLICIES`].
    pub policies: Option<Vec<Raw<Policy>>>,
}

/// `POST /v1/enrolments`: a head unit asks to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolRequest {
    /// The key that it will sign with.
    pub key: PublicKey,
    /// The vehicle it sits in.
    pub vehicle: VehicleId,
    /// The last four characters of the VIN, for the member to compare.
    pub vin_last4: String,
    /// The driver at the wheel, if the bus names one.
    pub driver: Option<DriverTag>,
}

/// 201 on enrolments: what the head unit shows and asks with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolTicket {
    /// Names the enrolment to the head unit; whoever has it can read the outcome.
    pub id: [u8; 16],
    /// Names it to the member.
    pub code: String,
    /// The page on which the member says yes or no.
    pub approve_url: String,
    /// First instant at which it is too late.
    pub expires: ServerTime,
}

/// 200 on `GET /v1/enrolments/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolState {
    /// The member has not decided.
    Waiting,
    /// The member said no.
    Refused,
    /// Nobody said anything in time.
    Expired,
    /// The member said yes.
    Approved {
        /// Id of the head unit from now on; the documents with it are signed for this id.
        device: DeviceId,
        /// Certificate of its key.
        certificate: Raw<DeviceCertificate>,
        /// For whom it earns.
        binding: Raw<Binding>,
        /// Its first epoch.
        grant: Raw<EpochGrant>,
        /// The policy in force.
        policy: Raw<Policy>,
        /// The catalogue.
        catalogue: Raw<Catalogue>,
        /// The member's statement.
        statement: Raw<Statement>,
    },
    /// Its own member has said yes; a member of the vehicle or the operator has to agree.
    AwaitingConsent,
}

/// The body of a 4xx or 5xx that the cloud itself answers, except a 409 on entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub code: RefusalCode,
    /// To be signed in the next token, on a 401.
    pub nonce: Option<Nonce>,
}

/// A reason for refusing a request as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalCode {
    /// The body is not what the endpoint takes.
    Malformed,
    /// There is no token, or it is not accepted.
    Token,
    /// The device is not enrolled, or no longer.
    Device,
    /// The device has no binding to that member.
    NotBound,
    /// There is no such thing.
    NotFound,
    /// The body is too long, or has too many entries.
    TooLarge,
    /// An entry is not authentic: signature, device or shape.
    NotAuthentic,
    /// Too many requests; `Retry-After` says when.
    SlowDown,
    /// The cloud cannot answer now; `Retry-After` says when.
    Unavailable,
    /// The cloud lacks a binding or a policy that an entry names: the device shows its proof of enrolment first.
    Forgotten,
}

impl RefusalCode {
    /// The HTTP status that it goes with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Token => 401,
            Self::Device | Self::NotBound => 403,
            Self::NotFound => 404,
            Self::TooLarge => 413,
            Self::NotAuthentic => 422,
            Self::SlowDown => 429,
            Self::Unavailable | Self::Forgotten => 503,
        }
    }

    /// Returns whether the same bytes may be accepted later.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        match self {
            Self::Token | Self::SlowDown | Self::Unavailable | Self::Forgotten => true,
            Self::Malformed
            | Self::Device
            | Self::NotBound
            | Self::NotFound
            | Self::TooLarge
            | Self::NotAuthentic => false,
        }
    }
}

cbor_map! {
    EntriesRequest { 1 => epoch, 2 => from, 3 => last_receipt, 4 => entries }
    EntriesResponse { 1 => verdicts, 2 => receipt, 3 => statements }
    EntryVerdict { 1 => seq, 2 => verdict, 3 => duplicate }
    Divergence { 1 => known }
    EntriesPage { 1 => entries, 2 => more }
    EpochRequest { 1 => head, 2 => last_receipt }
    EpochResponse { 1 => grant }
    EnrolmentProof { 1 => certificate, 2 => grant, 3 => bindings, 4 => policies }
    EnrolRequest { 1 => key, 2 => vehicle, 3 => vin_last4, 4 => driver }
    EnrolTicket { 1 => id, 2 => code, 3 => approve_url, 4 => expires }
    Refusal { 1 => code, 2 => nonce }
}

cbor_choice! {
    EnrolState {
        1 => Waiting,
        2 => Refused,
        3 => Expired,
        4 => Approved {
            1 => device,
            2 => certificate,
            3 => binding,
            4 => grant,
            5 => policy,
            6 => catalogue,
            7 => statement
        },
        5 => AwaitingConsent,
    }
    RefusalCode {
        1 => Malformed,
        2 => Token,
        3 => Device,
        4 => NotBound,
        5 => NotFound,
        6 => TooLarge,
        7 => NotAuthentic,
        8 => SlowDown,
        9 => Unavailable,
        10 => Forgotten,
    }
}
