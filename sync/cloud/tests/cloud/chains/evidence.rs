//! Evidence on each bound, and one unit beyond it.

use dashpoint_membership::*;

use super::tape::Tape;
use crate::support::*;

pub fn story() -> Tape {
    let mut tape = Tape::new(
        "Evidence on each bound of what a car can do, and one unit beyond it.",
        "2026-11-22T04:00:00Z",
    );
    let member = tape.member(1, "Asia/Shanghai");
    let mut car = tape.car(2, 3, member);
    trips(&mut tape, &mut car);
    factors(&mut tape, &mut car);
    sessions(&mut tape, &mut car);
    tape
}

type Change = fn(&mut Trip);

fn trips(tape: &mut Tape, car: &mut Car) {
    let changes: [Change; 17] = [
        |trip| trip.odometer.meter = Meter::Charged,
        |trip| trip.odometer.to = trip.odometer.from,
        |trip| trip.odometer.from = trip.odometer.to + 5,
        |trip| shift(trip, 10_000_000_000),
        |trip| shift(trip, 10_000_000_001),
        |trip| trip.driving = DrivingTime::Seconds(89),
        |trip| trip.driving = DrivingTime::Seconds(90),
        |trip| trip.driving = DrivingTime::Minutes(1),
        |trip| (trip.driving, trip.missed_s) = (DrivingTime::Minutes(1), 30),
        |trip| (trip.driving, trip.missed_s) = (DrivingTime::Seconds(259_140), 61),
        |trip| (trip.driving, trip.missed_s) = (DrivingTime::Minutes(4_319), 60),
        |trip| (trip.driving, trip.missed_s) = (DrivingTime::Minutes(4_319), 61),
        |trip| trip.used_wh = 501_000,
        |trip| trip.used_wh = 501_001,
        |trip| trip.regained_wh = 501_001,
        |trip| trip.score_x100 = 9_999,
        |trip| trip.score_x100 = 9_998,
    ];
    for change in changes {
        let mut trip = tape.drive(10_000);
        change(&mut trip);
        tape.send(car, drove(trip));
    }
    tape.answer(car);
}

fn shift(trip: &mut Trip, to: u64) {
    trip.odometer.from = to - 1_000;
    trip.odometer.to = to;
}

fn factors(tape: &mut Tape, car: &mut Car) {
    let seen = |factor, against_ms, base_ms| FactorSeen {
        factor,
        against_ms,
        base_ms,
    };
    let all = vec![
        seen(Factor::HardBraking, 1_100, 60_000),
        seen(Factor::AggressiveTurning, 9_000, 100_000),
        seen(Factor::UnsafeFollowing, 77_000, 130_000),
        seen(Factor::LateNight, 90_000, 1_800_000),
        seen(Factor::ExcessiveSpeed, 65_432, 1_800_000),
        seen(Factor::Unbuckled, 0, 1_800_000),
    ];
    let cases = [
        all.clone(),
        vec![seen(Factor::HardBraking, 60_000, 60_000)],
        vec![seen(Factor::HardBraking, 0, 0)],
        vec![seen(Factor::LateNight, 123_456, 1_801_000)],
        vec![seen(Factor::LateNight, 123_456, 1_801_001)],
        vec![seen(Factor::HardBraking, 60_001, 60_000)],
        vec![all[1], all[0]],
        vec![all[0], all[0]],
        Vec::new(),
    ];
    for factors in cases {
        let mut trip = tape.drive(12_000);
        let policy = tape.world.core.policy(None, tape.world.now).unwrap();
        trip.score_x100 = score_x100(&policy.score, &factors);
        trip.factors = factors;
        tape.send(car, drove(trip));
    }
    tape.answer(car);
}

fn sessions(tape: &mut Tape, car: &mut Car) {
    tape.pass(DAY);
    for (energy_wh, permille) in [
        (499, 1_000),
        (500, 299),
        (500, 300),
        (2_000_000, 500),
        (2_000_001, 500),
        (1_000, 1_001),
    ] {
        let mut charge = tape.charge(energy_wh);
        charge.renewable_permille = permille;
        tape.send(car, charged(charge));
    }
    for (from, to) in [
        (0, 2_000_000),
        (2_000_000, 4_000_001),
        (2_500_000, 2_500_000),
    ] {
        tape.pass(HOUR);
        let discharge = Discharge {
            discharged: MeterInterval::of_first(Meter::Discharged, from, to),
            started: None,
        };
        tape.send(car, earn(Evidence::Discharge(discharge)));
    }
    tape.answer(car);
}
