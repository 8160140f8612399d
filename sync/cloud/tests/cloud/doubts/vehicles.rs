//! Bounds of what a vehicle, its battery and its odometer can do.

use dashpoint_membership::*;

use super::*;

#[test]
fn a_trip_keeps_to_what_a_car_can_do() {
    // 396 km/h, and what a fast car does on a free road.
    assert!(waits(|world| drove(drive(world, 5_000_000, 66_000, 600))));
    assert!(waits(|world| drove(drive(world, 5_000_000, 41_700, 600))));
    assert!(!waits(|world| drove(drive(world, 5_000_000, 41_600, 600))));
    // 28,800 km in one trip.
    assert!(waits(|world| drove(drive(
        world, 5_000_000, 28_800_000, 259_200
    ))));
    // 100 kWh regained in 500 m; a pass of 1,000 m down.
    assert!(waits(|world| with(
        drive(world, 5_000_000, 500, 360),
        |trip| {
            (trip.used_wh, trip.regained_wh) = (1, 36_000);
        }
    )));
    assert!(!waits(|world| with(
        drive(world, 5_000_000, 20_000, 1_800),
        |trip| {
            (trip.used_wh, trip.regained_wh) = (400, 6_000);
        }
    )));
    // One millisecond of an observed factor stands for the trip.
    assert!(waits(|world| with(
        drive(world, 5_000_000, 23_000, 1_800),
        |trip| {
            trip.factors = vec![seen(Factor::HardBraking, 0, 1)];
        }
    )));
    assert!(waits(|world| with(
        drive(world, 5_000_000, 23_000, 1_800),
        |trip| {
            trip.factors = vec![
                seen(Factor::HardBraking, 0, 60_000),
                seen(Factor::ExcessiveSpeed, 0, 1),
            ];
        }
    )));
    assert!(!waits(|world| with(
        drive(world, 5_000_000, 200_000, 9_000),
        |trip| {
            trip.factors = vec![seen(Factor::HardBraking, 0, 1_000)];
        }
    )));
}

/// Each of them is what rounded counters may say, and all of them together are not.
#[test]
fn many_short_trips_are_off_by_no_more_than_one() {
    for (trips, metres, lasted_s, used_wh, regained_wh) in
        [(10, 500, 360, 100, 2_100), (4, 10_000, 600, 13_600, 13_600)]
    {
        let (mut world, mut car) = world();
        let short = |world: &World, from_m| Trip {
            used_wh,
            regained_wh,
            ..drive(world, from_m, metres, lasted_s)
        };
        let mut waits = Vec::new();
        for number in 0..trips {
            world.pass(900);
            let trip = short(&world, 5_000_000 + metres * number);
            waits.push(is_in_doubt(&send(&mut world, &mut car, drove(trip))));
        }
        let expected: Vec<_> = (0..trips).map(|number| number > 0).collect();
        assert_eq!(waits, expected, "{metres}");
        // The days after, and a trip in between that leaves room.
        world.pass(2 * DAY);
        let contact = car.mint(CHECK_IN, world.now);
        world.settled(&mut car, &[contact]);
        for (number, is_plain) in (0..).zip([false, true, false]) {
            world.pass(1_800);
            let from_m = 5_040_000 + 10_000 * number;
            let trip = if is_plain {
                drive(&world, from_m, 9_000, 1_200)
            } else {
                short(&world, from_m)
            };
            let verdict = send(&mut world, &mut car, drove(trip));
            assert!(!is_in_doubt(&verdict), "{metres} {number}: {verdict:?}");
        }
    }
}

/// Energy that no road gives, behind a trip whose metres would account for it, and with such a trip now and then.
#[test]
fn a_long_trip_licenses_no_other() {
    let (mut world, mut car) = world();
    let plain = drive(&world, 5_000_000, 100_000, 3_600);
    assert!(!is_in_doubt(&send(&mut world, &mut car, drove(plain))));
    let mut at_m = 5_100_000;
    for _ in 0..20 {
        world.pass(900);
        let mut trip = drive(&world, at_m, 500, 360);
        (trip.used_wh, trip.regained_wh) = (1, 2_501);
        at_m += 500;
        send(&mut world, &mut car, drove(trip));
    }
    assert_eq!(held(&world), 2, "the long one, and the step of a counter");
}

