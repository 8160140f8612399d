//! An odometer that comes late: whose metres it tells, whoever drives next and whatever happened meanwhile.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{Arrival, Pace, arrivals, cruise, fold_arrivals, fold_at, say, start};
use common::{Car, finished, trips};
use dashpoint_membership::Trip;
use dashpoint_telematics::{Finished, Signal, Value};

/// Twelve kilometres whose odometer was read before them, until the car stands.
fn drive_unread(car: &mut Car) {
    cruise(car, 720, |car, _| car.number(Signal::Speed, 60.0));
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
}

fn park(car: &mut Car) {
    car.number(Signal::Gear, 126.0);
    car.text(Signal::Ignition, "OFF");
}

fn set_off(car: &mut Car) {
    car.number(Signal::Gear, 127.0);
    car.text(Signal::Ignition, "ON");
}

fn odometer(car: &mut Car) {
    car.number(Signal::Odometer, car.odometer_m.floor());
}

fn live(arriving: &[Arrival]) -> Vec<Finished> {
    finished(&fold_arrivals(Pace::Live, arriving).0)
}

fn metres(all: &[Finished]) -> Vec<u64> {
    let trips: Vec<Trip> = trips(all);
    trips.iter().map(|trip| trip.odometer.length()).collect()
}

/// The morning after: the head unit boots, is told of the quiet of the bus, and hears the odometer after ON.
fn next_morning(car: &mut Car, restart_at: usize, is_retained: bool) -> Vec<Arrival> {
    car.wait(29_000_000);
    let woken_at = car.samples.len();
    if is_retained {
        let old = car.samples.iter().rev().find(|sample| {
            matches!((sample.signal, &sample.value), (Signal::Ignition, Value::Text(word)) if word == "OFF")
        });
        let kept = old.map(|old| {
            let mut kept = old.clone();
            kept.retained = true;
            kept
        });
        car.samples.extend(kept);
    }
    set_off(car);
    car.wait(1_000);
    odometer(car);
    car.wait(60_000);
    car.number(Signal::StateOfCharge, 60.0);
    // The night is not told to a head unit that is off; the first three seconds after its start are.
    let samples = |from: usize, to: usize| {
        let samples = car.samples.get(from..to).unwrap().iter().cloned();
        samples.map(Arrival::Sample)
    };
    let mut arriving: Vec<Arrival> = samples(0, restart_at).collect();
    arriving.extend([Arrival::Restart, Arrival::Silence(3_000)]);
    arriving.extend(samples(woken_at, car.samples.len()));
    arriving
}

#[test]
fn a_head_unit_that_was_off_waits_anew() {
    for is_retained in [false, true] {
        let mut car = Car::new();
        start(&mut car, 0);
        drive_unread(&mut car);
        park(&mut car);
        let parked = car.samples.len();
        let all = live(&next_morning(&mut car, parked, is_retained));
        assert_eq!(metres(&all), [12_000], "retained {is_retained}: {all:?}");
    }
}

#[test]
fn a_head_unit_that_hears_no_off() {
    let mut car = Car::new();
    start(&mut car, 0);
    drive_unread(&mut car);
    let died = car.samples.len();
    let all = live(&next_morning(&mut car, died, false));
    assert_eq!(metres(&all), [12_000], "{all:?}");
}

#[test]
fn nothing_to_pay_waits_for_hours() {
    let mut car = Car::new();
    start(&mut car, 0);
    drive_unread(&mut car);
    park(&mut car);
    car.wait(8 * 3_600_000);
    start(&mut car, 0);
    car.wait(60_000);
    car.number(Signal::StateOfCharge, 60.0);
    let all = live(&arrivals(&car));
    assert_eq!(metres(&all), [12_000], "{all:?}");
}

#[test]
fn on_in_park_is_one_trip() {
    let mut car = Car::new();
    start(&mut car, 0);
    drive_unread(&mut car);
    car.number(Signal::Gear, 126.0);
    for _ in 0..6 {
        car.wait(60_000);
        car.number(Signal::StateOfCharge, 60.0);
    }
    car.wait(17_000);
    odometer(&mut car);
    let all = live(&arrivals(&car));
    let trips = trips(&all);
    assert_eq!(metres(&all), [12_000], "{all:?}");
    assert_eq!((trips[0].driving.minutes(), trips[0].missed_s), (12, 0));
}

/// The head unit boots with each drive, and the power goes with one of them before its odometer.
#[test]
fn a_boot_with_each_drive() {
    let mut car = Car::new();
    odometer(&mut car);
    car.text(Signal::Ignition, "OFF");
    let mut boots = Vec::new();
    for drive in 0..6 {
        car.wait(30_000_000);
        boots.push(arrivals(&car).len());
        set_off(&mut car);
        drive_unread(&mut car);
        park(&mut car);
        if drive != 1 {
            car.wait(2_000);
            odometer(&mut car);
        }
    }
    let mut arriving = arrivals(&car);
    for boot in boots.into_iter().rev() {
        arriving.insert(boot, Arrival::Restart);
    }
    let all = finished(&fold_arrivals(Pace::Recording, &arriving).0);
    let paid_m: u64 = metres(&all).into_iter().sum();
    assert!((48_000..=72_000).contains(&paid_m), "{all:?}");
}

