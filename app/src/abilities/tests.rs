//! Every set of signals, said through a day, and what the fold makes of it.

use dashpoint_membership::policy::DEFAULT_POLICY_TOML;
use dashpoint_membership::{Evidence, Factor, Policy};
use dashpoint_telematics::{
    Finished, Marks, Outcome, PrivateEvidence, Sample, Settings, Telematics, Value,
};

use super::*;

/// The signals that the rules ask for.
const ASKED: [Signal; 10] = [
    Signal::Ignition,
    Signal::Speed,
    Signal::IsMoving,
    Signal::Odometer,
    Signal::Longitudinal,
    Signal::BatteryPower,
    Signal::ConsumedEnergy,
    Signal::Gear,
    Signal::IsCharging,
    Signal::ChargedEnergy,
];

/// State of a car that says everything once a second.
struct DayCar {
    on: bool,
    speed_kmh: f64,
    mps2: f64,
    odometer_m: f64,
    power_w: f64,
    used_kwh: f64,
    charging: bool,
    charged_kwh: f64,
}

impl DayCar {
    fn value(&self, signal: Signal) -> Value {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the rules ask for no other")]
        match signal {
            Signal::Ignition => Value::Text(if self.on { "ON" } else { "OFF" }.to_owned()),
            Signal::Speed => Value::Number(self.speed_kmh),
            Signal::IsMoving => Value::Bool(self.speed_kmh > 0.0),
            Signal::Odometer => Value::Number(self.odometer_m),
            Signal::Longitudinal => Value::Number(self.mps2),
            Signal::BatteryPower => Value::Number(self.power_w),
            Signal::ConsumedEnergy => Value::Number(self.used_kwh),
            Signal::Gear => Value::Number(if self.on { 127.0 } else { 126.0 }),
            Signal::IsCharging => Value::Bool(self.charging),
            Signal::ChargedEnergy => Value::Number(self.charged_kwh),
            other => panic!("{other:?}"),
        }
    }
}

/// Trips and sessions that a day earned, and the state at its end.
struct EarnedDay {
    finished: Vec<Finished>,
    is_parked: bool,
}

/// Signals that are said rarely, and how many seconds apart.
struct Slow {
    signals: BTreeSet<Signal>,
    every_s: i64,
}

impl Slow {
    fn none() -> Self {
        Self {
            signals: BTreeSet::new(),
            every_s: 10,
        }
    }

    fn paces(&self) -> BTreeMap<Signal, SaidCadence> {
        let every_ms = self.every_s.unsigned_abs() * 1_000;
        let signals = self.signals.iter();
        signals
            .map(|signal| (*signal, SaidCadence::EveryMs(every_ms)))
            .collect()
    }
}

