//! Statistics of each signal, for diagnosis: newest time, rate, refusals by kind.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_telematics::{Counts, Signal, SignalCounts};

use crate::bus::PayloadError;
use crate::live::SignalLive;

/// Interval of the statistics, in milliseconds: not at each sample.
const LOOK_MS: u64 = 1_000;
/// Over how long a rate is taken, in milliseconds.
const RATE_MS: u64 = 10_000;
/// Interval at which one kind of refusal is logged, in milliseconds.
const LOG_MS: u64 = 60_000;

/// A message that was refused before the fold saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum RefusalKind {
    Payload(PayloadError),
    /// A topic that nobody asked for.
    UnknownTopic,
}

impl RefusalKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Payload(error) => error.name(),
            Self::UnknownTopic => "unknown-topic",
        }
    }
}

/// State of one kind of refusal in the log.
#[derive(Debug, Clone, Copy, Default)]
struct LoggedRefusal {
    times: u64,
    again_at_ms: u64,
}

/// Keeps an eye on the signals.
#[derive(Debug, Default)]
pub struct SignalWatch {
    payloads: BTreeMap<Signal, BTreeMap<PayloadError, u64>>,
    unknown: u64,
    looked_ms: Option<u64>,
    /// Messages of each signal when the rate was last taken, and when.
    before: BTreeMap<Signal, u64>,
    before_ms: u64,
    per_minute: BTreeMap<Signal, u64>,
    logged: BTreeMap<&'static str, LoggedRefusal>,
}

impl SignalWatch {
    /// Counts a payload that is no data point.
    pub fn refuse(&mut self, signal: Signal, error: PayloadError) {
        *self
            .payloads
            .entry(signal)
            .or_default()
            .entry(error)
            .or_default() += 1;
    }

    /// Counts a message on a topic that nobody asked for.
    pub fn refuse_topic(&mut self) {
        self.unknown += 1;
    }

    /// All refusals by kind, and the signals one by one; `None` when that was told less than a second ago.
    pub fn look(
        &mut self,
        counts: &Counts,
        now_ms: u64,
    ) -> Option<(BTreeMap<String, u64>, Vec<SignalLive>)> {
        let due = self
            .looked_ms
            .is_none_or(|looked_ms| now_ms.saturating_sub(looked_ms) >= LOOK_MS);
        if !due {
            return None;
        }
        self.looked_ms = Some(now_ms);
        self.take_rates(counts, now_ms);
        let refused = self.refused(counts);
        self.log(&refused, now_ms);
        let signals = Signal::ALL
            .iter()
            .map(|signal| self.live(*signal, counts))
            .collect();
        let named = refused
            .into_iter()
            .map(|(kind, times)| (kind.to_owned(), times))
            .collect();
        Some((named, signals))
    }

    fn live(&self, signal: Signal, counts: &Counts) -> SignalLive {
        let known = counts.of(signal);
        let payloads = self.payloads.get(&signal);
        let faults = known.into_iter().flat_map(|known| &known.faults);
        let refused: BTreeMap<String, u64> = faults
            .map(|(fault, times)| (fault.name().to_owned(), *times))
            .chain(
                payloads
                    .into_iter()
                    .flatten()
                    .map(|(error, times)| (error.name().to_owned(), *times)),
            )
            .collect();
        SignalLive {
            path: signal.path().to_owned(),
            seen: known.is_some() || payloads.is_some(),
            last_ts_ms: known.and_then(|known| known.last_ts_ms),
            per_minute: self.per_minute.get(&signal).copied().unwrap_or(0),
            taken: known.map_or(0, |known| known.taken),
            refused,
        }
    }

    fn take_rates(&mut self, counts: &Counts, now_ms: u64) {
        let since_ms = now_ms.saturating_sub(self.before_ms);
        if since_ms < RATE_MS && !self.before.is_empty() {
            return;
        }
        for signal in Signal::ALL {
            let messages = self.messages(*signal, counts);
            let before = self.before.insert(*signal, messages).unwrap_or(0);
            let more = messages.saturating_sub(before);
            let per_minute = more.saturating_mul(60_000) / since_ms.max(LOOK_MS);
            self.per_minute.insert(*signal, per_minute);
        }
        self.before_ms = now_ms;
    }

