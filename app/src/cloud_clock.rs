//! Compares the cloud's signed times with each other and with the clocks of the car.

use dashpoint_membership::ServerTime;
use serde::{Deserialize, Serialize};

use crate::clock::Reading;

/// Difference that is no contradiction, in seconds. An answer may be on its way for a minute, a crystal is off by four
/// minutes in a month, and event times are kept to five minutes: below ten minutes nothing counts differently.
const TOLERANCE_S: i64 = 600;
/// Difference to the car's own clock that contradicts it before any signed time of this run bears either out, in seconds.
const OWN_TOLERANCE_S: i64 = 86_400;

/// A contradiction of the cloud's time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum CloudClock {
    /// More time has passed by the cloud's clock than by any clock of the car.
    Ahead {
        /// The difference.
        by_s: i64,
    },
    /// Less time has passed by the cloud's clock than by the car's, or it went back.
    Behind {
        /// The difference.
        by_s: i64,
    },
}

impl CloudClock {
    /// Tells whether this is worth no word to a person who was told the other: of the same kind, and hardly greater. It
    /// shrinks of itself while time goes on after one of an earlier run.
    const fn is_like(self, told: Self) -> bool {
        let more_s = match (self, told) {
            (Self::Ahead { by_s }, Self::Ahead { by_s: told_s })
            | (Self::Behind { by_s }, Self::Behind { by_s: told_s }) => by_s.saturating_sub(told_s),
            (Self::Ahead { .. }, Self::Behind { .. })
            | (Self::Behind { .. }, Self::Ahead { .. }) => return false,
        };
        more_s <= TOLERANCE_S
    }
}

/// A signed time of the cloud with the car's clocks when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Time that the cloud signed.
    pub at: ServerTime,
    /// The car's clocks at that moment; `None` for a time of an earlier run, and while the time comes from the bus.
    pub reading: Option<Reading>,
    /// False while the wall clock is known to wait for being set.
    pub is_set: bool,
}

impl Heard {
    /// Time of the car's own clock, if it was read and may be right.
    fn own(self) -> Option<ServerTime> {
        let reading = self.reading.filter(|_| self.is_set)?;
        Some(ServerTime::from_unix_s(reading.unix_ms.div_euclid(1_000)))
    }
}

/// Outcome of one more signed time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// As before.
    Nothing,
    /// It contradicts what the car knows, otherwise than the one before it.
    Contradicts(CloudClock),
    /// The contradiction is over.
    Agrees,
}

/// Follows the signed times of one run.
#[derive(Debug)]
pub(crate) struct CloudWatch {
    /// The last that contradicted nothing.
    line: Heard,
    last: Heard,
    contradiction: Option<CloudClock>,
    told: Option<CloudClock>,
    /// The newest signed time that the car's own clock agreed with, also in an earlier run.
    agreed: Option<ServerTime>,
}

impl CloudWatch {
    /// Begins with the newest signed time of an earlier run: nobody knows how long ago that was, only that it is past, unless
    /// the car's own clock is known to be right.
    pub(crate) const fn new(held: ServerTime, agreed: Option<ServerTime>) -> Self {
        let held = Heard {
            at: held,
            reading: None,
            is_set: false,
        };
        Self {
            line: held,
            last: held,
            contradiction: None,
            told: None,
            agreed,
        }
    }

    /// Compares the newest signed time of an earlier run with the car's own clock, before the cloud has said anything.
    pub(crate) fn start(&mut self, reading: Option<Reading>, is_set: bool) -> News {
        let held = Heard {
            reading,
            is_set,
            ..self.last
        };
        self.trust_own_clock(held);
        self.judge(contradiction(self.line, held))
    }

