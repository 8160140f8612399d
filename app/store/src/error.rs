//! Errors of the car's files.

use std::io;
use std::path::{Path, PathBuf};

use dashpoint_membership::{Epoch, Meter, Seq};
use dashpoint_wire::ChainPoint;
use rusqlite::ffi;

/// The reason that the store refused a call; nothing of the call was done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another program holds the folder.
    #[error("the data folder {} is in use by another program", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no ledger to read.
    #[error("there is no ledger in {}", folder.display())]
    NotThere {
        /// The folder.
        folder: PathBuf,
    },
    /// The SQLite linked in has the defect that loses commits when two connections write or checkpoint at once.
    #[error("SQLite {found} is linked in, but 3.51.3 or later is needed")]
    OldSqlite {
        /// Its version.
        found: &'static str,
    },
    /// A newer program wrote the file; it was left untouched.
    #[error("{} was written by a newer program (schema {found}, this one knows up to {known})", file.display())]
    NewerSchema {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// The file waits for a migration, which only the owner of the folder makes.
    #[error("{} has the older schema {found}: run the head unit once to bring it to {known}", file.display())]
    OlderSchema {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// A migration failed; the file is as it was before.
    #[error("cannot bring {} from schema {from} to {to}", file.display())]
    Migration {
        /// The file.
        file: PathBuf,
        /// Its schema.
        from: u32,
        /// The schema it should have got.
        to: u32,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// The action that failed.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// SQLite refused.
    #[error("cannot {doing}")]
    Sqlite {
        /// The action that failed.
        doing: &'static str,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// A row holds what the program never wrote.
    #[error("the stored {what} is damaged")]
    Damaged {
        /// Name of the value.
        what: &'static str,
    },
    /// A number does not fit the file's format.
    #[error("{what} is out of range")]
    OutOfRange {
        /// Name of the number.
        what: &'static str,
    },
    /// The entry does not follow the last one of the chain.
    #[error("entry {epoch}-{seq} does not follow {}-{}", head.epoch, head.seq)]
    NotNext {
        /// Its epoch.
        epoch: Epoch,
        /// Its place.
        seq: Seq,
        /// The last one of the chain.
        head: ChainPoint,
    },
    /// There is another entry, grant or receipt in that place.
    #[error("something else is recorded at {epoch}-{seq}")]
    Taken {
        /// Its epoch.
        epoch: Epoch,
        /// Its place; 0 for the epoch's grant.
        seq: Seq,
    },
    /// The epoch has no grant here.
    #[error("epoch {epoch} has not been granted")]
    NotGranted {
        /// The epoch.
        epoch: Epoch,
    },
    /// A later epoch has begun, or this one is not later than the last.
    #[error("epoch {epoch} is not the newest: that is {newest}")]
    OldEpoch {
        /// The epoch.
        epoch: Epoch,
        /// The newest one granted.
        newest: Epoch,
    },
    /// A unit of the meter has been settled before.
    #[error("the {meter:?} meter is settled up to {mark}, the entry claims from {from}")]
    AlreadySettled {
        /// The meter.
        meter: Meter,
        /// Beginning of the entry's interval.
        from: u64,
        /// End of the settled part.
        mark: u64,
    },
    /// There is no such evidence waiting to be signed.
    #[error("no such evidence is waiting to be signed")]
    NotAwaiting,
    /// The store was opened without a key to seal with.
    #[error("there is no key to seal the member's statement with")]
    NoSealKey,
    /// The source of nonces gave none.
    #[error("there is no randomness to seal the member's statement with")]
    NoNonce,
}

impl StoreError {
    /// Returns whether the disk, or the room given to the file, is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        self.io()
            .is_some_and(|source| source.kind() == io::ErrorKind::StorageFull)
            || self.sqlite().is_some_and(|source| {
                source.code == ffi::ErrorCode::DiskFull
                    || source.extended_code == ffi::SQLITE_IOERR_SHMSIZE
            })
    }

    /// Returns whether the folder cannot be written: a read-only mount, or no permission.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.io().is_some_and(|source| {
            matches!(
                source.kind(),
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
            )
        }) || self.sqlite().is_some_and(|source| {
            matches!(
                source.code,
                ffi::ErrorCode::ReadOnly | ffi::ErrorCode::PermissionDenied
            )
        })
    }

    /// Returns whether another program holds the folder.
    #[must_use]
    pub const fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }

    /// Returns whether a file is damaged: opening the folder again with [`crate::CheckDepth::Full`] sets it aside and
    /// salvages it.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Self::Damaged { .. })
            || self.sqlite().is_some_and(|source| {
                matches!(
                    source.code,
                    ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase
                )
            })
    }

    /// Returns whether the device reported a read, write or sync as failed.
    #[must_use]
    pub fn is_io(&self) -> bool {
        self.io().is_some()
            || self
                .sqlite()
                .is_some_and(|source| source.code == ffi::ErrorCode::SystemIoFailure)
    }

    /// Returns whether a newer program wrote the folder.
    #[must_use]
    pub const fn is_newer_schema(&self) -> bool {
        matches!(self, Self::NewerSchema { .. })
    }

    const fn io(&self) -> Option<&io::Error> {
        if let Self::Io { source, .. } = self {
            Some(source)
        } else {
            None
        }
    }

    fn sqlite(&self) -> Option<&ffi::Error> {
        if let Self::Sqlite { source, .. } | Self::Migration { source, .. } = self {
            source.sqlite_error()
        } else {
            None
        }
    }
}

