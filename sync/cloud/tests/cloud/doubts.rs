//! Evidence that odometer, time, speed and energy forbid waits for an operator; the honest pass.

use dashpoint_cloud::{CloudError, FreedStretches, Selected};
use dashpoint_membership::*;

use crate::support::*;

/// A world in which a member's car has been enrolled for three days.
fn world() -> (World, Car) {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.pass(3 * DAY);
    let contact = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[contact]);
    (world, car)
}

/// Lets days pass, in which the cloud is at work.
fn go_on(world: &mut World, days: i64) {
    for _ in 0..days {
        world.pass(DAY);
        world.core.maintain(world.now).unwrap();
    }
}

/// A trip that ends now.
fn drive(world: &World, from_m: u64, distance_m: u64, lasted_s: u32) -> Trip {
    Trip {
        started: CoarseTime::containing_unix_s(world.now.as_unix_s() - i64::from(lasted_s)),
        driving: DrivingTime::Seconds(lasted_s),
        used_wh: u32::try_from(distance_m * 150 / 1_000).unwrap(),
        regained_wh: 0,
        ..trip(from_m, distance_m)
    }
}

fn send(world: &mut World, car: &mut Car, subject: Subject) -> Verdict {
    let entry = car.mint(subject, world.now);
    world.verdict(car, &entry)
}

fn is_in_doubt(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Review {
            reason: ReviewReason::Evidence,
            ..
        }
    )
}

/// Sends one subject in a world of its own; tells whether it waits for an operator, and holds that time does not pay it.
fn waits(subject: impl FnOnce(&World) -> Subject) -> bool {
    let (mut world, mut car) = world();
    let before = world.balance(car.member);
    let subject = subject(&world);
    let verdict = send(&mut world, &mut car, subject);
    assert!(!matches!(verdict, Verdict::Rejected { .. }), "{verdict:?}");
    if !is_in_doubt(&verdict) {
        return false;
    }
    assert_eq!(world.balance(car.member), before);
    go_on(&mut world, 400);
    assert_eq!(world.balance(car.member), before, "time alone pays nothing");
    assert_eq!(world.core.held_lines().unwrap().len(), 1);
    true
}

fn with(trip: Trip, change: impl FnOnce(&mut Trip)) -> Subject {
    let mut trip = trip;
    change(&mut trip);
    drove(trip)
}

fn seen(factor: Factor, against_ms: u64, base_ms: u64) -> FactorSeen {
    FactorSeen {
        factor,
        against_ms,
        base_ms,
    }
}

#[test]
fn a_trip_keeps_to_what_a_car_can_do() {
    // 396 km/h, and what a fast car does on a free road.
    assert!(waits(|world| drove(drive(world, 5_000_000, 66_000, 600))));
    assert!(waits(|world| drove(drive(world, 5_000_000, 41_700, 600))));
    assert!(!waits(|world| drove(drive(world, 5_000_000, 41_600, 600))));
    // 28,800 km in one trip.
    assert!(waits(|world| drove(drive(
        world, 5_000_000, 28_800_000, 259_200
    ))));
    // 100 kWh regained in 500 m; a pass of 1,000 m down.
    assert!(waits(|world| with(
        drive(world, 5_000_000, 500, 360),
        |trip| {
            (trip.used_wh, trip.regained_wh) = (1, 36_000);
        }
    )));
    assert!(!waits(|world| with(
        drive(world, 5_000_000, 20_000, 1_800),
        |trip| {
            (trip.used_wh, trip.regained_wh) = (400, 6_000);
        }
    )));
    // One millisecond of an observed factor stands for the trip.
    assert!(waits(|world| with(
        drive(world, 5_000_000, 23_000, 1_800),
        |trip| {
            trip.factors = vec![seen(Factor::HardBraking, 0, 1)];
        }
    )));
    assert!(waits(|world| with(
        drive(world, 5_000_000, 23_000, 1_800),
        |trip| {
            trip.factors = vec![
                seen(Factor::HardBraking, 0, 60_000),
                seen(Factor::ExcessiveSpeed, 0, 1),
            ];
        }
    )));
    assert!(!waits(|world| with(
        drive(world, 5_000_000, 200_000, 9_000),
        |trip| {
            trip.factors = vec![seen(Factor::HardBraking, 0, 900)];
        }
    )));
}

