//! Public reports of people who run telematics, each with what is right: the sources are in its comment.
//!
//! Speed in km/h; an hour at 60 km/h is 60 km.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{
    Arrival, METRES_PER_S, arrivals, counter, cruise, fold_both, say, start, stop, tell_all,
};
use common::{Car, charges, finished, trips};
use dashpoint_membership::{Charge, Trip};
use dashpoint_telematics::{DriveState, Finished, Marks, Signal, Telematics, Value};

/// Returns what a car has finished, which is the same live and from a recording.
fn finish(car: &Car, case: &str) -> Vec<Finished> {
    let [recording, live] = fold_both(car).map(|(outcomes, _)| finished(&outcomes));
    let evidence =
        |all: &[Finished]| -> Vec<_> { all.iter().map(|one| one.evidence.interval()).collect() };
    assert_eq!(evidence(&recording), evidence(&live), "{case}");
    live
}

fn metres(trips: &[Trip]) -> u64 {
    trips.iter().map(|trip| trip.odometer.length()).sum()
}

fn watt_hours(charges: &[Charge]) -> u64 {
    charges.iter().map(|charge| charge.charged.length()).sum()
}

/// Checks the metres of a car's trips, to a step of the given length.
fn assert_drives(car: &Car, due_m: u64, step_m: u64, most: usize, case: &str) {
    let trips = trips(&finish(car, case));
    assert!(
        metres(&trips) <= due_m && metres(&trips) + step_m >= due_m,
        "{case}: {trips:?}"
    );
    assert!(trips.len() <= most, "{case}: {trips:?}");
}

/// fleet-telemetry #386, SentryGuard #210, saic-python-mqtt-gateway PR #211.
#[test]
fn report_1_a_record_ahead_at_wake() {
    for ahead_ms in [1_000, 3_000, 30_000, 300_000] {
        let mut car = Car::new();
        say(
            &mut car,
            Signal::StateOfCharge,
            Value::Number(60.0),
            ahead_ms,
        );
        start(&mut car, 0);
        cruise(&mut car, 900, |car, _| tell_all(car, 0));
        stop(&mut car, 0);
        assert_drives(&car, 15_000, 20, 1, &format!("{ahead_ms} ms"));
    }
}

/// bmw-cardata-ha PR #140, kia_uvo #1659, onstar2mqtt #714.
#[test]
fn report_2_two_clocks() {
    let mut pushes = Car::new();
    start(&mut pushes, 0);
    cruise(&mut pushes, 1_200, |car, second| {
        car.number(Signal::Speed, 60.0);
        if second % 30 == 29 {
            let odometer_m = car.odometer_m - 5.0 * METRES_PER_S;
            say(car, Signal::Odometer, Value::Number(odometer_m), -5_000);
        }
    });
    stop(&mut pushes, 0);
    assert_drives(&pushes, 20_000, 90, 1, "a push with an odometer of before");

    let mut ahead = Car::new();
    start(&mut ahead, 0);
    cruise(&mut ahead, 1_200, |car, _| {
        say(car, Signal::StateOfCharge, Value::Number(60.0), 5_000);
        tell_all(car, 0);
    });
    stop(&mut ahead, 0);
    assert_drives(&ahead, 20_000, 20, 1, "a battery's clock ahead");

    let mut poller = Car::new();
    start(&mut poller, 0);
    cruise(&mut poller, 1_200, |car, second| {
        if second % 60 == 0 {
            say(car, Signal::StateOfCharge, Value::Number(60.0), 7_200_000);
        }
        tell_all(car, 0);
    });
    stop(&mut poller, 0);
    assert_drives(&poller, 20_000, 40, 1, "a poller two hours ahead");

    let mut charging = Car::new();
    charging.meters();
    charging.wait(60_000);
    charging.flag(Signal::IsCharging, true);
    for _ in 0..360 {
        charging.wait(10_000);
        charging.number(Signal::ChargingPower, 11.0);
        charging.charged_kwh += 11.0 / 360.0;
        let captured_kwh = (charging.charged_kwh - 4.0 * 11.0 / 360.0).max(4_000.0);
        say(
            &mut charging,
            Signal::ChargedEnergy,
            Value::Number(captured_kwh),
            -40_000,
        );
    }
    charging.wait(10_000);
    charging.flag(Signal::IsCharging, false);
    charging.wait(40_000);
    counter(&mut charging, -40_000);
    for (outcomes, _) in fold_both(&charging) {
        let charges = charges(&finished(&outcomes));
        // What comes behind the end is found at the next wake.
        assert!(watt_hours(&charges).abs_diff(11_000) <= 130, "{charges:?}");
    }
}

