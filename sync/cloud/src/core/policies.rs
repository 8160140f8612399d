//! The policies and the catalogue that a cloud begins with, and the policies that it has signed since.

use dashpoint_membership::policy::CompiledPolicy;
use dashpoint_membership::{
    Catalogue, DEFAULT_CATALOGUE_TOML, DEFAULT_POLICY_TOML, Policies, Policy, PolicyVersion,
    ServerTime,
};
use dashpoint_wire::{PublicKey, Signed, SigningKey};
use rusqlite::Connection;

use crate::error::CloudError;
use crate::store::bundles;

/// Signs what a new cloud begins with.
pub(super) fn sign_defaults(
    db: &Connection,
    key: &SigningKey,
    now: ServerTime,
) -> Result<(), CloudError> {
    let policy: Policy = default_bundle(DEFAULT_POLICY_TOML, "the default policy")?;
    let compiled = CompiledPolicy::compile(policy.clone())?;
    let signed = Signed::sign(policy, key, &())?;
    bundles::insert_policy(db, compiled.version(), signed.raw(), now)?;
    let catalogue: Catalogue = default_bundle(DEFAULT_CATALOGUE_TOML, "the default catalogue")?;
    catalogue.check(&compiled)?;
    let version = catalogue.version;
    let signed = Signed::sign(catalogue, key, &())?;
    bundles::insert_catalogue(db, version, signed.raw(), now)
}

fn default_bundle<T: serde::de::DeserializeOwned>(
    text: &str,
    what: &'static str,
) -> Result<T, CloudError> {
    toml::from_str(text).map_err(|refused| CloudError::Unreadable {
        path: what.into(),
        reason: refused.message().to_owned(),
    })
}

/// Reads every policy that was signed.
pub(super) fn load(db: &Connection, key: &PublicKey) -> Result<Policies, CloudError> {
    let mut versions = Vec::new();
    for raw in bundles::policies_after(db, PolicyVersion::new(0))? {
        versions.push(compiled(raw, key)?);
    }
    Policies::of(versions).ok_or(CloudError::NoPolicy)
}

/// Takes up the policies that were signed since, by this program or by another beside it: newer ones, and after a restore
/// those that the backup lacked.
pub(super) fn learn(
    db: &Connection,
    key: &PublicKey,
    policies: &mut Policies,
) -> Result<(), CloudError> {
    for version in bundles::policy_versions(db)? {
        if policies.get(version).is_none()
            && let Some(raw) = bundles::policy(db, version)?
        {
            policies.insert(compiled(raw, key)?);
        }
    }
    Ok(())
}

fn compiled(raw: Vec<u8>, key: &PublicKey) -> Result<CompiledPolicy, CloudError> {
    let policy = Signed::<Policy>::verify(raw, key, &())?.into_parts().1;
    Ok(CompiledPolicy::compile(policy)?)
}
