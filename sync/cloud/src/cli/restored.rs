//! The words of `restore`: the life that begins, and what it takes back of what people did.

use std::path::PathBuf;

use dashpoint_membership::{DeviceId, LATEST_ARRIVAL_DAYS, ServerEpoch};
use serde::Serialize;

use crate::backup::RestoredBackup;
use crate::random::spoken_code;
use crate::store::{Undone, UndoneKind};

/// The end of `restore`.
#[derive(Debug, Serialize)]
pub(super) struct RestoreReport {
    pub server_epoch: ServerEpoch,
    /// The database that was there before.
    pub aside: PathBuf,
    /// Days since the cloud that the backup was made of was last at work.
    pub backup_age_days: i64,
    /// Things that the database before has and the backup lacks; none when it cannot be read.
    pub undone: Option<Vec<Undone>>,
    /// Head units that the one before had shut out and the backup does not know.
    pub kept_out: Vec<DeviceId>,
}

impl RestoreReport {
    pub fn of(restored: &RestoredBackup) -> Self {
        Self {
            server_epoch: restored.server_epoch,
            aside: restored.aside.clone(),
            backup_age_days: restored.age_days,
            undone: restored.undone.clone(),
            kept_out: restored.kept_out.clone(),
        }
    }
}

pub(super) fn restored(restored: &RestoreReport) -> String {
    let head = format!(
        "restored: life {} of the database begins, cars send again what it lacks; the one before is {}\n",
        restored.server_epoch,
        restored.aside.display()
    );
    let days = restored.backup_age_days;
    let age = if days >= LATEST_ARRIVAL_DAYS {
        format!(
            "the backup is {days} days old: what cars send again from more than {LATEST_ARRIVAL_DAYS} days ago falls under the limits \
             of one day, and earns less than it did; take a younger backup if there is one\n"
        )
    } else {
        String::new()
    };
    let lines = match restored.undone.as_deref() {
        None => "what was decided after the backup is not known: the one before cannot be read\n"
            .to_owned(),
        Some([]) => "nothing that people did after the backup is undone\n".to_owned(),
        Some(undone) => {
            let lines = undone.iter().map(|one| format!("  {}\n", again(one)));
            let lines: String = lines.collect();
            format!("undone with it, to be done again where it still holds:\n{lines}")
        }
    };
    let kept_out = restored.kept_out.iter();
    let kept_out = kept_out
        .map(|device| format!("device {device} stays shut out, the backup does not know it\n"));
    let kept_out: String = kept_out.collect();
    head + &age + &lines + &kept_out
}

/// Names the thing that was undone, with the command that does it again.
fn again(undone: &Undone) -> String {
    let of = &undone.of;
    let note = undone.note.as_deref().unwrap_or_default();
    match undone.kind {
        UndoneKind::Member => {
            format!("member {of} ({note}): member add --id {of} --name NAME --zone ZONE")
        }
        UndoneKind::Policy => format!("policy {of}: policy sign its file"),
        UndoneKind::Catalogue => format!("catalogue {of}: catalogue sign its file"),
        UndoneKind::Revocation => format!("device {of} was shut out: device revoke {of}"),
        UndoneKind::Fraud => {
            format!(
                "device {of} was shut out as a fraud ({note}): device revoke {of} --fraud --reason REASON"
            )
        }
        UndoneKind::Acceptance => {
            format!("entry {of} was accepted ({note}): review accept {of} --reason REASON")
        }
        UndoneKind::Refusal => {
            format!("entry {of} was refused ({note}): review refuse {of} --reason REASON")
        }
        UndoneKind::Freed => {
            format!("a stretch was freed ({note}): meter free {of} --reason REASON")
        }
        UndoneKind::ExpiryReversed => {
            format!("what had expired was given back ({note}): expiry reverse {of} --reason REASON")
        }
        UndoneKind::RequestRefused => {
            let code = spoken_code(of);
            format!("request {code} was refused: device refuse {code}, while it waits again")
        }
        UndoneKind::Claim => {
            let code = spoken_code(of);
            format!(
                "request {code} waits for those whom the vehicle earns for: device approve {code} --member {note}, or the \
                 code with which its car asks again"
            )
        }
        UndoneKind::Binding => {
            let consent = undone.note.as_ref().map(|note| format!(" ({note})"));
            format!(
                "device {of} was enrolled{}: it comes back by itself at its next contact, or asks again",
                consent.unwrap_or_default()
            )
        }
    }
}
