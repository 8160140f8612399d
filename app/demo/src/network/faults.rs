//! Faults between car and cloud, in a tester's notation.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hyper::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de};

const EXPECTED: &str =
    "expected 503:0.2, latency:2s or cut:1KiB, with commas between them; a chance may follow each";
/// Longer than any car waits for an answer.
const LATENCY_MAX: SignedDuration = SignedDuration::from_mins(10);

/// Faults of requests and answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults(Vec<NetworkFault>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct NetworkFault {
    kind: NetworkFaultKind,
    /// Probability of the fault, 0 to 1.
    chance: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NetworkFaultKind {
    /// The request is answered with this status and never comes to the cloud.
    Status(StatusCode),
    /// The answer comes so much later.
    Latency(Duration),
    /// The connection breaks after so many bytes of the answer's body.
    Cut(u64),
}

/// The faults that one request meets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DrawnFaults {
    /// It is answered with this and never comes to the cloud.
    pub status: Option<StatusCode>,
    /// Delay of its answer.
    pub latency: Duration,
    /// The connection breaks after so many bytes of the answer's body.
    pub cut: Option<u64>,
}

impl Faults {
    /// Returns whether there is no fault.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Draws the fate of a request. Each fault draws each time, so that one that is taken away changes nothing for the
    /// others.
    pub fn draw(&self, chance: &mut fastrand::Rng) -> DrawnFaults {
        let mut fate = DrawnFaults::default();
        for fault in &self.0 {
            if chance.f64() >= fault.chance {
                continue;
            }
            match fault.kind {
                NetworkFaultKind::Status(status) => fate.status = fate.status.or(Some(status)),
                NetworkFaultKind::Latency(latency) => fate.latency += latency,
                NetworkFaultKind::Cut(after) => {
                    fate.cut = Some(fate.cut.map_or(after, |before| before.min(after)));
                }
            }
        }
        fate
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for NetworkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            NetworkFaultKind::Status(status) => write!(f, "{}", status.as_u16())?,
            NetworkFaultKind::Latency(latency) => write!(f, "latency:{}ms", latency.as_millis())?,
            NetworkFaultKind::Cut(after) => write!(f, "cut:{after}")?,
        }
        if self.chance < 1.0 {
            write!(f, ":{}", self.chance)?;
        }
        Ok(())
    }
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let faults = text.split(',').map(|fault| fault.trim().parse());
        faults.collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for NetworkFault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{text:?}: {what}; {EXPECTED}");
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let mut part = |what: &str| parts.next().ok_or_else(|| wrong(what));
        let kind = match name {
            "latency" => {
                let time = part("for how long?")?.parse::<SignedDuration>();
                let time = time
                    .ok()
                    .filter(|time| (SignedDuration::ZERO..=LATENCY_MAX).contains(time))
                    .ok_or_else(|| wrong("no time of up to ten minutes"))?;
                NetworkFaultKind::Latency(time.unsigned_abs())
            }
            "cut" => {
                let size = bytes(part("after how much?")?);
                NetworkFaultKind::Cut(size.ok_or_else(|| wrong("no size such as 1KiB"))?)
            }
            status => NetworkFaultKind::Status(
                status
                    .parse()
                    .ok()
                    .filter(|status: &StatusCode| status.as_u16() >= 400)
                    .ok_or_else(|| wrong("no fault"))?,
            ),
        };
        let chance = match parts.next() {
            None => 1.0,
            Some(chance) => chance
                .parse()
                .ok()
                .filter(|chance| (0.0..=1.0).contains(chance))
                .ok_or_else(|| wrong("a chance is a number from 0 to 1"))?,
        };
        match parts.next() {
            None => Ok(Self { kind, chance }),
            Some(_) => Err(wrong("too many colons")),
        }
    }
}

impl<'de> Deserialize<'de> for Faults {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A size like `512`, `512B`, `1KiB` or `2MiB`.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..)? {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(faults: &str, seed: u64) -> Vec<DrawnFaults> {
        let faults: Faults = faults.parse().unwrap();
        let mut chance = fastrand::Rng::with_seed(seed);
        (0..1_000).map(|_| faults.draw(&mut chance)).collect()
    }

    #[test]
    fn faults_strike_as_often_as_they_say_and_the_same_for_a_seed() {
        let struck = fates("503:0.2,latency:2s,cut:1KiB:0.5", 7);
        assert_eq!(struck, fates("503:0.2,latency:2s,cut:1KiB:0.5", 7));
        assert_ne!(struck, fates("503:0.2,latency:2s,cut:1KiB:0.5", 8));
        let busy = struck.iter().filter(|fate| fate.status.is_some()).count();
        assert!((150..250).contains(&busy), "{busy}");
        let cut = struck.iter().filter(|fate| fate.cut == Some(1_024)).count();
        assert!((430..570).contains(&cut), "{cut}");
        assert!(
            struck
                .iter()
                .all(|fate| fate.latency == Duration::from_secs(2))
        );
        assert!(
            fates("", 7)
                .iter()
                .all(|fate| *fate == DrawnFaults::default())
        );
    }

    #[test]
    fn the_worst_of_two_faults_counts() {
        let fate = fates("cut:2MiB,cut:10,latency:1s,latency:500ms,503,404", 1)[0];
        assert_eq!(fate.cut, Some(10));
        assert_eq!(fate.latency, Duration::from_millis(1_500));
        assert_eq!(fate.status, Some(StatusCode::SERVICE_UNAVAILABLE));
    }

    #[test]
    fn what_is_written_of_faults_can_be_read_again() {
        let faults: Faults = "503:0.2,latency:2s,cut:1KiB".parse().unwrap();
        assert_eq!(faults.to_string(), "503:0.2,latency:2000ms,cut:1024");
        assert_eq!(faults.to_string().parse::<Faults>().unwrap(), faults);
    }

    #[test]
    fn what_is_no_fault_is_named_in_one_line() {
        for (text, part) in [
            ("fire", "no fault"),
            ("200:0.5", "no fault"),
            ("503:2", "a number from 0 to 1"),
            ("503:NaN", "a number from 0 to 1"),
            ("latency", "for how long?"),
            ("latency:soon", "no time"),
            ("latency:-1s", "no time"),
            ("latency:1h", "no time"),
            ("cut:1KB", "no size"),
            ("cut:0.5:0.5:0.5", "no size"),
            ("cut:1:0.5:0.5", "too many colons"),
            ("503:0.2,", "no fault"),
        ] {
            let said = text.parse::<Faults>().unwrap_err();
            assert!(said.contains(part) && said.contains("503:0.2"), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}
