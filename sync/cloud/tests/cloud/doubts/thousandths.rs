//! Trips that are worth less than a point each: what is in doubt, what came second and what is freed keeps its thousandths.

use dashpoint_cloud::CloudError;
use dashpoint_membership::*;
use rusqlite::Connection;

use super::*;

const TRIPS: u64 = 30;

/// The places of trips that wait for an operator, in their order.
fn held(world: &World) -> Vec<EntryRef> {
    let mut held: Vec<_> = world.core.held_lines().unwrap();
    held.sort_by_key(|line| line.entry);
    held.into_iter().map(|line| line.entry).collect()
}

/// Short trips of an afternoon without a network, one after the other, sent together; gives their verdicts.
fn short_trips(world: &mut World, car: &mut Car, from_m: u64) -> Vec<Verdict> {
    let mut entries = Vec::new();
    for number in 0..TRIPS {
        world.pass(600);
        let trip = drive(world, from_m + 1_200 * number, 1_200, 180);
        entries.push(car.mint(drove(trip), world.now));
    }
    let answer = world.settled(car, &entries);
    answer
        .verdicts
        .into_iter()
        .map(|answered| answered.verdict)
        .collect()
}

/// The car hears from the cloud, a while later.
fn contact(world: &mut World, car: &mut Car) {
    world.pass(HOUR);
    let contact = car.mint(CHECK_IN, world.now);
    world.settled(car, &[contact]);
}

/// A world in which a stranger's head unit was let in, and has claimed metres from `from_m` on.
fn world_with_thief(from_m: u64) -> (World, Car, Car) {
    let (mut world, mut car) = world();
    let thief_member = world.member(9);
    let mut thief = world.car(8, 3, thief_member);
    world.pass(6 * HOUR);
    let stolen = drive(&world, from_m, 200_000, 7_200);
    assert!(paid(&send(&mut world, &mut thief, drove(stolen))) > 0);
    contact(&mut world, &mut car);
    (world, car, thief)
}

/// Points and thousandths of the same trips in a world without a stranger.
fn undisturbed() -> (i64, Account) {
    let (mut world, mut car) = world();
    world.pass(6 * HOUR);
    contact(&mut world, &mut car);
    let before = world.balance(car.member);
    let verdicts = short_trips(&mut world, &mut car, 5_000_000);
    assert!(
        verdicts.iter().all(|verdict| !is_in_doubt(verdict)),
        "{verdicts:?}"
    );
    let account = world.statement(car.member).account;
    (account.balance().get() - before, account)
}

#[test]
fn what_is_in_doubt_waits_with_its_thousandths_and_is_paid_with_them() {
    let (points, expected) = undisturbed();
    assert!(points >= 10, "{points}");
    for is_backwards in [false, true] {
        let (mut world, mut car, _thief) = world_with_thief(5_500_000);
        let before = world.statement(car.member).account;
        let verdicts = short_trips(&mut world, &mut car, 5_000_000);
        assert!(verdicts.iter().all(is_in_doubt), "{verdicts:?}");
        // What the member saw in the car is what waits.
        let shown: i64 = verdicts.iter().map(paid).sum();
        assert_eq!(shown, points);
        let waiting = world.statement(car.member).account;
        assert_eq!(waiting.held_back().points.get(), points);
        assert_eq!(
            (&waiting.used, &waiting.remainders),
            (&before.used, &before.remainders)
        );
        let mut entries = held(&world);
        assert_eq!(entries.len(), verdicts.len());
        if is_backwards {
            entries.reverse();
        }
        for entry in entries {
            world
                .core
                .accept_held(entry, "the car's own", world.now)
                .unwrap();
        }
        let after = world.statement(car.member).account;
        after.check().unwrap();
        assert_eq!(after.balance(), before.balance().plus(Points::new(points)));
        assert_eq!(after.remainders, expected.remainders);
        assert_eq!(after.held_back(), Paid::NOTHING);
    }
}

#[test]
fn what_is_refused_leaves_no_trace_in_caps_and_thousandths() {
    let (mut world, mut car, _thief) = world_with_thief(5_500_000);
    let before = world.statement(car.member).account;
    short_trips(&mut world, &mut car, 5_000_000);
    // Worth the whole cap of the day.
    let far = drive(&world, 5_100_000, 200_000, 7_200);
    let verdict = send(&mut world, &mut car, drove(far));
    assert!(is_in_doubt(&verdict) && paid(&verdict) > 0, "{verdict:?}");
    for entry in held(&world) {
        world
            .core
            .refuse_held(entry, "a forgery", world.now)
            .unwrap();
    }
    let after = world.statement(car.member).account;
    assert_eq!(
        (after.balance(), &after.used, &after.remainders),
        (before.balance(), &before.used, &before.remainders)
    );
}

