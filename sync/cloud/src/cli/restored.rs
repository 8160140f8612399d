//! The words of `restore`: the life that begins, and what it takes back of what people did.

use std::path::{Path, PathBuf};

use dashpoint_membership::{DeviceId, LATEST_ARRIVAL_DAYS, ServerEpoch};
use serde::Serialize;

use super::show::counted;
use crate::backup::RestoredBackup;
use crate::core::{BroughtOver, LeftOut, REASON_MAX, StaysBehind};
use crate::random::spoken_code;
use crate::store::{Undone, UndoneKind, Worth};

/// The end of `restore`.
#[derive(Debug, Serialize)]
pub(super) struct RestoreReport {
    pub server_epoch: ServerEpoch,
    /// The database that was there before; none where there was none.
    pub aside: Option<PathBuf>,
    /// The databases that earlier restores had replaced and the backup is older than, the oldest first.
    pub earlier: Vec<PathBuf>,
    /// Days since the cloud that the backup was made of was last at work.
    pub backup_age_days: i64,
    /// Things that the database before has and the backup lacks; none when it cannot be read.
    pub undone: Option<Vec<Undone>>,
    /// Head units that the one before had shut out and that did not come over.
    pub kept_out: Vec<DeviceId>,
    /// Head units that were shut out after the backup, with what came over of each; none when the one before cannot be read.
    pub brought_over: Option<Vec<BroughtOver>>,
    /// Entries that the other head units send again, each with the outcome that it had; none likewise.
    pub awaited: Option<usize>,
}

impl RestoreReport {
    pub fn of(restored: &RestoredBackup) -> Self {
        Self {
            server_epoch: restored.server_epoch,
            aside: restored.aside.clone(),
            earlier: restored.earlier.clone(),
            backup_age_days: restored.age_days,
            undone: restored.undone.clone(),
            kept_out: restored.kept_out.clone(),
            brought_over: restored.brought_over.clone(),
            awaited: restored.awaited,
        }
    }
}

/// Words the end of a restore into a data folder.
pub(super) fn restored(restored: &RestoreReport, data: &Path) -> String {
    let before = restored.aside.as_ref().map_or_else(
        || "there was no database before".to_owned(),
        |aside| format!("the one before is {}", aside.display()),
    );
    let head = format!(
        "restored: life {} of the database begins, cars send again what it lacks; {before}\n",
        restored.server_epoch
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
        None => format!(
            "what was decided and signed after the backup is not known{}; sign the next policy and \
             the next catalogue under versions that were never used, for cars hold those that were\n",
            restored
                .aside
                .as_ref()
                .map_or("", |_| ": the one before cannot be read")
        ),
        Some([]) if restored.earlier.is_empty() => {
            "nothing of what the database before had from people is undone\n".to_owned()
        }
        Some([]) => "nothing of what the databases before had from people is undone\n".to_owned(),
        Some(undone) => {
            let lines = undone.iter().map(|one| format!("  {}\n", again(one, data)));
            let lines: String = lines.collect();
            format!(
                "undone with it, to be done again where it still holds; what names an entry, once its car has sent it again:\n{lines}"
            )
        }
    };
    let over = restored.brought_over.as_deref();
    let is_told =
        |device: &DeviceId| over.is_some_and(|over| over.iter().any(|one| one.device == *device));
    let kept_out = restored.kept_out.iter().filter(|device| !is_told(device));
    let kept_out = kept_out
        .map(|device| format!("device {device} stays shut out, the backup does not know it\n"));
    let kept_out: String = kept_out.collect();
    let over = match over {
        None => format!(
            "head units that were replaced after the backup are not known{}; what they earned after \
             the backup does not come back, take a younger backup if there is one\n",
            restored
                .aside
                .as_ref()
                .map_or("", |_| ": the one before cannot be read whole")
        ),
        Some(over) => over.iter().map(|one| brought_over(one, restored)).collect(),
    };
    let earlier: Vec<String> = restored
        .earlier
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let earlier = if earlier.is_empty() {
        String::new()
    } else {
        format!(
            "the one before came of a restore, too: what people did is counted of {} as well\n",
            earlier.join(" and ")
        )
    };
    let awaited = match restored.awaited {
        None if restored.aside.is_some() => {
            "what became of the entries that cars send again is not known: of two head units of one vehicle, the one that sends first is paid\n"
                .to_owned()
        }
        None | Some(0) => String::new(),
        Some(number) => format!(
            "what became of {} of after the backup is kept until cars send them again; nobody else is paid for their stretches meanwhile\n",
            entries(number)
        ),
    };
    head + &earlier + &age + &lines + &kept_out + &over + &awaited
}

