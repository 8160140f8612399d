//! Surveys a live bus: what each signal says, how often, by which clock, and what is refused of it.
//!
//! Pure. The samples go through a fold of their own, so that what is refused here is what the head unit would refuse.

use std::collections::BTreeMap;

use dashpoint_telematics::{Marks, Sample, Settings, Signal, Telematics, Value, ValueKind};

use crate::abilities::{IgnitionOn, SaidCadence, SaidSignals};
use crate::bus::{BusInput, IGNITION_ON};
use crate::engine::SignalWatch;

/// Times of one signal that are kept; of a minute it is more than any signal has.
const TIMES_MAX: usize = 4_096;

/// A survey of a bus.
#[derive(Debug)]
pub struct BusSurvey {
    telematics: Telematics,
    watch: SignalWatch,
    signals: BTreeMap<Signal, SignalSurvey>,
    connections: u64,
}

#[derive(Debug, Default)]
struct SignalSurvey {
    said: u64,
    retained: u64,
    live: u64,
    is_active: bool,
    was_on: bool,
    last: Option<Value>,
    last_ms: Option<i64>,
    gaps_ms: Vec<i64>,
    offsets_ms: Vec<i64>,
}

/// Results of one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyedSignal {
    /// The signal.
    pub signal: Signal,
    /// Messages of it, also those that were refused.
    pub said: u64,
    /// Values among them that the broker had retained.
    pub retained: u64,
    /// Values that would be taken.
    pub taken: u64,
    /// Values among them that were said in this time, and not retained.
    pub live: u64,
    /// True when a live value says that the car moves, or counts what it charges.
    pub is_active: bool,
    /// True for an ignition that was ON.
    pub was_on: bool,
    /// The last value that could be read, in the unit of the signal; of texts, the last that was taken.
    pub last: Option<Value>,
    /// Time between two values in the median, in milliseconds.
    pub cadence_ms: Option<i64>,
    /// Time of a value less the time of its arrival in the median, in milliseconds; `None` without times of its own.
    pub clock_offset_ms: Option<i64>,
    /// Messages that would be refused, by kind.
    pub refused: BTreeMap<String, u64>,
}

impl BusSurvey {
    /// Begins under these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            telematics: Telematics::new(settings, Marks::default()),
            watch: SignalWatch::default(),
            signals: BTreeMap::new(),
            connections: 0,
        }
    }

    /// Takes an input that arrived at a time, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn handle(&mut self, input: BusInput, arrived_ms: i64) {
        match input {
            BusInput::Sample {
                signal,
                value,
                ts_ms,
                retained,
            } => {
                let sample = Sample {
                    signal,
                    value,
                    ts_ms: ts_ms.unwrap_or(arrived_ms),
                    retained,
                };
                let before = self.taken(signal);
                // A survey earns nothing: what the fold makes of it is of no use.
                drop(self.telematics.observe(&sample));
                let taken = self.taken(signal).saturating_sub(before);
                let known = self.signals.entry(signal).or_default();
                known.was_on |= taken > 0 && is_on(signal, &sample.value);
                if !retained {
                    known.live += taken;
                    let is_active = is_active(signal, &sample.value, known.last.as_ref());
                    known.is_active |= taken > 0 && is_active;
                }
                known.take(sample, taken > 0, ts_ms.is_some().then_some(arrived_ms));
            }
            BusInput::Refused { signal, error } => {
                self.signals.entry(signal).or_default().said += 1;
                self.watch.refuse(signal, error);
            }
            BusInput::UnknownTopic => self.watch.refuse_topic(),
            BusInput::Connected => self.connections += 1,
            BusInput::Lost => {}
        }
    }

    fn taken(&self, signal: Signal) -> u64 {
        let counts = self.telematics.counts().of(signal);
        counts.map_or(0, |counts| counts.taken)
    }

    /// Returns whether the broker was reached.
    #[must_use]
    pub const fn has_connected(&self) -> bool {
        self.connections > 0
    }

    /// Returns the number of signals that said anything, and of their messages.
    #[must_use]
    pub fn progress(&self) -> (usize, u64) {
        let messages = self.signals.values().map(|known| known.said).sum();
        (self.signals.len(), messages)
    }

    /// Ends it: the results of each signal that is used, also of those that said nothing.
    #[must_use]
    pub fn finish(mut self) -> Vec<SurveyedSignal> {
        // What waits is folded, so that its meters are judged too.
        drop(self.telematics.drain());
        let looked = self.watch.look(self.telematics.counts(), 0);
        let (_, lives) = looked.unwrap_or_default();
        let of_path = |path: &str| lives.iter().find(|live| live.path == path);
        let surveyed = Signal::ALL.iter().map(|signal| {
            let known = self.signals.remove(signal).unwrap_or_default();
            let live = of_path(signal.path());
            SurveyedSignal {
                signal: *signal,
                said: known.said,
                retained: known.retained,
                taken: live.map_or(0, |live| live.taken),
                live: known.live,
                is_active: known.is_active,
                was_on: known.was_on,
                last: known.last,
                cadence_ms: median(known.gaps_ms),
                clock_offset_ms: median(known.offsets_ms),
                refused: live.map(|live| live.refused.clone()).unwrap_or_default(),
            }
        });
        surveyed.collect()
    }
}

