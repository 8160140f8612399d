//! The rule profile, and versions of the policy that come, end and are still paid.

use dashpoint_membership::policy::*;
use dashpoint_membership::*;

use super::tape::{Tape, instant};
use crate::support::*;

pub fn story() -> Tape {
    let mut tape = Tape::new(
        "Rules with every operator, with errors that one side of && and || hides, with errors that pay nothing; a version \
         that ends, its grace, a version that the cloud never had.",
        "2026-11-20T02:00:00Z",
    );
    let member = tape.member(1, "Asia/Shanghai");
    let mut car = tape.car(2, 3, member);
    tape.policy(|policy| {
        policy.valid_from = instant("2026-11-20T02:00:00Z");
        policy.valid_until = instant("2026-12-01T00:00:00Z");
        policy.grace_s = 86_400;
        policy.rules.extend(rules());
    });
    // The first version goes on to pay what is signed under it.
    let trip = drove(tape.drive(23_456));
    tape.send(&mut car, trip);
    tape.learn(&mut car, 2);
    profile(&mut tape, &mut car);
    tape.policy(|policy| {
        policy.valid_from = instant("2026-12-01T00:00:00Z");
        policy.valid_until = instant("2027-12-01T00:00:00Z");
        policy.rules.retain(|rule| rule.id.as_str() == "check-in");
        policy.rules[0].points = "1500 + 500".to_owned();
        policy.rules[0].growth = "1250".to_owned();
        policy.caps.retain(|cap| cap.over == CapOver::All);
    });
    versions(&mut tape, &mut car);
    tape
}

/// Each trigger, with evidence on both sides of the conditions.
fn profile(tape: &mut Tape, car: &mut Car) {
    for (metres, missed_s) in [(9_999, 0), (30_011, 180), (80_000, 600)] {
        let mut trip = tape.drive(metres);
        trip.missed_s = missed_s;
        tape.send(car, drove(trip));
    }
    for (grade, current, known) in [
        (Grade::Metered, Current::Dc, true),
        (Grade::Declared, Current::Ac, true),
        (Grade::Estimated, Current::Unknown, false),
    ] {
        tape.pass(DAY);
        let mut charge = tape.charge(11_111);
        charge.grade = grade;
        charge.current = current;
        charge.started = charge.started.filter(|_| known);
        tape.send(car, charged(charge));
    }
    for (from, to, known) in [(5_000, 9_321, true), (9_321, 9_900, false)] {
        tape.pass(HOUR);
        let started = CoarseTime::containing_unix_s(tape.world.now.as_unix_s() - HOUR);
        let discharge = Discharge {
            discharged: MeterInterval::of_first(Meter::Discharged, from, to),
            started: known.then_some(started),
        };
        tape.send(car, earn(Evidence::Discharge(discharge)));
    }
    tape.answer(car);
}

fn versions(tape: &mut Tape, car: &mut Car) {
    // Within the second version, in its grace, and after it, all signed under it by a car that has no other.
    for at in [
        "2026-11-30T23:30:00Z",
        "2026-12-01T18:00:00Z",
        "2026-12-02T01:00:00Z",
    ] {
        tape.go_to(at);
        tape.send(car, CHECK_IN);
        let trip = drove(tape.drive(7_003));
        tape.send(car, trip);
    }
    tape.learn(car, 3);
    tape.pass(DAY);
    tape.send(car, CHECK_IN);
    tape.pass(DAY);
    let verdict = tape.send_forged(car, CHECK_IN, |entry| entry.policy = PolicyVersion::new(9));
    assert_eq!(verdict, rejected(Rejection::UnknownPolicy));
    // What the entry says of its awards counts for nothing.
    tape.pass(DAY);
    for awards in [
        Vec::new(),
        vec![award("check-in", 9_000, 9_000, 9), award("other", 1, 1, 1)],
    ] {
        tape.pass(DAY);
        tape.send_forged(car, CHECK_IN, |entry| say(entry, awards));
    }
    tape.answer(car);
}

