//! The database file as it was opened: one that was deleted or replaced since is noticed.

use std::path::{Path, PathBuf};

use crate::error::CloudError;
use crate::folder::beside;
use crate::store::room::ROOM;

/// Files that must stay where they are while the database is open; none for one in memory.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    files: Vec<(PathBuf, Identity)>,
}

/// Names a file whatever its path: device and inode.
type Identity = (u64, u64);

impl Watch {
    /// Watches an open database and its log.
    pub(crate) fn on(database: &Path) -> Self {
        let files = [database.to_owned(), beside(database, "-wal")];
        Self {
            files: files
                .into_iter()
                .filter_map(|path| identity(&path).map(|found| (path, found)))
                .collect(),
        }
    }

    /// Checks that each file is still the one that was opened.
    ///
    /// # Errors
    /// [`CloudError::DatabaseGone`].
    pub(crate) fn check(&self) -> Result<(), CloudError> {
        let gone = self
            .files
            .iter()
            .find(|(path, opened)| identity(path) != Some(*opened));
        gone.map_or(Ok(()), |(path, _)| {
            Err(CloudError::DatabaseGone(path.clone()))
        })
    }

    /// Checks that a batch finds room on the disk, where the system tells.
    ///
    /// # Errors
    /// [`CloudError::NoRoom`].
    pub(crate) fn check_room(&self) -> Result<(), CloudError> {
        let database = self.files.first().map(|(path, _)| path);
        match database.and_then(|path| free_bytes(path).map(|free| (path, free))) {
            Some((path, free)) if free < u64::from(ROOM) => Err(CloudError::NoRoom {
                path: path.clone(),
                free_kib: free / 1_024,
            }),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// Finds the bytes that this program may still write on the disk of a file; `None` for a file system that counts none.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    (disk.f_blocks > 0).then(|| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Elsewhere an open file cannot be deleted.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some((0, 0))
}