impl SignalSurvey {
    /// Takes a sample; the time of arrival is given for one that has a time of its own.
    fn take(&mut self, sample: Sample, is_taken: bool, arrived_ms: Option<i64>) {
        let Sample {
            signal,
            value,
            ts_ms,
            retained,
        } = sample;
        self.said += 1;
        // A text that is refused may be anything, and so may be whatever stands in its place.
        let is_text = signal.kind() == ValueKind::Text || matches!(value, Value::Text(_));
        if is_taken || !is_text {
            self.last = Some(value);
        }
        if retained {
            self.retained += 1;
            return;
        }
        if let Some(arrived_ms) = arrived_ms
            && self.offsets_ms.len() < TIMES_MAX
        {
            self.offsets_ms.push(ts_ms.saturating_sub(arrived_ms));
        }
        if let Some(last_ms) = self.last_ms.replace(ts_ms)
            && ts_ms > last_ms
            && self.gaps_ms.len() < TIMES_MAX
        {
            self.gaps_ms.push(ts_ms.saturating_sub(last_ms));
        }
    }
}

/// Returns whether a value says that the car moves, or has counted what it charges since the value before.
fn is_active(signal: Signal, value: &Value, before: Option<&Value>) -> bool {
    match (signal, value, before) {
        (Signal::Speed, Value::Number(speed), _) => speed.abs() > 0.0,
        (Signal::IsMoving, Value::Bool(is_moving), _) => *is_moving,
        (Signal::ChargedEnergy, Value::Number(counted), Some(Value::Number(before))) => {
            counted > before
        }
        _ => false,
    }
}

fn is_on(signal: Signal, value: &Value) -> bool {
    matches!((signal, value), (Signal::Ignition, Value::Text(text)) if IGNITION_ON.contains(&text.as_str()))
}

/// Returns the signals that were taken of a survey of this mapping. One that the fold wants live does not count by a retained value,
/// nor does one of which more was refused than taken.
#[must_use]
pub fn said_signals(surveyed: &[SurveyedSignal], mapped: &SaidSignals) -> SaidSignals {
    let must_be_live = [
        Signal::Speed,
        Signal::IsMoving,
        Signal::Longitudinal,
        Signal::BatteryPower,
        Signal::ConsumedEnergy,
    ];
    let counts = |one: &&SurveyedSignal| {
        let is_refused = one.refused.values().sum::<u64>() > one.taken;
        let is_there = one.live > 0 || one.taken > 0 && !must_be_live.contains(&one.signal);
        is_there && !is_refused
    };
    let said = surveyed.iter().filter(counts);
    let pace = |one: &SurveyedSignal| match one.cadence_ms {
        Some(cadence_ms) => SaidCadence::EveryMs(cadence_ms.unsigned_abs()),
        None => SaidCadence::Unknown,
    };
    SaidSignals {
        signals: said.clone().map(|one| one.signal).collect(),
        paces: said.map(|one| (one.signal, pace(one))).collect(),
        ignition: match mapped.ignition {
            IgnitionOn::Possible if !surveyed.iter().any(|one| one.was_on) => IgnitionOn::Unheard,
            by_mapping @ (IgnitionOn::Possible | IgnitionOn::NoWord | IgnitionOn::Unheard) => {
                by_mapping
            }
        },
    }
}

