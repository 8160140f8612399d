//! Opening an account, points given by hand, and points held back.

use std::collections::BTreeMap;

use super::lots::require_positive;
use super::{Account, AccountError, Cause, Pending, Settlement, TierHeld};
use crate::ids::{EntryRef, LedgerVersion};
use crate::points::{Growth, Points};
use crate::policy::CompiledPolicy;
use crate::time::ServerTime;
use crate::verdict::Paid;
use crate::zone::Zone;

impl Account {
    /// The account of a new member: nothing in it, the lowest tier.
    #[must_use]
    pub fn open(policy: &CompiledPolicy, now: ServerTime) -> Self {
        Self {
            version: LedgerVersion::new(0),
            lots: Vec::new(),
            arrears: Points::ZERO,
            growth: Growth::ZERO,
            growth_in_period: Growth::ZERO,
            tier: TierHeld {
                tier: policy.lowest_tier().id.clone(),
                since: now,
                until: None,
            },
            used: BTreeMap::new(),
            remainders: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    /// Gives points by hand, with a reason that the member reads.
    ///
    /// # Errors
    /// [`AccountError::NotPositive`]; the account is as it was.
    pub fn grant(
        &mut self,
        points: Points,
        reason: impl Into<String>,
        now: ServerTime,
        zone: &Zone,
        policy: &CompiledPolicy,
    ) -> Result<Settlement, AccountError> {
        require_positive(points)?;
        let cause = Cause::Granted {
            reason: reason.into(),
        };
        let mut row = self.row(now, cause);
        let expires = policy.policy().expiry.of_points_earned(now, zone);
        self.pay_in(&mut row, points, expires);
        Ok(row)
    }

    /// Gives points back that expired by a clock that was wrong, with a reason that the member reads: until their own expiry,
    /// or like points that are earned now when it is over.
    ///
    /// # Errors
    /// [`AccountError::NotPositive`]; the account is as it was.
    pub fn restore_expired(
        &mut self,
        points: Points,
        expires: ServerTime,
        reason: impl Into<String>,
        now: ServerTime,
        zone: &Zone,
        policy: &CompiledPolicy,
    ) -> Result<Settlement, AccountError> {
        require_positive(points)?;
        let cause = Cause::Granted {
            reason: reason.into(),
        };
        let mut row = self.row(now, cause);
        let expires = if expires > now {
            expires
        } else {
            policy.policy().expiry.of_points_earned(now, zone)
        };
        self.pay_in(&mut row, points, expires);
        Ok(row)
    }

    /// Pays what was held back and whose time has come, oldest first; evidence in doubt waits for [`crate::settle_late`].
    #[must_use = "each row belongs in the ledger"]
    pub fn release(
        &mut self,
        now: ServerTime,
        zone: &Zone,
        policy: &CompiledPolicy,
    ) -> Vec<Settlement> {
        let (due, held): (Vec<Pending>, Vec<Pending>) = self
            .pending
            .drain(..)
            .partition(|held| held.until <= now && !held.reason.needs_decision());
        self.pending = held;
        due.into_iter()
            .map(|due| self.pay_held(&due, now, zone, policy))
            .collect()
    }

    /// Pays what is held back for one entry, after somebody looked at it; `None` when nothing is. Evidence in doubt is paid by
    /// [`crate::settle_late`].
    #[must_use = "the row belongs in the ledger"]
    pub fn accept(
        &mut self,
        entry: EntryRef,
        now: ServerTime,
        zone: &Zone,
        policy: &CompiledPolicy,
    ) -> Option<Settlement> {
        let place = self.pending.iter().position(|held| held.entry == entry)?;
        let held = self.pending.remove(place);
        Some(self.pay_held(&held, now, zone, policy))
    }

    /// Points and growth value that are held back.
    #[must_use]
    pub fn held_back(&self) -> Paid {
        Paid::sum(self.pending.iter().map(|held| held.paid))
    }

    fn pay_held(
        &mut self,
        held: &Pending,
        now: ServerTime,
        zone: &Zone,
        policy: &CompiledPolicy,
    ) -> Settlement {
        let mut row = self.row(now, Cause::Released { entry: held.entry });
        self.pay_in(&mut row, held.paid.points, held.expiry(now, zone, policy));
        self.grow(&mut row, held.paid.growth, policy, zone);
        row
    }
}

impl Pending {
    /// The expiry of the points when they are paid at `now`: their own, or that of points earned now when it is over.
    pub(crate) fn expiry(
        &self,
        now: ServerTime,
        zone: &Zone,
        policy: &CompiledPolicy,
    ) -> ServerTime {
        if self.expires > now {
            self.expires
        } else {
            policy.policy().expiry.of_points_earned(now, zone)
        }
    }
}
