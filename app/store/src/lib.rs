//! The SQLite files of the car: the ledger that must never be lost and the cache that can be rebuilt.
//!
//! [`Store`] owns a data folder and is the only writer in it; [`StoreReader`] holds the questions, of a store or of a folder
//! that another program runs on. Both are synchronous and `Send`: the head unit gives its store to one thread, and
//! everything else sends that thread commands. No other crate of the car speaks SQL.
//!
//! Signed things are kept as the raw bytes that were signed; the store compares hashes and places and leaves
//! signatures to its callers.
//!
//! Invariant: nothing of the ledger that came from a signature is ever changed or deleted, by any path.
//! Invariant: private evidence and checkpoints are sealed while the key can be had.
//! Invariant: an entry, its private evidence and the marks it claims are one transaction.
//! Invariant: a file that cannot be used is renamed, never deleted.
//! Invariant: nothing here reads a clock or makes randomness.

mod account_row;
mod aside;
mod cache;
mod chain;
mod database;
mod entry;
mod error;
mod health;
mod identity;
mod ledger;
mod lost;
mod open;
mod owner_only;
mod read;
mod reconcile;
mod salvage;
mod seal;
mod sealing;
mod sidecar;
mod store;
mod types;

pub use aside::{Incident, Trouble};
pub use cache::{Put, Statements, StoredStatement};
pub use entry::{Activity, EntrySummary, NewEntry, StoredEntry};
pub use error::StoreError;
pub use health::{CheckStopper, Finding};
pub use open::{StoreOptions, has_owner};
pub use owner_only::Tightened;
pub use reconcile::{Applied, Reconciled};
pub use seal::{NonceSource, SealKey};
pub use store::{Store, StoreReader};
pub use types::{
    Awaiting, AwaitingId, Begun, CheckDepth, RestoredEntries, SettledMark, StoredEpoch,
    StoredReceipt, StoredVerdict, Unconfirmed,
};
