//! Inputs of the machine.

use dashpoint_membership::{CatalogueVersion, EntryHash, MemberId, PolicyVersion, ServerEpoch};
use dashpoint_wire::ChainPoint;
use dashpoint_wire::message::EnrolmentProof;

use crate::exchange::{Response, TransportFailure};
use crate::known_versions::StatementMark;
use crate::now::Ticket;

/// An input of the machine. Every effect with a ticket is answered exactly once, in any order.
#[derive(Debug, Clone)]
pub enum Event {
    /// The program started, or its bindings changed: everything before is forgotten.
    Started(LocalFacts),
    /// A new entry is durable.
    EntryCommitted {
        /// The new head of the chain.
        head: ChainPoint,
        /// The one who waits for it.
        awaited: Awaited,
    },
    /// The vehicle says whether it has a network; a hint, not a promise.
    ConnectivityChanged {
        /// True when there is a network.
        available: bool,
    },
    /// The time of `poll_timeout` has come.
    Tick,
    /// The member or an engineer asks for a reconciliation now; no pause that the cloud asked for is cut short.
    SyncRequested,
    /// Answers `ReadEntries` and `ReadStrays`: raw entries in order, none when there are no more.
    EntriesRead {
        /// Of the effect.
        ticket: Ticket,
        /// Raw signed bytes.
        entries: Vec<Vec<u8>>,
    },
    /// Answers `ReadEnrolment`.
    EnrolmentRead {
        /// Of the effect.
        ticket: Ticket,
        /// Certificate, the grant of the newest epoch, and bindings.
        proof: Box<EnrolmentProof>,
    },
    /// Answers `Send`.
    Answered {
        /// Of the effect.
        ticket: Ticket,
        /// The answer, or the failure of the transport.
        answer: Result<Response, TransportFailure>,
    },
    /// Answers `Apply` and the `Store…` effects but `StoreFetched`: it is durable.
    Stored {
        /// Of the effect.
        ticket: Ticket,
    },
    /// Answers `StoreFetched`: it is durable.
    FetchedStored {
        /// Of the effect.
        ticket: Ticket,
        /// The newest own entry of the chain, which may be one of those fetched.
        head: ChainPoint,
        /// As in [`LocalFacts::forked`].
        forked: bool,
    },
    /// Answers `BeginEpoch`: grant and carries are durable in one transaction.
    EpochBegun {
        /// Of the effect.
        ticket: Ticket,
        /// The head of the chain in the new epoch; seq 0 with the grant's hash when nothing was carried.
        head: ChainPoint,
    },
    /// Answers any effect of the store: it did not happen, nothing of it remains.
    StoreFailed {
        /// Of the effect.
        ticket: Ticket,
    },
}

/// The one who waits for the cloud's answer to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// A member who did something by hand: the entry leaves at once, and so do all before it.
    ByMember,
    /// Nobody: it was earned by itself, and leaves at a drawn time.
    ByNobody,
}

/// The car's stored state at the start of the machine.
#[derive(Debug, Clone)]
pub struct LocalFacts {
    /// The newest own entry; seq 0 with the grant's hash when the epoch has none.
    pub head: ChainPoint,
    /// The car's clock when that entry was made, in seconds since 1970; `None` when there is none.
    pub head_made_unix_s: Option<i64>,
    /// Own entries of the head's epoch, or of a later one, stand beside the chain: another branch that was fetched back,
    /// or what was salvaged from a damaged file. Only a new epoch can say again those that the cloud lacks.
    pub forked: bool,
    /// SHA-256 of the raw grant of the head's epoch.
    pub grant: EntryHash,
    /// The server epoch that the grant names.
    pub server_epoch: ServerEpoch,
    /// Raw bytes of the newest receipt, of whatever epoch.
    pub last_receipt: Option<Vec<u8>>,
    /// Each member bound to this car, and the statement held of him.
    pub members: Vec<(MemberId, Option<StatementMark>)>,
    /// The newest policy held.
    pub policy: Option<PolicyVersion>,
    /// The catalogue held.
    pub catalogue: Option<CatalogueVersion>,
    /// True when the vehicle says that it has a network.
    pub network: bool,
}
