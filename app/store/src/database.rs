//! One SQLite file: how it is opened, told apart and brought to the newest schema.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig, ffi};

use crate::error::{Doing as _, StoreError};
use crate::sidecar::sidecar_file;

/// The kind of a database file: its name, its mark in the header, its schemas and the durability of its commits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileKind {
    /// Name without folder and ending.
    pub stem: &'static str,
    /// `application_id` in the header: tells our file from another program's.
    pub application_id: i32,
    /// One script per schema version, from 1; never edited once released.
    pub schemas: &'static [&'static str],
    /// FULL: a commit that was reported is on the disk. NORMAL: a power cut may take the last ones back.
    pub synchronous: &'static str,
}

pub(crate) const LEDGER: FileKind = FileKind {
    stem: "ledger",
    application_id: i32::from_be_bytes(*b"DPLG"),
    schemas: &[
        include_str!("../sql/ledger/1.sql"),
        include_str!("../sql/ledger/2.sql"),
        include_str!("../sql/ledger/3.sql"),
    ],
    synchronous: "FULL",
};

pub(crate) const CACHE: FileKind = FileKind {
    stem: "cache",
    application_id: i32::from_be_bytes(*b"DPCA"),
    schemas: &[
        include_str!("../sql/cache/1.sql"),
        include_str!("../sql/cache/2.sql"),
        include_str!("../sql/cache/3.sql"),
        include_str!("../sql/cache/4.sql"),
    ],
    synchronous: "NORMAL",
};

/// Longest wait for a reader that holds the file, in milliseconds; only a checkpoint ever waits.
const BUSY_TIMEOUT_MS: i64 = 5_000;
/// Up to here the log of a file is kept for reuse, in bytes.
const LOG_KEPT_BYTES: i64 = 2 * 1024 * 1024;
/// Copies before migrations that a folder may hold: more than there will ever be schemas.
const COPIES_MAX: u32 = 99;

impl FileKind {
    pub(crate) fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.db", self.stem))
    }

    /// Returns the path at which a salvaged file is built before it takes the damaged one's place.
    pub(crate) fn scratch(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.new.db", self.stem))
    }

    pub(crate) fn newest_schema(&self) -> u32 {
        u32::try_from(self.schemas.len()).unwrap_or(u32::MAX)
    }
}

/// State of the file where a database should be.
#[derive(Debug)]
pub(crate) enum FileState {
    /// No file.
    Absent,
    /// A database without content: creation was interrupted.
    Blank,
    /// Ours, with this schema version.
    Ours(u32),
    /// Another program's database.
    Foreign,
    /// A file that SQLite cannot read.
    Damaged,
}

/// Looks at a file without changing a byte of it, so that a newer program's file stays as it is.
pub(crate) fn probe(
    kind: &FileKind,
    file: &Path,
    vfs: Option<&str>,
) -> Result<FileState, StoreError> {
    let doing = "look at the database";
    match look(kind, file, vfs, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        Ok(found) => Ok(found),
        Err(error) => match error.sqlite_error().map(|error| error.code) {
            Some(ffi::ErrorCode::CannotOpen) if !file.exists() => Ok(FileState::Absent),
            Some(ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase) => {
                Ok(FileState::Damaged)
            }
            // A rollback journal left by an interrupted creation can be played back only by a writer.
            Some(ffi::ErrorCode::ReadOnly | ffi::ErrorCode::CannotOpen) => {
                let as_writer = look(kind, file, vfs, OpenFlags::SQLITE_OPEN_READ_WRITE);
                as_writer
                    .or_else(|error| match connect_unchanging(file, vfs) {
                        Some(unchanging) => found(kind, &unchanging?),
                        None => Err(error),
                    })
                    .doing(doing)
            }
            _ => Err(error).doing(doing),
        },
    }
}

fn look(
    kind: &FileKind,
    file: &Path,
    vfs: Option<&str>,
    access: OpenFlags,
) -> rusqlite::Result<FileState> {
    found(kind, &connect(file, vfs, access)?)
}

fn found(kind: &FileKind, connection: &Connection) -> rusqlite::Result<FileState> {
    let application_id: i32 =
        connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let objects: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if application_id == kind.application_id && version > 0 {
        FileState::Ours(version)
    } else if application_id == 0 && version == 0 && objects == 0 {
        FileState::Blank
    } else {
        FileState::Foreign
    })
}

pub(crate) fn connect(
    file: &Path,
    vfs: Option<&str>,
    access: OpenFlags,
) -> rusqlite::Result<Connection> {
    // Each connection stays with one thread, but may be moved there: SQLite's own mutexes are not needed.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(file, flags, vfs),
        None => Connection::open_with_flags(file, flags),
    }
}

/// Opens a file that has no log and lies where nobody can make one, on a disk that is mounted for reading: SQLite reads it
/// only when told that it does not change. `None` when there is a log, which must be read with it.
fn connect_unchanging(file: &Path, vfs: Option<&str>) -> Option<rusqlite::Result<Connection>> {
    let log = sidecar_file(file, "-wal");
    if vfs.is_some() || log.metadata().is_ok_and(|log| log.len() > 0) {
        return None;
    }
    let path = file.to_str()?;
    let path = ["%", "?", "#"].iter().fold(path.to_owned(), |path, sign| {
        path.replace(sign, &format!("%{:02X}", sign.as_bytes()[0]))
    });
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let unchanging = format!("file:{path}?immutable=1");
    Some(connect(Path::new(&unchanging), None, flags))
}