/// kuksa.val #410, ovms-home-assistant PR #263, fleet-telemetry #402.
#[test]
fn report_5_said_only_when_it_changes() {
    let mut car = Car::new();
    start(&mut car, 0);
    let mut told_m = car.odometer_m;
    let mut said_kmh = -1.0;
    let mut second = |car: &mut Car, kmh: f64| {
        car.wait(1_000);
        car.odometer_m += kmh / 3.6;
        if kmh != said_kmh {
            car.number(Signal::Speed, kmh);
            said_kmh = kmh;
        }
        if car.odometer_m >= told_m + 100.0 {
            told_m = car.odometer_m;
            car.number(Signal::Odometer, car.odometer_m.floor());
        }
        car.number(Signal::BatteryPower, -4_000.0 - kmh);
    };
    for _ in 0..6 {
        (1..=10).for_each(|step| second(&mut car, 5.0 * f64::from(step)));
        (0..90).for_each(|_| second(&mut car, 50.0));
        (0..10)
            .rev()
            .for_each(|step| second(&mut car, 5.0 * f64::from(step)));
        (0..40).for_each(|_| second(&mut car, 0.0));
    }
    stop(&mut car, 0);
    let trips = trips(&finish(&car, "on change"));
    let [trip] = &trips[..] else {
        panic!("{trips:?}");
    };
    assert!(trip.odometer.length().abs_diff(8_333) <= 1, "{trip:?}");
    assert!(
        trip.missed_s <= 5 && trip.driving.minutes() == 15,
        "{trip:?}"
    );
    assert_eq!(trip.score_x100, 10_000, "{trip:?}");

    let mut jam = Car::new();
    start(&mut jam, 0);
    jam.number(Signal::Speed, 50.0);
    let drive = |car: &mut Car| {
        for step in 0..120 {
            car.wait(1_000);
            car.odometer_m += 50.0 / 3.6;
            if step % 8 == 0 {
                car.number(Signal::Odometer, car.odometer_m.floor());
            }
        }
    };
    drive(&mut jam);
    jam.number(Signal::Speed, 0.0);
    for step in 0..30 {
        jam.wait(5_000);
        jam.number(Signal::StateOfCharge, 60.0 - f64::from(step) / 100.0);
        jam.number(Signal::BatteryPower, -300.0 - f64::from(step));
    }
    jam.number(Signal::Speed, 50.0);
    drive(&mut jam);
    stop(&mut jam, 0);
    assert_drives(&jam, 3_333, 1, 1, "a jam");
}

/// hyundai_kia_connect_monitor #2, fleet-telemetry #384, VWsFriend #751, bmw-cardata-ha #228.
#[test]
fn report_6_the_odometer_after_the_drive() {
    let mut car = Car::new();
    for _ in 0..2 {
        start(&mut car, 0);
        cruise(&mut car, 720, |car, _| car.number(Signal::Speed, 60.0));
        car.number(Signal::Speed, 0.0);
        car.wait(1_000);
        car.text(Signal::Ignition, "OFF");
        car.wait(30_000);
        car.number(Signal::Odometer, car.odometer_m.floor());
        car.wait(1_800_000);
    }
    assert_drives(&car, 24_000, 1, 2, "30 s after");

    let mut car = Car::new();
    for _ in 0..4 {
        start(&mut car, 0);
        cruise(&mut car, 244, |car, second| {
            car.number(Signal::Speed, 60.0);
            if second % 120 == 119 {
                car.number(Signal::Odometer, car.odometer_m.floor());
            }
        });
        car.number(Signal::Speed, 0.0);
        car.wait(1_000);
        car.text(Signal::Ignition, "OFF");
        car.wait(60_000);
        car.number(Signal::Odometer, car.odometer_m.floor());
        car.wait(1_800_000);
    }
    assert_drives(&car, 16_267, 2, 4, "each two minutes");
}

