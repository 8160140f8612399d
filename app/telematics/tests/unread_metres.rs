//! Metres that one driver has left to be read: whose they are, whoever drives next and whatever is chosen meanwhile.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{Arrival, Pace, arrivals, cruise, fold_arrivals, start};
use common::{Car, finished, settings, trips};
use dashpoint_membership::Trip;
use dashpoint_telematics::{Driver, Finished, Marks, Outcome, Signal, Telematics};

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

fn name(car: &mut Car, subject: &str) {
    car.text(Signal::DriverIssuer, "urn:test");
    car.text(Signal::DriverSubject, subject);
}

fn metres_of(all: &[Finished], subject: &str) -> u64 {
    let is_of = |one: &&Finished| one.driver.named().is_some_and(|(_, of)| of == subject);
    let his: Vec<Finished> = all.iter().filter(is_of).cloned().collect();
    metres(&his).into_iter().sum()
}

/// Ten kilometres of somebody else, whose odometer comes 300 s after he has set off and again at their end.
fn drive_of_next(car: &mut Car) {
    set_off(car);
    cruise(car, 600, |car, second| {
        car.number(Signal::Speed, 60.0);
        if second == 299 {
            odometer(car);
        }
    });
    odometer(car);
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    park(car);
    car.wait(60_000);
    car.number(Signal::StateOfCharge, 60.0);
}

#[test]
fn unread_metres_are_not_the_next_drivers() {
    for pause_s in [60, 600, 1_200, 36_000] {
        let mut car = Car::new();
        name(&mut car, "lin");
        start(&mut car, 0);
        drive_unread(&mut car);
        park(&mut car);
        car.wait(pause_s * 1_000);
        name(&mut car, "wang");
        drive_of_next(&mut car);
        let all = live(&arrivals(&car));
        let next_m = metres_of(&all, "wang");
        assert!((4_900..=10_000).contains(&next_m), "{pause_s} s: {all:?}");
        assert!(metres_of(&all, "lin") <= 12_000, "{pause_s} s: {all:?}");
    }
}

/// Folds a car whose guest's switch is moved before one of its samples.
fn with_choice(car: &Car, before: usize, is_guest: bool) -> Vec<Finished> {
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut last_ms = 0;
    for (index, sample) in car.samples.iter().enumerate() {
        let silent_ms = sample.ts_ms - last_ms;
        if index == before {
            outcomes.extend(telematics.quiet(500));
            outcomes.extend(telematics.hand_over());
            telematics.set_guest(is_guest);
        }
        if index > 0 && silent_ms > 1_000 {
            outcomes.extend(telematics.quiet(silent_ms.min(Telematics::QUIET_MS_MAX)));
        }
        last_ms = sample.ts_ms;
        outcomes.extend(telematics.observe(sample));
    }
    outcomes.extend(telematics.drain());
    finished(&outcomes)
}

fn drive_late(car: &mut Car) {
    set_off(car);
    drive_unread(car);
    park(car);
    car.wait(30_000);
    odometer(car);
    car.wait(1_800_000);
}

#[test]
fn a_guest_is_not_the_next_driver() {
    for is_guest in [false, true] {
        let mut car = Car::new();
        start(&mut car, 0);
        drive_unread(&mut car);
        park(&mut car);
        car.wait(18_000);
        car.number(Signal::StateOfCharge, 60.0);
        let before = car.samples.len();
        car.wait(1_200_000);
        drive_of_next(&mut car);
        let all = with_choice(&car, before, is_guest);
        let guests = all.iter().filter(|one| one.driver == Driver::Guest);
        let guests: Vec<Finished> = guests.cloned().collect();
        let theirs_m: u64 = metres(&guests).into_iter().sum();
        let others_m = metres(&all).into_iter().sum::<u64>() - theirs_m;
        let next_m = if is_guest { theirs_m } else { others_m };
        assert!((4_900..=10_000).contains(&next_m), "{is_guest}: {all:?}");
    }
}

#[test]
fn a_choice_leaves_the_metres_to_their_driver() {
    let mut car = Car::new();
    start(&mut car, 0);
    drive_unread(&mut car);
    park(&mut car);
    car.wait(18_000);
    car.number(Signal::StateOfCharge, 60.0);
    let before = car.samples.len();
    car.wait(12_000);
    odometer(&mut car);
    car.wait(1_000);
    car.number(Signal::StateOfCharge, 60.0);
    let all = with_choice(&car, before, true);
    assert_eq!(metres(&all), [12_000], "{all:?}");
    assert_eq!(all[0].driver, Driver::Unidentified);
}

