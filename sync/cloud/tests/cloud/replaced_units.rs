//! Head units that were replaced after a backup: what they earned comes through a restore, although they send nothing again.

use std::path::PathBuf;

use dashpoint_cloud::cli::main;
use dashpoint_cloud::{
    BroughtOver, CloudError, PostOutcome, RestoredBackup, Selected, StaysBehind, restore,
};
use dashpoint_membership::*;
use tempfile::TempDir;

use crate::backed::show;
use crate::restored_scene::open;
use crate::support::*;

/// A cloud in a data folder, and its backups.
pub struct Home {
    pub folder: TempDir,
    pub world: World,
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("cloud");
        let init = ["dashpoint-cloud", "--data", data.to_str().unwrap(), "init"];
        main(init.map(Into::into), &mut Vec::new(), &mut Vec::new());
        // The key alone: the cloud begins at the time of the test.
        std::fs::remove_file(data.join("cloud.db")).unwrap();
        let world = open(&data, at(NOON));
        Self { folder, world }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("cloud")
    }

    pub fn database(&self) -> PathBuf {
        self.data().join("cloud.db")
    }

    pub fn back_up(&self, name: &str) {
        let file = self.folder.path().join(name);
        self.world.core.back_up(&file).unwrap();
    }

    /// Ends the program that serves.
    pub fn stop(&mut self) {
        drop(std::mem::replace(&mut self.world.core, World::new().core));
    }

    pub fn restore(&mut self, name: &str) -> RestoredBackup {
        let now = self.world.now;
        self.stop();
        let done = restore(&self.data(), &self.folder.path().join(name), now).unwrap();
        self.world = open(&self.data(), now);
        done
    }

    /// Puts a backup back, which takes something of one head unit over.
    pub fn brought_over(&mut self, name: &str) -> BroughtOver {
        let over = self.restore(name).brought_over.unwrap();
        assert_eq!(over.len(), 1, "{over:?}");
        over.into_iter().next().unwrap()
    }

    pub fn revoke(&mut self, car: &Car) {
        let now = self.world.now;
        self.world.core.revoke_device(car.device, now).unwrap();
    }

    /// Takes its stretch, and its points, from the first entry of a car of vehicle 3.
    pub fn free_first(&mut self, car: &Car) {
        let first = EntryRef {
            device: car.device,
            epoch: Epoch::new(1),
            seq: Seq::new(1),
        };
        let (vehicle, now) = (VehicleId::from_bytes([3; 16]), self.world.now);
        let core = &mut self.world.core;
        core.free_stretches(vehicle, Selected::Entry(first), false, "a mistake", now)
            .unwrap();
    }

    /// Ends the program that serves, and does something to its database.
    pub fn tamper(&mut self, statements: &str) {
        self.stop();
        let db = rusqlite::Connection::open(self.database()).unwrap();
        db.execute_batch(statements).unwrap();
    }
}

pub fn earn_trip(world: &mut World, car: &mut Car, from_m: u64) -> i64 {
    let entry = car.mint(drove(trip(from_m, 12_000)), world.now);
    paid(&world.verdict(car, &entry))
}

pub fn is_out(world: &World, car: &Car) -> bool {
    let shown = world.core.proven_key(car.device, &car.proof, world.now);
    matches!(shown, Err(CloudError::NoDevice(_)))
}

