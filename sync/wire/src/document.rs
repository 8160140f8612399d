//! The signed bodies, and those that only the wire knows.

use std::collections::BTreeSet;

use dashpoint_membership::{
    BindingId, Catalogue, Chain, DeviceId, DriverTag, Entry, EntryHash, Epoch, MemberId, Policy,
    PolicyVersion, Seq, ServerEpoch, ServerTime, Statement, VehicleId,
};

use crate::codec::cbor_map;
use crate::error::WireError;
use crate::key::PublicKey;
use crate::signed::Signable;

/// The cloud's word on a device's chain up to an entry; each one stands for all before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The device of the chain.
    pub device: DeviceId,
    /// The life of the chain.
    pub epoch: Epoch,
    /// The last entry that the cloud has; 0 for none of this epoch.
    pub through: Seq,
    /// Its hash; for 0, of the epoch's grant.
    pub head: EntryHash,
    /// [`crate::verdicts_digest`] of the verdicts that came with it.
    pub verdicts: [u8; 32],
    /// Time of the cloud at which it was made.
    pub server_time: ServerTime,
    /// Server epoch of the cloud.
    pub server_epoch: ServerEpoch,
    /// The newest version of the policy.
    pub policy: PolicyVersion,
}

/// A place in a device's chain, by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPoint {
    /// The life of the chain.
    pub epoch: Epoch,
    /// The entry; 0 for none of this epoch.
    pub seq: Seq,
    /// Its hash; for 0, of the epoch's grant.
    pub hash: EntryHash,
}

/// The cloud's permission to begin an epoch; given once for each number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochGrant {
    /// The device of the chain.
    pub device: DeviceId,
    /// The epoch that begins.
    pub epoch: Epoch,
    /// Last entry of the epoch before, as far as the cloud has it; `None` for the first epoch.
    pub follows: Option<ChainPoint>,
    /// Time of the cloud at which it was given.
    pub issued: ServerTime,
    /// Server epoch of the cloud.
    pub server_epoch: ServerEpoch,
    /// State of the chain after that entry.
    pub chain: Chain,
}

/// One member's right to be paid for entries of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The pseudonym in entries.
    pub id: BindingId,
    /// The device.
    pub device: DeviceId,
    /// The member.
    pub member: MemberId,
    /// The driver on the bus that it stands for; none for a car that does not tell drivers apart.
    pub driver: Option<DriverTag>,
    /// First instant at which it is valid.
    pub valid_from: ServerTime,
    /// First instant at which it no longer is.
    pub valid_until: ServerTime,
}

/// The cloud's word that a key is that of an enrolled head unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    /// The device.
    pub device: DeviceId,
    /// The vehicle it sits in.
    pub vehicle: VehicleId,
    /// Its key.
    pub key: PublicKey,
    /// Time of the cloud at which it was issued.
    pub issued: ServerTime,
    /// First instant at which it is no longer valid.
    pub valid_until: ServerTime,
}

cbor_map! { signed:
    Receipt {
        1 => device,
        2 => epoch,
        3 => through,
        4 => head,
        5 => verdicts,
        6 => server_time,
        7 => server_epoch,
        8 => policy,
    }
    EpochGrant {
        1 => device,
        2 => epoch,
        3 => follows,
        4 => issued,
        5 => server_epoch,
        6 => chain,
    }
    Binding {
        1 => id,
        2 => device,
        3 => member,
        4 => driver,
        5 => valid_from,
        6 => valid_until,
    }
    DeviceCertificate { 1 => device, 2 => vehicle, 3 => key, 4 => issued, 5 => valid_until }
}

cbor_map! {
    ChainPoint { 1 => epoch, 2 => seq, 3 => hash }
}

impl Signable for Entry {
    type Scope = DeviceId;
    const CONTEXT: &'static str = "dashpoint/entry/v1";
    const MAX_LEN: usize = 16 * 1024;
    const GROWS: bool = false;

    fn check(&self, _: &DeviceId) -> Result<(), WireError> {
        let mut rules = BTreeSet::new();
        let awards = self.transaction().awards();
        if awards.iter().all(|award| rules.insert(&award.rule)) {
            Ok(())
        } else {
            Err(WireError::Unsound("an entry names a rule twice"))
        }
    }
}

impl Signable for Receipt {
    type Scope = DeviceId;
    const CONTEXT: &'static str = "dashpoint/receipt/v1";
    const MAX_LEN: usize = 1024;
    const GROWS: bool = true;

    fn check(&self, scope: &DeviceId) -> Result<(), WireError> {
        same(&self.device, scope)
    }
}

impl Signable for EpochGrant {
    type Scope = DeviceId;
    const CONTEXT: &'static str = "dashpoint/grant/v1";
    const MAX_LEN: usize = 1024;
    const GROWS: bool = true;

    fn check(&self, scope: &DeviceId) -> Result<(), WireError> {
        same(&self.device, scope)
    }
}

impl Signable for Binding {
    type Scope = DeviceId;
    const CONTEXT: &'static str = "dashpoint/binding/v1";
    const MAX_LEN: usize = 1024;
    const GROWS: bool = true;

    fn check(&self, scope: &DeviceId) -> Result<(), WireError> {
        same(&self.device, scope)
    }
}

impl Signable for DeviceCertificate {
    type Scope = DeviceId;
    const CONTEXT: &'static str = "dashpoint/certificate/v1";
    const MAX_LEN: usize = 1024;
    const GROWS: bool = true;

    fn check(&self, scope: &DeviceId) -> Result<(), WireError> {
        same(&self.device, scope)
    }
}

impl Signable for Statement {
    type Scope = MemberId;
    const CONTEXT: &'static str = "dashpoint/statement/v1";
    const MAX_LEN: usize = 768 * 1024;
    const GROWS: bool = true;

    fn check(&self, scope: &MemberId) -> Result<(), WireError> {
        same(&self.member, scope)?;
        Ok(self.account.check()?)
    }
}

impl Signable for Policy {
    type Scope = ();
    const CONTEXT: &'static str = "dashpoint/policy/v1";
    const MAX_LEN: usize = 256 * 1024;
    const GROWS: bool = true;

    fn check(&self, (): &()) -> Result<(), WireError> {
        Ok(())
    }
}

impl Signable for Catalogue {
    type Scope = ();
    const CONTEXT: &'static str = "dashpoint/catalogue/v1";
    const MAX_LEN: usize = 256 * 1024;
    const GROWS: bool = true;

    fn check(&self, (): &()) -> Result<(), WireError> {
        Ok(())
    }
}

fn same<T: PartialEq>(named: &T, scope: &T) -> Result<(), WireError> {
    if named == scope {
        Ok(())
    } else {
        Err(WireError::WrongScope)
    }
}
