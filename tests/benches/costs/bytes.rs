//! Bytes that an award writes, counted under SQLite.

use std::path::Path;

use dashpoint_crash_vfs::{CrashVfs, Disk};

use super::award::enrolled;
use super::car::DrivenCar;
use super::enrolled::open_store;
use super::floor::{BareTable, ROW_BYTES};
use super::table::Row;

const AWARDS: u64 = 400;

/// The step of the engine in which a trip ends, both files of the car together.
pub fn measure(disk: &Path) -> Vec<Row> {
    let folder = tempfile::tempdir_in(disk).unwrap();
    let enrolled = enrolled();
    let vfs = CrashVfs::register("costs-car", Disk::new(0));
    let mut store = open_store(folder.path(), Some(vfs.name()));
    enrolled.keep(&mut store);
    let mut car = DrivenCar::new(&enrolled, store);
    let written = || vfs.disk().counts().bytes_written;
    let mut award = 0;
    let begun = written();
    for _ in 0..AWARDS {
        let mut last = 0;
        car.drive(|engine, inputs| {
            let before = written();
            DrivenCar::second(engine, inputs);
            last = written() - before;
        });
        award += last;
    }
    let all = written() - begun;
    let bare_vfs = CrashVfs::register("costs-bare", Disk::new(0));
    let bare = BareTable::open(Path::new("/bare.db"), Some(bare_vfs.name()));
    let before = bare_vfs.disk().counts().bytes_written;
    for _ in 0..AWARDS {
        bare.commit_one(&[0x5a; ROW_BYTES]);
    }
    let floor = bare_vfs.disk().counts().bytes_written - before;
    let row = |what: &str, bytes: u64, aim, most| Row {
        what: what.to_owned(),
        measured: bytes as f64 / AWARDS as f64,
        beside: floor as f64 / AWARDS as f64,
        unit: "bytes",
        ratio: bytes as f64 / floor as f64,
        aim,
        met: bytes as f64 <= floor as f64 * most,
    };
    vec![
        row(
            "written for an award, beside a bare row of 250",
            award,
            "<= 3",
            3.0,
        ),
        row(
            "the same with the checkpoints of its trip",
            all,
            "told, no aim",
            f64::INFINITY,
        ),
    ]
}
