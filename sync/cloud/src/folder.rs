//! The data folder: the key, the database, and the lock of the one program that serves from it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dashpoint_membership::ServerEpoch;
use dashpoint_wire::SigningKey;

use crate::error::CloudError;

/// File of the key. Its lock is shared by the commands that have the database open, and belongs to a restore alone: the file is
/// there for both, and a program that may read it may lock it.
const KEY_FILE: &str = "cloud-key.pk8";
const DATABASE_FILE: &str = "cloud.db";
const RESTORING_FILE: &str = "cloud.db.restoring";
const RESTORED_FILE: &str = "cloud.db.restored";
const COMPARED_FILE: &str = "cloud.db.compared";
/// Its lock is that of the program that serves; its content says that the last one has not closed the database yet.
const LOCK_FILE: &str = "serve.lock";

/// End of the name of SQLite's rollback journal, which lies beside a database that is not in WAL mode yet: a copy of a backup, or a
/// new one. It would be laid into whatever database is put beside it.
pub(crate) const ROLLBACK: &str = "-journal";

/// Content of the lock while the database is open.
const OPEN: &[u8] = b"open";

/// Time for which a program that looks whether another one serves may hold its lock, and the most of such times that are waited for.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS_MAX: u32 = 10;

/// One cloud's files.
#[derive(Debug, Clone)]
pub(crate) struct CloudFolder {
    path: PathBuf,
}

/// Keeps every other program from serving from the folder, as long as it lives.
#[derive(Debug)]
pub(crate) struct ServeLock {
    file: File,
    folder: CloudFolder,
}

impl ServeLock {
    /// Writes down that the database is open to write.
    pub(crate) fn note_open(&self) {
        let written = (&self.file).write_all(OPEN);
        self.noted(written.and_then(|()| self.file.sync_all()));
    }

    /// Writes down that the database was closed, or that a whole one has taken its place; a command that has it open too keeps its log.
    pub(crate) fn note_closed(&self) {
        if self.folder.has_log() {
            return;
        }
        self.noted(self.file.set_len(0).and_then(|()| self.file.sync_all()));
    }

    /// A full disk keeps no cloud from answering: at worst the database is not checked at the next start, or once too often.
    fn noted(&self, written: std::io::Result<()>) {
        if let Err(refused) = written {
            let folder = self.folder.path.display();
            tracing::warn!(%folder, %refused, "the state of the database cannot be written down");
        }
    }
}

/// Keeps a restore away from the database, or all commands, as long as it lives.
#[derive(Debug)]
pub(crate) struct CommandLock {
    _file: File,
}

impl CloudFolder {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// Returns the path at which a backup is made ready before it takes the database's place.
    pub(crate) fn restoring(&self) -> PathBuf {
        self.path.join(RESTORING_FILE)
    }

    /// Returns the path of a backup that is ready and has not taken the database's place yet: as long as it is there, a restore is
    /// under way or was cut off, and the database may lack the log that belongs to it.
    pub(crate) fn restored(&self) -> PathBuf {
        self.path.join(RESTORED_FILE)
    }

    /// Returns the path of a copy of the database that a restore compares a backup with, where the database itself is only read.
    pub(crate) fn compared(&self) -> PathBuf {
        self.path.join(COMPARED_FILE)
    }

    /// Refuses a folder in which a restore was cut off while it put the backup in place.
    pub(crate) fn require_finished(&self) -> Result<(), CloudError> {
        if self.restored().exists() {
            return Err(CloudError::RestoreCutOff(self.path.clone()));
        }
        Ok(())
    }

    /// Keeps the database that is there under another name as well, for the life that comes after it: the next free one, where
    /// an earlier restore, or one that was interrupted, has taken it. Nothing else is changed.
    pub(crate) fn keep_aside(&self, next: ServerEpoch) -> Result<Aside, CloudError> {
        let database = self.database();
        let path = self.free_aside(next);
        let has_database = database.exists();
        if has_database {
            link_or_copy(&database, &path)
                .map_err(|source| failed("cannot keep aside", &database, source))?;
        }
        Ok(Aside { path, has_database })
    }