fn say(entry: &mut Entry, said: Vec<Award>) {
    match &mut entry.body {
        EntryBody::Fresh(Transaction::Earn { awards, .. } | Transaction::Member { awards, .. })
        | EntryBody::Carry {
            transaction: Transaction::Earn { awards, .. } | Transaction::Member { awards, .. },
            ..
        } => *awards = said,
        EntryBody::Fresh(Transaction::OpenMeter(_))
        | EntryBody::Carry {
            transaction: Transaction::OpenMeter(_),
            ..
        } => panic!("an opening has no awards"),
    }
}

fn award(rule: &str, points: i64, growth: i64, predicted: i64) -> Award {
    Award {
        rule: RuleId::new(rule).unwrap(),
        points: Milli::new(points),
        growth: Milli::new(growth),
        predicted: Points::new(predicted),
    }
}

fn rules() -> Vec<EarningRule> {
    [
        ("left-first", Trigger::Trip, "true", "100 - 30 - 20 + 2 * 3 - 17 / 5 * 5 - 17 % 5", "1 + 2 * 3"),
        ("towards-zero", Trigger::Trip, "-7 / 2 == -3 && -7 % 2 == -1 && 7 / -2 == -3 && 7 % -2 == 1", "-distance_m / -7 % 1000", "0"),
        ("absorbed", Trigger::Trip, "(missed_s == 0 || 600 / missed_s >= 3) && !(missed_s != 0 && 1 / (missed_s - 600) > 0)", "250", "125"),
        ("absorbed-left", Trigger::Trip, "1 / missed_s > 0 || true", "10", "!!true ? 5 : 6"),
        ("no-value", Trigger::Trip, "1 / missed_s >= 0 && true", "20", "0"),
        ("lazy", Trigger::Trip, "true", "missed_s == 0 ? 40 : 6000 / missed_s", "missed_s > 0 ? missed_s : 0"),
        ("overflow", Trigger::Trip, "true", "distance_m * 9223372036854775807", "0"),
        ("overflow-and-back", Trigger::Trip, "true", "9223372036854775807 + missed_s - 9223372036854775800", "1"),
        ("negative", Trigger::Trip, "true", "0 - distance_m", "distance_m"),
        ("too-much", Trigger::Trip, "true", "1000000001", "0"),
        ("too-much-growth", Trigger::Trip, "true", "1", "distance_m > 20000 ? 1000000001 : 1"),
        ("growth-only", Trigger::Trip, "distance_m >= 10000", "0", "1777"),
        ("shadow", Trigger::Trip, "true", "5000", "5000"),
        ("chosen", Trigger::Trip, "true", "distance_m < 10000 ? 1 : distance_m < 50000 ? 2 : 3", "min(distance_m, 50000, 0x7530) - max(1, 2, 3)"),
        ("seen", Trigger::Trip, "hard_braking_observed && !unbuckled_observed && observed_factors == 1 && net_wh > 0 && regained_wh != used_wh", "score_x100 / 100", "co2_avoided_g % 1000"),
        ("same", Trigger::Trip, "(distance_m > 1) == (driving_min > 1) != false", "3", "4"),
        ("by-grade", Trigger::Charge, "grade != estimated || reconstructed", "(grade == metered ? 3 : grade == declared ? 2 : 1) * 100", "current == dc ? 7 : current == ac ? 8 : 9"),
        ("by-type", Trigger::Charge, "(reconstructed ? unknown : current) == current", "renewable_wh % 1000", "renewable_permille"),
        ("given-back", Trigger::Discharge, "energy_wh >= 500 && !reconstructed", "energy_wh * 3 / 2", "energy_wh"),
        ("given-back-asleep", Trigger::Discharge, "reconstructed", "energy_wh", "0"),
        ("second-check-in", Trigger::CheckIn, "true || false && false", "333", "667"),
    ]
    .map(|(id, on, when, points, growth)| EarningRule {
        id: RuleId::new(id).unwrap(),
        on: on.into(),
        title: Text {
            en: id.to_owned(),
            zh: id.to_owned(),
        },
        when: when.to_owned(),
        points: points.to_owned(),
        growth: growth.to_owned(),
        shadow: id == "shadow",
    })
    .into()
}
