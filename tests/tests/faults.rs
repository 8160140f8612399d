//! No room and failing calls, at every single call of a disk, under the whole car and under the cloud.

use dashpoint_crash_vfs::DiskFault;
use dashpoint_tests::simulation::{Lived, Side, fail_at_every_call};

const SEED: u64 = 1;

fn live(side: Side, fault: DiskFault) -> Lived {
    match fail_at_every_call(side, fault, SEED) {
        Ok(lived) => lived,
        Err(broken) => panic!(
            "{side:?}, {fault:?}: {broken}\n{}",
            broken.story().join("\n")
        ),
    }
}

#[test]
fn a_car_without_room_says_so_and_goes_on_when_there_is_some() {
    let lived = live(Side::Car, DiskFault::Full);
    assert!(lived.calls > 60, "{lived:?}");
    assert!(lived.unsaved > 10, "{lived:?}");
}

#[test]
fn a_car_whose_disk_fails_once_goes_on() {
    let lived = live(Side::Car, DiskFault::IoError);
    assert!(lived.calls > 60, "{lived:?}");
    assert!(lived.refused_starts > 0, "{lived:?}");
}

#[test]
fn a_car_whose_disk_fails_for_a_while_says_so_and_goes_on() {
    let lived = live(Side::Car, DiskFault::Broken);
    assert!(lived.calls > 60, "{lived:?}");
    assert!(lived.refused_starts > 0 && lived.unsaved > 20, "{lived:?}");
}

#[test]
fn a_cloud_without_room_takes_nothing_twice_and_goes_on() {
    let lived = live(Side::Cloud, DiskFault::Full);
    assert!(lived.calls > 10, "{lived:?}");
    assert!(lived.cloud_failed > 5, "{lived:?}");
}

#[test]
fn a_cloud_whose_disk_fails_once_takes_nothing_twice_and_goes_on() {
    let lived = live(Side::Cloud, DiskFault::IoError);
    assert!(lived.calls > 10, "{lived:?}");
}

#[test]
fn a_cloud_whose_disk_fails_for_a_while_takes_nothing_twice_and_goes_on() {
    let lived = live(Side::Cloud, DiskFault::Broken);
    assert!(lived.calls > 10, "{lived:?}");
    assert!(lived.cloud_failed > 5, "{lived:?}");
}