/// Three drives of each after one whose odometer never came.
#[test]
fn a_lost_odometer_costs_its_drive_alone() {
    let mut car = Car::new();
    name(&mut car, "lin");
    start(&mut car, 0);
    drive_unread(&mut car);
    park(&mut car);
    let parked = car.samples.len();
    car.wait(1_800_000);
    for _ in 0..3 {
        for driver in ["wang", "lin"] {
            name(&mut car, driver);
            drive_late(&mut car);
        }
    }
    for choice in [None, Some(parked)] {
        let all = match choice {
            None => live(&arrivals(&car)),
            Some(before) => with_choice(&car, before, false),
        };
        let paid_m: u64 = metres(&all).into_iter().sum();
        assert!((60_000..=84_000).contains(&paid_m), "{choice:?}: {all:?}");
        assert!(metres_of(&all, "wang") <= 36_000, "{choice:?}: {all:?}");
    }
}

/// Nobody is named until ten seconds after setting off.
#[test]
fn a_name_some_seconds_late() {
    let mut car = Car::new();
    for _ in 0..3 {
        name(&mut car, "UNDEFINED");
        set_off(&mut car);
        odometer(&mut car);
        cruise(&mut car, 720, |car, second| {
            car.number(Signal::Speed, 60.0);
            if second == 10 {
                name(car, "lin");
            }
        });
        car.number(Signal::Speed, 0.0);
        car.wait(1_000);
        odometer(&mut car);
        park(&mut car);
        car.wait(3_600_000);
    }
    let all = live(&arrivals(&car));
    assert!(metres_of(&all, "lin") >= 35_400, "{all:?}");
    assert!(metres_of(&all, "lin") <= 36_000, "{all:?}");
}

/// The climate of one who drives nowhere, in a car of whose motion only the odometer tells.
#[test]
fn a_climate_run_drives_nowhere() {
    let mut car = Car::new();
    name(&mut car, "lin");
    odometer(&mut car);
    car.wait(10_000);
    car.text(Signal::Ignition, "ON");
    car.wait(1_200_000);
    car.text(Signal::Ignition, "OFF");
    car.wait(90_000);
    name(&mut car, "wang");
    car.wait(10_000);
    car.text(Signal::Ignition, "ON");
    for _ in 0..6 {
        car.wait(120_000);
        car.odometer_m += 2_000.0;
        odometer(&mut car);
    }
    car.text(Signal::Ignition, "OFF");
    let all = live(&arrivals(&car));
    assert_eq!(metres_of(&all, "wang"), 12_000, "{all:?}");
    assert_eq!(metres_of(&all, "lin"), 0, "{all:?}");
}

/// Fourteen kilometres that somebody drives while the head unit is off.
#[test]
fn what_was_driven_unseen_is_nobodys() {
    for hears_off in [true, false] {
        let mut car = Car::new();
        odometer(&mut car);
        car.number(Signal::Speed, 0.0);
        if hears_off {
            car.text(Signal::Ignition, "OFF");
        }
        let off = arrivals(&car).len();
        car.wait(30_000_000);
        car.odometer_m += 14_000.0;
        set_off(&mut car);
        car.wait(1_000);
        drive_unread(&mut car);
        park(&mut car);
        car.wait(30_000);
        odometer(&mut car);
        let mut arriving = arrivals(&car);
        arriving.insert(off, Arrival::Restart);
        let all = finished(&fold_arrivals(Pace::Recording, &arriving).0);
        let paid_m: u64 = metres(&all).into_iter().sum();
        assert!(paid_m <= 12_000, "{hears_off}: {all:?}");
    }
}

#[test]
fn frames_prove_no_more_than_they_say() {
    let mut car = Car::new();
    start(&mut car, 0);
    for step in 0..240 {
        car.wait(30_000);
        let kmh = if step % 2 == 0 { 60.0 } else { 120.0 };
        car.odometer_m += 750.0;
        car.number(Signal::Speed, kmh);
        if step % 4 == 3 {
            odometer(&mut car);
        }
    }
    let died = arrivals(&car).len();
    car.wait(30_000_000);
    car.odometer_m += 50_000.0;
    set_off(&mut car);
    car.wait(1_000);
    odometer(&mut car);
    let mut arriving = arrivals(&car);
    arriving.insert(died, Arrival::Restart);
    let all = finished(&fold_arrivals(Pace::Recording, &arriving).0);
    let paid_m: u64 = metres(&all).into_iter().sum();
    assert!((178_000..=180_000).contains(&paid_m), "{all:?}");
}

#[test]
fn a_choice_at_a_red_light() {
    let mut car = Car::new();
    start(&mut car, 0);
    let drive = |car: &mut Car| cruise(car, 360, |car, _| car.number(Signal::Speed, 60.0));
    drive(&mut car);
    let mut chosen = 0;
    for second in 0..30 {
        car.number(Signal::Speed, 0.0);
        car.wait(1_000);
        if second == 10 {
            chosen = car.samples.len();
        }
    }
    drive(&mut car);
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    odometer(&mut car);
    park(&mut car);
    let all = with_choice(&car, chosen, true);
    assert_eq!(metres(&all), [12_000], "{all:?}");
}

