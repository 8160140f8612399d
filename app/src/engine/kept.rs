//! Values without a time that a broker has kept: said again, they are no news.

use std::collections::BTreeMap;

use dashpoint_telematics::{Signal, Value};

use crate::bus::BusInput;

/// The last value of each signal that comes without a time, and the last that a broker had kept.
#[derive(Debug, Default)]
pub(super) struct KeptValues {
    said: BTreeMap<Signal, Value>,
    kept: BTreeMap<Signal, Value>,
}

impl KeptValues {
    /// Returns whether a broker says a value again, as it does at each connection: nobody knows of when it is, and it is the one that
    /// was said last, or a motion that was kept before.
    pub(super) fn says_again(&mut self, input: &BusInput) -> bool {
        let BusInput::Sample {
            signal,
            value,
            ts_ms: None,
            retained,
        } = input
        else {
            return false;
        };
        let is_same = |known: &BTreeMap<Signal, Value>| known.get(signal) == Some(value);
        // Of a state that was kept before nobody knows whether it has come back; a motion that is said once is no motion.
        let is_motion = matches!(signal, Signal::Speed | Signal::IsMoving);
        if *retained && (is_same(&self.said) || is_motion && is_same(&self.kept)) {
            return true;
        }
        if *retained {
            self.kept.insert(*signal, value.clone());
        }
        if !is_same(&self.said) {
            self.said.insert(*signal, value.clone());
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_value_is_news() {
        let mut kept = KeptValues::default();
        let mut again = |kmh: f64, ts_ms: Option<i64>, retained: bool| {
            kept.says_again(&BusInput::Sample {
                signal: Signal::Speed,
                value: Value::Number(kmh),
                ts_ms,
                retained,
            })
        };
        assert!(!again(72.0, None, true), "the state at the start");
        assert!(again(72.0, None, true), "another connection");
        assert!(!again(72.0, None, false), "said live");
        assert!(!again(0.0, None, true), "a bridge that leaves the flag");
        assert!(again(0.0, None, true));
        assert!(
            !again(30.0, None, false),
            "said live by one who retains seldom"
        );
        assert!(
            again(0.0, None, true),
            "another connection keeps the older one"
        );
        assert!(!again(0.0, Some(1), true), "its time tells");
        let mut ignition = |word: &str, retained: bool| {
            kept.says_again(&BusInput::Sample {
                signal: Signal::Ignition,
                value: Value::Text(word.to_owned()),
                ts_ms: None,
                retained,
            })
        };
        assert!(!ignition("ON", true));
        assert!(!ignition("OFF", false));
        assert!(!ignition("ON", true), "it was switched on meanwhile");
    }
}
