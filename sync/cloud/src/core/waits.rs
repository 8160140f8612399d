//! Devices whose entries wait for something that this database forgot when it went back.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{DeviceId, MemberId, PolicyVersion};

use crate::error::CloudError;
use crate::lacking::Lacking;

/// Devices that are remembered, and things of one device: what is beyond waits as well, and is told nobody.
const DEVICES_MAX: usize = 4_096;
const OF_A_DEVICE_MAX: usize = 8;

/// Returns what only people can put back, when a failure names it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the few failures that name something forgotten"
)]
pub(super) const fn awaited(failed: &CloudError) -> Option<Lacking> {
    match failed {
        CloudError::PolicyForgotten { named, .. } => Some(Lacking::Policy(*named)),
        CloudError::MemberForgotten(member) => Some(Lacking::Member(*member)),
        _ => None,
    }
}

/// The things that devices wait for.
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

    /// Keeps what is waited for still, and forgets the rest.
    pub fn retain(&mut self, mut still_waits: impl FnMut(DeviceId, Lacking) -> bool) {
        for (device, of_device) in &mut self.of {
            of_device.retain(|lacking| still_waits(*device, *lacking));
        }
        self.of.retain(|_, of_device| !of_device.is_empty());
    }

    /// Returns lines that tell what is waited for, each with the number of its devices; `None` when nobody waits. Members are
    /// counted: anybody may read it, and the log has their ids.
    pub fn lines(&self) -> Option<String> {
        let mut policies: BTreeMap<PolicyVersion, usize> = BTreeMap::new();
        let mut members: BTreeSet<MemberId> = BTreeSet::new();
        let mut devices_of_members = 0_usize;
        for of_device in self.of.values() {
            for lacking in of_device {
                match lacking {
                    // The device itself shows it.
                    Lacking::Binding(_) | Lacking::Epoch(_) => {}
                    Lacking::Policy(version) => *policies.entry(*version).or_default() += 1,
                    Lacking::Member(member) => {
                        members.insert(*member);
                    }
                }
            }
            let names_one = of_device
                .iter()
                .any(|lacking| matches!(lacking, Lacking::Member(_)));
            devices_of_members += usize::from(names_one);
        }
        let mut lines: Vec<String> = policies
            .iter()
            .map(|(version, count)| {
                format!("devices whose entries wait for policy {version}: {count}")
            })
            .collect();
        if devices_of_members > 0 {
            lines.push(format!(
                "devices whose entries wait for members that are not here: {devices_of_members}; members: {}, named in the log",
                members.len()
            ));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}
