//! Duplicates, gaps, branches, epochs and carries.

use dashpoint_cloud::CloudError;
use dashpoint_membership::*;
use dashpoint_wire::{Raw, Signed};

use crate::support::*;

#[test]
fn the_same_batch_again_has_the_same_verdicts_and_no_effect() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut entries = vec![
        car.mint(drove(trip(1_000, 12_000)), world.now),
        car.mint(CHECK_IN, world.now),
    ];
    let first = world.settled(&mut car, &entries);
    let version = world.statement(member).account.version;
    world.pass(60);
    entries.push(car.mint(CHECK_IN, world.now));
    let again = world.settled(&mut car, &entries);
    assert_eq!(again.statements.len(), 1, "a repeated answer is whole");
    for (before, after) in first.verdicts.iter().zip(&again.verdicts) {
        assert!(!before.duplicate && after.duplicate);
        assert_eq!(before.verdict, after.verdict);
    }
    assert!(!again.verdicts[2].duplicate);
    let third = world.statement(member);
    assert_eq!(third.account.version, version.next(), "one new settlement");
    let last = world.settled(&mut car, &entries);
    assert!(last.verdicts.iter().all(|said| said.duplicate));
    assert_eq!(world.statement(member).account, third.account);
}

#[test]
fn no_entries_ask_for_a_fresh_receipt() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.pass(DAY);
    let response = world.settled(&mut car, &[]);
    assert!(response.verdicts.is_empty() && response.statements.is_empty());
    assert_eq!(car.receipt_at, world.now);
}

#[test]
fn a_gap_and_a_wrong_prev_name_the_head() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let grant = world.head(&car);
    let first = car.mint(CHECK_IN, world.now);
    let second = car.mint(CHECK_IN, world.now);
    assert_eq!(world.diverged(&car, std::slice::from_ref(&second)), grant);
    world.settled(&mut car, &[first.clone(), second]);
    let head = world.head(&car);
    assert_eq!(head.seq, Seq::new(2));
    let wrong = car
        .clone()
        .forged(CHECK_IN, world.now, |entry| entry.prev = first.hash());
    assert_eq!(world.diverged(&car, &[wrong]), head);
    let mut ahead = car.clone();
    ahead.epoch = Epoch::new(2);
    let entry = ahead.mint(CHECK_IN, world.now);
    assert_eq!(world.diverged(&ahead, &[entry]), head);
    assert_eq!(world.head(&car), head);
    assert!(world.core.device_lines().unwrap()[0].forked.is_none());
}

#[test]
fn two_entries_for_one_place_are_kept_as_evidence_of_a_fork() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut clone = car.clone();
    let mine = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[mine]);
    let other = clone.mint(drove(trip(1_000, 2_000)), world.now);
    let head = world.head(&car);
    for _ in 0..2 {
        assert_eq!(world.diverged(&clone, std::slice::from_ref(&other)), head);
    }
    let line = &world.core.device_lines().unwrap()[0];
    assert_eq!((line.forked, line.branches), (Some(world.now), 1));
    // It goes on earning.
    let next = car.mint(drove(trip(1_000, 2_000)), world.now);
    assert!(matches!(
        world.verdict(&mut car, &next),
        Verdict::Accepted { .. }
    ));
}

#[test]
fn a_restored_disk_gets_its_entries_back_and_carries_on_in_a_new_epoch() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let backup = car.clone();
    let lost = [
        car.mint(drove(trip(1_000, 2_000)), world.now),
        car.mint(CHECK_IN, world.now),
    ];
    world.settled(&mut car, &lost);

    let mut restored = backup;
    let drive = restored.mint(drove(trip(3_000, 9_000)), world.now);
    let check_in = restored.mint(CHECK_IN, world.now);
    world.diverged(&restored, &[drive.clone(), check_in]);
    let page = world
        .core
        .entries_from(restored.device, Epoch::new(1), Seq::new(1))
        .unwrap();
    assert!(!page.more);
    assert_eq!(page.entries, lost.each_ref().map(Signed::to_raw));

    let grant = world.open_epoch(&mut restored);
    assert_eq!(world.open_epoch(&mut restored), grant, "once per request");
    let grant = grant.verify(&world.cloud_key, &restored.device).unwrap();
    assert_eq!(grant.body().epoch, Epoch::new(2));
    assert_eq!(
        grant.body().follows.map(|point| point.hash),
        Some(lost[1].hash())
    );
    restored.enter(&grant);
    restored.statement = world.statement(member);
    let carried = restored.carry(&drive);
    let verdict = world.verdict(&mut restored, &carried);
    assert!(paid(&verdict) > 0, "{verdict:?}");
    assert_eq!(world.head(&restored).epoch, Epoch::new(2));

    // The same original once more, and one that the log has as it was.
    for original in [&drive, &lost[0]] {
        let again = restored.carry(original);
        assert_eq!(
            world.verdict(&mut restored, &again),
            rejected(Rejection::AlreadyRecorded)
        );
    }
    // The old epoch is over: what comes in it names the new head.
    let head = world.head(&restored);
    let late = car.mint(CHECK_IN, world.now);
    assert_eq!(world.diverged(&car, &[late]), head);
}

#[test]
fn a_disk_restored_twice_from_one_backup_gets_an_epoch_each_time() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let backup = car.clone();
    let lost = car.mint(drove(trip(1_000, 2_000)), world.now);
    world.settled(&mut car, &[lost]);
    for epoch in [2, 3] {
        let mut restored = backup.clone();
        let grant = world.open_epoch(&mut restored);
        let grant = grant.verify(&world.cloud_key, &restored.device).unwrap();
        assert_eq!(grant.body().epoch, Epoch::new(epoch));
        restored.enter(&grant);
        restored.statement = world.statement(member);
        let next = restored.mint(CHECK_IN, world.now);
        world.settled(&mut restored, &[next]);
    }
}

#[test]
fn own_entries_come_in_pages() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    for _ in 0..2 {
        let entries: Vec<_> = (0..60).map(|_| car.mint(CHECK_IN, world.now)).collect();
        world.settled(&mut car, &entries);
    }
    let first = world
        .core
        .entries_from(car.device, Epoch::new(1), Seq::new(0))
        .unwrap();
    assert_eq!((first.entries.len(), first.more), (100, true));
    let rest = world
        .core
        .entries_from(car.device, Epoch::new(1), Seq::new(101))
        .unwrap();
    assert_eq!((rest.entries.len(), rest.more), (20, false));
    let verify = |raw: &Raw<Entry>| raw.clone().verify(&car.key.public(), &car.device).is_ok();
    assert!(first.entries.iter().chain(&rest.entries).all(verify));
}

#[test]
fn an_unknown_device_has_no_chain() {
    let mut world = World::new();
    let member = world.member(1);
    let car = world.car(2, 3, member);
    let nobody = DeviceId::from_bytes([99; 16]);
    let posted = world
        .core
        .post_entries(nobody, &car.request(&[]), world.now);
    assert!(matches!(posted, Err(CloudError::NoDevice(_))));
}
