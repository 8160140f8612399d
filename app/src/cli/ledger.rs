//! `dashpoint ledger`: what this car has signed, and what became of it.

use std::process::ExitCode;

use comfy_table::presets;
use comfy_table::{CellAlignment, Table};
use dashpoint_membership::{Evidence, Points, ServerTime, Transaction, Verdict};
use dashpoint_ui::locale::Language;
use dashpoint_wire::ChainPoint;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::args::LedgerArgs;
use super::code_waits::refuse_before_enrolment;
use super::evidence_words::measured;
use super::ledger_words::{entry_kind, no_statement};
use super::lost::{lost_entries, lost_text};
use super::out::{outln, print_json};
use super::verify::{Verification, verify};
use super::why::{Reasons, ShadowRule, Why};
use super::words::{minute, zone_name};
use crate::books::certificate;
use crate::config::Config;
use crate::data_folder::{identity, member_zone, open_reader};
use crate::entry_status::{EntryRow, EntryStatus, read_entries_as_seen};
use crate::live::is_false;
use crate::other_car::refuse_other_car;
use crate::unpaid::OTHERS_MAX;

/// One row of `ledger --json`.
#[derive(Debug, Serialize)]
struct Row {
    epoch: u32,
    seq: u64,
    hash: String,
    kind: &'static str,
    #[serde(flatten)]
    measured: Option<Measured>,
    carried: bool,
    at_unix_s: i64,
    predicted: i64,
    state: &'static str,
    /// The entry of a later epoch that says it again and stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    carried_to: Option<String>,
    /// Points that the account has of it; none while it has not spoken, or holds them back.
    paid: Option<i64>,
    /// Points that the cloud holds back until somebody has looked at them.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_back: Option<i64>,
    /// Points that were paid and taken back; `paid` is without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_back: Option<i64>,
    verdict: Option<Verdict>,
    /// The reason of its state, and the caps that cut it.
    #[serde(flatten)]
    why: Why,
    /// Rules that are only tried, with what they would have given for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadow_rules: Vec<ShadowRule>,
    /// The transaction, with evidence and awards; `None` when the entry does not verify.
    transaction: Option<Transaction>,
}

/// Figures of a trip or a session; a check-in has none, nor has an entry that does not verify.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Measured {
    Trip {
        distance_m: u64,
        /// None for a car that does not tell it.
        #[serde(skip_serializing_if = "Option::is_none")]
        used_wh: Option<u32>,
        score_x100: u16,
    },
    Charge {
        energy_wh: u64,
        renewable_permille: u16,
    },
    Discharge {
        energy_wh: u64,
    },
}

impl From<&Evidence> for Measured {
    fn from(evidence: &Evidence) -> Self {
        let length = evidence.interval().length();
        match evidence {
            Evidence::Trip(trip) => Self::Trip {
                distance_m: length,
                used_wh: trip.tells_energy().then_some(trip.used_wh),
                score_x100: trip.score_x100,
            },
            Evidence::Charge(charge) => Self::Charge {
                energy_wh: length,
                renewable_permille: charge.renewable_permille,
            },
            Evidence::Discharge(_) => Self::Discharge { energy_wh: length },
        }
    }
}

/// Returns what an entry measured; `None` for a check-in, and for an entry that does not verify.
fn evidence(line: &EntryRow) -> Option<&Evidence> {
    line.entry.as_ref()?.transaction().evidence()
}

/// Output of `ledger --json`.
#[derive(Debug, Serialize)]
struct LedgerReport {
    entries: Vec<Row>,
    /// True when no statement of a member is held: then the caps and conditions that cut an entry are not known.
    #[serde(skip_serializing_if = "is_false")]
    no_statement: bool,
    /// Entries that a damaged disk lost before they were sent.
    lost_entries: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<Verification>,
}

