//! Properties of every history, whatever the clocks and the gateways do to it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{Arrival, PACES, Pace, arrivals, fold_arrivals, fold_at};
use common::history::{Event, event, happen};
use common::{Car, finished, short_drive, trips};
use dashpoint_membership::{Evidence, Meter};
use dashpoint_telematics::{Finished, Sample, Signal, Value};
use proptest::prelude::*;

/// Something that a gateway does to the samples of a car.
#[derive(Debug, Clone)]
enum GatewayFault {
    /// The clock of a signal is off from here on.
    Shift { signal: usize, by_ms: i64 },
    /// All clocks are off from here on.
    ShiftAll { by_ms: i64 },
    /// So many samples of a signal are held back, and told at once.
    Burst { signal: usize, len: usize },
    /// So many samples are told again.
    Again { len: usize },
    /// The head unit is stopped in order, and goes on.
    Restart,
    /// From here on the counter of charged energy says what it was so long ago, with the time of then.
    Aged { by_s: i64 },
    /// An old word of a session comes once more, with a time at which it was not said.
    Stale {
        is_discharging: bool,
        on: bool,
        ago_s: i64,
    },
}

impl GatewayFault {
    /// Returns whether it concerns what tells that the car drives.
    fn is_of_motion(&self) -> bool {
        match *self {
            Self::Shift { signal, .. } | Self::Burst { signal, .. } => matches!(
                SIGNALS[signal],
                Signal::Speed | Signal::Odometer | Signal::Ignition | Signal::Gear
            ),
            Self::ShiftAll { .. } => true,
            Self::Again { .. } | Self::Restart | Self::Aged { .. } | Self::Stale { .. } => false,
        }
    }
}

const SIGNALS: [Signal; 9] = [
    Signal::Speed,
    Signal::Odometer,
    Signal::ChargedEnergy,
    Signal::BatteryPower,
    Signal::Ignition,
    Signal::Gear,
    Signal::IsCharging,
    Signal::IsDischarging,
    Signal::Longitudinal,
];

fn off_ms() -> impl Strategy<Value = i64> {
    prop_oneof![
        -50_000_i64..50_000,
        -600_000_i64..0,
        prop::sample::select(vec![-36_000_000_i64, -3_600_000, 3_600_000, 7_200_000, 0]),
    ]
}

fn fault() -> impl Strategy<Value = GatewayFault> {
    let signal = 0..SIGNALS.len();
    prop_oneof![
        3 => (signal.clone(), off_ms()).prop_map(|(signal, by_ms)| GatewayFault::Shift { signal, by_ms }),
        1 => off_ms().prop_map(|by_ms| GatewayFault::ShiftAll { by_ms }),
        3 => (signal, 2_usize..80).prop_map(|(signal, len)| GatewayFault::Burst { signal, len }),
        2 => (1_usize..2_000).prop_map(|len| GatewayFault::Again { len }),
        2 => Just(GatewayFault::Restart),
        2 => (60_i64..240).prop_map(|by_s| GatewayFault::Aged { by_s }),
        3 => (any::<bool>(), any::<bool>(), 3_i64..900)
            .prop_map(|(is_discharging, on, ago_s)| GatewayFault::Stale { is_discharging, on, ago_s }),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => event().prop_filter("the odometer of these cars is right", |event| {
            !matches!(event, Event::Odometer { .. })
        }),
        1 => (1_u8..40).prop_map(|steps| Event::GiveBack { steps }),
    ]
}

/// A car that has lived through these events, and the energy that it gave back, in watt-hours. One whose counter counts what braking
/// gives back has driven before, so that it is known.
fn lived(events: &[Event], regains: bool) -> (Car, f64) {
    let mut car = Car::new();
    car.meters();
    car.wait(1_000);
    if regains {
        car.regains_wh_per_s = 2.0;
        car.drive(&short_drive());
        car.wait(7_200_000);
        car.meters();
    }
    let mut given_wh = 0.0;
    for event in events {
        happen(&mut car, event);
        // It is awake for so long after a drive that an old counter has come to its end.
        if regains && matches!(event, Event::Drive { .. }) {
            for _ in 0..25 {
                car.wait(10_000);
                car.number(Signal::Speed, 0.0);
                car.number(Signal::ChargedEnergy, car.charged_kwh);
            }
        }
        if let Event::GiveBack { steps } = event {
            given_wh += f64::from(*steps) * 6_000.0 / 360.0;
        }
    }
    (car, given_wh)
}

