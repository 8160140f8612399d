//! Opens and closes the cloud of a data folder.

use std::path::Path;

use dashpoint_membership::ServerTime;

use crate::clock::ClockKind;
use crate::core::CloudCore;
use crate::error::CloudError;
use crate::folder::{CloudFolder, ServeLock};
use crate::store::{cloud_row, is_whole, open_file};

impl CloudCore {
    /// Opens the cloud of a data folder that was started before, for a program that works beside the one that serves. No restore
    /// begins as long as it is open.
    ///
    /// # Errors
    /// [`CloudError::NoCloud`] when there is none, [`CloudError::KeyMissing`] when only its key is not there; [`CloudError::Restoring`]
    /// while a restore runs and [`CloudError::RestoreCutOff`] after one that was cut off; [`CloudError::NotWhole`] when a run was
    /// cut off and the log that it left does not belong to the database; [`CloudError`] when it cannot be read.
    pub fn open_folder(data: &Path) -> Result<Self, CloudError> {
        let folder = CloudFolder::new(data);
        folder.require_database()?;
        let key = folder.read_key()?;
        let lock = folder.lock_for_command()?;
        folder.make_private();
        // While a program serves there is always a log, and it is that program's: it was checked before the program took its lock.
        if !folder.is_served()? {
            require_whole(&folder)?;
        }
        let db = open_file(&folder.database())?;
        if cloud_row::find(&db)?.is_none() {
            return Err(CloudError::NoCloud(data.to_owned()));
        }
        let mut core = Self::of(db, key)?;
        core.hold(lock);
        Ok(core)
    }
}

/// Takes the lock of the one program that serves. The database is checked before: who finds the lock taken takes it for whole.
pub(crate) fn lock_whole(folder: &CloudFolder) -> Result<ServeLock, CloudError> {
    if !folder.is_served()? {
        require_whole(folder)?;
    }
    folder.lock()
}

/// Opens the database of a folder, or begins it.
pub(crate) fn begin_in(
    folder: &CloudFolder,
    clock: ClockKind,
    now: ServerTime,
) -> Result<CloudCore, CloudError> {
    let key = folder.read_or_make_key()?;
    folder.make_private();
    let db = open_file(&folder.database())?;
    // A new one has the rights that the system gives a file.
    folder.make_private();
    let mut core = CloudCore::start(db, key, clock, now)?;
    core.watch(&folder.database());
    Ok(core)
}

/// Refuses a database that a program did not close, as after a power cut, and that is not whole, with the log beside it if there is
/// one: SQLite lays the pages of a log over whatever file lies beside it, also over an older copy that was put back. Without the log
/// the database may lack half of the last checkpoint.
pub(crate) fn require_whole(folder: &CloudFolder) -> Result<(), CloudError> {
    folder.require_finished()?;
    let has_log = folder.has_log();
    if !(has_log || folder.was_cut_off()) || !folder.database().exists() {
        return Ok(());
    }
    tracing::info!("the last run was cut off: the database is checked before it is used");
    match (is_whole(&folder.database())?, has_log) {
        (true, _) => Ok(()),
        (false, true) => Err(CloudError::NotWhole(folder.database())),
        (false, false) => Err(CloudError::NotWholeAlone(folder.database())),
    }
}

/// Brings everything into the one file of the database, and closes it.
pub(crate) fn close(core: CloudCore) -> Result<(), CloudError> {
    let db = core.into_database();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    db.close().map_err(|(_, refused)| refused.into())
}
