//! Hours of driving, and clocks that are wrong.

use dashpoint_membership::*;

use super::*;

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

/// A device that asks for a receipt before it signs each of four trips at once has driven them no less at once.
#[test]
fn receipts_on_the_way_do_not_hide_trips_at_once() {
    for quality in [ClockQuality::Synced, ClockQuality::Running] {
        let (mut world, mut car) = world();
        world.pass(9 * HOUR);
        let mut waits = Vec::new();
        for number in 0..4 {
            let trip = drive(&world, 5_000_000 + 30_000 * number, 30_000, 10_800);
            world.pass(60);
            let contact = car.mint(CHECK_IN, world.now);
            world.settled(&mut car, &[contact]);
            let entry = car.forged(drove(trip), world.now, |entry| entry.time.quality = quality);
            waits.push(is_in_doubt(&world.verdict(&mut car, &entry)));
        }
        assert_eq!(waits, [false, true, true, true], "{quality:?}");
    }
}

/// Twelve hours of driving with a stop of some minutes after each trip, and a receipt every quarter of an hour.
#[test]
fn an_online_car_that_drives_all_day_is_not_in_doubt() {
    let (mut world, mut car) = world();
    let mut at_m = 5_000_000;
    for number in 0..24 {
        let lasted_s = [900, 3_600, 1_500, 2_700][number % 4];
        for _ in 0..lasted_s / 900 {
            world.pass(900);
            let contact = car.mint(CHECK_IN, world.now);
            world.settled(&mut car, &[contact]);
        }
        world.pass(i64::from(lasted_s % 900));
        let trip = drive(&world, at_m, 10_000, lasted_s);
        at_m += 10_000;
        // The late hours are the matter of others.
        if late_factor(&mut world).is_none() {
            let verdict = send(&mut world, &mut car, drove(trip));
            assert!(!is_in_doubt(&verdict), "{number}: {verdict:?}");
        }
        world.pass(180);
    }
}

/// A clock that the car trusts gives times between which the driving has room; one that it does not trust gives none.
#[test]
fn times_that_contradict_each_other_wait() {
    let waits_for = |quality, started_before_s: i64, driving_min: u32| {
        let (mut world, mut car) = world();
        let started_s = world.now.as_unix_s() - started_before_s;
        let trip = Trip {
            started: CoarseTime::containing_unix_s(started_s),
            driving: DrivingTime::Minutes(driving_min),
            ..drive(&world, 5_000_000, 4_000, 600)
        };
        let entry = car.forged(drove(trip), world.now, |entry| entry.time.quality = quality);
        is_in_doubt(&world.verdict(&mut car, &entry))
    };
    for quality in [ClockQuality::Synced, ClockQuality::Running] {
        assert!(waits_for(quality, -300, 5), "it ends before it begins");
        assert!(waits_for(quality, 300, 16), "no room for the driving");
        // Both times are rounded down, and the driving up.
        assert!(!waits_for(quality, 300, 10));
        assert!(!waits_for(quality, 0, 1));
    }
    assert!(!waits_for(ClockQuality::Doubtful, -300, 5));
    assert!(!waits_for(ClockQuality::Doubtful, 300, 16));
}

/// Two sessions of two hours each at a time, by a car that hears receipts as it charges; and one after the other.
#[test]
fn a_vehicle_charges_one_session_at_a_time() {
    for (gap_s, expected) in [(0, [false, true]), (2 * HOUR, [false, false])] {
        let (mut world, mut car) = world();
        let mut waits = Vec::new();
        for number in 0..2 {
            world.pass(600 + gap_s);
            let contact = car.mint(CHECK_IN, world.now);
            world.settled(&mut car, &[contact]);
            let started_s = world.now.as_unix_s() - 2 * HOUR;
            let session = Charge {
                started: Some(CoarseTime::containing_unix_s(started_s)),
                ..charge(4_000_000 + 10_000 * number, 10_000)
            };
            waits.push(is_in_doubt(&send(&mut world, &mut car, charged(session))));
        }
        assert_eq!(waits, expected, "{gap_s}");
    }
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
            entry.time.quality = ClockQuality::Doubtful;
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
            entry.time.quality = ClockQuality::Doubtful;
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
        let dashpoint_cloud::PostOutcome::Settled(answer) = posted else {
            panic!("{posted:?}");
        };
        for said in answer.verdicts {
            assert!(!is_in_doubt(&said.verdict), "{said:?}");
        }
    }
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
        let skewed = |at: CoarseTime| CoarseTime::containing_unix_s(at.as_unix_s() + skew_s);
        trip.started = skewed(trip.started);
        let shift = |entry: &mut Entry| {
            entry.time.at = skewed(entry.time.at);
            entry.time.quality = match skew_s {
                0 => ClockQuality::Synced,
                1.. => ClockQuality::Running,
                _ => ClockQuality::Doubtful,
            };
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
