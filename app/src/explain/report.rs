//! The explanation, as a machine reads it; the table is made from the same.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::profile::{Condition, FieldValue};
use dashpoint_membership::{Current, EntryKind, Factor, Grade, Milli, RuleId, Text};
use dashpoint_telematics::{BrakingSource, ChargeStep, Driver, Spell, TripEnd};
use serde::{Serialize, Serializer};

use super::assume::Assumption;
use super::member::CapUse;
use super::recording::RecordingKind;
use crate::unpaid::CapCut;

/// The transactions that were found, with their worth.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Source of the explanation.
    pub origin: Origin,
    /// Name of the policy.
    pub policy: String,
    /// Its version.
    pub policy_version: u32,
    /// Zone of the local times.
    pub zone: String,
    /// Taken and refused samples, by signal; only of a recording.
    pub signals: Vec<SignalReport>,
    /// Trips and sessions, in their order.
    pub found: Vec<Found>,
    /// All trips as one, when there is more than one.
    pub pooled: Option<Pooled>,
    /// The used part of each cap at the end.
    pub caps: Vec<CapUse>,
    /// Points in all; none for an entry: the ledger tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// Growth value in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<i64>,
}

impl Explanation {
    /// Returns whether a rule failed on what was found: such a rule pays nothing.
    #[must_use]
    pub fn has_failed_rule(&self) -> bool {
        let mut rules = self.found.iter().flat_map(|found| &found.rules);
        rules.any(|rule| rule.problem.is_some())
    }
}

/// Source of an explanation.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Origin {
    /// A recording.
    Recording {
        /// The file.
        file: String,
        /// Kind of its columns.
        columns: RecordingKind,
        /// Rows in it.
        rows: u64,
        /// Assumptions where it has no signal.
        assumed: BTreeSet<Assumption>,
        /// Rows of signals that the head unit does not use, by signal.
        unused: BTreeMap<String, u64>,
        /// True when a charging session was still open at its end: it is worth nothing yet.
        still_charging: bool,
    },
    /// An entry of the ledger.
    Entry {
        /// EPOCH-SEQ.
        entry: String,
        /// Points that the car predicted.
        predicted: i64,
        /// Points that the cloud paid; none while it has not spoken, or holds them back.
        paid: Option<i64>,
        /// Its state.
        state: Text,
        /// The reason of its state, or what completed its points; empty when there is nothing to say.
        reason: Text,
    },
}

/// One signal of a recording.
#[derive(Debug, Serialize)]
pub struct SignalReport {
    /// Its VSS path.
    pub path: &'static str,
    /// Samples taken.
    pub taken: u64,
    /// Samples refused, by kind.
    pub refused: BTreeMap<&'static str, u64>,
}

/// One trip or session.
#[derive(Debug, Serialize)]
pub struct Found {
    /// From 1.
    pub number: usize,
    /// Kind of the entry.
    #[serde(skip)]
    pub kind: EntryKind,
    /// The driver.
    pub driver: Driver,
    /// First moment, in milliseconds since 1970; unknown when the head unit slept.
    pub started_ms: Option<i64>,
    /// Last moment, in milliseconds since 1970.
    pub ended_ms: i64,
    /// Details of the transaction.
    pub seen: Seen,
    /// Values of the rule fields, by their names in rules.
    pub fields: BTreeMap<&'static str, FieldValue>,
    /// Each rule that looks at it.
    pub rules: Vec<RuleReport>,
    /// Points paid; none for an entry: the ledger tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// Growth value paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<i64>,
}

/// Details of a trip or a session.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Seen {
    /// A trip.
    Trip(TripReport),
    /// A charging session.
    Charge(ChargeReport),
    /// A session of giving back.
    Discharge(DischargeReport),
    /// The daily check-in, which has nothing that was measured.
    CheckIn,
}

/// A trip.
#[derive(Debug, Serialize)]
pub struct TripReport {
    /// By the odometer.
    pub distance_m: u64,
    /// By the integral of speed.
    pub speed_integral_m: u64,
    /// True when these two contradict each other.
    pub contradicts: bool,
    /// The reason of its end; unknown when the private evidence is not held.
    pub end: Option<TripEnd>,
    /// In motion or in traffic, in whole minutes, rounded up.
    pub driving_min: u32,
    /// In park with the ignition on.
    pub parked_s: u64,
    /// Of which nothing was seen.
    pub missed_s: u32,
    /// Energy drawn.
    pub used_wh: u32,
    /// Energy put back.
    pub regained_wh: u32,
    /// Carbon avoided by the factors of the policy, in grams; `None` when no energy was seen.
    pub co2_avoided_g: Option<i64>,
    /// Driving score times 100.
    pub score_x100: u16,
    /// Source of the braking; unknown when the private evidence is not held.
    pub braking_from: Option<BrakingSource>,
    /// Each factor of the model.
    pub factors: Vec<FactorReport>,
    /// Spells that are counted and not listed.
    pub spells_unlisted: u32,
}

