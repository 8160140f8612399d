//! Faults and backups of a car's disk, and the end of the program with the power.

use dashpoint_crash_vfs::{CrashVfs, Disk, DiskFault, Image};
use rusqlite::{Connection, OpenFlags};

use super::{Cache, SimulatedCar};

impl SimulatedCar {
    /// Ignores syncs from now on: a planted bug.
    pub fn ignore_syncs(&mut self) {
        self.syncs_ignored = true;
        self.vfs.disk().ignore_syncs(true);
    }

    /// Ends the program and deletes the cache.
    pub fn lose_cache(&mut self) {
        self.crash();
        let cache = self.folder.path().join("cache.db");
        self.vfs.disk().remove(&cache.to_string_lossy());
        self.cache = Cache::Lost;
        self.unsent = false;
    }

    /// Takes a backup of what the medium holds.
    pub fn back_up(&mut self) {
        self.backup = Some(self.vfs.disk().image());
    }

    /// Puts the disk of the backup in; the program is off.
    pub fn restore(&mut self) -> bool {
        let Some(image) = self.backup.clone() else {
            return false;
        };
        self.crash();
        self.put_disk(&image);
        true
    }

    pub(super) fn put_disk(&mut self, image: &Image) {
        self.cache = Cache::Kept;
        self.unsent = false;
        self.disks += 1;
        let mut disk = Disk::from_image(image, self.random.next());
        disk.ignore_syncs(self.syncs_ignored);
        self.vfs = CrashVfs::register(&format!("{}-{}", self.name, self.disks), disk);
        self.power_cuts = 0;
    }

    /// Plans a power cut at one of the next calls of the disk.
    pub fn plan_power_cut(&mut self, at_call: u64) {
        self.vfs.disk().plan(at_call, DiskFault::PowerCut);
    }

    /// Plans another fault at one of the next calls of the disk.
    pub fn plan_fault(&mut self, at_call: u64, fault: DiskFault) {
        self.vfs.disk().plan(at_call, fault);
    }

    /// Mends the disk; returns whether the fault was still to come.
    pub fn clear_fault(&mut self) -> bool {
        self.vfs.disk().clear_fault()
    }

    /// Raises the mark of the first odometer in the ledger, as a program that takes any value for a reading would.
    pub fn raise_first_odometer(&self, metres: i64) -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let ledger = self.folder.path().join("ledger.db");
        let db = Connection::open_with_flags_and_vfs(ledger, flags, self.vfs.name())?;
        let sql = "INSERT INTO mark (meter, high) VALUES (1, ?1) ON CONFLICT (meter) DO UPDATE SET high = excluded.high";
        db.execute(sql, [metres]).map(|_| ())
    }

    /// Lets the harness's own looks at the disk through.
    pub fn spare(&mut self, spared: bool) {
        self.vfs.disk().spare(spared);
    }

    /// No more faults of the disk; the program is off.
    pub fn heal(&mut self) {
        self.crash();
        self.lost_power();
        self.vfs.disk().clear_fault();
    }

    /// Cuts the power now.
    pub fn cut_power(&mut self) {
        self.vfs.disk().cut_power();
        self.lost_power();
    }

    /// Ends the program where it stands.
    pub fn crash(&mut self) {
        if self.engine.is_some() {
            // Before the drop, which would close the files in good order.
            self.vfs.disk().kill_programs();
        }
        self.engine = None;
        self.requests = None;
        self.suspended = false;
        self.wake_ms = u64::MAX;
        self.life += 1;
    }

    /// Returns whether the power was cut since the last call; then the program is off.
    pub fn lost_power(&mut self) -> bool {
        let cuts = self.vfs.disk().counts().power_cuts;
        let lost = cuts > self.power_cuts;
        self.power_cuts = cuts;
        if lost {
            self.crash();
        }
        lost
    }
}
