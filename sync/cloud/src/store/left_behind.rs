//! Head units that were replaced after a backup: what the replaced database has of each, and the restored one lacks.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Cause, DeviceId, EntryRef, Epoch, MemberId, Points, PolicyVersion, Rejection, Seq, ServerTime,
    Verdict,
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::devices::{self, Device};
use super::intervals::{self, Freed};
use super::openings::OpeningState;
use super::{Col, accounts, bindings, bundles, openings, reviews};
use crate::error::CloudError;

/// The replaced database, as far as no car sends it again.
pub(crate) struct Left<'a> {
    pub db: &'a Connection,
    /// The head units that it had shut out, not as frauds, in the order in which that was done.
    pub units: Vec<LeftBehind>,
    /// Versions of the policy that it has.
    pub policies: Vec<PolicyVersion>,
}

/// One head unit that the replaced database had shut out, and not as a fraud: it sends nothing again.
#[derive(Debug)]
pub(crate) struct LeftBehind {
    pub device: Device,
    /// Time at which it was shut out.
    pub revoked: ServerTime,
    /// Its grants as they were signed, by epoch.
    pub grants: Vec<Vec<u8>>,
    /// Its bindings as they were signed.
    pub bindings: Vec<Vec<u8>>,
    /// Times of the receipts that were signed for it.
    pub receipts: Vec<ServerTime>,
}

/// One entry as the replaced database has it.
#[derive(Debug)]
pub(crate) struct LeftEntry {
    pub epoch: Epoch,
    pub seq: Seq,
    pub member: Option<MemberId>,
    pub raw: Vec<u8>,
}

/// State of an entry at the end of the replaced database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LeftOutcome {
    /// It counted, with its stretch of the meter if it claims one.
    Counted,
    /// The same, although its verdict did not pay it: an operator accepted it, or it was paid once another one lost the stretch.
    Accepted,
    /// Its evidence was in doubt, and no operator accepted it.
    InDoubt,
    /// It was rejected.
    Rejected(Rejection),
    /// It came second, and was not paid either once its stretch was free: in doubt all the same, or lost by its own head unit.
    StaysSecond,
    /// Its stretch was taken from it.
    Freed(Freed),
}

impl LeftOutcome {
    /// Returns whether it was paid, and holds its stretch if it claims one.
    pub(super) const fn had_paid(&self) -> bool {
        match self {
            Self::Counted | Self::Accepted => true,
            Self::InDoubt | Self::Rejected(_) | Self::StaysSecond | Self::Freed(_) => false,
        }
    }

    /// Returns whether it waits on when another one has its stretch: for that one to lose it, or to be paid no more than then.
    pub(crate) const fn waits_on(&self) -> bool {
        match self {
            Self::Counted | Self::Accepted | Self::StaysSecond => true,
            Self::InDoubt | Self::Rejected(_) | Self::Freed(_) => false,
        }
    }

    /// Returns whether an operator's word can have made it, after another outcome.
    pub(super) const fn is_by_word(&self) -> bool {
        match self {
            Self::Counted | Self::Accepted | Self::StaysSecond | Self::Freed(_) => true,
            Self::InDoubt | Self::Rejected(_) => false,
        }
    }
}

/// Points that entries brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Worth {
    /// Points in the account.
    pub points: Points,
    /// Points that are held back beside them.
    pub held_back: Points,
}

impl Worth {
    /// Nothing.
    pub(crate) const NONE: Self = Self {
        points: Points::ZERO,
        held_back: Points::ZERO,
    };

    /// Worth of an entry by its verdict alone.
    pub(crate) fn of(verdict: &Verdict) -> Self {
        let points = verdict.paid().points;
        let is_held = matches!(verdict, Verdict::Review { .. });
        Self {
            points: if is_held { Points::ZERO } else { points },
            held_back: if is_held { points } else { Points::ZERO },
        }
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            points: self.points.plus(other.points),
            held_back: self.held_back.plus(other.held_back),
        }
    }
}