/// hyundai_kia_connect_api PR #1147, TeslaUSB PR #107, traccar-web #1065, ovms-link #25.
#[test]
fn report_7_the_clock_is_set_back() {
    let mut summer = Car::new();
    start(&mut summer, 0);
    cruise(&mut summer, 1_800, |car, _| tell_all(car, 0));
    cruise(&mut summer, 5_400, |car, _| tell_all(car, -3_600_000));
    stop(&mut summer, -3_600_000);
    assert_drives(&summer, 120_000, 60, 2, "an hour");

    let mut rtc = Car::new();
    start(&mut rtc, 28_800_000);
    cruise(&mut rtc, 40, |car, _| tell_all(car, 28_800_000));
    cruise(&mut rtc, 3_560, |car, _| tell_all(car, 0));
    stop(&mut rtc, 0);
    assert_drives(&rtc, 60_000, 700, 2, "eight hours until a fix");
}

/// leapmotor-mate #50, ovms-link #19.
#[test]
fn report_10_a_frame_each_18_s() {
    let mut car = Car::new();
    start(&mut car, 0);
    let frames = |car: &mut Car, seconds: u32, frame_s: u32| {
        cruise(car, seconds, |car, second| {
            if (second + 1) % frame_s == 0 {
                tell_all(car, 0);
            }
        });
    };
    frames(&mut car, 1_206, 18);
    cruise(&mut car, 564, |_, _| ());
    frames(&mut car, 1_800, 18);
    stop(&mut car, 0);
    assert_drives(&car, 59_500, 1, 1, "18 s");
    for frame_s in [6, 10, 30, 60, 119, 121, 300] {
        let mut car = Car::new();
        start(&mut car, 0);
        frames(&mut car, 6_000, frame_s);
        stop(&mut car, 0);
        assert_drives(&car, 100_000, 1, 1, &format!("{frame_s} s"));
    }
}

/// TeslaLogger #1439, evcc #23327, teslamate #1623.
#[test]
fn report_11_the_sun_switches_the_charge() {
    let mut car = Car::new();
    car.meters();
    car.number(Signal::Gear, 126.0);
    common::station(&mut car, "SITE", 100.0);
    for _ in 0..24 {
        car.wait(1_000);
        car.flag(Signal::IsCharging, true);
        for _ in 0..15 {
            car.wait(10_000);
            car.charged_kwh += 0.35 / 15.0;
            counter(&mut car, 0);
        }
        car.flag(Signal::IsCharging, false);
        car.wait(150_000);
    }
    car.wait(3 * 3_600_000);
    car.number(Signal::StateOfCharge, 60.0);
    let charges = charges(&finish(&car, "solar"));
    // Pieces are added up until they are worth a session.
    assert!(watt_hours(&charges).abs_diff(8_400) <= 1, "{charges:?}");
    for charge in &charges {
        assert!(charge.charged.length() >= 1_000, "{charge:?}");
        assert_eq!(charge.renewable_permille, 1_000, "{charge:?}");
    }
}

/// emqx #1529, mochi-mqtt/server #251, mosquitto #3584.
#[test]
fn report_13_everything_is_retained() {
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 1_200, |car, _| tell_all(car, 0));
    stop(&mut car, 0);
    car.wait(60_000);
    counter(&mut car, 0);
    car.wait(1_000);
    car.charge(20.0, 360);
    for sample in &mut car.samples {
        sample.retained = true;
    }
    let all = finish(&car, "retained");
    assert!(metres(&trips(&all)).abs_diff(20_000) <= 20, "{all:?}");
    assert_eq!(watt_hours(&charges(&all)), 20_000, "{all:?}");
}

