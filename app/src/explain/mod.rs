//! Explains the earnings of a recording as the head unit would compute them: no cloud, no broker, no clock.
//!
//! The same fold and the same rules as on the road, under any policy, on the account of a member who does not exist.

mod assume;
mod member;
mod recording;
mod report;
mod rules;
mod scribe;

use std::path::{Path, PathBuf};

use dashpoint_membership::{
    CompiledPolicy, DEFAULT_POLICY_TOML, Evidence, Policy, PolicyError, ServerTime, Transaction,
};
use dashpoint_telematics::{Finished, Marks, Outcome, Settings, Telematics};
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use assume::Assumption;
pub use recording::{Recording, RecordingError, RecordingKind, Setting, read};
pub use report::{
    ChargeReport, Explanation, FactorReport, Found, Origin, Pooled, RuleReport, Seen, TripReport,
    decimal,
};

use member::Imagined;
use rules::Probe;
pub(crate) use rules::{conjuncts, mentions};
use scribe::{Scribe, about};

/// Time after the last row at which a trip counts as over, in milliseconds: longer than any gap within one.
const END_MS: i64 = 150_000;

/// Reasons that nothing can be explained: one line each.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The recording.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The policy cannot be read.
    #[error("{}: cannot be read", path.display())]
    PolicyUnreadable {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The policy is no TOML, or lacks something.
    #[error("{name}: line {line}: {what}")]
    PolicyShape {
        /// Name of the policy.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Message of the parser.
        what: String,
    },
    /// The policy is wrong.
    #[error("{name}")]
    PolicyWrong {
        /// Name of the policy.
        name: String,
        /// The place and the reason.
        source: Box<PolicyError>,
    },
    /// There is no such entry.
    #[error("{entry}: no such entry in the ledger; see `dashpoint ledger`")]
    NoEntry {
        /// The entry.
        entry: String,
    },
    /// The entry is about nothing that was driven or charged.
    #[error("{entry}: neither a trip nor a charging session; nothing was recorded for it")]
    NoEvidence {
        /// The entry.
        entry: String,
    },
    /// The ledger does not hold the policy that it was valued by.
    #[error("{entry}: policy {version} is not held any more; give one with --policy FILE")]
    NoPolicy {
        /// The entry.
        entry: String,
        /// Number of the version.
        version: u32,
    },
}

/// A policy and what to call it.
#[derive(Debug, Clone)]
pub struct NamedPolicy {
    /// The file, or that it is the shipped one.
    pub name: String,
    /// The policy.
    pub policy: CompiledPolicy,
}

impl NamedPolicy {
    /// Reads a policy from a file; without one, the policy that the programme ships with.
    ///
    /// # Errors
    /// [`ExplainError`], one line that names the place.
    pub fn load(path: Option<&Path>) -> Result<Self, ExplainError> {
        let (name, text) = match path {
            None => ("shipped policy".to_owned(), DEFAULT_POLICY_TOML.to_owned()),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| {
                    ExplainError::PolicyUnreadable {
                        path: path.to_owned(),
                        source,
                    }
                })?;
                (path.display().to_string(), text)
            }
        };
        let policy: Policy = toml::from_str(&text).map_err(|error| ExplainError::PolicyShape {
            name: name.clone(),
            line: error
                .span()
                .map_or(1, |span| text[..span.start].lines().count().max(1)),
            what: error.message().replace('\n', " "),
        })?;
        match CompiledPolicy::compile(policy) {
            Ok(policy) => Ok(Self { name, policy }),
            Err(source) => Err(ExplainError::PolicyWrong {
                name,
                source: Box::new(source),
            }),
        }
    }
}

/// Folds a recording and values what is in it.
#[must_use]
pub fn explain(
    name: &str,
    recording: &Recording,
    policy: &NamedPolicy,
    zone: &TimeZone,
) -> Explanation {
    let from_ms = recording.samples.first().map_or(0, |sample| sample.ts_ms);
    let at = Timestamp::from_millisecond(from_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let offset_min = i16::try_from(zone.to_offset(at).seconds() / 60).unwrap_or(0);
    let settings = Settings::new(policy.policy.policy(), offset_min);
    let mut telematics = Telematics::new(settings, Marks::default());
    let mut finished = Vec::new();
    let mut keep = |outcomes: Vec<Outcome>| {
        for outcome in outcomes {
            match outcome {
                Outcome::Finished(over) => finished.push(*over),
                Outcome::DriveState(_)
                | Outcome::TripStarted { .. }
                | Outcome::Mark(_)
                | Outcome::Checkpoint(_) => {}
            }
        }
    };
    for sample in &recording.samples {
        keep(telematics.observe(sample));
    }
    keep(telematics.drain());
    keep(telematics.quiet(END_MS));

    let start = ServerTime::from_unix_s(from_ms.div_euclid(1_000));
    let in_force = covering(&policy.policy, start);
    let mut imagined = Imagined::new(in_force, zone, start);
    let scribe = scribe(policy, zone);
    let found = finished
        .iter()
        .enumerate()
        .map(|(index, finished)| {
            let earned = imagined.earn(finished);
            scribe.found(index + 1, finished, Some(&earned))
        })
        .collect();
    scribe.explanation(
        about(name, recording, telematics.is_charging()),
        scribe::signals(telematics.counts()),
        found,
        imagined.caps(),
    )
}

/// Explains evidence that was signed before, under a policy; what was paid for it is the ledger's to tell.
#[must_use]
pub fn explain_entry(
    entry: &str,
    finished: &Finished,
    policy: &NamedPolicy,
    zone: &TimeZone,
) -> Explanation {
    let scribe = scribe(policy, zone);
    let found = vec![scribe.found(1, finished, None)];
    let origin = Origin::Entry {
        entry: entry.to_owned(),
    };
    scribe.explanation(origin, Vec::new(), found, Vec::new())
}

fn scribe<'a>(policy: &'a NamedPolicy, zone: &'a TimeZone) -> Scribe<'a> {
    let rules = &policy.policy.policy().rules;
    let probes = rules
        .iter()
        .map(|rule| Probe::new(&policy.policy, rule))
        .collect();
    Scribe {
        policy,
        zone,
        probes,
    }
}

/// The policy as if it had always been in force: a recording may be older than it.
fn covering(policy: &CompiledPolicy, at: ServerTime) -> CompiledPolicy {
    let mut covering = policy.policy().clone();
    covering.valid_from = covering.valid_from.min(at);
    covering.valid_until = covering.valid_until.max(at.plus_s(366 * 86_400));
    CompiledPolicy::compile(covering).unwrap_or_else(|_| policy.clone())
}

/// The transaction of evidence, before it is valued.
fn transaction(evidence: &Evidence) -> Transaction {
    Transaction::Earn {
        evidence: evidence.clone(),
        digest: dashpoint_membership::EvidenceDigest::from_bytes([0; 32]),
        awards: Vec::new(),
    }
}