#[test]
fn what_a_replaced_head_unit_earned_after_the_backup_comes_through_each_restore() {
    for is_known in [true, false] {
        let mut home = Home::new();
        let member = home.world.member(1);
        if !is_known {
            home.back_up("b.db");
        }
        let mut old = home.world.car(2, 3, member);
        if is_known {
            earn_trip(&mut home.world, &mut old, 0);
            home.back_up("b.db");
        }
        home.world.pass(HOUR);
        let before_it = home.world.balance(member);
        earn_trip(&mut home.world, &mut old, 12_000);
        let check_in = old.mint(CHECK_IN, home.world.now);
        home.world.verdict(&mut old, &check_in);
        let earned = home.world.balance(member) - before_it;
        assert!(earned > 0);
        home.world
            .core
            .revoke_device(old.device, home.world.now)
            .unwrap();
        let mut new = home.world.car(4, 3, member);
        let late = new.mint(drove(trip(24_000, 12_000)), home.world.now);
        home.world.verdict(&mut new, &late);
        let balance = home.world.balance(member);
        for _ in 0..2 {
            let done = home.restore("b.db");
            let over = &done.brought_over.unwrap()[..];
            let [over] = over else { panic!("{over:?}") };
            assert_eq!((over.device, over.entries), (old.device, 2));
            assert_eq!(over.worth.points.get(), earned);
            assert_eq!(over.worth_before.points.get(), earned);
            assert_eq!((&over.left_out[..], &over.because), (&[][..], &None));
            assert_eq!(done.kept_out, []);
            // Its revocation stands: only the new head unit is to come back.
            let undone = done.undone.unwrap();
            assert!(
                !undone
                    .iter()
                    .any(|one| one.of.starts_with(&old.device.to_string()))
            );
            assert!(is_out(&home.world, &old));
            show(&mut home.world, &new).unwrap();
            home.world.post(&new, std::slice::from_ref(&late));
            assert_eq!(home.world.balance(member), balance, "known: {is_known}");
        }
        // Its metres are paid.
        let mut other = home.world.car(5, 3, member);
        let again = other.mint(drove(trip(12_000, 12_000)), home.world.now);
        let verdict = home.world.verdict(&mut other, &again);
        assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
    }
}

/// Two units record the same trip, and the other was first: that it comes over before the other sends again must not matter.
#[test]
fn who_came_second_to_a_meter_comes_second_after_a_restore() {
    let mut home = Home::new();
    let [winner, loser] = [1, 2].map(|number| home.world.member(number));
    let mut first = home.world.car(2, 3, winner);
    let mut second = home.world.car(4, 3, loser);
    home.back_up("b.db");
    let same = drove(trip(0, 12_000));
    let won = first.mint(same.clone(), home.world.now);
    let earned = paid(&home.world.verdict(&mut first, &won));
    assert!(earned > 0);
    let lost = second.mint(same, home.world.now);
    assert_eq!(
        home.world.verdict(&mut second, &lost),
        rejected(Rejection::AlreadyPaid)
    );
    home.world
        .core
        .revoke_device(second.device, home.world.now)
        .unwrap();
    let over = home.brought_over("b.db");
    assert_eq!((over.entries, over.worth.points.get()), (1, 0));
    let PostOutcome::Settled(_) = home.world.post(&first, &[won]) else {
        panic!("the first unit's chain is not known");
    };
    let balances = [winner, loser].map(|member| home.world.balance(member));
    assert_eq!(balances, [earned, 0]);
}

#[test]
fn what_was_paid_late_before_a_restore_is_paid_after_it() {
    let mut home = Home::new();
    let [copy, honest] = [1, 2].map(|number| home.world.member(number));
    let mut first = home.world.car(2, 3, copy);
    let mut second = home.world.car(4, 3, honest);
    home.back_up("b.db");
    for car in [&mut first, &mut second] {
        let entry = car.mint(drove(trip(0, 12_000)), home.world.now);
        home.world.verdict(car, &entry);
    }
    let now = home.world.now;
    let core = &mut home.world.core;
    core.revoke_fraud(first.device, "a copy", now).unwrap();
    core.revoke_device(second.device, now).unwrap();
    let earned = home.world.balance(honest);
    assert!(earned > 0);
    let over = home.brought_over("b.db");
    assert_eq!(over.device, second.device);
    assert_eq!(home.world.balance(honest), earned);
}