fn median(mut numbers: Vec<i64>) -> Option<i64> {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use dashpoint_membership::{DEFAULT_POLICY_TOML, Policy};

    use super::*;
    use crate::abilities::{Ability, Extent, Lack};
    use crate::bus::PayloadError;

    const NOW_MS: i64 = 1_795_305_600_000;

    fn survey() -> BusSurvey {
        let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
        BusSurvey::new(Settings::new(&policy, 480))
    }

    fn said(signal: Signal, value: Value, ts_ms: Option<i64>) -> BusInput {
        BusInput::Sample {
            signal,
            value,
            ts_ms,
            retained: false,
        }
    }

    #[test]
    fn each_signal_has_its_cadence_its_clock_and_its_refusals() {
        let mut survey = survey();
        survey.handle(BusInput::Connected, NOW_MS);
        for second in 0..60 {
            let at_ms = NOW_MS + second * 1_000;
            let speed = Value::Number(50.0);
            survey.handle(said(Signal::Speed, speed, Some(at_ms)), at_ms + 200);
            if second % 6 == 0 {
                let power = Value::Number(-9_000.0);
                survey.handle(said(Signal::BatteryPower, power, None), at_ms);
            }
            if second % 20 == 0 {
                let word = Value::Text("RUN".to_owned());
                survey.handle(said(Signal::Ignition, word, None), at_ms);
                let error = PayloadError::NotADataPoint;
                let signal = Signal::Gear;
                survey.handle(BusInput::Refused { signal, error }, at_ms);
            }
        }
        let kept = BusInput::Sample {
            signal: Signal::Odometer,
            value: Value::Number(5.0),
            ts_ms: None,
            retained: true,
        };
        survey.handle(kept, NOW_MS + 60_000);
        assert!(survey.has_connected());
        assert_eq!(survey.progress(), (5, 77));
        let surveyed = survey.finish();
        let of = |signal: Signal| surveyed.iter().find(|one| one.signal == signal).unwrap();
        let speed = of(Signal::Speed);
        assert_eq!((speed.said, speed.taken, speed.retained), (60, 60, 0));
        assert_eq!(speed.cadence_ms, Some(1_000));
        assert_eq!(speed.clock_offset_ms, Some(-200));
        assert_eq!(speed.last, Some(Value::Number(50.0)));
        let power = of(Signal::BatteryPower);
        assert_eq!(power.cadence_ms, Some(6_000));
        assert_eq!(power.clock_offset_ms, None);
        let ignition = of(Signal::Ignition);
        assert_eq!((ignition.said, ignition.taken), (3, 0));
        assert_eq!(ignition.last, None);
        assert_eq!(ignition.refused.get("out-of-range"), Some(&3));
        assert_eq!(of(Signal::Gear).refused.get("not-a-data-point"), Some(&3));
        let odometer = of(Signal::Odometer);
        assert_eq!((odometer.taken, odometer.retained), (1, 1));
        assert_eq!(odometer.cadence_ms, None);
        assert_eq!(of(Signal::Vin).said, 0);

        let heard = said_signals(&surveyed, &SaidSignals::default());
        assert_eq!(
            heard.paces[&Signal::BatteryPower],
            SaidCadence::EveryMs(6_000)
        );
        let trips = &heard.abilities()[0];
        assert_eq!(
            (trips.ability, trips.extent),
            (Ability::Trips, Extent::Yes),
            "an ignition that is refused is none, and speaks against no trip"
        );
    }

    /// A gateway publishes everything as numbers: what stands where a person is named is shown to nobody.
    #[test]
    fn a_number_for_a_name_is_not_kept() {
        let mut survey = survey();
        for signal in [Signal::DriverSubject, Signal::Vin, Signal::Odometer] {
            survey.handle(said(signal, Value::Number(13_800_138_000.0), None), NOW_MS);
        }
        let surveyed = survey.finish();
        let kept = surveyed.iter().filter(|one| one.last.is_some());
        let kept: Vec<Signal> = kept.map(|one| one.signal).collect();
        assert_eq!(kept, [Signal::Odometer]);
    }

    #[test]
    fn a_counter_that_stands_charges_nothing() {
        for (second, is_active) in [(5_000.0, false), (5_250.0, true)] {
            let mut survey = survey();
            for (at_s, counted) in [(0, 5_000.0), (60, second)] {
                let at_ms = NOW_MS + at_s * 1_000;
                let counted = Value::Number(counted);
                survey.handle(said(Signal::ChargedEnergy, counted, Some(at_ms)), at_ms);
            }
            let surveyed = survey.finish();
            assert_eq!(surveyed.iter().any(|one| one.is_active), is_active);
        }
    }

    #[test]
    fn retained_and_lonely_values_are_no_drive() {
        let extents = |word: &str, retained: bool, times: i64| {
            let mut survey = survey();
            for second in 0..times {
                for (signal, value) in [
                    (Signal::Ignition, Value::Text(word.to_owned())),
                    (Signal::Speed, Value::Number(50.0)),
                    (Signal::Odometer, Value::Number(12_345_678.0)),
                ] {
                    let ts_ms = Some(NOW_MS + second * 1_000);
                    let sample = BusInput::Sample {
                        signal,
                        value,
                        ts_ms,
                        retained,
                    };
                    survey.handle(sample, NOW_MS + second * 1_000);
                }
            }
            let surveyed = survey.finish();
            let abilities = said_signals(&surveyed, &SaidSignals::default()).abilities();
            let braking = &abilities[3];
            let is_active = surveyed.iter().any(|one| one.is_active);
            let lacks = braking.lacks.clone();
            (abilities[0].extent, braking.extent, lacks, is_active)
        };
        // The odometer that was kept is one; nothing has moved.
        let kept = (Extent::Yes, Extent::None, vec![Lack::Deceleration], false);
        assert_eq!(extents("ON", true, 1), kept);
        let once = vec![Lack::CadenceUnknown];
        assert_eq!(
            extents("ON", false, 1),
            (Extent::Yes, Extent::None, once, true)
        );
        assert_eq!(
            extents("ON", false, 9),
            (Extent::Yes, Extent::Yes, Vec::new(), true)
        );
        let trips = vec![Lack::Trips];
        assert_eq!(
            extents("OFF", false, 9),
            (Extent::None, Extent::None, trips, true)
        );
    }
}
