//! A counter that is replaced: its entries, in the order in which the cloud has to read them.

use dashpoint_membership::{EntryKind, Epoch, Meter, MeterNumber, Seq};

use super::car::{Car, Running};

const DAY_MS: u64 = 86_400_000;

/// Drives each day, restarting now and then.
fn drives_daily(car: &mut Car, running: &mut Running, days: u32) {
    for _ in 0..days {
        car.drives(running);
        car.pass(DAY_MS);
    }
}

#[test]
fn a_replaced_counter_earns_again() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    drives_daily(&mut car, &mut running, 2);
    let last_m = car.odometer_m;
    car.odometer_m = 12_000.0;
    drives_daily(&mut car, &mut running, 2);
    // It watches on after a restart.
    running.engine.end().unwrap();
    let mut running = car.start();
    drives_daily(&mut car, &mut running, 3);
    running.engine.end().unwrap();
    let store = car.store();
    let entries = store.read().entries_after(Epoch::new(1), Seq::new(0), 100);
    let own = car.key.public();
    let entries: Vec<_> = entries
        .unwrap()
        .into_iter()
        .map(|raw| raw.verify(&own, &car.device()).unwrap().into_parts().1)
        .collect();
    let kinds: Vec<_> = entries
        .iter()
        .map(|entry| entry.transaction().kind())
        .collect();
    let (trip, opened) = (EntryKind::Trip, EntryKind::OpenMeter);
    assert_eq!(kinds, [trip, trip, opened, trip, trip, trip, trip, trip]);
    let opening = entries[2].transaction().opening().unwrap();
    let second = MeterNumber::FIRST.next();
    assert_eq!((opening.meter, opening.number), (Meter::Odometer, second));
    assert_eq!((opening.last, opening.first), (last_m as u64, 12_000));
    let steady_s = entries[2].time.at.as_unix_s() - opening.since.as_unix_s();
    assert!(steady_s >= 86_400, "{steady_s}");
    let later = entries[3..]
        .iter()
        .filter_map(|entry| entry.transaction().interval());
    let later: Vec<_> = later.collect();
    assert!(later.iter().all(|interval| interval.number == second));
    let driven: u64 = later.iter().map(|interval| interval.length()).sum();
    let driven_m = car.odometer_m as u64 - 12_000;
    // The first values say only that it may be another one; a trip begins at the first of them.
    assert!(
        (driven_m - 500..=driven_m).contains(&driven),
        "{driven} of {driven_m}"
    );
    let marks = store.read().marks().unwrap();
    assert_eq!(marks[&(Meter::Odometer, second)], car.odometer_m as u64);
    assert_eq!(marks[&(Meter::Odometer, MeterNumber::FIRST)], last_m as u64);
}