    /// Moves the log of the database that is there beside the one that was kept aside: it must not meet the backup. A database that
    /// was closed has none.
    pub(crate) fn move_log(&self, aside: &Aside) -> Result<(), CloudError> {
        for suffix in ["-wal", "-shm", ROLLBACK] {
            let left = beside(&self.database(), suffix);
            if left.exists() {
                std::fs::rename(&left, beside(&aside.path, suffix))
                    .map_err(|source| failed("cannot keep aside", &left, source))?;
            }
        }
        Ok(())
    }

    /// Finds the newest life that began with a restore in this folder, by what was kept aside.
    pub(crate) fn newest_restored_life(&self) -> Option<ServerEpoch> {
        let prefix = format!("{DATABASE_FILE}.before-life-");
        let entries = std::fs::read_dir(&self.path).ok()?;
        let lives = entries.filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let rest = name.to_str()?.strip_prefix(&prefix)?;
            let digits = rest.split(['.', '-']).next()?;
            digits.parse().ok().map(ServerEpoch::new)
        });
        lives.max()
    }

    /// Finds the database that was kept aside when a life began: the last one, where an interrupted restore has left others.
    pub(crate) fn kept_aside(&self, began: ServerEpoch) -> Option<PathBuf> {
        let first = self
            .path
            .join(format!("{DATABASE_FILE}.before-life-{began}"));
        let mut last = first.exists().then(|| first.clone());
        for number in 2.. {
            let next = beside(&first, &format!(".{number}"));
            if !files_of(&next).iter().any(|file| file.exists()) {
                break;
            }
            last = Some(next).filter(|next| next.exists()).or(last);
        }
        last
    }

    /// Finds a name under which neither a database nor what one left is kept.
    fn free_aside(&self, next: ServerEpoch) -> PathBuf {
        let first = self
            .path
            .join(format!("{DATABASE_FILE}.before-life-{next}"));
        let mut aside = first.clone();
        let mut number = 1;
        while files_of(&aside).iter().any(|file| file.exists()) {
            number += 1;
            aside = beside(&first, &format!(".{number}"));
        }
        aside
    }

    /// Gives a database that is ready another name in the folder, in the place of what is there, at once or not at all.
    pub(crate) fn put_in_place(&self, ready: &Path, place: &Path) -> Result<(), CloudError> {
        std::fs::rename(ready, place)
            .map_err(|source| failed("cannot put in place", ready, source))?;
        sync_folder(&self.path).map_err(|source| failed("cannot write", &self.path, source))
    }

    /// Refuses a key whose database is not there: a cloud that began anew beside it would know no member and no car.
    pub(crate) fn require_database(&self) -> Result<(), CloudError> {
        let database = self.database();
        if self.path.join(KEY_FILE).exists() && !database.exists() {
            return Err(CloudError::DatabaseMissing(database));
        }
        Ok(())
    }

    /// Returns whether nothing was begun here.
    pub(crate) fn is_new(&self) -> bool {
        !self.path.join(KEY_FILE).exists() && !self.database().exists()
    }

    /// Makes the folder, readable by its owner alone.
    pub(crate) fn make(&self) -> Result<(), CloudError> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.path)
            .map_err(|source| failed("cannot make the folder", &self.path, source))
    }

    /// Makes the database and its logs readable by their owner alone, in whatever folder they are; logs get the rights of the
    /// database when SQLite makes them.
    pub(crate) fn make_private(&self) {
        for suffix in ["", "-wal", "-shm"] {
            make_private(&beside(&self.database(), suffix));
        }
    }

    /// Takes the lock that says who serves.
    pub(crate) fn lock(&self) -> Result<ServeLock, CloudError> {
        let path = self.path.join(LOCK_FILE);
        let file = private()
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| failed("cannot open", &path, source))?;
        make_private(&path);
        match try_for_a_moment(|| file.try_lock()) {
            Ok(()) => Ok(ServeLock {
                file,
                folder: self.clone(),
            }),
            Err(TryLockError::WouldBlock) => Err(CloudError::Locked(self.path.clone())),
            Err(TryLockError::Error(source)) => Err(failed("cannot lock", &path, source)),
        }
    }

    /// Looks whether a program serves from the folder, and keeps none from it but for a moment.
    pub(crate) fn is_served(&self) -> Result<bool, CloudError> {
        let path = self.path.join(LOCK_FILE);
        let file = match File::open(&path) {
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(|source| failed("cannot open", &path, source))?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => Err(failed("cannot lock", &path, source)),
        }
    }

    /// Returns whether a log with something in it lies beside the database.
    pub(crate) fn has_log(&self) -> bool {
        let log = std::fs::metadata(beside(&self.database(), "-wal"));
        log.is_ok_and(|log| log.len() > 0)
    }

    /// Returns whether the program that served last has not closed the database.
    pub(crate) fn was_cut_off(&self) -> bool {
        std::fs::metadata(self.path.join(LOCK_FILE)).is_ok_and(|lock| lock.len() > 0)
    }

    /// Takes the lock of a command, which no restore interrupts.
    pub(crate) fn lock_for_command(&self) -> Result<CommandLock, CloudError> {
        self.lock_commands(File::try_lock_shared, CloudError::Restoring)
    }

    /// Takes the lock of a restore, beside which no command works.
    pub(crate) fn lock_for_restore(&self) -> Result<CommandLock, CloudError> {
        self.lock_commands(File::try_lock, CloudError::CommandRuns)
    }

    fn lock_commands(
        &self,
        lock: impl Fn(&File) -> Result<(), TryLockError>,
        taken: fn(PathBuf) -> CloudError,
    ) -> Result<CommandLock, CloudError> {
        let path = self.path.join(KEY_FILE);
        let file = File::open(&path).map_err(|source| failed("cannot open", &path, source))?;
        match try_for_a_moment(|| lock(&file)) {
            Ok(()) => Ok(CommandLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(taken(self.path.clone())),
            Err(TryLockError::Error(source)) => Err(failed("cannot lock", &path, source)),
        }
    }

    /// Reads the cloud's key.
    pub(crate) fn read_key(&self) -> Result<SigningKey, CloudError> {
        let path = self.path.join(KEY_FILE);
        let stored = std::fs::read(&path).map_err(|source| {
            if source.kind() != std::io::ErrorKind::NotFound {
                failed("cannot read", &path, source)
            } else if self.database().exists() {
                CloudError::KeyMissing(path.clone())
            } else {
                CloudError::NoCloud(self.path.clone())
            }
        })?;
        SigningKey::from_pkcs8(&stored).map_err(|source| CloudError::NotAKey { path, source })
    }

    /// Reads the cloud's key, or makes it when there is none yet.
    ///
    /// A database without its key is never given a new one: no car would believe it.
    pub(crate) fn read_or_make_key(&self) -> Result<SigningKey, CloudError> {
        let path = self.path.join(KEY_FILE);
        if path.exists() || self.database().exists() {
            return self.read_key();
        }
        let key = SigningKey::generate()?;
        let draft = self.path.join(format!("{KEY_FILE}.new"));
        write_private(&draft, &key).map_err(|source| failed("cannot write", &draft, source))?;
        std::fs::rename(&draft, &path).map_err(|source| failed("cannot write", &path, source))?;
        sync_folder(&self.path).map_err(|source| failed("cannot write", &self.path, source))?;
        self.read_key()
    }
}

