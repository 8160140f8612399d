//! Evidence on each bound of doubt, and beyond it.

use dashpoint_membership::*;

use super::tape::Tape;
use crate::support::*;

pub fn story() -> Tape {
    let mut tape = Tape::new(
        "Evidence on each bound of what odometer, time, speed and energy allow, and beyond it: what is in doubt waits for an \
         operator and holds no metre.",
        "2026-11-22T04:00:00Z",
    );
    let member = tape.member(1, "Asia/Shanghai");
    let mut car = tape.car(2, 3, member);
    young(&mut tape, &mut car);
    alone(&mut tape, &mut car);
    together(&mut tape, &mut car);
    timed(&mut tape, &mut car);
    busy(&mut tape, &mut car);
    at_once(&mut tape, &mut car);
    beside(&mut tape, &mut car);
    late(&mut tape, &mut car);
    far(&mut tape, &mut car);
    energy(&mut tape, &mut car);
    power(&mut tape, &mut car);
    week(&mut tape, &mut car);
    tape.pass(30 * DAY);
    tape.maintain(member);
    tape.answer(&mut car);
    tape
}

type Change = fn(&mut Trip);

/// A trip that is longer than its head unit has been enrolled, by three hours and by more; and one that began before, by as much.
fn young(tape: &mut Tape, car: &mut Car) {
    let enrolled = tape.world.now;
    for minutes in [210, 243] {
        let mut trip = tape.drive(30_000);
        trip.driving = DrivingTime::Minutes(minutes);
        trip.started = before(tape.world.now, 60 * i64::from(minutes));
        tape.send(car, drove(trip));
    }
    for (before_s, quality) in [
        (11_100, ClockQuality::Synced),
        (11_400, ClockQuality::Synced),
        (11_400, ClockQuality::Doubtful),
    ] {
        let mut trip = tape.drive(10_000);
        trip.started = before(enrolled, before_s);
        tape.send_forged(car, drove(trip), |entry| {
            entry.time.at = before(enrolled, before_s - 1_800);
            entry.time.quality = quality;
        });
    }
    // A session of two days before, and one that was over three hours before.
    for (started_before_s, ended_before_s) in [
        (173_100, -300),
        (173_400, -300),
        (11_100, 11_100),
        (11_400, 11_400),
    ] {
        let mut charge = tape.charge(3_000);
        charge.started = Some(before(enrolled, started_before_s));
        tape.send_forged(car, charged(charge), |entry| {
            entry.time.at = before(enrolled, ended_before_s);
        });
    }
    tape.answer(car);
}

/// What one trip says of itself.
fn alone(tape: &mut Tape, car: &mut Car) {
    let changes: [Change; 17] = [
        |trip| {
            (trip.odometer.to, trip.regained_wh) =
                (trip.odometer.from + 90_000, trip.used_wh + 57_000);
        },
        |trip| {
            (trip.odometer.to, trip.regained_wh) =
                (trip.odometer.from + 90_000, trip.used_wh + 57_001);
        },
        |trip| (trip.driving, trip.missed_s) = (DrivingTime::Minutes(2), 24),
        |trip| (trip.driving, trip.missed_s) = (DrivingTime::Minutes(2), 23),
        |trip| trip.regained_wh = trip.used_wh + 12_000,
        |trip| trip.regained_wh = trip.used_wh + 12_001,
        |trip| trip.used_wh = 17_000,
        |trip| trip.used_wh = 17_001,
        |trip| trip.factors[0].base_ms = 0,
        |trip| trip.factors[0].base_ms = 9,
        |trip| trip.factors[0].base_ms = 10,
        |trip| {
            (trip.driving, trip.factors[0].base_ms) = (DrivingTime::Minutes(60), 999);
        },
        |trip| {
            (trip.driving, trip.factors[0].base_ms) = (DrivingTime::Minutes(60), 1_000);
        },
        |trip| trip.factors[0] = seen(Factor::ExcessiveSpeed, 2_699_999),
        |trip| trip.factors[0] = seen(Factor::ExcessiveSpeed, 2_700_000),
        |trip| trip.factors[0] = seen(Factor::Unbuckled, 59_999),
        |trip| trip.factors[0] = seen(Factor::Unbuckled, 60_000),
    ];
    for change in changes {
        tape.pass(DAY);
        let mut trip = tape.drive(90_000);
        trip.odometer.to = trip.odometer.from + 10_000;
        (trip.used_wh, trip.regained_wh) = (1_428, 200);
        (trip.driving, trip.missed_s) = (DrivingTime::Minutes(50), 0);
        change(&mut trip);
        tape.send(car, drove(trip));
        tape.answer(car);
    }
}

