//! A data folder of which something is missing, of another cloud, gone while it serves, or on a disk that is full; and what
//! `/healthz` says of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

use dashpoint_cloud::{
    ClockKind, Cloud, CloudCore, CloudError, NewMember, Running, ServerConfig, init, open_on_vfs,
};
use dashpoint_crash_vfs::{CrashVfs, Disk, DiskFault};
use dashpoint_membership::*;
use dashpoint_wire::SigningKey;
use rusqlite::Connection;

use crate::loopback::config;
use crate::support::*;

pub async fn start(data: &Path) -> Result<Running, CloudError> {
    Cloud::start(config(data)).await
}

/// A folder in which a cloud has served, with a member.
async fn served(data: &Path) {
    let cloud = start(data).await.unwrap();
    cloud.add_member("Li", "Asia/Shanghai").await.unwrap();
    cloud.shutdown().await;
}

pub async fn health(cloud: &Running) -> (u16, String) {
    let addr = cloud.addr();
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: cloud\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    });
    let said = asked.await.unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

pub fn run(data: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dashpoint-cloud"));
    command.arg("--data").arg(data).args(words);
    command.env_remove("DASHPOINT_DATA");
    command.output().unwrap()
}

#[track_caller]
pub fn refused(data: &Path, words: &[&str], code: i32, why: &str) {
    let output = run(data, words);
    let said = String::from_utf8(output.stderr).unwrap();
    let said = said.lines().last().unwrap_or_default();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    assert!(said.contains(why), "{words:?}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_its_database_is_refused_and_init_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    served(&data).await;
    let key = start(&data).await.unwrap();
    let public_key = key.public_key();
    key.shutdown().await;
    fs::remove_file(data.join("cloud.db")).unwrap();
    assert!(matches!(
        start(&data).await,
        Err(CloudError::DatabaseMissing(_))
    ));
    for words in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["member", "list"],
    ] {
        refused(&data, words, 1, "`dashpoint-cloud restore FILE`");
        refused(&data, words, 1, "`dashpoint-cloud init`");
    }
    assert!(!data.join("cloud.db").exists(), "nothing was made");

    assert_eq!(init(&data).unwrap(), public_key, "cars know the key");
    refused(&data, &["init"], 2, "is there already");
    let cloud = start(&data).await.unwrap();
    assert_eq!(cloud.public_key(), public_key);
    assert_eq!(health(&cloud).await, (200, "ok\n".to_owned()));
    cloud.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_begins_by_init_or_by_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = run(&data, &["init"]);
    assert!(made.status.success());
    let said = String::from_utf8(made.stdout).unwrap();
    let cloud = start(&data).await.unwrap();
    assert_eq!(
        said,
        format!(
            "made a new cloud with public key {}; `key` prints what cars are given\n",
            cloud.public_key()
        )
    );
    cloud.shutdown().await;
    served(&folder.path().join("other")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_and_the_database_of_two_clouds_are_refused_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    served(&one).await;
    served(&two).await;
    for (file, other) in [("cloud.db", "cloud.db"), ("cloud-key.pk8", "cloud-key.pk8")] {
        let mixed = folder.path().join(format!("mixed-{file}"));
        fs::create_dir(&mixed).unwrap();
        fs::copy(two.join(other), mixed.join(file)).unwrap();
        let rest = if file == "cloud.db" {
            "cloud-key.pk8"
        } else {
            "cloud.db"
        };
        fs::copy(one.join(rest), mixed.join(rest)).unwrap();
        let before = fs::read(mixed.join("cloud.db")).unwrap();
        assert!(matches!(
            start(&mixed).await,
            Err(CloudError::OtherKey { .. })
        ));
        refused(&mixed, &["member", "list"], 1, "belong together");
        assert!(fs::read(mixed.join("cloud.db")).unwrap() == before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_deleted_or_replaced_while_it_serves_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    for gone in ["cloud.db", "cloud.db-wal"] {
        for replaced in [false, true] {
            let data = folder.path().join(format!("{gone}-{replaced}"));
            let cloud = start(&data).await.unwrap();
            let member = cloud.add_member("Li", "Asia/Shanghai").await.unwrap();
            assert_eq!(health(&cloud).await.0, 200);
            if replaced {
                let aside = folder.path().join("aside");
                fs::copy(data.join(gone), &aside).unwrap();
                fs::rename(&aside, data.join(gone)).unwrap();
            } else {
                fs::remove_file(data.join(gone)).unwrap();
            }
            let added = cloud.add_member("Han", "Asia/Shanghai").await;
            assert!(
                matches!(added, Err(CloudError::DatabaseGone(_))),
                "{gone} {replaced}: {added:?}"
            );
            let read = cloud
                .with_core(move |core, now| core.statement(member, LedgerVersion::new(0), now))
                .await;
            assert!(matches!(read, Err(CloudError::DatabaseGone(_))));
            let (status, said) = health(&cloud).await;
            assert_eq!(status, 503);
            assert!(said.contains("deleted or replaced"), "{said}");
            cloud.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_clock_that_leaps_says_so_and_serves_once_it_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    served(&data).await;
    let disk = Connection::open(data.join("cloud.db")).unwrap();
    disk.execute("UPDATE cloud SET known = known - 40 * 86400", [])
        .unwrap();
    drop(disk);
    let cloud = start(&data).await.unwrap();
    let (status, said) = health(&cloud).await;
    assert_eq!(status, 503);
    assert!(said.contains("--accept-clock"), "{said}");
    let added = cloud.add_member("Han", "Asia/Shanghai").await;
    assert!(matches!(added, Err(CloudError::ClockLeapt { .. })));
    cloud.shutdown().await;
    refused(&data, &["maintain"], 1, "--accept-clock");

    let accepted = ServerConfig {
        accept_clock: Some("off over the summer".to_owned()),
        ..config(&data)
    };
    let cloud = Cloud::start(accepted).await.unwrap();
    assert_eq!(health(&cloud).await, (200, "ok\n".to_owned()));
    cloud.add_member("Han", "Asia/Shanghai").await.unwrap();
    cloud.shutdown().await;
}

#[test]
fn a_full_disk_is_told_until_it_has_room_again() {
    let vfs = CrashVfs::register("full-cloud", Disk::new(7));
    let db = open_on_vfs(Path::new("/cloud.db"), vfs.name()).unwrap();
    let key = SigningKey::from_seed(&[0xc1; 32]);
    let mut core = CloudCore::start(db, key, ClockKind::System, at(NOON)).unwrap();
    core.health(at(NOON)).unwrap();
    vfs.disk().plan(0, DiskFault::Full);
    assert!(core.heartbeat(at(NOON + 60)).is_err());
    for _ in 0..2 {
        let unfit = core.health(at(NOON + 61)).unwrap_err();
        assert!(unfit.to_string().contains("full"), "{unfit}");
    }
    vfs.disk().clear_fault();
    core.health(at(NOON + 62)).unwrap();
    let calls = vfs.disk().counts().bytes_written;
    core.health(at(NOON + 63)).unwrap();
    assert_eq!(
        vfs.disk().counts().bytes_written,
        calls,
        "nothing is written"
    );
}

/// A row fits into the room that the log has already; a batch does not.
#[test]
fn a_batch_that_finds_no_room_is_told_however_often_a_row_does() {
    let vfs = CrashVfs::register("nearly-full-cloud", Disk::new(7));
    let db = open_on_vfs(Path::new("/cloud.db"), vfs.name()).unwrap();
    let mut world = World::with(db, ClockKind::System);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let size = vfs.disk().used() + 64 * 1_024;
    vfs.disk().limit(Some(size));
    let batch: Vec<_> = (0..100).map(|_| car.mint(CHECK_IN, world.now)).collect();
    let posted = world
        .core
        .post_entries(car.device, &car.request(&batch), world.now);
    assert!(posted.is_err(), "{posted:?}");
    for second in 1..5 {
        let now = world.now.plus_s(60 * second);
        // Whatever small thing is written meanwhile.
        let few = NewMember {
            id: MemberId::from_bytes([90 + u8::try_from(second).unwrap(); 16]),
            name: "Han".to_owned(),
            zone: "UTC".to_owned(),
        };
        drop(world.core.add_member(&few, now));
        for beat in [CloudCore::heartbeat, CloudCore::health] {
            let unfit = beat(&mut world.core, now).unwrap_err();
            assert!(unfit.to_string().contains("full"), "{unfit}");
        }
    }
    vfs.disk().limit(None);
    world.pass(300);
    world.core.health(world.now).unwrap();
    world.settled(&mut car, &batch);
    assert!(world.core.waiting(world.now).unwrap().is_empty());
    world.core.heartbeat(world.now).unwrap();
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_are_their_owner_s_alone_also_in_a_folder_that_was_there() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let modes = |of: &Path| {
        let mut found = Vec::new();
        for file in fs::read_dir(of).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            found.push((file.file_name().into_string().unwrap(), mode));
        }
        found.sort();
        found
    };
    let cloud = start(&data).await.unwrap();
    cloud.add_member("Li", "Asia/Shanghai").await.unwrap();
    let served = modes(&data);
    let names: Vec<&str> = served.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"cloud.db-wal"), "{names:?}");
    assert!(served.iter().all(|(_, mode)| *mode == 0o600), "{served:?}");
    // What an older program has made is tightened by the next start.
    cloud.shutdown().await;
    fs::set_permissions(data.join("cloud.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let cloud = start(&data).await.unwrap();
    cloud.add_member("Han", "Asia/Shanghai").await.unwrap();
    let served = modes(&data);
    assert!(served.iter().all(|(_, mode)| *mode == 0o600), "{served:?}");
    cloud.shutdown().await;

    let backups = folder.path().join("backups");
    fs::create_dir(&backups).unwrap();
    let backup = backups.join("backup.db");
    assert!(
        run(&data, &["backup", backup.to_str().unwrap()])
            .status
            .success()
    );
    assert_eq!(modes(&backups), [("backup.db".to_owned(), 0o600)]);
    fs::set_permissions(&backup, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(
        run(&data, &["restore", backup.to_str().unwrap()])
            .status
            .success()
    );
    let restored = modes(&data);
    assert!(
        restored.iter().all(|(_, mode)| *mode == 0o600),
        "{restored:?}"
    );
}

#[test]
fn an_empty_variable_is_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_dashpoint-cloud"))
        .args(["member", "list"])
        .env("DASHPOINT_DATA", "")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("dashpoint-cloud-data"), "{said}");
}
