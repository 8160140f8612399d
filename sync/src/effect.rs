//! Requests of the machine to its owner.

use dashpoint_membership::{Catalogue, Entry, Epoch, MemberId, Policy, Seq, Statement};
use dashpoint_wire::{ChainPoint, EntryVerdict, EpochGrant, Receipt, Signed};

use crate::error::AnswerError;
use crate::exchange::HttpRequest;
use crate::now::Ticket;
use crate::status::SyncStatus;

/// A request of the machine to its owner. Each effect with a ticket is answered by exactly one event with the same
/// ticket, and the machine waits for it: at most one is open.
#[derive(Debug)]
pub enum Effect {
    /// Read own entries of one epoch, in order, as they were signed. None is an answer too.
    ReadEntries {
        /// For the answer.
        ticket: Ticket,
        /// The epoch to read.
        epoch: Epoch,
        /// Only those after this one.
        after: Seq,
        /// At most that many.
        limit: usize,
    },
    /// Read all own entries that stand beside the chain, of places after this one: another branch that was fetched back,
    /// or what was salvaged from a damaged file. Answered like `ReadEntries`.
    ReadStrays {
        /// For the answer.
        ticket: Ticket,
        /// Of this epoch or a later one.
        epoch: Epoch,
        /// In this epoch, only those after this one.
        after: Seq,
    },
    /// Read what the cloud signed for this car when it was enrolled.
    ReadEnrolment {
        /// For the answer.
        ticket: Ticket,
    },
    /// Send a request.
    Send {
        /// For the answer.
        ticket: Ticket,
        /// The request.
        request: HttpRequest,
    },
    /// Store verdicts, receipt and statements in one transaction. All of it verified.
    Apply {
        /// For the answer.
        ticket: Ticket,
        /// The answer to store.
        outcome: Box<BatchOutcome>,
    },
    /// Store a statement that is newer than the one held.
    StoreStatement {
        /// For the answer.
        ticket: Ticket,
        /// The statement.
        statement: Box<Signed<Statement>>,
    },
    /// Store a policy that is newer than all held; those stay.
    StorePolicy {
        /// For the answer.
        ticket: Ticket,
        /// The policy.
        policy: Box<Signed<Policy>>,
    },
    /// Store a catalogue that is newer than the one held.
    StoreCatalogue {
        /// For the answer.
        ticket: Ticket,
        /// The catalogue.
        catalogue: Box<Signed<Catalogue>>,
    },
    /// Store own entries that the cloud had and this disk may have lost; those that are there already stay as they are.
    /// Their meter intervals are claimed.
    StoreFetched {
        /// For the answer.
        ticket: Ticket,
        /// The entries, in the order of the chain.
        entries: Vec<Signed<Entry>>,
    },
    /// Sign the carries and commit them with the grant in one transaction, if the head is still the one named; else
    /// answer that it failed.
    BeginEpoch {
        /// For the answer.
        ticket: Ticket,
        /// The epoch and its carries to commit.
        beginning: Box<Beginning>,
    },
    /// The connection stands differently now.
    StateChanged(SyncStatus),
    /// Something was refused: to be logged, with its cause.
    Report(RefusedAnswer),
}

/// The cloud's verified answer to a batch of entries.
#[derive(Debug)]
pub struct BatchOutcome {
    /// One for each entry sent, in their order.
    pub verdicts: Vec<EntryVerdict>,
    /// The receipt for them.
    pub receipt: Signed<Receipt>,
    /// Statements of the members it touched that are newer than those held.
    pub statements: Vec<Signed<Statement>>,
}

/// The beginning of an epoch.
#[derive(Debug)]
pub struct Beginning {
    /// The cloud's grant.
    pub grant: Signed<EpochGrant>,
    /// The head of the chain that `carries` was worked out for.
    pub head: ChainPoint,
    /// Own entries that the cloud lacks, those of the chain first: each to be signed again in the new epoch as a carry.
    pub carries: Vec<ChainPoint>,
}

/// Something that was refused.
#[derive(Debug)]
pub struct RefusedAnswer {
    /// The subject of the answer.
    pub what: AnswerSubject,
    /// The reason of the refusal.
    pub why: AnswerError,
}

/// The subject of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnswerSubject {
    /// Verdicts and receipt.
    Entries,
    /// A statement.
    Statement(MemberId),
    /// A statement that came with a receipt and is of no member known here.
    ForeignStatement,
    /// The policy.
    Policy,
    /// The catalogue.
    Catalogue,
    /// Own entries fetched back.
    Fetched,
    /// The grant of an epoch.
    Grant,
    /// Own entries as the store gave them.
    Own,
}
