//! The driving score: the one place where a number is not an integer.

use std::collections::BTreeMap;

use crate::evidence::{Factor, FactorSeen};
use crate::policy::{FactorModel, ScoreModel};

/// Scores a trip by the model: 0..=10,000, rounded once.
///
/// A factor that was not observed counts as the model says. Only the car computes this; the cloud takes the signed
/// score, because two machines may differ in the last bit of a power.
#[must_use]
pub fn score_x100(model: &ScoreModel, seen: &[FactorSeen]) -> u16 {
    let product = model
        .factors
        .iter()
        .map(|factor| factor.coefficient.to_f64().powf(counted(factor, seen)))
        .product();
    model.of_product(product)
}

/// Splits the points that the score lacks among the factors of the model, times 100.
///
/// The costs add up to the model's best score less [`score_x100`]; the best score of the shipped model is 10,000. The factors
/// multiply, so each takes a part in proportion to its logarithm, and the hundredths that rounding leaves go to the largest
/// remainders, in the order of the model. A factor that lowers the risk costs nothing.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "parts of at most 10,000, not negative"
)]
pub fn factor_costs_x100(model: &ScoreModel, seen: &[FactorSeen]) -> BTreeMap<Factor, u16> {
    let lost = model
        .of_product(1.0)
        .saturating_sub(score_x100(model, seen));
    let weight = |factor: &FactorModel| {
        let log = factor.coefficient.to_f64().ln() * counted(factor, seen);
        (factor.factor, log.max(0.0))
    };
    let weights: Vec<(Factor, f64)> = model.factors.iter().map(weight).collect();
    let total: f64 = weights.iter().map(|(_, log)| log).sum();
    let exact = |log: f64| {
        if total > 0.0 {
            f64::from(lost) * log / total
        } else {
            0.0
        }
    };
    let mut costs: BTreeMap<Factor, u16> = weights
        .iter()
        .map(|&(factor, log)| (factor, exact(log).floor() as u16))
        .collect();
    let mut left = lost.saturating_sub(costs.values().sum());
    let mut remainders: Vec<(Factor, f64)> = weights
        .iter()
        .filter(|(_, log)| *log > 0.0)
        .map(|&(factor, log)| (factor, exact(log).fract()))
        .collect();
    remainders.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    for (factor, _) in remainders {
        if left > 0
            && let Some(cost) = costs.get_mut(&factor)
        {
            *cost += 1;
            left -= 1;
        }
    }
    costs
}

/// The percent of a factor that count.
fn counted(factor: &FactorModel, seen: &[FactorSeen]) -> f64 {
    let percent = seen
        .iter()
        .find(|observed| observed.factor == factor.factor)
        .map_or(factor.unobserved_percent.to_f64(), percent);
    percent.clamp(0.0, factor.cap_percent.to_f64().max(0.0))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of one trip are far below 2^53"
)]
fn percent(seen: &FactorSeen) -> f64 {
    if seen.base_ms == 0 {
        return 0.0;
    }
    seen.against_ms as f64 * 100.0 / seen.base_ms as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{DEFAULT_POLICY_TOML, Policy};

    /// Each factor counts for another share of an hour, in all combinations.
    #[test]
    fn the_costs_of_the_factors_add_up_to_what_the_score_lacks() {
        let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
        let model = &policy.score;
        for combination in 0..3_u64.pow(6) {
            let seen: Vec<FactorSeen> = model
                .factors
                .iter()
                .zip(0..)
                .map(|(factor, place)| FactorSeen {
                    factor: factor.factor,
                    against_ms: (combination / 3_u64.pow(place) % 3)
                        * (7_001 + u64::from(place) * 9_973),
                    base_ms: 3_600_000,
                })
                .collect();
            let costs = factor_costs_x100(model, &seen);
            let sum: u16 = costs.values().sum();
            assert_eq!(sum, 10_000 - score_x100(model, &seen), "{seen:?}");
            for observed in &seen {
                let cost = costs[&observed.factor];
                assert!(observed.against_ms > 0 || cost == 0, "{seen:?}");
            }
        }
    }
}