/// home-assistant/core #143186, Overdrive-release PR #139, geely-connect #44.
#[test]
fn report_14_the_last_speed_stays() {
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 600, |car, _| tell_all(car, 0));
    car.number(Signal::Speed, 2.0);
    car.wait(1_000);
    for _ in 0..30 {
        car.number(Signal::Gear, 126.0);
        car.text(Signal::Ignition, "OFF");
        car.number(Signal::StateOfCharge, 60.0);
        car.wait(60_000);
    }
    let mut telematics = Telematics::new(common::settings(), Marks::default());
    for arrival in arrivals(&car) {
        match arrival {
            Arrival::Sample(sample) => drop(telematics.observe(&sample)),
            Arrival::Silence(ms) => drop(telematics.quiet(ms)),
            Arrival::Restart => unreachable!(),
        }
    }
    assert_eq!(telematics.drive_state(), DriveState::Parked);
    assert_drives(&car, 10_000, 1, 1, "the last speed is 2");
}

/// VWsFriend #186, Overdrive-release PR #139; its kin with an ignition that is never off.
#[test]
fn report_16_motion_while_it_charges() {
    for (flag_after, has_flag) in [(0, true), (24, true), (0, false)] {
        let mut car = Car::new();
        start(&mut car, 0);
        cruise(&mut car, 600, |car, _| tell_all(car, 0));
        car.wait(1_000);
        car.number(Signal::Speed, 0.0);
        car.number(Signal::Odometer, car.odometer_m);
        car.number(Signal::Gear, 126.0);
        counter(&mut car, 0);
        car.wait(120_000);
        counter(&mut car, 0);
        for step in 0..180 {
            if has_flag && step == flag_after {
                car.flag(Signal::IsCharging, true);
            }
            car.wait(10_000);
            car.charged_kwh += 0.25;
            counter(&mut car, 0);
            if step == 20 {
                car.number(Signal::Speed, 1.0);
                car.wait(1_000);
                car.number(Signal::Speed, 0.0);
            }
        }
        if has_flag {
            car.flag(Signal::IsCharging, false);
        }
        car.wait(600_000);
        counter(&mut car, 0);
        car.wait(1_000);
        car.text(Signal::Ignition, "OFF");
        car.wait(1_000);
        counter(&mut car, 0);
        let case = format!("flag {has_flag} after {flag_after}");
        let all = finish(&car, &case);
        assert_eq!(watt_hours(&charges(&all)), 45_000, "{case}: {all:?}");
        assert_eq!(metres(&trips(&all)), 10_000, "{case}: {all:?}");
    }
}

/// geely-connect #21, #25.
#[test]
fn report_18_speed_is_0_through_the_drive() {
    let mut car = Car::new();
    car.text(Signal::Ignition, "ON");
    car.number(Signal::Odometer, car.odometer_m.floor());
    for _ in 0..50 {
        car.wait(30_000);
        car.odometer_m += 500.0;
        car.number(Signal::Speed, 0.0);
        car.number(Signal::Odometer, car.odometer_m.floor());
    }
    car.wait(1_000);
    car.text(Signal::Ignition, "OFF");
    let trips = trips(&finish(&car, "speed 0"));
    assert_eq!((trips.len(), metres(&trips)), (1, 25_000), "{trips:?}");
    assert!(trips[0].factors.is_empty(), "{trips:?}");
}

/// hass-byd-vehicle #96, fordpass-ha #580, homeassistant-volkswagencarnet #723, kia_uvo #477.
#[test]
fn report_21_zeros_at_wake() {
    for zeros in [1, 4, 6, 20] {
        let mut car = Car::new();
        start(&mut car, 0);
        cruise(&mut car, 600, |car, _| tell_all(car, 0));
        stop(&mut car, 0);
        counter(&mut car, 0);
        car.wait(8 * 3_600_000);
        let charged_kwh = car.charged_kwh + 30.0;
        car.charged_kwh = 0.0;
        for _ in 0..zeros {
            counter(&mut car, 0);
            car.wait(1_000);
        }
        car.charged_kwh = charged_kwh;
        for _ in 0..10 {
            counter(&mut car, 0);
            car.wait(1_000);
        }
        let all = finish(&car, "zeros");
        assert_eq!(watt_hours(&charges(&all)), 30_000, "{zeros}: {all:?}");
    }
}
