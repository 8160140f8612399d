//! Policies and catalogues that a cloud signed after a backup: cars hold them, so a restore takes them over.

use dashpoint_membership::policy::CompiledPolicy;
use dashpoint_membership::{Catalogue, Policy, ServerTime};
use dashpoint_wire::{PublicKey, Signable, Signed};
use rusqlite::Connection;

use super::{Col, bundles};
use crate::error::CloudError;

/// Policies and catalogues that a cloud signed for all cars, each with the time.
pub(crate) struct SignedAfter {
    policies: Vec<(ServerTime, Signed<Policy>)>,
    catalogues: Vec<(ServerTime, Signed<Catalogue>)>,
}

/// Reads the policies and catalogues of the replaced database; without those that this cloud did not sign.
pub(crate) fn signed_in(replaced: &Connection, key: &PublicKey) -> Result<SignedAfter, CloudError> {
    Ok(SignedAfter {
        policies: verified(
            replaced,
            "SELECT signed, raw FROM policies ORDER BY version",
            key,
        )?,
        catalogues: verified(
            replaced,
            "SELECT signed, raw FROM catalogues ORDER BY version",
            key,
        )?,
    })
}

/// Writes the policies and catalogues that the restored database lacks: cars hold them, and another one under such a version would
/// not be theirs. One that this program cannot evaluate, or whose version the restored database has given to another one, stays out.
pub(crate) fn keep_signed(signed: &SignedAfter, restored: &Connection) -> Result<(), CloudError> {
    for (at, policy) in &signed.policies {
        let version = policy.body().version;
        let is_new = bundles::policy(restored, version)?.is_none();
        if is_new && CompiledPolicy::compile(policy.body().clone()).is_ok() {
            bundles::insert_policy(restored, version, policy.raw(), *at)?;
        }
    }
    for (at, catalogue) in &signed.catalogues {
        let version = catalogue.body().version;
        if !bundles::has_catalogue(restored, version)? {
            bundles::insert_catalogue(restored, version, catalogue.raw(), *at)?;
        }
    }
    Ok(())
}

fn verified<T: Signable<Scope = ()>>(
    db: &Connection,
    question: &str,
    key: &PublicKey,
) -> Result<Vec<(ServerTime, Signed<T>)>, CloudError> {
    let mut statement = db.prepare(question)?;
    let rows = statement.query_map([], |row| {
        let (at, raw): (Col<_>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        Ok((at.0, raw))
    })?;
    let mut verified = Vec::new();
    for row in rows {
        let (at, raw) = row?;
        if let Ok(signed) = Signed::verify(raw, key, &()) {
            verified.push((at, signed));
        }
    }
    Ok(verified)
}