/// One moment above the threshold in hours on an empty road, the shortest that a sampled signal can give; and none at all.
#[test]
fn a_gentle_driver_is_believed() {
    for (base_ms, is_waiting) in [(0, false), (9, true), (10, false), (100, false)] {
        let held = waits(|world| {
            with(drive(world, 5_000_000, 200_000, 9_000), |trip| {
                trip.factors = vec![
                    seen(Factor::HardBraking, 0, base_ms),
                    seen(Factor::ExcessiveSpeed, 0, 9_000_000),
                ];
            })
        });
        assert_eq!(held, is_waiting, "{base_ms}");
    }
}

/// A plug-in hybrid that drives on its engine, or keeps its battery full with it: its battery gives next to nothing.
#[test]
fn a_day_on_the_engine_of_a_hybrid_is_not_in_doubt() {
    let (mut world, mut car) = world();
    for number in 0..20 {
        world.pass(1_200);
        let mut trip = drive(&world, 5_000_000 + 15_000 * number, 15_000, 900);
        (trip.used_wh, trip.regained_wh) = if number % 2 == 0 { (90, 0) } else { (900, 850) };
        let verdict = send(&mut world, &mut car, drove(trip));
        assert!(!is_in_doubt(&verdict), "{number}: {verdict:?}");
    }
}

#[test]
fn late_hours_are_known_to_the_cloud_too() {
    let at_three = |factors: &[FactorSeen]| {
        let (mut world, mut car) = world();
        // 03:00 to 04:00 in China.
        world.now = at(NOON + 3 * DAY + 16 * HOUR);
        let mut trip = drive(&world, 5_000_000, 60_000, 3_600);
        trip.factors = factors.to_vec();
        let policy = world.core.policy(None, world.now).unwrap();
        trip.score_x100 = score_x100(&policy.score, factors);
        is_in_doubt(&send(&mut world, &mut car, drove(trip)))
    };
    let braking = seen(Factor::HardBraking, 0, 60_000);
    assert!(at_three(&[braking]));
    assert!(at_three(&[braking, seen(Factor::LateNight, 0, 3_600_000)]));
    assert!(!at_three(&[
        braking,
        seen(Factor::LateNight, 3_600_000, 3_600_000)
    ]));
}

#[test]
fn a_trip_begins_after_its_head_unit_was_enrolled() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    world.pass(1);
    // 14,000 km at a speed that no single bound forbids.
    let trip = drive(&world, 5_000_000, 14_000_000, 250_000);
    assert!(is_in_doubt(&send(&mut world, &mut car, drove(trip))));
    // An hour on the way when it was enrolled.
    let trip = drive(&world, 5_000_000, 60_000, 3_600);
    assert!(!is_in_doubt(&send(&mut world, &mut car, drove(trip))));
}

#[test]
fn a_vehicle_drives_one_trip_at_a_time() {
    let (mut world, mut car) = world();
    world.pass(9 * HOUR);
    let trips = (0..4).map(|number| drive(&world, 5_000_000 + 30_000 * number, 30_000, 10_800));
    let entries: Vec<_> = trips.map(|trip| car.mint(drove(trip), world.now)).collect();
    let answer = world.settled(&mut car, &entries);
    let verdicts: Vec<_> = answer
        .verdicts
        .iter()
        .map(|said| is_in_doubt(&said.verdict))
        .collect();
    assert_eq!(verdicts, [false, true, true, true]);
}

/// Twenty-six hours of driving within a day, each with a fresh receipt and at times that nobody can check.
#[test]
fn a_day_has_no_more_hours_of_driving_than_hours() {
    let (mut world, mut car) = world();
    let mut held = 0;
    for number in 0..20 {
        world.pass(60);
        let trip = drive(&world, 5_000_000 + 4_000 * number, 4_000, 7_200);
        let entry = car.forged(drove(trip), world.now, |entry| {
            entry.time.at = CoarseTime::containing_unix_s(0);
        });
        held += i32::from(is_in_doubt(&world.verdict(&mut car, &entry)));
    }
    assert!(held >= 5, "{held}");
}

