//! A cloud that goes back to a backup, said or unsaid: the cars send again what it lost, and nothing is paid twice.

use std::fs;
use std::path::{Path, PathBuf};

use vehicle_sim::{Command, Cycle};

use crate::support::{Kind, PATIENCE, World, files, stderr, until};

/// Confirmed and pending points of the member.
fn shown(world: &World) -> i64 {
    let member = &world.car.status()["members"][0];
    let points = |name: &str| member[name].as_i64().unwrap();
    points("confirmed") + points("pending")
}

/// A car that was confirmed twice, and a backup of the cloud from between; neither cloud nor car runs.
fn confirmed_after_the_backup() -> (World, PathBuf) {
    let mut world = World::after_a_day_offline();
    world.cloud.serve();
    world.car.start();
    world.car.reconcile();
    let backup = world.folder().join("backup.db");
    world.cloud.back_up(&backup);
    world.vehicle.run(&Command::Drive(Cycle::Hwfet));
    world.car.wait_for_entries(3);
    world.car.reconcile();
    assert_eq!(world.cloud.entries().len(), 3);
    world.cloud.stop();
    (world, backup)
}

/// The car drives while the cloud is away, and meets the one that went back.
fn meets_it(mut world: World) {
    let before = world.car.verified_ledger();
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(4);
    let total = shown(&world);
    world.cloud.serve();
    until("the cloud has everything again", PATIENCE, || {
        world.car.sync();
        assert_eq!(shown(&world), total, "no point leaves the screen meanwhile");
        (world.cloud.entries().len() == 4).then_some(())
    });
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], total, "{status:#}");
    world.assert_agreed();
    assert_eq!(
        world.car.verified_ledger()[1..],
        before,
        "nothing is told anew"
    );
    let claimed = world
        .car
        .claimed_units(dashpoint_membership::Meter::Odometer);
    assert_eq!(world.cloud.paid_units("odometer"), claimed);
    assert_eq!(world.cloud.server_epoch(), 2, "a new life of the database");
    assert!(world.car.stop().success());
}

#[test]
fn a_restored_cloud_gets_again_what_it_lost() {
    let (world, backup) = confirmed_after_the_backup();
    let kept = fs::read(&backup).unwrap();
    let restored = world.cloud.restore(&backup);
    assert_eq!(restored["server_epoch"], 2, "{restored:#}");
    let aside = restored["aside"].as_str().unwrap();
    assert!(fs::metadata(aside).unwrap().len() > 0);
    assert_eq!(fs::read(&backup).unwrap(), kept, "a backup is not touched");
    assert_eq!(world.cloud.entries().len(), 2);
    meets_it(world);
}

/// Somebody copies the file back and tells nobody: the first receipt that the log does not bear out shows it.
#[test]
fn a_cloud_that_went_back_unsaid_is_found_out() {
    let (world, backup) = confirmed_after_the_backup();
    fs::copy(&backup, world.cloud.database()).unwrap();
    assert_eq!(world.cloud.entries().len(), 2);
    assert_eq!(world.cloud.server_epoch(), 1);
    meets_it(world);
}

/// A car that was confirmed by one cloud and pending when it goes back to `backup` meets the one that went back.
fn loses_nothing(mut world: World, backup: &Path) {
    world.car.start();
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(1);
    world.car.reconcile();
    world.cloud.stop();
    world.vehicle.run(&Command::Drive(Cycle::Hwfet));
    world.car.wait_for_entries(2);
    let total = shown(&world);
    world.cloud.restore(backup);
    assert!(world.cloud.entries().is_empty());
    world.cloud.serve();
    until("the cloud has everything again", PATIENCE, || {
        world.car.sync();
        assert_eq!(shown(&world), total, "no point leaves the screen meanwhile");
        (world.cloud.points(&world.member) == total).then_some(())
    });
    let status = world.car.reconcile();
    assert_eq!(status["members"][0]["confirmed"], total, "{status:#}");
    assert_eq!(status["members"][0]["pending"], 0, "{status:#}");
    assert_eq!(world.cloud.server_epoch(), 2);
    assert!(world.car.stop().success());
}

/// The car shows the certificate, the binding and the grant that this very cloud signed.
#[test]
fn a_restored_cloud_takes_back_a_car_that_was_enrolled_after_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    let world = World::enrolled_after(Kind::Rumqttd, |cloud| cloud.back_up(&backup)).unwrap();
    loses_nothing(world, &backup);
}

/// Its ledger was lost, and it was enrolled again with its key: the binding is younger than the backup.
#[test]
fn a_restored_cloud_takes_back_a_binding_that_was_made_after_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    let world = World::new(Kind::Rumqttd).unwrap();
    world.cloud.back_up(&backup);
    for file in fs::read_dir(world.car.data()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("ledger.db") {
            fs::remove_file(&path).unwrap();
        }
    }
    world.car.enrol(&world.cloud, &world.member);
    loses_nothing(world, &backup);
}

/// How a database breaks, and what the operator reads.
struct Damage {
    how: &'static str,
    done_to: fn(&mut Vec<u8>),
    line: &'static str,
}

const DAMAGES: [Damage; 3] = [
    Damage {
        how: "emptied",
        done_to: Vec::clear,
        line: "is empty: it was cut off from outside; restore it from a backup",
    },
    Damage {
        how: "no database any more",
        done_to: |bytes| bytes[..100].fill(0x5a),
        line: "the database refused: file is not a database",
    },
    Damage {
        how: "full of garbage",
        done_to: |bytes| bytes[4_096..].fill(0x5a),
        line: "the database refused: database disk image is malformed",
    },
];

/// It is not served from, and not touched; a backup makes it whole, and the cars the rest.
#[test]
fn a_damaged_database_is_refused_as_it_is_and_a_backup_makes_it_whole() {
    let (world, backup) = confirmed_after_the_backup();
    let sound = fs::read(world.cloud.database()).unwrap();
    for Damage { how, done_to, line } in DAMAGES {
        let mut bytes = sound.clone();
        done_to(&mut bytes);
        fs::write(world.cloud.database(), bytes).unwrap();
        let before = files(world.cloud.data());
        let refused = world.cloud.try_ask(&["serve", "--listen", "127.0.0.1:0"]);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(1), "{how}: {said}");
        assert!(
            said.lines().last().unwrap_or_default().contains(line),
            "{how}: {said}"
        );
        assert_eq!(
            before["cloud.db"],
            files(world.cloud.data())["cloud.db"],
            "{how}"
        );
    }
    world.cloud.restore(&backup);
    meets_it(world);
}
