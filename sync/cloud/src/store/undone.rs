//! What people did after a backup, and a restore of it takes back: what a database has and an earlier copy of it lacks.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde::Serialize;

use crate::error::CloudError;

/// One thing that the replaced database has and the restored one lacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Undone {
    /// Its kind.
    pub kind: UndoneKind,
    /// The member, device, entry or version that it is about.
    pub of: String,
    /// The reason that an operator gave for it, or a member's name and zone.
    pub note: Option<String>,
}

/// A kind of thing that a restore undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoneKind {
    /// Somebody was made a member.
    Member,
    /// A version of the policy was signed.
    Policy,
    /// A version of the catalogue was signed.
    Catalogue,
    /// A head unit was shut out.
    Revocation,
    /// A head unit was shut out as a fraud.
    Fraud,
    /// What was held back for an entry was accepted.
    Acceptance,
    /// What was held back for an entry was refused.
    Refusal,
    /// A stretch of a meter was taken from an entry.
    Freed,
    /// Points that expired were given back.
    ExpiryReversed,
    /// A head unit was enrolled; it shows its certificate and comes back by itself.
    Device,
}

/// Each kind with the question that lists it in a database.
const QUESTIONS: [(UndoneKind, &str); 10] = [
    (
        UndoneKind::Member,
        "SELECT lower(hex(member)), name || ', ' || zone FROM members",
    ),
    (
        UndoneKind::Policy,
        "SELECT CAST(version AS TEXT), NULL FROM policies",
    ),
    (
        UndoneKind::Catalogue,
        "SELECT CAST(version AS TEXT), NULL FROM catalogues",
    ),
    (
        UndoneKind::Revocation,
        "SELECT lower(hex(device)), NULL FROM devices
         WHERE revoked IS NOT NULL AND device NOT IN (SELECT device FROM frauds)",
    ),
    (
        UndoneKind::Fraud,
        "SELECT lower(hex(device)), reason FROM frauds",
    ),
    (
        UndoneKind::Acceptance,
        "SELECT lower(hex(device)) || '/' || epoch || '-' || seq, reason FROM decisions WHERE accepted = 1",
    ),
    (
        UndoneKind::Refusal,
        "SELECT lower(hex(device)) || '/' || epoch || '-' || seq, reason FROM decisions WHERE accepted = 0",
    ),
    (
        UndoneKind::Freed,
        "SELECT lower(hex(vehicle)) || ' --entry ' || lower(hex(device)) || '/' || epoch || '-' || seq
             || iif(keeps_points, ' --keep-points', ''), reason FROM freed
         WHERE NOT EXISTS (SELECT 1 FROM decisions WHERE (decisions.device, decisions.epoch, decisions.seq)
                 = (freed.device, freed.epoch, freed.seq) AND accepted = 0)
             AND device NOT IN (SELECT device FROM devices WHERE revoked IS NOT NULL)",
    ),
    (
        UndoneKind::ExpiryReversed,
        "SELECT lower(hex(member)) || ' ' || version, NULL FROM expiries_reversed",
    ),
    (
        UndoneKind::Device,
        "SELECT lower(hex(device)), NULL FROM devices WHERE revoked IS NULL",
    ),
];

/// Lists what a database has and a restored copy lacks, kind by kind.
pub(crate) fn undone(
    replaced: &Connection,
    restored: &Connection,
) -> Result<Vec<Undone>, CloudError> {
    let mut undone = Vec::new();
    for (kind, question) in QUESTIONS {
        let here = listed(restored, question)?;
        let here: BTreeSet<&String> = here.iter().map(|(of, _)| of).collect();
        let before = listed(replaced, question)?;
        let lacking = before.iter().filter(|(of, _)| !here.contains(of));
        undone.extend(lacking.map(|(of, note)| Undone {
            kind,
            of: of.clone(),
            note: note.clone(),
        }));
    }
    Ok(undone)
}

fn listed(
    db: &Connection,
    question: &str,
) -> Result<BTreeSet<(String, Option<String>)>, CloudError> {
    let mut statement = db.prepare(question)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
