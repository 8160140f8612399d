//! Properties of every history.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use std::collections::BTreeMap;

use common::drift::{Pace, arrivals, live};
use common::history::{Event, event, happen, history};
use common::{Car, finished, fold, settings};
use dashpoint_membership::{Evidence, Meter};
use dashpoint_telematics::{
    Checkpoint, Fault, Finished, Marks, Outcome, PrivateEvidence, Sample, Signal, Telematics,
    TripEnd,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// The head unit with what it keeps over a crash: committed evidence with its marks, and the last checkpoint.
struct HeadUnit {
    telematics: Telematics,
    marks: Marks,
    checkpoint: Option<Checkpoint>,
    kept: Vec<Finished>,
    crashes_in_trip: u32,
    crashes_in_session: u32,
    odometer_back: u32,
}

impl HeadUnit {
    fn keep(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            match outcome {
                Outcome::Finished(finished) => {
                    let interval = finished.evidence.interval();
                    assert!(interval.from < interval.to);
                    let mark = self.marks.mark(interval.meter);
                    assert!(
                        mark.is_none_or(
                            |mark| mark.number == interval.number && mark.at <= interval.from
                        ),
                        "{finished:?}"
                    );
                    self.marks = self.marks.highest(finished.marks);
                    assert_eq!(self.marks.of(interval.meter), Some(interval.to));
                    self.kept.push(*finished);
                }
                Outcome::Mark(mark) => self.marks.raise(mark),
                Outcome::MeterOpened(opened) => self.marks.raise(opened.mark()),
                Outcome::Checkpoint(checkpoint) => self.checkpoint = Some(*checkpoint),
                Outcome::DriveState(_) | Outcome::VehicleFact(_) | Outcome::TripStarted { .. } => {}
            }
        }
    }

    fn count_odometer_back(&mut self) {
        let back = self
            .telematics
            .counts()
            .faults(Signal::Odometer, Fault::WentBack);
        self.odometer_back += u32::try_from(back).unwrap();
    }

    fn crash(&mut self) {
        self.crashes_in_trip += u32::from(self.telematics.trip_driver().is_some());
        self.crashes_in_session += u32::from(self.telematics.is_charging());
        self.count_odometer_back();
        match self.checkpoint.clone() {
            Some(checkpoint) => {
                let (telematics, outcomes) = Telematics::resume(settings(), self.marks, checkpoint);
                self.telematics = telematics;
                self.keep(outcomes);
            }
            None => self.telematics = Telematics::new(settings(), self.marks),
        }
    }
}

/// What becomes of a car and its head unit; `stale` when the cache stays behind the ledger.
fn live_through(events: &[Event], stale: bool, pace: Pace) -> (Car, HeadUnit) {
    let mut car = Car::new();
    let mut unit = HeadUnit {
        telematics: Telematics::new(settings(), Marks::default()),
        marks: Marks::default(),
        checkpoint: None,
        kept: Vec::new(),
        crashes_in_trip: 0,
        crashes_in_session: 0,
        odometer_back: 0,
    };
    car.meters();
    let mut said = 0;
    for event in events {
        happen(&mut car, event);
        let heard = arrivals(&car);
        for arrival in &heard[said..] {
            let checkpoint = unit.checkpoint.clone();
            let outcomes = live(&mut unit.telematics, std::slice::from_ref(arrival), pace);
            unit.keep(outcomes);
            if stale && checkpoint.is_some() {
                unit.checkpoint = checkpoint;
            }
        }
        said = heard.len();
        if matches!(event, Event::Crash) {
            unit.crash();
        }
    }
    let outcomes = unit.telematics.drain();
    unit.keep(outcomes);
    unit.count_odometer_back();
    (car, unit)
}

