//! Tables for people and JSON for programs, of the same values.

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;

use comfy_table::{Table, presets};
use dashpoint_membership::profile::RuleField;
use dashpoint_membership::{
    CatalogueVersion, DeviceId, EntryRef, LedgerVersion, Lot, MemberId, Meter, MeterInterval, Paid,
    Pending, Points, PolicyVersion, ReviewReason, ServerTime, Settlement, Statement,
};
use serde::{Serialize, Serializer};

use super::error::CliError;
use super::names::Names;
use super::verdict_text::{cause, review, verdict};
use crate::core::{
    DroppedRule, DroppedTier, EntryChange, EntryLine, NamedCap, PolicyLine, RuleLine,
};
use crate::store::{MemberLine, MeterReadings};

#[derive(Debug, Serialize)]
pub(super) struct BackedUp {
    pub backup: PathBuf,
}

/// A cloud that was made.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    pub public_key: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Started {
    pub url: String,
    pub public_key: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Pinned {
    pub public_key: String,
    pub cloud_key: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Added {
    pub member: MemberId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct RefusedRequest {
    pub refused: String,
}

#[derive(Debug, Serialize)]
pub(super) struct SignedVersion<T> {
    pub signed: T,
}

/// A version that was signed with the rules of an older one.
#[derive(Debug, Serialize)]
pub(super) struct Reverted<'a> {
    pub signed: PolicyVersion,
    pub rules_of: PolicyVersion,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub warnings: &'a [String],
}

#[derive(Debug, Serialize)]
pub(super) struct Checked<'a> {
    pub version: PolicyVersion,
    pub rules: usize,
    pub caps: usize,
    pub tiers: usize,
    /// The newest version of the cloud that it was compared with; none without a cloud.
    pub above: Option<PolicyVersion>,
    /// Rules of that version that this one lacks.
    pub dropped: &'a [DroppedRule],
    /// Tiers of that version that this one lacks.
    pub dropped_tiers: &'a [DroppedTier],
    /// Things that may be meant otherwise, each in a line.
    pub warnings: &'a [String],
}

