//! Parts, inputs and outputs of the engine.

use std::time::Duration;

use dashpoint_membership::ServerTime;
use dashpoint_store::{Store, StoreError};
use dashpoint_sync::{Event, HttpRequest, Ticket};
use dashpoint_wire::SigningKey;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use crate::books::{Books, BooksError};
use crate::bus::BusInput;
use crate::clock::Clock;
use crate::command::Ask;
use crate::live::Live;
use crate::random::Chance;

/// Reasons that the engine cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The books cannot be opened.
    #[error(transparent)]
    Books(#[from] BooksError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The policy that the program ships cannot be read.
    #[error("the shipped policy cannot be read")]
    ShippedPolicy(#[from] toml::de::Error),
}

impl EngineError {
    /// As [`BooksError::is_damage`].
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Books(error) => error.is_damage(),
            Self::Store(error) => error.is_corrupt(),
            Self::ShippedPolicy(_) => false,
        }
    }
}

/// A request on its way to the cloud, with the wall clock to sign it at.
#[derive(Debug)]
pub struct Outgoing {
    /// For the answer.
    pub ticket: Ticket,
    /// The request.
    pub request: HttpRequest,
    /// The car's clock, in seconds since 1970.
    pub unix_s: i64,
    /// The last signed time of the cloud that is not ahead of the car's clocks: certificates are judged by it.
    pub signed_at: ServerTime,
}

/// Outputs of the engine.
#[derive(Debug)]
pub struct Outputs {
    /// Requests to the cloud: at most one is on its way.
    pub requests: mpsc::Sender<Outgoing>,
    /// Newest event time taken, in milliseconds since 1970.
    pub seen: watch::Sender<Option<i64>>,
    /// Live state of the head unit.
    pub live: watch::Sender<Live>,
}

/// Parts of an engine.
#[derive(Debug)]
pub struct Parts {
    /// The data folder.
    pub store: Store,
    /// The verified state of the ledger.
    pub books: Books,
    /// The clocks.
    pub clock: Clock,
    /// Zone of the local day until a statement names the member's.
    pub zone: TimeZone,
    /// The device key; missing while the key store cannot be read.
    pub signer: Option<SigningKey>,
    /// Salt of evidence and spread of retries.
    pub chance: Chance,
    /// Longest wait of an entry that nobody waits for before it is sent.
    pub send_within: Duration,
    /// Outputs of the engine.
    pub outputs: Outputs,
}

/// Inputs of the engine.
#[derive(Debug)]
pub struct Inputs {
    /// The vehicle.
    pub bus: mpsc::Receiver<BusInput>,
    /// Answers of the cloud.
    pub answers: mpsc::Receiver<Event>,
    /// The member, and whoever looks after the head unit.
    pub asks: mpsc::Receiver<Ask>,
    /// Set when the program is to end.
    pub stop: watch::Receiver<bool>,
}
