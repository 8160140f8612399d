//! Accounts: the state that the rules work on, the lots in it, and every change it ever had.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Account, Cause, LedgerVersion, Lot, LotId, MemberId, Paid, Points, Profile, ServerTime,
    Settlement, TierId,
};
use rusqlite::{Connection, OptionalExtension};

use super::{Col, Json};
use crate::error::CloudError;

/// Opens a member's account.
pub(crate) fn open(
    db: &Connection,
    member: MemberId,
    profile: &Profile,
    account: &Account,
) -> Result<(), CloudError> {
    account.check()?;
    db.execute(
        "INSERT INTO members (member, name, zone, joined, account, version, balance, growth, arrears, tier)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            Col(member),
            &profile.name,
            &profile.zone,
            Col(profile.joined),
            Json(account),
            Col(account.version),
            Col(account.balance()),
            Col(account.growth),
            Col(account.arrears),
            account.tier.tier.as_str(),
        ),
    )?;
    write_lots(db, member, &account.lots)
}

/// Reads a member's account. One that was written with a lot for each award has one for each expiry from now on, and on
/// the disk with its next change.
pub(crate) fn find(db: &Connection, member: MemberId) -> Result<Option<Account>, CloudError> {
    let mut account = db
        .prepare_cached("SELECT account FROM members WHERE member = ?1")?
        .query_row([Col(member)], |row| Ok(row.get::<_, Json<Account>>(0)?.0))
        .optional()?;
    if let Some(account) = &mut account {
        account.check()?;
        account.merge_lots();
    }
    Ok(account)
}

/// Writes an account after settlements, with each of them.
///
/// The invariants are asserted before the write: a broken account never reaches the disk.
pub(crate) fn save(
    db: &Connection,
    member: MemberId,
    account: &Account,
    settlements: &[Settlement],
) -> Result<(), CloudError> {
    account.check()?;
    db.prepare_cached(
        "UPDATE members SET account = ?2, version = ?3, balance = ?4, growth = ?5, arrears = ?6, tier = ?7
         WHERE member = ?1",
    )?
    .execute((
        Col(member),
        Json(account),
        Col(account.version),
        Col(account.balance()),
        Col(account.growth),
        Col(account.arrears),
        account.tier.tier.as_str(),
    ))?;
    write_lots(db, member, &account.lots)?;
    for settlement in settlements {
        append(db, member, settlement)?;
    }
    Ok(())
}

/// Brings the rows to what the account has: a member has years of lots, and a batch touches few.
fn write_lots(db: &Connection, member: MemberId, lots: &[Lot]) -> Result<(), CloudError> {
    let mut held = held_lots(db, member)?;
    let mut put = db.prepare_cached(
        "INSERT INTO lots (member, lot, points, remaining, expires) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (member, lot) DO UPDATE SET points = excluded.points,
             remaining = excluded.remaining, expires = excluded.expires",
    )?;
    for lot in lots {
        if held.remove(&lot.id) != Some(*lot) {
            put.execute((
                Col(member),
                Col(lot.id),
                Col(lot.points),
                Col(lot.remaining),
                Col(lot.expires),
            ))?;
        }
    }
    let mut drop = db.prepare_cached("DELETE FROM lots WHERE member = ?1 AND lot = ?2")?;
    for gone in held.into_keys() {
        drop.execute((Col(member), Col(gone)))?;
    }
    Ok(())
}

