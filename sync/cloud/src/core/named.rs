//! Members, devices and vehicles as operators name them, and as they read them.

use dashpoint_membership::{DeviceId, MemberId, VehicleId};

use super::CloudCore;
use crate::error::{CloudError, NameError, NamedKind};
use crate::store::{devices, members};

/// Fewest digits of an id that stand for its owner, as tables print them: of a million members a slip names another one in one of
/// four thousand.
const DIGITS_MIN: usize = 8;

/// A member as an operator names one: by the id, by its first digits, or by the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedMember(String);

/// A device as an operator names one: by the id, or by its first digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDevice(String);

/// A vehicle as an operator names one: by the id, by its first digits, or by the last four characters of the VIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedVehicle(String);

impl From<String> for NamedMember {
    fn from(typed: String) -> Self {
        Self(typed)
    }
}

impl From<String> for NamedDevice {
    fn from(typed: String) -> Self {
        Self(typed)
    }
}

impl From<String> for NamedVehicle {
    fn from(typed: String) -> Self {
        Self(typed)
    }
}

impl CloudCore {
    /// Finds the member whom an operator names.
    ///
    /// # Errors
    /// [`CloudError::NoMember`] for an id that no member has; [`CloudError::Name`] when nobody else is named so, or several are.
    pub fn find_member(&self, named: &NamedMember) -> Result<MemberId, CloudError> {
        let NamedMember(typed) = named;
        if let Ok(id) = typed.parse() {
            let found = members::profile(&self.db, id)?;
            return found.map(|_| id).ok_or(CloudError::NoMember(id));
        }
        let all = members::list(&self.db)?.into_iter();
        let meant = all.filter(|line| line.name == *typed || begins(&line.member, typed));
        let meant = meant.map(|line| (line.member, line.name));
        only(NamedKind::Member, typed, &meant.collect::<Vec<_>>())
    }

    /// Finds the device that an operator names; a whole id is taken as it is, since a restore may have lost the device.
    ///
    /// # Errors
    /// [`CloudError::Name`] when the digits are those of none, or of several.
    pub fn find_device(&self, named: &NamedDevice) -> Result<DeviceId, CloudError> {
        let NamedDevice(typed) = named;
        if let Ok(id) = typed.parse() {
            return Ok(id);
        }
        let all = devices::list(&self.db)?.into_iter();
        let meant = all.filter(|device| begins(&device.id, typed));
        let meant = meant.map(|device| (device.id, vin_ending(&device.vin_last4)));
        only(NamedKind::Device, typed, &meant.collect::<Vec<_>>())
    }

    /// Finds the vehicle that an operator names; a whole id is taken as it is.
    ///
    /// # Errors
    /// [`CloudError::Name`] when digits or VIN are those of none, or of several.
    pub fn find_vehicle(&self, named: &NamedVehicle) -> Result<VehicleId, CloudError> {
        let NamedVehicle(typed) = named;
        if let Ok(id) = typed.parse() {
            return Ok(id);
        }
        let is_meant = |device: &devices::Device| {
            device.vin_last4.eq_ignore_ascii_case(typed) || begins(&device.vehicle, typed)
        };
        let all = devices::list(&self.db)?.into_iter();
        let meant = all.filter(is_meant);
        let mut meant: Vec<_> = meant
            .map(|device| (device.vehicle, vin_ending(&device.vin_last4)))
            .collect();
        // A vehicle has had several head units.
        meant.sort();
        meant.dedup();
        only(NamedKind::Vehicle, typed, &meant)
    }

    /// Returns the name of a member with the first digits of the id, which commands take.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn member_shown(&self, member: MemberId) -> Result<String, CloudError> {
        let profile = members::profile(&self.db, member)?;
        let shown = profile.map(|profile| format!("{} ({})", profile.name, digits(&member)));
        Ok(shown.unwrap_or_else(|| member.to_string()))
    }

    /// Returns the end of the VIN of a device's vehicle with the first digits of the id, which commands take.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn device_shown(&self, device: DeviceId) -> Result<String, CloudError> {
        let known = devices::find(&self.db, device)?;
        let shown =
            known.map(|known| format!("{} ({})", vin_ending(&known.vin_last4), digits(&device)));
        Ok(shown.unwrap_or_else(|| device.to_string()))
    }
}

/// Writes the end of a VIN.
fn vin_ending(last4: &str) -> String {
    format!("…{last4}")
}

/// Returns the first digits of an id.
fn digits(id: &impl ToString) -> String {
    let mut digits = id.to_string();
    digits.truncate(DIGITS_MIN);
    digits
}

/// Returns whether an id begins with what was typed, which is long enough.
fn begins(id: &impl ToString, typed: &str) -> bool {
    typed.len() >= DIGITS_MIN && id.to_string().starts_with(&typed.to_ascii_lowercase())
}

/// Takes the only one that is meant.
fn only<T: Copy + ToString>(
    kind: NamedKind,
    typed: &str,
    meant: &[(T, String)],
) -> Result<T, CloudError> {
    if let [(id, _)] = meant {
        return Ok(*id);
    }
    let typed = typed.to_owned();
    let choice = |(id, about): &(T, String)| format!("{} ({about})", id.to_string());
    Err(CloudError::Name(if meant.is_empty() {
        NameError::Nobody { kind, typed }
    } else {
        NameError::Several {
            kind,
            typed,
            choices: meant.iter().map(choice).collect(),
        }
    }))
}
