//! Stretches of a vehicle that a second or a replaced head unit claims.

use dashpoint_cloud::{FreedStretches, Revocation, Selected};
use dashpoint_membership::*;
use rusqlite::Connection;

use super::*;

#[test]
fn a_thief_s_metres_become_the_car_s_again() {
    let (mut world, mut car) = world();
    let thief_member = world.member(9);
    // Let in by mistake.
    let mut thief = world.car(8, 3, thief_member);
    world.pass(6 * HOUR);
    let stolen = drive(&world, 5_000_000, 200_000, 7_200);
    assert!(paid(&send(&mut world, &mut thief, drove(stolen))) > 0);
    let mut again = drive(&world, 5_200_000, 100_000, 3_600);
    again.started = CoarseTime::containing_unix_s(world.now.as_unix_s());
    let unpaid = send(&mut world, &mut thief, drove(again));
    let honest = drive(&world, 5_000_000, 40_000, 1_800);
    assert_eq!(
        send(&mut world, &mut car, drove(honest)),
        rejected(Rejection::AlreadyPaid)
    );
    let gained = world.balance(thief_member);
    assert!(gained > 0);
    let before = world.balance(car.member);
    let done = world
        .core
        .revoke_fraud(thief.device, "a copied VIN", world.now)
        .unwrap();
    assert_eq!(
        done.freed.taken_back[&thief_member],
        Points::new(gained),
        "{unpaid:?}"
    );
    assert_eq!(world.balance(thief_member), 0);
    world.statement(thief_member).account.check().unwrap();
    // What the car had signed for these metres, and was refused, is paid: once.
    let [late] = done.freed.late.paid.as_slice() else {
        panic!("one entry had come second: {:?}", done.freed.late);
    };
    assert_eq!(late.entry.device, car.device);
    assert!(late.points.get() > 0);
    let after = world.balance(car.member);
    assert_eq!(after, before + late.points.get());
    world.statement(car.member).account.check().unwrap();
    let same = drive(&world, 5_000_000, 40_000, 1_800);
    assert_eq!(
        send(&mut world, &mut car, drove(same)),
        rejected(Rejection::AlreadyPaid)
    );
    // The rest of what the thief had claimed is free for whoever drives it.
    let mut rest = drive(&world, 5_040_000, 20_000, 1_200);
    rest.started = CoarseTime::containing_unix_s(world.now.as_unix_s());
    assert!(paid(&send(&mut world, &mut car, drove(rest))) > 0);
    // A second time finds nothing more, takes nothing more and pays nothing more.
    let (thief_has, car_has) = (world.balance(thief_member), world.balance(car.member));
    let again = world
        .core
        .revoke_fraud(thief.device, "a copied VIN", world.now)
        .unwrap();
    assert_eq!(again.freed, FreedStretches::default());
    assert_eq!(world.balance(thief_member), thief_has);
    assert_eq!(world.balance(car.member), car_has);
    // The operator can take the late payment back like any other.
    let vehicle = VehicleId::from_bytes([3; 16]);
    let back = world.core.free_stretches(
        vehicle,
        Selected::Entry(late.entry),
        false,
        "mistaken",
        world.now,
    );
    assert_eq!(back.unwrap().taken_back[&car.member], late.points);
    assert_eq!(world.balance(car.member), car_has - late.points.get());
}

#[test]
fn an_entry_that_came_second_and_is_in_doubt_itself_stays_rejected() {
    let mut world = World::new();
    let owner = world.member(1);
    let other = world.member(9);
    let mut first = world.car(2, 3, owner);
    let mut second = world.car(8, 3, other);
    world.pass(6 * HOUR);
    let trip = drive(&world, 5_000_000, 40_000, 1_800);
    assert!(paid(&send(&mut world, &mut first, drove(trip))) > 0);
    // At 396 km/h.
    let impossible = drive(&world, 5_000_000, 66_000, 600);
    assert_eq!(
        send(&mut world, &mut second, drove(impossible)),
        rejected(Rejection::AlreadyPaid)
    );
    let done = world
        .core
        .revoke_fraud(first.device, "a copied VIN", world.now)
        .unwrap();
    assert!(done.freed.late.paid.is_empty());
    assert_eq!(done.freed.late.in_doubt.len(), 1);
    assert_eq!(world.balance(other), 0);
    // Only an operator's word pays it, once.
    let entry = done.freed.late.in_doubt[0];
    let ruling = world.core.accept_held(entry, "on a race track", world.now);
    let points = ruling.unwrap().points.get();
    assert!(points > 0);
    assert_eq!(world.balance(other), points);
    assert!(world.core.accept_held(entry, "again", world.now).is_err());
    assert_eq!(world.balance(other), points);
}

