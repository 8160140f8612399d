//! Times of an entry by the clock of the car.

use dashpoint_membership::{ClockQuality, CoarseTime, Entry, Evidence, Meter, ServerTime};

use super::limits::{BUSY_SLACK_S, CLOCK_AHEAD_S_MAX, OWN_TIME_SLACK_S};

/// Seconds to which times are rounded down.
const GRAIN_S: i64 = CoarseTime::GRAIN_MIN * 60;

/// Times of an entry by the car's own clock, to five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryTimes {
    /// Its beginning.
    pub started: ServerTime,
    /// Its end.
    pub ended: ServerTime,
    /// The car does not say that its clock was behind the cloud's.
    pub is_trusted: bool,
    /// Nothing contradicts them, but for an end after the arrival.
    pub is_sure: bool,
}

impl EntryTimes {
    /// Reads the times of an entry; the end stands for a beginning that nobody saw.
    #[must_use]
    pub fn of(entry: &Entry, evidence: &Evidence) -> Self {
        // A head unit ends a trip where its clock is set: a step back ends it at once, a leap is a gap. So both times of a trip
        // are of one clock, whatever the car has heard on the way. A session goes on, and may be longer by what was set.
        let (started, is_of_one_clock) = match evidence {
            Evidence::Trip(trip) => (Some(trip.started), true),
            Evidence::Charge(charge) => (charge.started, false),
            Evidence::Discharge(discharge) => (discharge.started, false),
        };
        let server = |at: CoarseTime| ServerTime::from_unix_s(at.as_unix_s());
        let ended = server(entry.time.at);
        let started = started.map_or(ended, server);
        let is_trusted = entry.time.quality != ClockQuality::Doubtful;
        let is_real_span = is_of_one_clock
            || entry.receipt_at <= started
            || ended <= started.plus_s(BUSY_SLACK_S.cast_signed());
        Self {
            started,
            ended,
            is_trusted,
            is_sure: is_trusted && started <= ended && is_real_span,
        }
    }

    /// Returns whether so many seconds cannot be between its times. Both are of one clock, whether that is right or wrong.
    #[must_use]
    pub fn contradict(&self, lasted_s: u64) -> bool {
        let (started_s, ended_s) = (self.started.as_unix_s(), self.ended.as_unix_s());
        let span_s = u64::try_from(ended_s.saturating_sub(started_s));
        let holds = span_s.is_ok_and(|span_s| lasted_s <= span_s.saturating_add(OWN_TIME_SLACK_S));
        !holds
    }

    /// Seconds from the beginning to the end.
    #[must_use]
    pub fn span_s(&self) -> u64 {
        let span_s = self
            .ended
            .as_unix_s()
            .saturating_sub(self.started.as_unix_s());
        u64::try_from(span_s).unwrap_or(0)
    }
}

/// A trip or session of the vehicle whose times are sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSpan {
    /// The meter of which it holds a stretch.
    pub meter: Meter,
    /// Its beginning by the car's own clock.
    pub started: ServerTime,
    /// Its end by the car's own clock.
    pub ended: ServerTime,
    /// The time at which the cloud received it.
    pub arrived: ServerTime,
    /// Seconds of driving, seen or missed; 0 for a session.
    pub lasted_s: u64,
    /// The device of the claim has said it.
    pub is_own: bool,
}

/// Trips or sessions of the vehicle at the same time, by the car's own clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overlaps {
    /// Number of them on the same meter.
    pub count: u64,
    /// Seconds for which they overlap, together.
    pub seconds: u64,
    /// Seconds for which sessions and trips overlap, beyond what the trips stood still.
    pub beside_s: u64,
}

impl Overlaps {
    /// Measures the overlaps of one trip or session with those that are known.
    ///
    /// Times up to shortly after the arrival are held against each other. An end that is later shows a clock that is wrong: its
    /// times are held only against such times of the same device, by the same clock.
    #[must_use]
    pub fn of(claim: &KnownSpan, known: &[KnownSpan]) -> Self {
        let is_comparable = |other: &&KnownSpan| match (claim.is_ahead(), other.is_ahead()) {
            (false, false) => true,
            (true, true) => other.is_own,
            (true, false) | (false, true) => false,
        };
        let (mut found, mut sessions_s) = (Self::default(), 0);
        for other in known.iter().filter(is_comparable) {
            let overlap_s = claim.overlap_s(other);
            if overlap_s == 0 {
                continue;
            }
            match (claim.meter, other.meter) {
                (one, same) if one == same => {
                    found.count += 1;
                    found.seconds += overlap_s;
                }
                (Meter::Odometer, Meter::Charged | Meter::Discharged) => sessions_s += overlap_s,
                (Meter::Charged | Meter::Discharged, Meter::Odometer) => {
                    found.beside_s += overlap_s.saturating_sub(other.stood_s());
                }
                // A charger that takes energy back does both in turn.
                _ => {}
            }
        }
        found.beside_s += u64::saturating_sub(sessions_s, claim.stood_s());
        found
    }
}

impl KnownSpan {
    /// Returns whether its end is further after its arrival than a clock is off that is nearly right.
    fn is_ahead(&self) -> bool {
        self.ended > self.arrived.plus_s(CLOCK_AHEAD_S_MAX.cast_signed())
    }

    /// Seconds for which both last for certain: their times are rounded down to five minutes. An overlap of twice that is none.
    fn overlap_s(&self, other: &Self) -> u64 {
        let (from, to) = (self.started.max(other.started), self.ended.min(other.ended));
        let overlap_s = to.as_unix_s().saturating_sub(from.as_unix_s());
        if overlap_s > 2 * GRAIN_S {
            u64::try_from(overlap_s - GRAIN_S).unwrap_or(0)
        } else {
            0
        }
    }

    /// Seconds of a trip in which it was not driven, and was seen.
    fn stood_s(&self) -> u64 {
        let span_s = self
            .ended
            .as_unix_s()
            .saturating_sub(self.started.as_unix_s());
        u64::try_from(span_s)
            .unwrap_or(0)
            .saturating_sub(self.lasted_s)
    }
}
