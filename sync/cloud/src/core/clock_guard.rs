//! The guard against a clock that leaps: what it forbids is not done before an operator has spoken.

use dashpoint_membership::ServerTime;

use crate::clock::ClockKind;
use crate::error::CloudError;
use crate::store::cloud_row::CloudRow;

/// Farthest that the clock may be ahead of the last time at which the database was at work, in seconds: 30 days. A cloud that
/// stood still for a weekend or over a holiday needs no word, and what ends by such a leap would have ended within the month.
const AHEAD_S_MAX: i64 = 30 * 86_400;
/// Farthest that it may be behind, in seconds: a quarter of an hour, as a machine that stood without power is until its clock is
/// set. An entry from after now counts for now: under a clock that is hours behind, what is driven today would fall under the
/// caps of yesterday, and nothing could give the points back.
const BEHIND_S_MAX: i64 = 900;
/// Age that the known time may reach while the database is at work, in seconds.
const KNOWN_S: i64 = 60;

/// Returns the time to go by: the clock's, or the last known one while the clock is a little behind it. A posted clock leaps by
/// design.
pub(super) fn heed(life: &CloudRow, now: ServerTime) -> Result<ServerTime, CloudError> {
    let believed = life.known.plus_s(-BEHIND_S_MAX)..=life.known.plus_s(AHEAD_S_MAX);
    match life.clock {
        ClockKind::Posted => Ok(now),
        ClockKind::System if believed.contains(&now) => Ok(now.max(life.known)),
        ClockKind::System => Err(CloudError::ClockLeapt {
            known: life.known,
            now,
        }),
    }
}

/// The time to go by when nothing is changed: the last known one instead of one that is not believed.
pub(super) fn believed(life: &CloudRow, now: ServerTime) -> ServerTime {
    heed(life, now).unwrap_or(life.known)
}

/// Returns the latest time at which the database may have been at work by a clock that is believed.
pub(super) const fn latest(life: &CloudRow) -> ServerTime {
    match life.clock {
        ClockKind::Posted => life.posted_now,
        ClockKind::System => life.known.plus_s(KNOWN_S),
    }
}

/// Tells when the known time is to be written anew.
pub(super) fn is_old(life: &CloudRow, now: ServerTime) -> bool {
    now >= life.known.plus_s(KNOWN_S)
}