/// Thirty hours of driving in three days under a clock that was twenty days ahead; then the clock is right again.
#[test]
fn days_under_a_clock_that_was_ahead_keep_no_honest_car_waiting() {
    let (mut world, mut car) = world();
    let right = world.now;
    let mut at_m = 5_000_000;
    let mut drive_on = |world: &mut World, car: &mut Car| {
        let trip = drive(world, at_m, 60_000, 7_200);
        at_m += 60_000;
        let entry = car.forged(drove(trip), world.now, |entry| {
            entry.time.at = CoarseTime::containing_unix_s(0);
        });
        world.verdict(car, &entry)
    };
    world.pass(20 * DAY);
    for _ in 0..15 {
        world.pass(5 * HOUR);
        let verdict = drive_on(&mut world, &mut car);
        assert!(!is_in_doubt(&verdict), "{verdict:?}");
    }
    world.leap_to(right.plus_s(75 * HOUR));
    for _ in 0..3 {
        world.pass(5 * HOUR);
        let verdict = drive_on(&mut world, &mut car);
        assert!(paid(&verdict) > 0 && !is_in_doubt(&verdict), "{verdict:?}");
    }
}

#[test]
fn an_odometer_goes_neither_back_nor_far_ahead() {
    let (mut world, mut car) = world();
    let first = drive(&world, 5_000_000, 20_000, 1_200);
    assert!(!is_in_doubt(&send(&mut world, &mut car, drove(first))));
    world.pass(HOUR);
    let contact = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[contact]);
    world.pass(HOUR);
    let behind = drive(&world, 4_900_000, 20_000, 1_200);
    assert!(is_in_doubt(&send(&mut world, &mut car, drove(behind))));
    let ahead = drive(&world, 9_000_000, 20_000, 1_200);
    assert!(is_in_doubt(&send(&mut world, &mut car, drove(ahead))));
    // An older receipt than its chain has named before makes nothing unknown.
    let behind = drive(&world, 4_800_000, 20_000, 1_200);
    let behind = car.forged(drove(behind), world.now, |entry| {
        entry.receipt_at = at(NOON);
    });
    assert!(is_in_doubt(&world.verdict(&mut car, &behind)));
    // What is only claimed under review is no reading: the car itself goes on.
    let honest = drive(&world, 5_020_000, 30_000, 1_800);
    assert!(!is_in_doubt(&send(&mut world, &mut car, drove(honest))));
}

/// A carried entry keeps the receipt of its original, and is held to what the log had before its epoch.
#[test]
fn a_carried_entry_under_a_stale_receipt_knows_what_the_log_had() {
    for is_stale in [true, false] {
        let (mut world, mut car) = world();
        let first = drive(&world, 5_000_000, 20_000, 1_200);
        assert!(!is_in_doubt(&send(&mut world, &mut car, drove(first))));
        world.pass(HOUR);
        for _ in 0..2 {
            let contact = car.mint(CHECK_IN, world.now);
            world.settled(&mut car, &[contact]);
            world.pass(HOUR);
        }
        // An honest car whose chain broke goes on from its odometer; a forger goes back behind it.
        let from_m = if is_stale { 4_900_000 } else { 5_020_000 };
        let trip = drive(&world, from_m, 20_000, 1_200);
        let original = car.forged(drove(trip), world.now, |entry| {
            entry.receipt_at = at(NOON);
        });
        let grant = world.open_epoch(&mut car);
        car.enter(&grant.verify(&world.cloud_key, &car.device).unwrap());
        let carried = car.carry(&original);
        let posted = world.post(&car, &[carried]);
        let dashpoint_cloud::Posted::Settled(answer) = posted else {
            panic!("{posted:?}");
        };
        let verdict = &answer.verdicts[0].verdict;
        assert_eq!(is_in_doubt(verdict), is_stale, "{verdict:?}");
        assert!(paid(verdict) > 0, "{verdict:?}");
    }
}

#[test]
fn a_battery_takes_what_it_can_hold_and_no_more_than_was_used() {
    let charged_wh = |energy_wh| waits(|_| charged(charge(4_000_000, energy_wh)));
    assert!(!charged_wh(240_000));
    assert!(charged_wh(500_000));
    assert!(charged_wh(2_000_000));
    let (mut world, mut car) = world();
    for number in 0..10 {
        let session = charged(charge(4_000_000 + number * 200_000, 200_000));
        send(&mut world, &mut car, session);
    }
    // Most are paid nothing, for the cap of the day; what is in doubt holds no stretch either.
    let vehicle = VehicleId::from_bytes([3; 16]);
    assert_eq!(world.core.stretches(vehicle).unwrap().len(), 6);
}

