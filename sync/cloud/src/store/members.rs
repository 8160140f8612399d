//! Members: who they are.

use dashpoint_membership::{
    Growth, LedgerVersion, MemberId, Milli, Points, Profile, RuleId, ServerTime, TierId,
};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::Col;
use crate::error::CloudError;

/// One member as `member list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberLine {
    /// The member.
    pub member: MemberId,
    /// Name as the member writes it.
    pub name: String,
    /// Zone in which the member's days are counted.
    pub zone: String,
    /// Since when a member.
    #[serde(rename = "joined_unix_s")]
    pub joined: ServerTime,
    /// The state of the account that the figures are of.
    pub version: LedgerVersion,
    /// Spendable points.
    pub balance: Points,
    /// Growth value.
    pub growth: Growth,
    /// Points owed.
    pub arrears: Points,
    /// The tier.
    pub tier: String,
}

/// Reads who a member is.
pub(crate) fn profile(db: &Connection, member: MemberId) -> Result<Option<Profile>, CloudError> {
    let row = db
        .prepare_cached("SELECT name, joined, zone FROM members WHERE member = ?1")?
        .query_row([Col(member)], |row| {
            Ok(Profile {
                name: row.get(0)?,
                joined: row.get::<_, Col<_>>(1)?.0,
                zone: row.get(2)?,
            })
        })
        .optional()?;
    Ok(row)
}

/// Counts the members who have thousandths of a point of a rule, and sums them.
pub(crate) fn remainders(db: &Connection, rule: &RuleId) -> Result<(u64, Milli), CloudError> {
    // An id has no quotation mark.
    let path = format!("$.remainders.\"{rule}\".points");
    let sums = db
        .prepare_cached(
            "SELECT count(*), coalesce(sum(account ->> ?1), 0) FROM members WHERE account ->> ?1 > 0",
        )?
        .query_row([path], |row| Ok((row.get(0)?, Milli::new(row.get(1)?))))?;
    Ok(sums)
}

/// Counts the members who hold a tier.
pub(crate) fn holders(db: &Connection, tier: &TierId) -> Result<u64, CloudError> {
    let holders = db
        .prepare_cached("SELECT count(*) FROM members WHERE tier = ?1")?
        .query_row([tier.as_str()], |row| row.get(0))?;
    Ok(holders)
}

/// Lists members, in the order they joined.
pub(crate) fn list(db: &Connection) -> Result<Vec<MemberLine>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT member, name, zone, joined, version, balance, growth, arrears, tier
         FROM members ORDER BY joined, member",
    )?;
    let lines = statement.query_map([], |row| {
        Ok(MemberLine {
            member: row.get::<_, Col<_>>(0)?.0,
            name: row.get(1)?,
            zone: row.get(2)?,
            joined: row.get::<_, Col<_>>(3)?.0,
            version: row.get::<_, Col<_>>(4)?.0,
            balance: row.get::<_, Col<_>>(5)?.0,
            growth: row.get::<_, Col<_>>(6)?.0,
            arrears: row.get::<_, Col<_>>(7)?.0,
            tier: row.get(8)?,
        })
    })?;
    Ok(lines.collect::<Result<_, _>>()?)
}

/// All member ids, ascending: the order in which rows are locked.
pub(crate) fn ids(db: &Connection) -> Result<Vec<MemberId>, CloudError> {
    let mut statement = db.prepare_cached("SELECT member FROM members ORDER BY member")?;
    let ids = statement.query_map([], |row| Ok(row.get::<_, Col<_>>(0)?.0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Returns the number of members.
pub(crate) fn count(db: &Connection) -> Result<i64, CloudError> {
    Ok(db
        .prepare_cached("SELECT count(*) FROM members")?
        .query_row([], |row| row.get(0))?)
}
