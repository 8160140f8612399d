//! The shared memory of a database, on the heap: every connection is in this process.

use std::ffi::{c_int, c_void};
use std::ptr;

use rusqlite::ffi;

use super::open::{lock, open_of};

pub(super) unsafe extern "C" fn x_shm_map(
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

pub(super) unsafe extern "C" fn x_shm_lock(
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

pub(super) unsafe extern "C" fn x_shm_barrier(_file: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

pub(super) unsafe extern "C" fn x_shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
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
