//! The VFS: SQLite's C interface over the model.
//!
//! Each `unsafe` rests on SQLite's contract (sqlite.org/c3ref/vfs.html, c3ref/io_methods.html): pointers that it passes
//! are valid for the call, buffers have the sizes it names, and a file object is closed once, after its last use.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use crate::disk::{Disk, Failure};
use crate::locks::{Level, Owner};

/// Device characteristics of the unix VFS on Linux: a write tears no neighbour, and pages may be read in part.
const CHARACTERISTICS: c_int =
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE | ffi::SQLITE_IOCAP_SUBPAGE_READ;
/// The unix VFS says 4096.
const SECTOR_SIZE: c_int = 4_096;
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

/// What SQLite allocates for each open file.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    open: *mut Open,
}

/// An open file.
struct Open {
    disk: Arc<Mutex<Disk>>,
    name: String,
    owner: Owner,
    life: u64,
    delete_on_close: bool,
    mapped: bool,
}

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

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(x_close),
    xRead: Some(x_read),
    xWrite: Some(x_write),
    xTruncate: Some(x_truncate),
    xSync: Some(x_sync),
    xFileSize: Some(x_file_size),
    xLock: Some(x_lock),
    xUnlock: Some(x_unlock),
    xCheckReservedLock: Some(x_check_reserved_lock),
    xFileControl: Some(x_file_control),
    xSectorSize: Some(x_sector_size),
    xDeviceCharacteristics: Some(x_device_characteristics),
    xShmMap: Some(x_shm_map),
    xShmLock: Some(x_shm_lock),
    xShmBarrier: Some(x_shm_barrier),
    xShmUnmap: Some(x_shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// A panic in a test must not turn every later call into another one.
fn lock(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

unsafe fn disk_of<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a Arc<Mutex<Disk>> {
    // SAFETY: `pAppData` was set in `register` and lives as long as the VFS.
    unsafe { &*(*vfs).pAppData.cast::<Arc<Mutex<Disk>>>() }
}

unsafe fn open_of<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Open {
    // SAFETY: `x_open` put a box there; SQLite calls one method of a file at a time.
    unsafe { &mut *(*file.cast::<Handle>()).open }
}

unsafe fn text_of(name: *const c_char) -> String {
    // SAFETY: SQLite passes NUL-terminated names.
    unsafe { CStr::from_ptr(name) }
        .to_string_lossy()
        .into_owned()
}

impl Open {
    /// The disk, unless the power went since this handle was opened.
    fn alive(&self) -> Option<MutexGuard<'_, Disk>> {
        let disk = lock(&self.disk);
        (disk.life() == self.life).then_some(disk)
    }
}

const fn code(failure: Failure, io: c_int) -> c_int {
    match failure {
        Failure::Full => ffi::SQLITE_FULL,
        Failure::Io => io,
    }
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

unsafe extern "C" fn x_close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: closed once, after its last use.
    let open = unsafe { Box::from_raw((*file.cast::<Handle>()).open) };
    if let Some(mut disk) = open.alive() {
        disk.locks(&open.name).lower(open.owner, Level::None);
        if open.delete_on_close {
            disk.file(&open.name).delete(false);
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_read(
    file: *mut ffi::sqlite3_file,
    out: *mut c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: `out` has `amount` bytes.
    let (open, out) = unsafe {
        (
            open_of(file),
            slice::from_raw_parts_mut(out.cast::<u8>(), amount as usize),
        )
    };
    let Some(mut disk) = open.alive() else {
        return ffi::SQLITE_IOERR_READ;
    };
    match disk.read(&open.name, offset as usize, out) {
        Ok(got) if got == out.len() => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(failure) => code(failure, ffi::SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn x_write(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: `data` has `amount` bytes.
    let (open, data) = unsafe {
        (
            open_of(file),
            slice::from_raw_parts(data.cast::<u8>(), amount as usize),
        )
    };
    let Some(mut disk) = open.alive() else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    let done = disk.write(&open.name, offset as usize, data);
    done.map_or_else(
        |failure| code(failure, ffi::SQLITE_IOERR_WRITE),
        |()| ffi::SQLITE_OK,
    )
}

unsafe extern "C" fn x_truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: see the module.
    let open = unsafe { open_of(file) };
    let Some(mut disk) = open.alive() else {
        return ffi::SQLITE_IOERR_TRUNCATE;
    };
    let done = disk.truncate(&open.name, size as usize);
    done.map_or_else(
        |failure| code(failure, ffi::SQLITE_IOERR_TRUNCATE),
        |()| ffi::SQLITE_OK,
    )
}

unsafe extern "C" fn x_sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: see the module.
    let open = unsafe { open_of(file) };
    let Some(mut disk) = open.alive() else {
        return ffi::SQLITE_IOERR_FSYNC;
    };
    let done = disk.sync(&open.name);
    done.map_or_else(
        |failure| code(failure, ffi::SQLITE_IOERR_FSYNC),
        |()| ffi::SQLITE_OK,
    )
}

unsafe extern "C" fn x_file_size(
    file: *mut ffi::sqlite3_file,
    size: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: see the module.
    let open = unsafe { open_of(file) };
    let Some(mut disk) = open.alive() else {
        return ffi::SQLITE_IOERR_FSTAT;
    };
    // SAFETY: `size` is a valid place.
    unsafe { *size = disk.file(&open.name).bytes().len() as i64 };
    ffi::SQLITE_OK
}

const fn level(lock: c_int) -> Level {
    match lock {
        ffi::SQLITE_LOCK_SHARED => Level::Shared,
        ffi::SQLITE_LOCK_RESERVED => Level::Reserved,
        ffi::SQLITE_LOCK_PENDING => Level::Pending,
        ffi::SQLITE_LOCK_EXCLUSIVE => Level::Exclusive,
        _ => Level::None,
    }
}

unsafe extern "C" fn x_lock(file: *mut ffi::sqlite3_file, lock: c_int) -> c_int {
    // SAFETY: see the module.
    let open = unsafe { open_of(file) };
    let Some(mut disk) = open.alive() else {
        return ffi::SQLITE_IOERR_LOCK;
    };
    if disk.locks(&open.name).raise(open.owner, level(lock)) {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_BUSY
    }
}

unsafe extern "C" fn x_unlock(file: *mut ffi::sqlite3_file, lock: c_int) -> c_int {
    // SAFETY: see the module.
    let open = unsafe { open_of(file) };
    if let Some(mut disk) = open.alive() {
        disk.locks(&open.name).lower(open.owner, level(lock));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: see the module.
    let open = unsafe { open_of(file) };
    let Some(mut disk) = open.alive() else {
        return ffi::SQLITE_IOERR_CHECKRESERVEDLOCK;
    };
    // SAFETY: `out` is a valid place.
    unsafe { *out = c_int::from(disk.locks(&open.name).reserved()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_file_control(
    _file: *mut ffi::sqlite3_file,
    _op: c_int,
    _arg: *mut c_void,
) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn x_sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    SECTOR_SIZE
}

unsafe extern "C" fn x_device_characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    CHARACTERISTICS
}

unsafe extern "C" fn x_shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let open = unsafe { open_of(file) };
    let name = open.name.clone();
    let life = open.life;
    let mut disk = lock(&open.disk);
    if disk.life() != life {
        return ffi::SQLITE_IOERR_SHMMAP;
    }
    let shared = disk.shared(&name);
    if !open.mapped {
        open.mapped = true;
        shared.users += 1;
    }
    let words = size as usize / size_of::<u64>();
    while extend != 0 && shared.regions.len() <= region as usize {
        shared.regions.push(vec![0; words].into_boxed_slice());
    }
    let place = shared
        .regions
        .get_mut(region as usize)
        .map_or(ptr::null_mut(), |at| at.as_mut_ptr());
    // SAFETY: `out` is a valid place; a region stays where it is until the last user unmaps it.
    unsafe { *out = place.cast() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_shm_lock(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    n: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: see the module.
    let open = unsafe { open_of(file) };
    let Some(mut disk) = open.alive() else {
        return ffi::SQLITE_IOERR_SHMLOCK;
    };
    let slots = &mut disk.shared(&open.name).slots[offset as usize..(offset + n) as usize];
    let owner = open.owner;
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        slots.iter_mut().for_each(|slot| slot.release(owner));
    } else if flags & ffi::SQLITE_SHM_SHARED != 0 {
        if !slots.iter().all(|slot| slot.may_share(owner)) {
            return ffi::SQLITE_BUSY;
        }
        slots.iter_mut().for_each(|slot| slot.share(owner));
    } else {
        if !slots.iter().all(|slot| slot.may_own(owner)) {
            return ffi::SQLITE_BUSY;
        }
        slots.iter_mut().for_each(|slot| slot.own(owner));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_shm_barrier(_file: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn x_shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: see the module.
    let open = unsafe { open_of(file) };
    if !std::mem::take(&mut open.mapped) {
        return ffi::SQLITE_OK;
    }
    if let Some(mut disk) = open.alive() {
        let shared = disk.shared(&open.name);
        shared
            .slots
            .iter_mut()
            .for_each(|slot| slot.release(open.owner));
        shared.users -= 1;
        if shared.users == 0 {
            disk.drop_shared(&open.name);
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
