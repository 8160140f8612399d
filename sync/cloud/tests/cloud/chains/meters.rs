//! Counters that are replaced: openings on each bound and beyond it, and what is claimed on each meter.

use dashpoint_membership::*;

use super::tape::Tape;
use crate::support::*;

/// A reading of the old battery's counter, and of the new one's.
const OLD_WH: u64 = 9_000_000;
const NEW_WH: u64 = 50_000;

pub fn story() -> Tape {
    let mut tape = Tape::new(
        "A battery and an instrument cluster are replaced: openings on each bound of 7.14 and beyond it, the same units on two \
         meters, and what all meters of a quantity may say together.",
        "2026-11-22T04:00:00Z",
    );
    let member = tape.member(1, "Asia/Shanghai");
    let mut car = tape.car(2, 3, member);
    tape.pass(5 * DAY);
    tape.answer(&mut car);
    old_battery(&mut tape, &mut car);
    openings(&mut tape, &mut car);
    new_battery(&mut tape, &mut car);
    once_more(&mut tape, &mut car);
    odometers(&mut tape, &mut car);
    tape.pass(30 * DAY);
    tape.maintain(member);
    tape.answer(&mut car);
    tape
}

fn number(number: u32) -> MeterNumber {
    MeterNumber::new(number).unwrap()
}

fn before(tape: &Tape, seconds: i64) -> CoarseTime {
    CoarseTime::containing_unix_s(tape.world.now.as_unix_s() - seconds)
}

/// A session of an hour on a meter.
fn session(tape: &mut Tape, meter: u32, from: u64, wh: u64) -> Subject {
    tape.pass(HOUR);
    let mut session = charge(from, wh);
    session.charged.number = number(meter);
    session.started = Some(before(tape, HOUR));
    charged(session)
}

fn opening(tape: &Tape) -> MeterOpening {
    MeterOpening {
        meter: Meter::Charged,
        number: number(2),
        last: OLD_WH + 10_000,
        first: NEW_WH,
        since: before(tape, DAY),
    }
}

fn old_battery(tape: &mut Tape, car: &mut Car) {
    let old = session(tape, 1, OLD_WH, 10_000);
    tape.send(car, old);
    tape.pass(2 * DAY);
    tape.answer(car);
}

/// Each that is in doubt or cannot be, and the one that opens.
fn openings(tape: &mut Tape, car: &mut Car) {
    type Change = fn(&mut MeterOpening);
    let changes: [Change; 9] = [
        |said| said.number = number(1),
        |said| said.first = 10_000_000_001,
        |said| said.number = number(3),
        |said| said.last -= 1,
        |said| said.last += 3_000_000,
        |said| said.first = said.last,
        |said| said.first = said.last + 250_000,
        |said| said.since = CoarseTime::containing_unix_s(said.since.as_unix_s() + 300),
        |said| said.since = CoarseTime::containing_unix_s(said.since.as_unix_s() - 7 * DAY),
    ];
    for change in changes {
        let mut said = opening(tape);
        change(&mut said);
        tape.send(car, Subject::OpenMeter(said));
    }
    // By a clock that the car does not trust, long before it was enrolled.
    let mut said = opening(tape);
    said.since = before(tape, 12 * DAY);
    tape.send_forged(car, Subject::OpenMeter(said), |entry| {
        entry.time.quality = ClockQuality::Doubtful;
    });
    // Another one says the same meter.
    let said = opening(tape);
    tape.send(car, Subject::OpenMeter(said));
    tape.answer(car);
}

fn new_battery(tape: &mut Tape, car: &mut Car) {
    for (meter, from, wh) in [
        // The same units as of the old one, and the same once more.
        (2, OLD_WH, 10_000),
        (2, NEW_WH, 10_000),
        (2, NEW_WH + 9_999, 5_000),
        (2, NEW_WH - 1_000, 1_000),
        (1, OLD_WH + 10_000, 5_000),
    ] {
        let next = session(tape, meter, from, wh);
        tape.send(car, next);
    }
    tape.pass(8 * DAY);
    tape.answer(car);
    // A battery, and 70 kWh of a day that is not over yet, on both together.
    for (meter, from, wh) in [
        (1, OLD_WH + 15_000, 170_000),
        (2, NEW_WH + 10_000, 140_000),
        (2, NEW_WH + 150_000, 30_000),
        (1, OLD_WH + 185_000, 30_000),
    ] {
        let next = session(tape, meter, from, wh);
        tape.send_forged(car, next, |entry| {
            entry.time.quality = ClockQuality::Doubtful;
        });
    }
}

