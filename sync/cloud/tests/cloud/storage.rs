//! What one device can have stored: a measure a day, and nothing is lost beyond it.

use dashpoint_cloud::{CloudError, PostOutcome};
use dashpoint_membership::*;
use dashpoint_wire::message::EpochRequest;
use dashpoint_wire::{Signed, WireError};

use crate::support::*;

fn batch(car: &mut Car, count: usize, now: ServerTime) -> Vec<Signed<Entry>> {
    (0..count).map(|_| car.mint(CHECK_IN, now)).collect()
}

fn refused(world: &mut World, car: &Car, entries: &[Signed<Entry>]) -> i64 {
    let posted = world
        .core
        .post_entries(car.device, &car.request(entries), world.now);
    match posted {
        Err(CloudError::TooMuch { device, wait_s }) if device == car.device => wait_s,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_device_that_floods_waits_and_another_does_not() {
    let mut world = World::new();
    world.core.allow_entries_a_day(150);
    let member = world.member(1);
    let (mut car, mut other) = (world.car(2, 3, member), world.car(4, 5, member));
    let now = world.now;
    let first = batch(&mut car, 100, now);
    world.settled(&mut car, &first);
    let head = world.head(&car);
    let second = batch(&mut car, 100, now);
    let wait_s = refused(&mut world, &car, &second);
    assert_eq!(world.head(&car), head, "nothing of it is recorded");
    // What the cloud has costs nothing to say again, and somebody else has a measure of his own.
    assert!(matches!(world.post(&car, &first), PostOutcome::Settled(_)));
    let others = batch(&mut other, 100, now);
    world.settled(&mut other, &others);
    world.pass(wait_s);
    let settled = world.settled(&mut car, &second);
    assert!(settled.verdicts.iter().all(|verdict| !verdict.duplicate));
}

#[test]
fn a_car_that_was_away_for_months_passes_at_once() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut entries = Vec::new();
    for day in 0..60 {
        for trip_of_day in 0..10 {
            let from = 1_000_000 * day + 10_000 * trip_of_day;
            // What the car expects of each is another test's matter, and takes long to fold.
            car.own.clear();
            entries.push(car.mint(drove(trip(from, 9_000)), world.now));
        }
        world.pass(DAY);
        // The cloud is at work meanwhile.
        world.core.maintain(world.now).unwrap();
    }
    for some in entries.chunks(100) {
        let posted = world.post(&car, some);
        assert!(matches!(posted, PostOutcome::Settled(_)), "{posted:?}");
    }
    assert_eq!(world.head(&car).seq, Seq::new(600));
}

#[test]
fn epochs_have_a_measure() {
    let mut world = World::new();
    let member = world.member(1);
    let car = world.car(2, 3, member);
    let open = |world: &mut World, number: u64| {
        let mut head = car.point();
        head.seq = Seq::new(number);
        let request = EpochRequest {
            head,
            last_receipt: None,
        };
        world.core.open_epoch(car.device, &request, world.now)
    };
    for number in 1..=200 {
        open(&mut world, number).unwrap();
    }
    let refused = open(&mut world, 201);
    assert!(
        matches!(refused, Err(CloudError::TooMuch { .. })),
        "{refused:?}"
    );
    open(&mut world, 200).expect("the same request gets the same grant");
    world.pass(DAY / 200);
    open(&mut world, 201).unwrap();
}

#[test]
fn the_first_branches_are_kept_and_the_rest_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut world = World::on_disk(&file);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let before = car.clone();
    world.pass(137);
    let first = batch(&mut car, 80, world.now);
    world.settled(&mut car, &first);
    for branch in 1..=8 {
        let mut clone = before.clone();
        let entries: Vec<_> = (0..80)
            .map(|place| clone.mint(charged(charge(place * 100_000, 1_000 + branch)), world.now))
            .collect();
        // Said twice, it is one.
        world.diverged(&clone, &entries);
        world.diverged(&clone, &entries);
    }
    let db = rusqlite::Connection::open(&file).unwrap();
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT count(*) FROM forks"), 256);
    assert_eq!(
        number("SELECT max(seen % 300) FROM forks"),
        0,
        "to five minutes"
    );
    assert_eq!(
        number("SELECT max(n) FROM (SELECT count(*) AS n FROM forks GROUP BY seq)"),
        4
    );
    let left_out = number("SELECT level FROM intake WHERE kind = 'branches-left-out'");
    assert!(left_out >= 8 * 80 - 256, "{left_out}");
}

#[test]
fn an_entry_that_names_a_rule_twice_is_not_one() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut twice = car.clone().mint(CHECK_IN, world.now).into_parts().1;
    if let EntryBody::Fresh(Transaction::Member { awards, .. }) = &mut twice.body {
        awards.push(awards[0].clone());
    }
    let signed = Signed::sign(twice, &car.key, &car.device);
    assert!(matches!(signed, Err(WireError::Unsound(_))), "{signed:?}");
    let once = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[once]);
}

/// As much as a busy car brings after 92 days offline is held back at a time, in a statement that a car can read; what is beyond
/// it, also what is in doubt, is never rejected for it.
#[test]
fn what_is_held_back_of_one_member_is_bounded_and_waits_in_the_car() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut world = World::on_disk(&file);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut account = world.statement(member).account;
    let far = world.now.plus_s(400 * DAY);
    account.pending = (1..=4_999)
        .map(|seq| Pending {
            entry: EntryRef {
                device: car.device,
                epoch: Epoch::new(1_000),
                seq: Seq::new(100_000 + seq),
            },
            paid: Paid {
                points: Points::new(40),
                growth: Growth::new(1_000),
            },
            reason: ReviewReason::OverAllowance,
            until: far,
            expires: far.plus_s(i64::try_from(seq).unwrap()),
        })
        .collect();
    account.lots = (1..=1_000)
        .map(|lot| Lot {
            id: LotId::new(lot),
            points: Points::new(2_000),
            remaining: Points::new(1_000),
            expires: far.plus_s(DAY * i64::try_from(lot).unwrap()),
        })
        .collect();
    account.version = LotId::new(100_000);
    account.check().unwrap();
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute(
            "UPDATE members SET account = ?1, version = 100000",
            [serde_json::to_string(&account).unwrap()],
        )
        .unwrap();
    let signed = world
        .core
        .statement(member, LedgerVersion::new(0), world.now);
    let bytes = signed.unwrap().raw().len();
    assert!(bytes < 512 * 1_024, "{bytes}");

    // Beyond the allowance, and in doubt.
    car.statement = world.statement(member);
    let days = car.policies.newest().policy().allowance.hard.days;
    world.leap_to(world.now.plus_s(i64::from(days + 1) * DAY));
    let last = car.mint(charged(charge(0, 10_000)), world.now);
    let PostOutcome::Settled(answer) = world.post(&car, &[last]) else {
        panic!("not settled");
    };
    let verdict = &answer.verdicts[0].verdict;
    assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
    let mut here = car.clone();
    let beyond = car.mint(charged(charge(10_000, 10_000)), world.now);
    refused(&mut world, &car, &[beyond]);
    here.receipt_at = world.now;
    here.statement = world.statement(member);
    here.own.clear();
    let mut doubtful = here.clone();
    let too_fast = doubtful.mint(drove(trip(5_000_000, 150_000)), world.now);
    refused(&mut world, &doubtful, &[too_fast]);
    // Nothing else waits for it.
    let contact = here.mint(CHECK_IN, world.now);
    assert_eq!(paid(&world.verdict(&mut here, &contact)), 1);
}
