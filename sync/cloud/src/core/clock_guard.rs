//! The guard against a clock that leaps: what it forbids is not done before an operator has spoken.

use dashpoint_membership::ServerTime;

use crate::clock::ClockKind;
use crate::error::CloudError;
use crate::store::cloud_row::CloudRow;

/// Farthest that the clock may be ahead of the last time at which the database was at work, in seconds: 30 days. A cloud that
/// stood still for a weekend or over a holiday needs no word, and what ends by such a leap would have ended within the month.
const AHEAD_S_MAX: i64 = 30 * 86_400;
/// Farthest that it may be behind, in seconds: a day. A machine that keeps local time in its hardware clock is wrong by up to
/// 14 hours until somebody corrects it, and nothing that ends by time ends earlier for a clock that is behind.
const BEHIND_S_MAX: i64 = 86_400;
/// Age that the known time may reach while the database is at work, in seconds.
const KNOWN_S: i64 = 60;

/// Checks a time against the last one at which the database was at work; a posted clock leaps by design.
pub(super) fn check(life: &CloudRow, now: ServerTime) -> Result<(), CloudError> {
    let believed = life.known.plus_s(-BEHIND_S_MAX)..=life.known.plus_s(AHEAD_S_MAX);
    if life.clock == ClockKind::Posted || believed.contains(&now) {
        Ok(())
    } else {
        Err(CloudError::ClockLeapt {
            known: life.known,
            now,
        })
    }
}

/// The time to go by when nothing is changed: the last known one instead of one that is not believed.
pub(super) fn believed(life: &CloudRow, now: ServerTime) -> ServerTime {
    check(life, now).map_or(life.known, |()| now)
}

/// Tells when the known time is to be written anew.
pub(super) fn is_old(life: &CloudRow, now: ServerTime) -> bool {
    now >= life.known.plus_s(KNOWN_S)
}
