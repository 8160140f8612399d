//! Hours of driving, and clocks that are wrong.

use dashpoint_membership::*;

use super::*;

#[test]
fn late_hours_are_known_to_the_cloud_too() {
    let at_three_by = |quality: ClockQuality, factors: &[FactorSeen]| {
        let (mut world, mut car) = world();
        // 03:00 to 04:00 in China.
        world.now = at(NOON + 3 * DAY + 16 * HOUR);
        let mut trip = drive(&world, 5_000_000, 60_000, 3_600);
        trip.factors = factors.to_vec();
        let policy = world.core.policy(None, world.now).unwrap();
        trip.score_x100 = score_x100(&policy.score, factors);
        let entry = car.forged(drove(trip), world.now, |entry| entry.time.quality = quality);
        is_in_doubt(&world.verdict(&mut car, &entry))
    };
    // A car counts the hours by the clock that its entry has, right or wrong.
    let at_three = |factors: &[FactorSeen]| {
        let by = |quality| at_three_by(quality, factors);
        let waits = by(ClockQuality::Synced);
        assert_eq!(by(ClockQuality::Doubtful), waits, "{factors:?}");
        waits
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

/// Four trips at once, and four sessions, that end after they arrived: by a clock that is nearly right, and by one that is not.
#[test]
fn an_end_after_the_arrival_does_not_hide_trips_at_once() {
    for ahead_s in [600, 900, 1_500, 8 * HOUR, 23 * HOUR] {
        for is_trip in [true, false] {
            let (mut world, mut car) = world();
            world.pass(9 * HOUR);
            let mut waits = Vec::new();
            for number in 0..4 {
                let started = CoarseTime::containing_unix_s(world.now.as_unix_s() - 10_200);
                let subject = if is_trip {
                    let trip = drive(&world, 5_000_000 + 30_000 * number, 30_000, 10_200);
                    drove(Trip { started, ..trip })
                } else {
                    charged(session(&world, 4_000_000 + 5_000 * number, 5_000, 10_200))
                };
                let entry = car.forged(subject, world.now, |entry| {
                    entry.time.at = CoarseTime::containing_unix_s(world.now.as_unix_s() + ahead_s);
                });
                waits.push(is_in_doubt(&world.verdict(&mut car, &entry)));
            }
            // A session of more than three hours under way when the receipt came may be longer by a clock that was set.
            let is_sure = is_trip || ahead_s <= 600;
            let expected = [false, is_sure, is_sure, is_sure];
            assert_eq!(waits, expected, "{ahead_s} {is_trip}");
        }
    }
}

/// A clock that shows local time for UTC is set right: what is driven in the eight hours after it has the times of before.
#[test]
fn a_clock_that_was_set_back_keeps_no_honest_car_waiting() {
    for ahead_s in [600, 8 * HOUR] {
        let (mut world, mut car) = world();
        let mut at_m = 5_000_000;
        let mut drive_by = |world: &mut World, ahead_s: i64| {
            world.pass(1_500);
            let trip = drive(world, at_m, 15_000, 1_200);
            at_m += 15_000;
            let by_clock = |at: CoarseTime| CoarseTime::containing_unix_s(at.as_unix_s() + ahead_s);
            let trip = Trip {
                started: by_clock(trip.started),
                ..trip
            };
            let entry = car.forged(drove(trip), world.now, |entry| {
                entry.time.at = by_clock(entry.time.at);
                // The late hours are the matter of others.
                entry.time.utc_offset_min = 0;
            });
            world.verdict(&mut car, &entry)
        };
        for _ in 0..6 {
            let verdict = drive_by(&mut world, ahead_s);
            assert!(!is_in_doubt(&verdict), "{verdict:?}");
        }
        for _ in 0..30 {
            let verdict = drive_by(&mut world, 0);
            assert!(!is_in_doubt(&verdict), "{ahead_s}: {verdict:?}");
        }
    }
}

/// A session is held against the enrolment as a trip is; one at a household socket may have begun two days before it.
#[test]
fn a_session_is_of_a_time_when_its_head_unit_was_enrolled() {
    let waits_for = |started_before_s: i64, ended_before_s: i64, quality| {
        let mut world = World::new();
        let member = world.member(1);
        let mut car = world.car(2, 3, member);
        world.pass(HOUR);
        let enrolled_s = world.now.as_unix_s() - HOUR;
        let before = |seconds: i64| CoarseTime::containing_unix_s(enrolled_s - seconds);
        let entry = charge(4_000_000, 20_000);
        let entry = Charge {
            started: Some(before(started_before_s)),
            ..entry
        };
        let entry = car.forged(charged(entry), world.now, |entry| {
            entry.time.at = before(ended_before_s);
            entry.time.quality = quality;
        });
        is_in_doubt(&world.verdict(&mut car, &entry))
    };
    use ClockQuality::{Doubtful, Running, Synced};
    let years_s = 10 * 366 * DAY;
    for quality in [Synced, Running] {
        assert!(waits_for(years_s + HOUR, years_s, quality));
        assert!(waits_for(years_s, -HOUR, quality));
        assert!(waits_for(20 * HOUR, 4 * HOUR, quality));
        assert!(waits_for(50 * HOUR, -HOUR, quality));
        assert!(!waits_for(47 * HOUR, -HOUR, quality));
        assert!(!waits_for(3 * HOUR, 2 * HOUR, quality));
    }
    assert!(!waits_for(years_s + HOUR, years_s, Doubtful));
}

/// A car does not charge while it drives; with its ignition on it does, while it stands.
#[test]
fn a_vehicle_does_not_charge_while_it_drives() {
    for is_trip_first in [true, false] {
        for (driven_s, charged_s, expected) in [
            (7_200, 3_600, true),
            (7_200, 2_400, true),
            (3_600, 3_600, false),
            (7_200, 1_800, false),
        ] {
            let (mut world, mut car) = world();
            world.pass(9 * HOUR);
            let trip = Trip {
                driving: DrivingTime::Seconds(driven_s),
                ..drive(&world, 5_000_000, 60_000, 7_200)
            };
            let session = session(&world, 4_000_000, 40_000, charged_s);
            let mut subjects = vec![charged(session), drove(trip)];
            if is_trip_first {
                subjects.reverse();
            }
            let waits: Vec<_> = subjects
                .into_iter()
                .map(|subject| is_in_doubt(&send(&mut world, &mut car, subject)))
                .collect();
            assert_eq!(waits, [false, expected], "{driven_s} {charged_s}");
        }
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

/// Whatever its clock shows, both times of an entry are of it, and the driving has room between them.
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
    for quality in [
        ClockQuality::Synced,
        ClockQuality::Running,
        ClockQuality::Doubtful,
    ] {
        assert!(waits_for(quality, -300, 5), "it ends before it begins");
        assert!(waits_for(quality, 300, 16), "no room for the driving");
        // Both times are rounded down, and the driving up.
        assert!(!waits_for(quality, 300, 10));
        assert!(!waits_for(quality, 0, 1));
    }
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
        let trip = Trip {
            started: CoarseTime::containing_unix_s(-7_200),
            ..drive(&world, 5_000_000 + 4_000 * number, 4_000, 7_200)
        };
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
        let trip = Trip {
            started: CoarseTime::containing_unix_s(-7_200),
            ..drive(world, at_m, 60_000, 7_200)
        };
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