/// The thief was paid for one stretch and waits with the other; who came first claims of both, who came second of one.
#[test]
fn who_came_first_is_paid_whatever_is_freed_and_whatever_the_devices_are_called() {
    for (earlier, later) in [(11, 12), (12, 11)] {
        for is_fraud in [true, false] {
            let mut world = World::new();
            let (stranger, owner) = (world.member(9), world.member(1));
            let mut thief = world.car(8, 3, stranger);
            world.pass(6 * HOUR);
            let paid_for = drive(&world, 5_000_000, 20_000, 1_200);
            assert!(paid(&send(&mut world, &mut thief, drove(paid_for))) > 0);
            let days = thief.policies.newest().policy().allowance.hard.days;
            go_on(&mut world, i64::from(days) + 1);
            let waits = drive(&world, 5_020_000, 40_000, 1_800);
            let waits = send(&mut world, &mut thief, drove(waits));
            assert!(matches!(waits, Verdict::Review { .. }), "{waits:?}");
            let mut cars = [earlier, later].map(|number| world.car(number, 3, owner));
            world.pass(2 * HOUR);
            for (car, from_m, metres) in [(0, 5_010_000, 40_000), (1, 5_025_000, 10_000)] {
                let trip = drive(&world, from_m, metres, 1_800);
                let verdict = send(&mut world, &mut cars[car], drove(trip));
                assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
            }
            let now = world.now;
            let vehicle = VehicleId::from_bytes([3; 16]);
            let freed = if is_fraud {
                let done = world.core.revoke_fraud(thief.device, "a copied VIN", now);
                done.unwrap().freed
            } else {
                let all = Selected::Device(thief.device);
                let done = world
                    .core
                    .free_stretches(vehicle, all, false, "a copied VIN", now);
                done.unwrap()
            };
            assert_eq!(world.balance(stranger), 0);
            let late: Vec<DeviceId> = freed
                .late
                .paid
                .iter()
                .map(|paid| paid.entry.device)
                .collect();
            assert_eq!(late, [cars[0].device], "{earlier} {is_fraud}: {freed:?}");
        }
    }
}

#[test]
fn the_readings_of_a_device_that_is_shut_out_bind_nobody() {
    let (mut world, mut car) = world();
    let mut thief = world.car(8, 3, car.member);
    world.pass(6 * HOUR);
    let stolen = drive(&world, 5_000_000, 200_000, 7_200);
    assert!(paid(&send(&mut world, &mut thief, drove(stolen))) > 0);
    world.core.revoke_device(thief.device, world.now).unwrap();
    world.pass(DAY);
    let contact = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[contact]);
    world.pass(HOUR);
    let honest = drive(&world, 4_000_000, 40_000, 1_800);
    let verdict = send(&mut world, &mut car, drove(honest));
    assert!(paid(&verdict) > 0 && !is_in_doubt(&verdict), "{verdict:?}");
}

#[test]
fn a_head_unit_that_is_replaced_loses_no_points_and_frees_what_was_paid_nothing() {
    let (mut world, mut car) = world();
    let vehicle = VehicleId::from_bytes([3; 16]);
    // The cap of the day is used up by the first; the second is paid nothing.
    for (number, energy_wh) in [(0, 200_000), (1, 20_000)] {
        let session = charged(charge(4_000_000 + number * 300_000, energy_wh));
        send(&mut world, &mut car, session);
    }
    let balance = world.balance(car.member);
    let done = world.core.revoke_device(car.device, world.now).unwrap();
    assert_eq!(done.freed.entries.len(), 1);
    assert_eq!(world.balance(car.member), balance);
    let stretches = world.core.stretches(vehicle).unwrap();
    assert_eq!(stretches.len(), 2);
    assert_eq!(
        stretches.iter().filter(|held| held.freed.is_none()).count(),
        1
    );
}

