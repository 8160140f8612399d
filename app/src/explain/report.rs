//! The explanation, as a machine reads it; the table is made from the same.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::policy::{ScoreModel, Trigger};
use dashpoint_membership::{
    Charge, Current, Discharge, Evidence, Factor, FactorSeen, Grade, Milli, RuleId, Text, Trip,
    appraise, co2_avoided_g, score_x100,
};
use dashpoint_telematics::{
    BrakingSource, ChargeTrace, Counts, Driver, Finished, PrivateEvidence, Signal, Spell, TripEnd,
    TripTrace,
};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::assume::Assumption;
use super::member::{CapUse, Earned};
use super::recording::{Recording, RecordingKind};
use super::rules::{Condition, Probe, mentions};
use super::{NamedPolicy, transaction};

/// What was found, and what it is worth.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Where it comes from.
    pub origin: Origin,
    /// Name of the policy.
    pub policy: String,
    /// Its version.
    pub policy_version: u32,
    /// Zone of the local times.
    pub zone: String,
    /// What was taken and refused, by signal; only of a recording.
    pub signals: Vec<SignalReport>,
    /// Trips and sessions, in their order.
    pub found: Vec<Found>,
    /// All trips as one, when there is more than one.
    pub pooled: Option<Pooled>,
    /// How far the caps are used at the end.
    pub caps: Vec<CapUse>,
    /// Points in all.
    pub points: i64,
    /// Growth value in all.
    pub growth: i64,
}

/// Where an explanation comes from.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Origin {
    /// A recording.
    Recording {
        /// The file.
        file: String,
        /// What its columns are.
        columns: RecordingKind,
        /// Rows in it.
        rows: u64,
        /// What it does not say and was assumed.
        assumed: BTreeSet<Assumption>,
        /// Rows of signals that the head unit does not use, by signal.
        unused: BTreeMap<String, u64>,
        /// Whether a charging session was still open at its end: it is worth nothing yet.
        still_charging: bool,
    },
    /// An entry of the ledger.
    Entry {
        /// EPOCH/SEQ.
        entry: String,
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
    /// Who was driving.
    pub driver: Driver,
    /// First moment, in milliseconds since 1970; unknown when the head unit slept.
    pub started_ms: Option<i64>,
    /// Last moment, in milliseconds since 1970.
    pub ended_ms: i64,
    /// What was seen.
    pub seen: Seen,
    /// What the rules see of it, by the names that rules use.
    pub fields: BTreeMap<&'static str, String>,
    /// Each rule that looks at it.
    pub rules: Vec<RuleReport>,
    /// Points paid; none for an entry: the ledger tells.
    pub points: Option<i64>,
    /// Growth value paid.
    pub growth: Option<i64>,
}

/// What was seen of a trip or a session.
#[derive(Debug, Serialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Seen {
    /// A trip.
    Trip(TripReport),
    /// A charging session.
    Charge(ChargeReport),
    /// A session of giving back.
    Discharge(DischargeReport),
}

/// A trip.
#[derive(Debug, Serialize)]
pub struct TripReport {
    /// By the odometer.
    pub distance_m: u64,
    /// By the integral of speed.
    pub speed_integral_m: u64,
    /// Whether these two tell two stories.
    pub contradicts: bool,
    /// Why it ended; unknown when the private evidence is not held.
    pub end: Option<TripEnd>,
    /// In motion or in traffic.
    pub driving_s: u32,
    /// In park with the ignition on.
    pub parked_s: u64,
    /// Of which nothing was seen.
    pub missed_s: u32,
    /// Energy drawn.
    pub used_wh: u32,
    /// Energy put back.
    pub regained_wh: u32,
    /// Carbon avoided by the factors of the policy, in grams.
    pub co2_avoided_g: i64,
    /// Driving score times 100.
    pub score_x100: u16,
    /// What the braking was taken from; unknown when the private evidence is not held.
    pub braking_from: Option<BrakingSource>,
    /// Each factor of the model.
    pub factors: Vec<FactorReport>,
    /// Spells that are counted and not listed.
    pub spells_unlisted: u32,
}

