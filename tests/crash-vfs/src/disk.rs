//! The disk: files, power, faults and counts.

use std::collections::BTreeMap;
use std::fmt;

use crate::file::DiskFile;
use crate::locks::{FileLocks, Owner, Slot};
use crate::random::DiskRandom;

/// Slots of the shared memory's locks (`SQLITE_SHM_NLOCK`).
const SHM_SLOTS: usize = 8;

/// Faults at a chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// The power goes: unsynced sectors are dropped or torn, every open handle is dead.
    PowerCut,
    /// This write finds no room (`SQLITE_FULL`); it and every later one until the fault is cleared.
    Full,
    /// This call fails once (`SQLITE_IOERR`).
    IoError,
    /// This call fails and so does every later one (`SQLITE_IOERR`), until the fault is cleared.
    Broken,
}

/// Counts of the disk's work so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskCounts {
    /// Calls that read, write, truncate or sync.
    pub calls: u64,
    /// Syncs asked for.
    pub syncs: u64,
    /// Bytes handed over by SQLite.
    pub bytes_written: u64,
    /// Bytes that syncs brought to the medium, in whole sectors.
    pub bytes_synced: u64,
    /// Power cuts.
    pub power_cuts: u64,
}

/// Content of a medium at one moment: a backup, or the start of a clone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Image(BTreeMap<String, Vec<u8>>);

impl Image {
    /// The same files in another folder.
    #[must_use]
    pub fn moved(&self, from: &str, to: &str) -> Self {
        let moved = |(name, bytes): (&String, &Vec<u8>)| match name.strip_prefix(from) {
            Some(rest) => (format!("{to}{rest}"), bytes.clone()),
            None => (name.clone(), bytes.clone()),
        };
        Self(self.0.iter().map(moved).collect())
    }

    /// Names and lengths of the files.
    #[must_use]
    pub fn lengths(&self) -> BTreeMap<&str, usize> {
        self.0
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.len()))
            .collect()
    }
}

/// Lengths only: a database is no reading for people.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Image").field(&self.lengths()).finish()
    }
}

/// A disk in memory.
#[derive(Debug)]
pub struct Disk {
    files: BTreeMap<String, DiskFile>,
    random: DiskRandom,
    /// Raised by each power cut; a handle of an older life is dead.
    life: u64,
    planned: Option<(u64, DiskFault)>,
    /// Bytes that all files together may have.
    size: Option<usize>,
    full: bool,
    broken: bool,
    spared: bool,
    ignore_syncs: bool,
    counts: DiskCounts,
    owners: Owner,
    locks: BTreeMap<String, FileLocks>,
    shared: BTreeMap<String, Shared>,
    /// Shared memory of lives that ended: dead connections still point into it until they are closed.
    buried: Vec<BTreeMap<String, Shared>>,
}

/// The shared memory of one database.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Boxed, so that a region stays where it is when others are added.
    pub(crate) regions: Vec<Box<[u64]>>,
    pub(crate) slots: [Slot; SHM_SLOTS],
    pub(crate) users: u32,
}

/// Reasons of a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Full,
    Io,
}

