//! Times of an entry by the clock of the car.

use dashpoint_membership::{ClockQuality, CoarseTime, Entry, Evidence, ServerTime};

use super::limits::{BUSY_SLACK_S, OWN_TIME_SLACK_S};

/// Times of an entry by the car's own clock, to five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryTimes {
    /// Its beginning.
    pub started: ServerTime,
    /// Its end.
    pub ended: ServerTime,
    /// The car does not say that its clock was behind the cloud's.
    pub is_trusted: bool,
    /// Nothing contradicts them.
    pub is_sure: bool,
}

impl EntryTimes {
    /// Reads the times of an entry; the end stands for a beginning that nobody saw.
    #[must_use]
    pub fn of(entry: &Entry, evidence: &Evidence, now: ServerTime) -> Self {
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
            is_sure: is_trusted && started <= ended && ended <= now && is_real_span,
        }
    }

    /// Returns whether a clock that the car trusts gives times between which so many seconds cannot be.
    #[must_use]
    pub fn contradict(&self, lasted_s: u64) -> bool {
        let (started_s, ended_s) = (self.started.as_unix_s(), self.ended.as_unix_s());
        let span_s = u64::try_from(ended_s.saturating_sub(started_s));
        let holds = span_s.is_ok_and(|span_s| lasted_s <= span_s.saturating_add(OWN_TIME_SLACK_S));
        self.is_trusted && !holds
    }
}
