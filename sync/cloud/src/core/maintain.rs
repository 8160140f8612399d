//! Changes of accounts by time alone: expiry, release of held-back points, tier reviews.

use std::ops::AddAssign;

use dashpoint_membership::{MemberId, ServerTime, Settlement};
use serde::Serialize;

use super::CloudCore;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::{accounts, members};

/// Result of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Maintained {
    /// Members that were looked at.
    pub members: usize,
    /// Members whose account changed.
    pub changed: usize,
    /// Settlements that were written.
    pub settlements: usize,
}

impl AddAssign for Maintained {
    fn add_assign(&mut self, other: Self) {
        self.members += other.members;
        self.changed += other.changed;
        self.settlements += other.settlements;
    }
}

impl CloudCore {
    /// Releases what is due, expires what is over and reviews the tiers of all members, one transaction a member so that
    /// entries get in between; forgets the requests to be enrolled that ended a day ago. After a leap of the clock nothing of it is
    /// done before the leap is confirmed.
    ///
    /// # Errors
    /// [`CloudError::ClockUnconfirmed`]; [`CloudError`] when the database fails or an account would break; members before it are done.
    pub fn maintain(&mut self, now: ServerTime) -> Result<Maintained, CloudError> {
        self.forget_requests(now)?;
        let ids = self.member_ids()?;
        self.maintain_members(&ids, now)
    }

    /// The ids of all members.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub(crate) fn member_ids(&self) -> Result<Vec<MemberId>, CloudError> {
        members::ids(&self.db)
    }

    /// Does for some members what [`Self::maintain`] does for all.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails or an account would break; members before it are done.
    pub(crate) fn maintain_members(
        &mut self,
        ids: &[MemberId],
        now: ServerTime,
    ) -> Result<Maintained, CloudError> {
        let mut done = Maintained {
            members: ids.len(),
            ..Maintained::default()
        };
        for member in ids.iter().copied() {
            let settlements = self.work_by_clock(now, |unit| unit.maintain(member))?;
            done.changed += usize::from(settlements > 0);
            done.settlements += settlements;
        }
        Ok(done)
    }
}

impl UnitOfWork<'_> {
    fn maintain(&self, member: MemberId) -> Result<usize, CloudError> {
        let mut account = accounts::find(self.db, member)?.ok_or(CloudError::NoMember(member))?;
        let zone = self.zone(member)?;
        let policy = self.policy();
        let mut settlements: Vec<Settlement> = account.release(self.now, &zone, policy);
        settlements.extend(account.expire(self.now));
        // Several periods may have ended since the last run.
        while let Some(reviewed) = account.review_tier(policy, self.now, &zone) {
            settlements.push(reviewed);
        }
        if !settlements.is_empty() {
            accounts::save(self.db, member, &account, &settlements)?;
        }
        Ok(settlements.len())
    }
}