/// A descent of 5,500 m, which is all that there is.
#[test]
fn nobody_regains_more_than_the_highest_road_gives() {
    for (regained_wh, expected) in [(57_400, false), (57_600, true)] {
        let held = waits(|world| {
            with(drive(world, 5_000_000, 100_000, 7_200), |trip| {
                (trip.used_wh, trip.regained_wh) = (500, regained_wh);
            })
        });
        assert_eq!(held, expected, "{regained_wh}");
    }
}

/// Short ways down a hill and up again, by a counter in steps of 1 kWh: a trip is off by up to a step, the day is not.
#[test]
fn the_steps_of_a_counter_keep_no_honest_car_waiting() {
    let (mut world, mut car) = world();
    for number in 0..30 {
        world.pass(900);
        // 400 Wh a way: the step comes down on each way down.
        let is_down = number % 2 == 0;
        let mut trip = drive(&world, 5_000_000 + 700 * number, 700, 300);
        trip.regained_wh = 900;
        trip.used_wh = if is_down { 0 } else { 1_900 };
        let verdict = send(&mut world, &mut car, drove(trip));
        assert!(!is_in_doubt(&verdict), "{number}: {verdict:?}");
    }
}

/// A gentle driver gives one moment above the threshold, the shortest that a sampled signal can give, or none at all; but no car is
/// driven for an hour and comes to rest without one second of it.
#[test]
fn a_gentle_driver_is_believed_for_less_than_an_hour() {
    for (lasted_s, base_ms, is_waiting) in [
        (3_540, 0, false),
        (3_540, 9, true),
        (3_540, 10, false),
        (3_600, 0, true),
        (3_600, 999, true),
        (3_600, 1_000, false),
        (9_000, 10, true),
        (9_000, 1_000, false),
    ] {
        let held = waits(|world| {
            with(drive(world, 5_000_000, 60_000, lasted_s), |trip| {
                trip.factors = vec![
                    seen(Factor::HardBraking, 0, base_ms),
                    seen(Factor::ExcessiveSpeed, 0, u64::from(lasted_s) * 1_000),
                ];
            })
        });
        assert_eq!(held, is_waiting, "{lasted_s} {base_ms}");
    }
}

/// Under a policy that counts only harder braking a calm driver has none in an hour.
#[test]
fn a_sharper_threshold_asks_for_no_braking() {
    for (brake_soft_mg, is_waiting) in [(100, true), (101, false), (250, false)] {
        let (mut world, mut car) = world();
        let mut sharper = world.core.policy(None, world.now).unwrap();
        sharper.version = PolicyVersion::new(2);
        sharper.score.thresholds.brake_soft_mg = brake_soft_mg;
        world.core.sign_policy(sharper, world.now).unwrap();
        let mut trip = drive(&world, 5_000_000, 60_000, 3_600);
        trip.factors = vec![seen(Factor::HardBraking, 0, 0)];
        let entry = car.forged(drove(trip), world.now, |entry| {
            entry.policy = PolicyVersion::new(2);
        });
        let verdict = world.verdict(&mut car, &entry);
        assert_eq!(
            is_in_doubt(&verdict),
            is_waiting,
            "{brake_soft_mg}: {verdict:?}"
        );
    }
}

/// A factor that counts for as long as the car drives has seen all of it; a belt that became known late, a minute.
#[test]
fn a_factor_of_all_driving_saw_all_of_it() {
    use Factor::{ExcessiveSpeed, LateNight, Unbuckled};
    for (factor, base_ms, is_waiting) in [
        (LateNight, 0, true),
        (LateNight, 200, true),
        (LateNight, 3_239_999, true),
        (LateNight, 3_240_000, false),
        (ExcessiveSpeed, 200, true),
        (ExcessiveSpeed, 1_800_000, true),
        (ExcessiveSpeed, 3_600_000, false),
        (Unbuckled, 0, true),
        (Unbuckled, 200, true),
        (Unbuckled, 59_999, true),
        (Unbuckled, 60_000, false),
    ] {
        let held = waits(|world| {
            with(drive(world, 5_000_000, 60_000, 3_600), |trip| {
                trip.factors.push(seen(factor, 0, base_ms));
            })
        });
        assert_eq!(held, is_waiting, "{factor:?} {base_ms}");
    }
}