#[test]
fn weeks_offline_come_in_one_batch_and_are_paid() {
    let (mut world, mut car) = world();
    let mut entries = Vec::new();
    let mut at_m = 5_000_000;
    for _ in 0..28 {
        for _ in 0..2 {
            world.pass(8 * HOUR);
            let trip = drive(&world, at_m, 60_000, 3_600);
            at_m += 60_000;
            let mut trip = trip;
            trip.factors.clear();
            let policy = world.core.policy(None, world.now).unwrap();
            trip.score_x100 = score_x100(&policy.score, &trip.factors);
            let late = late_factor(&mut world);
            if let Some(late) = late {
                trip.factors = vec![late];
                trip.score_x100 = score_x100(&policy.score, &trip.factors);
            }
            entries.push(car.mint(drove(trip), world.now));
        }
        world.pass(8 * HOUR);
        let session = charge(
            4_000_000 + u64::try_from(entries.len()).unwrap() * 30_000,
            30_000,
        );
        entries.push(car.mint(charged(session), world.now));
    }
    for batch in entries.chunks(60) {
        let request = car.request(batch);
        let posted = world
            .core
            .post_entries(car.device, &request, world.now)
            .unwrap();
        let dashpoint_cloud::Posted::Settled(answer) = posted else {
            panic!("{posted:?}");
        };
        for said in answer.verdicts {
            assert!(!is_in_doubt(&said.verdict), "{said:?}");
        }
    }
}

/// The factor that a car gives at the hours of this test.
fn late_factor(world: &mut World) -> Option<FactorSeen> {
    let policy = world.core.policy(None, world.now).unwrap();
    let from_s = world.now.as_unix_s() - 3_600 + 8 * HOUR;
    let against_ms = (0..3_600)
        .map(|second| (from_s + second).rem_euclid(DAY) / HOUR)
        .map(|hour| {
            let late = &policy.score.late_hours;
            let late = late.iter().find(|late| i64::from(late.hour) == hour);
            late.map_or(0, |late| u64::from(late.weight_percent) * 10)
        })
        .sum();
    (against_ms > 0).then_some(seen(Factor::LateNight, against_ms, 3_600_000))
}

#[test]
fn two_honest_head_units_and_wrong_clocks_are_not_in_doubt() {
    let (mut world, mut first) = world();
    let mut second = world.car(5, 3, first.member);
    let mut waiting = Vec::new();
    for number in 0..30 {
        world.pass(5 * HOUR);
        let mut trip = drive(&world, 5_000_000 + 30_000 * number, 30_000, 1_800);
        trip.factors.clear();
        let late = late_factor(&mut world).is_some();
        let skew_s = match number % 4 {
            _ if late => 0,
            0 => -world.now.as_unix_s(),
            1 => 10 * 366 * DAY,
            2 => -10 * 366 * DAY,
            _ => 0,
        };
        if late {
            continue;
        }
        let shift = |entry: &mut Entry| {
            let at_s = entry.time.at.as_unix_s() + skew_s;
            entry.time.at = CoarseTime::containing_unix_s(at_s);
        };
        // One of them is offline for days.
        if number % 3 == 0 {
            waiting.push(second.forged(drove(trip), world.now, shift));
        } else {
            let entry = first.forged(drove(trip), world.now, shift);
            let verdict = world.verdict(&mut first, &entry);
            assert!(!is_in_doubt(&verdict), "{number}: {verdict:?}");
        }
    }
    let posted = world.settled(&mut second, &waiting);
    for said in posted.verdicts {
        assert!(!is_in_doubt(&said.verdict), "{said:?}");
    }
}

