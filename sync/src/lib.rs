//! The car's reconciler: a machine without IO.
//!
//! [`Reconciler`] decides: it is told [`Event`]s and returns [`Effect`]s, and everything that the cloud says is verified
//! in it before it leaves as an effect. [`enrol`] makes the requests of an enrolment and reads their answers. The crate
//! `dashpoint-sync-http` sends one request and returns one answer; the head unit owns the store and the clock, and connects
//! them.
//! [`GLOSSARY.md`](../../../GLOSSARY.md) at the top of the repository explains each term in one sentence.
//!
//! Invariant: the machine reads no clock, draws no chance, knows no key and no store; equal inputs give equal outputs.
//! Invariant: at most one effect with a ticket is open, so at most one request is on its way.
//! Invariant: nothing that did not verify reaches the store.

mod connection_health;
mod effect;
pub mod enrol;
mod error;
mod event;
mod exchange;
mod known_versions;
mod local_chain;
mod now;
mod outbox;
mod pacing;
mod reconciler;
mod refresh_schedule;
mod status;
mod verify;

pub use effect::{AnswerSubject, BatchOutcome, Beginning, Effect, RefusedAnswer};
pub use error::AnswerError;
pub use event::{Awaited, Event, LocalFacts};
pub use exchange::{Credential, HttpRequest, Method, Response, TransportFailure};
pub use known_versions::StatementMark;
pub use now::{Now, Ticket};
pub use reconciler::Reconciler;
pub use status::{ConnectionState, FaultReason, OfflineReason, SyncStatus};
pub use verify::DeviceIdentity;
