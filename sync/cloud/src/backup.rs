//! A copy of the database for bad days, and the way back from one.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use dashpoint_membership::{DeviceId, ServerEpoch, ServerTime};
use dashpoint_wire::SigningKey;
use rusqlite::Connection;

use crate::core::{BroughtOver, CloudCore};
use crate::error::CloudError;
use crate::folder::{CloudFolder, beside, files_of, make_private, make_private_file, sync_file};
use crate::opening::{close, require_whole};
use crate::store::left_behind::left_behind;
use crate::store::signed_after::{keep_signed, signed_in};
use crate::store::undone::{done_in, lacking, words_on_entries};
use crate::store::{
    Undone, UndoneKind, clock_leap, cloud_row, devices, is_newest, is_whole, kept, open_file,
    open_kept, open_to_read,
};

/// A request waits no longer than this, for the consent of a vehicle's members too.
const REQUEST_S: i64 = 3_600;

/// Result of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredBackup {
    /// The life of the database that begins with it.
    pub server_epoch: ServerEpoch,
    /// Path of the database that was there before; `None` when there was none.
    pub aside: Option<PathBuf>,
    /// Paths of the databases that earlier restores had replaced and the backup is older than, the oldest first.
    pub earlier: Vec<PathBuf>,
    /// Days since the cloud that the backup was made of was last at work.
    pub age_days: i64,
    /// Things that the databases before have and the backup lacks; `None` when the last cannot be read any more.
    pub undone: Option<Vec<Undone>>,
    /// Head units that the database before had shut out and that do not come over: they are kept out.
    pub kept_out: Vec<DeviceId>,
    /// Head units that were shut out after the backup, not as frauds, with what came over of each; `None` when the database
    /// before cannot be read whole.
    pub brought_over: Option<Vec<BroughtOver>>,
    /// Entries that the other head units send again, each with the outcome that it had; `None` likewise.
    pub awaited: Option<usize>,
}

impl CloudCore {
    /// Writes a copy of the database, as it is now, to a new file; `serve` may go on meanwhile.
    ///
    /// # Errors
    /// [`CloudError::Exists`] for a file that is there; [`CloudError`] when it cannot be written.
    pub fn back_up(&self, file: &Path) -> Result<(), CloudError> {
        if file.exists() {
            return Err(CloudError::Exists(file.to_owned()));
        }
        make_private_file(file)
            .map_err(|source| CloudError::failed("cannot write", file, source))?;
        let copy = file.to_string_lossy();
        let written = self.database().execute("VACUUM INTO ?1", [copy.as_ref()]);
        if written.is_err() {
            drop(fs::remove_file(file));
        }
        written?;
        sync_file(file)
    }
}

/// Puts a backup in the place of the database of a data folder, which is kept aside, and begins a new life: cars send
/// again what the backup lacks.
///
/// The backup itself is not touched. A crash leaves either database in place, whole, or a folder that no program opens before the
/// restore is given again.
///
/// # Errors
/// [`CloudError::Locked`] while a program serves from the folder, [`CloudError::CommandRuns`] while a command has it open;
/// [`CloudError::Damaged`], or another [`CloudError`], when the backup is no sound database of this cloud, or the new one cannot be
/// written: then nothing was changed.
pub fn restore(data: &Path, backup: &Path, now: ServerTime) -> Result<RestoredBackup, CloudError> {
    let folder = CloudFolder::new(data);
    let key = folder.read_key()?;
    let named = backup.canonicalize().map_err(|source| {
        if source.kind() == ErrorKind::NotFound {
            CloudError::NotThere(backup.to_owned())
        } else {
            CloudError::failed("cannot read", backup, source)
        }
    })?;
    let serving = folder.lock()?;
    let _alone = folder.lock_for_restore()?;
    let (draft, compared, ready) = (folder.restoring(), folder.compared(), folder.restored());
    let drafts = [&draft, &compared].map(|path| files_of(path));
    let own = drafts.into_iter().flatten().chain([ready.clone()]);
    if own
        .into_iter()
        .any(|file| file.canonicalize().is_ok_and(|file| file == named))
    {
        return Err(CloudError::InTheWay(backup.to_owned()));
    }
    discard(&draft)?;
    discard(&compared)?;
    let restored = make_ready(&folder, key, backup, now);
    drop_draft(&compared);
    let restored = restored.inspect_err(|_| drop_draft(&draft))?;
    let aside = folder
        .keep_aside(restored.server_epoch)
        .inspect_err(|_| drop_draft(&draft))?;
    // From here on no program opens the folder until the backup is in its place.
    folder.put_in_place(&draft, &ready)?;
    folder.move_log(&aside)?;
    let aside = aside.database();
    folder.put_in_place(&ready, &folder.database())?;
    serving.note_closed();
    Ok(RestoredBackup { aside, ..restored })
}

fn drop_draft(draft: &Path) {
    if let Err(left) = discard(draft) {
        tracing::warn!(%left, "a copy of the backup is left behind");
    }
}