/// One factor of the score.
#[derive(Debug, Serialize)]
pub struct FactorReport {
    /// Which.
    pub factor: Factor,
    /// Whether there was a signal for it.
    pub observed: bool,
    /// Time that counted against the driver.
    pub against_ms: u64,
    /// Time that it is a share of.
    pub base_ms: u64,
    /// The share in percent; for one without a signal, what the policy takes it for.
    pub percent: f64,
    /// The most percent that count.
    pub cap_percent: f64,
    /// How much higher the score would be, times 100, had it never counted against the driver.
    pub costs_x100: u16,
    /// When it counted against the driver.
    pub spells: Vec<Spell>,
}

/// A charging session.
#[derive(Debug, Serialize)]
pub struct ChargeReport {
    /// By the counter.
    pub energy_wh: u64,
    /// Weighted by energy.
    pub renewable_permille: u16,
    /// How good the word on that is.
    pub grade: Grade,
    /// Kind of current.
    pub current: Current,
    /// Whether only the counter told of it.
    pub reconstructed: bool,
    /// Highest power.
    pub power_max_w: u64,
    /// The energy by where it came from.
    pub steps: Vec<dashpoint_telematics::ChargeStep>,
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
    /// Which.
    pub rule: RuleId,
    /// What the member reads.
    pub title: Text,
    /// Whether it held.
    pub held: bool,
    /// Whether it is only reported.
    pub shadow: bool,
    /// Its condition, part by part.
    pub conditions: Vec<Condition>,
    /// What it pays, as the policy has it.
    pub formula: String,
    /// The fields that it looks at.
    pub fields: BTreeMap<&'static str, String>,
    /// What it says, in thousandths of a point.
    pub raw_milli: i64,
    /// What it says for the growth value, in thousandths.
    pub growth_milli: i64,
    /// What is paid of it within the caps, in thousandths.
    pub paid_milli: Option<i64>,
    /// Whole points, with what was carried from before.
    pub points: Option<i64>,
    /// Thousandths carried on.
    pub carried_milli: Option<i64>,
    /// The cap that cut it.
    pub cut_by: Option<String>,
    /// Why it could not be computed.
    pub problem: Option<String>,
}

/// All trips as one.
#[derive(Debug, Serialize)]
pub struct Pooled {
    /// How many.
    pub trips: usize,
    /// By the odometer.
    pub distance_m: u64,
    /// Each factor of the model, from the seconds of all trips.
    pub factors: Vec<FactorReport>,
    /// The score of these.
    pub score_x100: u16,
}

/// Writes the explanation.
pub(super) struct Scribe<'a> {
    pub(super) policy: &'a NamedPolicy,
    pub(super) zone: &'a TimeZone,
    pub(super) probes: Vec<Probe>,
}

/// Says what a recording is.
pub(super) fn about(name: &str, recording: &Recording, still_charging: bool) -> Origin {
    Origin::Recording {
        file: name.to_owned(),
        columns: recording.kind,
        rows: recording.rows,
        assumed: recording.assumed.clone(),
        unused: recording.unused.clone(),
        still_charging,
    }
}

/// What was taken and refused.
pub(super) fn signals(counts: &Counts) -> Vec<SignalReport> {
    let report = |(signal, counts): (Signal, &dashpoint_telematics::SignalCounts)| SignalReport {
        path: signal.path(),
        taken: counts.taken,
        refused: counts
            .faults
            .iter()
            .map(|(fault, times)| (fault.name(), *times))
            .collect(),
    };
    counts.iter().map(report).collect()
}

