//! What time alone does: points expire, tiers are reviewed.

use dashpoint_membership::*;

use super::tape::{Tape, instant};
use crate::support::*;

pub fn story() -> Tape {
    let mut tape = Tape::new(
        "Lots of two expiries, by months and by calendar years, one of them from the last day of a month that the next one \
         lacks; tiers that are reached, kept, and lost by one step and to fit.",
        "2027-01-30T10:00:00Z",
    );
    let member = tape.member(1, "Australia/Sydney");
    tape.policy(|policy| {
        policy.valid_from = instant("2027-01-01T00:00:00Z");
        policy.expiry = policy::Expiry::Months(1);
        policy.tiers.months = 2;
        for (place, threshold) in [0, 10, 20, 70, 1_500].into_iter().enumerate() {
            policy.tiers.ladder[place].threshold = Growth::new(threshold);
        }
    });
    let mut car = tape.car(2, 3, member);
    earn(&mut tape, &mut car);
    for at in [
        "2027-02-27T12:00:00Z",
        "2027-02-28T12:59:00Z",
        "2027-02-28T13:00:00Z",
        "2027-03-01T13:00:00Z",
        "2027-04-03T13:00:00Z",
    ] {
        tape.go_to(at);
        tape.maintain(member);
    }
    tape.answer(&mut car);
    let drive = drove(tape.drive(60_000));
    tape.send(&mut car, drive);
    fit(&mut tape, &mut car);
    // The tier falls as far as it fits, then is kept.
    tape.go_to("2027-06-30T14:00:00Z");
    tape.maintain(member);
    tape.answer(&mut car);
    let drive = drove(tape.drive(30_000));
    tape.send(&mut car, drive);
    for at in [
        "2027-09-01T13:00:00Z",
        "2027-12-31T12:59:59Z",
        "2027-12-31T13:00:00Z",
        "2028-12-31T13:00:00Z",
    ] {
        tape.go_to(at);
        tape.maintain(member);
    }
    tape.answer(&mut car);
    tape.send(&mut car, CHECK_IN);
    tape
}

/// On the 30th and 31st of January and the 1st of February, local.
fn earn(tape: &mut Tape, car: &mut Car) {
    for at in [
        "2027-01-30T11:00:00Z",
        "2027-01-31T11:00:00Z",
        "2027-01-31T13:30:00Z",
    ] {
        tape.go_to(at);
        let drive = drove(tape.drive(21_000));
        tape.send(car, drive);
        tape.send(car, CHECK_IN);
        tape.answer(car);
    }
}

/// A version under which points live to the end of a year and a tier falls as far as it fits.
fn fit(tape: &mut Tape, car: &mut Car) {
    let now = tape.world.now;
    tape.policy(|policy| {
        policy.valid_from = now;
        policy.expiry = policy::Expiry::CalendarYears(1);
        policy.tiers.demotion = policy::Demotion::ToFit;
    });
    tape.learn(car, 3);
    tape.answer(car);
    for metres in [90_000, 30_000] {
        tape.pass(DAY);
        let drive = drove(tape.drive(metres));
        tape.send(car, drive);
    }
    tape.policy(|policy| {
        policy.valid_from = now;
        policy.expiry = policy::Expiry::CalendarYears(2);
    });
    tape.learn(car, 4);
    let drive = drove(tape.drive(30_000));
    tape.send(car, drive);
}