/// A database that was kept aside, and what belongs beside it.
#[derive(Debug)]
pub(crate) struct Aside {
    path: PathBuf,
    has_database: bool,
}

impl Aside {
    /// The path of the database; `None` when there was none.
    pub(crate) fn database(self) -> Option<PathBuf> {
        self.has_database.then_some(self.path)
    }
}

/// Gives a file a second name; on a disk without such names it is copied, and no half of a copy is left.
fn link_or_copy(file: &Path, other: &Path) -> std::io::Result<()> {
    if std::fs::hard_link(file, other).is_ok() {
        return Ok(());
    }
    let copied = std::fs::copy(file, other).and_then(|_| File::open(other)?.sync_all());
    if copied.is_err() {
        drop(std::fs::remove_file(other));
    }
    copied
}

/// Tries to take a lock that a program may hold for a moment.
fn try_for_a_moment(lock: impl Fn() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    for _ in 0..LOOKS_MAX {
        match lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
            locked => return locked,
        }
    }
    lock()
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = private().create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a new, empty file, readable by its owner alone.
pub(crate) fn make_private_file(path: &Path) -> std::io::Result<()> {
    private().create_new(true).open(path).map(drop)
}

/// Options to write; a file that is made with them is its owner's alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes the rights of everybody but its owner from a file, if it is there. Somebody else's file cannot be changed, and is
/// used as it is.
pub(crate) fn make_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let Ok(found) = std::fs::metadata(path) else {
            return;
        };
        let open = found.permissions().mode() & 0o077 != 0;
        let only_own = std::fs::Permissions::from_mode(found.permissions().mode() & 0o700);
        if open && let Err(refused) = std::fs::set_permissions(path, only_own) {
            tracing::warn!(path = %path.display(), %refused, "others of this machine can read a file of the cloud");
        }
    }
    // Other systems have no such modes: the path is of no use there.
    #[cfg(not(unix))]
    let _ = path;
}

