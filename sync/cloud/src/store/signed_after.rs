//! Policies and catalogues that a cloud signed after a backup: they can never be unsaid, so a restore takes them over.

use dashpoint_membership::policy::CompiledPolicy;
use dashpoint_membership::{Catalogue, Policy};
use dashpoint_wire::{PublicKey, Signed};
use rusqlite::Connection;

use super::{Col, bundles};
use crate::error::CloudError;

/// Writes the policies and catalogues of the replaced database that the restored one lacks: cars hold them, and another one
/// under such a version would not be theirs. One that this cloud did not sign, that this program cannot evaluate, or whose
/// version the restored database has given to another one stays out.
pub(crate) fn keep_signed(
    replaced: &Connection,
    restored: &Connection,
    key: &PublicKey,
) -> Result<(), CloudError> {
    for (signed, raw) in rows(
        replaced,
        "SELECT signed, raw FROM policies ORDER BY version",
    )? {
        let Ok(policy) = Signed::<Policy>::verify(raw, key, &()) else {
            continue;
        };
        let version = policy.body().version;
        let is_new = bundles::policy(restored, version)?.is_none();
        if is_new && CompiledPolicy::compile(policy.body().clone()).is_ok() {
            bundles::insert_policy(restored, version, policy.raw(), signed.0)?;
        }
    }
    for (signed, raw) in rows(
        replaced,
        "SELECT signed, raw FROM catalogues ORDER BY version",
    )? {
        let Ok(catalogue) = Signed::<Catalogue>::verify(raw, key, &()) else {
            continue;
        };
        let version = catalogue.body().version;
        if !bundles::has_catalogue(restored, version)? {
            bundles::insert_catalogue(restored, version, catalogue.raw(), signed.0)?;
        }
    }
    Ok(())
}

type SignedRow = (Col<dashpoint_membership::ServerTime>, Vec<u8>);

fn rows(db: &Connection, question: &str) -> Result<Vec<SignedRow>, CloudError> {
    let mut statement = db.prepare(question)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
