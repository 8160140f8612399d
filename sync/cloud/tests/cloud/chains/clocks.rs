//! The time that an entry counts for, and what sets the chain's sums back.

use dashpoint_membership::*;

use super::tape::Tape;
use crate::support::*;

pub fn story() -> Tape {
    let mut tape = Tape::new(
        "Entries from before their receipt, from after their arrival, out of order, and from 100 days ago; the time of a \
         chain never goes back; only a newer receipt sets its sums to 0; receipts that were not signed, and one that a clock \
         signed that was ahead.",
        "2026-11-22T04:00:00Z",
    );
    let member = tape.member(1, "America/New_York");
    let mut car = tape.car(2, 3, member);
    let noon = tape.world.now;
    // A car whose clock is a day behind the receipt, and one that is a year ahead.
    tape.pass(HOUR);
    for (days, clock_days) in [(-1, -1), (365, 365), (365, 0), (-20_000, -20_000)] {
        let ended = noon.plus_s(days * DAY);
        let clock = noon.plus_s(clock_days * DAY);
        let entry = tape.make_at(&mut car, CHECK_IN, ended, clock);
        tape.arrive(&car, &entry);
        tape.pass(600);
    }
    out_of_order(&mut tape, &mut car);
    receipts(&mut tape, &mut car);
    named(&mut tape, &mut car);
    ahead(&mut tape, &mut car);
    long_offline(&mut tape, &mut car);
    tape
}

/// Three days, told in the order third, first, second: the first and second count for the third.
fn out_of_order(tape: &mut Tape, car: &mut Car) {
    tape.answer(car);
    let begin = tape.world.now;
    tape.pass(4 * DAY);
    for days in [3, 1, 2] {
        let mut trip = tape.drive(5_432);
        let (ended, clock) = (begin.plus_s(days * DAY), tape.world.now);
        trip.started = CoarseTime::containing_unix_s(ended.as_unix_s() - 1_800);
        let entry = tape.make_at(car, drove(trip), ended, clock);
        tape.arrive(car, &entry);
    }
}

/// A receipt that is held but not newer changes nothing; a newer one sets the sums back.
fn receipts(tape: &mut Tape, car: &mut Car) {
    let drive = drove(tape.drive(3_210));
    tape.send(car, drive);
    tape.answer(car);
    for _ in 0..2 {
        let drive = drove(tape.drive(43_210));
        tape.send(car, drive);
    }
    // No receipt was signed at this time: the refused entry gives the chain none.
    tape.pass(HOUR);
    let future = tape.world.now.plus_s(1);
    let verdict = tape.send_forged(car, CHECK_IN, |entry| entry.receipt_at = future);
    assert_eq!(verdict, rejected(Rejection::Implausible));
    tape.pass(HOUR);
    let drive = drove(tape.drive(43_210));
    tape.send(car, drive);
    tape.answer(car);
}

/// A receipt that was never signed, one that is older than the chain's, and one between two that were signed.
fn named(tape: &mut Tape, car: &mut Car) {
    for (later_s, back_s) in [(2 * DAY, 300), (DAY, 30 * DAY), (HOUR, 0)] {
        tape.pass(later_s);
        let drive = drove(tape.drive(1_234));
        let named = tape.world.now.plus_s(-back_s);
        tape.send_forged(car, drive, |entry| entry.receipt_at = named);
    }
    let first = tape.world.now;
    tape.answer(car);
    tape.pass(DAY);
    tape.answer(car);
    tape.pass(DAY);
    let drive = drove(tape.drive(2_345));
    tape.send_forged(car, drive, |entry| {
        entry.receipt_at = first.plus_s(7 * HOUR);
    });
    let drive = drove(tape.drive(2_345));
    tape.send(car, drive);
}

/// The cloud's clock was two hours ahead when it signed a receipt: what is made under it is paid.
fn ahead(tape: &mut Tape, car: &mut Car) {
    let right = tape.world.now;
    tape.pass(2 * HOUR);
    tape.answer(car);
    let drive = drove(tape.drive(3_456));
    let entry = tape.make(car, drive);
    tape.back_to(right.plus_s(HOUR));
    tape.arrive(car, &entry);
    let drive = drove(tape.drive(3_456));
    tape.send(car, drive);
    tape.pass(3 * HOUR);
    tape.answer(car);
}

/// 100 days without a network: the first entries count for the 92nd day before their arrival.
fn long_offline(tape: &mut Tape, car: &mut Car) {
    let mut entries = Vec::new();
    for days in [1, 1, 6, 10, 80] {
        tape.pass(days * DAY);
        let drive = drove(tape.drive(66_666));
        entries.push(tape.make(car, drive));
        entries.push(tape.make(car, CHECK_IN));
    }
    tape.pass(3 * DAY);
    for entry in &entries {
        tape.arrive(car, entry);
    }
    tape.answer(car);
    tape.send(car, CHECK_IN);
}
