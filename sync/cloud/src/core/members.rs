//! Members and devices, as the operator adds and sees them.

use dashpoint_membership::{
    Account, DeviceId, Entry, EntryHash, Epoch, MemberId, PolicyVersion, Profile, Seq, ServerTime,
    VehicleId,
};
use dashpoint_wire::Raw;
use serde::Serialize;

use super::CloudCore;
use super::clock_guard;
use super::unit_of_work::zone;
use crate::error::CloudError;
use crate::store::members::MemberLine;
use crate::store::{accounts, bindings, cloud_row, devices, forks, log, members, receipts};

/// Bytes of a member's name: some eighty Chinese characters.
pub(super) const NAME_MAX: usize = 256;

/// Somebody to be made a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// A new random id, or that of a member whom a restore has lost.
    pub id: MemberId,
    /// Name as the member writes it.
    pub name: String,
    /// IANA zone in which the member's days are counted.
    pub zone: String,
}

/// One device as `device list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceLine {
    /// The device.
    pub device: DeviceId,
    /// The vehicle it is built into.
    pub vehicle: VehicleId,
    /// Last four characters of the VIN.
    pub vin_last4: String,
    /// Members that it has bindings to.
    pub members: Vec<MemberId>,
    /// Time of the enrolment.
    #[serde(rename = "enrolled_unix_s")]
    pub enrolled: ServerTime,
    /// The life of its chain.
    pub epoch: Epoch,
    /// Its last entry.
    pub seq: Seq,
    /// That entry's hash, or the grant's.
    pub head: EntryHash,
    /// Time of the newest receipt or grant that was signed for it, by a clock that is believed.
    #[serde(rename = "last_contact_unix_s")]
    pub last_contact: Option<ServerTime>,
    /// The policy that its newest entry was valued by in the car; none before its first entry.
    pub policy: Option<PolicyVersion>,
    /// Time of the revocation, if it was revoked.
    #[serde(rename = "revoked_unix_s")]
    pub revoked: Option<ServerTime>,
    /// Time at which its chain was first seen to go on twice from one place: a restored disk, or a clone. Under review
    /// since.
    #[serde(rename = "forked_unix_s")]
    pub forked: Option<ServerTime>,
    /// Entries of other branches that are kept as evidence.
    pub branches: i64,
}

impl CloudCore {
    /// Makes somebody a member, with an open account.
    ///
    /// # Errors
    /// [`CloudError::Zone`] for a zone that nobody knows; [`CloudError::NoName`]; [`CloudError::SteeringName`];
    /// [`CloudError::LongName`]; [`CloudError::MemberExists`].
    pub fn add_member(&mut self, new: &NewMember, now: ServerTime) -> Result<(), CloudError> {
        zone(&new.zone)?;
        if new.name.trim().is_empty() {
            return Err(CloudError::NoName);
        }
        if new.name.chars().any(steers) {
            return Err(CloudError::SteeringName);
        }
        if new.name.len() > NAME_MAX {
            return Err(CloudError::LongName { most: NAME_MAX });
        }
        self.work(now, |unit| {
            if members::profile(unit.db, new.id)?.is_some() {
                return Err(CloudError::MemberExists(new.id));
            }
            let profile = Profile {
                name: new.name.clone(),
                joined: unit.now,
                zone: new.zone.clone(),
            };
            let account = Account::open(unit.policy(), unit.now);
            accounts::open(unit.db, new.id, &profile, &account)
        })
    }

    /// All members, in the order they joined.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn member_lines(&self) -> Result<Vec<MemberLine>, CloudError> {
        members::list(&self.db)
    }

    /// Lists the members who have a name, in the order they joined.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn members_named(&self, name: &str) -> Result<Vec<MemberId>, CloudError> {
        let lines = members::list(&self.db)?.into_iter();
        let same = lines.filter(|line| line.name == name);
        Ok(same.map(|line| line.member).collect())
    }

    /// Returns the number of members.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn member_count(&self) -> Result<i64, CloudError> {
        members::count(&self.db)
    }

    /// All devices, in the order they were enrolled.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn device_lines(&self) -> Result<Vec<DeviceLine>, CloudError> {
        // A receipt of a clock that was ahead tells of no contact.
        let life = cloud_row::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        let latest = clock_guard::latest(&life);
        let policy = |device| match log::newest_raw(&self.db, device)? {
            Some(raw) => Ok::<_, CloudError>(Some(Raw::<Entry>::from(raw).claimed()?.policy)),
            None => Ok(None),
        };
        let line = |device: devices::Device| {
            Ok(DeviceLine {
                last_contact: receipts::newest_up_to(&self.db, device.id, latest)?,
                policy: policy(device.id)?,
                members: bindings::members_of(&self.db, device.id)?,
                branches: forks::count(&self.db, device.id)?,
                device: device.id,
                vehicle: device.vehicle,
                vin_last4: device.vin_last4,
                enrolled: device.enrolled,
                epoch: device.head.epoch,
                seq: device.head.seq,
                head: device.head.hash,
                revoked: device.revoked,
                forked: device.forked,
            })
        };
        devices::list(&self.db)?.into_iter().map(line).collect()
    }
}

/// Tells a character that moves a terminal's cursor, ends a line, or turns what follows around, instead of being read.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}