/// Says what came over of a head unit that was shut out after the backup, and what does not come back.
fn brought_over(over: &BroughtOver, restored: &RestoreReport) -> String {
    let device = over.device;
    let came = if over.entries == 0 {
        String::new()
    } else {
        let (now, before) = (worth(over.worth), worth(over.worth_before));
        let was = if now == before {
            String::new()
        } else {
            format!(" where it was {before}, as when cars send again")
        };
        format!(", its {} came over, {now}{was}", entries(over.entries))
    };
    let stays = over.because.as_ref().map(|because| {
        let left_out: Vec<_> = over.left_out.iter().map(left_out).collect();
        format!(
            "; {} of after the backup do not come back: {}",
            left_out.join(" and "),
            why(because, restored)
        )
    });
    format!(
        "device {device} stays shut out{came}{}\n",
        stays.unwrap_or_default()
    )
}

fn left_out(left_out: &LeftOut) -> String {
    let of = left_out
        .member
        .map_or_else(|| "nobody".to_owned(), |member| format!("member {member}"));
    let many = entries(left_out.entries);
    format!("{many} of {of} with {}", worth(left_out.worth))
}

fn entries(number: usize) -> String {
    counted(number, "entry", "entries")
}

/// Says the points of entries, with what is held back of them.
fn worth(worth: Worth) -> String {
    let points = counted(worth.points, "point", "points");
    if worth.held_back.is_zero() {
        points
    } else {
        format!("{points} and {} held back", worth.held_back)
    }
}

/// The reason why entries stay behind, with what brings them.
fn why(because: &StaysBehind, restored: &RestoreReport) -> String {
    let aside = restored
        .aside
        .as_ref()
        .map(|aside| aside.display().to_string());
    let again = format!(
        "back up to a new file, move cloud.db to another place, rename {} to cloud.db, and restore the new file",
        aside.as_deref().unwrap_or("the one before")
    );
    match because {
        StaysBehind::NoMember(member) => {
            format!(
                "the backup does not know member {member}; add the member with the command above before you serve, {again}"
            )
        }
        StaysBehind::NoPolicy(version) => {
            format!(
                "policy {version} cannot be read here; sign its file again before you serve, {again}"
            )
        }
        StaysBehind::NotItsChain => {
            "they do not follow what the backup has of it; take a younger backup if there is one"
                .to_owned()
        }
        StaysBehind::Refused(refused) => {
            format!("{refused}; when that is mended, {again}")
        }
    }
}

