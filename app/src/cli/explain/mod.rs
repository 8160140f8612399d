//! `dashpoint explain`: what a recording or an entry is worth, and why.

mod measured;
mod page;
mod rules;
mod table;
mod totals;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use dashpoint_membership::{Entry, Epoch, Evidence, Seq, Text};
use dashpoint_store::StoreReader;
use dashpoint_telematics::{DischargeTrace, Driver, Finished, Marks, PrivateEvidence};
use dashpoint_ui::locale::Language;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::args::ExplainArgs;
use super::code_waits::refuse_before_enrolment;
use super::ledger_words::no_statement;
use super::out::{outln, print_json};
use super::why::Reasons;
use crate::books::{SaltedEvidence, certificate};
use crate::config::Config;
use crate::data_folder::{identity, member_zone, open_reader};
use crate::entry_status::read_entries_as_seen;
use crate::error::UsageError;
use crate::explain::{
    ExplainError, Explanation, NamedPolicy, RecordingError, Setting, SignedEntry, SignedSubject,
    Totals, explain as fold, explain_entry, read,
};
use crate::other_car::refuse_other_car;

/// Start of a recording without a date: the shipped policy is in force, and it is no late hour.
const START: DateTime = date(2026, 1, 1).at(8, 0, 0, 0);

/// Entries in which an entry and those after it are looked for.
const LINES_MAX: u32 = 10_000;

/// Several explanations, as `explain --json` has them.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    explained: Vec<&'a Explanation>,
    totals: &'a Totals,
}

/// Worth of the same sources by one policy and by another, as `explain --against --json` has it.
#[derive(Debug, Serialize)]
struct Compared {
    before: Totals,
    after: Totals,
}