    fn messages(&self, signal: Signal, counts: &Counts) -> u64 {
        let of_fold = |known: &SignalCounts| known.taken + known.faults.values().sum::<u64>();
        let payloads = self.payloads.get(&signal);
        counts.of(signal).map_or(0, of_fold)
            + payloads.map_or(0, |kinds| kinds.values().sum::<u64>())
    }

    fn refused(&self, counts: &Counts) -> BTreeMap<&'static str, u64> {
        let mut refused = BTreeMap::new();
        for (_, known) in counts.iter() {
            for (fault, times) in &known.faults {
                *refused.entry(fault.name()).or_default() += times;
            }
        }
        for (error, times) in self.payloads.values().flatten() {
            *refused
                .entry(RefusalKind::Payload(*error).name())
                .or_default() += times;
        }
        if self.unknown > 0 {
            refused.insert(RefusalKind::UnknownTopic.name(), self.unknown);
        }
        refused
    }

    /// Says each kind at most once a minute, however many there are.
    fn log(
        &mut self,
        refused: &BTreeMap<&'static str, u64>,
        now_ms: u64,
    ) -> BTreeSet<&'static str> {
        let mut said = BTreeSet::new();
        for (kind, times) in refused {
            let logged = self.logged.entry(kind).or_default();
            if *times > logged.times && now_ms >= logged.again_at_ms {
                tracing::warn!(
                    kind,
                    refused = times - logged.times,
                    "bus messages were refused"
                );
                *logged = LoggedRefusal {
                    times: *times,
                    again_at_ms: now_ms + LOG_MS,
                };
                said.insert(*kind);
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dashpoint_membership::{DEFAULT_POLICY_TOML, Policy};
    use dashpoint_telematics::{Marks, Sample, Settings, Telematics, Value};

    fn telematics() -> Telematics {
        let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
        Telematics::new(Settings::new(&policy, 480), Marks::default())
    }

    fn speed(ts_ms: i64, kmh: f64) -> Sample {
        Sample {
            signal: Signal::Speed,
            value: Value::Number(kmh),
            ts_ms,
            retained: false,
        }
    }

    #[test]
    fn each_signal_tells_when_it_was_last_heard_how_often_and_what_was_refused() {
        let (mut watch, mut telematics) = (SignalWatch::default(), telematics());
        assert!(watch.look(telematics.counts(), 0).is_some());
        for second in 0..20 {
            telematics.observe(&speed(1_790_000_000_000 + second * 500, 50.0));
        }
        telematics.observe(&speed(1_790_000_010_000, f64::NAN));
        watch.refuse(Signal::Speed, PayloadError::Empty);
        watch.refuse(Signal::Gear, PayloadError::TooLong);
        watch.refuse_topic();
        assert!(watch.look(telematics.counts(), 999).is_none());
        let (refused, signals) = watch.look(telematics.counts(), 10_000).unwrap();
        let named = |kind: &str| refused.get(kind).copied();
        assert_eq!(named("not-a-number"), Some(1));
        assert_eq!(named("empty"), Some(1));
        assert_eq!(named("too-long"), Some(1));
        assert_eq!(named("unknown-topic"), Some(1));
        let of = |path: &str| signals.iter().find(|signal| signal.path == path).unwrap();
        let speed = of("Vehicle.Speed");
        assert_eq!(speed.last_ts_ms, Some(1_790_000_009_500));
        assert_eq!((speed.taken, speed.per_minute), (20, 132));
        assert_eq!(speed.refused.values().sum::<u64>(), 2);
        let gear = of("Vehicle.Powertrain.Transmission.SelectedGear");
        assert!(gear.seen && gear.taken == 0);
        assert!(!of("Vehicle.VehicleIdentification.VIN").seen);

        let (_, quiet) = watch.look(telematics.counts(), 20_000).unwrap();
        assert!(quiet.iter().all(|signal| signal.per_minute == 0));
    }

    #[test]
    fn a_kind_is_logged_once_a_minute() {
        let (mut watch, telematics) = (SignalWatch::default(), telematics());
        let mut said = Vec::new();
        for second in 0..=120 {
            watch.refuse(Signal::Speed, PayloadError::NotADataPoint);
            let refused = watch.refused(telematics.counts());
            if !watch.log(&refused, second * 1_000).is_empty() {
                said.push(second);
            }
        }
        assert_eq!(said, [0, 60, 120]);
    }
}
