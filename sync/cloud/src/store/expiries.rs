//! Expiries of lots and reviews of tiers, and those that were taken back.

use dashpoint_membership::{LedgerVersion, MemberId, Points, ServerTime, Settlement};
use rusqlite::Connection;

use super::{Col, Json};
use crate::error::CloudError;

/// Selects the expiries that are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpirySpan {
    /// Those from this time on, by the cloud's clock.
    pub since: ServerTime,
    /// Those before this time, whatever the lot's own expiry; without it those whose own expiry is still to come.
    pub until: Option<ServerTime>,
}

/// A lot that expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExpiredLot {
    /// The settlement that took it.
    pub version: LedgerVersion,
    /// Change of the balance, not above 0.
    pub points: Points,
    /// When the lot expired by its own word.
    pub expires: ServerTime,
}

/// Lists a member's expiries in a span of time that were not given back, oldest first.
pub(crate) fn unreversed(
    db: &Connection,
    member: MemberId,
    span: ExpirySpan,
    now: ServerTime,
) -> Result<Vec<ExpiredLot>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT version, points, own FROM (
             SELECT version, points, at, (SELECT max(expires) FROM allocations
                 WHERE allocations.member = settlements.member AND allocations.version = settlements.version) AS own
             FROM settlements WHERE member = ?1 AND kind = 'expired' AND at >= ?2 AND points < 0
                 AND version NOT IN (SELECT version FROM expiries_reversed WHERE member = ?1))
         WHERE CASE WHEN ?3 IS NULL THEN own > ?4 ELSE at < ?3 END
         ORDER BY version",
    )?;
    let rows = statement.query_map(
        (Col(member), Col(span.since), span.until.map(Col), Col(now)),
        |row| {
            Ok(ExpiredLot {
                version: row.get::<_, Col<_>>(0)?.0,
                points: row.get::<_, Col<_>>(1)?.0,
                expires: row.get::<_, Col<_>>(2)?.0,
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lists a member's reviews of the tier from a time on that were not taken back, newest first, as far back as nothing else has
/// changed the tier since.
pub(crate) fn unreversed_reviews(
    db: &Connection,
    member: MemberId,
    since: ServerTime,
) -> Result<Vec<Settlement>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT version, at, cause, points, growth, arrears FROM settlements
         WHERE member = ?1 AND kind = 'tier-changed' AND at >= ?2
             AND version NOT IN (SELECT version FROM expiries_reversed WHERE member = ?1)
             AND version NOT IN (SELECT by_version FROM expiries_reversed WHERE member = ?1)
             AND version > (SELECT coalesce(max(version), 0) FROM settlements
                 WHERE member = ?1 AND promoted IS NOT NULL)
         ORDER BY version DESC",
    )?;
    let rows = statement.query_map((Col(member), Col(since)), |row| {
        Ok(Settlement {
            version: row.get::<_, Col<_>>(0)?.0,
            at: row.get::<_, Col<_>>(1)?.0,
            cause: row.get::<_, Json<_>>(2)?.0,
            points: row.get::<_, Col<_>>(3)?.0,
            growth: row.get::<_, Col<_>>(4)?.0,
            arrears: row.get::<_, Col<_>>(5)?.0,
            allocations: Vec::new(),
            promoted: None,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps that an expiry or a review was taken back, and by which settlement.
pub(crate) fn keep_reversed(
    db: &Connection,
    member: MemberId,
    version: LedgerVersion,
    by: LedgerVersion,
) -> Result<(), CloudError> {
    db.prepare_cached(
        "INSERT INTO expiries_reversed (member, version, by_version) VALUES (?1, ?2, ?3)",
    )?
    .execute((Col(member), Col(version), Col(by)))?;
    Ok(())
}
