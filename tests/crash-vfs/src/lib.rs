//! A disk in memory for SQLite that loses power: unsynced sectors are dropped or torn.
//!
//! [`Disk`] is the model, safe and seeded; [`CrashVfs`] puts it under SQLite as a VFS with the device characteristics of
//! the unix VFS, so that SQLite syncs as it does on a car's flash. Shared memory lives on the heap.

mod disk;
mod ffi;
mod file;
mod locks;
mod random;

pub use disk::{Disk, DiskCounts, DiskFault, Image};
pub use ffi::CrashVfs;
