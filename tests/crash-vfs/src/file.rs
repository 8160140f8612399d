//! One file: what the programs see, and what the medium holds.

use std::collections::BTreeSet;

use crate::random::DiskRandom;

/// Unit that the medium writes whole or not; the sector of SQLite's own crash tests.
pub(crate) const SECTOR: usize = 512;

/// One file of the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct DiskFile {
    /// Content as programs see it; `None` when it was deleted.
    live: Option<Vec<u8>>,
    /// Content on the medium; `None` when it never got there.
    durable: Option<Vec<u8>>,
    /// Sectors that differ, or may.
    dirty: BTreeSet<usize>,
    /// True when the next sync syncs the folder too, as the unix VFS does for a journal that it has just made.
    syncs_folder: bool,
}

impl DiskFile {
    pub(crate) fn durable(bytes: Vec<u8>) -> Self {
        Self {
            live: Some(bytes.clone()),
            durable: Some(bytes),
            ..Self::default()
        }
    }

    pub(crate) const fn exists(&self) -> bool {
        self.live.is_some()
    }

    /// Makes the file; a journal's first sync syncs the folder too.
    pub(crate) fn create(&mut self, journal: bool) {
        self.live.get_or_insert_default();
        self.syncs_folder = journal;
    }

    /// Takes the request to sync the folder with this sync; it is true once.
    pub(crate) const fn take_folder_sync(&mut self) -> bool {
        let due = self.syncs_folder;
        self.syncs_folder = false;
        due
    }

    /// The folder was synced: a deletion is for good.
    pub(crate) fn folder_synced(&mut self) {
        if self.live.is_none() {
            self.durable = None;
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.live.as_deref().unwrap_or_default()
    }

    pub(crate) fn write(&mut self, offset: usize, data: &[u8]) {
        let live = self.live.get_or_insert_default();
        let end = offset + data.len();
        let first_changed = offset.min(live.len());
        if live.len() < end {
            live.resize(end, 0);
        }
        live[offset..end].copy_from_slice(data);
        self.dirty
            .extend(first_changed / SECTOR..end.div_ceil(SECTOR));
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        let live = self.live.get_or_insert_default();
        let before = live.len();
        live.resize(len, 0);
        self.dirty
            .extend(len.min(before) / SECTOR..len.max(before).div_ceil(SECTOR));
    }

    /// Removes the file; `durably` when the folder was synced too.
    pub(crate) fn delete(&mut self, durably: bool) {
        self.live = None;
        self.dirty.clear();
        if durably {
            self.durable = None;
        }
    }

    /// Brings everything to the medium; returns the bytes that were written there.
    pub(crate) fn sync(&mut self) -> usize {
        let live = self.live.get_or_insert_default();
        let durable = self.durable.get_or_insert_default();
        durable.resize(live.len(), 0);
        let mut written = 0;
        for sector in std::mem::take(&mut self.dirty) {
            let (from, to) = span(sector, live.len());
            durable[from..to].copy_from_slice(&live[from..to]);
            written += to - from;
        }
        written
    }

    /// Returns the content of the medium after a power cut: of each sector that was not synced the old bytes, the new
    /// ones, or the new ones up to somewhere; of the length the old one or the new one.
    pub(crate) fn after_power_cut(&self, random: &mut DiskRandom) -> Option<Vec<u8>> {
        let Some(live) = &self.live else {
            // Deleted without a sync of the folder: it may still be there.
            return self.durable.clone().filter(|_| random.below(2) == 0);
        };
        if self.durable.is_none() && random.below(2) == 0 {
            return None;
        }
        let mut medium = self.durable.clone().unwrap_or_default();
        if random.below(2) == 0 {
            medium.resize(live.len(), 0);
        }
        for &sector in &self.dirty {
            let (from, to) = span(sector, live.len());
            let kept = match random.below(3) {
                0 => 0,
                1 => to - from,
                _ => random.below(to - from),
            };
            if kept > 0 {
                if medium.len() < from + kept {
                    medium.resize(from + kept, 0);
                }
                medium[from..from + kept].copy_from_slice(&live[from..from + kept]);
            }
        }
        Some(medium)
    }

    /// Returns the content of the medium when only unsynced writes are lost.
    pub(crate) fn on_medium(&self) -> Option<&Vec<u8>> {
        self.durable.as_ref()
    }
}

fn span(sector: usize, len: usize) -> (usize, usize) {
    ((sector * SECTOR).min(len), ((sector + 1) * SECTOR).min(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_survives_and_the_rest_may_not() {
        let mut file = DiskFile::default();
        file.write(0, &[1; 1024]);
        assert_eq!(file.sync(), 1024);
        file.write(512, &[2; 1024]);
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let medium = file.after_power_cut(&mut DiskRandom::new(seed)).unwrap();
            assert_eq!(&medium[..512], &[1; 512], "the synced sector stays");
            seen.insert(medium);
        }
        assert!(seen.len() > 50, "{} outcomes", seen.len());
        assert!(seen.contains(&vec![1; 1024]), "everything dropped");
    }

    #[test]
    fn a_truncation_is_lost_or_kept() {
        let mut file = DiskFile::durable(vec![7; 2048]);
        file.truncate(512);
        let lengths: BTreeSet<_> = (0..50)
            .filter_map(|seed| file.after_power_cut(&mut DiskRandom::new(seed)))
            .map(|bytes| bytes.len())
            .collect();
        assert_eq!(lengths, BTreeSet::from([512, 2048]));
    }
}