impl Disk {
    /// An empty disk; the seed decides what a power cut leaves.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::from_image(&Image::default(), seed)
    }

    /// A disk that holds what another one held: a restored backup, or a clone.
    #[must_use]
    pub fn from_image(image: &Image, seed: u64) -> Self {
        let files = image
            .0
            .iter()
            .map(|(name, bytes)| (name.clone(), DiskFile::durable(bytes.clone())))
            .collect();
        Self {
            files,
            random: DiskRandom::new(seed),
            life: 0,
            planned: None,
            size: None,
            full: false,
            broken: false,
            spared: false,
            ignore_syncs: false,
            counts: DiskCounts::default(),
            owners: 0,
            locks: BTreeMap::new(),
            shared: BTreeMap::new(),
            buried: Vec::new(),
        }
    }

    /// Removes a database and its logs, as somebody does who clears a folder while no program has it open.
    pub fn remove(&mut self, name: &str) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            self.files.remove(&format!("{name}{ending}"));
        }
    }

    /// Returns the present content of the medium, without what was never synced.
    #[must_use]
    pub fn image(&self) -> Image {
        let held =
            |(name, file): (&String, &DiskFile)| Some((name.clone(), file.on_medium()?.clone()));
        Image(self.files.iter().filter_map(held).collect())
    }

    /// Bounds the bytes that all files together may have: a write that needs more finds no room (`SQLITE_FULL`), one into what a
    /// file has already is done.
    pub const fn limit(&mut self, size: Option<usize>) {
        self.size = size;
    }

    /// Returns the bytes that all files together have.
    #[must_use]
    pub fn used(&self) -> usize {
        self.files.values().map(|file| file.bytes().len()).sum()
    }

    /// Plans a fault at the n-th call from now (1 is the next one).
    pub fn plan(&mut self, at_call: u64, fault: DiskFault) {
        self.planned = Some((self.counts.calls + at_call.max(1), fault));
    }

    /// Forgets a planned fault, makes room again and mends what was broken; returns whether one was still to come.
    pub fn clear_fault(&mut self) -> bool {
        self.full = false;
        self.broken = false;
        self.planned.take().is_some()
    }

    /// Lets calls through that are a harness's own look: they meet no fault and are not counted.
    pub const fn spare(&mut self, spared: bool) {
        self.spared = spared;
    }

    /// Cuts the power now.
    pub fn cut_power(&mut self) {
        let mut files = BTreeMap::new();
        for (name, file) in &self.files {
            if let Some(bytes) = file.after_power_cut(&mut self.random) {
                files.insert(name.clone(), DiskFile::durable(bytes));
            }
        }
        self.files = files;
        self.locks.clear();
        self.buried.push(std::mem::take(&mut self.shared));
        self.planned = None;
        self.life += 1;
        self.counts.power_cuts += 1;
    }

    /// Ends every program that has files open, as SIGKILL does: what it wrote stays, synced or not.
    pub fn kill_programs(&mut self) {
        self.locks.clear();
        self.buried.push(std::mem::take(&mut self.shared));
        self.life += 1;
    }

    /// A medium that says it has synced and has not: a planted fault for a harness that must find it.
    pub fn ignore_syncs(&mut self, ignore: bool) {
        self.ignore_syncs = ignore;
    }

    /// Returns the counts of the disk's work so far.
    #[must_use]
    pub const fn counts(&self) -> DiskCounts {
        self.counts
    }

    pub(crate) const fn life(&self) -> u64 {
        self.life
    }

    pub(crate) const fn new_owner(&mut self) -> Owner {
        self.owners += 1;
        self.owners
    }

    pub(crate) fn random_bytes(&mut self, out: &mut [u8]) {
        for byte in out {
            *byte = (self.random.next() & 0xff) as u8;
        }
    }

    pub(crate) fn file(&mut self, name: &str) -> &mut DiskFile {
        self.files.entry(name.to_owned()).or_default()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.files.get(name).is_some_and(DiskFile::exists)
    }

    pub(crate) fn locks(&mut self, name: &str) -> &mut FileLocks {
        self.locks.entry(name.to_owned()).or_default()
    }

    pub(crate) fn shared(&mut self, name: &str) -> &mut Shared {
        self.shared.entry(name.to_owned()).or_default()
    }

    pub(crate) fn drop_shared(&mut self, name: &str) {
        self.shared.remove(name);
    }

    pub(crate) fn write(&mut self, name: &str, offset: usize, data: &[u8]) -> Result<(), Failure> {
        self.call()?;
        let more = (offset + data.len()).saturating_sub(self.file(name).bytes().len());
        let has_room = || self.size.is_none_or(|size| self.used() + more <= size);
        if !self.spared && (self.full || (more > 0 && !has_room())) {
            return Err(Failure::Full);
        }
        self.counts.bytes_written += data.len() as u64;
        self.file(name).write(offset, data);
        Ok(())
    }

    pub(crate) fn truncate(&mut self, name: &str, len: usize) -> Result<(), Failure> {
        self.call()?;
        self.file(name).truncate(len);
        Ok(())
    }

    pub(crate) fn sync(&mut self, name: &str) -> Result<(), Failure> {
        self.call()?;
        self.counts.syncs += 1;
        if !self.ignore_syncs {
            let written = self.file(name).sync();
            self.counts.bytes_synced += written as u64;
            if self.file(name).take_folder_sync() {
                self.files.values_mut().for_each(DiskFile::folder_synced);
            }
        }
        Ok(())
    }

    /// Fills `out` from the file; returns how many bytes there were, the rest is zeros.
    pub(crate) fn read(
        &mut self,
        name: &str,
        offset: usize,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        self.call()?;
        let bytes = self.file(name).bytes();
        let from = offset.min(bytes.len());
        let got = (bytes.len() - from).min(out.len());
        out[..got].copy_from_slice(&bytes[from..from + got]);
        out[got..].fill(0);
        Ok(got)
    }

    /// Counts a call and lets a planned fault happen.
    fn call(&mut self) -> Result<(), Failure> {
        if self.spared {
            return Ok(());
        }
        self.counts.calls += 1;
        if self.broken {
            return Err(Failure::Io);
        }
        let Some((at, fault)) = self.planned.filter(|(at, _)| *at <= self.counts.calls) else {
            return Ok(());
        };
        debug_assert!(at <= self.counts.calls, "a fault comes at its call");
        self.planned = None;
        match fault {
            DiskFault::PowerCut => {
                self.cut_power();
                Err(Failure::Io)
            }
            DiskFault::Full => {
                self.full = true;
                Ok(())
            }
            DiskFault::IoError => Err(Failure::Io),
            DiskFault::Broken => {
                self.broken = true;
                Err(Failure::Io)
            }
        }
    }
}
