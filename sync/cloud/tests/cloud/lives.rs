//! A database that went back: a new life begins, whether somebody says so or not, and nothing is lost or paid twice.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dashpoint_cloud::{CloudError, PostOutcome};
use dashpoint_membership::*;
use dashpoint_wire::message::EntriesResponse;
use dashpoint_wire::{Raw, Receipt, Signed};

use crate::support::*;

/// Posts with the receipt that the car holds, as every car does.
fn post(
    world: &mut World,
    car: &Car,
    entries: &[Signed<Entry>],
    held: &Raw<Receipt>,
) -> EntriesResponse {
    let mut request = car.request(entries);
    request.last_receipt = Some(held.clone());
    let posted = world.core.post_entries(car.device, &request, world.now);
    match posted.unwrap() {
        PostOutcome::Settled(response) => response,
        other => panic!("not settled: {other:?}"),
    }
}

fn life(world: &World) -> u32 {
    world.core.server_epoch().unwrap().get()
}

#[test]
fn a_database_that_went_back_unsaid_is_noticed_by_the_first_receipt_that_it_cannot_bear_out() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let mut world = World::on_disk(&path);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut other = world.car(4, 5, member);
    let first = car.mint(drove(trip(0, 12_000)), world.now);
    let known = world.settled(&mut car, &[first]).receipt;
    world.core.back_up(&backup).unwrap();
    let early = car.clone();
    let late = [
        car.mint(drove(trip(12_000, 12_000)), world.now),
        car.mint(CHECK_IN, world.now),
    ];
    let receipt = world.settled(&mut car, &late).receipt;
    let before = world.statement(member);

    let mut world = World::on_disk(&backup);
    assert_eq!(life(&world), 1);
    let unaware = other.mint(drove(trip(0, 1_000)), world.now);
    world.settled(&mut other, &[unaware]);
    // A receipt that the log has: nothing is amiss.
    post(&mut world, &early, &[], &known);
    assert_eq!(life(&world), 1);

    let again = post(&mut world, &car, &late, &receipt);
    assert!(again.verdicts.iter().all(|verdict| !verdict.duplicate));
    assert_eq!(life(&world), 2);
    let told = again.receipt.verify(&world.cloud_key, &car.device).unwrap();
    assert_eq!(told.body().server_epoch, ServerEpoch::new(2));
    let after = world.statement(member);
    assert!(after.supersedes(&before), "cars take its word again");
    assert_eq!(after.covers[&car.device].head, car.head);
    // The second life is known; an old receipt of the first says nothing new.
    post(&mut world, &car, &late, &receipt);
    assert_eq!(life(&world), 2);
}

#[test]
fn a_receipt_for_an_entry_of_another_branch_shows_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let mut world = World::on_disk(&path);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.core.back_up(&backup).unwrap();
    let mut clone = car.clone();
    let entry = car.mint(CHECK_IN, world.now);
    let receipt = world.settled(&mut car, &[entry]).receipt;

    let mut world = World::on_disk(&backup);
    let other = clone.mint(drove(trip(0, 9_000)), world.now);
    world.settled(&mut clone, &[other]);
    post(&mut world, &clone, &[], &receipt);
    assert_eq!(life(&world), 2);
}

#[test]
fn entries_of_a_policy_that_the_backup_lacks_wait_until_it_is_signed_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let mut world = World::on_disk(&path);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.core.back_up(&backup).unwrap();
    let mut next = world.core.policy(None, world.now).unwrap();
    next.version = PolicyVersion::new(2);
    world.core.sign_policy(next.clone(), world.now).unwrap();
    let first = car.mint(CHECK_IN, world.now);
    let under_2 = car.forged(drove(trip(0, 12_000)), world.now, |entry| {
        entry.policy = PolicyVersion::new(2);
    });

    let mut world = World::on_disk(&backup);
    world
        .core
        .begin_server_epoch(ServerEpoch::new(1), world.now)
        .unwrap();
    let both = car.request(&[first, under_2.clone()]);
    let posted = world.core.post_entries(car.device, &both, world.now);
    let Ok(PostOutcome::Settled(response)) = posted else {
        panic!("not settled: {posted:?}");
    };
    assert_eq!(response.verdicts.len(), 1, "the first one does not wait");
    let second = car.request(std::slice::from_ref(&under_2));
    let refused = world.core.post_entries(car.device, &second, world.now);
    assert!(
        matches!(refused, Err(CloudError::ProofWanted { .. })),
        "{refused:?}"
    );
    world
        .core
        .take_proof(car.device, &car.proof, world.now)
        .unwrap();
    let refused = world.core.post_entries(car.device, &second, world.now);
    assert!(
        matches!(refused, Err(CloudError::PolicyForgotten { .. })),
        "the car does not hold it: {refused:?}"
    );

    world.core.sign_policy(next, world.now).unwrap();
    let verdict = world.verdict(&mut car, &under_2);
    assert!(paid(&verdict) > 0, "{verdict:?}");
}