/// Prints the ledger, and verifies it if asked to; a ledger that does not verify is a failure.
pub(super) fn ledger(args: &LedgerArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    refuse_before_enrolment(&config, args.output.language)?;
    let reader = open_reader(&config)?;
    refuse_other_car(&config, &reader)?;
    let verification = if args.verify {
        Some(verify(&reader, config.cloud.key)?)
    } else {
        None
    };
    let holds = verification.as_ref().is_none_or(Verification::holds);
    let certificate = certificate(&reader, &config.cloud.key)?;
    let who = identity(&certificate, &config);
    // The caps of an entry are looked for with those before it.
    let lines = read_entries_as_seen(&reader, &who, args.last.saturating_add(OTHERS_MAX))?;
    let shown = lines.len().min(args.last as usize);
    let reasons = Reasons::open(&config, &reader);
    let lost = lost_entries(&reader)?;
    let why = |language| -> Vec<Why> {
        let places = 0..shown;
        places
            .map(|place| reasons.of(&lines, place, language))
            .collect()
    };
    if args.output.json {
        print_json(&LedgerReport {
            entries: lines[..shown]
                .iter()
                .zip(why(Language::English))
                .map(|(line, why)| row(line, why, reasons.shadow_rules(line)))
                .collect(),
            no_statement: !reasons.holds_statement(),
            lost_entries: lost,
            verification,
        })?;
    } else {
        if let Some(line) = lost_text(args.output.language, &lost) {
            outln!("{line}");
        }
        print_table(
            &lines[..shown],
            &why(args.output.language),
            &member_zone(&reader, &config),
            args.output.language,
        );
        if shown > 0 && !reasons.holds_statement() {
            outln!();
            outln!("{}", no_statement(args.output.language));
        }
        verification
            .iter()
            .for_each(|verification| print_verification(verification, args.output.language));
    }
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn row(line: &EntryRow, why: Why, shadow_rules: Vec<ShadowRule>) -> Row {
    let activity = &line.activity;
    Row {
        epoch: activity.point.epoch.get(),
        seq: activity.point.seq.get(),
        hash: activity.point.hash.to_string(),
        kind: activity.summary.kind.name(),
        measured: evidence(line).map(Measured::from),
        carried: activity.summary.carried,
        at_unix_s: activity.summary.at.as_unix_s(),
        predicted: activity.summary.predicted.get(),
        state: why.state(Language::English, &line.status),
        carried_to: carried_to(&line.status),
        paid: line.status.paid().map(Points::get),
        held_back: line.status.held_back().map(Points::get),
        taken_back: line.status.taken_back().map(Points::get),
        verdict: line.status.verdict().cloned(),
        why,
        shadow_rules,
        transaction: line.entry.as_ref().map(|entry| entry.transaction().clone()),
    }
}

fn carried_to(status: &EntryStatus) -> Option<String> {
    match status {
        EntryStatus::CarriedTo(point) => Some(place(*point)),
        EntryStatus::Pending
        | EntryStatus::Unpaid
        | EntryStatus::Judged(_)
        | EntryStatus::Released { .. }
        | EntryStatus::Refused(_)
        | EntryStatus::TakenBack { .. }
        | EntryStatus::Settled => None,
    }
}

fn place(point: ChainPoint) -> String {
    format!("{}-{}", point.epoch, point.seq)
}

fn print_table(lines: &[EntryRow], why: &[Why], zone: &TimeZone, language: Language) {
    if lines.is_empty() {
        outln!("{}", language.choose("nothing was signed yet", "暂无记录"));
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        language.choose("entry", "编号").to_owned(),
        format!("{} ({})", language.choose("when", "时间"), zone_name(zone)),
        language.choose("kind", "类型").to_owned(),
        language.choose("measured", "数量").to_owned(),
        language.choose("predicted", "预计").to_owned(),
        language.choose("paid", "到账").to_owned(),
        language.choose("state", "状态").to_owned(),
        language.choose("reason", "原因").to_owned(),
    ]);
    for (line, why) in lines.iter().zip(why) {
        let activity = &line.activity;
        let at = ServerTime::from_unix_s(activity.summary.at.as_unix_s());
        table.add_row([
            place(activity.point),
            minute(at, zone),
            entry_kind(language, activity.summary.kind).to_owned(),
            evidence(line).map_or_else(String::new, |seen| measured(language, seen)),
            activity.summary.predicted.to_string(),
            // Beside the word for it a number says nothing more.
            line.status
                .paid()
                .filter(|_| !why.is_nothing)
                .map_or_else(String::new, |paid| paid.to_string()),
            why.state(language, &line.status).to_owned(),
            carried_to(&line.status).map_or_else(
                || why.text.clone(),
                |to| match language {
                    Language::English => format!("to {to}"),
                    Language::Chinese => format!("至 {to}"),
                },
            ),
        ]);
    }
    for column in [4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    outln!("{table}");
}

fn print_verification(verification: &Verification, language: Language) {
    outln!();
    for check in &verification.checks {
        let mark = if check.faults.is_empty() {
            language.choose("holds", "通过")
        } else {
            language.choose("FAILS", "未通过")
        };
        let what = language.choose(check.what, check.what_zh);
        outln!("{mark:>8}  {what} ({})", check.looked_at);
        for fault in &check.faults {
            outln!("          {}", language.pick(fault));
        }
    }
    let line = if verification.holds() {
        language.choose("the ledger verifies", "账本校验通过")
    } else {
        language.choose(
            "the ledger does NOT verify; keep the data folder and ask service",
            "账本校验失败，请保留数据并联系售后",
        )
    };
    outln!("{line}");
}
