//! Recorded charging sessions: not a watt-hour is lost, and none is paid twice.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, charges, finished, fold, shared};
use dashpoint_telematics::{Marks, Signal};

/// Energy in Wh of each recorded session.
fn recorded_sessions() -> Option<Vec<f64>> {
    let mut table = csv::Reader::from_path(shared("charging/desl-epfl-sessions.csv")?).unwrap();
    let sessions = table.records().map(|row| row.unwrap()[5].parse().unwrap());
    Some(sessions.collect())
}

#[test]
fn the_recorded_sessions_add_up_to_the_rise_of_the_counter() {
    let Some(sessions) = recorded_sessions() else {
        return;
    };
    assert_eq!(sessions.len(), 1_878);
    let mut car = Car {
        charged_kwh: 0.0,
        ..Car::new()
    };
    car.meters();
    let mut exact_kwh = 0.0;
    let (mut expected, mut last) = (Vec::new(), 0);
    for wh in &sessions {
        car.wait(60_000);
        car.flag(Signal::IsCharging, true);
        for step in 1..=4 {
            // At 200 kW.
            car.wait((wh / 4.0 / 200_000.0 * 3_600_000.0) as i64);
            // The bus carries a float of 32 bits.
            let shown = (exact_kwh + wh * f64::from(step) / 4_000.0) as f32;
            car.number(Signal::ChargedEnergy, f64::from(shown));
        }
        exact_kwh += wh / 1_000.0;
        let counter = (f64::from(exact_kwh as f32) * 1_000.0).round() as u64;
        expected.push(counter - last);
        last = counter;
        car.flag(Signal::IsCharging, false);
    }
    let charges = charges(&finished(&fold(&car.samples, Marks::default())));
    let paid: Vec<u64> = charges
        .iter()
        .map(|charge| charge.charged.length())
        .collect();
    expected.retain(|wh| *wh > 0);
    let differing = paid
        .iter()
        .zip(&expected)
        .position(|(paid, expected)| paid != expected);
    assert_eq!((differing, paid.len()), (None, expected.len()));
    assert_eq!(paid.len(), 1_878);
    assert_eq!(paid.iter().sum::<u64>(), last, "to the watt-hour");
}

#[test]
fn each_recorded_session_is_one_session_of_its_own_vehicle() {
    let Some(sessions) = recorded_sessions() else {
        return;
    };
    let mut found = 0;
    for wh in &sessions {
        let mut car = Car {
            charged_kwh: 0.0,
            ..Car::new()
        };
        car.meters();
        car.flag(Signal::IsCharging, true);
        for step in 1..=10 {
            // At 200 kW.
            car.wait((wh / 10.0 / 200_000.0 * 3_600_000.0) as i64);
            car.charged_kwh = f64::from((wh * f64::from(step) / 10_000.0) as f32);
            car.number(Signal::ChargedEnergy, car.charged_kwh);
        }
        car.flag(Signal::IsCharging, false);
        let charges = charges(&finished(&fold(&car.samples, Marks::default())));
        let [charge] = &charges[..] else {
            panic!("{wh} Wh: {charges:?}");
        };
        let off_wh = (charge.charged.length() as f64 - wh).abs();
        let step_wh = f64::from((wh / 1_000.0) as f32) * f64::from(f32::EPSILON) * 1_000.0;
        assert!(off_wh <= step_wh.max(1.0), "{wh} Wh: {charge:?}");
        found += 1;
    }
    assert_eq!(found, 1_878);
}