/// The bus is silent for minutes in which the car stands, with ON.
#[test]
fn a_silence_before_the_odometer() {
    let mut car = Car::new();
    start(&mut car, 0);
    drive_unread(&mut car);
    car.wait(379_000);
    car.number(Signal::Speed, 5.0);
    car.odometer_m += 10.0;
    car.wait(10_000);
    car.number(Signal::Speed, 0.0);
    odometer(&mut car);
    car.wait(1_000);
    park(&mut car);
    let all = live(&arrivals(&car));
    assert_eq!(metres(&all).iter().sum::<u64>(), 12_010, "{all:?}");
}

#[test]
fn a_door_after_a_blind_drive() {
    let mut car = Car::new();
    odometer(&mut car);
    car.text(Signal::Ignition, "ON");
    car.odometer_m += 12_000.0;
    car.wait(720_000);
    car.text(Signal::Ignition, "OFF");
    car.wait(13_000);
    car.text(Signal::Ignition, "ON");
    car.wait(7_000);
    car.text(Signal::Ignition, "OFF");
    car.wait(10_000);
    odometer(&mut car);
    let all = live(&arrivals(&car));
    assert_eq!(metres(&all), [12_000], "{all:?}");
}

#[test]
fn a_manoeuvre_before_the_odometer() {
    let mut car = Car::new();
    start(&mut car, 0);
    drive_unread(&mut car);
    park(&mut car);
    car.wait(13_000);
    set_off(&mut car);
    car.wait(2_000);
    car.number(Signal::Speed, 3.0);
    car.odometer_m += 10.0;
    car.wait(3_000);
    car.number(Signal::Speed, 0.0);
    car.wait(2_000);
    park(&mut car);
    car.wait(10_000);
    odometer(&mut car);
    let all = live(&arrivals(&car));
    assert_eq!(metres(&all).iter().sum::<u64>(), 12_010, "{all:?}");
    // What the car stood in between is not missed.
    assert!(trips(&all).iter().all(|trip| trip.missed_s <= 5), "{all:?}");
}

#[test]
fn two_drives_before_one_odometer() {
    let mut car = Car::new();
    start(&mut car, 0);
    drive_unread(&mut car);
    park(&mut car);
    car.wait(300_000);
    set_off(&mut car);
    drive_unread(&mut car);
    park(&mut car);
    car.wait(30_000);
    odometer(&mut car);
    let all = live(&arrivals(&car));
    assert_eq!(metres(&all).iter().sum::<u64>(), 24_000, "{all:?}");
    assert!(trips(&all).iter().all(|trip| trip.missed_s <= 5), "{all:?}");
}

#[test]
fn an_odometer_that_has_not_risen_yet() {
    let mut car = Car::new();
    start(&mut car, 0);
    let stale_m = car.odometer_m;
    cruise(&mut car, 720, |car, second| {
        car.number(Signal::Speed, 60.0);
        if second % 60 == 59 {
            car.number(Signal::Odometer, stale_m);
        }
    });
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    park(&mut car);
    car.number(Signal::Odometer, stale_m);
    car.wait(1_000);
    car.number(Signal::Odometer, stale_m);
    car.wait(29_000);
    odometer(&mut car);
    let all = finished(&fold_at(Pace::Live, &car).0);
    assert_eq!(metres(&all), [12_000], "{all:?}");
}

#[test]
fn an_odometer_alone_after_the_drive() {
    for late_s in [0, 1, 600] {
        let mut car = Car::new();
        say(&mut car, Signal::Ignition, Value::Text("ON".to_owned()), 0);
        odometer(&mut car);
        car.odometer_m += 12_000.0;
        car.wait(720_000);
        car.text(Signal::Ignition, "OFF");
        car.wait(late_s * 1_000);
        odometer(&mut car);
        car.wait(60_000);
        car.number(Signal::StateOfCharge, 60.0);
        let all = live(&arrivals(&car));
        assert_eq!(metres(&all), [12_000], "{late_s} s: {all:?}");
        assert_eq!(trips(&all)[0].missed_s, 720, "{late_s} s: {all:?}");
    }
}

#[test]
fn frames_of_minutes_prove_their_odometer() {
    let mut car = Car::new();
    start(&mut car, 0);
    // Eighteen kilometres at 108 km/h in ten minutes; the frames see the ends of it.
    for (kmh, rise_m) in [(0.0, 0.0), (108.0, 9_000.0), (0.0, 9_000.0)] {
        car.odometer_m += rise_m;
        car.wait(300_000);
        car.number(Signal::Speed, kmh);
    }
    car.wait(1_000);
    park(&mut car);
    car.wait(60_000);
    odometer(&mut car);
    let all = live(&arrivals(&car));
    assert_eq!(metres(&all), [18_000], "{all:?}");
}

#[test]
fn an_odometer_that_was_known_last_night() {
    let mut car = Car::new();
    odometer(&mut car);
    car.text(Signal::Ignition, "OFF");
    let off = arrivals(&car).len();
    car.wait(30_000_000);
    set_off(&mut car);
    drive_unread(&mut car);
    park(&mut car);
    car.wait(2_000);
    odometer(&mut car);
    let mut arriving = arrivals(&car);
    arriving.insert(off, Arrival::Restart);
    let all = finished(&fold_arrivals(Pace::Recording, &arriving).0);
    assert_eq!(metres(&all), [12_000], "{all:?}");
    // What somebody drove meanwhile is not of this drive.
    for sample in arriving.iter_mut().rev().take(1) {
        if let Arrival::Sample(sample) = sample {
            sample.value = Value::Number(car.odometer_m + 30_000.0);
        }
    }
    let all = finished(&fold_arrivals(Pace::Recording, &arriving).0);
    assert_eq!(metres(&all), Vec::<u64>::new(), "{all:?}");
}
