//! The summary of the newest trip.

use std::collections::BTreeMap;

use dashpoint_membership::policy::ScoreModel;
use dashpoint_membership::{Evidence, Factor, ServerTime, Trip, co2_avoided_g, factor_costs_x100};
use dashpoint_telematics::{Spell, TripTrace};

use super::context::Shown;
use super::own::{OwnEntry, is_trip};
use super::rows::{cut, outcome, paid_by_rule, rule_title, unpaid_rules};
use dashpoint_ui::model::{CauseData, TripData};

/// Makes the data for the summary of the newest trip.
pub(super) fn newest(shown: &Shown<'_>, own: &[&OwnEntry]) -> Option<TripData> {
    let place = own.iter().position(|own| is_trip(&own.entry))?;
    let (later, own) = (&own[..place], own[place]);
    let charged_since = later
        .iter()
        .any(|own| own.entry.transaction().evidence().is_some());
    let Some(Evidence::Trip(trip)) = own.entry.transaction().evidence() else {
        return None;
    };
    let policies = shown.books.policies.as_ref();
    let valued_by = policies.and_then(|policies| policies.get(own.entry.policy));
    let policy = valued_by.unwrap_or(shown.policy).policy();
    let (started, ended) = times(own, trip);
    let metres = i64::try_from(trip.odometer.length()).unwrap_or(i64::MAX);
    let net_wh = i64::from(trip.used_wh) - i64::from(trip.regained_wh);
    Some(TripData {
        started,
        ended,
        trip: trip.clone(),
        outcome: outcome(shown, own),
        cut: cut(shown, own),
        unpaid: unpaid_rules(shown, own),
        awards: paid_by_rule(shown, own)
            .into_iter()
            .map(|(rule, points)| (rule_title(shown, own, &rule), points))
            .collect(),
        causes: own
            .trace
            .as_ref()
            .map(|trace| causes(&policy.score, trip, trace))
            .unwrap_or_default(),
        factors: policy.score.factors.len(),
        co2_avoided_g: trip
            .tells_energy()
            .then(|| co2_avoided_g(&policy.carbon, metres, net_wh)),
        charged_since,
        renewable_permille: None,
    })
}

/// The exact times stayed in the car; without them those that were signed stand in.
fn times(own: &OwnEntry, trip: &Trip) -> (ServerTime, ServerTime) {
    let at_ms = |ms: i64| ServerTime::from_unix_s(ms.div_euclid(1_000));
    match &own.trace {
        Some(trace) => (at_ms(trace.started_ms), at_ms(trace.ended_ms)),
        None => (
            ServerTime::from_unix_s(trip.started.as_unix_s()),
            ServerTime::from_unix_s(own.entry.time.at.as_unix_s()),
        ),
    }
}

/// Lists the factors that lowered the score, the costliest first.
fn causes(model: &ScoreModel, trip: &Trip, trace: &TripTrace) -> Vec<CauseData> {
    let mut spells: BTreeMap<Factor, Vec<&Spell>> = BTreeMap::new();
    for spell in &trace.spells {
        spells.entry(spell.factor).or_default().push(spell);
    }
    let costs = factor_costs_x100(model, &trip.factors);
    let mut causes: Vec<(u16, CauseData)> = spells
        .into_iter()
        .filter_map(|(factor, spells)| {
            let cost = costs.get(&factor).copied().unwrap_or(0);
            let first = spells.iter().map(|spell| spell.from_ms).min()?;
            let ms: i64 = spells.iter().map(|spell| spell.to_ms - spell.from_ms).sum();
            let cause = CauseData {
                factor,
                at: ServerTime::from_unix_s(first.div_euclid(1_000)),
                seconds: u32::try_from(ms.div_euclid(1_000)).unwrap_or(0).max(1),
            };
            (cost > 0).then_some((cost, cause))
        })
        .collect();
    causes.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
    causes.into_iter().map(|(_, cause)| cause).collect()
}