/// A catalogue that can be signed.
#[derive(Debug, Serialize)]
pub(super) struct CheckedCatalogue {
    pub version: CatalogueVersion,
    pub benefits: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct MemberShown {
    pub member: MemberLine,
    #[serde(serialize_with = "lots_with_units")]
    pub lots: Vec<Lot>,
    #[serde(serialize_with = "pending_with_units")]
    pub pending: Vec<Pending>,
    pub devices: Vec<DeviceId>,
}

/// Lots as a program reads them; those of a statement have the keys that were signed.
fn lots_with_units<S: Serializer>(lots: &[Lot], to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct LotWithUnits {
        id: LedgerVersion,
        points: Points,
        remaining: Points,
        expires_unix_s: ServerTime,
    }
    to.collect_seq(lots.iter().map(|lot| LotWithUnits {
        id: lot.id,
        points: lot.points,
        remaining: lot.remaining,
        expires_unix_s: lot.expires,
    }))
}

fn pending_with_units<S: Serializer>(held: &[Pending], to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct PendingWithUnits {
        entry: EntryRef,
        paid: Paid,
        reason: ReviewReason,
        until_unix_s: ServerTime,
        expires_unix_s: ServerTime,
    }
    to.collect_seq(held.iter().map(|held| PendingWithUnits {
        entry: held.entry,
        paid: held.paid,
        reason: held.reason,
        until_unix_s: held.until,
        expires_unix_s: held.expires,
    }))
}

/// Counts things, with the noun for one and for more.
pub(super) fn counted(count: impl Display, one: &str, many: &str) -> String {
    let count = count.to_string();
    let noun = if count == "1" { one } else { many };
    format!("{count} {noun}")
}

/// Writes a value as JSON over several lines, or as people read it.
pub(super) fn either<T: Serialize>(
    out: &mut dyn Write,
    json: bool,
    value: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<(), CliError> {
    if json {
        serde_json::to_writer_pretty(&mut *out, value)?;
        writeln!(out)?;
    } else {
        out.write_all(text(value).as_bytes())?;
    }
    out.flush()?;
    Ok(())
}

/// The same, with JSON in one line.
pub(super) fn line<T: Serialize>(
    out: &mut dyn Write,
    json: bool,
    value: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<(), CliError> {
    if json {
        serde_json::to_writer(&mut *out, value)?;
        writeln!(out)?;
    } else {
        out.write_all(text(value).as_bytes())?;
    }
    out.flush()?;
    Ok(())
}

pub(super) fn members(lines: &[MemberLine]) -> String {
    let mut table = table([
        "member", "name", "zone", "joined", "points", "growth", "tier",
    ]);
    for line in lines {
        table.add_row([
            line.member.to_string(),
            line.name.clone(),
            line.zone.clone(),
            line.joined.to_string(),
            line.balance.to_string(),
            line.growth.to_string(),
            line.tier.clone(),
        ]);
    }
    written(&table)
}

pub(super) fn member(shown: &MemberShown, names: &Names) -> String {
    let mut out = members(std::slice::from_ref(&shown.member));
    if !shown.devices.is_empty() {
        let devices: Vec<_> = shown.devices.iter().map(|id| names.device(*id)).collect();
        out.push_str(&format!("\ndevices: {}\n", devices.join(", ")));
    }
    out.push_str(&lots(&shown.lots));
    out.push_str(&pending(&shown.pending));
    out
}

pub(super) fn fields(fields: &[RuleField]) -> String {
    let mut table = table(["on", "field", "type", "unit", "meaning"]);
    for field in fields {
        table.add_row([
            field.on.name(),
            field.name,
            field.kind,
            field.unit,
            field.about,
        ]);
    }
    format!(
        "{}check-in has no field. Operators: + - * / %, < <= > >= == !=, && || !, ?:, min(), max()\n",
        written(&table)
    )
}

pub(super) fn policies(lines: &[PolicyLine]) -> String {
    let mut table = table(["version", "valid from", "valid until", "rules", "in force"]);
    for line in lines {
        table.add_row([
            line.version.to_string(),
            line.valid_from.to_string(),
            line.valid_until.to_string(),
            line.rules.to_string(),
            if line.in_force { "yes" } else { "" }.to_owned(),
        ]);
    }
    written(&table)
}

pub(super) fn rules(lines: &[RuleLine]) -> String {
    let mut table = table([
        "rule", "", "entries", "held", "failed", "worth", "paid", "points",
    ]);
    for line in lines {
        let (whole, rest) = line.worth_milli.split();
        table.add_row([
            line.rule.to_string(),
            if line.shadow { "shadow" } else { "" }.to_owned(),
            line.entries.to_string(),
            line.entries_held.to_string(),
            line.entries_failed.to_string(),
            format!("{whole}.{:03}", rest.get()),
            line.entries_paid
                .map_or_else(String::new, |paid| paid.to_string()),
            line.paid_points
                .map_or_else(String::new, |points| points.to_string()),
        ]);
    }
    written(&table)
}

pub(super) fn entries(lines: &[EntryLine], names: &Names) -> String {
    let mut table = table([
        "entry",
        "kind",
        "measured",
        "happened",
        "arrived",
        "member",
        "predicted",
        "verdict",
    ]);
    for line in lines {
        let carried = if line.carried { " (carried)" } else { "" };
        table.add_row([
            line.entry.to_string(),
            format!("{}{carried}", line.kind),
            line.interval
                .map_or_else(String::new, |MeterReadings(interval)| length(interval)),
            line.happened.to_string(),
            line.arrived.to_string(),
            line.member
                .map_or_else(|| "nobody".to_owned(), |member| names.member(member)),
            line.predicted.to_string(),
            format!(
                "{}{}",
                verdict(&line.verdict, &line.cut_by),
                since(line.since)
            ),
        ]);
    }
    written(&table)
}

/// Writes how much of a meter a stretch is, to the unit.
fn length(interval: MeterInterval) -> String {
    let length = interval.length();
    let (whole, rest) = (length / 1_000, length % 1_000);
    match interval.meter {
        Meter::Odometer => format!("{whole}.{rest:03} km"),
        Meter::Charged | Meter::Discharged => format!("{whole}.{rest:03} kWh"),
    }
}

/// Says what became of an entry after its verdict.
fn since(change: Option<EntryChange>) -> String {
    match change {
        None => String::new(),
        Some(EntryChange::Paid(points)) => format!("; {points} paid since"),
        Some(EntryChange::TakenBack) => "; taken back since".to_owned(),
        Some(EntryChange::Refused) => "; refused since".to_owned(),
    }
}

/// A statement, with the caps that its settlements name.
#[derive(Debug, Serialize)]
pub(super) struct StatementShown<'a> {
    #[serde(flatten)]
    pub statement: &'a Statement,
    pub caps: Vec<NamedCap>,
}

pub(super) fn statement(shown: &StatementShown<'_>, names: &Names) -> String {
    let statement = shown.statement;
    let account = &statement.account;
    let mut out = format!(
        "member    {} ({})\nas of     {}, version {}\npoints    {}\ngrowth    {}\ntier      {}{}\n",
        statement.member,
        statement.profile.name,
        statement.issued,
        account.version,
        account.balance(),
        account.growth,
        account.tier.tier,
        account
            .tier
            .until
            .map_or_else(String::new, |until| format!(", until {until}")),
    );
    if !account.arrears.is_zero() {
        out.push_str(&format!("owed      {}\n", account.arrears));
    }
    out.push_str(&lots(&account.lots));
    out.push_str(&pending(&account.pending));
    out.push_str(&settlements(&statement.settlements, &shown.caps));
    if !statement.covers.is_empty() {
        out.push('\n');
    }
    for (device, cover) in &statement.covers {
        out.push_str(&format!(
            "covers device {} up to entry {}-{}\n",
            names.device(*device),
            cover.epoch,
            cover.through
        ));
    }
    out
}

fn lots(lots: &[Lot]) -> String {
    if lots.is_empty() {
        return String::new();
    }
    let mut table = table(["lot", "points", "left", "expires"]);
    for lot in lots {
        table.add_row([
            lot.id.to_string(),
            lot.points.to_string(),
            lot.remaining.to_string(),
            lot.expires.to_string(),
        ]);
    }
    format!("\n{}", written(&table))
}

fn pending(held: &[Pending]) -> String {
    if held.is_empty() {
        return String::new();
    }
    let mut table = table(["held back for", "points", "growth", "reason", "until"]);
    for held in held {
        table.add_row([
            held.entry.to_string(),
            held.paid.points.to_string(),
            held.paid.growth.to_string(),
            review(held.reason).to_owned(),
            held.until.to_string(),
        ]);
    }
    format!("\n{}", written(&table))
}

fn settlements(settlements: &[Settlement], caps: &[NamedCap]) -> String {
    if settlements.is_empty() {
        return String::new();
    }
    let mut table = table(["version", "at", "cause", "points", "growth"]);
    for settlement in settlements {
        table.add_row([
            settlement.version.to_string(),
            time(settlement.at),
            cause(&settlement.cause, caps),
            settlement.points.to_string(),
            settlement.growth.to_string(),
        ]);
    }
    format!("\n{}", written(&table))
}

pub(super) fn time(at: ServerTime) -> String {
    at.to_string()
}

pub(super) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table
}

/// One line a row, whatever the width of the terminal, so that `grep` and `awk` work on it.
pub(super) fn written(table: &Table) -> String {
    let mut out = String::new();
    for line in table.lines() {
        out.push_str(line.trim());
        out.push('\n');
    }
    out
}
