//! Explains the earnings of a recording as the head unit would compute them: no cloud, no broker, no clock.
//!
//! The same fold and the same rules as on the road, under any policy, on the account of a member who does not exist.

mod assume;
mod error;
mod explainer;
mod member;
mod policy;
mod recording;
mod report;
mod totals;

use dashpoint_membership::{Award, CompiledPolicy, Points, RuleId, ServerTime, Text, Transaction};
use dashpoint_telematics::{Finished, Marks, Outcome, Settings, Telematics};
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use assume::Assumption;
pub use error::ExplainError;
pub use policy::NamedPolicy;
pub use recording::{ROWS_MAX, Recording, RecordingError, RecordingKind, Setting, read};
pub use report::{
    ChargeReport, Explanation, FactorReport, Found, Origin, Pooled, RuleReport, Seen, TripReport,
    decimal,
};
pub use totals::{RuleTotal, Totals};

use crate::unpaid::CapCut;
use explainer::{Explainer, about};
use member::{Earned, Imagined, RulePaid};

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
                | Outcome::VehicleFact(_)
                | Outcome::TripStarted { .. }
                | Outcome::Mark(_)
                | Outcome::MeterOpened(_)
                | Outcome::Checkpoint(_) => {}
            }
        }
    };
    for sample in &recording.samples {
        keep(telematics.observe(sample));
    }
    keep(telematics.drain());
    keep(telematics.quiet(Telematics::QUIET_MS_MAX));

    let start = ServerTime::from_unix_s(from_ms.div_euclid(1_000));
    let in_force = covering(&policy.policy, start);
    let mut imagined = Imagined::new(in_force, zone, start);
    let explainer = explainer(policy, zone);
    let found = finished
        .iter()
        .enumerate()
        .map(|(index, finished)| {
            let earned = imagined.earn(finished);
            explainer.found(index + 1, finished, Some(&earned))
        })
        .collect();
    explainer.explanation(
        about(name, recording, telematics.is_charging()),
        explainer::signals(telematics.counts()),
        found,
        imagined.caps(),
    )
}

/// Account of a signed entry, as the ledger has it.
#[derive(Debug)]
pub struct SignedEntry {
    /// EPOCH-SEQ.
    pub name: String,
    /// Points that the car predicted.
    pub predicted: Points,
    /// Points that the cloud paid; none while it has not spoken, or holds them back.
    pub paid: Option<Points>,
    /// Its state.
    pub state: Text,
    /// The reason of its state; empty when there is none.
    pub reason: Text,
    /// Its awards, with the cap that cut each; none under another policy than its own.
    pub awards: Option<Vec<(Award, Option<CapCut>)>>,
}

/// Subject of a signed entry.
#[derive(Debug)]
pub enum SignedSubject {
    /// A trip or a session, with what stayed in the car.
    Measured(Box<Finished>),
    /// Action of the member on the screen, such as a check-in.
    Member {
        /// The transaction.
        transaction: Transaction,
        /// Time of it, in milliseconds since 1970.
        at_ms: i64,
    },
}

/// Explains what was signed before, under a policy.
#[must_use]
pub fn explain_entry(
    entry: &SignedEntry,
    subject: &SignedSubject,
    policy: &NamedPolicy,
    zone: &TimeZone,
) -> Explanation {
    let explainer = explainer(policy, zone);
    let earned = entry.awards.as_ref().map(|awards| Earned {
        rules: awards.iter().map(of_award).collect(),
        paid: None,
    });
    let found = vec![match subject {
        SignedSubject::Measured(finished) => explainer.found(1, finished, earned.as_ref()),
        SignedSubject::Member { transaction, at_ms } => {
            explainer.found_member(transaction, *at_ms, earned.as_ref())
        }
    }];
    let origin = Origin::Entry {
        entry: entry.name.clone(),
        predicted: entry.predicted.get(),
        paid: entry.paid.map(Points::get),
        state: entry.state.clone(),
        reason: entry.reason.clone(),
    };
    explainer.explanation(origin, Vec::new(), found, Vec::new())
}

fn of_award((award, cut): &(Award, Option<CapCut>)) -> (RuleId, RulePaid) {
    let paid = RulePaid {
        paid: None,
        points: award.predicted,
        carried: None,
        cut_by: cut.clone(),
    };
    (award.rule.clone(), paid)
}

fn explainer<'a>(policy: &'a NamedPolicy, zone: &'a TimeZone) -> Explainer<'a> {
    Explainer { policy, zone }
}

/// The policy as if it had always been in force: a recording may be older than it.
fn covering(policy: &CompiledPolicy, at: ServerTime) -> CompiledPolicy {
    let mut covering = policy.policy().clone();
    covering.valid_from = covering.valid_from.min(at);
    covering.valid_until = covering.valid_until.max(at.plus_s(366 * 86_400));
    CompiledPolicy::compile_known(covering).unwrap_or_else(|_| policy.clone())
}
