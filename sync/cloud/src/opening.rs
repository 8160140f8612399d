//! Opens and closes the cloud of a data folder.

use std::path::Path;

use dashpoint_membership::ServerTime;

use crate::clock::ClockKind;
use crate::core::CloudCore;
use crate::error::CloudError;
use crate::folder::CloudFolder;
use crate::store::{cloud_row, open_file};

impl CloudCore {
    /// Opens the cloud of a data folder that was started before, for a program that works beside the one that serves.
    ///
    /// # Errors
    /// [`CloudError::NoCloud`] when there is none, [`CloudError::KeyMissing`] when only its key is not there; [`CloudError`]
    /// when it cannot be read.
    pub fn open_folder(data: &Path) -> Result<Self, CloudError> {
        let folder = CloudFolder::new(data);
        folder.require_database()?;
        let key = folder.read_key()?;
        folder.make_private();
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
    let db = open_file(&folder.database())?;
    // A new one has the rights that the system gives a file.
    folder.make_private();
    let mut core = CloudCore::start(db, key, clock, now)?;
    core.watch(&folder.database());
    Ok(core)
}

/// Brings everything into the one file of the database, and closes it.
pub(crate) fn close(core: CloudCore) -> Result<(), CloudError> {
    let db = core.into_database();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    db.close().map_err(|(_, refused)| refused.into())
}
