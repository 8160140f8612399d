//! Decisions of an operator on what is held back, and what became free by them.

use std::io::Write;

use super::args;
use super::edge::Edge;
use super::error::CliError;
use super::names::Names;
use super::show::{counted, either, table, written};
use super::verdict_text::review as reason_text;
use crate::core::{
    CloudCore, FreedStretches, HeldLine, LateEntries, LatePayment, Revocation, Ruling,
};

pub(super) fn review(
    command: args::ReviewCommand,
    core: &mut CloudCore,
    edge: Edge,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    match command {
        args::ReviewCommand::List => {
            let lines = core.held_lines()?;
            let names = Names::of(core, lines.iter().map(|line| line.member), [])?;
            either(out, edge.json, &lines, |lines| held(lines, &names))
        }
        args::ReviewCommand::Accept(args::Decided { entry, reason }) => {
            let ruling = core.accept_held(entry, &reason, edge.now)?;
            let names = Names::of(core, [ruling.member], [])?;
            either(out, edge.json, &ruling, |ruling| ruled(ruling, &names))
        }
        args::ReviewCommand::Refuse(args::Decided { entry, reason }) => {
            let ruling = core.refuse_held(entry, &reason, edge.now)?;
            let names = Names::of(core, [ruling.member], [])?;
            either(out, edge.json, &ruling, |ruling| ruled(ruling, &names))
        }
    }
}

fn held(lines: &[HeldLine], names: &Names) -> String {
    let mut table = table(["entry", "member", "points", "growth", "reason", "until"]);
    for line in lines {
        let until = if line.needs_decision {
            format!("decided, due {}", line.until)
        } else {
            format!("paid {}", line.until)
        };
        table.add_row([
            line.entry.to_string(),
            names.member(line.member),
            line.paid.points.to_string(),
            line.paid.growth.to_string(),
            line.doubt
                .clone()
                .unwrap_or_else(|| reason_text(line.reason).to_owned()),
            until,
        ]);
    }
    written(&table)
}

fn ruled(ruling: &Ruling, names: &Names) -> String {
    let what = if ruling.accepted {
        format!("{} paid", counted(ruling.points, "point", "points"))
    } else {
        "refused".to_owned()
    };
    let mut out = format!(
        "{what}: entry {} of {}, version {}\n",
        ruling.entry,
        names.member(ruling.member),
        ruling.version
    );
    out.push_str(&late_text(&ruling.late));
    out
}

pub(super) fn revoked(revoked: &Revocation, names: &Names) -> String {
    let mut out = if revoked.was_known {
        format!("revoked; {}", freed_text(&revoked.freed, names))
    } else {
        format!(
            "revoked: device {} is not known here, and is not let in should it show an enrolment\n",
            revoked.revoked
        ) + &late_text(&revoked.freed.late)
    };
    if revoked.awaited > 0 {
        out.push_str(&format!(
            "{} that had counted before the restore: not paid here, as the device sends nothing more, and their stretches are free\n",
            counted(revoked.awaited, "trip or session", "trips and sessions")
        ));
    }
    out
}

pub(super) fn freed_text(freed: &FreedStretches, names: &Names) -> String {
    let mut out = format!(
        "{} free\n",
        counted(freed.entries.len(), "stretch is", "stretches are")
    );
    for (member, points) in &freed.taken_back {
        out.push_str(&format!(
            "{} taken back from {}\n",
            counted(points, "point", "points"),
            names.member(*member)
        ));
    }
    out.push_str(&late_text(&freed.late));
    out
}

/// Words for the entries that had come second.
fn late_text(late: &LateEntries) -> String {
    let mut out = String::new();
    for LatePayment { entry, points } in &late.paid {
        out.push_str(&format!(
            "entry {entry} had come second: {} paid\n",
            counted(points, "point", "points")
        ));
    }
    for entry in &late.in_doubt {
        out.push_str(&format!(
            "entry {entry} had come second and is in doubt itself: it stays rejected, unless you accept it (review accept)\n"
        ));
    }
    out
}
