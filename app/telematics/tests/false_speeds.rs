//! Speeds and forces that are not those of the car: none of them is a braking, and none of them hides one.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{Arrival, Pace, arrivals, fold_arrivals, fold_both, start, stop};
use common::{Car, finished, settings, shared, trips};
use dashpoint_membership::{Factor, Trip};
use dashpoint_telematics::{
    BrakingSource, Checkpoint, Finished, Marks, Outcome, PrivateEvidence, Signal, Telematics, Value,
};

const G_MPS2: f64 = 9.806_65;
/// A tenth of a second.
const STEP_MS: usize = 100;

/// The acceleration that is said, by the true one in m/s², and whether the car moves.
type Force = fn(f64, bool) -> f64;

/// A car that slows down evenly from a speed to a stop, again and again, and what it says of it.
#[derive(Clone, Copy)]
struct Stops {
    kmh: f64,
    kmh_per_s: f64,
    stops: usize,
    /// Interval of the words.
    said_ms: usize,
    /// Interval at which the speed beneath them is another one.
    renewed_ms: usize,
    /// A second of the first cruise whose speed is this one.
    false_kmh: Option<f64>,
    /// The acceleration that is said each second.
    published: Option<Force>,
}

const SOFT: Stops = Stops {
    kmh: 60.0,
    kmh_per_s: 4.0,
    stops: 10,
    said_ms: 1_000,
    renewed_ms: STEP_MS,
    false_kmh: None,
    published: None,
};
const HARD: Stops = Stops {
    kmh_per_s: 12.0,
    ..SOFT
};
/// The score of a drive that brakes hard each time.
const HARD_SCORE: u16 = 5_549;
/// Time from the start to the false speed.
const FALSE_MS: usize = 40_000;

impl Stops {
    /// The true speed at each tenth of a second.
    fn speeds(self) -> Vec<f64> {
        let mut speeds = Vec::new();
        let mut kmh: f64 = 0.0;
        for _ in 0..self.stops {
            while kmh < self.kmh {
                kmh = (kmh + 0.6).min(self.kmh);
                speeds.push(kmh);
            }
            speeds.extend([self.kmh; 600]);
            while kmh > 0.0 {
                kmh = (kmh - self.kmh_per_s / 10.0).max(0.0);
                speeds.push(kmh);
            }
            speeds.extend([0.0; 90]);
        }
        speeds
    }

    fn car(self) -> Car {
        let speeds = self.speeds();
        let mut car = Car::new();
        start(&mut car, 0);
        for (step, kmh) in speeds.iter().enumerate() {
            let ms = step * STEP_MS;
            if ms > 0 {
                car.wait(100);
                car.odometer_m += kmh / 36.0;
            }
            if ms.is_multiple_of(self.said_ms) {
                let renewed = ms / self.renewed_ms * self.renewed_ms / STEP_MS;
                let known = speeds[renewed].round();
                let false_kmh = self.false_kmh.filter(|_| ms == FALSE_MS);
                car.number(Signal::Speed, false_kmh.unwrap_or(known));
            }
            if ms.is_multiple_of(1_000) {
                car.number(Signal::Odometer, car.odometer_m.floor());
                let before = speeds[step.saturating_sub(10)];
                if let Some(published) = self.published {
                    let mps2 = (kmh - before) / 3.6;
                    car.number(Signal::Longitudinal, published(mps2, kmh.max(before) > 0.0));
                }
            }
        }
        stop(&mut car, 0);
        car
    }

    fn driven(self, case: &str) -> (Trip, BrakingSource) {
        let [recording, live] = fold_both(&self.car()).map(|(outcomes, _)| finished(&outcomes));
        assert_eq!(trips(&recording), trips(&live), "{case}");
        only(&live, case)
    }
}

fn only(all: &[Finished], case: &str) -> (Trip, BrakingSource) {
    let trips = trips(all);
    let ([trip], PrivateEvidence::Trip(trace)) = (&trips[..], &all[0].private) else {
        panic!("{case}: {all:?}");
    };
    (trip.clone(), trace.braking)
}

