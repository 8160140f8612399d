//! Generated histories of counters that are replaced, leap and say nothing.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, charges, finished, fold, trips};
use dashpoint_telematics::{Marks, Signal};
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;

/// A value that is none, said for some times in a row while the car is parked.
#[derive(Debug, Clone)]
struct Spike {
    of_odometer: bool,
    value: f64,
    times: u8,
}

/// A day of a car: perhaps another counter, perhaps values that are none, then a drive and a charge.
#[derive(Debug, Clone)]
struct Day {
    spike: Option<Spike>,
    seconds: u16,
    wh: u16,
}

/// Whole units beyond what the counters of the test come to by themselves in a night: one value in reach cannot be told from a reading.
fn spike() -> impl Strategy<Value = Spike> {
    let codes = prop::sample::select(vec![
        0.0,
        6_553.5,
        65_535.0,
        655_350.0,
        4_294_967.295,
        4_294_967_295.0,
    ]);
    let other = (200_000_000_u32..4_000_000_000).prop_map(f64::from);
    (any::<bool>(), prop_oneof![codes, other], 1_u8..9).prop_map(|(of_odometer, value, times)| {
        // In kilometres or kilowatt-hours below that the counter may have gone there unseen.
        let value = if of_odometer && value > 0.0 && value < 200_000.0 {
            value * 1_000.0
        } else {
            value
        };
        Spike {
            of_odometer,
            value,
            times,
        }
    })
}

fn day() -> impl Strategy<Value = Day> {
    (
        prop::option::weighted(0.3, spike()),
        60_u16..240,
        500_u16..9_000,
    )
        .prop_map(|(spike, seconds, wh)| Day { spike, seconds, wh })
}

/// What a car has driven and charged, in metres and watt-hours.
#[derive(Debug, Default)]
struct Truth {
    driven_m: f64,
    charged_wh: f64,
}

/// A car whose counters are known: what is none from the first cannot be told from what is right.
fn heard_car() -> Car {
    let mut car = Car::new();
    for _ in 0..6 {
        car.meters();
        car.wait(10_000);
    }
    car.wait(12 * HOUR_MS);
    car
}

fn live(car: &mut Car, day: &Day, truth: &mut Truth) {
    if let Some(spike) = &day.spike {
        let signal = if spike.of_odometer {
            Signal::Odometer
        } else {
            Signal::ChargedEnergy
        };
        for _ in 0..spike.times {
            car.wait(2_000);
            car.number(signal, spike.value);
        }
    }
    for _ in 0..6 {
        car.wait(2_000);
        car.meters();
    }
    let before_m = car.odometer_m;
    let rows: Vec<_> = (0..=day.seconds)
        .map(|second| (f64::from(second), 20.0))
        .collect();
    car.switch_on();
    car.follow(&rows);
    car.wait(1_000);
    car.number(Signal::Speed, 0.0);
    car.switch_off();
    truth.driven_m += car.odometer_m - before_m;
    car.wait(60_000);
    let steps = u32::from(day.wh) / 30 + 1;
    car.charge(f64::from(day.wh) / 1_000.0, steps);
    truth.charged_wh += f64::from(day.wh);
    // Parked, and awake now and then.
    for _ in 0..6 {
        car.wait(HOUR_MS / 2);
        car.meters();
    }
    car.wait(18 * HOUR_MS);
}

fn paid(car: &Car) -> (f64, f64) {
    let all = finished(&fold(&car.samples, Marks::default()));
    let driven: u64 = trips(&all).iter().map(|trip| trip.odometer.length()).sum();
    let charged: u64 = charges(&all)
        .iter()
        .map(|charge| charge.charged.length())
        .sum();
    (driven as f64, charged as f64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Up to a kilometre and a kilowatt-hour are lost at a counter that changes; nothing is ever paid that was not driven or charged.
    #[test]
    fn replaced_counters_pay_what_was_true(
        before in prop::collection::vec(day(), 0..4),
        after in prop::collection::vec(day(), 4..6),
        replaced in any::<(bool, bool)>(),
        to in 1_u32..900,
    ) {
        let (mut car, mut truth) = (heard_car(), Truth::default());
        for day in &before {
            live(&mut car, day, &mut truth);
        }
        // The new counters begin below the old ones.
        if replaced.0 {
            car.odometer_m = f64::from(to) * 1_000.0;
        }
        if replaced.1 {
            car.charged_kwh = f64::from(to);
        }
        for day in after.iter().map(|day| Day { spike: None, ..day.clone() }) {
            live(&mut car, &day, &mut truth);
        }
        let (driven_m, charged_wh) = paid(&car);
        prop_assert!(driven_m <= truth.driven_m + 1.0, "{driven_m} of {truth:?}");
        prop_assert!(charged_wh <= truth.charged_wh + 1.0, "{charged_wh} of {truth:?}");
        prop_assert!(driven_m >= truth.driven_m - 1_000.0, "{driven_m} of {truth:?}");
        prop_assert!(charged_wh >= truth.charged_wh - 1_000.0, "{charged_wh} of {truth:?}");
    }

    #[test]
    fn values_that_are_none_pay_nothing_more(days in prop::collection::vec(day(), 2..7)) {
        let (mut car, mut truth) = (heard_car(), Truth::default());
        for day in &days {
            live(&mut car, day, &mut truth);
        }
        let (driven_m, charged_wh) = paid(&car);
        prop_assert!(driven_m <= truth.driven_m + 1.0, "{driven_m} of {truth:?}");
        prop_assert!(charged_wh <= truth.charged_wh + 1.0, "{charged_wh} of {truth:?}");
        prop_assert!(driven_m >= truth.driven_m - 1_000.0, "{driven_m} of {truth:?}");
        prop_assert!(charged_wh >= truth.charged_wh - 1_000.0, "{charged_wh} of {truth:?}");
    }
}