#[test]
fn a_head_unit_that_is_replaced_keeps_what_it_was_paid_after_it_had_come_second() {
    let (mut world, mut car) = world();
    let vehicle = VehicleId::from_bytes([3; 16]);
    let thief_member = world.member(9);
    let mut thief = world.car(8, 3, thief_member);
    world.pass(6 * HOUR);
    let stolen = drive(&world, 5_000_000, 200_000, 7_200);
    assert!(paid(&send(&mut world, &mut thief, drove(stolen))) > 0);
    let honest = drive(&world, 5_000_000, 40_000, 1_800);
    assert_eq!(
        send(&mut world, &mut car, drove(honest)),
        rejected(Rejection::AlreadyPaid)
    );
    let fraud = world
        .core
        .revoke_fraud(thief.device, "a copied VIN", world.now);
    assert_eq!(fraud.unwrap().freed.late.paid.len(), 1);
    let balance = world.balance(car.member);
    assert!(balance > 0);
    // Its verdict says that it was paid nothing; its account says otherwise.
    let done = world.core.revoke_device(car.device, world.now).unwrap();
    assert_eq!(done.freed, FreedStretches::default());
    let stretches = world.core.stretches(vehicle).unwrap();
    let held = stretches.iter().filter(|stretch| stretch.freed.is_none());
    assert!(
        held.eq(stretches
            .iter()
            .filter(|stretch| stretch.entry.device == car.device))
    );
    let mut next = world.car(7, 3, car.member);
    world.pass(HOUR);
    let same = drive(&world, 5_000_000, 40_000, 1_800);
    assert_eq!(
        send(&mut world, &mut next, drove(same)),
        rejected(Rejection::AlreadyPaid)
    );
    assert_eq!(world.balance(car.member), balance);
}

/// A second stranger's reading keeps the owner's trip in doubt while the first is shut out; without it the trip is paid.
#[test]
fn an_entry_that_came_second_is_paid_once_the_last_doubt_about_it_is_gone() {
    let mut results = Vec::new();
    for order in [[8, 9], [9, 8]] {
        let (mut world, mut car) = world();
        let strangers = [8, 9].map(|number| {
            let member = world.member(number);
            world.car(number, 3, member)
        });
        let [mut first, mut second] = strangers;
        world.pass(6 * HOUR);
        let stolen = drive(&world, 5_000_000, 30_000, 1_800);
        assert!(paid(&send(&mut world, &mut first, drove(stolen))) > 0);
        world.pass(3 * HOUR);
        let far = drive(&world, 5_300_000, 30_000, 1_800);
        assert!(paid(&send(&mut world, &mut second, drove(far))) > 0);
        world.pass(HOUR);
        let contact = car.mint(CHECK_IN, world.now);
        world.settled(&mut car, &[contact]);
        let before = world.balance(car.member);
        let trip = drive(&world, 5_000_000, 20_000, 1_200);
        let verdict = send(&mut world, &mut car, drove(trip));
        assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
        for number in order {
            let device = DeviceId::from_bytes([number; 16]);
            world
                .core
                .revoke_fraud(device, "a copied VIN", world.now)
                .unwrap();
        }
        results.push(world.balance(car.member) - before);
    }
    assert!(results[0] > 0 && results[0] == results[1], "{results:?}");
}

