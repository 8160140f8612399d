//! Opening a data folder: one owner, files told apart, nothing thrown away.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::aside::{self, Incident, Trouble};
use crate::database::{self, CACHE, FileKind, FileState, LEDGER};
use crate::error::{DoingOn as _, StoreError};
use crate::owner_only;
use crate::seal::{NonceSource, SealKey};
use crate::store::{Store, StoreReader};
use crate::types::CheckDepth;
use crate::{health, salvage};

/// Time for which somebody who looks for an owner may hold the lock, and the most of such times that are waited for.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS_MAX: u32 = 10;

/// First SQLite version without the defect that loses commits when two connections write or checkpoint at once.
const SQLITE_NEEDED: i32 = 3_051_003;
/// Name of the file whose lock means that the folder has an owner.
const LOCK_FILE: &str = "dashpoint.lock";

/// Options for opening a folder.
pub struct StoreOptions {
    /// Name of a registered SQLite VFS to go through; the system's own if none. Files that this VFS keeps outside the
    /// file system are never set aside: their trouble is returned as an error.
    pub vfs: Option<String>,
    /// Key for member data; without one there are no statements, everything else works.
    pub seal: Option<SealKey>,
    /// Source of nonces for the seal.
    pub nonces: NonceSource,
    /// Depth of the check before the ledger is used.
    pub check: CheckDepth,
}

impl Store {
    /// Opens the folder as its one owner, and makes what is missing.
    ///
    /// A ledger that is damaged, empty or foreign is renamed and kept, and what can be read of it is carried into a
    /// new one; a cache is begun anew. [`Self::incidents`] tells of both.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another program has it; [`StoreError::NewerSchema`] when a newer program wrote it,
    /// with no byte changed; [`StoreError::is_read_only`] and [`StoreError::is_disk_full`] where it cannot be written.
    pub fn open(folder: impl Into<PathBuf>, options: StoreOptions) -> Result<Self, StoreError> {
        let folder = folder.into();
        let StoreOptions {
            vfs,
            seal,
            nonces,
            check,
        } = options;
        let vfs = vfs.as_deref();
        check_sqlite()?;
        owner_only::make_folder(&folder)?;
        let mut tightened = owner_only::tighten(&folder);
        let lock = lock(&folder)?;
        let mut incidents = Vec::new();
        finish_salvage(&folder)?;
        // A newer cache is refused before anything of the ledger is touched, and the other way round.
        for kind in [LEDGER, CACHE] {
            refuse_newer(&kind, &folder, vfs)?;
        }
        let ledger = open_ledger(&folder, vfs, check, &mut incidents)?;
        let cache = open_cache(&folder, vfs, &mut incidents)?;
        aside::sync_folder(&folder)?;
        // What SQLite has made meanwhile, where the program's own mask let it.
        tightened.refused += owner_only::tighten(&folder).refused;
        let mut store = Self {
            read: StoreReader::new(ledger, cache, seal),
            nonces,
            incidents,
            tightened,
            folder,
            _lock: lock,
        };
        store.seal_the_rest()?;
        Ok(store)
    }
}

impl StoreReader {
    /// Opens the folder for reading, also while its owner runs.
    ///
    /// A cache that cannot be read counts as empty.
    ///
    /// # Errors
    /// [`StoreError::NotThere`] without a ledger; [`StoreError::NewerSchema`] and [`StoreError::OlderSchema`] when it
    /// is another program's to read; [`StoreError::is_corrupt`] when its owner has to set it aside first.
    pub fn open(
        folder: &Path,
        vfs: Option<&str>,
        seal: Option<SealKey>,
    ) -> Result<Self, StoreError> {
        check_sqlite()?;
        let ledger = open_to_read(&LEDGER, folder, vfs)?;
        let cache = match open_to_read(&CACHE, folder, vfs) {
            Ok(cache) => cache,
            Err(_) => database::in_memory(&CACHE)?,
        };
        Ok(Self::new(ledger, cache, seal))
    }
}

fn open_to_read(
    kind: &FileKind,
    folder: &Path,
    vfs: Option<&str>,
) -> Result<Connection, StoreError> {
    let file = kind.file(folder);
    let known = kind.newest_schema();
    match database::probe(kind, &file, vfs)? {
        FileState::Absent | FileState::Blank => Err(StoreError::NotThere {
            folder: folder.to_owned(),
        }),
        FileState::Ours(found) if found > known => {
            Err(StoreError::NewerSchema { file, found, known })
        }
        FileState::Ours(found) if found < known => {
            Err(StoreError::OlderSchema { file, found, known })
        }
        FileState::Ours(_) => database::open_reader(&file, vfs),
        FileState::Foreign | FileState::Damaged => Err(StoreError::Damaged { what: "database" }),
    }
}

fn check_sqlite() -> Result<(), StoreError> {
    if rusqlite::version_number() < SQLITE_NEEDED {
        return Err(StoreError::OldSqlite {
            found: rusqlite::version(),
        });
    }
    Ok(())
}