/// The operator signs the policy in force first: entries of the one between wait as well, and it can still be signed, by
/// the program beside the one that serves.
#[test]
fn a_policy_that_the_backup_lacks_is_waited_for_and_signed_also_below_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let mut world = World::on_disk(&path);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.core.back_up(&backup).unwrap();
    let [second, third] = [2, 3].map(|version| {
        let mut next = world.core.policy(None, world.now).unwrap();
        next.version = PolicyVersion::new(version);
        world.core.sign_policy(next.clone(), world.now).unwrap();
        next
    });
    let under = |car: &mut Car, from_m, version| {
        car.forged(drove(trip(from_m, 12_000)), at(NOON), |entry| {
            entry.policy = PolicyVersion::new(version);
        })
    };
    let under_2 = under(&mut car, 0, 2);
    let under_3 = under(&mut car, 12_000, 3);
    let again = second.clone();
    assert!(
        matches!(
            world.core.sign_policy(again, world.now),
            Err(CloudError::VersionNotHigher { .. })
        ),
        "in the first life nothing is signed below the newest"
    );

    let mut world = World::on_disk(&backup);
    let life = world
        .core
        .begin_server_epoch(ServerEpoch::new(1), world.now);
    life.unwrap();
    let mut beside = World::on_disk(&backup);
    beside.core.sign_policy(third.clone(), world.now).unwrap();
    let both = car.request(&[under_2.clone(), under_3.clone()]);
    let asked = world.core.post_entries(car.device, &both, world.now);
    assert!(
        matches!(asked, Err(CloudError::ProofWanted { .. })),
        "{asked:?}"
    );
    world
        .core
        .take_proof(car.device, &car.proof, world.now)
        .unwrap();
    let refused = world.core.post_entries(car.device, &both, world.now);
    assert!(
        matches!(&refused, Err(CloudError::PolicyForgotten { named, .. }) if named.get() == 2),
        "{refused:?}"
    );
    let waits = world.core.waits();
    assert_eq!(
        waits.as_deref(),
        Some("devices whose entries wait for policy 2: 1")
    );
    assert!(
        matches!(
            beside.core.sign_policy(third, world.now),
            Err(CloudError::VersionNotHigher { .. })
        ),
        "a version is never replaced"
    );
    beside.core.sign_policy(second, world.now).unwrap();
    let settled = world.settled(&mut car, &[under_2, under_3]);
    for said in &settled.verdicts {
        assert!(paid(&said.verdict) > 0, "{said:?}");
    }
    assert_eq!(world.core.waits(), None);
}

#[test]
fn a_policy_that_nobody_can_have_signed_holds_up_no_entry() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world
        .core
        .begin_server_epoch(ServerEpoch::new(1), world.now)
        .unwrap();
    let absurd = car.forged(CHECK_IN, world.now, |entry| {
        entry.policy = PolicyVersion::new(u32::MAX);
    });
    let verdict = world.verdict(&mut car, &absurd);
    assert_eq!(verdict, rejected(Rejection::UnknownPolicy));
    assert_eq!(world.core.waits(), None);
    let mut far = world.core.policy(None, world.now).unwrap();
    far.version = PolicyVersion::new(u32::MAX);
    assert!(matches!(
        world.core.sign_policy(far, world.now),
        Err(CloudError::VersionTooFar { .. })
    ));
}

/// A data folder that the program works on.
pub struct Operated {
    pub data: PathBuf,
}

impl Operated {
    pub fn new(folder: &Path) -> Self {
        let operated = Self {
            data: folder.join("data"),
        };
        operated.while_serving(|| ());
        operated
    }