#[test]
fn an_operator_pays_or_refuses_and_a_metre_is_paid_once() {
    let (mut world, mut car) = world();
    let before = world.balance(car.member);
    let doubtful = drive(&world, 5_000_000, 66_000, 600);
    let doubtful = car.mint(drove(doubtful), world.now);
    assert!(is_in_doubt(&world.verdict(&mut car, &doubtful)));
    let entry = |seq: Seq| EntryRef {
        device: DeviceId::from_bytes([2; 16]),
        epoch: Epoch::new(1),
        seq,
    };
    let first = entry(doubtful.body().seq);
    assert!(matches!(
        world.core.accept_held(first, " ", world.now),
        Err(CloudError::NoReason)
    ));
    // The same metres at a speed that can be: settled, for a claim under review keeps nobody out.
    let honest = drive(&world, 5_000_000, 30_000, 1_800);
    let honest = car.mint(drove(honest), world.now);
    let verdict = world.verdict(&mut car, &honest);
    assert!(paid(&verdict) > 0 && !is_in_doubt(&verdict), "{verdict:?}");
    let with_honest = world.balance(car.member);
    assert!(matches!(
        world.core.accept_held(first, "looked at", world.now),
        Err(CloudError::MeterTaken(_))
    ));
    world
        .core
        .refuse_held(first, "a forgery", world.now)
        .unwrap();
    assert_eq!(world.balance(car.member), with_honest);
    assert!(matches!(
        world.core.refuse_held(first, "again", world.now),
        Err(CloudError::NotHeld(_))
    ));

    let doubtful = drive(&world, 5_040_000, 66_000, 600);
    let doubtful = car.mint(drove(doubtful), world.now);
    let verdict = world.verdict(&mut car, &doubtful);
    assert!(is_in_doubt(&verdict));
    let second = entry(doubtful.body().seq);
    world
        .core
        .accept_held(second, "on a race track", world.now)
        .unwrap();
    assert_eq!(world.balance(car.member), with_honest + paid(&verdict));
    assert!(with_honest > before);
    let again = drive(&world, 5_050_000, 20_000, 1_200);
    let again = car.mint(drove(again), world.now);
    assert_eq!(
        world.verdict(&mut car, &again),
        rejected(Rejection::AlreadyPaid)
    );
    world.statement(car.member).account.check().unwrap();
}

#[test]
fn what_waits_by_time_can_be_objected_to() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let days = car.policies.newest().policy().allowance.hard.days;
    go_on(&mut world, i64::from(days) + 1);
    let trip = drive(&world, 5_000_000, 30_000, 1_800);
    let entry = car.mint(drove(trip), world.now);
    assert!(matches!(
        world.verdict(&mut car, &entry),
        Verdict::Review {
            reason: ReviewReason::OverAllowance,
            ..
        }
    ));
    let held = world.core.held_lines().unwrap();
    assert_eq!((held.len(), held[0].needs_decision), (1, false));
    world
        .core
        .refuse_held(held[0].entry, "the member says so", world.now)
        .unwrap();
    go_on(&mut world, 400);
    assert_eq!(world.balance(member), 0);
    let stretches = world
        .core
        .stretches(VehicleId::from_bytes([3; 16]))
        .unwrap();
    assert!(stretches[0].freed.is_some(), "and its metres are free");
}

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

#[test]
fn an_operator_frees_a_stretch_and_the_points_go_with_it_unless_said_otherwise() {
    let (mut world, mut car) = world();
    let vehicle = VehicleId::from_bytes([3; 16]);
    let trips = [(5_000_000, 20_000), (5_020_000, 20_000)];
    let verdicts = trips.map(|(from_m, metres)| {
        world.pass(HOUR);
        let trip = drive(&world, from_m, metres, 1_200);
        send(&mut world, &mut car, drove(trip))
    });
    let balance = world.balance(car.member);
    let held = world.core.stretches(vehicle).unwrap();
    let free = |world: &mut World, entry, keeps_points| {
        let now = world.now;
        world.core.free_stretches(
            vehicle,
            Selected::Entry(entry),
            keeps_points,
            "mistaken",
            now,
        )
    };
    let first = free(&mut world, held[0].entry, false).unwrap();
    assert_eq!(first.taken_back[&car.member].get(), paid(&verdicts[0]));
    assert_eq!(world.balance(car.member), balance - paid(&verdicts[0]));
    assert!(matches!(
        free(&mut world, held[0].entry, false),
        Err(CloudError::HoldsNothing(_))
    ));
    let second = free(&mut world, held[1].entry, true).unwrap();
    assert!(second.taken_back.is_empty());
    assert_eq!(world.balance(car.member), balance - paid(&verdicts[0]));
    let listed = world.core.stretches(vehicle).unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|stretch| stretch.freed.is_some()));
    let other = VehicleId::from_bytes([4; 16]);
    let all = Selected::Device(car.device);
    let none = world
        .core
        .free_stretches(other, all, false, "mistaken", world.now);
    assert!(none.unwrap().entries.is_empty());
}
