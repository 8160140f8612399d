//! Opens and closes the cloud of a data folder.

use std::path::Path;

use dashpoint_membership::ServerTime;

use crate::clock::ClockKind;
use crate::core::CloudCore;
use crate::error::CloudError;
use crate::folder::{CloudFolder, beside};
use crate::store::{cloud_row, is_whole, open_file};

impl CloudCore {
    /// Opens the cloud of a data folder that was started before, for a program that works beside the one that serves.
    ///
    /// # Errors
    /// [`CloudError::NoCloud`] when there is none, [`CloudError::KeyMissing`] when only its key is not there; [`CloudError`]
    /// when it cannot be read; [`CloudError::NotWhole`] when a run was cut off and the log that it left does not belong to it.
    pub fn open_folder(data: &Path) -> Result<Self, CloudError> {
        let folder = CloudFolder::new(data);
        folder.require_database()?;
        let key = folder.read_key()?;
        folder.make_private();
        // While a program serves there is always a log, and it is that program's.
        let is_served = folder.lock().is_err();
        if !is_served {
            require_whole(&folder.database())?;
        }
        let db = open_file(&folder.database())?;
        if cloud_row::find(&db)?.is_none() {
            return Err(CloudError::NoCloud(data.to_owned()));
        }
        Self::of(db, key)
    }
}

/// Opens the database of a folder, or begins it.
pub(crate) fn begin_in(
    folder: &CloudFolder,
    clock: ClockKind,
    now: ServerTime,
) -> Result<CloudCore, CloudError> {
    let key = folder.read_or_make_key()?;
    folder.make_private();
    require_whole(&folder.database())?;
    let db = open_file(&folder.database())?;
    // A new one has the rights that the system gives a file.
    folder.make_private();
    let mut core = CloudCore::start(db, key, clock, now)?;
    core.watch(&folder.database());
    Ok(core)
}

/// Refuses a database that a program left with a log, as a power cut does, and that is not whole with it: SQLite lays the pages of a
/// log over whatever file lies beside it, also over an older copy that was put back.
pub(crate) fn require_whole(database: &Path) -> Result<(), CloudError> {
    let log = std::fs::metadata(beside(database, "-wal"));
    if !log.is_ok_and(|log| log.len() > 0) || !database.exists() {
        return Ok(());
    }
    tracing::info!("the last run was cut off: the database is checked before it is used");
    match is_whole(database)? {
        true => Ok(()),
        false => Err(CloudError::NotWhole(database.to_owned())),
    }
}

/// Brings everything into the one file of the database, and closes it.
pub(crate) fn close(core: CloudCore) -> Result<(), CloudError> {
    let db = core.into_database();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    db.close().map_err(|(_, refused)| refused.into())
}
