//! Head units that were replaced after a backup: what the replaced database has of each, and the restored one lacks.

use dashpoint_membership::{
    EntryRef, Epoch, MemberId, PolicyVersion, Rejection, Seq, ServerTime, Verdict,
};
use rusqlite::Connection;

use super::devices::{self, Device};
use super::{Col, Json, bindings, bundles, intervals};
use crate::error::CloudError;

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
    /// Versions of the policy that the replaced database has.
    pub policies: Vec<PolicyVersion>,
    /// Entries after the head that the restored database has, in the order of the chain.
    pub entries: Vec<LeftEntry>,
}

/// One entry as the replaced database has it.
#[derive(Debug)]
pub(crate) struct LeftEntry {
    pub epoch: Epoch,
    pub member: Option<MemberId>,
    pub verdict: Verdict,
    /// The reason for which it was paid nothing, up to the end.
    pub rejected: Option<Rejection>,
    pub raw: Vec<u8>,
}

/// Lists the head units of which something is lacking, in the order in which they were shut out; no fraud of either database.
pub(crate) fn left_behind(
    replaced: &Connection,
    restored: &Connection,
) -> Result<Vec<LeftBehind>, CloudError> {
    let mut left = Vec::new();
    for device in devices::list(replaced)? {
        let Some(revoked) = device.revoked else {
            continue;
        };
        let id = device.id;
        if devices::is_fraud(replaced, id)?
            || devices::is_fraud(restored, id)?
            || devices::is_barred_fraud(restored, id)?
        {
            continue;
        }
        let here = devices::find(restored, id)?;
        let entries = entries_after(replaced, &device, here.as_ref())?;
        if entries.is_empty() && here.is_some_and(|here| here.revoked.is_some()) {
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
        left.push(LeftBehind {
            device,
            revoked,
            grants,
            bindings: bindings::signed(replaced, id)?.into_iter().collect(),
            policies: bundles::policy_versions(replaced)?,
            receipts: receipts.into_iter().map(|at| at.0).collect(),
            entries,
        });
    }
    left.sort_by_key(|one| (one.revoked, one.device.id));
    Ok(left)
}

fn entries_after(
    replaced: &Connection,
    device: &Device,
    here: Option<&Device>,
) -> Result<Vec<LeftEntry>, CloudError> {
    let head = here.map(|here| (here.head.epoch, here.head.seq));
    let (epoch, seq) = head.unwrap_or((Epoch::new(0), Seq::new(0)));
    let mut statement = replaced.prepare_cached(
        "SELECT epoch, seq, member, verdict, raw FROM entries WHERE device = ?1 AND (epoch, seq) > (?2, ?3)
         ORDER BY epoch, seq",
    )?;
    let rows = statement.query_map((Col(device.id), Col(epoch), Col(seq)), |row| {
        let place = EntryRef {
            device: device.id,
            epoch: row.get::<_, Col<_>>(0)?.0,
            seq: row.get::<_, Col<_>>(1)?.0,
        };
        let entry = LeftEntry {
            epoch: place.epoch,
            member: row.get::<_, Option<Col<_>>>(2)?.map(|member| member.0),
            verdict: row.get::<_, Json<_>>(3)?.0,
            rejected: None,
            raw: row.get(4)?,
        };
        Ok((place, entry))
    })?;
    let rejected = |found: rusqlite::Result<(EntryRef, LeftEntry)>| {
        let (place, entry) = found?;
        let rejected = match entry.verdict {
            // One that was paid late holds its stretch.
            Verdict::Rejected { reason } if !intervals::has_held(replaced, place)? => Some(reason),
            Verdict::Rejected { .. }
            | Verdict::Accepted { .. }
            | Verdict::Adjusted { .. }
            | Verdict::Review { .. } => None,
        };
        Ok(LeftEntry { rejected, ..entry })
    };
    rows.map(rejected).collect()
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
