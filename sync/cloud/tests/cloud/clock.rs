//! A clock of the cloud that leaps, and what cars signed under a receipt of it.

use dashpoint_cloud::{CloudError, PostOutcome};
use dashpoint_membership::*;
use dashpoint_wire::message::EpochRequest;

use dashpoint_wire::{Receipt, Signed, SigningKey, verdicts_digest};

use crate::support::*;

const YEARS: i64 = 3_652 * DAY;

/// A member with points of a car, and the car.
fn earned() -> (World, Car, i64) {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entry = car.mint(charged(charge(0, 18_000)), world.now);
    world.settled(&mut car, &[entry]);
    let points = world.balance(member);
    assert!(points > 0);
    (world, car, points)
}

fn leapt<R>(done: &Result<R, CloudError>) -> bool {
    matches!(done, Err(CloudError::ClockLeapt { .. }))
}

#[test]
fn a_clock_that_leaps_takes_no_points_and_signs_no_receipt() {
    let (mut world, mut car, points) = earned();
    let (right, member) = (world.now, car.member);
    let entry = car.mint(CHECK_IN, right);
    let request = car.request(&[entry]);
    for wrong in [right.plus_s(YEARS), right.plus_s(-YEARS), at(0)] {
        assert!(leapt(&world.core.maintain(wrong)));
        assert!(leapt(&world.core.post_entries(car.device, &request, wrong)));
        let epoch = EpochRequest {
            head: car.point(),
            last_receipt: None,
        };
        assert!(leapt(&world.core.open_epoch(car.device, &epoch, wrong)));
        assert!(leapt(&world.core.heartbeat(wrong)));
        assert!(leapt(&world.core.health(wrong)));
        for empty in ["", "  "] {
            let accepted = world.core.accept_clock(empty, wrong);
            assert!(matches!(accepted, Err(CloudError::NoReason)), "{empty:?}");
        }
        // What is only looked up is answered, as of the last time that was right.
        let statement = world.core.statement(member, LedgerVersion::new(0), wrong);
        let statement = statement.unwrap().into_parts().1;
        assert_eq!(statement.issued, right);
        assert_eq!(statement.account.balance().get(), points);
        let policy = world.core.policy_since(PolicyVersion::new(1), wrong);
        assert!(policy.unwrap().is_none());
        assert!(
            world
                .core
                .admitted_device(car.device, wrong)
                .unwrap()
                .is_some()
        );
    }
    let posted = world.core.post_entries(car.device, &request, right);
    assert!(matches!(posted, Ok(PostOutcome::Settled(_))));
    assert!(world.balance(member) >= points);
}

#[test]
fn a_start_with_a_clock_that_leaps_waits_for_an_operators_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.db");
    let mut world = World::on_disk(&path);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entry = car.mint(charged(charge(0, 18_000)), world.now);
    world.settled(&mut car, &[entry]);
    let points = world.balance(member);
    drop(world);

    let mut world = World::on_disk(&path);
    let later = at(NOON + YEARS);
    assert!(leapt(&world.core.maintain(later)));
    assert_eq!(world.balance(member), points);
    assert!(!world.core.accept_clock("no leap", world.now).unwrap());
    assert!(
        world
            .core
            .accept_clock("off since the fire", later)
            .unwrap()
    );
    assert_eq!(world.core.maintain(later).unwrap().settlements, 1);
    let kept: (i64, i64, String) = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row(
            "SELECT known, now, reason FROM accepted_clocks",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(kept, (NOON, NOON + YEARS, "off since the fire".to_owned()));
}

#[test]
fn a_fortnight_without_a_run_and_a_quarter_of_an_hour_back_need_no_word() {
    let (mut world, ..) = earned();
    for step in [14 * DAY, 30 * DAY, -900] {
        world.pass(step);
        world.core.heartbeat(world.now).unwrap();
    }
    // Steps back do not add up.
    world.pass(-1);
    assert!(leapt(&world.core.heartbeat(world.now)));
    world.pass(901 + 30 * DAY + 1);
    assert!(leapt(&world.core.heartbeat(world.now)));
}

