//! Opens the database: pragmas, version checks, migrations.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::CloudError;
use crate::folder::{ROLLBACK, beside};

/// Marks the file as a member cloud's, "DPMC".
const APPLICATION_ID: i32 = 0x4450_4d43;

/// The schema of each version, from 1; a step is never edited once it was released.
const STEPS: [&str; 8] = [
    include_str!("../../sql/schema-1.sql"),
    include_str!("../../sql/schema-2.sql"),
    include_str!("../../sql/schema-3.sql"),
    include_str!("../../sql/schema-4.sql"),
    include_str!("../../sql/schema-5.sql"),
    include_str!("../../sql/schema-6.sql"),
    include_str!("../../sql/schema-7.sql"),
    include_str!("../../sql/schema-8.sql"),
];

/// SQLite before 3.51.3 can lose commits of a database in WAL mode with two connections (the WAL-reset bug).
const OLDEST_SQLITE: i32 = 3_051_003;

/// Time that a statement waits for another program's transaction: the CLI works beside `serve`.
const BUSY: Duration = Duration::from_secs(10);

/// Opens the database file, makes it when there is none, and brings its schema up to date.
///
/// # Errors
/// [`CloudError`] when the file is empty, is not a member cloud's, was written by a newer program, or cannot be read.
pub fn open_file(path: &Path) -> Result<Connection, CloudError> {
    // One that was cut off while it was made has a rollback journal beside it; any other empty file is one that was lost.
    let is_empty = std::fs::metadata(path).is_ok_and(|file| file.len() == 0);
    if is_empty && !beside(path, ROLLBACK).exists() {
        return Err(CloudError::EmptyDatabase(path.to_owned()));
    }
    refuse_others(path)?;
    prepare(Connection::open_with_flags(path, flags())?)
}

/// Opens a database without the right to write: not even the log beside it is laid into it.
///
/// # Errors
/// [`CloudError::Database`] when SQLite refuses.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, CloudError> {
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, read_only)?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

/// Opens a database that nobody writes to any more, to read it: nothing is made beside it.
///
/// # Errors
/// [`CloudError::Database`] when SQLite refuses. A log beside it is not read.
pub(crate) fn open_kept(path: &Path) -> Result<Connection, CloudError> {
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let escaped: String = path
        .to_string_lossy()
        .chars()
        .map(|char| match char {
            '%' => "%25".to_owned(),
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            other => other.to_string(),
        })
        .collect();
    let uri = format!("file:{escaped}?immutable=1");
    Ok(Connection::open_with_flags(uri, read_only)?)
}

/// Refuses another program's file and a newer one's before a byte of it is changed: opening it to write turns its
/// journal into a log. A file that cannot be read so is left to the one who opens it to write.
fn refuse_others(path: &Path) -> Result<(), CloudError> {
    let Ok(db) = open_to_read(path) else {
        return Ok(());
    };
    let found = || -> rusqlite::Result<(i32, i32, i64)> {
        Ok((
            db.pragma_query_value(None, "application_id", |row| row.get(0))?,
            db.pragma_query_value(None, "user_version", |row| row.get(0))?,
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
        ))
    };
    match found() {
        Ok((APPLICATION_ID, found, _)) if found > newest() => Err(CloudError::NewerSchema {
            found,
            known: newest(),
        }),
        // The last: making it was interrupted.
        Ok((APPLICATION_ID, _, _) | (0, 0, 0)) | Err(_) => Ok(()),
        Ok(_) => Err(CloudError::ForeignDatabase),
    }
}

/// The same on a registered SQLite VFS, for a disk that fails on purpose.
///
/// # Errors
/// [`CloudError`] as for [`open_file`].
pub fn open_on_vfs(path: &Path, vfs: &str) -> Result<Connection, CloudError> {
    prepare(Connection::open_with_flags_and_vfs(path, flags(), vfs)?)
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Opens a database that lives as long as its connection, for tests and simulations.
///
/// # Errors
/// [`CloudError`] when SQLite refuses.
pub fn open_in_memory() -> Result<Connection, CloudError> {
    prepare(Connection::open_in_memory()?)
}

fn prepare(mut db: Connection) -> Result<Connection, CloudError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(CloudError::OldSqlite(rusqlite::version()));
    }
    db.busy_timeout(BUSY)?;
    // Without it a statement that compares a range is compiled anew for each value that is bound to it.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 4194304;",
    )?;
    migrate(&mut db)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn migrate(db: &mut Connection) -> Result<(), CloudError> {
    // Most starts find nothing to do and need no write lock.
    if pragma(db, "user_version")? == newest() {
        return own(db);
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = pragma(&tx, "user_version")?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    let Some(steps) = STEPS.get(done..) else {
        return Err(CloudError::NewerSchema {
            found,
            known: newest(),
        });
    };
    if done == 0 {
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    own(&tx)?;
    for step in steps {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "user_version", newest())?;
    tx.commit()?;
    Ok(())
}

fn own(db: &Connection) -> Result<(), CloudError> {
    match pragma(db, "application_id")? {
        APPLICATION_ID => Ok(()),
        _ => Err(CloudError::ForeignDatabase),
    }
}

fn newest() -> i32 {
    i32::try_from(STEPS.len()).unwrap_or(i32::MAX)
}

/// Returns whether a database has the tables of today.
pub(crate) fn is_newest(db: &Connection) -> Result<bool, CloudError> {
    Ok(pragma(db, "user_version")? == newest())
}

fn pragma(db: &Connection, name: &str) -> Result<i32, CloudError> {
    Ok(db.pragma_query_value(None, name, |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_schema_and_a_foreign_file_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cloud.db");
        drop(open_file(&path).unwrap());
        drop(open_file(&path).unwrap());

        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "user_version", newest() + 1)
            .unwrap();
        drop(db);
        assert!(matches!(
            open_file(&path),
            Err(CloudError::NewerSchema { found, known }) if (found, known) == (newest() + 1, newest())
        ));

        let foreign = folder.path().join("foreign.db");
        let db = Connection::open(&foreign).unwrap();
        db.execute_batch("CREATE TABLE notes (note TEXT); PRAGMA user_version = 1;")
            .unwrap();
        drop(db);
        assert!(matches!(
            open_file(&foreign),
            Err(CloudError::ForeignDatabase)
        ));

        let empty = folder.path().join("empty.db");
        std::fs::write(&empty, b"").unwrap();
        assert!(matches!(
            open_file(&empty),
            Err(CloudError::EmptyDatabase(_))
        ));
        std::fs::write(folder.path().join("empty.db-journal"), [0; 512]).unwrap();
        assert!(open_file(&empty).is_ok(), "its making was cut off");
    }

    #[test]
    fn what_was_settled_cannot_be_rewritten() {
        let db = open_in_memory().unwrap();
        db.execute_batch(
            "INSERT INTO members VALUES (zeroblob(16), 'n', 'UTC', 0, '{}', 1, 0, 0, 0, 'basic');
             INSERT INTO settlements VALUES (zeroblob(16), 1, 0, 'expired', '{}', 0, 0, 0, NULL);",
        )
        .unwrap();
        for forbidden in [
            "UPDATE settlements SET points = 1000",
            "DELETE FROM settlements",
        ] {
            assert!(db.execute(forbidden, []).is_err(), "{forbidden}");
        }
    }
}