/// Whoever has a head unit can send thousands that come second: an act of an operator verifies those that it pays, and no other.
#[test]
fn only_what_is_paid_late_is_verified_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.db");
    let mut world = World::on_disk(&path);
    let owner = world.member(1);
    let mut car = world.car(2, 3, owner);
    let strangers = [8, 9].map(|number| {
        let member = world.member(number);
        world.car(number, 3, member)
    });
    let [mut first, mut second] = strangers;
    world.pass(6 * HOUR);
    let stolen = drive(&world, 5_000_000, 30_000, 1_800);
    assert!(paid(&send(&mut world, &mut first, drove(stolen))) > 0);
    world.pass(3 * HOUR);
    let stolen = drive(&world, 5_030_000, 30_000, 1_800);
    assert!(paid(&send(&mut world, &mut second, drove(stolen))) > 0);
    world.pass(HOUR);
    // One is paid by the first act, one by the second, one never: at 396 km/h.
    let losers = [
        (5_000_000, 10_000, 900),
        (5_030_000, 10_000, 900),
        (5_012_000, 11_000, 100),
    ];
    let losers = losers.map(|(from_m, distance_m, lasted_s)| {
        let trip = drive(&world, from_m, distance_m, lasted_s);
        world.pass(2 * HOUR);
        car.mint(drove(trip), world.now)
    });
    world.settled(&mut car, &losers);
    let [early, late, doubted] = losers.map(|loser| loser.body().seq.get());
    let db = Connection::open(&path).unwrap();
    db.execute_batch("DROP TRIGGER entries_stay").unwrap();
    // Breaks the signature, or makes it whole again.
    let flip = |seq: u64| {
        let raw: Vec<u8> = db
            .query_row(
                "SELECT raw FROM entries WHERE device = ?1 AND seq = ?2",
                ([2_u8; 16], seq),
                |row| row.get(0),
            )
            .unwrap();
        let mut raw = raw;
        *raw.last_mut().unwrap() ^= 1;
        let changed = db.execute(
            "UPDATE entries SET raw = ?3 WHERE device = ?1 AND seq = ?2",
            ([2_u8; 16], seq, raw),
        );
        assert_eq!(changed.unwrap(), 1);
    };
    let paid_by = |done: &Revocation| -> Vec<u64> {
        let late = done.freed.late.paid.iter();
        late.map(|late| late.entry.seq.get()).collect()
    };
    flip(late);
    flip(doubted);
    let done = world
        .core
        .revoke_fraud(first.device, "a copied VIN", world.now)
        .unwrap();
    assert_eq!(paid_by(&done), [early]);
    let waiting = done.freed.late.in_doubt.iter();
    assert_eq!(
        waiting.map(|entry| entry.seq.get()).collect::<Vec<_>>(),
        [doubted]
    );
    flip(early);
    let tampered = world
        .core
        .revoke_fraud(second.device, "a copied VIN", world.now);
    assert!(tampered.is_err(), "{tampered:?}");
    flip(late);
    let done = world
        .core
        .revoke_fraud(second.device, "a copied VIN", world.now)
        .unwrap();
    assert_eq!(paid_by(&done), [late]);
}

/// Points that nobody spent leave with their lot, and growth value with its review: what is gone is not owed.
#[test]
fn what_expired_or_fell_away_is_not_taken_a_second_time() {
    let (mut world, mut car) = world();
    let vehicle = VehicleId::from_bytes([3; 16]);
    let old = drive(&world, 5_000_000, 30_000, 1_800);
    let old = send(&mut world, &mut car, drove(old));
    let entry = world.core.stretches(vehicle).unwrap()[0].entry;
    for _ in 0..26 {
        go_on(&mut world, 31);
        let contact = car.mint(CHECK_IN, world.now);
        world.settled(&mut car, &[contact]);
    }
    let anew = drive(&world, 5_030_000, 30_000, 1_800);
    let anew = send(&mut world, &mut car, drove(anew));
    assert!(paid(&anew) >= paid(&old) && paid(&old) > 0, "{anew:?}");
    let before = world.statement(car.member).account;
    let freed = world
        .core
        .free_stretches(
            vehicle,
            Selected::Entry(entry),
            false,
            "mistaken",
            world.now,
        )
        .unwrap();
    let after = world.statement(car.member).account;
    assert!(freed.taken_back.is_empty(), "{freed:?}");
    assert_eq!(
        (after.balance(), after.arrears),
        (before.balance(), Points::ZERO)
    );
}