/// Shortly after midnight a car drives, and the limits of the day before are reached; the cloud's clock is wrong meanwhile.
#[test]
fn what_is_driven_while_the_clock_is_behind_falls_under_its_own_day() {
    let lives = |behind_s: i64| {
        let (mut world, mut car, _) = earned();
        for _ in 0..4 {
            let spent = car.mint(drove(trip(0, 60_000)), world.now);
            world.settled(&mut car, &[spent]);
        }
        let next_day = at(NOON).plus_s(12 * HOUR + 20 * 60);
        world.now = next_day;
        let driven = car.mint(drove(trip(0, 12_000)), world.now);
        world.core.heartbeat(world.now).unwrap();
        world.now = next_day.plus_s(-behind_s);
        let request = car.request(std::slice::from_ref(&driven));
        let posted = world.core.post_entries(car.device, &request, world.now);
        let waits = leapt(&posted);
        world.now = next_day.plus_s(2 * HOUR);
        let posted = world.core.post_entries(car.device, &request, world.now);
        assert!(matches!(posted, Ok(PostOutcome::Settled(_))), "{posted:?}");
        (world.balance(car.member), waits)
    };
    let (undisturbed, _) = lives(0);
    for (behind_s, waits) in [
        (600, false),
        (900, false),
        (901, true),
        (HOUR, true),
        (20 * HOUR, true),
    ] {
        assert_eq!(lives(behind_s), (undisturbed, waits), "{behind_s} s");
    }
}

/// A clock that is behind by five hours is not taken for right five hours later: what counts is how long that is in truth.
#[test]
fn a_clock_that_stays_behind_is_never_believed_and_one_that_is_set_is() {
    let (mut world, ..) = earned();
    let mut right = world.now;
    for hours in [1, 1, 3, 1, 1, 48] {
        right = right.plus_s(hours * HOUR);
        let wrong = right.plus_s(-5 * HOUR);
        world.core.time_passes(hours * HOUR, wrong).unwrap();
        assert!(leapt(&world.core.heartbeat(wrong)), "{right}");
        assert!(leapt(&world.core.maintain(wrong)), "{right}");
    }
    // It is set in the middle of an hour: all of that hour was right.
    let set = right.plus_s(HOUR);
    assert!(leapt(&world.core.heartbeat(right.plus_s(-HOUR))));
    world.core.time_passes(HOUR, set).unwrap();
    world.core.heartbeat(set).unwrap();
    // A clock that is believed tells by itself how long it was.
    for at in [set.plus_s(60), set.plus_s(20 * DAY)] {
        world.core.time_passes(60, at).unwrap();
        world.core.heartbeat(at).unwrap();
    }
}

#[test]
fn a_clock_that_stands_still_or_limps_is_noticed() {
    // Seconds by which the clock moves in each minute.
    for (steps, is_noticed) in [
        (&[0][..], true),
        (&[60, 60, 60, 60, 60, -600], true),
        (&[60], false),
        (&[59], false),
        // It is set back by seconds, and by a minute after it ran ahead.
        (&[60, 60, 60, 60, 56], false),
        (&[60, 60, 60, 90, 30], false),
    ] {
        let (mut world, ..) = earned();
        world.core.heartbeat(world.now).unwrap();
        let mut moves = steps.iter().cycle();
        let mut beats = (0..180).map(|_| {
            world.pass(*moves.next().unwrap());
            world.core.time_passes(60, world.now).unwrap();
            world.core.heartbeat(world.now)
        });
        assert_eq!(beats.any(|beat| leapt(&beat)), is_noticed, "{steps:?}");
    }
}

/// A request that is asked and answered within minutes goes by one time, the last known one.
#[test]
fn a_head_unit_is_let_in_while_the_clock_is_minutes_behind() {
    let mut world = World::new();
    let member = world.member(1);
    for behind_s in [299, 301, 900] {
        world.pass(HOUR);
        world.core.heartbeat(world.now).unwrap();
        world.pass(-behind_s);
        let number = u8::try_from(behind_s / 100).unwrap();
        let mut car = world.car(number, number, member);
        let entry = car.mint(charged(charge(0, 18_000)), world.now);
        assert!(paid(&world.verdict(&mut car, &entry)) > 0, "{behind_s}");
        world.pass(behind_s);
    }
}

