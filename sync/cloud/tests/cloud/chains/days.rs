//! Days, weeks, months and years of the member's zone, caps that cut, and remainders.

use dashpoint_membership::*;

use super::tape::{Tape, instant};
use crate::support::*;

pub fn story() -> Tape {
    let mut tape = Tape::new(
        "Check-ins, drives and charges in Berlin, where a day of October has 25 hours and one of March 23; caps of day, \
         week, month and year; remainders of several rules.",
        "2026-10-23T08:00:00Z",
    );
    let member = tape.member(1, "Europe/Berlin");
    let mut car = tape.car(2, 3, member);
    autumn(&mut tape, &mut car);
    drives(&mut tape, &mut car);
    charges(&mut tape, &mut car);
    year(&mut tape, &mut car);
    spring(&mut tape, &mut car);
    tape
}

fn check_in(tape: &mut Tape, car: &mut Car, at: &str, expected: i64) {
    tape.go_to(at);
    let verdict = tape.send(car, CHECK_IN);
    assert_eq!(paid(&verdict), expected, "{at}");
}

/// The 25th of October 2026 has 25 hours in Berlin.
fn autumn(tape: &mut Tape, car: &mut Car) {
    for (at, points) in [
        ("2026-10-23T21:55:00Z", 1),
        ("2026-10-23T22:10:00Z", 1),
        ("2026-10-24T22:05:00Z", 1),
        ("2026-10-25T22:50:00Z", 0),
        ("2026-10-25T23:05:00Z", 1),
    ] {
        check_in(tape, car, at, points);
    }
}

/// Remainders of two rules, then the caps of the day one after the other.
fn drives(tape: &mut Tape, car: &mut Car) {
    tape.go_to("2026-10-26T06:00:00Z");
    for metres in [14_357, 2_001, 777, 61_040, 150_003, 150_000] {
        let drove = drove(tape.drive(metres));
        let entry = tape.make(car, drove);
        tape.arrive(car, &entry);
    }
    let charge = charged(tape.charge(60_000));
    tape.send(car, charge);
    tape.answer(car);
}

/// The cap of a week of charging, over a Sunday.
fn charges(tape: &mut Tape, car: &mut Car) {
    for day in 27..=31 {
        tape.go_to(&format!("2026-10-{day}T09:00:00Z"));
        let charge = charged(tape.charge(84_000));
        tape.send(car, charge);
    }
    tape.answer(car);
    // Both sides of local midnight between Sunday and Monday, made without a network and sent together.
    tape.go_to("2026-11-01T21:50:00Z");
    let charge = tape.charge(84_000);
    let sunday = tape.make(car, charged(charge));
    let charge = tape.charge(84_000);
    let monday = tape.make(car, charged(charge));
    tape.pass(7 * HOUR);
    tape.arrive(car, &sunday);
    tape.arrive(car, &monday);
    tape.answer(car);
}

/// A new version with narrow caps of month and year: what was used goes on.
fn year(tape: &mut Tape, car: &mut Car) {
    tape.go_to("2026-12-28T08:00:00Z");
    tape.policy(|policy| {
        policy.valid_from = instant("2026-12-28T08:00:00Z");
        for cap in &mut policy.caps {
            match cap.id.as_str() {
                "all-month" => cap.points = Points::new(150),
                "all-year" => cap.points = Points::new(720),
                _ => {}
            }
        }
    });
    tape.learn(car, 2);
    for day in ["2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31"] {
        tape.go_to(&format!("{day}T10:00:00Z"));
        let drove = drove(tape.drive(90_777));
        tape.send(car, drove);
    }
    // 23:40 and 00:10 local: the last of the year, and the first of the next.
    tape.go_to("2026-12-31T22:10:00Z");
    let last = drove(tape.drive(20_000));
    tape.send(car, last);
    let first = drove(tape.drive(20_000));
    tape.send(car, first);
    tape.answer(car);
}

/// The 28th of March 2027 has 23 hours in Berlin. What was used more than 92 days before is forgotten.
fn spring(tape: &mut Tape, car: &mut Car) {
    for (at, points) in [
        ("2027-03-27T23:05:00Z", 1),
        ("2027-03-28T21:55:00Z", 0),
        ("2027-03-28T22:05:00Z", 1),
    ] {
        check_in(tape, car, at, points);
    }
    tape.answer(car);
}
