//! The database file as it was opened: one that was deleted or replaced since is noticed.

use std::path::{Path, PathBuf};

use crate::error::CloudError;
use crate::folder::beside;

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
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// Elsewhere an open file cannot be deleted.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some((0, 0))
}
