//! Each verdict and each reason for it.

use dashpoint_cloud::{PostOutcome, SelectedEntries};
use dashpoint_membership::*;
use dashpoint_wire::message::EntriesRequest;

use crate::support::*;

#[test]
fn what_the_car_predicts_is_what_the_cloud_pays() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.pass(HOUR);
    let entries = [
        car.mint(drove(trip(1_000, 12_000)), world.now),
        car.mint(charged(charge(50_000, 18_000)), world.now),
        car.mint(CHECK_IN, world.now),
    ];
    let expected = car.fold(world.now).account;
    let response = world.settled(&mut car, &entries);
    for said in &response.verdicts {
        assert!(matches!(said.verdict, Verdict::Accepted { .. }), "{said:?}");
        assert!(!said.duplicate);
    }
    let account = world.statement(member).account;
    assert_eq!(account, expected, "the car's fold is the cloud's account");
    assert!(account.balance().get() > 30);
    account.check().unwrap();
}

#[test]
fn an_entry_beyond_the_offline_allowance_waits_and_is_released() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let days = car.policies.newest().policy().allowance.hard.days;
    world.leap_to(world.now.plus_s(i64::from(days) * DAY + HOUR));
    let entry = car.mint(CHECK_IN, world.now);
    let verdict = world.verdict(&mut car, &entry);
    let Verdict::Review {
        reason: ReviewReason::OverAllowance,
        until,
        ..
    } = verdict
    else {
        panic!("{verdict:?}");
    };
    assert_eq!(world.balance(member), 0);
    assert_eq!(world.statement(member).account.pending.len(), 1);
    world.leap_to(until);
    assert_eq!(world.core.maintain(world.now).unwrap().settlements, 1);
    assert_eq!(world.balance(member), 1);
}

#[test]
fn a_binding_must_be_this_device_s_and_valid_then() {
    let mut world = World::new();
    let (mine, other) = (world.member(1), world.member(4));
    let mut car = world.car(2, 3, mine);
    let neighbour = world.car(5, 6, other);
    world.pass(HOUR);

    let stolen = car.forged(CHECK_IN, world.now, |entry| {
        entry.binding = neighbour.binding;
    });
    let response = match world.post(&car, &[stolen]) {
        PostOutcome::Settled(response) => response,
        refused => panic!("{refused:?}"),
    };
    assert_eq!(response.verdicts[0].verdict, rejected(Rejection::NoBinding));
    let [told] = response.statements.as_slice() else {
        panic!("{:?}", response.statements);
    };
    let told = told.clone().verify(&world.cloud_key, &mine);
    let told = told.expect("only its own member hears that it is judged");
    assert!(told.body().settlements.is_empty(), "no account is touched");
    assert_eq!(world.balance(other), 0);

    let early = car.forged(CHECK_IN, world.now, |entry| {
        entry.time.at = CoarseTime::containing_unix_s(NOON - DAY);
        entry.receipt_at = at(NOON - DAY);
    });
    assert_eq!(
        world.verdict(&mut car, &early),
        rejected(Rejection::BindingNotValid)
    );
    // One bad entry never blocks those behind it.
    let good = car.mint(CHECK_IN, world.now);
    assert!(matches!(
        world.verdict(&mut car, &good),
        Verdict::Accepted { .. }
    ));
    assert_eq!(world.balance(mine), 1);
}

#[test]
fn a_binding_that_a_wrong_clock_let_begin_later_is_valid_for_who_held_a_receipt() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut world = World::on_disk(&file);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.pass(HOUR);
    let first = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[first]);
    // As a backup has it that was made while the clock was ahead.
    let later = world.now.plus_s(10 * DAY).as_unix_s();
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute("UPDATE bindings SET valid_from = ?1", [later])
        .unwrap();
    world.pass(DAY);
    let kept = car.mint(CHECK_IN, world.now);
    world.pass(12 * DAY);
    let verdict = world.verdict(&mut car, &kept);
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
}

#[test]
fn an_unknown_policy_pays_nothing() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entry = car.forged(CHECK_IN, world.now, |entry| {
        entry.policy = PolicyVersion::new(99);
    });
    assert_eq!(
        world.verdict(&mut car, &entry),
        rejected(Rejection::UnknownPolicy)
    );
}

fn implausible(change: impl FnOnce(&mut Entry), subject: Subject) {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entry = car.forged(subject, world.now, change);
    assert_eq!(
        world.verdict(&mut car, &entry),
        rejected(Rejection::Implausible),
        "{:?}",
        entry.body()
    );
    assert_eq!(world.balance(member), 0);
}

fn trip_with(change: impl FnOnce(&mut Trip)) -> Subject {
    let mut trip = trip(1_000, 12_000);
    change(&mut trip);
    drove(trip)
}

fn charge_with(change: impl FnOnce(&mut Charge)) -> Subject {
    let mut charge = charge(50_000, 18_000);
    change(&mut charge);
    charged(charge)
}

