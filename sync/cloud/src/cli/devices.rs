//! Devices, and head units that wait to be enrolled, as people read them.

use dashpoint_membership::MemberId;
use serde::Serialize;

use super::names::Names;
use super::show::{table, time, written};
use crate::core::{Approval, DeviceLine, Waiting};
use crate::random::spoken_code;

#[derive(Debug, Serialize)]
pub(super) struct DevicesShown {
    pub devices: Vec<DeviceLine>,
    pub waiting: Vec<Waiting>,
}

impl DevicesShown {
    /// Lists the members that are named in it.
    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        let members = self.devices.iter().flat_map(|line| line.members.clone());
        members.chain(self.waiting.iter().filter_map(|waiting| waiting.claimed_by))
    }
}

pub(super) fn devices(shown: &DevicesShown, names: &Names) -> String {
    let mut devices = table([
        "device",
        "vin",
        "members",
        "enrolled",
        "last contact",
        "policy",
        "epoch",
        "entries",
        "state",
    ]);
    for line in &shown.devices {
        let members = line.members.iter();
        let members: Vec<_> = members.map(|id| names.member(*id)).collect();
        devices.add_row([
            line.device.to_string(),
            format!("…{}", line.vin_last4),
            members.join(", "),
            line.enrolled.to_string(),
            line.last_contact.map_or_else(String::new, time),
            line.policy
                .map_or_else(String::new, |version| version.to_string()),
            line.epoch.to_string(),
            line.seq.to_string(),
            device_state(line),
        ]);
    }
    let mut out = written(&devices);
    if !shown.waiting.is_empty() {
        let mut waits = table(["waiting", "vin", "until", "for"]);
        for waiting in &shown.waiting {
            waits.add_row([
                spoken_code(&waiting.code),
                format!("…{}", waiting.vin_last4),
                waiting.expires.to_string(),
                waits_for(waiting, names),
            ]);
        }
        out.push('\n');
        out.push_str(&written(&waits));
    }
    out
}

fn waits_for(waiting: &Waiting, names: &Names) -> String {
    waiting.claimed_by.map_or_else(
        || "its member".to_owned(),
        |member| {
            let member = names.member(member);
            format!("a member of the vehicle, to agree to {member}")
        },
    )
}

pub(super) fn approval(approval: &Approval, names: &Names) -> String {
    match approval {
        Approval::Enrolled(approved) => format!(
            "device {} earns for {} as binding {}\n",
            approved.device,
            names.member(approved.member),
            approved.binding
        ),
        Approval::Waits(waiting) => format!(
            "the vehicle earns for others: {} waits until {} for the word of one of them, or for `device consent --reason`\n",
            spoken_code(&waiting.code),
            waiting.expires
        ),
    }
}

fn device_state(line: &DeviceLine) -> String {
    let forked = line.forked.map(|at| {
        format!(
            "under review: its chain went on twice ({} kept) since {at}",
            line.branches
        )
    });
    match (line.revoked, forked) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(forked)) => forked,
        (None, None) => "enrolled".to_owned(),
    }
}
