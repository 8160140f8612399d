//! Statements: everything that the cloud knows of one member, signed.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Account, Cause, Cover, DeviceId, LedgerVersion, MemberId, Settlement, Statement,
};
use dashpoint_wire::Signed;

use super::CloudCore;
use super::clock_guard;
use super::consent::REASON_MAX;
use super::members::NAME_MAX;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::{accounts, bindings, cloud_row, devices, members, settlements};

/// Allocations in one statement.
const ALLOCATIONS_MAX: usize = Statement::ALLOCATIONS_MAX as usize;

/// Settlements in one statement.
const ROWS_MAX: usize = Statement::SETTLEMENTS_MAX as usize;

/// Settlements of the device that asks which stay in a statement though it begins after them.
const CHANGES_MAX: usize = 100;

/// Allocations in those.
const CHANGES_ALLOCATIONS_MAX: usize = 500;

/// The settlements of one statement.
struct Listed {
    /// From the version after this one on nothing is left out.
    since: LedgerVersion,
    settlements: Vec<Settlement>,
}

/// The newest settlements that have so many allocations in all; the newest is always there.
fn newest_within(mut settlements: Vec<Settlement>, most: usize) -> Vec<Settlement> {
    let mut all = 0;
    let newest_first = settlements.iter().rev();
    let kept = newest_first.take_while(|settlement| {
        let is_newest = all == 0;
        all += settlement.allocations.len().max(1);
        is_newest || all <= most
    });
    let kept = kept.count();
    settlements.split_off(settlements.len() - kept)
}

/// Puts what became of a device's entries before the newest settlements, and leaves out the oldest of the others that have no room
/// then.
fn with_changes(mut changes: Vec<Settlement>, newest: Listed, device: DeviceId) -> Listed {
    let is_of = |row: &Settlement| settlements::is_of(&row.cause, device);
    let others = newest.settlements.iter().filter(|row| !is_of(row)).count();
    let room = (ROWS_MAX + others).saturating_sub(newest.settlements.len());
    changes.drain(..changes.len().saturating_sub(room));
    let too_many = (changes.len() + newest.settlements.len()).saturating_sub(ROWS_MAX);
    let mut since = newest.since;
    let mut left_out = 0;
    let newest = newest.settlements.into_iter().filter(|row| {
        let stays = left_out == too_many || is_of(row);
        if !stays {
            left_out += 1;
            since = row.version;
        }
        stays
    });
    let settlements = changes.into_iter().chain(newest).collect();
    Listed { since, settlements }
}

/// Cuts a reason from before there was a bound to what has room in a statement.
fn shorten(cause: &mut Cause) {
    match cause {
        Cause::Granted { reason } => reason.truncate(reason.floor_char_boundary(REASON_MAX)),
        Cause::Entry { .. }
        | Cause::Released { .. }
        | Cause::Spent { .. }
        | Cause::Reversed { .. }
        | Cause::Expired { .. }
        | Cause::ClawedBack { .. }
        | Cause::TierChanged { .. } => {}
    }
}

impl UnitOfWork<'_> {
    /// Signs a member's statement, with the newest settlements after a version, and of the older ones those that changed what was
    /// paid for entries of the device that asks.
    pub fn statement(
        &self,
        member: MemberId,
        since: LedgerVersion,
        asks: Option<DeviceId>,
    ) -> Result<Signed<Statement>, CloudError> {
        let mut profile = members::profile(self.db, member)?.ok_or(CloudError::NoMember(member))?;
        // A name from before there was a bound has no room in a statement.
        profile
            .name
            .truncate(profile.name.floor_char_boundary(NAME_MAX));
        let account = accounts::find(self.db, member)?.ok_or(CloudError::NoMember(member))?;
        let Listed {
            since,
            mut settlements,
        } = self.listed(&account, member, since, asks)?;
        for settlement in &mut settlements {
            shorten(&mut settlement.cause);
        }
        let statement = Statement {
            member,
            server_epoch: self.server_epoch,
            issued: self.now,
            profile,
            account: account.by_expiry(),
            covers: self.covers(member)?,
            since,
            settlements,
        };
        self.sign(statement, &member)
    }

    fn listed(
        &self,
        account: &Account,
        member: MemberId,
        since: LedgerVersion,
        asks: Option<DeviceId>,
    ) -> Result<Listed, CloudError> {
        let newest = settlements::newest(self.db, member, since, Statement::SETTLEMENTS_MAX)?;
        let newest = newest_within(newest, ALLOCATIONS_MAX);
        // With older ones left out, the list begins later than asked, and says so.
        let begins = newest.first().map_or(account.version, |first| {
            let before = LedgerVersion::new(first.version.get().saturating_sub(1));
            before.max(since)
        });
        let newest = Listed {
            since: begins,
            settlements: newest,
        };
        let Some(device) = asks.filter(|_| begins > since) else {
            return Ok(newest);
        };
        let first = LedgerVersion::new(begins.get() + 1);
        let between = (since, first);
        let changes =
            settlements::changes_of_entries(self.db, member, device, between, CHANGES_MAX)?;
        let changes = newest_within(changes, CHANGES_ALLOCATIONS_MAX);
        Ok(with_changes(changes, newest, device))
    }

    fn covers(&self, member: MemberId) -> Result<BTreeMap<DeviceId, Cover>, CloudError> {
        let mut covers = BTreeMap::new();
        for device in bindings::devices_of(self.db, member)? {
            let head = self.device(device)?.head;
            covers.insert(
                device,
                Cover {
                    epoch: head.epoch,
                    through: head.seq,
                    head: head.hash,
                    chain: head.chain,
                },
            );
        }
        Ok(covers)
    }
}

impl CloudCore {
    /// A member's statement, with the newest settlements after a version.
    ///
    /// # Errors
    /// [`CloudError::NoMember`].
    pub fn statement(
        &mut self,
        member: MemberId,
        since: LedgerVersion,
        now: dashpoint_membership::ServerTime,
    ) -> Result<Signed<Statement>, CloudError> {
        self.look(now, |unit| unit.statement(member, since, None))
    }

    /// The same for a device that has, or had, a binding to the member; `None` when its statement of version `since` is
    /// still the newest.
    ///
    /// # Errors
    /// [`CloudError::NoMember`] also when the device has no binding to that member: it learns nothing of others.
    pub fn statement_for(
        &mut self,
        device: DeviceId,
        member: MemberId,
        since: LedgerVersion,
        now: dashpoint_membership::ServerTime,
    ) -> Result<Option<Signed<Statement>>, CloudError> {
        self.look(now, |unit| {
            if !bindings::members_of(unit.db, device)?.contains(&member) {
                return Err(CloudError::NoMember(member));
            }
            let account = accounts::find(unit.db, member)?.ok_or(CloudError::NoMember(member))?;
            if since.get() > 0 && account.version == since {
                return Ok(None);
            }
            unit.statement(member, since, Some(device)).map(Some)
        })
    }

    /// Returns whether a device is enrolled, with a certificate that is valid, and not revoked.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn admitted_device(
        &self,
        device: DeviceId,
        now: dashpoint_membership::ServerTime,
    ) -> Result<Option<devices::Device>, CloudError> {
        self.watch.check()?;
        let life = cloud_row::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        let now = clock_guard::believed(&life, now);
        let found = devices::find(&self.db, device)?;
        Ok(found.filter(|device| device.revoked.is_none() && now < device.valid_until))
    }
}
