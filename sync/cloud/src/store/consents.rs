//! Consents: by whose word a binding was made for a vehicle that earned for others.

use dashpoint_membership::{BindingId, MemberId, ServerTime};
use rusqlite::Connection;

use super::Col;
use crate::error::CloudError;

/// Writes the word of a member of the vehicle, or the operator's reason.
pub(crate) fn insert(
    db: &Connection,
    binding: BindingId,
    given: ServerTime,
    member: Option<MemberId>,
    reason: Option<&str>,
) -> Result<(), CloudError> {
    db.execute(
        "INSERT INTO consents (binding, given, member, reason) VALUES (?1, ?2, ?3, ?4)",
        (Col(binding), Col(given), member.map(Col), reason),
    )?;
    Ok(())
}
