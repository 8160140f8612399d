//! `dashpoint ledger`: what this car has signed, and what became of it.

use std::process::ExitCode;

use comfy_table::presets;
use comfy_table::{CellAlignment, Table};
use dashpoint_membership::{ServerTime, Transaction, Verdict};
use dashpoint_wire::ChainPoint;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::args::{Language, LedgerArgs};
use super::out::outln;
use super::status::print_json;
use super::verify::{Verification, verify};
use super::why::{Reasons, Why, verdict};
use super::words::{minute, pick, standing, trigger};
use crate::books::certificate;
use crate::config::Config;
use crate::data_folder::{identity, member_zone, open_reader};
use crate::standing::{Line, Standing, newest_lines};

/// One row of `ledger --json`.
#[derive(Debug, Serialize)]
struct Row {
    epoch: u32,
    seq: u64,
    hash: String,
    about: &'static str,
    carried: bool,
    at_unix_s: i64,
    predicted: i64,
    state: &'static str,
    /// The entry of a later epoch that says it again and stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    carried_to: Option<String>,
    /// Points that the cloud paid or holds back; none while it has not spoken.
    paid: Option<i64>,
    verdict: Option<Verdict>,
    /// The reason that it earned nothing, and the caps that cut it.
    #[serde(flatten)]
    why: Why,
    /// The transaction, with evidence and awards; `None` when the entry does not verify.
    transaction: Option<Transaction>,
}

/// Output of `ledger --json`.
#[derive(Debug, Serialize)]
struct LedgerReport {
    entries: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<Verification>,
}

/// Prints the ledger, and verifies it if asked to; a ledger that does not verify is a failure.
pub(super) fn ledger(args: &LedgerArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    let reader = open_reader(&config)?;
    let verification = if args.verify {
        Some(verify(&reader, config.cloud.key)?)
    } else {
        None
    };
    let holds = verification.as_ref().is_none_or(Verification::holds);
    let certificate = certificate(&reader, &config.cloud.key)?;
    let who = identity(&certificate, &config);
    let lines = newest_lines(&reader, &who, args.last)?;
    let reasons = Reasons::open(&config, &reader);
    let why = |language| -> Vec<Why> {
        let places = 0..lines.len();
        places
            .map(|place| reasons.of(&lines, place, language))
            .collect()
    };
    if args.output.json {
        print_json(&LedgerReport {
            entries: lines
                .iter()
                .zip(why(Language::En))
                .map(|(line, why)| row(line, why))
                .collect(),
            verification,
        })?;
    } else {
        print_table(
            &lines,
            &why(args.output.language),
            &member_zone(&reader, &config),
            args.output.language,
        );
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

fn row(line: &Line, why: Why) -> Row {
    let activity = &line.activity;
    let verdict = verdict(&line.standing);
    Row {
        epoch: activity.point.epoch.get(),
        seq: activity.point.seq.get(),
        hash: activity.point.hash.to_string(),
        about: trigger(Language::En, activity.summary.trigger),
        carried: activity.summary.carried,
        at_unix_s: activity.summary.at.as_unix_s(),
        predicted: activity.summary.predicted.get(),
        state: standing(Language::En, &line.standing),
        carried_to: carried_to(&line.standing),
        paid: verdict.map(|verdict| verdict.paid().points.get()),
        verdict: verdict.cloned(),
        why,
        transaction: line.entry.as_ref().map(|entry| entry.transaction().clone()),
    }
}

fn carried_to(standing: &Standing) -> Option<String> {
    match standing {
        Standing::CarriedTo(point) => Some(place(*point)),
        Standing::Pending | Standing::Judged(_) | Standing::Settled => None,
    }
}

fn place(point: ChainPoint) -> String {
    format!("{}-{}", point.epoch, point.seq)
}

fn print_table(lines: &[Line], why: &[Why], zone: &TimeZone, language: Language) {
    if lines.is_empty() {
        outln!("{}", pick(language, "nothing was signed yet", "暂无记录"));
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        pick(language, "entry", "编号"),
        pick(language, "when", "时间"),
        pick(language, "about", "类型"),
        pick(language, "expected", "预计"),
        pick(language, "paid", "到账"),
        pick(language, "state", "状态"),
        pick(language, "reason", "原因"),
    ]);
    for (line, why) in lines.iter().zip(why) {
        let activity = &line.activity;
        let verdict = verdict(&line.standing);
        let at = ServerTime::from_unix_s(activity.summary.at.as_unix_s());
        table.add_row([
            place(activity.point),
            minute(at, zone),
            trigger(language, activity.summary.trigger).to_owned(),
            activity.summary.predicted.to_string(),
            verdict.map_or_else(String::new, |verdict| verdict.paid().points.to_string()),
            standing(language, &line.standing).to_owned(),
            carried_to(&line.standing).unwrap_or_else(|| why.text.clone()),
        ]);
    }
    for column in [3, 4] {
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
            pick(language, "holds", "通过")
        } else {
            pick(language, "FAILS", "未通过")
        };
        outln!("{mark:>8}  {} ({})", check.what, check.looked_at);
        for fault in &check.faults {
            outln!("          {fault}");
        }
    }
    let line = if verification.holds() {
        pick(language, "the ledger verifies", "账本校验通过")
    } else {
        pick(
            language,
            "the ledger does NOT verify; keep the data folder and ask service",
            "账本校验失败，请保留数据并联系售后",
        )
    };
    outln!("{line}");
}