/// Names the thing that was undone, with the command that does it again as it is typed, where there is one.
fn again(undone: &Undone, data: &Path) -> String {
    let of = &undone.of;
    let note = undone.note.as_deref().unwrap_or_default();
    let data = option("--data", &data.display().to_string());
    let typed = |what: String, command: String| format!("{what}: dashpoint-cloud {data} {command}");
    // One from before there was a bound is given again as far as a command takes it.
    let reason = option("--reason", &note[..note.floor_char_boundary(REASON_MAX)]);
    match undone.kind {
        UndoneKind::Member => {
            let (name, zone) = note.rsplit_once(", ").unwrap_or((note, "UTC"));
            typed(
                format!("member {of}"),
                format!(
                    "member add --id {of} {} {}",
                    option("--name", name),
                    option("--zone", zone)
                ),
            )
        }
        UndoneKind::Policy => typed(
            format!("policy {of}, with its file for FILE"),
            "policy sign FILE".to_owned(),
        ),
        UndoneKind::Catalogue => typed(
            format!("catalogue {of}, with its file for FILE"),
            "catalogue sign FILE".to_owned(),
        ),
        UndoneKind::PolicyTaken => format!(
            "policy {of}: another policy has version {of} here, and cars may hold either; sign the one that is to stand under a higher version"
        ),
        UndoneKind::CatalogueTaken => format!(
            "catalogue {of}: another catalogue has version {of} here, and cars may hold either; sign the one that is to stand under a higher version"
        ),
        UndoneKind::Revocation => typed(
            format!("device {of} was shut out"),
            format!("device revoke {of}"),
        ),
        UndoneKind::Fraud => typed(
            format!("device {of} was shut out as a fraud"),
            format!("device revoke {of} --fraud {reason}"),
        ),
        UndoneKind::Acceptance => typed(
            format!("entry {of} was accepted"),
            format!("review accept {of} {reason}"),
        ),
        UndoneKind::Refusal => typed(
            format!("entry {of} was refused"),
            format!("review refuse {of} {reason}"),
        ),
        UndoneKind::Freed => typed(
            "a stretch was freed".to_owned(),
            format!("meter free {of} {reason}"),
        ),
        UndoneKind::ExpiryReversed => typed(
            "what had expired was given back".to_owned(),
            format!("expiry reverse {of} {reason}"),
        ),
        UndoneKind::RequestRefused => {
            let code = spoken_code(of);
            typed(
                format!("request {code} was refused, and is to be again while it waits again"),
                format!("device refuse {code}"),
            )
        }
        UndoneKind::Claim => {
            let code = spoken_code(of);
            typed(
                format!(
                    "request {code} waits for those whom the vehicle earns for; its car may ask again with another code"
                ),
                format!("device approve {code} --member {note}"),
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

/// Writes an option with its value as it is typed; one that begins with a dash would be taken for another option.
fn option(name: &str, value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{between}{}", quoted(value))
}

/// Quotes a word for a shell, where it needs that.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:+@%,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
        for (word, typed) in [
            ("cloud", "cloud"),
            ("Asia/Shanghai", "Asia/Shanghai"),
            ("a race", "'a race'"),
            ("it's", "'it'\\''s'"),
            ("$HOME", "'$HOME'"),
            ("林晓", "'林晓'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), typed);
        }
    }

    /// Each command is read again as it is printed, whatever a person wrote into it.
    #[test]
    fn a_value_that_begins_with_a_dash_is_no_option() {
        use clap::Parser;

        use crate::cli::args::CloudArgs;

        let entry = format!("{}/1-1", "02".repeat(16));
        for (kind, of, note, has) in [
            (
                UndoneKind::Member,
                "01".repeat(16),
                "-x, Asia/Shanghai",
                "--name=-x --zone Asia/Shanghai",
            ),
            (
                UndoneKind::Member,
                "01".repeat(16),
                "--json, UTC",
                "--name=--json --zone UTC",
            ),
            (
                UndoneKind::Fraud,
                "02".repeat(16),
                "-copied",
                "--fraud --reason=-copied",
            ),
            (
                UndoneKind::Acceptance,
                entry.clone(),
                "- a race",
                "--reason='- a race'",
            ),
            (UndoneKind::Refusal, entry, "a tow", "--reason 'a tow'"),
        ] {
            let undone = Undone {
                at: dashpoint_membership::ServerTime::from_unix_s(0),
                kind,
                of,
                note: Some(note.to_owned()),
            };
            let line = again(&undone, Path::new("-data"));
            assert!(
                line.contains(has) && line.contains("--data=-data"),
                "{line}"
            );
            let (_, command) = line.split_once(": ").unwrap();
            let told = std::process::Command::new("sh")
                .args(["-c", &format!("printf '%s\\n' {command}")])
                .output()
                .unwrap();
            let words = String::from_utf8(told.stdout).unwrap();
            let parsed = CloudArgs::try_parse_from(words.lines());
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