/// Makes a copy of a backup the database of the next life, with what it takes over from the one that is there.
fn make_ready(
    folder: &CloudFolder,
    key: SigningKey,
    backup: &Path,
    now: ServerTime,
) -> Result<RestoredBackup, CloudError> {
    let draft = folder.restoring();
    copy(backup, &draft)?;
    let db = match sound(&draft) {
        Ok(Some(db)) => db,
        Ok(None) => return Err(CloudError::Damaged(backup.to_owned())),
        Err(error) if error.is_no_database() => {
            return Err(CloudError::NotADatabase(backup.to_owned()));
        }
        Err(error) => return Err(error),
    };
    let mut core = CloudCore::of(db, key)?;
    let backed_up = cloud_row::find(core.database())?.ok_or(CloudError::ForeignDatabase)?;
    let replaced = replaced(folder)?;
    let before = replaced.as_ref();
    let present = before.and_then(|db| cloud_row::find(db).ok().flatten());
    // The one that broke may be read in part only: then nothing is said rather than half of it.
    let public = core.public_key();
    let signed = before.and_then(|before| readable("signed", signed_in(before, &public)));
    let accepted = before.and_then(|before| readable("accepted", kept::accepted_clocks(before)));
    let restored = core.database().unchecked_transaction()?;
    if let Some(signed) = &signed {
        keep_signed(signed, &restored)?;
    }
    let has_accepted = kept::keep_accepted_clocks(&accepted.unwrap_or_default(), &restored)?;
    restored.commit()?;
    let left = before
        .filter(|_| is_whole(&folder.database()).unwrap_or(false))
        .and_then(|before| readable("replaced", left_behind(before)));
    // The machine's clock may lag behind what the cloud knew.
    let known = present
        .as_ref()
        .map_or(now, |present| present.known.max(now));
    let age_s = known
        .as_unix_s()
        .saturating_sub(backed_up.known.as_unix_s());
    let life = present.as_ref().map(|life| life.server_epoch);
    let earlier = earlier(folder, life, backed_up.server_epoch);
    // Cars may know a life of a database that is gone: what was kept aside names it.
    let known_life = life.max(folder.newest_restored_life());
    let server_epoch = core.begin_server_epoch(known_life.unwrap_or(ServerEpoch::new(0)), now)?;
    // The clock is held to what the cloud knew last, not to the day of the backup.
    if let Some(present) = &present {
        if has_accepted {
            core.believe(present.known)?;
        } else {
            core.know(present.known)?;
        }
        // One that was confirmed since the backup is over.
        if let Some(leap) = before.and_then(|db| readable("leapt", clock_leap::find(db))) {
            core.take_leap(leap)?;
        }
    }
    let taken = match (&present, left) {
        (Some(present), Some(left)) => {
            match core.bring_over(&left, present.posted_now, now) {
                Err(failed) if failed.is_the_disks() && !failed.is_damage() => return Err(failed),
                // The copy was found to be whole: what cannot be read is the old one's.
                Err(failed) if !failed.is_of_content() => {
                    return Err(CloudError::NotTakenOver(Box::new(failed)));
                }
                taken => readable("taken over", taken),
            }
        }
        (None, _) | (_, None) => None,
    };
    let awaited = taken.as_ref().map(|taken| taken.awaited);
    let brought_over = taken.map(|taken| taken.brought_over);
    // What came over is known, and not undone.
    let shut_out = before.and_then(|before| readable("shut out", kept::shut_out(before)));
    let done = before
        .filter(|_| shut_out.is_some())
        .and_then(|before| readable("decided", done_in(before)));
    let restored = core.database().unchecked_transaction()?;
    let kept_out = kept::keep_out(&shut_out.unwrap_or_default(), &restored)?;
    restored.commit()?;
    let mut lives: Vec<Words> = done.as_deref().map(words_on_entries).into_iter().collect();
    let mut undone = done
        .map(|done| lacking(done, core.database()))
        .transpose()?;
    if let Some(undone) = &mut undone {
        for (_, db) in earlier.iter().rev() {
            let more = readable("decided earlier", done_in(db)).unwrap_or_default();
            lives.insert(0, words_on_entries(&more));
            for one in lacking(more, core.database())? {
                let is_told = |told: &Undone| (told.kind, &told.of) == (one.kind, &one.of);
                if !undone.iter().any(is_told) && stands(&one, core.database(), known)? {
                    undone.push(one);
                }
            }
        }
        leave_out_overruled(undone, &lives);
    }
    drop(replaced);
    let earlier = earlier.into_iter().map(|(path, _)| path).collect();
    close(core)?;
    sync_file(&draft)?;
    Ok(RestoredBackup {
        server_epoch,
        aside: None,
        earlier,
        age_days: age_s.div_euclid(86_400),
        undone,
        kept_out,
        brought_over,
        awaited,
    })
}

/// Words on entries that one life of the cloud had.
type Words = Vec<(UndoneKind, String, ServerTime)>;