/// Says what was being done when SQLite or the file system refused.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Sqlite { doing, source })
    }
}

pub(crate) trait DoingOn<T> {
    fn doing_on(self, doing: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> DoingOn<T> for io::Result<T> {
    fn doing_on(self, doing: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Io {
            doing,
            path: path.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> StoreError {
        StoreError::Sqlite {
            doing: "commit an entry",
            source: rusqlite::Error::SqliteFailure(ffi::Error::new(code), None),
        }
    }

    fn io(kind: io::ErrorKind) -> StoreError {
        StoreError::Io {
            doing: "open the lock file",
            path: PathBuf::from("folder/dashpoint.lock"),
            source: io::Error::from(kind),
        }
    }

    /// Full, read-only, corrupt, broken: in this order.
    fn answers(error: &StoreError) -> [bool; 4] {
        [
            error.is_disk_full(),
            error.is_read_only(),
            error.is_corrupt(),
            error.is_io(),
        ]
    }

    #[test]
    fn an_error_says_what_to_do_about_it() {
        let table = [
            (sqlite(ffi::SQLITE_FULL), [true, false, false, false]),
            (
                sqlite(ffi::SQLITE_IOERR_SHMSIZE),
                [true, false, false, true],
            ),
            (io(io::ErrorKind::StorageFull), [true, false, false, true]),
            (sqlite(ffi::SQLITE_READONLY), [false, true, false, false]),
            (
                sqlite(ffi::SQLITE_READONLY_DIRECTORY),
                [false, true, false, false],
            ),
            (
                io(io::ErrorKind::ReadOnlyFilesystem),
                [false, true, false, true],
            ),
            (sqlite(ffi::SQLITE_CORRUPT), [false, false, true, false]),
            (sqlite(ffi::SQLITE_NOTADB), [false, false, true, false]),
            (sqlite(ffi::SQLITE_IOERR_FSYNC), [false, false, false, true]),
            (sqlite(ffi::SQLITE_BUSY), [false, false, false, false]),
        ];
        for (error, expected) in table {
            assert_eq!(answers(&error), expected, "{error:?}");
        }
    }

    #[test]
    fn the_cause_is_kept() {
        let error = io(io::ErrorKind::ReadOnlyFilesystem);
        assert_eq!(
            error.to_string(),
            "cannot open the lock file folder/dashpoint.lock"
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}
