//! To open meters mints nothing: what is claimed on all meters of a quantity keeps to the bounds of one.

use super::*;
use crate::doubts::{drive, go_on, held};

fn on_second(trip: Trip) -> Subject {
    let mut trip = trip;
    trip.odometer.number = second();
    drove(trip)
}

/// A car with an odometer of 1,000 km and a second one that was opened a day ago at 500 km.
fn two_odometers() -> (World, Car) {
    let (mut world, mut car) = crate::doubts::world();
    let trip = drive(&world, 1_000_000, 20_000, 3_600);
    assert!(paid(&send(&mut world, &mut car, drove(trip))) > 0);
    go_on(&mut world, 2);
    let cluster = open_meter(&world, |said| {
        said.meter = Meter::Odometer;
        said.last = 1_020_000;
        said.first = 500_000;
    });
    let verdict = send(&mut world, &mut car, cluster);
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
    go_on(&mut world, 1);
    (world, car)
}

/// Sends an entry of a clock that the car does not trust; tells whether it holds its stretch, which nothing in doubt does, also
/// when a cap leaves it nothing.
fn holds(world: &mut World, car: &mut Car, subject: Subject) -> bool {
    let before = held(world);
    let entry = car.forged(subject, world.now, |entry| {
        entry.time.quality = ClockQuality::Doubtful;
    });
    world.settled(car, &[entry]);
    held(world) > before
}

#[test]
fn odometers_go_no_farther_together() {
    let (mut world, mut car) = two_odometers();
    // 20 hours at 200 km/h in four trips: what one odometer can do in a day.
    let mut reached = (1_020_000, 500_000);
    for _ in 0..2 {
        let trips = [
            drove(drive(&world, reached.0, 1_000_000, 18_000)),
            on_second(drive(&world, reached.1, 1_000_000, 18_000)),
        ];
        for trip in trips {
            assert!(holds(&mut world, &mut car, trip), "{reached:?}");
        }
        reached = (reached.0 + 1_000_000, reached.1 + 1_000_000);
    }
    // One more half hour, of which each odometer alone knows nothing that speaks against it.
    for trip in [
        drove(drive(&world, reached.0, 100_000, 1_800)),
        on_second(drive(&world, reached.1, 100_000, 1_800)),
    ] {
        assert!(!holds(&mut world, &mut car, trip));
    }
    go_on(&mut world, 2);
    let trip = drove(drive(&world, reached.0, 100_000, 1_800));
    assert!(holds(&mut world, &mut car, trip));
}

#[test]
fn counters_charge_no_more_together() {
    let (mut world, mut car) = opened_world();
    go_on(&mut world, 8);
    let contact = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[contact]);
    // A battery and what is unsaid of a day, 250 + 70 kWh, whichever counter has them.
    for (number, from, wh) in [
        (MeterNumber::FIRST, OLD_WH + 20_000, 160_000),
        (second(), NEW_WH, 150_000),
    ] {
        let session = session_on(&world, number, from, wh);
        assert!(holds(&mut world, &mut car, session), "{from}");
    }
    for (number, from) in [
        (second(), NEW_WH + 150_000),
        (MeterNumber::FIRST, OLD_WH + 180_000),
    ] {
        let session = session_on(&world, number, from, 20_000);
        assert!(!holds(&mut world, &mut car, session), "{from}");
    }
}

#[test]
fn nothing_is_paid_below_openings() {
    let (mut world, mut car) = opened_world();
    go_on(&mut world, 1);
    let below = session_on(&world, second(), NEW_WH - 20_000, 10_000);
    let verdict = send(&mut world, &mut car, below);
    assert!(is_in_doubt(&verdict), "{verdict:?}");
    let line = world.core.held_lines().unwrap().remove(0);
    assert_eq!(
        line.doubt.as_deref(),
        Some("below a reading that was known before")
    );
}

#[test]
fn odometers_are_driven_in_turn() {
    let (mut world, mut car) = two_odometers();
    let first = drive(&world, 1_020_000, 30_000, 7_200);
    assert!(!is_in_doubt(&send(&mut world, &mut car, drove(first))));
    let at_once = on_second(drive(&world, 500_000, 30_000, 7_200));
    assert!(is_in_doubt(&send(&mut world, &mut car, at_once)));
}

#[test]
fn unexplained_energy_is_summed() {
    let (mut world, mut car) = two_odometers();
    let used = |trip: Trip, over_wh: u32| Trip {
        used_wh: u32::try_from(trip.odometer.length()).unwrap() + 10_000 + over_wh,
        ..trip
    };
    let contact = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[contact]);
    let first = used(drive(&world, 1_020_000, 30_000, 3_600), 1_500);
    assert!(!is_in_doubt(&send(&mut world, &mut car, drove(first))));
    world.pass(HOUR);
    let next = on_second(used(drive(&world, 500_000, 30_000, 3_600), 1_500));
    assert!(is_in_doubt(&send(&mut world, &mut car, next)));
}