    /// Begins the line with the car's own clock when a signed time is more than a day ahead of it, unless one of this run
    /// has begun the line.
    ///
    /// The own clock is known to be right when it has agreed with the cloud and has not gone back behind that since: one that
    /// lost its battery begins before it, and one that was always wrong has never agreed.
    fn trust_own_clock(&mut self, heard: Heard) {
        let Some((own, agreed)) = heard.own().zip(self.agreed) else {
            return;
        };
        let ahead_s = heard.at.as_unix_s().saturating_sub(own.as_unix_s());
        let went_back_s = agreed.as_unix_s().saturating_sub(own.as_unix_s());
        let is_sure = went_back_s <= TOLERANCE_S;
        if self.line.reading.is_none() && is_sure && ahead_s > OWN_TOLERANCE_S {
            self.line = Heard { at: own, ..heard };
        }
    }

    /// Takes the next signed time in the order of the chain.
    ///
    /// A contradiction ends with a time that agrees with the last one before it, or with one that agrees with its
    /// predecessor and with the car's own clock: then it was the earlier time that was wrong.
    pub(crate) fn hear(&mut self, heard: Heard) -> News {
        let last = std::mem::replace(&mut self.last, heard);
        self.trust_own_clock(heard);
        let found = contradiction(self.line, heard).filter(|_| {
            let is_confirmed = self.contradiction.is_some()
                && contradiction(last, heard).is_none()
                && is_own_clock(heard);
            !is_confirmed
        });
        if found.is_none() {
            self.line = heard;
            if heard.own().is_some() && is_own_clock(heard) {
                self.agreed = Some(heard.at);
            }
        }
        self.judge(found)
    }

    fn judge(&mut self, found: Option<CloudClock>) -> News {
        self.contradiction = found;
        match (self.told, found) {
            (None, None) => News::Nothing,
            (Some(told), Some(found)) if found.is_like(told) => News::Nothing,
            (_, Some(found)) => {
                self.told = Some(found);
                News::Contradicts(found)
            }
            (Some(_), None) => {
                self.told = None;
                News::Agrees
            }
        }
    }

    /// The last time, but not one that is ahead of what the car's clocks have counted.
    pub(crate) fn last_borne_out(&self) -> ServerTime {
        self.last.at.min(self.line.at)
    }

    /// The newest signed time that the car's own clock agreed with.
    pub(crate) const fn agreed(&self) -> Option<ServerTime> {
        self.agreed
    }

    /// The contradiction by the last time.
    pub(crate) const fn contradiction(&self) -> Option<CloudClock> {
        self.contradiction
    }
}

/// Compares a signed time with an earlier one.
///
/// The monotonic clock stands still while the machine sleeps, and the wall clock may be set: what has passed lies between
/// the monotonic difference and the greater of the two.
fn contradiction(earlier: Heard, later: Heard) -> Option<CloudClock> {
    let passed_s = later.at.as_unix_s().saturating_sub(earlier.at.as_unix_s());
    let (least_s, most_s) = match earlier.reading.zip(later.reading) {
        Some((earlier, later)) => {
            let monotonic_ms = later.monotonic_ms.saturating_sub(earlier.monotonic_ms);
            let monotonic_s = i64::try_from(monotonic_ms / 1_000).unwrap_or(i64::MAX);
            let wall_s = later.unix_ms.saturating_sub(earlier.unix_ms) / 1_000;
            (monotonic_s, monotonic_s.max(wall_s))
        }
        None => (0, i64::MAX),
    };
    let behind_s = least_s.saturating_sub(passed_s);
    let ahead_s = passed_s.saturating_sub(most_s);
    if behind_s > TOLERANCE_S {
        Some(CloudClock::Behind { by_s: behind_s })
    } else if ahead_s > TOLERANCE_S {
        Some(CloudClock::Ahead { by_s: ahead_s })
    } else {
        None
    }
}

