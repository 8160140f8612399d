//! Makes the explanation of what was found.

use std::collections::BTreeMap;

use dashpoint_membership::policy::ScoreModel;
use dashpoint_membership::profile::{Facts, FieldValue};
use dashpoint_membership::{
    Charge, Discharge, Evidence, EvidenceDigest, Factor, FactorSeen, Milli, Transaction, Trip,
    appraise, co2_avoided_g, factor_costs_x100, score_x100,
};
use dashpoint_telematics::{
    ChargeTrace, Counts, Driver, Finished, PrivateEvidence, Signal, SignalCounts, Spell, TripTrace,
};
use jiff::tz::TimeZone;

use super::member::{CapUse, Earned, RulePaid};
use super::policy::NamedPolicy;
use super::recording::Recording;
use super::report::{
    ChargeReport, DischargeReport, Explanation, FactorReport, Found, Origin, Pooled, RuleReport,
    Seen, SignalReport, TripReport,
};

/// Makes the explanation of what was found, under one policy.
pub(super) struct Explainer<'a> {
    pub(super) policy: &'a NamedPolicy,
    pub(super) zone: &'a TimeZone,
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

/// Lists taken and refused samples.
pub(super) fn signals(counts: &Counts) -> Vec<SignalReport> {
    let report = |(signal, counts): (Signal, &SignalCounts)| SignalReport {
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

impl Explainer<'_> {
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
            points: found.iter().filter_map(|found| found.points).reduce(add),
            growth: found.iter().filter_map(|found| found.growth).reduce(add),
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
        let (fields, rules) = self.rules(&transaction, finished.utc_offset_min, earned);
        let paid = earned.and_then(|earned| earned.paid);
        Found {
            number,
            kind: transaction.kind(),
            driver: finished.driver.clone(),
            started_ms: started_ms(finished),
            ended_ms: finished.ended_ms,
            seen: self.seen(finished),
            fields,
            rules,
            points: paid.map(|paid| paid.points.get()),
            growth: paid.map(|paid| paid.growth.get()),
        }
    }

    /// Makes what is told of a thing that the member did on the screen.
    pub(super) fn found_member(
        &self,
        transaction: &Transaction,
        at_ms: i64,
        earned: Option<&Earned>,
    ) -> Found {
        // A check-in has no field.
        let (fields, rules) = self.rules(transaction, 0, earned);
        Found {
            number: 1,
            kind: transaction.kind(),
            driver: Driver::Unidentified,
            started_ms: Some(at_ms),
            ended_ms: at_ms,
            seen: Seen::CheckIn,
            fields,
            rules,
            points: None,
            growth: None,
        }
    }

    /// Evaluates each rule on a transaction, with what was paid by it.
    fn rules(
        &self,
        transaction: &Transaction,
        utc_offset_min: i16,
        earned: Option<&Earned>,
    ) -> (BTreeMap<&'static str, FieldValue>, Vec<RuleReport>) {
        let appraisals = appraise(&self.policy.policy, transaction, utc_offset_min);
        let carbon = &self.policy.policy.policy().carbon;
        let facts = Facts::of(transaction, utc_offset_min, carbon);
        let fields: BTreeMap<_, _> = facts.iter().flat_map(Facts::shown).collect();
        let rules = appraisals
            .iter()
            .filter_map(|appraisal| {
                let (rule, compiled) = self.policy.policy.rule(&appraisal.rule)?;
                let reads = compiled.reads();
                let paid = earned.map(|earned| earned.rules.get(&rule.id));
                let of = |amount: fn(&RulePaid) -> Option<i64>| paid?.map_or(Some(0), amount);
                // A cap that the cloud names cut what was paid, and not what the car predicted.
                let from_before = paid.flatten();
                let from_before = from_before
                    .filter(|paid| paid.paid.is_none() || paid.cut_by.is_none())
                    .map(|paid| Milli::from_whole(paid.points.get()).minus(appraisal.points))
                    .filter(|before| *before > Milli::ZERO);
                Some(RuleReport {
                    rule: rule.id.clone(),
                    title: rule.title.clone(),
                    held: appraisal.held,
                    shadow: rule.shadow,
                    conditions: compiled.explain(facts.as_ref()?),
                    formula: rule.points.clone(),
                    fields: fields
                        .iter()
                        .filter(|(name, _)| reads.contains(*name))
                        .map(|(name, value)| (*name, *value))
                        .collect(),
                    raw_milli: appraisal.points.get(),
                    growth_milli: appraisal.growth.get(),
                    paid_milli: of(|paid| paid.paid.map(Milli::get)),
                    from_before_milli: from_before.filter(|_| !rule.shadow).map(Milli::get),
                    points: of(|paid| Some(paid.points.get())),
                    carried_milli: of(|paid| paid.carried.map(Milli::get)),
                    cut_by: paid.flatten().and_then(|paid| paid.cut_by.clone()),
                    problem: appraisal.problem.map(|problem| problem.to_string()),
                })
            })
            .collect();
        (fields, rules)
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
            driving_min: trip.driving.minutes(),
            parked_s: trace.map_or(0, |trace| trace.parked_ms / 1_000),
            missed_s: trip.missed_s,
            used_wh: trip.used_wh,
            regained_wh: trip.regained_wh,
            co2_avoided_g: trip.tells_energy().then(|| {
                let metres = i64::try_from(distance_m).unwrap_or(i64::MAX);
                co2_avoided_g(&policy.carbon, metres, net_wh)
            }),
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
                Seen::Charge(_) | Seen::Discharge(_) | Seen::CheckIn => None,
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

const fn add(one: i64, other: i64) -> i64 {
    one.saturating_add(other)
}

fn started_ms(finished: &Finished) -> Option<i64> {
    match &finished.private {
        PrivateEvidence::Trip(trace) => Some(trace.started_ms),
        PrivateEvidence::Charge(trace) => trace.started_ms,
        PrivateEvidence::Discharge(trace) => trace.started_ms,
    }
}

fn factors(model: &ScoreModel, seen: &[FactorSeen], spells: &[Spell]) -> Vec<FactorReport> {
    let costs = factor_costs_x100(model, seen);
    let report = |factor: &dashpoint_membership::policy::FactorModel| {
        let observed = seen.iter().find(|seen| seen.factor == factor.factor);
        let (against_ms, base_ms) = observed.map_or((0, 0), |seen| (seen.against_ms, seen.base_ms));
        let share = if base_ms == 0 {
            0.0
        } else {
            against_ms as f64 * 100.0 / base_ms as f64
        };
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
            costs_x100: costs.get(&factor.factor).copied().unwrap_or(0),
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

/// Makes the transaction of evidence, before it is valued.
fn transaction(evidence: &Evidence) -> Transaction {
    Transaction::Earn {
        evidence: evidence.clone(),
        digest: EvidenceDigest::from_bytes([0; 32]),
        awards: Vec::new(),
    }
}