/// Drives with some braking for six values of what is slow, charges for five minutes, sleeps for an hour and wakes.
fn day(signals: &BTreeSet<Signal>, slow: &Slow) -> EarnedDay {
    let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
    let mut telematics = Telematics::new(Settings::new(&policy, 480), Marks::default());
    let mut car = DayCar {
        on: false,
        speed_kmh: 0.0,
        mps2: 0.0,
        odometer_m: 12_345_678.0,
        power_w: 0.0,
        used_kwh: 900.0,
        charging: false,
        charged_kwh: 4_000.0,
    };
    let mut outcomes = Vec::new();
    let mut second = |at_s: i64, car: &DayCar| {
        let is_due = |signal: &&Signal| at_s % slow.every_s == 0 || !slow.signals.contains(*signal);
        for signal in signals.iter().filter(is_due) {
            outcomes.extend(telematics.observe(&Sample {
                signal: *signal,
                value: car.value(*signal),
                ts_ms: 1_795_305_600_000 + at_s * 1_000,
                retained: false,
            }));
        }
    };
    for at_s in 0..10 {
        second(at_s, &car);
    }
    car.on = true;
    let arrived_s = 10 + 6 * slow.every_s;
    for at_s in 10..arrived_s {
        let brakes = at_s % 20 > 16;
        car.mps2 = if brakes { -2.0 } else { 0.6 };
        car.speed_kmh = (car.speed_kmh + car.mps2 * 3.6).clamp(1.0, 90.0);
        car.odometer_m += car.speed_kmh / 3.6;
        car.power_w = if brakes { 5_000.0 } else { -15_000.0 };
        car.used_kwh += 0.005;
        second(at_s, &car);
    }
    (car.speed_kmh, car.mps2, car.power_w) = (0.0, 0.0, 0.0);
    for at_s in arrived_s..arrived_s + 20 {
        car.on = at_s < arrived_s + 10;
        second(at_s, &car);
    }
    (car.charging, car.power_w) = (true, 10_000.0);
    for at_s in (arrived_s + 20..arrived_s + 320).step_by(10) {
        car.charged_kwh += 0.03;
        second(at_s, &car);
    }
    (car.charging, car.power_w) = (false, 0.0);
    let charged_s = arrived_s + 320;
    for at_s in (charged_s..charged_s + 10).chain(charged_s + 3_600..charged_s + 3_605) {
        second(at_s, &car);
    }
    outcomes.extend(telematics.drain());
    let finished = outcomes.into_iter().filter_map(|outcome| match outcome {
        Outcome::Finished(finished) => Some(*finished),
        Outcome::TripStarted { .. }
        | Outcome::Mark(_)
        | Outcome::MeterOpened(_)
        | Outcome::Checkpoint(_)
        | Outcome::DriveState(_)
        | Outcome::VehicleFact(_) => None,
    });
    EarnedDay {
        finished: finished.collect(),
        is_parked: telematics.drive_state().is_parked(),
    }
}

impl EarnedDay {
    /// The extent of each ability, as the day shows it.
    fn extents(&self, signals: &BTreeSet<Signal>) -> Vec<(Ability, Extent)> {
        let mut trips = self.finished.iter().filter_map(|one| match &one.evidence {
            Evidence::Trip(trip) => Some(trip),
            Evidence::Charge(_) | Evidence::Discharge(_) => None,
        });
        let trip = trips.next();
        let yes = |is_there: bool| if is_there { Extent::Yes } else { Extent::None };
        let energy = match trip {
            Some(trip) if trip.used_wh > 0 && signals.contains(&Signal::ConsumedEnergy) => {
                Extent::Metered
            }
            Some(trip) if trip.used_wh > 0 => Extent::Estimated,
            Some(_) | None => Extent::None,
        };
        let brakes = |trip: &dashpoint_membership::Trip| {
            let mut factors = trip.factors.iter();
            factors.any(|seen| seen.factor == Factor::HardBraking && seen.base_ms > 0)
        };
        let charges = self.finished.iter().filter_map(|one| match &one.private {
            PrivateEvidence::Charge(trace) => Some(trace.reconstructed),
            PrivateEvidence::Trip(_) | PrivateEvidence::Discharge(_) => None,
        });
        let charging = match charges.min() {
            Some(false) => Extent::Metered,
            Some(true) => Extent::Estimated,
            None => Extent::None,
        };
        vec![
            (Ability::Trips, yes(trip.is_some())),
            (
                Ability::Distance,
                yes(trip.is_some_and(|trip| trip.odometer.length() > 0)),
            ),
            (Ability::EnergyUsed, energy),
            (Ability::Braking, yes(trip.is_some_and(brakes))),
            (Ability::Charging, charging),
            (Ability::ParkedState, yes(self.is_parked)),
        ]
    }
}

#[test]
fn every_set_of_signals_earns_as_told() {
    for chosen in 0..1_u32 << ASKED.len() {
        let is_in = |(index, _): &(usize, &Signal)| chosen & 1 << index != 0;
        let signals: BTreeSet<Signal> = ASKED
            .iter()
            .enumerate()
            .filter(is_in)
            .map(|(_, signal)| *signal)
            .collect();
        let told = SaidSignals {
            signals: signals.clone(),
            ..SaidSignals::default()
        };
        assert_eq!(
            extents(&told),
            day(&signals, &Slow::none()).extents(&signals),
            "{signals:?}"
        );
    }
}

