//! What people did after a backup, and a restore of it takes back: what a database has and an earlier copy of it lacks.

use std::collections::BTreeSet;

use dashpoint_membership::ServerTime;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;

use super::Col;
use super::intervals::FREED_UNPAID;
use crate::error::CloudError;

/// One thing that the replaced database has and the restored one lacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Undone {
    /// Time at which it was done, as far as the database has it.
    #[serde(rename = "at_unix_s")]
    pub at: ServerTime,
    /// Its kind.
    pub kind: UndoneKind,
    /// The member, device, entry, code or version that it is about.
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
    /// The restored database has given a version of the policy to another one.
    PolicyTaken,
    /// The restored database has given a version of the catalogue to another one.
    CatalogueTaken,
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
    /// A request to be enrolled was refused.
    RequestRefused,
    /// The member whom a head unit is to earn for said yes, and the vehicle's members have not yet.
    Claim,
    /// A head unit was enrolled for a member; it shows what was signed and comes back by itself.
    Binding,
}

impl UndoneKind {
    /// Returns whether it is a word on one entry.
    pub(crate) fn is_on_entry(self) -> bool {
        [Self::Acceptance, Self::Refusal, Self::Freed].contains(&self)
    }
}

impl Undone {
    /// The entry that a word is about.
    pub(crate) fn entry(of: &str) -> Option<&str> {
        of.split(' ').find(|word| word.contains('/'))
    }
}

