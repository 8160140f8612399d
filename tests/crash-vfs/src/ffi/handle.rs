//! The methods of an open file.

use std::ffi::{c_int, c_void};
use std::slice;

use rusqlite::ffi;

use super::open::{Handle, open_of};
use super::shm::{x_shm_barrier, x_shm_lock, x_shm_map, x_shm_unmap};
use crate::disk::Failure;
use crate::locks::Level;

/// Device characteristics of the unix VFS on Linux: a write tears no neighbour, and pages may be read in part.
const CHARACTERISTICS: c_int =
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE | ffi::SQLITE_IOCAP_SUBPAGE_READ;
/// The unix VFS says 4096.
const SECTOR_SIZE: c_int = 4_096;

pub(super) static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
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

const fn code(failure: Failure, io: c_int) -> c_int {
    match failure {
        Failure::Full => ffi::SQLITE_FULL,
        Failure::Io => io,
    }
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