/// Returns whether a program owns the data folder now; one that cannot be looked at has no owner.
#[must_use]
pub fn has_owner(folder: &Path) -> bool {
    let file = File::open(folder.join(LOCK_FILE));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK_FILE);
    let file = owner_only::new_file()
        .open(&path)
        .doing_on("open the lock file", &path)?;
    let mut locked = file.try_lock();
    // A program that only looks for an owner holds it for a moment.
    for _ in 0..LOOKS_MAX {
        if !matches!(locked, Err(TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(LOOK);
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(StoreError::Io {
            doing: "lock",
            path,
            source,
        }),
    }
}

/// Finishes or forgets a salvage that a crash interrupted: once the damaged file has its new name, the salvaged one is
/// complete; before, it is only a scratch.
fn finish_salvage(folder: &Path) -> Result<(), StoreError> {
    let (file, scratch) = (LEDGER.file(folder), LEDGER.scratch(folder));
    if !scratch.exists() {
        return Ok(());
    }
    if file.exists() {
        return aside::remove_scratch(&scratch);
    }
    aside::reunite(&LEDGER, folder)?;
    if aside::is_emptied(&file) {
        // SQLite would play any log that lies beside the new file into it.
        aside::set_aside(&LEDGER, folder, Trouble::Empty)?;
    }
    aside::rename_if_there(&scratch, &file)?;
    aside::sync_folder(folder)
}

fn refuse_newer(kind: &FileKind, folder: &Path, vfs: Option<&str>) -> Result<(), StoreError> {
    let file = kind.file(folder);
    if aside::is_emptied(&file) {
        return Ok(());
    }
    let known = kind.newest_schema();
    match database::probe(kind, &file, vfs)? {
        FileState::Ours(found) if found > known => {
            Err(StoreError::NewerSchema { file, found, known })
        }
        FileState::Ours(_)
        | FileState::Absent
        | FileState::Blank
        | FileState::Foreign
        | FileState::Damaged => Ok(()),
    }
}

/// Opens the file as it is; a file that cannot be used is the inner `Err`.
fn open_file(
    kind: &FileKind,
    folder: &Path,
    vfs: Option<&str>,
) -> Result<Result<Connection, Trouble>, StoreError> {
    let file = kind.file(folder);
    if aside::is_emptied(&file) {
        return Ok(Err(Trouble::Empty));
    }
    let opened = match database::probe(kind, &file, vfs)? {
        FileState::Absent | FileState::Blank => database::create(kind, &file, vfs),
        FileState::Ours(found) => database::open_and_migrate(kind, &file, vfs, found),
        FileState::Foreign => return Ok(Err(Trouble::Foreign)),
        FileState::Damaged => return Ok(Err(Trouble::Corrupt)),
    };
    match opened {
        Ok(connection) => Ok(Ok(connection)),
        Err(error) if error.is_corrupt() => Ok(Err(Trouble::Corrupt)),
        Err(error) => Err(error),
    }
}

fn open_ledger(
    folder: &Path,
    vfs: Option<&str>,
    check: CheckDepth,
    incidents: &mut Vec<Incident>,
) -> Result<Connection, StoreError> {
    let trouble = match open_file(&LEDGER, folder, vfs)? {
        Ok(connection) => match health::is_ledger_sound(&connection, check) {
            Ok(true) => return Ok(connection),
            Ok(false) => Trouble::Corrupt,
            Err(error) if error.is_corrupt() => Trouble::Corrupt,
            Err(error) => return Err(error),
        },
        Err(trouble) => trouble,
    };
    let file = LEDGER.file(folder);
    if vfs.is_some() && !file.exists() && !aside::is_emptied(&file) {
        return Err(StoreError::Damaged { what: "ledger" });
    }
    incidents.push(salvage::replace(folder, vfs, trouble)?);
    database::open_and_migrate(&LEDGER, &file, vfs, LEDGER.newest_schema())
}

fn open_cache(
    folder: &Path,
    vfs: Option<&str>,
    incidents: &mut Vec<Incident>,
) -> Result<Connection, StoreError> {
    let file = CACHE.file(folder);
    let trouble = match open_file(&CACHE, folder, vfs)? {
        Ok(connection) => match health::is_file_sound(&connection) {
            Ok(true) => return Ok(connection),
            Ok(false) => Trouble::Corrupt,
            Err(error) if error.is_corrupt() => Trouble::Corrupt,
            Err(error) => return Err(error),
        },
        Err(trouble) => trouble,
    };
    if vfs.is_some() && !file.exists() {
        return Err(StoreError::Damaged { what: "cache" });
    }
    incidents.push(Incident {
        trouble,
        kept_as: aside::set_aside(&CACHE, folder, trouble)?,
        chained: 0,
        beside: 0,
        unreadable: 0,
    });
    database::create(&CACHE, &file, vfs)
}