/// The question that lists one kind in a database: an identity, the thing, a note and the time. What an operator's word did to
/// many things at once is listed once, with the word.
struct UndoneQuestion {
    kind: UndoneKind,
    listed: &'static str,
    /// Lists the identities that a restored database does not lack, where they are not those that it lists itself.
    covered: Option<&'static str>,
    /// Lists what cannot be done again because the restored database has something else in its place, which is another kind.
    taken: Option<(UndoneKind, &'static str)>,
}

/// Every kind; a head unit that the restored database does not know is kept out by it ([`super::kept`]).
static QUESTIONS: [UndoneQuestion; 12] = [
    UndoneQuestion {
        kind: UndoneKind::Member,
        listed: "SELECT hex(member), lower(hex(member)), name || ', ' || zone, joined FROM members",
        covered: None,
        taken: None,
    },
    UndoneQuestion {
        kind: UndoneKind::Policy,
        listed: "SELECT hex(raw), CAST(version AS TEXT), NULL, signed FROM policies",
        covered: None,
        taken: Some((UndoneKind::PolicyTaken, "SELECT CAST(version AS TEXT) FROM policies")),
    },
    UndoneQuestion {
        kind: UndoneKind::Catalogue,
        listed: "SELECT hex(raw), CAST(version AS TEXT), NULL, signed FROM catalogues",
        covered: None,
        taken: Some((UndoneKind::CatalogueTaken, "SELECT CAST(version AS TEXT) FROM catalogues")),
    },
    UndoneQuestion {
        kind: UndoneKind::Revocation,
        listed: "SELECT hex(device), lower(hex(device)), NULL, revoked FROM devices
             WHERE revoked IS NOT NULL AND device NOT IN (SELECT device FROM frauds)
             UNION ALL SELECT hex(device), lower(hex(device)), NULL, said FROM barred
             WHERE reason IS NULL AND device NOT IN (SELECT device FROM devices)",
        covered: Some(
            "SELECT hex(device) FROM devices WHERE revoked IS NOT NULL
             UNION ALL SELECT hex(device) FROM barred WHERE device NOT IN (SELECT device FROM devices)",
        ),
        taken: None,
    },
    UndoneQuestion {
        kind: UndoneKind::Fraud,
        listed: "SELECT hex(device), lower(hex(device)), reason, said FROM frauds
             UNION ALL SELECT hex(device), lower(hex(device)), reason, said FROM barred
             WHERE reason IS NOT NULL AND device NOT IN (SELECT device FROM devices)",
        covered: Some(
            "SELECT hex(device) FROM frauds
             UNION ALL SELECT hex(device) FROM barred WHERE device NOT IN (SELECT device FROM devices)",
        ),
        taken: None,
    },
    UndoneQuestion {
        kind: UndoneKind::Acceptance,
        listed: "SELECT hex(device) || '/' || epoch || '-' || seq, lower(hex(device)) || '/' || epoch || '-' || seq, reason, decided
             FROM decisions WHERE accepted = 1",
        // What only an operator could pay is paid without him when it comes again; what time would have paid too may be held back.
        covered: Some(
            "SELECT hex(device) || '/' || epoch || '-' || seq FROM decisions WHERE accepted = 1
             UNION ALL SELECT hex(device) || '/' || epoch || '-' || seq FROM awaited
             WHERE (outcome = '\"accepted\"' AND gone IS NULL OR json_type(outcome, '$.freed') IS NOT NULL)
                 AND NOT EXISTS (SELECT 1 FROM entries WHERE (entries.device, entries.epoch, entries.seq, entries.origin)
                     = (awaited.device, awaited.epoch, awaited.seq, awaited.origin))
             UNION ALL SELECT hex(device) || '/' || epoch || '-' || seq FROM entries JOIN intervals USING (device, epoch, seq)
             WHERE json_type(verdict, '$.review') IS NULL
                 AND (json_type(verdict, '$.rejected') IS NOT NULL
                     OR device IN (SELECT device FROM devices WHERE revoked IS NOT NULL))",
        ),
        taken: None,
    },
    UndoneQuestion {
        kind: UndoneKind::Refusal,
        // Those that were made by shutting a fraud out are made again with it.
        listed: "SELECT hex(device) || '/' || epoch || '-' || seq, lower(hex(device)) || '/' || epoch || '-' || seq, reason, decided
             FROM decisions WHERE accepted = 0 AND NOT EXISTS (SELECT 1 FROM frauds
                 WHERE frauds.device = decisions.device AND said = decided AND frauds.reason = decisions.reason)",
        // One that was refused after it had come without a doubt comes again without its stretch.
        covered: Some(
            "SELECT hex(device) || '/' || epoch || '-' || seq FROM decisions WHERE accepted = 0
             UNION ALL SELECT hex(device) || '/' || epoch || '-' || seq FROM freed WHERE NOT keeps_points
             UNION ALL SELECT hex(device) || '/' || epoch || '-' || seq FROM awaited
             WHERE NOT json_extract(outcome, '$.freed.keeps_points')",
        ),
        taken: None,
    },
    UndoneQuestion {
        kind: UndoneKind::Freed,
        // Likewise those of a refusal, of a fraud, and of a head unit that was shut out, each by what it is freed with.
        listed: "SELECT hex(device) || '/' || epoch || '-' || seq,
                 lower(hex(vehicle)) || ' --entry ' || lower(hex(device)) || '/' || epoch || '-' || seq
                 || iif(keeps_points, ' --keep-points', ''), reason, freed
             FROM freed
             WHERE NOT EXISTS (SELECT 1 FROM decisions
                     WHERE (decisions.device, decisions.epoch, decisions.seq) = (freed.device, freed.epoch, freed.seq)
                         AND accepted = 0 AND decided = freed AND decisions.reason = freed.reason)
                 AND NOT EXISTS (SELECT 1 FROM frauds
                     WHERE frauds.device = freed.device AND said = freed AND frauds.reason = freed.reason)
                 AND NOT EXISTS (SELECT 1 FROM devices
                     WHERE devices.device = freed.device AND revoked = freed AND freed.reason = ?1)",
        // An entry comes again without its stretch; one that is in doubt here and keeps its points loses it as it is accepted.
        covered: Some(
            "SELECT hex(device) || '/' || epoch || '-' || seq FROM freed
             UNION ALL SELECT hex(device) || '/' || epoch || '-' || seq FROM awaited
             WHERE json_type(outcome, '$.freed') IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM entries WHERE (entries.device, entries.epoch, entries.seq, entries.origin)
                     = (awaited.device, awaited.epoch, awaited.seq, awaited.origin)
                     AND (json_type(verdict, '$.rejected') IS NOT NULL OR NOT json_extract(outcome, '$.freed.keeps_points')))",
        ),
        taken: None,
    },
    UndoneQuestion {
        kind: UndoneKind::ExpiryReversed,
        // One word gives back many: it is listed once for each member, in the terms of its command.
        listed: "SELECT hex(member) || ' ' || given, '--since ' || strftime('%Y-%m-%dT%H:%M:%SZ', min(gone), 'unixepoch')
                 || iif(max(own <= given), ' --until ' || strftime('%Y-%m-%dT%H:%M:%SZ', max(gone) + 1, 'unixepoch'), '')
                 || ' --member ' || lower(hex(member)), max(reason), given
             FROM (SELECT back.member AS member, back.at AS given, lost.at AS gone,
                     json_extract(back.cause, '$.granted.reason') AS reason,
                     coalesce((SELECT max(expires) FROM allocations
                         WHERE (allocations.member, allocations.version) = (lost.member, lost.version)), back.at + 1) AS own
                 FROM expiries_reversed AS reversed
                 JOIN settlements AS lost ON (lost.member, lost.version) = (reversed.member, reversed.version)
                 JOIN settlements AS back ON (back.member, back.version) = (reversed.member, reversed.by_version))
             GROUP BY member, given",
        covered: None,
        taken: None,
    },
    UndoneQuestion {
        kind: UndoneKind::RequestRefused,
        listed: "SELECT hex(enrolment), code, NULL, asked FROM enrolments
             WHERE answer = 'refused' AND expires > (SELECT known FROM cloud)",
        covered: None,
        taken: None,
    },
    UndoneQuestion {
        kind: UndoneKind::Claim,
        listed: "SELECT hex(enrolment) || hex(member), code, lower(hex(member)), claimed
             FROM claims JOIN enrolments USING (enrolment)
             WHERE answer = 'waiting' AND expires > (SELECT known FROM cloud)",
        covered: None,
        taken: None,
    },
    UndoneQuestion {
        kind: UndoneKind::Binding,
        listed: "SELECT hex(binding), lower(hex(device)) || ' for member ' || lower(hex(bindings.member)),
                 iif(consents.member IS NULL, reason, 'agreed: member ' || lower(hex(consents.member))),
                 coalesce(given, valid_from)
             FROM bindings LEFT JOIN consents USING (binding)
             WHERE device NOT IN (SELECT device FROM devices WHERE revoked IS NOT NULL)",
        covered: None,
        taken: None,
    },
];