#[test]
fn trips_that_came_second_are_paid_with_their_thousandths_once_their_metres_are_free() {
    let (points, expected) = undisturbed();
    let (mut world, mut car, thief) = world_with_thief(5_000_000);
    let before = world.balance(car.member);
    let verdicts = short_trips(&mut world, &mut car, 5_000_000);
    for verdict in &verdicts {
        assert_eq!(*verdict, rejected(Rejection::AlreadyPaid));
    }
    let done = world
        .core
        .revoke_fraud(thief.device, "a copied VIN", world.now)
        .unwrap();
    assert_eq!(done.freed.late.paid.len(), verdicts.len());
    let late: i64 = done
        .freed
        .late
        .paid
        .iter()
        .map(|late| late.points.get())
        .sum();
    let after = world.statement(car.member).account;
    assert_eq!((late, after.balance().get()), (points, before + points));
    assert_eq!(after.remainders, expected.remainders);
}

/// Its thousandths are in the member's next point: the same metres would be paid a second time.
#[test]
fn a_stretch_that_was_paid_thousandths_stays_held_when_its_head_unit_is_replaced() {
    let (mut world, mut car) = world();
    let trip = drive(&world, 5_000_000, 1_200, 180);
    let verdict = send(&mut world, &mut car, drove(trip));
    assert_eq!(paid(&verdict), 0);
    assert!(!world.statement(car.member).account.remainders.is_empty());
    let done = world.core.revoke_device(car.device, world.now).unwrap();
    assert_eq!(done.freed.entries, []);
}

/// A program before schema 4 took caps and thousandths when it held an entry back.
#[test]
fn what_an_older_cloud_held_back_is_paid_as_it_was_held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.db");
    let mut world = World::on_disk(&path);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.pass(3 * DAY);
    let trip = drive(&world, 5_000_000, 66_000, 600);
    let verdict = send(&mut world, &mut car, drove(trip));
    assert!(is_in_doubt(&verdict) && paid(&verdict) > 0, "{verdict:?}");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("DROP TRIGGER reviews_stay; UPDATE reviews SET took_room = 1;")
        .unwrap();
    let before = world.statement(member).account;
    let [entry] = held(&world)[..] else {
        panic!("one waits")
    };
    let ruling = world
        .core
        .accept_held(entry, "on a race track", world.now)
        .unwrap();
    assert_eq!(ruling.points.get(), paid(&verdict));
    let after = world.statement(member).account;
    assert_eq!(after.balance().get(), paid(&verdict));
    assert_eq!(
        (&after.used, &after.remainders),
        (&before.used, &before.remainders)
    );
    assert!(matches!(
        world.core.accept_held(entry, "again", world.now),
        Err(CloudError::NotHeld(_) | CloudError::MeterTaken(_))
    ));
}

/// Half a point of an honest trip and half of another make one: whichever is taken back, the other keeps its half.
#[test]
fn what_is_taken_back_are_an_entry_s_own_thousandths() {
    let (mut world, mut car) = world();
    let vehicle = VehicleId::from_bytes([3; 16]);
    let before = world.statement(car.member).account;
    let mut verdicts = Vec::new();
    for number in 0..TRIPS {
        world.pass(600);
        let trip = drive(&world, 5_000_000 + 1_200 * number, 1_200, 180);
        verdicts.push(send(&mut world, &mut car, drove(trip)));
    }
    let all = world.statement(car.member).account;
    let entries: Vec<EntryRef> = world
        .core
        .stretches(vehicle)
        .unwrap()
        .into_iter()
        .map(|held| held.entry)
        .collect();
    assert_eq!(entries.len(), verdicts.len());
    // Those that completed a whole point, as if each of them had been worth one.
    let whole: i64 = verdicts.iter().map(paid).sum();
    let mut taken = 0;
    for (entry, verdict) in entries.iter().zip(&verdicts) {
        if paid(verdict) > 0 {
            let one = dashpoint_cloud::Selected::Entry(*entry);
            world
                .core
                .free_stretches(vehicle, one, false, "mistaken", world.now)
                .unwrap();
            taken += 1;
        }
    }
    assert_eq!((taken, whole), (whole, whole));
    let (left, after) = (TRIPS as i64 - taken, world.statement(car.member).account);
    after.check().unwrap();
    let each = thousandths(&all, &before) / TRIPS as i64;
    assert_eq!(thousandths(&after, &before), left * each);
    let used = |account: &Account| {
        let periods = account.used[&CapId::new("trip-day").unwrap()].values();
        periods.map(|used| used.get()).sum::<i64>()
    };
    assert_eq!(used(&after), left * each);
    // And the rest: the account is as it was.
    for entry in entries {
        let one = dashpoint_cloud::Selected::Entry(entry);
        let _already_free = world
            .core
            .free_stretches(vehicle, one, false, "mistaken", world.now);
    }
    let none = world.statement(car.member).account;
    assert_eq!(
        (none.balance(), &none.used, &none.remainders),
        (before.balance(), &before.used, &before.remainders)
    );
    assert_eq!((none.growth, none.arrears), (before.growth, before.arrears));
}

/// Points that an account has more than another, in thousandths.
fn thousandths(account: &Account, before: &Account) -> i64 {
    let of = |account: &Account| {
        let carried = account.remainders.values();
        account.balance().get() * 1_000 + carried.map(|left| left.points.get()).sum::<i64>()
    };
    of(account) - of(before)
}