    pub fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dashpoint-cloud"));
        command.arg("--data").arg(&self.data).args(words);
        command.env_remove("DASHPOINT_DATA");
        command.output().unwrap()
    }

    #[track_caller]
    pub fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub fn refused(&self, words: &[&str], code: i32, why: &str) {
        let output = self.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(why), "{said}");
    }

    pub fn while_serving(&self, work: impl FnOnce()) {
        let mut serving = Command::new(env!("CARGO_BIN_EXE_dashpoint-cloud"))
            .arg("--data")
            .arg(&self.data)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_remove("DASHPOINT_DATA")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(serving.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        work();
        let told = Command::new("kill").arg(serving.id().to_string()).status();
        assert!(told.unwrap().success());
        assert!(serving.wait().unwrap().success());
    }

    pub fn members(&self) -> usize {
        let listed: serde_json::Value =
            serde_json::from_str(&self.done(&["--json", "member", "list"])).unwrap();
        listed.as_array().unwrap().len()
    }
}

#[test]
fn a_backup_is_put_back_and_begins_a_new_life() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Operated::new(folder.path());
    let backup = folder.path().join("backup.db");
    let backup = backup.to_str().unwrap();
    cloud.done(&["member", "add", "--name", "Li"]);
    cloud.while_serving(|| {
        cloud.done(&["backup", backup]);
        cloud.refused(&["backup", backup], 2, "is there already");
        cloud.refused(&["restore", backup], 1, "another program serves from");
    });
    cloud.done(&["member", "add", "--name", "Han"]);
    assert_eq!(cloud.members(), 2);

    for life in 2..=3 {
        let said = cloud.done(&["restore", backup]);
        assert!(
            said.starts_with(&format!("restored: life {life} ")),
            "{said}"
        );
        assert_eq!(cloud.members(), 1);
        let aside = cloud.data.join(format!("cloud.db.before-life-{life}"));
        assert!(aside.exists());
        assert!(!said.contains("days old"), "{said}");
    }
    let aged = rusqlite::Connection::open(backup).unwrap();
    aged.execute("UPDATE cloud SET known = known - ?1", [110 * DAY])
        .unwrap();
    drop(aged);
    let said = cloud.done(&["restore", backup]);
    assert!(said.contains("the backup is 110 days old: "), "{said}");
    // It is served again.
    cloud.while_serving(|| ());
}

#[test]
fn a_backup_that_is_not_sound_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Operated::new(folder.path());
    let backup = folder.path().join("backup.db");
    let name = backup.to_str().unwrap();
    cloud.done(&["member", "add", "--name", "Li"]);
    cloud.done(&["backup", name]);
    cloud.done(&["member", "add", "--name", "Han"]);

    let whole = std::fs::read(&backup).unwrap();
    std::fs::write(&backup, &whole[..whole.len() / 2]).unwrap();
    let output = cloud.run(&["restore", name]);
    assert!(!output.status.success());
    std::fs::write(&backup, b"").unwrap();
    cloud.refused(&["restore", name], 2, "backup.db is not a database");
    std::fs::write(&backup, vec![7; 8_192]).unwrap();
    cloud.refused(&["restore", name], 2, "backup.db is not a database");
    let missing = folder.path().join("none.db");
    cloud.refused(
        &["restore", missing.to_str().unwrap()],
        2,
        "none.db does not exist",
    );

    // A backup of another cloud, whose signatures no car of this one would take.
    let other = tempfile::tempdir().unwrap();
    let other = Operated::new(other.path());
    let foreign = folder.path().join("foreign.db");
    other.done(&["backup", foreign.to_str().unwrap()]);
    assert!(
        !cloud
            .run(&["restore", foreign.to_str().unwrap()])
            .status
            .success()
    );

    // A backup at a place that a restore writes over.
    for taken in ["cloud.db.restoring", "cloud.db.restoring-wal"] {
        let taken = cloud.data.join(taken);
        std::fs::write(&taken, &whole).unwrap();
        let name = taken.to_str().unwrap();
        cloud.refused(&["restore", name], 2, "give the backup another name");
        assert!(std::fs::read(&taken).unwrap() == whole);
        std::fs::remove_file(&taken).unwrap();
    }

    assert_eq!(cloud.members(), 2);
    assert!(!cloud.data.join("cloud.db.before-life-2").exists());
    cloud.while_serving(|| ());
}
