//! Reasons for refusing an answer of the cloud or of the store.

use dashpoint_membership::{EntryHash, Epoch, PolicyError, PolicyVersion, Seq, ServerEpoch};
use dashpoint_wire::WireError;

/// The reason for refusing something. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It is not the bytes that it should be, or not signed by whom it should be.
    #[error("the bytes do not verify")]
    Bytes(#[from] WireError),
    /// The answer of a kind that this request does not have.
    #[error("status {status} answers another question")]
    Status {
        /// The status code.
        status: u16,
    },
    /// The cloud refused the request.
    #[error("the cloud refused with status {status}")]
    ByCloud {
        /// The status code.
        status: u16,
    },
    /// A receipt for another epoch than the entries sent.
    #[error("the receipt is for epoch {found}, the entries are of {sent}")]
    ReceiptEpoch {
        /// In the receipt.
        found: Epoch,
        /// Sent.
        sent: Epoch,
    },
    /// Verdicts that are not one for each entry, from the first on.
    #[error("verdict number {place} is for entry {found:?}")]
    VerdictOrder {
        /// Place in the list, from 0.
        place: usize,
        /// The entry of the verdict, if there is a verdict.
        found: Option<Seq>,
    },
    /// The receipt was signed over other verdicts.
    #[error("the receipt is for other verdicts")]
    VerdictDigest,
    /// The receipt ends before the verdicts do.
    #[error("the receipt goes through {through}, the verdicts through {verdicts}")]
    ReceiptBehind {
        /// In the receipt.
        through: Seq,
        /// Last verdict.
        verdicts: Seq,
    },
    /// The receipt is for another entry than the one sent with that number.
    #[error("the receipt is for {found}, entry {seq} is {own}")]
    ReceiptHead {
        /// Number of the entry.
        seq: Seq,
        /// In the receipt.
        found: EntryHash,
        /// Own.
        own: EntryHash,
    },
    /// Word of a life of the cloud's database that is over.
    #[error("it is of server epoch {found}, and {known} has been seen")]
    OldServerEpoch {
        /// In the word.
        found: ServerEpoch,
        /// Seen before.
        known: ServerEpoch,
    },
    /// A version that is not above the one held.
    #[error("it is version {found}, and {held} is held")]
    NotNewer {
        /// Its version.
        found: u64,
        /// The one held.
        held: u64,
    },
    /// A policy whose rules this program cannot run.
    #[error("policy {version} cannot be used")]
    Policy {
        /// Number of the version.
        version: PolicyVersion,
        /// The cause.
        #[source]
        source: PolicyError,
    },
    /// A statement of a member whom this car does not know.
    #[error("it is of no member bound to this car")]
    ForeignMember,
    /// An entry that does not follow the one before.
    #[error("entry {seq} of epoch {epoch} does not follow the one before")]
    BrokenChain {
        /// Of the entry.
        epoch: Epoch,
        /// Of the entry.
        seq: Seq,
    },
    /// The cloud named a head and then did not have the entries up to it, or more epochs than a car can have had.
    #[error("the cloud named a head that its entries do not reach")]
    HeadNotReached,
    /// A grant of an epoch that is not above the car's and the cloud's.
    #[error("the grant is for epoch {found}, at least {least} is expected")]
    GrantEpoch {
        /// In the grant.
        found: Epoch,
        /// The least that is right.
        least: Epoch,
    },
    /// The store gave fewer or other entries than it says it holds.
    #[error("the store does not hold the entries that it counts")]
    StoreLacks,
}
