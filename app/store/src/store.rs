//! The owner of a data folder, and the reader of one.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::aside::Incident;
use crate::database;
use crate::error::StoreError;
use crate::owner_only::Tightened;
use crate::seal::{NonceSource, SealKey};

/// The owner of a data folder: the only writer of its two files.
///
/// Every writing method is one transaction: after an error nothing of it is there. One thread at a time.
pub struct Store {
    // Fields drop in this order: the lock outlives the connections.
    pub(crate) read: StoreReader,
    pub(crate) nonces: NonceSource,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) tightened: Tightened,
    pub(crate) folder: PathBuf,
    pub(crate) _lock: File,
}

impl Store {
    /// The questions that can be asked of it.
    #[must_use]
    pub const fn read(&self) -> &StoreReader {
        &self.read
    }

    /// The files that were set aside when it was opened.
    #[must_use]
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// Counts the files that others could open before, and those that they still can.
    #[must_use]
    pub const fn tightened(&self) -> Tightened {
        self.tightened
    }

    /// The folder that it owns.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Moves the logs into the files and lets the folder go. Without it nothing is lost: the next start does it.
    ///
    /// # Errors
    /// [`StoreError`] of a disk that refuses; the folder is let go all the same.
    pub fn close(self) -> Result<(), StoreError> {
        database::checkpoint(&self.read.ledger)?;
        database::checkpoint(&self.read.cache)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// The questions that can be asked of a data folder; see [`crate::Store::read`] and [`StoreReader::open`].
///
/// Every method fails with [`StoreError::Sqlite`] or [`StoreError::Damaged`] when the file cannot be read.
pub struct StoreReader {
    pub(crate) ledger: Connection,
    pub(crate) cache: Connection,
    pub(crate) seal: Option<SealKey>,
}

impl StoreReader {
    pub(crate) const fn new(ledger: Connection, cache: Connection, seal: Option<SealKey>) -> Self {
        Self {
            ledger,
            cache,
            seal,
        }
    }
}
