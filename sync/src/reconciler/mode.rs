//! Tells what the machine waits for, and what it goes on with when the answer is there.

use std::collections::BTreeMap;

use dashpoint_membership::{CatalogueVersion, MemberId, PolicyVersion};
use dashpoint_wire::{ChainPoint, Raw, Receipt};

use super::recovery_state::{Recovery, RecoveryStep};
use crate::exchange::HttpRequest;
use crate::known_versions::StatementMark;
use crate::now::Ticket;
use crate::refresh_schedule::RefreshTask;
use crate::verify::{CheckedAnswer, SentBatch};

/// The answer that the machine waits for; the variants carry the data to go on with.
#[derive(Debug)]
pub(super) enum Mode {
    /// Nothing: for work, or for its time.
    Idle,
    /// An answer of the cloud.
    Asking(Ticket, Box<Asking>),
    /// The store.
    AtStore(Ticket, StoreTask),
}

#[derive(Debug)]
pub(super) struct Asking {
    pub(super) request: HttpRequest,
    pub(super) question: Question,
}

/// A question to the cloud.
#[derive(Debug)]
pub(super) enum Question {
    Entries(SentBatch),
    Document(RefreshTask),
    /// The next page of own entries, or the grant: the recovery knows which.
    Recovery(Box<Recovery>),
    /// The car showed what the cloud signed for it; for the chain, or for the statement of one member.
    Proof(Option<MemberId>),
}

/// A task of the store.
#[derive(Debug)]
pub(super) enum StoreTask {
    ReadBatch,
    /// What the cloud signed; for the chain, or for the statement of one member.
    ReadEnrolment(Option<MemberId>),
    Compare(Box<Comparing>),
    Apply(Box<Applying>),
    StoreDocument(NewDocument),
    /// A page of own entries that the cloud had; the step of the recovery after it.
    StoreFetched(Box<Recovery>, RecoveryStep),
    Recovery(Box<Recovery>),
}

/// The state to take over when verdicts and receipt are durable.
#[derive(Debug)]
pub(super) struct Applying {
    pub(super) through: ChainPoint,
    pub(super) raw_receipt: Raw<Receipt>,
    pub(super) receipt: Receipt,
    pub(super) statements: BTreeMap<MemberId, StatementMark>,
}

/// A point that the cloud named, to be compared with the own entry there.
#[derive(Debug)]
pub(super) struct Comparing {
    pub(super) known: ChainPoint,
    /// The answer that named it in its receipt; a 409 has none.
    pub(super) answer: Option<CheckedAnswer>,
}

/// A document that the store is about to hold.
#[derive(Debug)]
pub(super) enum NewDocument {
    Statement(MemberId, StatementMark),
    Policy(PolicyVersion),
    Catalogue(CatalogueVersion),
}