/// Returns what the counter of charged energy said so long before a time, with the time of then.
fn aged(said: &[Sample], sample: &Sample, by_s: i64) -> Sample {
    let ts_ms = sample.ts_ms - by_s * 1_000;
    let then = said.iter().rev().find(|then| then.ts_ms <= ts_ms);
    let value = then.or(said.first()).unwrap_or(sample).value.clone();
    Sample {
        ts_ms,
        value,
        ..sample.clone()
    }
}

/// Samples as they arrive at the head unit, and the places where it is stopped and goes on. The first samples are right.
fn arriving(
    car: &Car,
    right: usize,
    faults: &[(prop::sample::Index, GatewayFault)],
) -> Vec<Arrival> {
    let (mut aged_s, mut charged) = (0, Vec::new());
    let mut shifts_ms = [0_i64; SIGNALS.len()];
    let mut told: Vec<Arrival> = Vec::new();
    let mut kept: Vec<(usize, Sample)> = Vec::new();
    let mut holds = [0_usize; SIGNALS.len()];
    let mut index = 0;
    for arrival in arrivals(car) {
        let Arrival::Sample(mut sample) = arrival else {
            told.push(arrival);
            continue;
        };
        for (at, fault) in faults {
            if right + at.index((car.samples.len() - right).max(1)) != index {
                continue;
            }
            match *fault {
                GatewayFault::Shift { signal, by_ms } => shifts_ms[signal] = by_ms,
                GatewayFault::ShiftAll { by_ms } => shifts_ms = [by_ms; SIGNALS.len()],
                GatewayFault::Burst { signal, len } => holds[signal] = len,
                GatewayFault::Again { len } => {
                    let is_sample = |told: &&Arrival| matches!(told, Arrival::Sample(_));
                    let again = told.iter().rev().filter(is_sample).take(len);
                    let again: Vec<_> = again.cloned().collect();
                    told.extend(again.into_iter().rev());
                }
                GatewayFault::Restart => told.push(Arrival::Restart),
                GatewayFault::Aged { by_s } => aged_s = by_s,
                GatewayFault::Stale {
                    is_discharging,
                    on,
                    ago_s,
                } => {
                    let signal = if is_discharging {
                        Signal::IsDischarging
                    } else {
                        Signal::IsCharging
                    };
                    let of = SIGNALS.iter().position(|of| *of == signal).unwrap();
                    told.push(Arrival::Sample(Sample {
                        signal,
                        value: Value::Bool(on),
                        ts_ms: sample.ts_ms - ago_s * 1_000 + shifts_ms[of],
                        retained: false,
                    }));
                }
            }
        }
        index += 1;
        if sample.signal == Signal::ChargedEnergy {
            charged.push(sample.clone());
            if aged_s > 0 {
                sample = aged(&charged, &sample, aged_s);
            }
        }
        let of_signal = SIGNALS.iter().position(|signal| *signal == sample.signal);
        let Some(signal) = of_signal else {
            told.push(Arrival::Sample(sample));
            continue;
        };
        sample.ts_ms += shifts_ms[signal];
        if holds[signal] == 0 {
            told.push(Arrival::Sample(sample));
            continue;
        }
        kept.push((signal, sample));
        holds[signal] -= 1;
        if holds[signal] == 0 {
            let (burst, rest) = kept.drain(..).partition(|(of, _)| *of == signal);
            kept = rest;
            told.extend(burst.into_iter().map(|(_, sample)| Arrival::Sample(sample)));
        }
    }
    told.extend(kept.into_iter().map(|(_, sample)| Arrival::Sample(sample)));
    told
}

