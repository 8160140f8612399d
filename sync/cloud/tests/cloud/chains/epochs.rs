//! Two cars of one member, a disk that went back, and what a new epoch says again.

use dashpoint_membership::*;

use super::tape::Tape;
use crate::support::*;

pub fn story() -> Tape {
    let mut tape = Tape::new(
        "Two cars of one member predict without each other; one of them loses its disk, gets a new epoch, and carries what \
         the cloud lacks; two members on one chain.",
        "2026-11-22T04:00:00Z",
    );
    let member = tape.member(1, "Asia/Shanghai");
    let mut first = tape.car(2, 3, member);
    let mut second = tape.car(4, 5, member);
    adjusted(&mut tape, &mut first, &mut second);
    epoch(&mut tape, &mut first);
    foreign(&mut tape, &mut first, &second);
    passenger(&mut tape, &mut first);
    tape
}

/// Remainders and rooms that the other car has used or filled meanwhile.
fn adjusted(tape: &mut Tape, first: &mut Car, second: &mut Car) {
    let mut sent = Vec::new();
    for metres in [13_579, 24_680, 99_991] {
        let drive = drove(tape.drive(metres));
        sent.push((true, tape.make(first, drive)));
        let drive = drove(tape.drive(metres + 111));
        sent.push((false, tape.make(second, drive)));
    }
    sent.push((true, tape.make(first, CHECK_IN)));
    sent.push((false, tape.make(second, CHECK_IN)));
    for (is_first, entry) in &sent {
        tape.arrive(if *is_first { first } else { second }, entry);
    }
    tape.answer(first);
    tape.answer(second);
}

/// The cloud has an entry that the disk lost; the disk has three that the cloud lacks.
fn epoch(tape: &mut Tape, car: &mut Car) {
    tape.pass(DAY);
    let backup = car.clone();
    let lost = tape.drive(8_000);
    let known = tape.send_entry(car, drove(lost.clone()));
    *car = backup;
    tape.forget(car);
    let drive = tape.drive(30_300);
    let lacking = tape.make(car, drove(drive));
    tape.pass(DAY);
    let check_in = tape.make(car, CHECK_IN);
    // The same metres that the cloud has from the lost entry.
    let twice = tape.make(car, drove(lost));
    tape.pass(DAY);
    tape.epoch(car);
    tape.take_statement(car);
    for original in [&lacking, &check_in, &twice] {
        let carried = tape.carry(car, original);
        tape.arrive(car, &carried);
    }
    // Said again a second time, and one that the cloud has as it was.
    for original in [&lacking, &known] {
        let again = tape.carry(car, original);
        let verdict = tape.arrive(car, &again);
        assert_eq!(verdict, rejected(Rejection::AlreadyRecorded));
    }
    tape.answer(car);
    let drive = drove(tape.drive(5_000));
    tape.send(car, drive);
    tape.answer(car);
}

/// Bindings of another device, of another time, and metres that are paid.
fn foreign(tape: &mut Tape, car: &mut Car, other: &Car) {
    let binding = other.binding;
    let verdict = tape.send_forged(car, CHECK_IN, |entry| entry.binding = binding);
    assert_eq!(verdict, rejected(Rejection::NoBinding));
    let again = trip(12_345_000 + 1_000, 600);
    let verdict = tape.send_forged(car, drove(again), |_| {});
    assert_eq!(verdict, rejected(Rejection::AlreadyPaid));
    tape.answer(car);
    tape.send(car, CHECK_IN);
}

/// A second member of the same head unit: one chain and one allowance, two accounts.
fn passenger(tape: &mut Tape, car: &mut Car) {
    tape.answer(car);
    let other = tape.member(6, "Asia/Tokyo");
    let binding = tape.share(car, 7, 3, other);
    for metres in [40_000, 41_000] {
        tape.pass(HOUR);
        let drive = drove(tape.drive(metres));
        tape.send_forged(car, drive, |entry| entry.binding = binding);
        let drive = drove(tape.drive(metres));
        tape.send(car, drive);
    }
    tape.answer(car);
    tape.send(car, CHECK_IN);
}