#[test]
fn a_replaced_head_unit_of_several_epochs_and_a_newer_policy_comes_through() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut old = home.world.car(2, 3, member);
    earn_trip(&mut home.world, &mut old, 0);
    home.back_up("b.db");
    let mut next = home.world.core.policy(None, home.world.now).unwrap();
    next.version = PolicyVersion::new(2);
    home.world.core.sign_policy(next, home.world.now).unwrap();
    earn_trip(&mut home.world, &mut old, 12_000);
    for from_m in [24_000, 36_000] {
        let grant = home.world.open_epoch(&mut old);
        old.enter(&grant.verify(&home.world.cloud_key, &old.device).unwrap());
        let under_2 = old.forged(drove(trip(from_m, 12_000)), home.world.now, |entry| {
            entry.policy = PolicyVersion::new(2);
        });
        assert!(paid(&home.world.verdict(&mut old, &under_2)) > 0);
    }
    home.world
        .core
        .revoke_device(old.device, home.world.now)
        .unwrap();
    let (balance, head) = (home.world.balance(member), home.world.head(&old));
    let over = home.brought_over("b.db");
    assert_eq!((over.entries, over.because), (3, None));
    assert_eq!(home.world.balance(member), balance);
    assert_eq!(home.world.head(&old), head);
    // With all of it there, nothing comes twice.
    home.back_up("c.db");
    assert_eq!(home.restore("c.db").brought_over, Some(Vec::new()));
    assert_eq!(home.world.balance(member), balance);
}

#[test]
fn a_fraud_brings_nothing_over() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let [mut known, plain] = [2, 4].map(|number| home.world.car(number, 3, member));
    home.back_up("b.db");
    let mut late = home.world.car(6, 7, member);
    earn_trip(&mut home.world, &mut known, 0);
    earn_trip(&mut home.world, &mut late, 0);
    let now = home.world.now;
    for car in [&known, &late] {
        home.world
            .core
            .revoke_fraud(car.device, "a copy", now)
            .unwrap();
    }
    home.world.core.revoke_device(plain.device, now).unwrap();
    let over = home.brought_over("b.db");
    assert_eq!((over.device, over.entries), (plain.device, 0));
    assert_eq!(home.world.balance(member), 0);
    assert!(is_out(&home.world, &late) && is_out(&home.world, &plain));
}

#[test]
fn what_is_of_a_member_whom_the_backup_does_not_know_is_told_and_comes_once_he_is_back() {
    let mut home = Home::new();
    home.back_up("b.db");
    let late = home.world.member(1);
    let mut old = home.world.car(2, 3, late);
    let earned = earn_trip(&mut home.world, &mut old, 0);
    home.world
        .core
        .revoke_device(old.device, home.world.now)
        .unwrap();
    let done = home.restore("b.db");
    let over = &done.brought_over.as_ref().unwrap()[0];
    assert_eq!(
        (over.entries, &over.because),
        (0, &Some(StaysBehind::NoMember(late)))
    );
    let [left_out] = &over.left_out[..] else {
        panic!("{over:?}")
    };
    assert_eq!((left_out.member, left_out.entries), (Some(late), 1));
    assert_eq!(left_out.worth.points.get(), earned);
    assert!(is_out(&home.world, &old));
    // As `restore` says.
    home.world.member(1);
    home.back_up("c.db");
    home.stop();
    std::fs::rename(done.aside.unwrap(), home.database()).unwrap();
    let over = home.brought_over("c.db");
    assert_eq!((over.entries, over.because), (1, None));
    assert_eq!(home.world.balance(late), earned);
    assert!(is_out(&home.world, &old));
}

#[test]
fn an_entry_that_its_head_unit_did_not_sign_does_not_come_over_nor_does_what_follows_it() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut old = home.world.car(2, 3, member);
    home.back_up("b.db");
    let first = earn_trip(&mut home.world, &mut old, 0);
    earn_trip(&mut home.world, &mut old, 12_000);
    earn_trip(&mut home.world, &mut old, 24_000);
    home.world
        .core
        .revoke_device(old.device, home.world.now)
        .unwrap();
    home.tamper(
        "DROP TRIGGER entries_stay;
         UPDATE entries SET raw = zeroblob(200) WHERE seq = 2;",
    );
    let over = home.brought_over("b.db");
    assert_eq!(
        (over.entries, over.because),
        (1, Some(StaysBehind::NotItsChain))
    );
    assert_eq!(over.left_out[0].entries, 2);
    assert_eq!(home.world.balance(member), first);
}

