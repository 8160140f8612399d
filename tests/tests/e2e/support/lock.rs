//! A program beside another one, that holds what the other wants to write.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::PATIENCE;

/// Holds the only right to write to a database; who else wants it waits, and fails after some seconds.
pub struct WriteLock(Connection);

impl WriteLock {
    /// Takes it, as soon as nobody else has it.
    pub fn take(database: &Path) -> Self {
        let connection = Connection::open(database).unwrap();
        // The log that a killed program leaves is for that program to find.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .unwrap();
        let patience: Duration = PATIENCE;
        connection.busy_timeout(patience).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(connection)
    }

    /// Gives it back; nothing was written.
    pub fn give_back(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}
