//! Amounts that an act could not take from an entry because an expiry, or a review of the tier, had taken them before.

use std::collections::BTreeMap;

use dashpoint_membership::{Growth, LedgerVersion, MemberId, Paid, Points};
use rusqlite::Connection;

use super::Col;
use crate::error::CloudError;

/// Keeps what an act, by its settlement, could not take because of an expiry or a review.
pub(crate) fn keep(
    db: &Connection,
    member: MemberId,
    version: LedgerVersion,
    by: LedgerVersion,
    paid: Paid,
) -> Result<(), CloudError> {
    db.prepare_cached(
        "INSERT INTO forgone (member, version, by_version, points, growth) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute((
        Col(member),
        Col(version),
        Col(by),
        Col(paid.points),
        Col(paid.growth),
    ))?;
    Ok(())
}

/// Sums what acts could not take from a member, by the expiry or the review that had taken it.
pub(crate) fn by_version(
    db: &Connection,
    member: MemberId,
) -> Result<BTreeMap<LedgerVersion, Paid>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT version, sum(points), sum(growth) FROM forgone WHERE member = ?1 GROUP BY version",
    )?;
    let rows = statement.query_map([Col(member)], |row| {
        let paid = Paid {
            points: Points::new(row.get(1)?),
            growth: Growth::new(row.get(2)?),
        };
        Ok((row.get::<_, Col<_>>(0)?.0, paid))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
