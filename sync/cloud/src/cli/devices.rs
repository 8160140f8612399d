//! Devices, and head units that wait to be enrolled, as people read them.

use std::collections::BTreeMap;

use dashpoint_membership::MemberId;
use serde::Serialize;

use super::show::{table, time, written};
use crate::core::{Approval, DeviceLine, Waiting};
use crate::random::spoken_code;

#[derive(Debug, Serialize)]
pub(super) struct DevicesShown {
    pub devices: Vec<DeviceLine>,
    pub waiting: Vec<Waiting>,
    /// Names of the members, for the table.
    #[serde(skip)]
    pub names: BTreeMap<MemberId, String>,
}

pub(super) fn devices(shown: &DevicesShown) -> String {
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
        let members: Vec<_> = members.map(|id| short_member(*id, &shown.names)).collect();
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
                waits_for(waiting),
            ]);
        }
        out.push('\n');
        out.push_str(&written(&waits));
    }
    out
}

/// Names a member with the first digits of the id, which commands take.
fn short_member(member: MemberId, names: &BTreeMap<MemberId, String>) -> String {
    let id = member.to_string();
    let digits = id.get(..8).unwrap_or(&id);
    match names.get(&member) {
        Some(name) => format!("{name} ({digits})"),
        None => id,
    }
}

fn waits_for(waiting: &Waiting) -> String {
    waiting.claimed_by.map_or_else(
        || "its member".to_owned(),
        |member| format!("a member of the vehicle, to agree to {member}"),
    )
}

pub(super) fn approval(approval: &Approval) -> String {
    match approval {
        Approval::Enrolled(approved) => format!(
            "device {} earns for member {} as binding {}\n",
            approved.device, approved.member, approved.binding
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