/// A plug-in hybrid that drives on its engine, or keeps its battery full with it: its battery gives next to nothing.
#[test]
fn a_day_on_the_engine_of_a_hybrid_is_not_in_doubt() {
    let (mut world, mut car) = world();
    for number in 0..20 {
        world.pass(1_200);
        let mut trip = drive(&world, 5_000_000 + 15_000 * number, 15_000, 900);
        (trip.used_wh, trip.regained_wh) = if number % 2 == 0 { (90, 0) } else { (900, 850) };
        let verdict = send(&mut world, &mut car, drove(trip));
        assert!(!is_in_doubt(&verdict), "{number}: {verdict:?}");
    }
}

#[test]
fn an_odometer_goes_neither_back_nor_far_ahead() {
    let (mut world, mut car) = world();
    let first = drive(&world, 5_000_000, 20_000, 1_200);
    assert!(!is_in_doubt(&send(&mut world, &mut car, drove(first))));
    world.pass(HOUR);
    let contact = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[contact]);
    world.pass(HOUR);
    let behind = drive(&world, 4_900_000, 20_000, 1_200);
    assert!(is_in_doubt(&send(&mut world, &mut car, drove(behind))));
    let ahead = drive(&world, 9_000_000, 20_000, 1_200);
    assert!(is_in_doubt(&send(&mut world, &mut car, drove(ahead))));
    // An older receipt than its chain has named before makes nothing unknown.
    let behind = drive(&world, 4_800_000, 20_000, 1_200);
    let behind = car.forged(drove(behind), world.now, |entry| {
        entry.receipt_at = at(NOON);
    });
    assert!(is_in_doubt(&world.verdict(&mut car, &behind)));
    // What is only claimed under review is no reading: the car itself goes on.
    let honest = drive(&world, 5_020_000, 30_000, 1_800);
    assert!(!is_in_doubt(&send(&mut world, &mut car, drove(honest))));
}

/// A carried entry keeps the receipt of its original, and is held to what the log had before its epoch.
#[test]
fn a_carried_entry_under_a_stale_receipt_knows_what_the_log_had() {
    for is_stale in [true, false] {
        let (mut world, mut car) = world();
        let first = drive(&world, 5_000_000, 20_000, 1_200);
        assert!(!is_in_doubt(&send(&mut world, &mut car, drove(first))));
        world.pass(HOUR);
        for _ in 0..2 {
            let contact = car.mint(CHECK_IN, world.now);
            world.settled(&mut car, &[contact]);
            world.pass(HOUR);
        }
        // An honest car whose chain broke goes on from its odometer; a forger goes back behind it.
        let from_m = if is_stale { 4_900_000 } else { 5_020_000 };
        let trip = drive(&world, from_m, 20_000, 1_200);
        let original = car.forged(drove(trip), world.now, |entry| {
            entry.receipt_at = at(NOON);
        });
        let grant = world.open_epoch(&mut car);
        car.enter(&grant.verify(&world.cloud_key, &car.device).unwrap());
        let carried = car.carry(&original);
        let posted = world.post(&car, &[carried]);
        let dashpoint_cloud::PostOutcome::Settled(answer) = posted else {
            panic!("{posted:?}");
        };
        let verdict = &answer.verdicts[0].verdict;
        assert_eq!(is_in_doubt(verdict), is_stale, "{verdict:?}");
        assert!(paid(verdict) > 0, "{verdict:?}");
    }
}

/// Days of charging, and the metres that are driven and the energy that is given back in each; from which day on it waits.
fn charging_days(each_wh: u64, metres: u64, given_wh: u64, days: u64) -> Option<u64> {
    let (mut world, mut car) = world();
    for day in 0..days {
        world.pass(DAY - 6 * HOUR);
        if metres > 0 {
            world.pass(3 * HOUR);
            let trip = drive(&world, 5_000_000 + metres * day, metres, 10_800);
            assert!(!is_in_doubt(&send(&mut world, &mut car, drove(trip))));
        }
        if given_wh > 0 {
            let given = Discharge {
                discharged: MeterInterval::of_first(
                    Meter::Discharged,
                    6_000_000 + given_wh * day,
                    6_000_000 + given_wh * (day + 1),
                ),
                started: None,
            };
            let verdict = send(&mut world, &mut car, earn(Evidence::Discharge(given)));
            assert!(!is_in_doubt(&verdict), "{verdict:?}");
        }
        world.pass(3 * HOUR);
        let charge = session(&world, 4_000_000 + each_wh * day, each_wh, 10_800);
        let before = held(&world);
        send(&mut world, &mut car, charged(charge));
        if held(&world) == before {
            return Some(day + 1);
        }
        world.leap_to(world.now.plus_s(3 * HOUR * i64::from(metres == 0)));
        let contact = car.mint(CHECK_IN, world.now);
        world.settled(&mut car, &[contact]);
    }
    None
}

