//! The order of samples, and the times that are refused.

use super::*;

fn sample(signal: Signal, at_ms: i64) -> Stamped {
    Stamped {
        signal,
        at_ms,
        reading: SignalReading::Elsewhere,
        retained: false,
        refitted: false,
        said_ms: at_ms,
        captured_ms: at_ms,
    }
}

/// Takes a sample and gives all that has become ripe.
fn take(intake: &mut Intake, sample: &Stamped, counts: &mut Counts) -> Vec<Batch> {
    let mut batches = intake.take(sample, counts).batches;
    batches.extend(intake.ripen());
    batches
}

fn times(batches: &[Batch]) -> Vec<i64> {
    let time = |batch: &Batch| match batch {
        Batch::Instant { at_ms, .. } => *at_ms,
        Batch::Retained(_) | Batch::OutOfOrder(_) | Batch::Translated(_) => -1,
    };
    batches.iter().map(time).collect()
}

#[test]
fn two_seconds_late_are_in_order() {
    let (mut intake, mut counts) = (Intake::default(), Counts::default());
    assert!(take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts).is_empty());
    assert!(take(&mut intake, &sample(Signal::Odometer, 8_000), &mut counts).is_empty());
    // What is newer for its own signal is taken at the time of its arrival, and what is not is late.
    assert!(take(&mut intake, &sample(Signal::Gear, 7_999), &mut counts).is_empty());
    assert_eq!(counts.faults(Signal::Gear, Fault::Late), 0);
    assert!(take(&mut intake, &sample(Signal::Gear, 5_000), &mut counts).is_empty());
    assert_eq!(counts.faults(Signal::Gear, Fault::Late), 1);
    let batches = take(&mut intake, &sample(Signal::Speed, 12_000), &mut counts);
    assert_eq!(times(&batches), [8_000]);
    let batches = take(&mut intake, &sample(Signal::Speed, 12_001), &mut counts);
    assert_eq!(times(&batches), [10_000]);
    let [Batch::Instant { readings, .. }] = &batches[..] else {
        panic!("{batches:?}");
    };
    let fitted: Vec<bool> = readings.iter().map(|one| one.refitted).collect();
    assert_eq!(fitted, [false, true], "{readings:?}");
    assert!(take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts).is_empty());
    assert_eq!(counts.faults(Signal::Speed, Fault::Late), 1);
    assert!(take(&mut intake, &sample(Signal::Speed, 12_001), &mut counts).is_empty());
    assert_eq!(counts.faults(Signal::Speed, Fault::Duplicate), 1);
}

#[test]
fn a_strange_time_waits_for_three_signals() {
    let (mut intake, mut counts) = (Intake::default(), Counts::default());
    let future_ms = 10_000 + STRANGE_MS + 1;
    take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts);
    for _ in 0..200 {
        assert!(take(&mut intake, &sample(Signal::Speed, future_ms), &mut counts).is_empty());
    }
    assert_eq!(intake.quarantine.len(), QUARANTINE_LEN_MAX);
    assert!(
        take(
            &mut intake,
            &sample(Signal::Odometer, future_ms),
            &mut counts
        )
        .is_empty()
    );
    assert_eq!(intake.newest_ms(), Some(10_000));
    let batches = take(
        &mut intake,
        &sample(Signal::Gear, future_ms + 5_000),
        &mut counts,
    );
    assert_eq!(times(&batches), [10_000, future_ms]);
    assert_eq!(intake.newest_ms(), Some(future_ms + 5_000));
    assert_eq!(counts.all_faults(Fault::Quarantined), 202);
}

#[test]
fn a_clock_that_was_far_ahead_comes_back() {
    let (mut intake, mut counts) = (Intake::default(), Counts::default());
    take(
        &mut intake,
        &sample(Signal::Speed, 80 * STRANGE_MS),
        &mut counts,
    );
    for signal in [Signal::Speed, Signal::Odometer, Signal::Gear] {
        take(&mut intake, &sample(signal, 10_000), &mut counts);
    }
    assert_eq!(intake.newest_ms(), Some(10_000));
    assert!(take(&mut intake, &sample(Signal::Speed, 13_000), &mut counts).is_empty());
    let batches = take(&mut intake, &sample(Signal::Gear, 13_000), &mut counts);
    assert_eq!(times(&batches), [10_000]);
}

#[test]
fn what_follows_on_a_quiet_bus_counts() {
    let (mut intake, mut counts) = (Intake::default(), Counts::default());
    take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts);
    assert_eq!(times(&intake.quiet(30_000, &mut counts).batches), [10_000]);
    // The rest of the same moment, and the next one.
    take(&mut intake, &sample(Signal::Ignition, 10_000), &mut counts);
    take(&mut intake, &sample(Signal::Speed, 10_100), &mut counts);
    assert_eq!(counts.all_faults(Fault::Late), 0);
    // What is newer for its own signal counts too, and what is not is late.
    take(&mut intake, &sample(Signal::Gear, 9_999), &mut counts);
    assert_eq!(counts.all_faults(Fault::Late), 0);
    take(&mut intake, &sample(Signal::Gear, 9_000), &mut counts);
    assert_eq!(counts.faults(Signal::Gear, Fault::Late), 1);
    let batches = intake.quiet(30_000, &mut counts).batches;
    assert_eq!(times(&batches), [10_000, 10_100]);
    take(&mut intake, &sample(Signal::Speed, 10_100), &mut counts);
    assert_eq!(counts.faults(Signal::Speed, Fault::Duplicate), 1);
}

#[test]
fn retained_state_goes_before_the_samples_or_when_the_bus_is_quiet() {
    let retained = |signal, at_ms| Stamped {
        retained: true,
        ..sample(signal, at_ms)
    };
    let (mut intake, mut counts) = (Intake::default(), Counts::default());
    take(&mut intake, &retained(Signal::Odometer, 1_000), &mut counts);
    assert!(intake.quiet(999, &mut counts).batches.is_empty());
    assert_eq!(times(&intake.quiet(1_000, &mut counts).batches), [-1]);
    take(&mut intake, &retained(Signal::Gear, 2_000), &mut counts);
    take(&mut intake, &sample(Signal::Speed, 10_000), &mut counts);
    assert_eq!(
        times(&intake.quiet(2_001, &mut counts).batches),
        [-1, 10_000]
    );
}