/// Opens for writing, with the settings that every promise of this crate rests on.
pub(crate) fn open_writer(
    kind: &FileKind,
    file: &Path,
    vfs: Option<&str>,
) -> Result<Connection, StoreError> {
    let doing = "open the database";
    let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = connect(file, vfs, access).doing(doing)?;
    guard(&connection).doing(doing)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .doing(doing)?;
    if mode != "wal" {
        // SQLite keeps the old mode, without an error, where the file system cannot do it.
        return Err(refused("the file system cannot hold a write-ahead log")).doing(doing);
    }
    connection
        .pragma_update(None, "synchronous", kind.synchronous)
        .and_then(|()| connection.pragma_update(None, "journal_size_limit", LOG_KEPT_BYTES))
        .doing(doing)?;
    Ok(connection)
}

/// Opens for reading; never writes a page or checkpoints the log.
pub(crate) fn open_reader(file: &Path, vfs: Option<&str>) -> Result<Connection, StoreError> {
    let doing = "open the database for reading";
    let connection = connect(file, vfs, OpenFlags::SQLITE_OPEN_READ_ONLY).doing(doing)?;
    let connection =
        match connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())) {
            Ok(()) => connection,
            Err(error) => match connect_unchanging(file, vfs) {
                Some(unchanging)
                    if error.sqlite_error_code() == Some(ffi::ErrorCode::CannotOpen) =>
                {
                    unchanging.doing(doing)?
                }
                Some(_) | None => return Err(error).doing(doing),
            },
        };
    guard(&connection).doing(doing)?;
    Ok(connection)
}

/// An empty database of that kind in memory, for readers of a folder whose cache cannot be read.
pub(crate) fn in_memory(kind: &FileKind) -> Result<Connection, StoreError> {
    let doing = "make an empty database";
    let connection = Connection::open_in_memory().doing(doing)?;
    for schema in kind.schemas {
        connection.execute_batch(schema).doing(doing)?;
    }
    Ok(connection)
}

/// Settings of every connection: a damaged or forged file must not make SQLite do more than fail.
fn guard(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Without it a statement that compares a range is compiled anew for each value that is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "busy_timeout", BUSY_TIMEOUT_MS)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Makes the newest schema in a new or blank file and moves it into the file proper: from now on the file is never
/// empty, whatever happens to its log.
pub(crate) fn create(
    kind: &FileKind,
    file: &Path,
    vfs: Option<&str>,
) -> Result<Connection, StoreError> {
    let mut connection = open_writer(kind, file, vfs)?;
    upgrade(kind, file, &mut connection, 0)?;
    checkpoint(&connection)?;
    Ok(connection)
}

/// Opens a file of ours and brings it to the newest schema, after a copy of it has been put beside it.
pub(crate) fn open_and_migrate(
    kind: &FileKind,
    file: &Path,
    vfs: Option<&str>,
    found: u32,
) -> Result<Connection, StoreError> {
    let known = kind.newest_schema();
    if found > known {
        return Err(StoreError::NewerSchema {
            file: file.to_owned(),
            found,
            known,
        });
    }
    let mut connection = open_writer(kind, file, vfs)?;
    if found < known {
        copy_aside(kind, file, &connection, found)?;
        upgrade(kind, file, &mut connection, found)?;
        checkpoint(&connection)?;
    }
    Ok(connection)
}

fn upgrade(
    kind: &FileKind,
    file: &Path,
    connection: &mut Connection,
    from: u32,
) -> Result<(), StoreError> {
    let to = kind.newest_schema();
    let steps = &kind.schemas[(from as usize).min(kind.schemas.len())..];
    let mut run = || -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        for step in steps {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", kind.application_id)?;
        transaction.pragma_update(None, "user_version", to)?;
        transaction.commit()
    };
    run().map_err(|source| StoreError::Migration {
        file: file.to_owned(),
        from,
        to,
        source,
    })
}

/// Puts a whole copy beside the file under the first free name: `ledger.schema-1.copy-1.db`.
fn copy_aside(
    kind: &FileKind,
    file: &Path,
    connection: &Connection,
    found: u32,
) -> Result<(), StoreError> {
    let mut last = refused("every name for a copy is taken");
    for number in 1..=COPIES_MAX {
        let name = format!("{}.schema-{found}.copy-{number}.db", kind.stem);
        let copy = file.with_file_name(name);
        if copy.exists() {
            continue;
        }
        match connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()]) {
            Ok(_) => return Ok(()),
            // A VFS of its own may hold a file of that name that the file system does not show.
            Err(error) if error.sqlite_error_code() == Some(ffi::ErrorCode::Unknown) => {
                last = error;
            }
            Err(error) => return Err(error).doing("copy the database before its migration"),
        }
    }
    Err(last).doing("copy the database before its migration")
}

/// Moves the whole log into the file.
pub(crate) fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .doing("move the log into the database")
}

fn refused(why: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(why.to_owned()))
}

#[cfg(test)]
mod tests;