#[test]
fn a_car_charges_what_it_drives_and_gives_and_what_nobody_says() {
    // Nobody drives it: more than a driver without a card, heating and a house account for.
    assert!(charging_days(120_000, 0, 0, 9).is_some());
    assert_eq!(charging_days(250_000, 0, 0, 9), Some(3));
    // A driver without a card has 450 km a day.
    assert_eq!(charging_days(90_000, 0, 0, 40), None);
    // A van with a trailer drives 700 km of them; a house takes and gives.
    assert_eq!(charging_days(240_000, 400_000, 0, 20), None);
    assert_eq!(charging_days(200_000, 0, 120_000, 20), None);
}

/// Sessions at one moment, each of which a battery could hold, and what a charger gives in no time.
#[test]
fn a_charger_gives_no_more_than_it_can() {
    let waits_for = |current, energy_wh, lasted_s| {
        let by = |quality| {
            let (mut world, mut car) = world();
            let session = charged(Charge {
                current,
                ..session(&world, 4_000_000, energy_wh, lasted_s)
            });
            let entry = car.forged(session, world.now, |entry| entry.time.quality = quality);
            is_in_doubt(&world.verdict(&mut car, &entry))
        };
        let waits = by(ClockQuality::Synced);
        assert_eq!(by(ClockQuality::Doubtful), waits, "{current:?} {energy_wh}");
        waits
    };
    assert!(waits_for(Current::Ac, 250_000, 0));
    assert!(waits_for(Current::Ac, 20_000, 0));
    assert!(waits_for(Current::Dc, 250_000, 0));
    assert!(waits_for(Current::Ac, 100_000, HOUR));
    assert!(!waits_for(Current::Ac, 43_000, HOUR));
    assert!(!waits_for(Current::Ac, 9_000, 0));
    assert!(!waits_for(Current::Dc, 80_000, 900));
    assert!(!waits_for(Current::Unknown, 240_000, 900));
    let (mut world, mut car) = world();
    for number in 0..5 {
        let session = Charge {
            started: None,
            ..session(&world, 4_000_000 + 250_000 * number, 250_000, 0)
        };
        send(&mut world, &mut car, charged(session));
    }
    assert_eq!(held(&world), 1);
}

/// A charge that nobody saw is as long as a battery, and somewhat longer when the head unit was off for weeks.
#[test]
fn a_charge_that_nobody_saw_is_of_one_battery() {
    for (days, energy_wh, expected) in [
        (10, 500_000, true),
        (60, 500_000, true),
        (10, 2_000_000, true),
        (10, 320_000, false),
        (10, 320_001, true),
        (1, 300_000, true),
        (1, 250_000, false),
    ] {
        let mut world = World::new();
        let member = world.member(1);
        let mut car = world.car(2, 3, member);
        go_on(&mut world, days);
        let contact = car.mint(CHECK_IN, world.now);
        world.settled(&mut car, &[contact]);
        let session = Charge {
            started: None,
            ..charge(4_000_000, energy_wh)
        };
        let verdict = send(&mut world, &mut car, charged(session));
        assert_eq!(is_in_doubt(&verdict), expected, "{days} {energy_wh}");
    }
}

#[test]
fn a_battery_takes_what_it_can_hold_and_no_more_than_was_used() {
    let charged_wh = |energy_wh| waits(|_| charged(charge(4_000_000, energy_wh)));
    assert!(!charged_wh(240_000));
    assert!(charged_wh(500_000));
    assert!(charged_wh(2_000_000));
    let (mut world, mut car) = world();
    for number in 0..10 {
        let session = charged(charge(4_000_000 + number * 200_000, 200_000));
        send(&mut world, &mut car, session);
    }
    // Most are paid nothing, for the cap of the day; what is in doubt holds no stretch either.
    assert_eq!(held(&world), 1);
}
