//! Folder and files for their owner alone: what lies in them is about a person.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::error::{DoingOn as _, StoreError};

/// First parts of the names of our own files: a folder may hold others, which are not ours to change.
const OURS: [&str; 5] = ["ledger.", "cache.", "device.", "seal.", "dashpoint."];

/// Counts of what an older program had left open to others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tightened {
    /// Folder and files that only their owner may open now.
    pub closed: u64,
    /// Those that the file system did not let be changed.
    pub refused: u64,
}

/// Makes the folder, for its owner alone; one that is there is left to [`tighten`].
pub(crate) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).doing_on("make the folder", folder)
}

/// Opens a file of ours for writing and makes it if it is missing, for its owner alone from its first byte.
pub(crate) fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes from group and others what an older program had left them. A disk that may only be read is left as it is.
#[cfg(unix)]
pub(crate) fn tighten(folder: &Path) -> Tightened {
    use std::os::unix::fs::PermissionsExt as _;

    let mut tightened = Tightened::default();
    let mut close = |path: &Path, wanted: u32, unless: u32| {
        let Ok(meta) = fs::symlink_metadata(path) else {
            return;
        };
        let mode = meta.permissions().mode();
        if meta.is_symlink() || mode & 0o077 == 0 || mode & unless != 0 {
            return;
        }
        match fs::set_permissions(path, fs::Permissions::from_mode(wanted)) {
            Ok(()) => tightened.closed += 1,
            Err(_) => tightened.refused += 1,
        }
    };
    // A folder with the sticky bit is everybody's, such as /tmp.
    close(folder, 0o700, 0o1000);
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in names {
        let name = entry.file_name();
        let is_ours = OURS
            .iter()
            .any(|ours| name.to_string_lossy().starts_with(ours));
        if is_ours && entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
            close(&entry.path(), 0o600, 0);
        }
    }
    tightened
}

/// Leaves permissions to a system that has other ones.
#[cfg(not(unix))]
pub(crate) fn tighten(_folder: &Path) -> Tightened {
    Tightened::default()
}