/// A second swap within the year, by a policy that lets it and by one that does not; after one on which the old one has counted.
fn once_more(tape: &mut Tape, car: &mut Car) {
    tape.pass(3 * DAY);
    tape.answer(car);
    let third = |tape: &Tape| MeterOpening {
        number: number(3),
        last: NEW_WH + 151_000,
        first: 7_000,
        ..opening(tape)
    };
    let next = session(tape, 2, NEW_WH + 150_000, 1_000);
    tape.send(car, next);
    let said = third(tape);
    tape.send(car, Subject::OpenMeter(said));
    tape.policy(|policy| policy.allowance.meters_per_year = Some(2));
    let said = third(tape);
    tape.send(car, Subject::OpenMeter(said));
    tape.pass(DAY + HOUR);
    let said = third(tape);
    tape.send(car, Subject::OpenMeter(said));
    let next = session(tape, 3, 7_000, 5_000);
    tape.send(car, next);
}

/// Goes on to the next noon: nothing of a drive is late then.
fn noon(tape: &mut Tape, car: &mut Car) {
    let left_s = (NOON - tape.world.now.as_unix_s()).rem_euclid(DAY);
    tape.pass(left_s);
    tape.answer(car);
}

/// A trip on an odometer that ends now.
fn trip_on(tape: &Tape, meter: u32, from: u64, metres: u64, minutes: u32) -> Trip {
    Trip {
        odometer: MeterInterval {
            number: number(meter),
            ..MeterInterval::of_first(Meter::Odometer, from, from + metres)
        },
        started: before(tape, i64::from(minutes) * 60),
        driving: DrivingTime::Minutes(minutes),
        used_wh: u32::try_from(metres / 7).unwrap(),
        ..trip(from, metres)
    }
}

/// Two odometers: energy that nothing explains in trips in a row, and what a day holds on both together.
fn odometers(tape: &mut Tape, car: &mut Car) {
    noon(tape, car);
    let first = trip_on(tape, 1, 1_000_000, 20_000, 30);
    tape.send(car, drove(first));
    tape.pass(2 * DAY);
    tape.answer(car);
    let said = MeterOpening {
        meter: Meter::Odometer,
        last: 1_020_000,
        first: 12_000,
        ..opening(tape)
    };
    tape.send(car, Subject::OpenMeter(said));
    tape.pass(2 * DAY);
    for (meter, from, over) in [
        (2, 12_000, 1_000),
        (1, 1_020_000, 1_001),
        (1, 1_020_000, 1_000),
        (2, 22_000, 1),
    ] {
        tape.pass(HOUR);
        let mut trip = trip_on(tape, meter, from, 10_000, 30);
        trip.used_wh = 10_000 + 5_000 + over;
        tape.send(car, drove(trip));
    }
    tape.pass(2 * DAY);
    noon(tape, car);
    // What a day holds, on both together; what is beyond it is claimed again two days later.
    for (meter, from) in [(1, 1_030_000), (2, 100_000), (1, 2_030_000), (2, 1_100_000)] {
        let trip = trip_on(tape, meter, from, 1_000_000, 300);
        doubtful(tape, car, trip);
    }
    for (meter, from, metres) in [(1, 3_030_000, 50_001), (2, 2_100_000, 50_000)] {
        let trip = trip_on(tape, meter, from, metres, 30);
        doubtful(tape, car, trip);
    }
    tape.pass(DAY);
    noon(tape, car);
    for (meter, from, metres) in [(1, 3_030_000, 50_001), (2, 2_100_000, 50_000)] {
        let trip = trip_on(tape, meter, from, metres, 30);
        doubtful(tape, car, trip);
    }
}

fn doubtful(tape: &mut Tape, car: &mut Car, trip: Trip) {
    tape.send_forged(car, drove(trip), |entry| {
        entry.time.quality = ClockQuality::Doubtful;
    });
}