/// The receipts of a clock that is a little behind do not go back.
#[test]
fn receipts_of_a_clock_that_is_minutes_behind_go_on() {
    let (mut world, mut car, _) = earned();
    let right = world.now;
    world.pass(-800);
    let contact = car.mint(CHECK_IN, right);
    world.settled(&mut car, &[contact]);
    assert_eq!(car.receipt_at, right);
}

#[test]
fn what_is_signed_under_a_receipt_of_the_future_is_paid_when_the_clock_is_right() {
    for ahead in [2 * HOUR, 29 * DAY, YEARS] {
        let (mut world, mut car, _) = earned();
        let (right, member) = (world.now, car.member);
        world.pass(ahead);
        world.core.accept_clock("a mistake", world.now).unwrap();
        let entry = car.mint(drove(trip(0, 12_000)), right);
        let verdict = world.verdict(&mut car, &entry);
        assert!(paid(&verdict) > 0, "{ahead}: {verdict:?}");
        assert_eq!(car.receipt_at, right.plus_s(ahead));

        // Days without a network, then the clock is right again.
        let before = world.balance(member);
        let mut entries = Vec::new();
        for day in 1..=5 {
            let when = right.plus_s(day * DAY);
            entries.push(car.mint(CHECK_IN, when));
        }
        world.now = right.plus_s(5 * DAY + HOUR);
        world.core.accept_clock("set right", world.now).unwrap();
        let response = match world.post(&car, &entries) {
            PostOutcome::Settled(response) => response,
            other => panic!("{other:?}"),
        };
        for said in &response.verdicts {
            let verdict = &said.verdict;
            assert!(
                matches!(verdict, Verdict::Accepted { .. } | Verdict::Adjusted { .. }),
                "{ahead}: {verdict:?}"
            );
        }
        // Each counts for its own day, where the daily cap has room; two hours cannot be told from the truth.
        let gained = world.balance(member) - before;
        let expected = if ahead == 2 * HOUR { 5 } else { 4 };
        assert!(gained >= expected, "{ahead}: {gained}");
        // And the chain goes on from there.
        car.receipt_at = world.now;
        world.pass(DAY);
        let next = car.mint(CHECK_IN, world.now);
        let posted = world.post(&car, &[next]);
        let PostOutcome::Settled(response) = posted else {
            panic!("{posted:?}");
        };
        assert_eq!(paid(&response.verdicts[0].verdict), 1, "{ahead}");
    }
}

/// A car whose receipts are older than its grant names the grant: also when later receipts of that clock were named since.
#[test]
fn a_grant_of_a_clock_that_was_ahead_is_remembered_after_later_receipts() {
    let (mut world, mut car, _) = earned();
    let right = world.now;
    world.pass(10 * DAY);
    let grant = world.open_epoch(&mut car);
    let grant = grant.verify(&world.cloud_key, &car.device).unwrap();
    car.enter(&grant);
    car.statement = world.statement(car.member);
    for _ in 0..3 {
        world.pass(HOUR);
        let entry = car.mint(CHECK_IN, right);
        world.settled(&mut car, &[entry]);
    }
    world.now = right.plus_s(DAY);
    world.core.accept_clock("set right", world.now).unwrap();
    car.receipt_at = grant.body().issued;
    let entry = car.mint(drove(trip(0, 12_000)), world.now);
    let verdict = world.verdict(&mut car, &entry);
    assert!(paid(&verdict) > 0, "{verdict:?}");
}

/// What is earned under a binding that a clock which was ahead let begin in the future waits for nothing: neither while that
/// time has not come, nor what happened before it and arrives after it.
#[test]
fn a_carried_entry_keeps_the_receipt_of_a_clock_that_was_ahead() {
    let (mut world, mut car, _) = earned();
    let right = world.now;
    world.pass(20 * HOUR);
    let contact = car.mint(CHECK_IN, right);
    world.settled(&mut car, &[contact]);
    // It lies beside the chain, which went on without it; later entries let the cloud forget the receipt that it names.
    let original = car.clone().mint(drove(trip(0, 12_000)), right);
    for _ in 0..2 {
        world.pass(HOUR);
        let entry = car.mint(CHECK_IN, right);
        world.settled(&mut car, &[entry]);
    }
    world.leap_to(right.plus_s(HOUR));
    let grant = world.open_epoch(&mut car);
    car.enter(&grant.verify(&world.cloud_key, &car.device).unwrap());
    assert!(original.body().receipt_at > world.now);
    let before = world.balance(car.member);
    let carried = car.carry(&original);
    let PostOutcome::Settled(answer) = world.post(&car, &[carried]) else {
        panic!("the epoch was not followed");
    };
    let verdict = &answer.verdicts[0].verdict;
    assert!(paid(verdict) > 0, "{verdict:?}");
    assert_eq!(world.balance(car.member), before + paid(verdict));
}