impl Scribe<'_> {
    pub(super) fn explanation(
        &self,
        origin: Origin,
        signals: Vec<SignalReport>,
        found: Vec<Found>,
        caps: Vec<CapUse>,
    ) -> Explanation {
        Explanation {
            origin,
            policy: self.policy.name.clone(),
            policy_version: self.policy.policy.version().get(),
            zone: self.zone.iana_name().unwrap_or("UTC").to_owned(),
            signals,
            pooled: self.pooled(&found),
            points: found.iter().filter_map(|found| found.points).sum(),
            growth: found.iter().filter_map(|found| found.growth).sum(),
            found,
            caps,
        }
    }

    pub(super) fn found(
        &self,
        number: usize,
        finished: &Finished,
        earned: Option<&Earned>,
    ) -> Found {
        let transaction = transaction(&finished.evidence);
        let appraisals = appraise(&self.policy.policy, &transaction);
        let named = appraisals.first().map(|appraisal| appraisal.fields.clone());
        let fields: BTreeMap<_, _> = named
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name, shown(name, value, &finished.evidence)))
            .collect();
        let rules = appraisals
            .iter()
            .filter_map(|appraisal| {
                let policy = self.policy.policy.policy();
                let rule = policy.rules.iter().find(|rule| rule.id == appraisal.rule)?;
                let probe = self.probes.iter().find(|probe| *probe.rule() == rule.id)?;
                let paid = earned.map(|earned| earned.rules.get(&rule.id));
                let of = |amount: fn(&super::member::RulePaid) -> i64| {
                    paid.map(|paid| paid.map_or(0, amount))
                };
                Some(RuleReport {
                    rule: rule.id.clone(),
                    title: rule.title.clone(),
                    held: appraisal.held,
                    shadow: rule.shadow,
                    conditions: probe.conditions(&transaction),
                    formula: rule.points.clone(),
                    fields: fields
                        .iter()
                        .filter(|(name, _)| mentions(rule, name))
                        .map(|(name, value)| (*name, value.clone()))
                        .collect(),
                    raw_milli: appraisal.points.get(),
                    growth_milli: appraisal.growth.get(),
                    paid_milli: of(|paid| paid.paid.get()),
                    points: of(|paid| paid.points.get()),
                    carried_milli: of(|paid| paid.carried.get()),
                    cut_by: paid
                        .flatten()
                        .and_then(|paid| paid.cut_by.as_ref())
                        .map(ToString::to_string),
                    problem: appraisal.problem.map(|problem| problem.to_string()),
                })
            })
            .collect();
        Found {
            number,
            driver: finished.driver.clone(),
            started_ms: started_ms(finished),
            ended_ms: finished.ended_ms,
            seen: self.seen(finished),
            fields,
            rules,
            points: earned.map(|earned| earned.paid.points.get()),
            growth: earned.map(|earned| earned.paid.growth.get()),
        }
    }

    fn seen(&self, finished: &Finished) -> Seen {
        match (&finished.evidence, &finished.private) {
            (Evidence::Trip(trip), PrivateEvidence::Trip(trace)) => {
                Seen::Trip(self.trip(trip, Some(trace)))
            }
            (Evidence::Trip(trip), _) => Seen::Trip(self.trip(trip, None)),
            (Evidence::Charge(charge), PrivateEvidence::Charge(trace)) => {
                Seen::Charge(charge_report(charge, Some(trace)))
            }
            (Evidence::Charge(charge), _) => Seen::Charge(charge_report(charge, None)),
            (Evidence::Discharge(Discharge { discharged, .. }), _) => {
                Seen::Discharge(DischargeReport {
                    energy_wh: discharged.length(),
                })
            }
        }
    }

    fn trip(&self, trip: &Trip, trace: Option<&TripTrace>) -> TripReport {
        let policy = self.policy.policy.policy();
        let distance_m = trip.odometer.length();
        let net_wh = i64::from(trip.used_wh) - i64::from(trip.regained_wh);
        let spells = trace.map_or(&[][..], |trace| &trace.spells);
        TripReport {
            distance_m,
            speed_integral_m: trace.map_or(0, |trace| trace.speed_integral_m),
            contradicts: trace.is_some_and(|trace| trace.contradicts(distance_m)),
            end: trace.map(|trace| trace.end),
            driving_s: trip.driving_s,
            parked_s: trace.map_or(0, |trace| trace.parked_ms / 1_000),
            missed_s: trip.missed_s,
            used_wh: trip.used_wh,
            regained_wh: trip.regained_wh,
            co2_avoided_g: co2_avoided_g(
                &policy.carbon,
                i64::try_from(distance_m).unwrap_or(i64::MAX),
                net_wh,
            ),
            score_x100: score_x100(&policy.score, &trip.factors),
            braking_from: trace.map(|trace| trace.braking),
            factors: factors(&policy.score, &trip.factors, spells),
            spells_unlisted: trace.map_or(0, |trace| trace.spells_unlisted),
        }
    }

    fn pooled(&self, found: &[Found]) -> Option<Pooled> {
        let trips: Vec<&TripReport> = found
            .iter()
            .filter_map(|found| match &found.seen {
                Seen::Trip(trip) => Some(trip),
                Seen::Charge(_) | Seen::Discharge(_) => None,
            })
            .collect();
        if trips.len() < 2 {
            return None;
        }
        let mut seen: BTreeMap<Factor, FactorSeen> = BTreeMap::new();
        for report in trips.iter().flat_map(|trip| &trip.factors) {
            if report.observed {
                let pool = seen.entry(report.factor).or_insert(FactorSeen {
                    factor: report.factor,
                    against_ms: 0,
                    base_ms: 0,
                });
                pool.against_ms += report.against_ms;
                pool.base_ms += report.base_ms;
            }
        }
        let seen: Vec<FactorSeen> = seen.into_values().collect();
        let model = &self.policy.policy.policy().score;
        Some(Pooled {
            trips: trips.len(),
            distance_m: trips.iter().map(|trip| trip.distance_m).sum(),
            factors: factors(model, &seen, &[]),
            score_x100: score_x100(model, &seen),
        })
    }
}