fn total(finished: &[Finished], meter: Meter) -> u64 {
    let intervals = finished.iter().map(|finished| finished.evidence.interval());
    let of_meter = intervals.filter(|interval| interval.meter == meter);
    of_meter.map(|interval| interval.length()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_clock_pays_more_than_happened(
        events in prop::collection::vec(any_event(), 1..14),
        faults in prop::collection::vec((any::<prop::sample::Index>(), fault()), 0..8),
        regains in any::<bool>(),
    ) {
        let (car, given_wh) = lived(&events, regains);
        let right = lived(&[], regains).0.samples.len();
        let arriving = arriving(&car, right, &faults);
        for pace in PACES {
            let finished = finished(&fold_arrivals(pace, &arriving).0);
            for (index, one) in finished.iter().enumerate() {
                for other in &finished[index + 1..] {
                    prop_assert!(!one.evidence.interval().overlaps(&other.evidence.interval()), "{one:?} {other:?}");
                }
            }
            let driven_m = car.odometer_m - 12_345_678.25;
            let mut charged_wh = (car.charged_kwh - 4_000.0) * 1_000.0;
            // In a drive that nobody saw, nothing tells braking from charging. Of one that was seen, a step of the counter at its end may
            // be paid.
            if !faults.iter().any(|(_, fault)| fault.is_of_motion()) {
                let drives = events.iter().filter(|event| matches!(event, Event::Drive { .. }));
                let step_wh = 12.0 * car.regains_wh_per_s * drives.count() as f64;
                charged_wh -= car.regained_wh - step_wh.min(car.regained_wh);
            }
            prop_assert!(total(&finished, Meter::Odometer) as f64 <= driven_m + 1.0);
            prop_assert!(total(&finished, Meter::Charged) as f64 <= charged_wh + 1.0);
            let paid_wh = total(&finished, Meter::Discharged) as f64;
            // Power has no meter: a clock that leaps within a session is believed for a minute at most.
            let leaps = faults.iter().filter(|(_, fault)| {
                matches!(fault, GatewayFault::Shift { .. } | GatewayFault::ShiftAll { .. })
            });
            let most_wh = given_wh + 1.0 + leaps.count() as f64 * 6_000.0 / 60.0;
            prop_assert!(paid_wh <= most_wh, "{paid_wh} of {given_wh}");
        }
    }

    /// Clocks that differ by less than a minute, and do so all the way.
    #[test]
    fn a_harmless_clock_changes_no_score(
        offs_ms in prop::array::uniform5(-50_000_i64..50_000),
        is_off in prop::array::uniform5(any::<bool>()),
        before_s in 0_u16..120,
    ) {
        let mut car = Car::new();
        car.meters();
        car.switch_on();
        for _ in 0..before_s {
            car.wait(1_000);
            car.number(Signal::Speed, 0.0);
            car.number(Signal::Longitudinal, 0.0);
            car.meters();
        }
        car.follow(&short_drive());
        for _ in 0..20 {
            car.wait(1_000);
            car.number(Signal::Speed, 0.0);
            car.number(Signal::Longitudinal, 0.0);
            car.meters();
        }
        car.switch_off();
        car.wait(5_000);
        car.meters();
        let right = arrivals(&car);
        for sample in &mut car.samples {
            let signals = [Signal::Speed, Signal::Longitudinal, Signal::Odometer, Signal::Gear, Signal::ChargedEnergy];
            if let Some(index) = signals.iter().position(|signal| *signal == sample.signal)
                && is_off[index]
            {
                sample.ts_ms += offs_ms[index];
            }
        }
        for pace in PACES {
            let right = trips(&finished(&fold_arrivals(pace, &right).0));
            let off = trips(&finished(&fold_at(pace, &car).0));
            prop_assert_eq!((right.len(), off.len()), (1, 1), "{:?}", off);
            let score = |trips: &[dashpoint_membership::Trip]| i64::from(trips[0].score_x100);
            prop_assert!(score(&right).abs_diff(score(&off)) <= 50, "{right:?} {off:?}");
            prop_assert!(off[0].odometer.length() <= right[0].odometer.length() + 1);
        }
    }
}

#[test]
fn the_evidence_is_of_all_kinds() {
    let events = [
        Event::Drive {
            seconds: 200,
            mps: 20,
            parks: true,
        },
        Event::GiveBack { steps: 20 },
        Event::Charge {
            wh: 9_000,
            steps: 10,
            ends: true,
        },
    ];
    let (car, given_wh) = lived(&events, false);
    let finished = finished(&fold_at(Pace::Live, &car).0);
    let kinds: Vec<&str> = finished
        .iter()
        .map(|finished| match finished.evidence {
            Evidence::Trip(_) => "trip",
            Evidence::Charge(_) => "charge",
            Evidence::Discharge(_) => "discharge",
        })
        .collect();
    assert_eq!(kinds, ["trip", "discharge", "charge"]);
    assert!(given_wh - total(&finished, Meter::Discharged) as f64 <= 1.0);
}