#[test]
fn a_choice_ends_a_trip_that_stands() {
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 720, |car, _| {
        car.number(Signal::Speed, 60.0);
        odometer(car);
    });
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    car.number(Signal::Gear, 126.0);
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes: Vec<Outcome> = Vec::new();
    for sample in &car.samples {
        outcomes.extend(telematics.observe(sample));
    }
    outcomes.extend(telematics.quiet(5_000));
    assert_eq!(finished(&outcomes), []);
    assert_eq!(metres(&finished(&telematics.hand_over())), [12_000]);
}

#[test]
fn a_name_with_the_first_motion() {
    let mut car = Car::new();
    name(&mut car, "lin");
    start(&mut car, 0);
    let tell = |car: &mut Car, second: u32| {
        car.number(Signal::Speed, 60.0);
        if second % 120 == 119 {
            odometer(car);
        }
    };
    cruise(&mut car, 710, tell);
    car.number(Signal::Speed, 0.0);
    car.wait(30_000);
    name(&mut car, "wang");
    car.number(Signal::Speed, 5.0);
    cruise(&mut car, 600, tell);
    car.number(Signal::Speed, 0.0);
    car.wait(1_000);
    park(&mut car);
    let all = live(&arrivals(&car));
    assert!(metres_of(&all, "wang") <= 10_000, "{all:?}");
    assert!(metres_of(&all, "lin") <= 11_834, "{all:?}");
    assert!(metres_of(&all, "wang") >= 7_900, "{all:?}");
}

#[test]
fn nobody_drives_in_a_parked_car() {
    let mut car = Car::new();
    name(&mut car, "lin");
    start(&mut car, 0);
    drive_unread(&mut car);
    park(&mut car);
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &car.samples {
        telematics.observe(sample);
    }
    telematics.quiet(3_000);
    assert!(telematics.has_trip());
    assert!(telematics.awaits_end());
    assert_eq!(telematics.trip_driver(), None);
    assert!(matches!(telematics.at_the_wheel(), Driver::Named { .. }));
}

/// A camera, or a phone, loses the driver for two seconds.
#[test]
fn a_name_that_flickers_costs_nothing() {
    for late_s in [0, 1, 30] {
        let mut car = Car::new();
        name(&mut car, "lin");
        start(&mut car, 0);
        cruise(&mut car, 720, |car, second| {
            car.number(Signal::Speed, 60.0);
            if second == 300 {
                name(car, "UNDEFINED");
            }
            if second == 302 {
                name(car, "lin");
            }
        });
        car.number(Signal::Speed, 0.0);
        car.wait(1_000);
        if late_s == 0 {
            odometer(&mut car);
        }
        park(&mut car);
        car.wait(late_s * 1_000);
        odometer(&mut car);
        let all = live(&arrivals(&car));
        assert_eq!(metres_of(&all, "lin"), 12_000, "{late_s} s: {all:?}");
    }
}

#[test]
fn who_gets_out_first_is_paid() {
    for late_s in [0, 30] {
        let mut car = Car::new();
        for _ in 0..3 {
            name(&mut car, "UNDEFINED");
            set_off(&mut car);
            cruise(&mut car, 720, |car, second| {
                car.number(Signal::Speed, 60.0);
                if second == 10 {
                    name(car, "lin");
                }
            });
            car.number(Signal::Speed, 0.0);
            car.wait(2_000);
            name(&mut car, "UNDEFINED");
            car.wait(3_000);
            if late_s == 0 {
                odometer(&mut car);
            }
            park(&mut car);
            car.wait(late_s * 1_000);
            odometer(&mut car);
            car.wait(3_600_000);
        }
        let all = live(&arrivals(&car));
        let paid_m = metres_of(&all, "lin");
        // The first drive of all begins at no known odometer.
        assert!((24_000..=36_000).contains(&paid_m), "{late_s} s: {all:?}");
    }
}

/// An odometer that is said again as it was, while the metres of two are unread.
#[test]
fn a_stale_word_tells_no_unread_metres() {
    for stale_after_s in [78, 7_199, 7_300] {
        let mut car = Car::new();
        name(&mut car, "lin");
        start(&mut car, 0);
        let stale_m = car.odometer_m;
        drive_unread(&mut car);
        park(&mut car);
        car.wait(7_200_000);
        name(&mut car, "wang");
        set_off(&mut car);
        drive_unread(&mut car);
        park(&mut car);
        let parked_ms = car.now_ms;
        let mut is_said = false;
        let mut say_stale = |car: &mut Car| {
            if !is_said && car.now_ms - parked_ms >= stale_after_s * 1_000 {
                is_said = true;
                car.number(Signal::Odometer, stale_m);
            }
        };
        for _ in 0..7_200 {
            car.wait(1_000);
            say_stale(&mut car);
        }
        name(&mut car, "lin");
        set_off(&mut car);
        cruise(&mut car, 720, |car, _| {
            car.number(Signal::Speed, 60.0);
            say_stale(car);
        });
        car.number(Signal::Speed, 0.0);
        car.wait(1_000);
        odometer(&mut car);
        park(&mut car);
        let all = live(&arrivals(&car));
        assert!(
            metres_of(&all, "lin") <= 24_000,
            "{stale_after_s} s: {all:?}"
        );
    }
}