/// One factor of the score.
#[derive(Debug, Serialize)]
pub struct FactorReport {
    /// The factor.
    pub factor: Factor,
    /// True when there was a signal for it.
    pub observed: bool,
    /// Time that counted against the driver.
    pub against_ms: u64,
    /// Time that it is a share of.
    pub base_ms: u64,
    /// The share in percent; for one without a signal, what the policy takes it for.
    pub percent: f64,
    /// The most percent that count.
    pub cap_percent: f64,
    /// Its part of the points that the score lacks, times 100; the parts add up.
    pub costs_x100: u16,
    /// Times at which it counted against the driver.
    #[serde(serialize_with = "with_units")]
    pub spells: Vec<Spell>,
}

/// Lists spells, each with its worst in the unit that its name tells.
fn with_units<S: Serializer>(spells: &[Spell], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(spells.iter().map(|spell| {
        let worst = match spell.factor {
            Factor::HardBraking | Factor::AggressiveTurning => "worst_mg",
            Factor::UnsafeFollowing => "worst_ms",
            Factor::LateNight => "worst_percent",
            Factor::ExcessiveSpeed | Factor::Unbuckled => "worst_m_per_h",
        };
        BTreeMap::from([
            ("from_ms", spell.from_ms),
            ("to_ms", spell.to_ms),
            (worst, spell.worst),
        ])
    }))
}

/// A charging session.
#[derive(Debug, Serialize)]
pub struct ChargeReport {
    /// By the counter.
    pub energy_wh: u64,
    /// Weighted by energy.
    pub renewable_permille: u16,
    /// Grade of the share.
    pub grade: Grade,
    /// Kind of current.
    pub current: Current,
    /// True when only the counter shows the session.
    pub reconstructed: bool,
    /// Highest power.
    pub power_max_w: u64,
    /// The energy by where it came from.
    pub steps: Vec<ChargeStep>,
}

/// A session of giving back.
#[derive(Debug, Serialize)]
pub struct DischargeReport {
    /// By the integral of power.
    pub energy_wh: u64,
}

/// One rule.
#[derive(Debug, Serialize)]
pub struct RuleReport {
    /// The rule.
    pub rule: RuleId,
    /// Title that the member reads.
    pub title: Text,
    /// True when its condition held.
    pub held: bool,
    /// True when it is only reported.
    pub shadow: bool,
    /// Its condition, part by part.
    pub conditions: Vec<Condition>,
    /// Formula of its points, as in the policy.
    pub formula: String,
    /// The fields that it looks at.
    pub fields: BTreeMap<&'static str, FieldValue>,
    /// Amount that the rule gives, in thousandths of a point.
    pub raw_milli: i64,
    /// Growth value that the rule gives, in thousandths.
    pub growth_milli: i64,
    /// Amount that is paid of it within the caps, in thousandths; not known of an entry.
    pub paid_milli: Option<i64>,
    /// Whole points, with what was left over from before: paid for a recording, predicted for an entry.
    pub points: Option<i64>,
    /// Thousandths among these points that earlier awards had left over; none without any, or where a cap cut a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_before_milli: Option<i64>,
    /// Thousandths carried on.
    pub carried_milli: Option<i64>,
    /// The cap that cut it.
    pub cut_by: Option<CapCut>,
    /// The reason that it could not be computed.
    pub problem: Option<String>,
}

/// All trips as one.
#[derive(Debug, Serialize)]
pub struct Pooled {
    /// The number of trips.
    pub trips: usize,
    /// By the odometer.
    pub distance_m: u64,
    /// Each factor of the model, from the seconds of all trips.
    pub factors: Vec<FactorReport>,
    /// The score of these.
    pub score_x100: u16,
}

/// Thousandths as a decimal number.
#[must_use]
pub fn decimal(milli: i64) -> String {
    let (whole, rest) = Milli::new(milli).split();
    format!("{whole}.{:03}", rest.get())
}
