//! Signed policies and catalogues: every version is kept.

use dashpoint_membership::{CatalogueVersion, PolicyVersion, ServerTime};
use rusqlite::{Connection, OptionalExtension};

use super::Col;
use crate::error::CloudError;

/// Writes a new version of the policy; a version that exists is refused by its key.
pub(crate) fn insert_policy(
    db: &Connection,
    version: PolicyVersion,
    raw: &[u8],
    signed: ServerTime,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO policies (version, signed, raw) VALUES (?1, ?2, ?3)",
        (Col(version), Col(signed), raw),
    )?;
    Ok(())
}

/// All policies after a version, ascending.
pub(crate) fn policies_after(
    db: &Connection,
    version: PolicyVersion,
) -> Result<Vec<Vec<u8>>, CloudError> {
    let mut statement =
        db.prepare_cached("SELECT raw FROM policies WHERE version > ?1 ORDER BY version")?;
    let rows = statement.query_map([Col(version)], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The versions of the policy that there are, ascending.
pub(crate) fn policy_versions(db: &Connection) -> Result<Vec<PolicyVersion>, CloudError> {
    let mut statement = db.prepare_cached("SELECT version FROM policies ORDER BY version")?;
    let rows = statement.query_map([], |row| Ok(row.get::<_, Col<_>>(0)?.0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The raw bytes of one version of the policy.
pub(crate) fn policy(
    db: &Connection,
    version: PolicyVersion,
) -> Result<Option<Vec<u8>>, CloudError> {
    let row = db
        .prepare_cached("SELECT raw FROM policies WHERE version = ?1")?
        .query_row([Col(version)], |row| row.get(0))
        .optional()?;
    Ok(row)
}

/// Writes a new version of the catalogue.
pub(crate) fn insert_catalogue(
    db: &Connection,
    version: CatalogueVersion,
    raw: &[u8],
    signed: ServerTime,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO catalogues (version, signed, raw) VALUES (?1, ?2, ?3)",
        (Col(version), Col(signed), raw),
    )?;
    Ok(())
}

/// Returns whether a version of the catalogue is there.
pub(crate) fn has_catalogue(
    db: &Connection,
    version: CatalogueVersion,
) -> Result<bool, CloudError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM catalogues WHERE version = ?1")?
        .exists([Col(version)])?)
}

/// The newest catalogue.
pub(crate) fn newest_catalogue(
    db: &Connection,
) -> Result<Option<(CatalogueVersion, Vec<u8>)>, CloudError> {
    let row = db
        .prepare_cached("SELECT version, raw FROM catalogues ORDER BY version DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, Col<_>>(0)?.0, row.get(1)?)))
        .optional()?;
    Ok(row)
}