/// Everything of one kind that a database has.
pub(crate) struct Done {
    question: &'static UndoneQuestion,
    listed: Vec<Listed>,
}

/// Reads what people did, as a database has it.
pub(crate) fn done_in(replaced: &Connection) -> Result<Vec<Done>, CloudError> {
    let done = QUESTIONS.iter().map(|question| {
        let listed = listed(replaced, question.listed)?;
        Ok(Done { question, listed })
    });
    done.collect()
}

/// Lists the kind, the thing and the time of each word on an entry among them.
pub(crate) fn words_on_entries(done: &[Done]) -> Vec<(UndoneKind, String, ServerTime)> {
    let on_entries = done.iter().filter(|done| done.question.kind.is_on_entry());
    let words = on_entries.flat_map(|done| {
        let listed = done.listed.iter();
        listed.map(|(_, of, _, at)| (done.question.kind, of.clone(), *at))
    });
    words.collect()
}

/// Lists what of it a restored copy lacks, in the order in which it was done.
pub(crate) fn lacking(done: Vec<Done>, restored: &Connection) -> Result<Vec<Undone>, CloudError> {
    let mut undone = BTreeSet::new();
    for Done { question, listed } in done {
        let here = identities(restored, question.covered.unwrap_or(question.listed))?;
        let taken = match question.taken {
            Some((kind, versions)) => Some((kind, identities(restored, versions)?)),
            None => None,
        };
        for (identity, of, note, at) in listed {
            if !here.contains(&identity) {
                let other = taken.as_ref().filter(|(_, taken)| taken.contains(&of));
                let kind = other.map_or(question.kind, |(kind, _)| *kind);
                undone.insert(Undone { at, kind, of, note });
            }
        }
    }
    Ok(undone.into_iter().collect())
}

type Listed = (String, String, Option<String>, ServerTime);

fn listed(db: &Connection, question: &str) -> Result<Vec<Listed>, CloudError> {
    let mut statement = db.prepare(question)?;
    let values = [FREED_UNPAID].into_iter().take(statement.parameter_count());
    let rows = statement.query_map(params_from_iter(values), |row| {
        let at: Col<ServerTime> = row.get(3)?;
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, at.0))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn identities(db: &Connection, question: &str) -> Result<BTreeSet<String>, CloudError> {
    let mut statement = db.prepare(question)?;
    let values = [FREED_UNPAID].into_iter().take(statement.parameter_count());
    let rows = statement.query_map(params_from_iter(values), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
