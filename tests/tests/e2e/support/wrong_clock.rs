//! A clock that is wrong for one program alone: libfaketime, loaded into it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::is_there;

/// A time at which a program believes to start; from there its clock runs on.
#[derive(Debug, Clone)]
pub struct WrongClock {
    library: PathBuf,
    begins: String,
}

impl WrongClock {
    /// A clock that begins at a time of UTC such as `1970-01-01 00:02:00`; `None` where libfaketime is not installed.
    pub fn at(begins: &str) -> Option<Self> {
        let library = library();
        if !is_there("libfaketime", library.is_some()) {
            return None;
        }
        Some(Self {
            library: library?,
            begins: format!("@{begins}"),
        })
    }

    /// Makes a program wear it. Time since its start, and the times of files, stay as they are.
    pub fn put_on(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("TZ", "UTC")
            .env("FAKETIME", &self.begins)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DISABLE_SHM", "1")
            .env("NO_FAKE_STAT", "1");
    }
}

/// Debian has it in a folder of each architecture.
fn library() -> Option<PathBuf> {
    let of = |folder: &Path| folder.join("faketime/libfaketimeMT.so.1");
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut libraries = folders.map(|folder| of(&folder.path()));
    libraries.find(|library| library.exists())
}
