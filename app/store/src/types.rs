//! Records of the ledger as callers give and get them.

use dashpoint_membership::{
    EntryHash, Epoch, Meter, MeterNumber, Points, ServerEpoch, ServerTime, Verdict,
};
use dashpoint_wire::{ChainPoint, EpochGrant, Raw, Receipt, decode};
use rusqlite::Row;

use crate::error::{Doing as _, StoreError};

/// Depth of the check before the ledger is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckDepth {
    /// Its header, its schema and the end of its chain: a few pages.
    Ends,
    /// All pages, without comparing indexes.
    Pages,
    /// All pages, and every entry against its hash and the one before.
    Full,
}

/// Up to where a lifetime meter has been settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledMark {
    /// The quantity.
    pub meter: Meter,
    /// The meter of that quantity.
    pub number: MeterNumber,
    /// First unit that is not settled.
    pub high: u64,
}

/// The grant of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEpoch {
    /// The epoch.
    pub epoch: Epoch,
    /// Hash of the grant: what the epoch's first entry names as the one before.
    pub hash: EntryHash,
    /// The signed bytes.
    pub raw: Raw<EpochGrant>,
}

/// Result of beginning an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It has begun, with its carries.
    Now,
    /// The same grant had been taken before: nothing changed.
    Before,
}

/// Result of storing entries that were fetched back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoredEntries {
    /// Entries that were missing and are in the chain now.
    pub filled: u64,
    /// Entries that were there.
    pub known: u64,
    /// Entries kept beside the chain that fit it now.
    pub adopted: u64,
}

/// Names evidence that waits to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AwaitingId(pub(crate) i64);

/// Evidence that could not be signed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaiting {
    /// Its name.
    pub id: AwaitingId,
    /// The bytes that were given.
    pub evidence: Vec<u8>,
    /// The private part that was given; none where there was no key to seal it, or the key does not open it.
    pub private: Option<Vec<u8>>,
    /// The car's own clock when it was made, in seconds since 1970-01-01T00:00:00Z.
    pub made_at_unix_s: i64,
}

/// Entries that no receipt covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The number of entries.
    pub entries: u64,
    /// Points that the car expects to be paid for them.
    pub points: Points,
    /// The car's own clock when the oldest was made, in seconds since 1970-01-01T00:00:00Z.
    pub since_unix_s: Option<i64>,
}

/// The cloud's word on an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVerdict {
    /// Server epoch of the verdict.
    pub server_epoch: ServerEpoch,
    /// The decoded verdict.
    pub verdict: Verdict,
}

/// A receipt as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Up to where the cloud has the chain.
    pub through: ChainPoint,
    /// Time of the cloud at which it was made.
    pub server_time: ServerTime,
    /// Server epoch of the cloud.
    pub server_epoch: ServerEpoch,
    /// The signed bytes.
    pub raw: Raw<Receipt>,
}

impl StoredVerdict {
    /// Reads the columns `server_epoch, raw`, both NULL when there is none.
    pub(crate) fn read_if_any(row: &Row<'_>, first: usize) -> Result<Option<Self>, StoreError> {
        let doing = "read a verdict";
        let Some(server_epoch) = row.get::<_, Option<u32>>(first).doing(doing)? else {
            return Ok(None);
        };
        let raw: Vec<u8> = row.get(first + 1).doing(doing)?;
        let verdict = decode(&raw).map_err(|_| StoreError::Damaged { what: "verdict" })?;
        Ok(Some(Self {
            server_epoch: ServerEpoch::new(server_epoch),
            verdict,
        }))
    }
}