fn held_lots(db: &Connection, member: MemberId) -> Result<BTreeMap<LotId, Lot>, CloudError> {
    let mut rows =
        db.prepare_cached("SELECT lot, points, remaining, expires FROM lots WHERE member = ?1")?;
    let rows = rows.query_map([Col(member)], |row| {
        let lot = Lot {
            id: row.get::<_, Col<_>>(0)?.0,
            points: row.get::<_, Col<_>>(1)?.0,
            remaining: row.get::<_, Col<_>>(2)?.0,
            expires: row.get::<_, Col<_>>(3)?.0,
        };
        Ok((lot.id, lot))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn append(db: &Connection, member: MemberId, settlement: &Settlement) -> Result<(), CloudError> {
    db.prepare_cached(
        "INSERT INTO settlements (member, version, at, kind, cause, points, growth, arrears, promoted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute((
        Col(member),
        Col(settlement.version),
        Col(settlement.at),
        kind(&settlement.cause),
        Json(&settlement.cause),
        Col(settlement.points),
        Col(settlement.growth),
        Col(settlement.arrears),
        settlement.promoted.as_ref().map(TierId::as_str),
    ))?;
    let mut insert = db.prepare_cached(
        "INSERT INTO allocations (member, version, lot, points, size, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for allocation in &settlement.allocations {
        insert.execute((
            Col(member),
            Col(settlement.version),
            Col(allocation.lot),
            Col(allocation.points),
            Col(allocation.size),
            Col(allocation.expires),
        ))?;
    }
    Ok(())
}

/// The word of a cause that reports group by.
pub(crate) const fn kind(cause: &Cause) -> &'static str {
    match cause {
        Cause::Entry { .. } => "entry",
        Cause::Released { .. } => "released",
        Cause::Spent { .. } => "spent",
        Cause::Reversed { .. } => "reversed",
        Cause::Expired { .. } => "expired",
        Cause::ClawedBack { .. } => "clawed-back",
        Cause::Granted { .. } => "granted",
        Cause::TierChanged { .. } => "tier-changed",
    }
}

/// One settlement of a member that is about an entry.
#[derive(Debug, Clone)]
pub(crate) struct EntryRow {
    /// The settlement.
    pub version: LedgerVersion,
    /// The lot that it paid into.
    pub lot: LotId,
    pub cause: Cause,
    /// What it paid, arrears that were offset included.
    pub paid: Paid,
}

/// Lists a member's settlements that are about entries, in their order.
pub(crate) fn about_entries(
    db: &Connection,
    member: MemberId,
) -> Result<Vec<EntryRow>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT coalesce((SELECT lot FROM allocations WHERE allocations.member = settlements.member
            AND allocations.version = settlements.version LIMIT 1), version), cause, points, arrears, growth, version
         FROM settlements
         WHERE member = ?1 AND kind IN ('entry', 'released', 'clawed-back') ORDER BY version",
    )?;
    let rows = statement.query_map([Col(member)], |row| {
        let points: Points = row.get::<_, Col<_>>(2)?.0;
        Ok(EntryRow {
            version: row.get::<_, Col<_>>(5)?.0,
            lot: row.get::<_, Col<_>>(0)?.0,
            cause: row.get::<_, Json<Cause>>(1)?.0,
            paid: Paid {
                points: points.minus(row.get::<_, Col<_>>(3)?.0),
                growth: row.get::<_, Col<_>>(4)?.0,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lists the points that a member was given by hand, by the lot that they went into, those included that arrears took.
pub(crate) fn granted_by_lot(
    db: &Connection,
    member: MemberId,
) -> Result<Vec<(LotId, Points)>, CloudError> {
    by_lot(
        db,
        member,
        "SELECT coalesce((SELECT lot FROM allocations WHERE allocations.member = settlements.member
             AND allocations.version = settlements.version LIMIT 1), version) AS lot, sum(points - arrears)
         FROM settlements WHERE member = ?1 AND kind = 'granted' GROUP BY lot",
    )
}

fn by_lot(
    db: &Connection,
    member: MemberId,
    sql: &'static str,
) -> Result<Vec<(LotId, Points)>, CloudError> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([Col(member)], |row| {
        Ok((row.get::<_, Col<_>>(0)?.0, Points::new(row.get(1)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A settlement that began a new period of the tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeriodBegin {
    /// The settlement.
    pub version: LedgerVersion,
    /// A review: growth value from before the period that ended fell away. Else a higher tier was reached.
    pub is_review: bool,
}

/// Lists the settlements that began a period of a member's tier, oldest first, without reviews that were taken back.
pub(crate) fn period_begins(
    db: &Connection,
    member: MemberId,
) -> Result<Vec<PeriodBegin>, CloudError> {
    let mut statement = db.prepare_cached(
        "SELECT version, promoted IS NULL FROM settlements
         WHERE member = ?1 AND (promoted IS NOT NULL OR kind = 'tier-changed')
             AND version NOT IN (SELECT version FROM expiries_reversed WHERE member = ?1)
             AND version NOT IN (SELECT by_version FROM expiries_reversed WHERE member = ?1)
         ORDER BY version",
    )?;
    let rows = statement.query_map([Col(member)], |row| {
        Ok(PeriodBegin {
            version: row.get::<_, Col<_>>(0)?.0,
            is_review: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The newest version of a member's ledger that was settled up to a time; 0 when none was.
///
/// Read back from the newest: what came since is little.
pub(crate) fn version_at(
    db: &Connection,
    member: MemberId,
    time: ServerTime,
) -> Result<LedgerVersion, CloudError> {
    let version = db
        .prepare_cached(
            "SELECT version FROM settlements WHERE member = ?1 AND at <= ?2 ORDER BY version DESC LIMIT 1",
        )?
        .query_row((Col(member), Col(time)), |row| Ok(row.get::<_, Col<_>>(0)?.0))
        .optional()?;
    Ok(version.unwrap_or(LedgerVersion::new(0)))
}