fn started_ms(finished: &Finished) -> Option<i64> {
    match &finished.private {
        PrivateEvidence::Trip(trace) => Some(trace.started_ms),
        PrivateEvidence::Charge(trace) => trace.started_ms,
        PrivateEvidence::Discharge(trace) => trace.started_ms,
    }
}

fn factors(model: &ScoreModel, seen: &[FactorSeen], spells: &[Spell]) -> Vec<FactorReport> {
    let score = score_x100(model, seen);
    let report = |factor: &dashpoint_membership::policy::FactorModel| {
        let observed = seen.iter().find(|seen| seen.factor == factor.factor);
        let (against_ms, base_ms) = observed.map_or((0, 0), |seen| (seen.against_ms, seen.base_ms));
        let share = if base_ms == 0 {
            0.0
        } else {
            against_ms as f64 * 100.0 / base_ms as f64
        };
        let mut without: Vec<FactorSeen> = seen
            .iter()
            .filter(|seen| seen.factor != factor.factor)
            .copied()
            .collect();
        without.push(FactorSeen {
            factor: factor.factor,
            against_ms: 0,
            base_ms: 1,
        });
        FactorReport {
            factor: factor.factor,
            observed: observed.is_some(),
            against_ms,
            base_ms,
            percent: if observed.is_some() {
                share
            } else {
                factor.unobserved_percent.to_f64()
            },
            cap_percent: factor.cap_percent.to_f64(),
            costs_x100: score_x100(model, &without).saturating_sub(score),
            spells: spells
                .iter()
                .filter(|spell| spell.factor == factor.factor)
                .copied()
                .collect(),
        }
    };
    model.factors.iter().map(report).collect()
}

fn charge_report(charge: &Charge, trace: Option<&ChargeTrace>) -> ChargeReport {
    ChargeReport {
        energy_wh: charge.charged.length(),
        renewable_permille: charge.renewable_permille,
        grade: charge.grade,
        current: charge.current,
        reconstructed: charge.started.is_none(),
        power_max_w: trace.map_or(0, |trace| trace.power_max_w),
        steps: trace.map_or_else(Vec::new, |trace| trace.steps.clone()),
    }
}

/// A field as a rule would write its value.
fn shown(name: &str, value: i64, evidence: &Evidence) -> String {
    if let (Evidence::Charge(charge), "grade" | "current") = (evidence, name) {
        let word = match name {
            "grade" => match charge.grade {
                Grade::Metered => "metered",
                Grade::Declared => "declared",
                Grade::Estimated => "estimated",
            },
            _ => match charge.current {
                Current::Ac => "ac",
                Current::Dc => "dc",
                Current::Unknown => "unknown",
            },
        };
        return word.to_owned();
    }
    if name == "reconstructed" || name.ends_with("_observed") {
        return (value != 0).to_string();
    }
    value.to_string()
}

impl Seen {
    /// Which rules look at it.
    #[must_use]
    pub const fn trigger(&self) -> Trigger {
        match self {
            Self::Trip(_) => Trigger::Trip,
            Self::Charge(_) => Trigger::Charge,
            Self::Discharge(_) => Trigger::Discharge,
        }
    }
}

/// Thousandths as a decimal number.
#[must_use]
pub fn decimal(milli: i64) -> String {
    let (whole, rest) = Milli::new(milli).split();
    format!("{whole}.{:03}", rest.get())
}