/// Leaves out each word on an entry that a later life overruled; `lives` are the words of each, the oldest first. A word that was given
/// again has the time at which it was given first.
fn leave_out_overruled(undone: &mut Vec<Undone>, lives: &[Words]) {
    let mut first: BTreeMap<(UndoneKind, &str), (usize, ServerTime)> = BTreeMap::new();
    for (life, words) in lives.iter().enumerate() {
        for (kind, of, at) in words {
            first.entry((*kind, of)).or_insert((life, *at));
        }
    }
    undone.retain_mut(|one| {
        let Some((life, at)) = first.get(&(one.kind, one.of.as_str())) else {
            return true;
        };
        one.at = *at;
        let entry = Undone::entry(&one.of);
        let mut later = first.iter().filter(|(_, (since, _))| since > life);
        !later.any(|((kind, of), _)| Undone::entry(of) == entry && overrules(*kind, one.kind))
    });
    undone.sort();
}

/// Returns whether a later word on an entry takes back what an earlier one of another life did.
fn overrules(later: UndoneKind, earlier: UndoneKind) -> bool {
    // A stretch is freed after its entry was accepted; of the others one of two holds.
    (later, earlier) != (UndoneKind::Freed, UndoneKind::Acceptance)
}

/// Returns whether what an earlier database has was not overtaken since: a head unit was shut out, or a request has run out.
fn stands(one: &Undone, restored: &Connection, known: ServerTime) -> Result<bool, CloudError> {
    if one.kind == UndoneKind::Binding {
        let device = one.of.split(' ').next().unwrap_or_default();
        let Ok(device) = device.parse() else {
            return Ok(true);
        };
        let found = devices::find(restored, device)?;
        let is_out = found.is_some_and(|found| found.revoked.is_some());
        return Ok(!is_out && !devices::is_barred(restored, device)?);
    }
    let is_request = matches!(one.kind, UndoneKind::RequestRefused | UndoneKind::Claim);
    Ok(!is_request || one.at.plus_s(REQUEST_S) > known)
}

/// Opens the databases that earlier restores had replaced, as far as they came after the backup, the oldest first: what only they
/// have is undone still.
fn earlier(
    folder: &CloudFolder,
    present: Option<ServerEpoch>,
    backed_up: ServerEpoch,
) -> Vec<(PathBuf, Connection)> {
    let mut found = Vec::new();
    let mut life = present;
    while let Some(began) = life.filter(|life| *life > backed_up) {
        let Some(path) = folder.kept_aside(began) else {
            break;
        };
        if beside(&path, "-wal").exists() {
            tracing::warn!(path = %path.display(), "kept with a log beside it: what it has is not compared");
            break;
        }
        let Some(db) = readable("kept earlier", open_kept(&path)) else {
            break;
        };
        let row = readable("kept earlier", cloud_row::find(&db)).flatten();
        life = row.map(|row| row.server_epoch).filter(|life| *life < began);
        if life.is_some() {
            found.push((path, db));
        }
    }
    found.reverse();
    found
}

/// The content of the replaced database, when it can be read; else the cause is logged.
fn readable<T>(content: &str, read: Result<T, CloudError>) -> Option<T> {
    read.inspect_err(|error| {
        tracing::warn!(content, %error, "the database before cannot be read");
    })
    .ok()
}

/// The database that is there, which may be the one that broke. One that does not belong to the log beside it is only read: SQLite
/// writes a log into the database for good when a program opens it to write, and the mix is to be kept as it was.
fn replaced(folder: &CloudFolder) -> Result<Option<Connection>, CloudError> {
    let path = folder.database();
    if !path.exists() {
        return Ok(None);
    }
    let opened = match require_whole(folder) {
        Ok(()) => open_file(&path),
        Err(_) if is_of_older_program(&path) => {
            // The questions are about the tables of today.
            let compared = folder.compared();
            copy(&path, &compared)?;
            open_file(&compared)
        }
        Err(_) => open_to_read(&path),
    };
    Ok(readable("kept", opened))
}

/// Returns whether a database is whole and an older program has left it.
fn is_of_older_program(path: &Path) -> bool {
    let is_older = || Ok::<_, CloudError>(!is_newest(&open_to_read(path)?)? && is_whole(path)?);
    is_older().unwrap_or(false)
}

/// Opens a database; `None` when it is damaged.
fn sound(path: &Path) -> Result<Option<Connection>, CloudError> {
    let db = open_file(path)?;
    Ok(is_whole(path)?.then_some(db))
}

/// A database and, where it was copied while it was open, its log.
fn copy(from: &Path, to: &Path) -> Result<(), CloudError> {
    let taken = |source| CloudError::failed("cannot write", to, source);
    make_private_file(to).map_err(taken)?;
    fs::copy(from, to).map_err(|source| CloudError::failed("cannot copy", from, source))?;
    // The copy has the rights of the backup.
    make_private(to);
    let log = beside(from, "-wal");
    if log.exists() {
        let to = beside(to, "-wal");
        fs::copy(&log, to).map_err(|source| CloudError::failed("cannot copy", &log, source))?;
    }
    Ok(())
}

fn discard(draft: &Path) -> Result<(), CloudError> {
    for path in files_of(draft) {
        if path.exists() {
            fs::remove_file(&path)
                .map_err(|source| CloudError::failed("cannot remove", &path, source))?;
        }
    }
    Ok(())
}
