//! The word of a vehicle's own member, or of the operator, that lets somebody else earn with it.

use dashpoint_membership::{MemberId, ServerTime};

use super::CloudCore;
use super::enrol::{Approved, GrantedIds};
use crate::error::CloudError;
use crate::store::{bindings, claims, consents};

/// The person whose agreement lets another member earn with a vehicle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A member for whom the vehicle earns.
    Member(MemberId),
    /// The operator, for a reason that is kept.
    Operator {
        /// The reason.
        reason: String,
    },
}

impl CloudCore {
    /// Agrees to a request to which its own member has said yes: the head unit earns for that member.
    ///
    /// # Errors
    /// [`CloudError::NoCode`]; [`CloudError::NotClaimed`] before the member's own yes; [`CloudError::NotOfTheVehicle`] from
    /// somebody for whom the vehicle does not earn; [`CloudError::NoReason`]; [`CloudError::AlreadyRevoked`].
    pub fn consent(
        &mut self,
        code: &str,
        word: &Word,
        ids: GrantedIds,
        now: ServerTime,
    ) -> Result<Approved, CloudError> {
        self.work(now, |unit| {
            let asked = unit.open_request(code)?;
            let Some(claimant) = claims::find(unit.db, asked.id)? else {
                return Err(CloudError::NotClaimed(code.to_owned()));
            };
            let (by, reason) = match word {
                Word::Member(member) => {
                    let holders = bindings::holders(unit.db, asked.vehicle, unit.now)?;
                    if !holders.contains(member) {
                        return Err(CloudError::NotOfTheVehicle(*member));
                    }
                    (Some(*member), None)
                }
                Word::Operator { reason } => (None, Some(given(reason)?)),
            };
            let approved = unit.let_in(&asked, claimant, ids)?;
            consents::insert(unit.db, ids.binding, unit.now, by, reason)?;
            Ok(approved)
        })
    }
}

/// Bytes of a reason: some 170 Chinese characters. 200 settlements with such reasons have room in a statement.
pub(crate) const REASON_MAX: usize = 512;

/// A reason that says something, in few enough words.
pub(super) fn given(reason: &str) -> Result<&str, CloudError> {
    match reason.trim() {
        "" => Err(CloudError::NoReason),
        reason if reason.len() > REASON_MAX => Err(CloudError::LongReason(REASON_MAX)),
        reason => Ok(reason),
    }
}
