//! What is held back: beyond the offline allowance, or resting on an estimate; and how it is paid in the end.

use dashpoint_membership::*;

use super::tape::Tape;
use crate::support::*;

pub fn story() -> Tape {
    let mut tape = Tape::new(
        "The hard limit of points, of entries and of days; what is held back uses its caps, is released when its time has \
         come, and lifts the tier then.",
        "2026-11-22T04:00:00Z",
    );
    let member = tape.member(1, "Asia/Shanghai");
    tape.policy(|policy| {
        policy.valid_from = at(NOON - DAY);
        policy.estimate_hold_days = 5;
        policy.allowance = policy::Allowance {
            soft: limit(10, 3, 1),
            hard: limit(30, 6, 3),
            confirm_days: 14,
            meters_per_year: None,
        };
        policy.tiers.ladder[1].threshold = Growth::new(120);
    });
    let mut car = tape.car(2, 3, member);
    // Points: the fourth drive is beyond the limit, and so is all that follows under the same receipt.
    for _ in 0..5 {
        let drive = drove(tape.drive(23_000));
        tape.send(&mut car, drive);
    }
    let nothing = drove(tape.drive(90));
    tape.send(&mut car, nothing);
    tape.answer(&mut car);
    entries(&mut tape, &mut car);
    days(&mut tape, &mut car);
    estimates(&mut tape, &mut car);
    tape.pass(10 * DAY);
    tape.maintain(member);
    tape.pass(10 * DAY);
    assert!(!tape.maintain(member).is_empty());
    tape.answer(&mut car);
    tape.send(&mut car, CHECK_IN);
    tape
}

/// Seven entries under one receipt, most of them for nothing; what the sixth before it paid is no matter.
fn entries(tape: &mut Tape, car: &mut Car) {
    for _ in 0..7 {
        tape.pass(600);
        tape.send(car, CHECK_IN);
    }
    tape.pass(DAY);
    tape.send(car, CHECK_IN);
    tape.answer(car);
}

/// Three days after the receipt, to the second before and on it.
fn days(tape: &mut Tape, car: &mut Car) {
    tape.pass(3 * DAY - 300);
    tape.send(car, CHECK_IN);
    tape.pass(300);
    let drive = drove(tape.drive(4_000));
    tape.send(car, drive);
    tape.answer(car);
}

fn estimates(tape: &mut Tape, car: &mut Car) {
    for grade in [Grade::Estimated, Grade::Metered] {
        let mut charge = tape.charge(9_876);
        charge.grade = grade;
        tape.send(car, charged(charge));
    }
    // Told as if it had predicted nothing.
    let charge = tape.charge(9_000);
    tape.send_forged(car, charged(charge), |entry| {
        if let EntryBody::Fresh(Transaction::Earn { awards, .. }) = &mut entry.body {
            awards[0].predicted = Points::ZERO;
        }
    });
    tape.answer(car);
}

const fn limit(points: i64, entries: u32, days: u16) -> policy::AllowanceLimit {
    policy::AllowanceLimit {
        points: Points::new(points),
        entries,
        days,
    }
}
