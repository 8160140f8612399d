//! Files that cannot be used are renamed, with their logs, and kept.

use std::fs;
use std::path::{Path, PathBuf};

use crate::database::FileKind;
use crate::error::{DoingOn as _, StoreError};
use crate::sidecar::sidecar_file;

/// The kind of damage of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It has no bytes, or only its log is left.
    Empty,
    /// It belongs to another program.
    Foreign,
    /// It cannot be read, in whole or in part.
    Corrupt,
}

impl Trouble {
    const ALL: [Self; 3] = [Self::Empty, Self::Foreign, Self::Corrupt];

    const fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Foreign => "foreign",
            Self::Corrupt => "corrupt",
        }
    }
}

/// A file that was set aside while the folder was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The kind of damage.
    pub trouble: Trouble,
    /// Present path of the file.
    pub kept_as: PathBuf,
    /// Entries that are in the new ledger's chain.
    pub chained: u64,
    /// Entries that could be read but do not fit the chain: kept beside it.
    pub beside: u64,
    /// Rows that were there and could not be read or trusted. Rows on unreadable pages cannot be counted.
    pub unreadable: u64,
}

/// Endings of the files that SQLite keeps beside a database file.
const SIDECARS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Returns whether the file, or its log without it, is there but empty.
///
/// It must be asked before SQLite sees the file: it deletes the log of an empty one.
pub(crate) fn is_emptied(file: &Path) -> bool {
    // A file that cannot be looked at is not there; the error of its opening names the cause.
    let length = |path: &Path| fs::metadata(path).map(|meta| meta.len()).ok();
    match length(file) {
        Some(bytes) => bytes == 0,
        None => length(&sidecar_file(file, "-wal")).is_some_and(|bytes| bytes > 0),
    }
}

/// Renames the file and what SQLite keeps beside it to the first free name, such as `ledger.corrupt-1.db`.
///
/// The file goes first: a log without its file is noticed at the next start, a file without its log is not.
pub(crate) fn set_aside(
    kind: &FileKind,
    folder: &Path,
    trouble: Trouble,
) -> Result<PathBuf, StoreError> {
    let file = kind.file(folder);
    let taken = |path: &Path| {
        path.exists()
            || SIDECARS
                .iter()
                .any(|ending| sidecar_file(path, ending).exists())
    };
    let aside = (1_u32..)
        .map(|number| aside_name(kind, folder, trouble, number))
        .find(|path| !taken(path))
        .ok_or(StoreError::OutOfRange {
            what: "the number of files set aside",
        })?;
    rename_if_there(&file, &aside)?;
    for ending in SIDECARS {
        rename_if_there(&sidecar_file(&file, ending), &sidecar_file(&aside, ending))?;
    }
    sync_folder(folder)?;
    Ok(aside)
}

fn aside_name(kind: &FileKind, folder: &Path, trouble: Trouble, number: u32) -> PathBuf {
    folder.join(format!("{}.{}-{number}.db", kind.stem, trouble.word()))
}

/// Takes a log that lost its file to a crash while both were being set aside, and puts it beside that file.
pub(crate) fn reunite(kind: &FileKind, folder: &Path) -> Result<(), StoreError> {
    let file = kind.file(folder);
    let newest = Trouble::ALL.into_iter().find_map(|trouble| {
        (1_u32..)
            .map(|number| aside_name(kind, folder, trouble, number))
            .take_while(|path| path.exists())
            .filter(|path| !sidecar_file(path, "-wal").exists())
            .last()
    });
    let Some(aside) = newest else {
        return Ok(());
    };
    for ending in SIDECARS {
        let (from, to) = (sidecar_file(&file, ending), sidecar_file(&aside, ending));
        if !to.exists() {
            rename_if_there(&from, &to)?;
        }
    }
    Ok(())
}

pub(crate) fn rename_if_there(from: &Path, to: &Path) -> Result<(), StoreError> {
    if from.exists() {
        fs::rename(from, to).doing_on("rename", from)?;
    }
    Ok(())
}

/// Removes a file of our own making that never came into use.
pub(crate) fn remove_scratch(file: &Path) -> Result<(), StoreError> {
    for path in SIDECARS
        .iter()
        .map(|ending| sidecar_file(file, ending))
        .chain([file.to_owned()])
    {
        if path.exists() {
            fs::remove_file(&path).doing_on("remove", &path)?;
        }
    }
    Ok(())
}

/// Makes new names in the folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .doing_on("sync", folder)?;
    }
    Ok(())
}