fn sees_braking(trip: &Trip) -> bool {
    let is_braking = |seen: &dashpoint_membership::FactorSeen| seen.factor == Factor::HardBraking;
    trip.factors.iter().any(is_braking)
}

fn hard_ms(trip: &Trip) -> u64 {
    let mut factors = trip.factors.iter();
    let braking = factors.find(|seen| seen.factor == Factor::HardBraking);
    braking.map_or(0, |seen| seen.against_ms)
}

#[test]
fn a_lone_false_speed_costs_nothing() {
    for (kmh, false_kmh) in [
        (40.0, 0.0),
        (40.0, 75.0),
        (44.0, 87.0),
        (60.0, 0.0),
        (60.0, 20.0),
        (60.0, 25.0),
        (60.0, 30.0),
        (60.0, 45.0),
        (60.0, 90.0),
    ] {
        for kmh_per_s in [4.0, 12.0] {
            for stops in [1, 10] {
                let case = format!("{false_kmh} at {kmh}, {stops} stops at {kmh_per_s}");
                let right = Stops {
                    kmh,
                    kmh_per_s,
                    stops,
                    ..SOFT
                };
                let wrong = Stops {
                    false_kmh: Some(false_kmh),
                    ..right
                };
                let (right, _) = right.driven(&case);
                let (wrong, _) = wrong.driven(&case);
                assert!(sees_braking(&wrong), "{case}: {wrong:?}");
                assert!(
                    wrong.score_x100.abs_diff(right.score_x100) <= 50,
                    "{case}: {wrong:?}, not {right:?}"
                );
            }
        }
    }
}

#[test]
fn a_false_speed_beside_a_restart() {
    let drive = Stops {
        kmh: 40.0,
        false_kmh: Some(0.0),
        ..SOFT
    };
    let all = arrivals(&drive.car());
    let is_false = |arrival: &Arrival| matches!(arrival, Arrival::Sample(sample) if sample.signal == Signal::Speed && sample.value == Value::Number(0.0));
    let (_, rest) = all.split_at(100);
    let at = 100 + rest.iter().position(is_false).expect("it is said");
    for before in at.saturating_sub(6)..at + 12 {
        let mut arriving = all.clone();
        arriving.insert(before, Arrival::Restart);
        let (outcomes, _) = fold_arrivals(Pace::Live, &arriving);
        let (trip, _) = only(&finished(&outcomes), "a restart");
        assert!(sees_braking(&trip), "{before}: {trip:?}");
        assert!(trip.score_x100 >= 9_950, "{before}: {trip:?}");
    }
}

#[test]
fn the_last_braking_counts() {
    let mut car = Car::new();
    start(&mut car, 0);
    for kmh in [[50.0; 60], [35.0; 60]].concat().into_iter().take(61) {
        car.wait(1_000);
        car.odometer_m += kmh / 3.6;
        car.number(Signal::Speed, kmh);
        car.number(Signal::Odometer, car.odometer_m.floor());
    }
    let mut telematics = Telematics::new(settings(), Marks::default());
    let observe = |telematics: &mut Telematics| -> Vec<Outcome> {
        let samples = car.samples.iter();
        samples
            .flat_map(|sample| telematics.observe(sample))
            .collect()
    };
    let mut outcomes = observe(&mut telematics);
    outcomes.extend(telematics.drain());
    outcomes.extend(telematics.quiet(Telematics::QUIET_MS_MAX));
    let (trip, _) = only(&finished(&outcomes), "the end of a recording");
    assert_eq!(hard_ms(&trip), 1_000, "{trip:?}");
}

