//! A disk of a test's own, small enough to be filled up.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{copy_folder, is_there};

/// Far more than a data folder of these tests needs.
const SIZE: &str = "size=4m";

/// A file system of a few megabytes in the place of a folder, with what was in it.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Puts one in the folder's place; `None` where nobody may mount.
    pub fn under(folder: &Path) -> Option<Self> {
        let before = folder.with_extension("before");
        fs::rename(folder, &before).unwrap();
        fs::create_dir(folder).unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", SIZE, "tmpfs"], folder);
        let disk = Self {
            folder: folder.to_owned(),
        };
        if !is_there("a tmpfs, which only root may mount", mounted) {
            return None;
        }
        copy_folder(&before, folder);
        Some(disk)
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        for size in [64 * 1024, 4096, 512, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Makes room again.
    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    /// Whether it may be written.
    pub fn set_read_only(&self, read_only: bool) {
        let access = if read_only {
            "remount,ro"
        } else {
            "remount,rw"
        };
        assert!(mount(&["-o", access], &self.folder));
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.folder).status();
        drop(unmounted);
    }
}

fn mount(arguments: &[&str], on: &Path) -> bool {
    let mounted = Command::new("mount").args(arguments).arg(on).output();
    mounted.is_ok_and(|output| output.status.success())
}
