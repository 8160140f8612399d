//! The state of an open file, and the lock of the disk that it lies on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use crate::disk::Disk;
use crate::locks::Owner;

/// State that SQLite allocates for each open file.
#[repr(C)]
pub(super) struct Handle {
    base: ffi::sqlite3_file,
    pub(super) open: *mut Open,
}

/// An open file.
pub(super) struct Open {
    pub(super) disk: Arc<Mutex<Disk>>,
    pub(super) name: String,
    pub(super) owner: Owner,
    pub(super) life: u64,
    pub(super) delete_on_close: bool,
    pub(super) mapped: bool,
}

impl Open {
    /// The disk, unless the power went since this handle was opened.
    pub(super) fn alive(&self) -> Option<MutexGuard<'_, Disk>> {
        let disk = lock(&self.disk);
        (disk.life() == self.life).then_some(disk)
    }
}

pub(super) unsafe fn open_of<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Open {
    // SAFETY: `x_open` put a box there; SQLite calls one method of a file at a time.
    unsafe { &mut *(*file.cast::<Handle>()).open }
}

/// A panic in a test must not turn every later call into another one.
pub(super) fn lock(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}