#[test]
fn evidence_that_no_car_can_show_is_implausible() {
    let future = |entry: &mut Entry| entry.receipt_at = at(NOON + 1);
    implausible(future, CHECK_IN);
    let trips: [fn(&mut Trip); 14] = [
        |trip| trip.odometer.meter = Meter::Charged,
        |trip| trip.odometer.to = trip.odometer.from,
        |trip| trip.odometer.to = trip.odometer.from - 1,
        |trip| trip.odometer.to = u64::MAX,
        |trip| trip.driving = DrivingTime::Minutes(1),
        |trip| trip.driving = DrivingTime::Minutes(u32::MAX),
        |trip| trip.driving = DrivingTime::Seconds(107),
        |trip| trip.driving = DrivingTime::Seconds(u32::MAX),
        |trip| trip.used_wh = 600_000,
        |trip| trip.score_x100 = 9_998,
        |trip| trip.score_x100 = 10_001,
        |trip| trip.factors[0].against_ms = 60_001,
        |trip| trip.factors[0].base_ms = 1_802_000,
        |trip| trip.factors.push(trip.factors[0]),
    ];
    for change in trips {
        implausible(|_| {}, trip_with(change));
    }
    let charges: [fn(&mut Charge); 4] = [
        |charge| charge.charged.meter = Meter::Odometer,
        |charge| charge.charged.to = charge.charged.from,
        |charge| charge.charged.to = charge.charged.from + 2_000_001,
        |charge| charge.renewable_permille = 1_001,
    ];
    for change in charges {
        implausible(|_| {}, charge_with(change));
    }
    implausible(
        |_| {},
        earn(Evidence::Discharge(Discharge {
            discharged: MeterInterval::of_first(Meter::Discharged, 5, 5),
            started: None,
        })),
    );
}

#[test]
fn evidence_at_the_edge_is_plausible() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let edges: [fn(&mut Trip); 4] = [
        |trip| trip.driving = DrivingTime::Minutes(2),
        |trip| trip.driving = DrivingTime::Seconds(108),
        |trip| trip.score_x100 = 9_999,
        |trip| {
            trip.driving = DrivingTime::Minutes(0);
            trip.missed_s = 1_800;
            trip.factors.clear();
        },
    ];
    for (number, change) in edges.into_iter().enumerate() {
        let mut trip = trip(100_000 * (number as u64 + 1), 12_000);
        trip.used_wh = 1_000;
        trip.regained_wh = 0;
        trip.factors[0].base_ms = 1_000;
        change(&mut trip);
        let entry = car.mint(drove(trip), world.now);
        let verdict = world.verdict(&mut car, &entry);
        assert!(!matches!(verdict, Verdict::Rejected { .. }), "{verdict:?}");
    }
}

#[test]
fn a_stretch_of_a_meter_is_paid_once() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let first = car.mint(drove(trip(1_000, 2_000)), world.now);
    assert!(matches!(
        world.verdict(&mut car, &first),
        Verdict::Accepted { .. }
    ));
    for (from, length) in [(1_000, 2_000), (2_999, 2_000), (0, 1_001), (1_500, 10)] {
        let again = car.mint(drove(trip(from, length)), world.now);
        assert_eq!(
            world.verdict(&mut car, &again),
            rejected(Rejection::AlreadyPaid),
            "{from}+{length}"
        );
    }
    for (from, length) in [(3_000, 2_000), (0, 1_000)] {
        let beside = car.mint(drove(trip(from, length)), world.now);
        assert!(
            !matches!(world.verdict(&mut car, &beside), Verdict::Rejected { .. }),
            "{from}+{length}"
        );
    }
    // While it stood.
    let session = Charge {
        started: None,
        ..charge(1_000, 2_000)
    };
    let other_meter = car.mint(charged(session), world.now);
    assert!(matches!(
        world.verdict(&mut car, &other_meter),
        Verdict::Accepted { .. }
    ));
}

/// Every byte of an entry and of a good signature over another device's name.
#[test]
fn bytes_that_are_not_authentic_move_nothing() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let mut thief = world.car(5, 6, member);
    let before = world.head(&car);
    let entry = car.mint(CHECK_IN, world.now);
    for place in 0..entry.raw().len() {
        let mut bytes = entry.raw().to_vec();
        bytes[place] ^= 1;
        let request = EntriesRequest {
            entries: vec![bytes.into()],
            ..car.request(std::slice::from_ref(&entry))
        };
        let posted = world.core.post_entries(car.device, &request, world.now);
        assert!(
            matches!(posted, Ok(PostOutcome::NotAuthentic(_))),
            "byte {place}: {posted:?}"
        );
    }
    let others = thief.mint(CHECK_IN, world.now);
    assert!(matches!(
        world.post(&car, &[others]),
        PostOutcome::NotAuthentic(_)
    ));
    let mut shifted = car.request(std::slice::from_ref(&entry));
    shifted.from = Seq::new(2);
    assert!(matches!(
        world.core.post_entries(car.device, &shifted, world.now),
        Ok(PostOutcome::NotAuthentic(_))
    ));
    // A good entry beside a bad one is not taken either: the car sends it again.
    let mut second = car.mint(CHECK_IN, world.now).raw().to_vec();
    second[20] ^= 1;
    let mut both = car.request(std::slice::from_ref(&entry));
    both.entries.push(second.into());
    assert!(matches!(
        world.core.post_entries(car.device, &both, world.now),
        Ok(PostOutcome::NotAuthentic(_))
    ));
    assert_eq!(world.head(&car), before);
    assert_eq!(world.balance(member), 0);
}

#[test]
fn the_arrival_of_an_entry_is_kept_to_five_minutes() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.pass(5 * 60 + 137);
    let entry = car.mint(CHECK_IN, world.now);
    world.verdict(&mut car, &entry);
    let lines = world
        .core
        .entry_lines(SelectedEntries::default(), None)
        .unwrap();
    assert_eq!(lines[0].arrived, at(NOON + 5 * 60));
}
