//! The VFS: SQLite's C interface over the model. Here are the disk's own methods; [`handle`] has those of an open file,
//! [`open`] its state, [`shm`] the methods of its shared memory.
//!
//! Each `unsafe` rests on SQLite's contract (sqlite.org/c3ref/vfs.html, c3ref/io_methods.html): pointers that it passes
//! are valid for the call, buffers have the sizes it names, and a file object is closed once, after its last use.

mod handle;
mod open;
mod shm;

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::ffi;

use crate::disk::Disk;
use handle::METHODS;
use open::{Handle, Open, lock};

const PATH_MAX: c_int = 512;
/// Files whose first sync the unix VFS follows with one of the folder.
const JOURNALS: c_int =
    ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
/// 2026-01-01T00:00:00Z in milliseconds of the Julian day: the same in every run.
const JULIAN_MS: i64 = 212_635_972_800_000;

/// A disk registered with SQLite under a name; connections open it with that VFS.
///
/// Every connection must be closed before it is dropped.
#[derive(Debug)]
pub struct CrashVfs {
    disk: Arc<Mutex<Disk>>,
    name: CString,
    vfs: *mut ffi::sqlite3_vfs,
}

// SAFETY: the raw pointer is to a structure that SQLite guards with its own mutex; the disk behind it has one as well.
unsafe impl Send for CrashVfs {}
// SAFETY: as above.
unsafe impl Sync for CrashVfs {}

impl CrashVfs {
    /// Registers a disk under a name that no other VFS of the process has.
    ///
    /// # Panics
    /// When the name holds a NUL byte or SQLite refuses it.
    #[must_use]
    pub fn register(name: &str, disk: Disk) -> Self {
        let name = CString::new(name).expect("a VFS name holds no NUL byte");
        let disk = Arc::new(Mutex::new(disk));
        let app_data = Box::into_raw(Box::new(Arc::clone(&disk)));
        let vfs = Box::into_raw(Box::new(ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: c_int::try_from(size_of::<Handle>()).expect("a handle is small"),
            mxPathname: PATH_MAX,
            pNext: ptr::null_mut(),
            zName: name.as_ptr(),
            pAppData: app_data.cast(),
            xOpen: Some(x_open),
            xDelete: Some(x_delete),
            xAccess: Some(x_access),
            xFullPathname: Some(x_full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(x_randomness),
            xSleep: Some(x_sleep),
            xCurrentTime: Some(x_current_time),
            xGetLastError: Some(x_get_last_error),
            xCurrentTimeInt64: Some(x_current_time_int64),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        // SAFETY: the structure and its name live until `drop` unregisters them.
        let answer = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        assert_eq!(answer, ffi::SQLITE_OK, "SQLite takes the VFS");
        Self { disk, name, vfs }
    }

    /// The name to open connections with.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.to_str().expect("the name was text")
    }

    /// The disk underneath.
    pub fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.disk)
    }
}

impl Drop for CrashVfs {
    fn drop(&mut self) {
        // SAFETY: registered once in `register`; no connection uses it any more (documented duty of the owner).
        unsafe {
            ffi::sqlite3_vfs_unregister(self.vfs);
            let vfs = Box::from_raw(self.vfs);
            drop(Box::from_raw(vfs.pAppData.cast::<Arc<Mutex<Disk>>>()));
        }
    }
}

unsafe fn disk_of<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a Arc<Mutex<Disk>> {
    // SAFETY: `pAppData` was set in `register` and lives as long as the VFS.
    unsafe { &*(*vfs).pAppData.cast::<Arc<Mutex<Disk>>>() }
}

unsafe fn text_of(name: *const c_char) -> String {
    // SAFETY: SQLite passes NUL-terminated names.
    unsafe { CStr::from_ptr(name) }
        .to_string_lossy()
        .into_owned()
}

unsafe extern "C" fn x_open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: see the module.
    unsafe {
        (*file).pMethods = ptr::null();
        let shared = disk_of(vfs);
        let mut disk = lock(shared);
        let owner = disk.new_owner();
        let name = if name.is_null() {
            format!("temporary-{owner}")
        } else {
            text_of(name)
        };
        if !disk.exists(&name) {
            if flags & ffi::SQLITE_OPEN_CREATE == 0 {
                return ffi::SQLITE_CANTOPEN;
            }
            disk.file(&name).create(flags & JOURNALS != 0);
        }
        let open = Open {
            disk: Arc::clone(shared),
            name,
            owner,
            life: disk.life(),
            delete_on_close: flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0,
            mapped: false,
        };
        (*file.cast::<Handle>()).open = Box::into_raw(Box::new(open));
        (*file).pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_delete(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_dir: c_int,
) -> c_int {
    // SAFETY: see the module.
    let (mut disk, name) = unsafe { (lock(disk_of(vfs)), text_of(name)) };
    if !disk.exists(&name) {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    }
    disk.file(&name).delete(sync_dir != 0);
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: see the module.
    unsafe {
        let exists = lock(disk_of(vfs)).exists(&text_of(name));
        *out = c_int::from(exists);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: `out` has `size` bytes.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > size as usize {
            return ffi::SQLITE_CANTOPEN;
        }
        ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_randomness(
    vfs: *mut ffi::sqlite3_vfs,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: `out` has `size` bytes.
    unsafe {
        let out = slice::from_raw_parts_mut(out.cast::<u8>(), size as usize);
        lock(disk_of(vfs)).random_bytes(out);
    }
    size
}

unsafe extern "C" fn x_sleep(_vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    microseconds
}

unsafe extern "C" fn x_current_time(_vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: `out` is a valid place.
    unsafe { *out = JULIAN_MS as f64 / 86_400_000.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_current_time_int64(
    _vfs: *mut ffi::sqlite3_vfs,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: `out` is a valid place.
    unsafe { *out = JULIAN_MS };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_get_last_error(
    _vfs: *mut ffi::sqlite3_vfs,
    _size: c_int,
    _out: *mut c_char,
) -> c_int {
    0
}