/// The name of a new file is on the disk only once its folder is.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// The name of one of SQLite's files beside a database.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The file of a database and those that SQLite makes beside it.
pub(crate) fn files_of(database: &Path) -> [PathBuf; 4] {
    ["", "-wal", "-shm", ROLLBACK].map(|suffix| beside(database, suffix))
}

/// Brings a file that was written, and its name, to the disk.
pub(crate) fn sync_file(path: &Path) -> Result<(), CloudError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced
        .and_then(|()| sync_folder(folder.unwrap_or(Path::new("."))))
        .map_err(|source| failed("cannot write", path, source))
}

fn failed(what: &'static str, path: &Path, source: std::io::Error) -> CloudError {
    CloudError::failed(what, path, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = CloudFolder::new(&temporary.path().join("data"));
        folder.make().unwrap();
        let key = folder.read_or_make_key().unwrap().public();
        assert_eq!(folder.read_or_make_key().unwrap().public(), key);
        #[cfg(unix)]
        {
            let file = std::fs::metadata(folder.path.join(KEY_FILE)).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::mode(&file.permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_database_without_its_key_gets_no_new_one() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = CloudFolder::new(temporary.path());
        std::fs::write(folder.database(), b"anything").unwrap();
        assert!(matches!(
            folder.read_or_make_key(),
            Err(CloudError::KeyMissing(_))
        ));
    }

    #[test]
    fn a_key_file_without_a_key_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = CloudFolder::new(temporary.path());
        for content in [&b""[..], b"no key"] {
            std::fs::write(folder.path.join(KEY_FILE), content).unwrap();
            let refused = folder.read_key().unwrap_err().to_string();
            assert!(
                refused.contains(KEY_FILE) && refused.contains("put the file back"),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_second_program_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = CloudFolder::new(temporary.path());
        let held = folder.lock().unwrap();
        assert!(matches!(folder.lock(), Err(CloudError::Locked(_))));
        drop(held);
        assert!(folder.lock().is_ok());
    }
}