/// Explains recordings and entries of the ledger: one in full, several with their totals, and by two policies the totals alone.
pub(super) fn explain(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let sources = sources(&args.what)?;
    let explained = explained(args, &sources, args.policy.as_deref())?;
    let has_failed = |all: &[(String, Explanation)]| {
        let mut all = all.iter();
        all.any(|(_, explanation)| explanation.has_failed_rule())
    };
    let mut is_failure = has_failed(&explained);
    let (json, language) = (args.output.json, args.output.language);
    // A program reads one shape for what it typed, however many recordings lie in a folder.
    let is_one = matches!(args.what.as_slice(), [what] if !Path::new(what).is_dir());
    match (&args.against, explained.as_slice()) {
        (Some(against), _) => {
            let after = self::explained(args, &sources, Some(against))?;
            is_failure |= has_failed(&after);
            let compared = Compared {
                before: Totals::of(&explained),
                after: Totals::of(&after),
            };
            if json {
                print_json(&compared)?;
            } else {
                table::print_totals(&[&compared.before, &compared.after], language);
            }
        }
        (None, [(_, one)]) if json && is_one => print_json(one)?,
        (None, [(_, one)]) if is_one => table::print(one, language),
        (None, several) => {
            let totals = Totals::of(several);
            if json {
                print_json(&Explained {
                    explained: several.iter().map(|(_, one)| one).collect(),
                    totals: &totals,
                })?;
            } else {
                for (_, one) in several {
                    table::print(one, language);
                    outln!();
                }
                table::print_totals(&[&totals], language);
            }
        }
    }
    Ok(if is_failure {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Lists what is to be explained: a folder stands for the recordings in it, by name.
fn sources(what: &[String]) -> Result<Vec<String>, ExplainError> {
    let mut sources = Vec::new();
    for what in what {
        let folder = Path::new(what);
        if folder.is_dir() {
            let recordings = recordings(folder)?;
            sources.extend(recordings.iter().map(|file| file.display().to_string()));
        } else {
            sources.push(what.clone());
        }
    }
    Ok(sources)
}

fn recordings(folder: &Path) -> Result<Vec<PathBuf>, ExplainError> {
    let unreadable = |source| {
        let path = folder.to_owned();
        ExplainError::Recording(RecordingError::Unreadable { path, source })
    };
    let mut files = Vec::new();
    for found in folder.read_dir().map_err(unreadable)? {
        let path = found.map_err(unreadable)?.path();
        if path.extension().is_some_and(|kind| kind == "csv") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        let path = folder.to_owned();
        return Err(RecordingError::Folder { path }.into());
    }
    Ok(files)
}

/// Explains each of them by a policy, with its name.
fn explained(
    args: &ExplainArgs,
    sources: &[String],
    policy: Option<&Path>,
) -> anyhow::Result<Vec<(String, Explanation)>> {
    let explain = |what: &String| match entry_named(what) {
        Some((epoch, seq)) => {
            let explanation = explain_signed(args, epoch, seq, policy)?;
            anyhow::Ok((what.clone(), explanation))
        }
        None => {
            let zone =
                TimeZone::get(&args.zone).map_err(|_| UsageError::Zone(args.zone.clone()))?;
            let setting = Setting {
                start: args.start.unwrap_or(START),
                zone: zone.clone(),
                wh_per_100_km: args.kwh_per_100km.map(|kwh| (kwh * 1_000.0) as u32),
            };
            let policy = NamedPolicy::load(policy)?;
            let path = Path::new(what);
            let recording = read(path, &setting).map_err(ExplainError::from)?;
            let name = path.file_name().unwrap_or(path.as_os_str());
            let name = name.to_string_lossy().into_owned();
            let explanation = fold(&name, &recording, &policy, &zone);
            Ok((name, explanation))
        }
    };
    sources.iter().map(explain).collect()
}

/// EPOCH-SEQ, unless a file is called so.
fn entry_named(what: &str) -> Option<(Epoch, Seq)> {
    let (epoch, seq) = what.split_once('-')?;
    let (epoch, seq) = (Epoch::new(epoch.parse().ok()?), Seq::new(seq.parse().ok()?));
    // Only as it is written everywhere: no sign, no leading zero.
    let is_so = format!("{epoch}-{seq}") == what && !Path::new(what).exists();
    is_so.then_some((epoch, seq))
}

fn explain_signed(
    args: &ExplainArgs,
    epoch: Epoch,
    seq: Seq,
    policy: Option<&Path>,
) -> anyhow::Result<Explanation> {
    let config = Config::load(&args.place.config)?;
    refuse_before_enrolment(&config, args.output.language)?;
    let reader = open_reader(&config)?;
    refuse_other_car(&config, &reader)?;
    let name = format!("{epoch}-{seq}");
    let certificate = certificate(&reader, &config.cloud.key)?;
    let stored = reader
        .entry(epoch, seq)?
        .ok_or_else(|| ExplainError::NoEntry {
            entry: name.clone(),
        })?;
    let signed = stored
        .raw
        .verify(&certificate.body().key, &certificate.body().device)
        .with_context(|| format!("entry {name} cannot be explained"))?;
    let entry = signed.body();
    let subject = finished(entry, stored.private).map_or_else(
        || SignedSubject::Member {
            transaction: entry.transaction().clone(),
            at_ms: entry.time.at.as_unix_s().saturating_mul(1_000),
        },
        |finished| SignedSubject::Measured(Box::new(finished)),
    );
    let is_of_entry = policy.is_none();
    let policy = match policy {
        Some(path) => NamedPolicy::load(Some(path))?,
        None => held_policy(&reader, &config, entry, &name)?,
    };
    let who = identity(&certificate, &config);
    let lines = read_entries_as_seen(&reader, &who, LINES_MAX)?;
    let place = lines
        .iter()
        .position(|line| line.activity.point == stored.point);
    let reasons = Reasons::open(&config, &reader);
    let own_policy = policy.policy.version() == entry.policy && is_of_entry;
    let in_both = |words: &dyn Fn(Language) -> String| Text {
        en: words(Language::English),
        zh: words(Language::Chinese),
    };
    let signed = SignedEntry {
        state: in_both(&|language| {
            place.map_or_else(String::new, |place| {
                let why = reasons.of(&lines, place, language);
                why.state(language, &lines[place].status).to_owned()
            })
        }),
        reason: in_both(&|language| {
            let why = place.map(|place| reasons.of(&lines, place, language).text);
            let why = why.unwrap_or_default();
            if why.is_empty() && !reasons.holds_statement() {
                no_statement(language).to_owned()
            } else {
                why
            }
        }),
        name,
        predicted: entry.predicted(),
        paid: place.and_then(|place| lines[place].status.paid()),
        awards: place
            .filter(|_| own_policy)
            .and_then(|place| reasons.awards(&lines, place)),
    };
    Ok(explain_entry(
        &signed,
        &subject,
        &policy,
        &member_zone(&reader, &config),
    ))
}

/// The policy that an entry was valued by, as the cache holds it.
fn held_policy(
    reader: &StoreReader,
    config: &Config,
    entry: &Entry,
    name: &str,
) -> anyhow::Result<NamedPolicy> {
    let held = reader.policies()?;
    let verified = held
        .into_iter()
        .find(|(version, _)| *version == entry.policy)
        .and_then(|(_, raw)| raw.verify(&config.cloud.key, &()).ok());
    let compiled = verified.and_then(|signed| {
        dashpoint_membership::CompiledPolicy::compile_known(signed.body().clone()).ok()
    });
    let policy = compiled.ok_or_else(|| ExplainError::NoPolicy {
        entry: name.to_owned(),
        version: entry.policy.get(),
    })?;
    Ok(NamedPolicy {
        name: NamedPolicy::OF_ENTRY.to_owned(),
        policy,
    })
}

/// The evidence of an entry, with what stayed in the car as far as it is held and is what was signed.
fn finished(entry: &Entry, private: Option<Vec<u8>>) -> Option<Finished> {
    let transaction = entry.transaction();
    let (evidence, digest) = transaction.evidence().zip(transaction.digest())?;
    let ended_ms = entry.time.at.as_unix_s().saturating_mul(1_000);
    let kept = private
        .and_then(|private| SaltedEvidence::signed_as(private, digest))
        .and_then(|kept| kept.decode());
    let exact_ms = |private: &PrivateEvidence| match private {
        PrivateEvidence::Trip(trace) => trace.ended_ms,
        PrivateEvidence::Charge(trace) => trace.ended_ms,
        PrivateEvidence::Discharge(trace) => trace.ended_ms,
    };
    let started = match evidence {
        Evidence::Trip(trip) => Some(trip.started),
        Evidence::Charge(charge) => charge.started,
        Evidence::Discharge(discharge) => discharge.started,
    };
    let coarse = PrivateEvidence::Discharge(DischargeTrace {
        started_ms: started.map(|started| started.as_unix_s().saturating_mul(1_000)),
        ended_ms,
    });
    Some(Finished {
        evidence: evidence.clone(),
        driver: Driver::Unidentified,
        ended_ms: kept.as_ref().map_or(ended_ms, exact_ms),
        utc_offset_min: entry.time.utc_offset_min,
        private: kept.unwrap_or(coarse),
        marks: Marks::default(),
    })
}
