//! Claims of a device that was enrolled a moment ago, and times at the ends of the range.

use dashpoint_membership::*;

use crate::support::*;

fn is_in_doubt(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Review {
            reason: ReviewReason::Evidence,
            ..
        }
    )
}

/// A member's car that was enrolled just now.
fn world() -> (World, Car) {
    let mut world = World::new();
    let member = world.member(1);
    let car = world.car(2, 3, member);
    (world, car)
}

/// A trip of three hours that begins at a reading; its energy fits its way.
fn three_hours(world: &World, from_m: u64) -> Trip {
    Trip {
        started: CoarseTime::containing_unix_s(world.now.as_unix_s() - 3 * HOUR),
        driving: DrivingTime::Seconds(10_800),
        used_wh: 3_000,
        regained_wh: 0,
        ..trip(from_m, 20_000)
    }
}

/// Sends claims, one a minute; returns which of them wait for an operator.
///
/// A claim that pays nothing never waits: all of them together stay below the cap of a day.
fn doubted<const MANY: usize>(
    qualities: [ClockQuality; MANY],
    claim: impl Fn(&World, u64) -> Subject,
) -> Vec<bool> {
    let (mut world, mut car) = world();
    let mut waits = Vec::new();
    for (number, quality) in (0..).zip(qualities) {
        world.pass(60);
        let subject = claim(&world, number);
        let entry = car.forged(subject, world.now, |entry| entry.time.quality = quality);
        let verdict = world.verdict(&mut car, &entry);
        assert!(!matches!(verdict, Verdict::Rejected { .. }), "{verdict:?}");
        waits.push(is_in_doubt(&verdict));
    }
    waits
}

/// A head unit may be enrolled on the way: the first trip is believed. The others were at the same time, whatever the car has
/// heard on the way; for a clock that says itself that it is wrong, all trips together have six hours of slack.
#[test]
fn a_new_device_has_not_driven_for_longer_than_it_is_enrolled() {
    for (quality, second) in [
        (ClockQuality::Synced, true),
        (ClockQuality::Running, true),
        (ClockQuality::Doubtful, false),
    ] {
        let waits = doubted([quality; 4], |world, number| {
            drove(three_hours(world, 100_000 + number * 20_000))
        });
        assert_eq!(waits, [false, second, true, true], "{quality:?}");
    }
}

/// Trips that claim to have begun before there was anybody to see them.
#[test]
fn a_new_device_has_not_driven_before_it_was_enrolled() {
    for (quality, days, expected) in [
        (ClockQuality::Synced, 0, false),
        (ClockQuality::Synced, 1, true),
        (ClockQuality::Running, 9, true),
        (ClockQuality::Doubtful, 9, false),
    ] {
        let (mut world, mut car) = world();
        world.pass(60);
        let trip = Trip {
            started: CoarseTime::containing_unix_s(world.now.as_unix_s() - days * DAY - 1_800),
            ..trip(100_000, 20_000)
        };
        let entry = car.forged(drove(trip), world.now, |entry| {
            let ended_s = world.now.as_unix_s() - days * DAY;
            entry.time.at = CoarseTime::containing_unix_s(ended_s);
            entry.time.quality = quality;
        });
        let verdict = world.verdict(&mut car, &entry);
        assert_eq!(is_in_doubt(&verdict), expected, "{quality:?} {days}");
    }
}

#[test]
fn a_new_device_has_not_charged_more_than_a_battery_holds() {
    let waits = doubted([ClockQuality::Synced; 2], |world, number| {
        let ended_s = world.now.as_unix_s();
        charged(Charge {
            started: Some(CoarseTime::containing_unix_s(ended_s - 1_200)),
            renewable_permille: 310,
            ..charge(number * 150_000, 150_000)
        })
    });
    assert_eq!(waits, [false, true]);
}

/// The sum is the device's own: the trips of the vehicle's last one are not in it.
#[test]
fn the_trips_of_the_device_before_are_not_those_of_the_new_one() {
    let (mut world, mut old) = world();
    world.pass(3 * DAY);
    for number in 0..2 {
        world.pass(3 * HOUR);
        let entry = old.mint(
            drove(three_hours(&world, 100_000 + number * 20_000)),
            world.now,
        );
        let verdict = world.verdict(&mut old, &entry);
        assert!(!is_in_doubt(&verdict), "{verdict:?}");
    }
    let mut new = world.car(4, 3, old.member);
    world.pass(3 * HOUR);
    let entry = new.mint(drove(three_hours(&world, 300_000)), world.now);
    let verdict = world.verdict(&mut new, &entry);
    assert!(!is_in_doubt(&verdict), "{verdict:?}");
}

/// Whatever a device writes into its times, it gets a verdict, and the next entry has its turn.
#[test]
fn times_at_the_ends_of_the_range_get_a_verdict() {
    let ends = [i64::MIN, i64::MIN / 2, -1, 0, i64::MAX / 2, i64::MAX];
    let coarse = ends.map(CoarseTime::containing_unix_s);
    let mut claims = 0_u64;
    let (mut world, mut car) = world();
    world.pass(DAY);
    for started in coarse {
        for at in coarse {
            for receipt_at in ends {
                for quality in [ClockQuality::Synced, ClockQuality::Doubtful] {
                    claims += 1;
                    let subject = drove(Trip {
                        started,
                        ..trip(1_000 * claims, 100)
                    });
                    let entry = car.forged(subject, world.now, |entry| {
                        entry.time.at = at;
                        entry.time.quality = quality;
                        entry.receipt_at = ServerTime::from_unix_s(receipt_at);
                    });
                    world.verdict(&mut car, &entry);
                }
            }
        }
    }
    let mut other = world.car(5, 6, car.member);
    let contact = other.mint(CHECK_IN, world.now);
    world.settled(&mut other, &[contact]);
}
