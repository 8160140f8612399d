//! Selection of entries by device, member and time.

use dashpoint_membership::{DeviceId, MemberId, ServerTime};

use super::CloudCore;
use crate::error::CloudError;
use crate::store::{devices, members};

/// Selection of entries; all without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SelectedEntries {
    /// Only those of this device.
    pub device: Option<DeviceId>,
    /// Only those of this member.
    pub member: Option<MemberId>,
    /// Only those that happened then or later.
    pub since: Option<ServerTime>,
    /// Only those that happened before.
    pub until: Option<ServerTime>,
}

impl SelectedEntries {
    /// Returns whether a time of an event is among those selected.
    pub(super) fn has_time(&self, happened: ServerTime) -> bool {
        self.since.is_none_or(|since| happened >= since)
            && self.until.is_none_or(|until| happened < until)
    }
}

impl CloudCore {
    pub(super) fn check_selected(&self, selected: SelectedEntries) -> Result<(), CloudError> {
        if let Some(member) = selected.member
            && members::profile(&self.db, member)?.is_none()
        {
            return Err(CloudError::NoMember(member));
        }
        if let Some(device) = selected.device
            && devices::find(&self.db, device)?.is_none()
        {
            return Err(CloudError::NoDevice(device));
        }
        match (selected.since, selected.until) {
            (Some(since), Some(until)) if since >= until => {
                Err(CloudError::NoTime { since, until })
            }
            _ => Ok(()),
        }
    }
}
