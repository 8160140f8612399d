//! The parts of one unit of work.

use dashpoint_membership::policy::CompiledPolicy;
use dashpoint_membership::{DeviceId, MemberId, Policies, ServerEpoch, ServerTime, Zone};
use dashpoint_wire::{Signable, Signed, SigningKey};
use rusqlite::Connection;

use crate::error::CloudError;
use crate::store::devices::{self, Device};
use crate::store::members;

/// One transaction, the key, the rules and the time.
pub(super) struct UnitOfWork<'a> {
    pub db: &'a Connection,
    pub key: &'a SigningKey,
    pub policies: &'a Policies,
    pub server_epoch: ServerEpoch,
    pub now: ServerTime,
    /// Entries that one device may have recorded in a day.
    pub entries_a_day: u32,
}

impl UnitOfWork<'_> {
    pub fn device(&self, device: DeviceId) -> Result<Device, CloudError> {
        devices::find(self.db, device)?.ok_or(CloudError::NoDevice(device))
    }

    pub fn zone(&self, member: MemberId) -> Result<Zone, CloudError> {
        let profile = members::profile(self.db, member)?.ok_or(CloudError::NoMember(member))?;
        zone(&profile.zone)
    }

    /// The policy in force now; before the first one is, the first one.
    pub fn policy(&self) -> &CompiledPolicy {
        self.policies.in_force_at(self.now)
    }

    pub fn sign<T: Signable>(&self, body: T, scope: &T::Scope) -> Result<Signed<T>, CloudError> {
        Ok(Signed::sign(body, self.key, scope)?)
    }
}

/// Reads the name of a zone.
pub(super) fn zone(name: &str) -> Result<Zone, CloudError> {
    Zone::new(name).map_err(|_| CloudError::Zone(name.to_owned()))
}