/// Energy that each trip alone explains, and all of a day together do not; a trip that leaves room is paid in between.
fn together(tape: &mut Tape, car: &mut Car) {
    let excesses: [Change; 2] = [
        |trip| trip.regained_wh = trip.used_wh + 11_200,
        |trip| trip.used_wh = 16_200,
    ];
    for excess in excesses {
        tape.pass(2 * DAY);
        tape.answer(car);
        let plain: Change = |_| ();
        let close: Change = |trip| trip.used_wh = 15_000;
        for change in [excess, excess, plain, excess, close, excess] {
            let mut trip = tape.drive(10_000);
            change(&mut trip);
            tape.send(car, drove(trip));
        }
    }
}

const fn seen(factor: Factor, base_ms: u64) -> FactorSeen {
    FactorSeen {
        factor,
        against_ms: 0,
        base_ms,
    }
}

fn entry_time(entry: &Entry) -> ServerTime {
    ServerTime::from_unix_s(entry.time.at.as_unix_s())
}

fn before(at: ServerTime, seconds: i64) -> CoarseTime {
    CoarseTime::containing_unix_s(at.as_unix_s() - seconds)
}

/// Driving for which there is room between beginning and end, and for which there is none; and an end before the beginning.
fn timed(tape: &mut Tape, car: &mut Car) {
    use ClockQuality::{Doubtful, Running, Synced};
    for (minutes, lasted_s, quality) in [
        (40, 1_800, Synced),
        (41, 1_800, Synced),
        (41, 1_800, Running),
        (41, 1_800, Doubtful),
        (3, 0, Synced),
        (3, -300, Synced),
    ] {
        tape.pass(HOUR);
        let mut trip = tape.drive(10_000);
        trip.driving = DrivingTime::Minutes(minutes);
        trip.started = before(tape.world.now, lasted_s);
        tape.send_forged(car, drove(trip), |entry| entry.time.quality = quality);
        tape.answer(car);
    }
    let mut charge = tape.charge(5_000);
    charge.started = Some(before(tape.world.now, -300));
    tape.send(car, charged(charge));
}

/// Trips of an hour each, and sessions of three, at once by the car's own clock, with receipts on the way.
fn at_once(tape: &mut Tape, car: &mut Car) {
    tape.pass(DAY);
    let ended = tape.world.now;
    for _ in 0..3 {
        let mut trip = tape.drive(10_000);
        trip.started = before(ended, HOUR);
        tape.answer(car);
        tape.send_forged(car, drove(trip), |entry| {
            entry.time.at = before(ended, 0);
        });
    }
    // By a clock that is nearly right, one that is ahead, and one that is not known to be wrong.
    for ahead_s in [600, 7_200, 7_200, 7_200, 900] {
        let mut trip = tape.drive(10_000);
        trip.started = before(tape.world.now, 3_600 - ahead_s);
        tape.send_forged(car, drove(trip), |entry| {
            entry.time.at = before(entry_time(entry), -ahead_s);
        });
    }
    tape.pass(DAY);
    let ended = tape.world.now;
    // A session that is longer, with receipts on the way, may be so by a clock that was set.
    for lasted_s in [11_100, 10_800, 10_800] {
        let mut charge = tape.charge(6_000);
        charge.started = Some(before(ended, lasted_s));
        tape.answer(car);
        tape.send_forged(car, charged(charge), |entry| {
            entry.time.at = before(ended, 0);
        });
    }
}

/// Driving and overlaps, against the time that passed.
fn busy(tape: &mut Tape, car: &mut Car) {
    tape.pass(DAY);
    tape.answer(car);
    for _ in 0..4 {
        let mut trip = tape.drive(40_000);
        trip.driving = DrivingTime::Minutes(700);
        trip.started = before(tape.world.now, 42_000);
        // At times that nobody can check.
        tape.send_forged(car, drove(trip), |entry| {
            entry.time.quality = ClockQuality::Doubtful;
        });
    }
    tape.pass(2 * DAY);
    tape.answer(car);
    // At the same half hour, by the car's own clock.
    tape.pass(HOUR);
    let ended = tape.world.now;
    for _ in 0..3 {
        let mut trip = tape.drive(10_000);
        trip.started = before(ended, 1_800);
        let clock = tape.world.now;
        let entry = tape.make_at(car, drove(trip), ended, clock);
        tape.arrive(car, &entry);
    }
}

/// Sessions in the hour of a trip, and a trip in the hour of sessions, which may have stood still or not.
fn beside(tape: &mut Tape, car: &mut Car) {
    for minutes in [60, 30] {
        for is_trip_first in [true, false] {
            tape.pass(DAY);
            tape.answer(car);
            let mut trip = tape.drive(20_000);
            trip.driving = DrivingTime::Minutes(minutes);
            trip.started = before(tape.world.now, HOUR);
            let ended = tape.world.now;
            let mut charge = tape.charge(7_000);
            charge.started = Some(before(ended, 2_100));
            let mut subjects = [drove(trip), charged(charge)];
            if !is_trip_first {
                subjects.reverse();
            }
            for subject in subjects {
                tape.send_forged(car, subject, |entry| entry.time.at = before(ended, 0));
            }
        }
    }
}