#[test]
fn of_a_database_that_can_be_read_in_part_only_nothing_comes_over_and_that_is_said() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut old = home.world.car(2, 3, member);
    home.back_up("b.db");
    earn_trip(&mut home.world, &mut old, 0);
    home.world
        .core
        .revoke_device(old.device, home.world.now)
        .unwrap();
    home.stop();
    let db = rusqlite::Connection::open(home.database()).unwrap();
    let page = |pragma: &str| {
        db.query_row(pragma, [], |row| row.get::<_, u64>(0))
            .unwrap()
    };
    let root = page("SELECT rootpage FROM sqlite_schema WHERE name = 'entries_by_origin'");
    let size = page("PRAGMA page_size");
    drop(db);
    let mut bytes = std::fs::read(home.database()).unwrap();
    let [from, to] = [root - 1, root].map(|page| usize::try_from(page * size).unwrap());
    bytes[from..to].fill(0);
    std::fs::write(home.database(), bytes).unwrap();
    home.world = World::new();
    let done = restore(&home.data(), &home.folder.path().join("b.db"), at(NOON)).unwrap();
    assert_eq!(done.brought_over, None);
    home.world = open(&home.data(), at(NOON));
    assert_eq!(home.world.balance(member), 0);
}

/// Another document under a version that cars hold would give them other points than they showed.
#[test]
fn what_was_signed_for_all_cars_after_the_backup_stays_signed() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut car = home.world.car(2, 3, member);
    home.back_up("b.db");
    let (core, now) = (&mut home.world.core, home.world.now);
    let mut next = core.policy(None, now).unwrap();
    next.version = PolicyVersion::new(2);
    core.sign_policy(next.clone(), now).unwrap();
    let mut catalogue = core.catalogue(now).unwrap();
    catalogue.version = CatalogueVersion::new(2);
    core.sign_catalogue(catalogue.clone(), now).unwrap();
    let policy = core.policy_since(PolicyVersion::new(1), now).unwrap();
    let under_2 = car.forged(drove(trip(0, 12_000)), now, |entry| {
        entry.policy = PolicyVersion::new(2);
    });
    let verdict = home.world.verdict(&mut car.clone(), &under_2);
    let done = home.restore("b.db");
    assert_eq!(
        done.undone,
        Some(Vec::new()),
        "nothing is to be signed again"
    );
    let core = &mut home.world.core;
    assert_eq!(
        core.policy_since(PolicyVersion::new(1), now).unwrap(),
        policy
    );
    assert_eq!(core.catalogue(now).unwrap(), catalogue);
    // Of other rules than those that cars hold under that version.
    next.valid_until = next.valid_until.plus_s(DAY);
    for refused in [
        core.sign_policy(next, now),
        core.sign_catalogue(catalogue, now),
    ] {
        assert!(
            matches!(refused, Err(CloudError::VersionNotHigher { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(home.world.verdict(&mut car, &under_2), verdict);
}

#[test]
fn a_policy_that_this_cloud_did_not_sign_is_not_taken_over() {
    let mut home = Home::new();
    home.back_up("b.db");
    home.tamper("INSERT INTO policies SELECT 2, signed, zeroblob(200) FROM policies");
    let done = home.restore("b.db");
    let now = home.world.now;
    assert!(
        home.world
            .core
            .policy(Some(PolicyVersion::new(2)), now)
            .is_err()
    );
    assert_eq!(done.undone.unwrap().len(), 1);
}

/// Cars may hold what a life signed whose database is gone: no other life takes its number.
#[test]
fn each_restore_begins_a_life_of_its_own() {
    let mut home = Home::new();
    home.world.member(1);
    home.back_up("b.db");
    let mut names = Vec::new();
    for life in 2..5 {
        home.stop();
        let of_life_1 = std::fs::read(home.folder.path().join("b.db")).unwrap();
        std::fs::write(home.database(), of_life_1).unwrap();
        let done = home.restore("b.db");
        assert_eq!(done.server_epoch, ServerEpoch::new(life));
        let aside = done.aside.unwrap();
        assert!(aside.exists());
        names.push(aside.file_name().unwrap().to_str().unwrap().to_owned());
    }
    assert_eq!(
        names,
        [2, 3, 4].map(|life| format!("cloud.db.before-life-{life}"))
    );
    // Nothing is left of the present one.
    home.stop();
    std::fs::remove_file(home.database()).unwrap();
    let done = home.restore("b.db");
    assert_eq!((done.server_epoch, done.aside), (ServerEpoch::new(5), None));
    assert!(!home.data().join("cloud.db.restoring").exists());
}
