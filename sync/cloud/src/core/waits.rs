//! Devices whose entries wait for something that this database forgot when it went back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dashpoint_membership::{DeviceId, MemberId, PolicyVersion};

use crate::error::CloudError;

/// Devices that are remembered, and things of one device: what is beyond waits as well, and is told nobody.
const DEVICES_MAX: usize = 4_096;
const OF_A_DEVICE_MAX: usize = 8;

/// One thing that entries name and that this database lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lacking {
    Policy(PolicyVersion),
    Member(MemberId),
}

impl Lacking {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the few failures that name something forgotten"
    )]
    pub const fn of(failed: &CloudError) -> Option<Self> {
        match failed {
            CloudError::PolicyForgotten { named, .. } => Some(Self::Policy(*named)),
            CloudError::MemberForgotten(member) => Some(Self::Member(*member)),
            _ => None,
        }
    }
}

impl fmt::Display for Lacking {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(version) => write!(to, "policy {version}"),
            Self::Member(member) => write!(to, "member {member}"),
        }
    }
}

/// The things that each device has waited for since its last entries were settled.
#[derive(Debug, Default)]
pub(super) struct Waits {
    of: BTreeMap<DeviceId, BTreeSet<Lacking>>,
}

impl Waits {
    /// Takes note that a device waits; returns whether that is new.
    pub fn begin(&mut self, device: DeviceId, lacking: Lacking) -> bool {
        if self.of.len() >= DEVICES_MAX && !self.of.contains_key(&device) {
            return false;
        }
        let of_device = self.of.entry(device).or_default();
        of_device.len() < OF_A_DEVICE_MAX && of_device.insert(lacking)
    }

    /// Forgets what a device waited for: it came with something else.
    pub fn end(&mut self, device: DeviceId) {
        self.of.remove(&device);
    }

    /// Says what is waited for, each with the number of its devices; `None` when nobody waits.
    pub fn said(&self) -> Option<String> {
        let mut devices: BTreeMap<Lacking, usize> = BTreeMap::new();
        for lacking in self.of.values().flatten() {
            *devices.entry(*lacking).or_default() += 1;
        }
        let lines: Vec<String> = devices
            .iter()
            .map(|(lacking, count)| format!("entries of {count} devices wait for {lacking}"))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}