#[test]
fn an_older_checkpoint_is_read() {
    let drive = HARD.car();
    let mut telematics = Telematics::new(settings(), Marks::default());
    let (before, after) = drive.samples.split_at(drive.samples.len() / 2);
    for sample in before {
        telematics.observe(sample);
    }
    let mut kept = serde_json::to_value(telematics.checkpoint()).expect("it is kept");
    let factors = kept["fold"]["trip"]["factors"]
        .as_object_mut()
        .expect("a trip is open");
    let added = [
        "brake_over_ms",
        "published",
        "last_span",
        "difference",
        "impossible_published",
    ];
    for name in added {
        assert!(factors.remove(name).is_some(), "{name}");
    }
    let held = factors["held"].as_object_mut().expect("it is kept");
    for name in ["leap", "is_alone"] {
        assert!(held.remove(name).is_some(), "{name}");
    }
    let checkpoint: Checkpoint = serde_json::from_value(kept).expect("it is read");
    let (mut woken, mut outcomes) = Telematics::resume(settings(), telematics.marks(), checkpoint);
    for sample in after {
        outcomes.extend(woken.observe(sample));
    }
    outcomes.extend(woken.drain());
    let (trip, _) = only(&finished(&outcomes), "an older checkpoint");
    assert_eq!(trip.score_x100, HARD_SCORE, "{trip:?}");
}

#[test]
fn short_holds_tell_no_braking() {
    for renewed_ms in [1_200, 1_300, 1_400, 1_500, 2_000, 2_500, 3_000] {
        for kmh_per_s in [4.0, 5.5, 8.0, 9.0] {
            let case = format!("each {renewed_ms} ms, {kmh_per_s} km/h a second");
            let drive = Stops {
                renewed_ms,
                kmh_per_s,
                ..SOFT
            };
            let (trip, _) = drive.driven(&case);
            assert!(!sees_braking(&trip), "{case}: {trip:?}");
            assert_eq!(trip.score_x100, 10_000, "{case}: {trip:?}");
            // In one stop a car that holds one speed of six is not known yet, and seems to brake a fifth harder than it does.
            if kmh_per_s <= 8.0 {
                let (trip, _) = Stops { stops: 1, ..drive }.driven(&case);
                assert!(trip.score_x100 >= 9_950, "one stop, {case}: {trip:?}");
            }
        }
    }
}

#[test]
fn repeats_within_a_second_are_judged() {
    for (renewed_ms, said_ms) in [
        (1_000, 1_000),
        (1_000, 500),
        (1_000, 200),
        (1_000, 100),
        (500, 100),
        (100, 100),
    ] {
        for (kmh_per_s, score) in [(4.0, 10_000), (10.0, 10_000), (12.0, HARD_SCORE)] {
            let case = format!("each {renewed_ms} ms, said each {said_ms} ms, {kmh_per_s}");
            let drive = Stops {
                kmh_per_s,
                renewed_ms,
                said_ms,
                ..SOFT
            };
            let (trip, _) = drive.driven(&case);
            assert!(sees_braking(&trip), "{case}: {trip:?}");
            assert_eq!(trip.score_x100, score, "{case}: {trip:?}");
        }
    }
}

#[test]
fn a_seldom_word_is_no_hold() {
    // Cruise control, set to another speed now and then: five seconds are time enough for it.
    let mut car = Car::new();
    start(&mut car, 0);
    for kmh in [[60.0; 4], [45.0; 4]].concat().repeat(20) {
        car.wait(5_000);
        car.odometer_m += kmh / 3.6 * 5.0;
        car.number(Signal::Speed, kmh);
        car.number(Signal::Odometer, car.odometer_m.floor());
    }
    stop(&mut car, 0);
    for (outcomes, _) in fold_both(&car) {
        let (trip, _) = only(&finished(&outcomes), "each 5 s");
        assert!(sees_braking(&trip), "{trip:?}");
        assert_eq!(hard_ms(&trip), 0, "{trip:?}");
    }
}

/// Returns the braking of a soft and a hard drive with this acceleration.
fn published(force: Force, case: &str) -> [(u16, BrakingSource); 2] {
    [SOFT, HARD].map(|drive| {
        let drive = Stops {
            published: Some(force),
            ..drive
        };
        let (trip, source) = drive.driven(case);
        assert!(sees_braking(&trip), "{case}: {trip:?}");
        (trip.score_x100, source)
    })
}

#[test]
fn the_speed_wins_over_false_forces() {
    let by_speed = [10_000, HARD_SCORE].map(|score| (score, BrakingSource::Speed));
    let forces: [(Force, &str); 6] = [
        (|mps2, _| 0.35f64.mul_add(-G_MPS2, mps2), "askew backwards"),
        (|mps2, _| 0.35f64.mul_add(G_MPS2, mps2), "askew forwards"),
        (|mps2, _| -mps2, "the other sign"),
        (|_, _| 0.0, "dead"),
        (|mps2, _| mps2 / G_MPS2, "in g"),
        (|mps2, _| 1.3f64.mul_add(-G_MPS2, mps2), "full scale"),
    ];
    for (force, case) in forces {
        assert_eq!(published(force, case), by_speed, "{case}");
    }
}

