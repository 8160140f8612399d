//! Expiries of lots and reviews of tiers, and those that were taken back.

use dashpoint_membership::{LedgerVersion, LotId, MemberId, Points, ServerTime, Settlement};
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

/// One expiry of a lot that was not given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LotExpiry {
    /// The lot.
    pub lot: LotId,
    /// The settlement that took it.
    pub version: LedgerVersion,
    /// Points that went with it.
    pub points: Points,
}

/// Lists a member's expiries that were not given back, oldest first.
pub(crate) fn by_lot(db: &Connection, member: MemberId) -> Result<Vec<LotExpiry>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT lot, settlements.version, allocations.points FROM settlements
         JOIN allocations ON allocations.member = settlements.member AND allocations.version = settlements.version
         WHERE settlements.member = ?1 AND kind = 'expired'
             AND settlements.version NOT IN (SELECT version FROM expiries_reversed WHERE member = ?1)
         ORDER BY settlements.version",
    )?;
    let rows = statement.query_map([Col(member)], |row| {
        Ok(LotExpiry {
            lot: row.get::<_, Col<_>>(0)?.0,
            version: row.get::<_, Col<_>>(1)?.0,
            points: row.get::<_, Col<_>>(2)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One expiry of a lot that was given back, into a lot that may be another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Restored {
    /// The expiry.
    pub version: LedgerVersion,
    /// The lot that expired.
    pub from: LotId,
    /// The lot that its points went into.
    pub into: LotId,
    /// Points that were given back, those included that arrears took.
    pub points: Points,
}

/// Lists a member's expiries that were given back.
pub(crate) fn restored(db: &Connection, member: MemberId) -> Result<Vec<Restored>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT reversed.version,
             (SELECT lot FROM allocations WHERE allocations.member = reversed.member
                 AND allocations.version = reversed.version LIMIT 1),
             coalesce((SELECT lot FROM allocations WHERE allocations.member = reversed.member
                 AND allocations.version = reversed.by_version LIMIT 1), reversed.by_version),
             settlements.points - settlements.arrears
         FROM expiries_reversed AS reversed
         JOIN settlements ON settlements.member = reversed.member AND settlements.version = reversed.by_version
         WHERE reversed.member = ?1 AND settlements.kind = 'granted' ORDER BY reversed.version",
    )?;
    let rows = statement.query_map([Col(member)], |row| {
        Ok(Restored {
            version: row.get::<_, Col<_>>(0)?.0,
            from: row.get::<_, Col<_>>(1)?.0,
            into: row.get::<_, Col<_>>(2)?.0,
            points: Points::new(row.get(3)?),
        })
    })?;
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