/// Lists the head units that were shut out, and not as frauds.
pub(crate) fn left_behind(replaced: &Connection) -> Result<Left<'_>, CloudError> {
    let mut units = Vec::new();
    for device in devices::list(replaced)? {
        let Some(revoked) = device.revoked else {
            continue;
        };
        let id = device.id;
        if devices::is_fraud(replaced, id)? {
            continue;
        }
        let grants = column(
            replaced,
            "SELECT raw FROM grants WHERE device = ?1 ORDER BY epoch",
            &device,
        )?;
        let receipts: Vec<Col<ServerTime>> = column(
            replaced,
            "SELECT at FROM receipt_times WHERE device = ?1",
            &device,
        )?;
        units.push(LeftBehind {
            device,
            revoked,
            grants,
            bindings: bindings::signed(replaced, id)?.into_iter().collect(),
            receipts: receipts.into_iter().map(|at| at.0).collect(),
        });
    }
    units.sort_by_key(|one| (one.revoked, one.device.id));
    Ok(Left {
        db: replaced,
        units,
        policies: bundles::policy_versions(replaced)?,
    })
}

/// Lists entries of a device after a place, in the order of the chain: at most so many.
pub(crate) fn entries_after(
    replaced: &Connection,
    device: DeviceId,
    (epoch, seq): (Epoch, Seq),
    most: u32,
) -> Result<Vec<LeftEntry>, CloudError> {
    let mut statement = replaced.prepare_cached(
        "SELECT epoch, seq, member, raw FROM entries WHERE device = ?1 AND (epoch, seq) > (?2, ?3)
         ORDER BY epoch, seq LIMIT ?4",
    )?;
    let rows = statement.query_map((Col(device), Col(epoch), Col(seq), most), |row| {
        Ok(LeftEntry {
            epoch: row.get::<_, Col<_>>(0)?.0,
            seq: row.get::<_, Col<_>>(1)?.0,
            member: row.get::<_, Option<Col<_>>>(2)?.map(|member| member.0),
            raw: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Finds what became of an entry up to the end of the database.
pub(super) fn outcome(
    replaced: &Connection,
    place: EntryRef,
    verdict: &Verdict,
) -> Result<LeftOutcome, CloudError> {
    let was_doubted = reviews::find(replaced, place)?.is_some();
    if intervals::holds(replaced, place)? {
        let was_rejected = matches!(verdict, Verdict::Rejected { .. });
        return Ok(if was_doubted || was_rejected {
            LeftOutcome::Accepted
        } else {
            LeftOutcome::Counted
        });
    }
    if let Some(freed) = intervals::freed_from(replaced, place)? {
        return Ok(LeftOutcome::Freed(freed));
    }
    if was_doubted {
        // The opening of a meter is taken over with its state, and holds no stretch.
        let is_open = replaced.table_exists(None, "openings")?
            && openings::of_entry(replaced, place)?
                .is_some_and(|opened| opened.state == OpeningState::Open);
        return Ok(if is_open {
            LeftOutcome::Counted
        } else {
            LeftOutcome::InDoubt
        });
    }
    Ok(match verdict {
        Verdict::Rejected { reason } => LeftOutcome::Rejected(*reason),
        Verdict::Accepted { .. } | Verdict::Adjusted { .. } | Verdict::Review { .. } => {
            LeftOutcome::Counted
        }
    })
}

/// Finds what the entries of a device brought up to the end: the verdict on each, with what came of it since. One that brought
/// nothing by its verdict is not among them.
pub(crate) fn worth_of(
    replaced: &Connection,
    device: DeviceId,
) -> Result<BTreeMap<(Epoch, Seq), Worth>, CloudError> {
    let mut statement = replaced
        .prepare("SELECT DISTINCT member FROM entries WHERE device = ?1 AND member IS NOT NULL")?;
    let members = statement.query_map([Col(device)], |row| Ok(row.get::<_, Col<_>>(0)?.0))?;
    let members: Vec<MemberId> = members.collect::<Result<_, _>>()?;
    let mut worth = BTreeMap::new();
    for member in members {
        for row in accounts::about_entries(replaced, member)? {
            let (entry, now) = if let Cause::Entry { entry, verdict } = &row.cause {
                (*entry, Worth::of(verdict))
            } else if let Some(entry) = row.cause.changed_entry() {
                let is_gone = matches!(row.cause, Cause::ClawedBack { .. });
                let points = if is_gone {
                    Points::ZERO
                } else {
                    row.paid.points
                };
                let held_back = Points::ZERO;
                (entry, Worth { points, held_back })
            } else {
                continue;
            };
            if entry.device == device {
                worth.insert((entry.epoch, entry.seq), now);
            }
        }
    }
    Ok(worth)
}

fn column<T: rusqlite::types::FromSql>(
    db: &Connection,
    question: &str,
    device: &Device,
) -> Result<Vec<T>, CloudError> {
    let mut statement = db.prepare_cached(question)?;
    let rows = statement.query_map([Col(device.id)], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