#[test]
fn a_right_force_is_taken() {
    let by_force = [10_000, HARD_SCORE].map(|score| (score, BrakingSource::Acceleration));
    let forces: [(Force, &str); 3] = [
        (|mps2, _| mps2, "right"),
        (|mps2, _| 0.03f64.mul_add(-G_MPS2, mps2), "on a slope"),
        (
            |mps2, moves| if moves { mps2 } else { -0.35 * G_MPS2 },
            "askew while it stands",
        ),
    ];
    for (force, case) in forces {
        assert_eq!(published(force, case), by_force, "{case}");
    }
}

#[test]
fn a_force_beside_a_held_speed() {
    for (drive, score) in [(SOFT, 10_000), (HARD, HARD_SCORE)] {
        let drive = Stops {
            renewed_ms: 3_000,
            published: Some(|mps2, _| mps2),
            ..drive
        };
        let (trip, source) = drive.driven("held");
        assert!(sees_braking(&trip), "{trip:?}");
        assert_eq!(
            (trip.score_x100, source),
            (score, BrakingSource::Acceleration),
            "{trip:?}"
        );
    }
}

/// RSK_Twizy_EV_Dataset, leapmotor-mate #128, traccar #3660.
#[test]
fn report_12_the_last_value_repeated() {
    let mut car = Car::new();
    start(&mut car, 0);
    let mut kmh: f64 = 0.0;
    let mut said = 0.0;
    let mut second = 0_u32;
    let mut pass = |car: &mut Car, kmh: f64| {
        if second.is_multiple_of(3) {
            said = kmh;
        }
        second += 1;
        car.wait(1_000);
        car.odometer_m += kmh / 3.6;
        car.number(Signal::Speed, said);
        car.number(Signal::Odometer, car.odometer_m.floor());
    };
    for _ in 0..10 {
        while kmh < 60.0 {
            kmh += 4.0;
            pass(&mut car, kmh);
        }
        (0..60).for_each(|_| pass(&mut car, 60.0));
        while kmh > 0.0 {
            kmh -= 4.0;
            pass(&mut car, kmh);
        }
        (0..9).for_each(|_| pass(&mut car, 0.0));
    }
    stop(&mut car, 0);
    for (outcomes, _) in fold_both(&car) {
        let (trip, _) = only(&finished(&outcomes), "sample and hold");
        assert!(!sees_braking(&trip), "{trip:?}");
        assert_eq!(trip.score_x100, 10_000, "{trip:?}");
    }
}

/// The three recordings that lie beside the project: the speed over CAN and that of the position receiver.
#[test]
fn report_12_recorded_speeds_are_held() {
    for name in ["t1-07-01-2021", "t3-04-22-2021-1", "t3-05-25-2021-3"] {
        for column in [1, 2] {
            let file = shared(&format!("drives/twizy-{name}.csv")).expect("the recording is there");
            let mut car = Car::new();
            start(&mut car, 0);
            let mut table = csv::Reader::from_path(file).expect("it is a table");
            for row in table.records() {
                let row = row.expect("it is a row");
                let kmh: f64 = row[column].parse().expect("it is a speed");
                car.wait(1_000);
                car.odometer_m += kmh / 3.6;
                car.number(Signal::Speed, kmh);
                car.number(Signal::Odometer, car.odometer_m.floor());
            }
            stop(&mut car, 0);
            for (outcomes, _) in fold_both(&car) {
                let trips = trips(&finished(&outcomes));
                assert!(!trips.is_empty(), "{name} {column}");
                for trip in &trips {
                    assert!(!sees_braking(trip), "{name} {column}: {trip:?}");
                    assert_eq!(trip.score_x100, 10_000, "{name} {column}: {trip:?}");
                }
            }
        }
    }
}