/// Half an hour of the night by the clock of the entry, which is 330 min ahead of UTC, with and without its factor.
fn late(tape: &mut Tape, car: &mut Car) {
    tape.pass(DAY);
    let day = tape.world.now.as_unix_s().div_euclid(DAY) + 1;
    // Three in the morning there.
    let night = day * DAY + 3 * HOUR - 330 * 60;
    tape.pass(night - tape.world.now.as_unix_s());
    tape.answer(car);
    for seen_percent in [None, Some(100), Some(40)] {
        tape.pass(DAY - 1_800);
        let mut trip = tape.drive(12_000);
        if let Some(percent) = seen_percent {
            trip.factors.push(FactorSeen {
                factor: Factor::LateNight,
                against_ms: 18_000 * percent,
                base_ms: 1_800_000,
            });
        }
        let policy = tape.world.core.policy(None, tape.world.now).unwrap();
        trip.score_x100 = score_x100(&policy.score, &trip.factors);
        tape.send(car, drove(trip));
        tape.answer(car);
    }
}

/// Gaps in the odometer, and a stretch below what was known.
fn far(tape: &mut Tape, car: &mut Car) {
    tape.pass(2 * DAY);
    tape.answer(car);
    for ahead in [49_000, 900_000, 30_000_000] {
        let trip = tape.drive(10_000);
        let mut far = trip.clone();
        shift(&mut far, trip.odometer.from + ahead);
        tape.send(car, drove(far));
        tape.answer(car);
    }
    let mut below = tape.drive(10_000);
    shift(&mut below, 12_000_000);
    tape.send(car, drove(below.clone()));
    tape.answer(car);
    // Under the receipt of its first day, which was older than all that is known.
    shift(&mut below, 11_900_000);
    tape.send_forged(car, drove(below), |entry| entry.receipt_at = at(NOON));
    tape.answer(car);
}

fn shift(trip: &mut Trip, from: u64) {
    let metres = trip.odometer.length();
    trip.odometer.from = from;
    trip.odometer.to = from + metres;
}

/// Energy of one session, of several, and of one that was found asleep.
fn energy(tape: &mut Tape, car: &mut Car) {
    tape.pass(2 * DAY);
    tape.answer(car);
    for (energy_wh, is_seen) in [
        (250_000, true),
        (250_001, true),
        (240_000, true),
        (240_000, true),
        (900_000, false),
        (1_900_000, false),
    ] {
        tape.pass(HOUR * 6);
        let mut charge = tape.charge(energy_wh);
        charge.started = charge.started.filter(|_| is_seen);
        charge.renewable_permille = 101;
        charge.grade = Grade::Estimated;
        tape.send(car, charged(charge));
    }
    tape.pass(5 * DAY);
    tape.answer(car);
    let charge = tape.charge(1_000_000);
    tape.send(
        car,
        charged(Charge {
            started: None,
            ..charge
        }),
    );
}

/// What chargers give in an hour and ten minutes.
fn power(tape: &mut Tape, car: &mut Car) {
    for (current, energy_wh, lasted_s) in [
        (Current::Ac, 52_166, HOUR),
        (Current::Ac, 52_167, HOUR),
        (Current::Dc, 168_666, 0),
        (Current::Unknown, 168_667, 0),
    ] {
        tape.pass(3 * DAY);
        tape.answer(car);
        let charge = tape.charge(energy_wh);
        let charge = Charge {
            current,
            started: Some(before(tape.world.now, lasted_s)),
            ..charge
        };
        tape.send(car, charged(charge));
    }
}

/// A week of charging that is more than a battery and what nobody says; with metres and with energy that was given it is not.
fn week(tape: &mut Tape, car: &mut Car) {
    let mut given = 50_000;
    for (days, metres, given_wh) in [(11, 0, 0), (4, 150_000, 0), (4, 0, 80_000)] {
        tape.pass(9 * DAY);
        for _ in 0..days {
            tape.answer(car);
            if metres > 0 {
                let trip = tape.drive(metres);
                tape.send(car, drove(trip));
            }
            if given_wh > 0 {
                let discharge = Discharge {
                    discharged: MeterInterval::of_first(Meter::Discharged, given, given + given_wh),
                    started: None,
                };
                given += given_wh;
                tape.send(car, earn(Evidence::Discharge(discharge)));
            }
            let charge = tape.charge(160_000);
            tape.send(car, charged(charge));
            tape.pass(DAY);
        }
    }
}