/// Arrival in an order where nothing is more than two seconds late.
fn shuffled(samples: &[Sample], delays_ms: &[u16]) -> Vec<Sample> {
    let delay = |index: usize| i64::from(delays_ms[index % delays_ms.len()]);
    let mut arriving: Vec<_> = samples
        .iter()
        .enumerate()
        .map(|(index, sample)| (sample.ts_ms + delay(index), sample.clone()))
        .collect();
    arriving.sort_by_key(|(at_ms, _)| *at_ms);
    arriving.into_iter().map(|(_, sample)| sample).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_arrival_within_two_seconds_changes_nothing(
        events in prop::collection::vec(event(), 1..12),
        delays_ms in prop::collection::vec(0_u16..=2_000, 1..400),
    ) {
        let samples = history(&events);
        let in_order = finished(&fold(&samples, Marks::default()));
        prop_assert_eq!(finished(&fold(&shuffled(&samples, &delays_ms), Marks::default())), in_order);
    }

    #[test]
    fn duplicates_change_nothing(
        events in prop::collection::vec(event(), 1..12),
        again in prop::collection::vec((any::<bool>(), 0_usize..200), 1..300),
    ) {
        let samples = history(&events);
        let once = finished(&fold(&samples, Marks::default()));
        let twice: Vec<Sample> = samples
            .iter()
            .enumerate()
            .flat_map(|(index, sample)| {
                let (doubled, back) = again[index % again.len()];
                let older = doubled.then(|| samples[index.saturating_sub(back)].clone());
                [Some(sample.clone()), older]
            })
            .flatten()
            .collect();
        prop_assert_eq!(finished(&fold(&twice, Marks::default())), once);
    }

    #[test]
    fn no_metre_and_no_watt_hour_is_claimed_twice_whatever_crashes(
        events in prop::collection::vec(event(), 1..25),
        stale in any::<bool>(),
        is_live in any::<bool>(),
    ) {
        let pace = if is_live { Pace::Live } else { Pace::Recording };
        let (car, unit) = live_through(&events, stale, pace);
        for (index, one) in unit.kept.iter().enumerate() {
            for other in &unit.kept[index + 1..] {
                prop_assert!(!one.evidence.interval().overlaps(&other.evidence.interval()), "{one:?} {other:?}");
            }
        }
        let charged: u64 = unit
            .kept
            .iter()
            .filter(|finished| matches!(finished.evidence, Evidence::Charge(_)))
            .map(|finished| finished.evidence.interval().length())
            .sum();
        let rise = ((car.charged_kwh - 4_000.0) * 1_000.0).round() as u64;
        prop_assert!(charged <= rise, "{charged} of {rise}");
        prop_assert!(unit.telematics.marks().of(Meter::Charged) <= Some(4_000_000 + rise));
    }
}

/// The properties say little unless the histories come to what they are about.
#[test]
fn the_histories_come_to_what_matters() {
    let mut runner = TestRunner::deterministic();
    let histories = prop::collection::vec(event(), 1..25);
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..200 {
        let events = histories.new_tree(&mut runner).unwrap().current();
        let (_, unit) = live_through(&events, false, Pace::Live);
        for finished in &unit.kept {
            let kind = match &finished.private {
                PrivateEvidence::Trip(trace) => match trace.end {
                    TripEnd::Parked => "trip, parked",
                    TripEnd::Gap => "trip, gap",
                    TripEnd::DriverChanged => "trip, driver changed",
                    TripEnd::OdometerMoved => "trip, odometer moved",
                },
                PrivateEvidence::Charge(trace) if trace.reconstructed => "charge, reconstructed",
                PrivateEvidence::Charge(_) => "charge",
                PrivateEvidence::Discharge(_) => "discharge",
            };
            *seen.entry(kind).or_default() += 1;
        }
        *seen.entry("crash in a trip").or_default() += unit.crashes_in_trip;
        *seen.entry("crash in a session").or_default() += unit.crashes_in_session;
        *seen.entry("odometer back").or_default() += unit.odometer_back;
    }
    println!("{seen:?}");
    for kind in [
        "trip, parked",
        "trip, gap",
        "trip, driver changed",
        "trip, odometer moved",
        "charge, reconstructed",
        "charge",
        "crash in a trip",
        "crash in a session",
        "odometer back",
    ] {
        assert!(
            seen.get(kind).is_some_and(|times| *times >= 10),
            "{kind}: {seen:?}"
        );
    }
}
