//! The known answers: four standard cycles and a recorded day.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{Car, cycle, finished, fold, policy, recorded_day, trips};
use dashpoint_membership::{Factor, FactorSeen, score_x100};
use dashpoint_telematics::{BrakingSource, Marks, PrivateEvidence};

const CYCLES: [(&str, u16, f64); 4] = [
    ("us06", 8_225, 12_888.0),
    ("udds", 10_000, 11_990.0),
    ("hwfet", 10_000, 16_507.0),
    ("wltc_3b", 10_000, 23_266.0),
];

fn braking(factors: &[FactorSeen]) -> FactorSeen {
    *factors
        .iter()
        .find(|seen| seen.factor == Factor::HardBraking)
        .expect("braking is observed")
}

#[test]
fn each_cycle_is_one_trip_with_its_score_and_distance() {
    for (name, score, metres) in CYCLES {
        for publishes_acceleration in [true, false] {
            let Some(rows) = cycle(name) else {
                return;
            };
            let mut car = Car {
                publishes_acceleration,
                ..Car::new()
            };
            car.drive(&rows);
            let all = finished(&fold(&car.samples, Marks::default()));
            let [trip] = &trips(&all)[..] else {
                panic!("{name}: {all:?}");
            };
            assert_eq!(trip.score_x100, score, "{name} {trip:?}");
            let distance = trip.odometer.length() as f64;
            assert!(
                (distance / metres - 1.0).abs() < 0.005,
                "{name}: {distance} m"
            );
            assert_eq!(trip.missed_s, 0, "{name}");
            let PrivateEvidence::Trip(trace) = &all[0].private else {
                panic!("{name}: {all:?}");
            };
            assert!(
                !trace.contradicts(trip.odometer.length()),
                "{name}: {trace:?}"
            );
            assert!(
                trace.speed_integral_m.abs_diff(trip.odometer.length()) < 10,
                "{name}"
            );
            let source = if publishes_acceleration {
                BrakingSource::Acceleration
            } else {
                BrakingSource::Speed
            };
            assert_eq!(trace.braking, source, "{name}");
        }
    }
}

#[test]
fn us06_brakes_hard_for_two_of_seventy_two_seconds() {
    let Some(rows) = cycle("us06") else {
        return;
    };
    let mut car = Car::new();
    car.drive(&rows);
    let trips = trips(&finished(&fold(&car.samples, Marks::default())));
    let FactorSeen {
        against_ms,
        base_ms,
        ..
    } = braking(&trips[0].factors);
    assert_eq!((against_ms, base_ms), (2_000, 72_000));
}

#[test]
fn a_faster_bus_tells_the_same_of_the_braking() {
    let Some(rows) = cycle("us06") else {
        return;
    };
    let between = |pair: &[(f64, f64)]| {
        let ((from_s, from), (_, to)) = (pair[0], pair[1]);
        (0..10).map(move |tenth| {
            (
                from_s + f64::from(tenth) / 10.0,
                from + (to - from) * f64::from(tenth) / 10.0,
            )
        })
    };
    let fast: Vec<_> = rows
        .windows(2)
        .flat_map(between)
        .chain(rows.last().copied())
        .collect();
    let mut car = Car::new();
    car.drive(&fast);
    let trips = trips(&finished(&fold(&car.samples, Marks::default())));
    assert_eq!(trips.len(), 1);
    assert_eq!(trips[0].score_x100, 8_225, "{trips:?}");
}

#[test]
fn the_recorded_day_is_split_at_its_gaps() {
    let Some(rows) = recorded_day() else {
        return;
    };
    for publishes_acceleration in [true, false] {
        let mut car = Car {
            publishes_acceleration,
            ..Car::new()
        };
        car.drive(&rows);
        let trips = trips(&finished(&fold(&car.samples, Marks::default())));
        let pooled = trips.iter().map(|trip| braking(&trip.factors)).fold(
            FactorSeen {
                factor: Factor::HardBraking,
                against_ms: 0,
                base_ms: 0,
            },
            |pool, seen| FactorSeen {
                against_ms: pool.against_ms + seen.against_ms,
                base_ms: pool.base_ms + seen.base_ms,
                ..pool
            },
        );
        assert_eq!((pooled.against_ms, pooled.base_ms), (8_000, 745_000));
        assert_eq!(score_x100(&policy().score, &[pooled]), 9_434);
        let metres: u64 = trips.iter().map(|trip| trip.odometer.length()).sum();
        assert!(
            (metres as f64 / 141_500.0 - 1.0).abs() < 0.005,
            "{metres} m"
        );
        let lines: Vec<String> = trips
            .iter()
            .map(|trip| {
                let (metres, score) = (trip.odometer.length(), trip.score_x100);
                format!(
                    "{metres} m, {} min, {} s missed, {score}",
                    trip.driving.minutes(),
                    trip.missed_s
                )
            })
            .collect();
        insta::allow_duplicates! {
            insta::assert_snapshot!(lines.join("\n"), @r"
            18273 m, 24 min, 0 s missed, 8347
            8361 m, 11 min, 15 s missed, 10000
            16221 m, 14 min, 0 s missed, 6650
            11607 m, 11 min, 0 s missed, 10000
            3179 m, 10 min, 48 s missed, 10000
            7725 m, 12 min, 0 s missed, 10000
            3669 m, 8 min, 16 s missed, 10000
            11095 m, 20 min, 15 s missed, 8059
            11115 m, 20 min, 87 s missed, 10000
            19947 m, 26 min, 15 s missed, 10000
            17982 m, 24 min, 0 s missed, 10000
            6800 m, 10 min, 0 s missed, 10000
            2098 m, 4 min, 0 s missed, 10000
            3436 m, 6 min, 0 s missed, 8006
            ");
        }
    }
}