#[test]
fn a_binding_of_a_clock_that_was_ahead_has_begun_when_the_clock_is_right() {
    for ahead in [10 * HOUR, 10 * DAY] {
        let mut world = World::new();
        let member = world.member(1);
        let right = world.now;
        world.pass(ahead);
        let mut car = world.car(2, 3, member);
        world.now = right.plus_s(HOUR);
        world.core.accept_clock("set right", world.now).unwrap();
        let soon = car.mint(charged(charge(0, 18_000)), world.now);
        let verdict = world.verdict(&mut car, &soon);
        assert!(paid(&verdict) > 0, "{ahead}: {verdict:?}");

        let when = right.plus_s(4 * HOUR);
        car.receipt_at = world.now;
        let entry = car.mint(charged(charge(18_000, 9_000)), when);
        world.now = right.plus_s(ahead + DAY);
        let verdict = world.verdict(&mut car, &entry);
        assert!(paid(&verdict) > 0, "{ahead}: {verdict:?}");
    }
}

#[test]
fn a_receipt_of_the_future_that_nobody_signed_is_implausible() {
    let (mut world, mut car, _) = earned();
    world.pass(HOUR);
    let forged = car.forged(CHECK_IN, world.now, |entry| {
        entry.receipt_at = at(NOON + 2 * HOUR);
    });
    assert_eq!(
        world.verdict(&mut car, &forged),
        rejected(Rejection::Implausible)
    );
}

/// A receipt of a later life of the database is heeded only by a clock that is believed.
#[test]
fn a_clock_that_leaps_begins_no_new_life() {
    let (mut world, car, _) = earned();
    let life = world.core.server_epoch().unwrap();
    let point = car.point();
    let receipt = Receipt {
        device: car.device,
        epoch: point.epoch,
        through: point.seq,
        head: point.hash,
        verdicts: verdicts_digest(&[]),
        server_time: world.now,
        server_epoch: life.next(),
        policy: PolicyVersion::new(1),
    };
    let key = SigningKey::from_seed(&[0xc1; 32]);
    let signed = Signed::sign(receipt, &key, &car.device).unwrap();
    let mut request = car.request(&[]);
    request.last_receipt = Some(signed.to_raw());
    let wrong = world.now.plus_s(YEARS);
    assert!(leapt(&world.core.post_entries(car.device, &request, wrong)));
    assert_eq!(world.core.server_epoch().unwrap(), life);
    world
        .core
        .post_entries(car.device, &request, world.now)
        .unwrap();
    assert_eq!(world.core.server_epoch().unwrap(), life.next().next());
}

/// A clock of this cloud that ran in the zone of another country for one trip: the days after have their own caps.
#[test]
fn a_day_after_a_clock_that_was_hours_ahead_has_its_whole_cap() {
    let lives = |ahead_s: i64| {
        let mut world = World::new();
        let member = world.member(1);
        let mut car = world.car(2, 3, member);
        let right = world.now;
        world.leap_to(right.plus_s(ahead_s));
        // The second entry is made under a receipt of that clock.
        for session in [charge(1_000_000, 2_000), charge(1_100_000, 2_000)] {
            let session = car.mint(charged(session), right);
            world.verdict(&mut car, &session);
        }
        for hours in [2, 24, 48, 72] {
            world.leap_to(right.plus_s(hours * HOUR));
            let contact = car.mint(CHECK_IN, world.now);
            world.settled(&mut car, &[contact]);
        }
        let days = &world.statement(member).account.used[&CapId::new("check-in-day").unwrap()];
        (world.balance(member), days.len())
    };
    let undisturbed = lives(0);
    assert_eq!(undisturbed.1, 4);
    for hours in [2, 8, 20] {
        assert_eq!(lives(hours * HOUR), undisturbed, "{hours} h");
    }
}
