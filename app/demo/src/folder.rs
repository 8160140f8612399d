//! The folder of the world's files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::failure::DemoFailure;

/// A folder for one play: temporary, or to be kept.
#[derive(Debug)]
pub struct DemoFolder {
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl DemoFolder {
    /// Opens the folder that is to be kept, or a temporary one that is removed with the value.
    ///
    /// # Errors
    /// When it cannot be made, or has something in it: a second story on the first one's ledger would prove nothing.
    pub fn open(keep: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = keep else {
            let temporary = TempDir::with_prefix("dashpoint-")
                .context("a temporary folder cannot be made; name one with --keep DIR")?;
            return Ok(Self {
                path: temporary.path().to_owned(),
                temporary: Some(temporary),
            });
        };
        let cannot = |cause| DemoFailure::Keep {
            folder: path.to_owned(),
            cause,
        };
        fs::create_dir_all(path).map_err(cannot)?;
        if fs::read_dir(path).map_err(cannot)?.next().is_some() {
            bail!(DemoFailure::KeepInUse(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            temporary: None,
        })
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether the folder is still there after the program's end.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.temporary.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let outer = DemoFolder::open(None).unwrap();
        let inner = outer.path().join("a/b");
        assert!(DemoFolder::open(Some(&inner)).unwrap().is_kept());
        fs::write(inner.join("file"), "x").unwrap();
        let refused = DemoFolder::open(Some(&inner)).unwrap_err().to_string();
        assert!(refused.contains("not empty"), "{refused}");
        let path = outer.path().to_owned();
        drop(outer);
        assert!(!path.exists());
    }
}
