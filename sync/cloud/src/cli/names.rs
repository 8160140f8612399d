//! Names of the members and devices that an output is about.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use dashpoint_membership::{DeviceId, MemberId};

use crate::core::CloudCore;
use crate::error::CloudError;

/// Names as people read them, each with the first digits of the id, which commands take.
#[derive(Debug, Default)]
pub(super) struct Names {
    members: BTreeMap<MemberId, String>,
    devices: BTreeMap<DeviceId, String>,
}

impl Names {
    /// Reads those of members and devices.
    pub fn of(
        core: &CloudCore,
        members: impl IntoIterator<Item = MemberId>,
        devices: impl IntoIterator<Item = DeviceId>,
    ) -> Result<Self, CloudError> {
        let mut names = Self::default();
        for id in members {
            if let Entry::Vacant(empty) = names.members.entry(id) {
                empty.insert(core.member_shown(id)?);
            }
        }
        for id in devices {
            if let Entry::Vacant(empty) = names.devices.entry(id) {
                empty.insert(core.device_shown(id)?);
            }
        }
        Ok(names)
    }

    /// Names a member.
    pub fn member(&self, id: MemberId) -> String {
        let known = self.members.get(&id).cloned();
        known.unwrap_or_else(|| id.to_string())
    }

    /// Names a device.
    pub fn device(&self, id: DeviceId) -> String {
        let known = self.devices.get(&id).cloned();
        known.unwrap_or_else(|| id.to_string())
    }
}
