//! The car's reconciler: a machine without IO.
//!
//! [`Reconciler`] decides: it is told [`Event`]s and returns [`Effect`]s, and everything that the cloud says is verified
//! in it before it leaves as an effect. [`enrol`] makes the requests of an enrolment and reads their answers. The crate
//! `dashpoint-sync-http` sends one request and returns one answer; the head unit owns the store and the clock, and connects
//! them.
//! `GLOSSARY.md` at the top of the repository explains each term in one sentence.
//!
//! Invariant: the machine reads no clock, draws no chance, knows no key and no store; equal inputs give equal outputs.
//! Invariant: at most one effect with a ticket is open, so at most one request is on its way.
//! Invariant: nothing that did not verify reaches the store.

mod agenda;
mod contact;
mod effect;
pub mod enrol;
mod error;
mod event;
mod exchange;
mod held;
mod now;
mod outbox;
mod own_chain;
mod pacing;
mod reconciler;
mod status;
mod verify;

pub use effect::{Beginning, Effect, Outcome, Report, Subject};
pub use error::Refused;
pub use event::{Awaited, Event, LocalFacts};
pub use exchange::{Credential, HttpRequest, Method, Response, TransportFailure};
pub use held::StatementMark;
pub use now::{Now, Ticket};
pub use reconciler::Reconciler;
pub use status::{ConnectionState, FaultReason, OfflineReason, Status};
pub use verify::Identity;