#[test]
fn what_is_said_too_rarely_is_not_seen() {
    let rare = [
        Signal::Speed,
        Signal::Longitudinal,
        Signal::BatteryPower,
        Signal::ConsumedEnergy,
    ];
    compare(
        &rare,
        10,
        &[
            None,
            Some(Signal::ConsumedEnergy),
            Some(Signal::Longitudinal),
        ],
    );
}

#[test]
fn a_motion_that_is_said_rarely_is_a_trip() {
    let motion = [Signal::Speed, Signal::IsMoving, Signal::Odometer];
    for every_s in [110, 300, 1_000] {
        compare(
            &motion,
            every_s,
            &[None, Some(Signal::Speed), Some(Signal::IsMoving)],
        );
    }
}

/// Compares what is told with a day, for each set of these that is slow, without one signal at a time.
fn compare(rare: &[Signal], every_s: i64, left_out: &[Option<Signal>]) {
    for chosen in 0..1_u32 << rare.len() {
        let slow = rare.iter().enumerate();
        let slow = slow.filter(|(index, _)| chosen & 1 << index != 0);
        let slow = Slow {
            signals: slow.map(|(_, signal)| *signal).collect(),
            every_s,
        };
        for left_out in left_out {
            let signals: BTreeSet<Signal> = ASKED
                .into_iter()
                .filter(|signal| Some(*signal) != *left_out)
                .collect();
            let told = SaidSignals {
                signals: signals.clone(),
                paces: slow.paces(),
                ..SaidSignals::default()
            };
            assert_eq!(
                extents(&told),
                day(&signals, &slow).extents(&signals),
                "{told:?}"
            );
        }
    }
}

fn extents(told: &SaidSignals) -> Vec<(Ability, Extent)> {
    let told = told.abilities().into_iter();
    told.map(|told| (told.ability, told.extent)).collect()
}

#[test]
fn less_than_all_has_a_reason() {
    let slow = |every_s| Slow {
        signals: ASKED.into_iter().collect(),
        every_s,
    };
    for chosen in 0..1_u32 << ASKED.len() {
        let signals = ASKED.iter().enumerate();
        let signals = signals.filter(|(index, _)| chosen & 1 << index != 0);
        let told = SaidSignals {
            signals: signals.map(|(_, signal)| *signal).collect(),
            paces: match chosen % 5 {
                0 => slow(300).paces(),
                1 => slow(10).paces(),
                2 => ASKED.map(|signal| (signal, SaidCadence::Unknown)).into(),
                _ => BTreeMap::new(),
            },
            ignition: match chosen % 3 {
                0 => IgnitionOn::NoWord,
                1 => IgnitionOn::Unheard,
                _ => IgnitionOn::Possible,
            },
        };
        for finding in told.abilities() {
            let is_whole = matches!(finding.extent, Extent::Yes | Extent::Metered);
            assert_eq!(finding.lacks.is_empty(), is_whole, "{told:?} {finding:?}");
        }
    }
}

#[test]
fn an_ignition_that_is_never_on_needs_a_gear() {
    for (ignition, lack) in [
        (IgnitionOn::NoWord, Lack::WordForOn),
        (IgnitionOn::Unheard, Lack::NotOn),
    ] {
        let told = |signals: BTreeSet<Signal>| SaidSignals {
            signals,
            ignition,
            paces: BTreeMap::new(),
        };
        let mut signals: BTreeSet<Signal> = ASKED.into_iter().collect();
        let with_gear = told(signals.clone());
        assert_eq!(with_gear.abilities()[0].extent, Extent::Yes);
        signals.remove(&Signal::Gear);
        let trips = &told(signals).abilities()[0];
        assert_eq!(
            (trips.extent, &trips.lacks[..]),
            (Extent::None, &[lack][..])
        );
    }
}
