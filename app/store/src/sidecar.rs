//! The files that SQLite keeps beside a database file.

use std::path::{Path, PathBuf};

/// Returns the file with this ending beside a database file.
pub(crate) fn sidecar_file(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