/// Tells whether the car's own clock says the same; without one nothing speaks against it.
fn is_own_clock(heard: Heard) -> bool {
    heard.reading.is_none_or(|reading| {
        let own_s = reading.unix_ms.div_euclid(1_000);
        own_s.abs_diff(heard.at.as_unix_s()) <= TOLERANCE_S.unsigned_abs()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;

    /// A receipt with time `at`, when the monotonic clock stands at `monotonic_s` and the wall clock at `wall_s`.
    fn heard(at: i64, monotonic_s: i64, wall_s: i64) -> Heard {
        Heard {
            at: ServerTime::from_unix_s(at),
            reading: Some(Reading {
                monotonic_ms: monotonic_s.unsigned_abs() * 1_000,
                unix_ms: wall_s * 1_000,
            }),
            is_set: true,
        }
    }

    fn unread(at: i64) -> Heard {
        Heard {
            at: ServerTime::from_unix_s(at),
            reading: None,
            is_set: true,
        }
    }

    const fn ahead(by_s: i64) -> CloudClock {
        CloudClock::Ahead { by_s }
    }

    const fn behind(by_s: i64) -> CloudClock {
        CloudClock::Behind { by_s }
    }

    #[test]
    fn a_signed_time_contradicts_what_no_clock_of_the_car_can_have_counted() {
        let first = heard(0, 0, 0);
        for (name, earlier, later, expected) in [
            ("all agree", first, heard(HOUR, HOUR, HOUR), None),
            (
                "ten minutes off",
                first,
                heard(HOUR + 600, HOUR, HOUR),
                None,
            ),
            (
                "ten minutes back",
                first,
                heard(HOUR - 600, HOUR, HOUR),
                None,
            ),
            (
                "ahead",
                first,
                heard(HOUR + 601, HOUR, HOUR),
                Some(ahead(601)),
            ),
            (
                "behind",
                first,
                heard(HOUR - 601, HOUR, HOUR),
                Some(behind(601)),
            ),
            (
                "back",
                first,
                heard(-DAY, HOUR, HOUR),
                Some(behind(DAY + HOUR)),
            ),
            ("the car slept", first, heard(DAY, HOUR, DAY), None),
            (
                "ahead of a car that slept",
                first,
                heard(2 * DAY, HOUR, DAY),
                Some(ahead(DAY)),
            ),
            (
                "the wall clock went back",
                first,
                heard(HOUR, HOUR, -DAY),
                None,
            ),
            (
                "the wall clock was set",
                first,
                heard(HOUR, HOUR, 90 * DAY),
                None,
            ),
            (
                "a month later",
                unread(0),
                heard(30 * DAY, 5, 30 * DAY),
                None,
            ),
            (
                "back since the last run",
                unread(DAY),
                heard(0, 5, 0),
                Some(behind(DAY)),
            ),
            ("a replay on the bus", unread(0), unread(DAY), None),
            ("back on the bus", unread(DAY), unread(0), Some(behind(DAY))),
            (
                "no time at all",
                unread(i64::MIN),
                heard(i64::MAX, 0, 0),
                None,
            ),
        ] {
            assert_eq!(contradiction(earlier, later), expected, "{name}");
        }
    }

    /// Shows a watch receipts, each with the contradiction that holds after it and whether it is news.
    fn follows(held: i64, receipts: &[(Heard, Option<CloudClock>, bool)]) {
        let mut watch = CloudWatch::new(ServerTime::from_unix_s(held), None);
        for (place, (heard, expected, is_news)) in receipts.iter().enumerate() {
            let before = watch.contradiction();
            let news = watch.hear(*heard);
            assert_eq!(watch.contradiction(), *expected, "receipt {place}");
            let told = match expected {
                _ if !is_news => News::Nothing,
                Some(found) => News::Contradicts(*found),
                None => News::Agrees,
            };
            assert_eq!(news, told, "receipt {place} after {before:?}");
        }
    }

    #[test]
    fn a_leap_is_told_once_until_a_receipt_agrees_again() {
        follows(
            0,
            &[
                (heard(DAY, 0, DAY), None, false),
                (
                    heard(11 * DAY, 900, DAY + 900),
                    Some(ahead(10 * DAY - 900)),
                    true,
                ),
                (
                    heard(11 * DAY + 900, 1_800, DAY + 1_800),
                    Some(ahead(10 * DAY - 900)),
                    false,
                ),
                (
                    heard(31 * DAY, 2_700, DAY + 2_700),
                    Some(ahead(30 * DAY - 2_700)),
                    true,
                ),
                (heard(DAY + 3_600, 3_600, DAY + 3_600), None, true),
                (heard(DAY + 4_500, 4_500, DAY + 4_500), None, false),
            ],
        );
    }

    #[test]
    fn a_clock_that_is_set_right_is_told_until_the_cars_own_clock_bears_it_out() {
        // The last receipt of the run before was ten days ahead.
        follows(
            11 * DAY,
            &[
                (heard(DAY, 10, DAY), Some(behind(10 * DAY)), true),
                (heard(DAY + 900, 910, DAY + 900), None, true),
            ],
        );
        // The car's own clock says 1970, so that it cannot tell which of the two is wrong.
        follows(
            11 * DAY,
            &[
                (heard(DAY, 10, 0), Some(behind(10 * DAY)), true),
                (
                    heard(DAY + 900, 910, 900),
                    Some(behind(10 * DAY - 900)),
                    false,
                ),
                (heard(11 * DAY + 60, 1_000, 1_000), None, true),
            ],
        );
    }

    /// A cloud that was 20 days ahead when the car met it last, or is when the car meets it first: only an own clock that has
    /// been right, has not gone back since and does not wait to be set speaks against it.
    #[test]
    fn only_an_own_clock_that_has_been_right_contradicts_the_first_receipt() {
        let own = 10 * DAY;
        for (name, agreed, wall_s, is_set, expected) in [
            ("it has been right", Some(9 * DAY), own, true, true),
            ("it has never been right", None, own, true, false),
            ("it went back", Some(9 * DAY), 0, true, false),
            ("it waits to be set", Some(9 * DAY), own, false, false),
        ] {
            let agreed = agreed.map(ServerTime::from_unix_s);
            let ahead_of = |at: i64| expected.then_some(ahead(at - wall_s));
            let first = Heard {
                is_set,
                ..heard(30 * DAY, 5, wall_s)
            };
            let mut watch = CloudWatch::new(first.at, agreed);
            watch.start(first.reading, is_set);
            assert_eq!(watch.contradiction(), ahead_of(30 * DAY), "{name}");
            assert_eq!(watch.last_borne_out() < first.at, expected, "{name}");
            let mut watch = CloudWatch::new(ServerTime::from_unix_s(own), agreed);
            assert_eq!(watch.start(first.reading, is_set), News::Nothing, "{name}");
            watch.hear(first);
            assert_eq!(watch.contradiction(), ahead_of(30 * DAY), "{name}");
            assert_eq!(watch.agreed(), agreed, "{name}");
        }
        // An own clock that is a day behind at most is not held against the cloud.
        let mut watch = CloudWatch::new(
            ServerTime::from_unix_s(own),
            Some(ServerTime::from_unix_s(0)),
        );
        assert_eq!(watch.hear(heard(own + DAY, 5, own)), News::Nothing);
    }

    /// An own clock that stood still while the car was off is set when the network is there.
    #[test]
    fn an_own_clock_that_is_set_later_agrees() {
        let agreed = Some(ServerTime::from_unix_s(9 * DAY));
        let mut watch = CloudWatch::new(ServerTime::from_unix_s(9 * DAY), agreed);
        watch.hear(heard(30 * DAY, 5, 10 * DAY));
        assert_eq!(watch.contradiction(), Some(ahead(20 * DAY)));
        assert_eq!(
            watch.hear(heard(30 * DAY + 60, 65, 30 * DAY + 60)),
            News::Agrees
        );
        assert_eq!(
            watch.agreed().map(ServerTime::as_unix_s),
            Some(30 * DAY + 60)
        );
    }
}
