//! What ships: the default policy, its score model, its catalogue.

use dashpoint_membership::policy::Policy;
use dashpoint_membership::*;

use crate::support::*;

#[test]
fn the_default_policy_is_valid_and_reads_what_it_writes() {
    let policy = default_policy();
    assert!(CompiledPolicy::compile(policy.clone()).is_ok());
    let text = toml::to_string(&policy).unwrap();
    assert_eq!(toml::from_str::<Policy>(&text).unwrap(), policy);
}

#[test]
fn the_catalogue_goes_with_the_policy() {
    let catalogue: Catalogue = toml::from_str(DEFAULT_CATALOGUE_TOML).unwrap();
    catalogue.check(&compiled(default_policy())).unwrap();
    assert!(catalogue.benefits.len() >= 12);
    assert!(catalogue.benefits.is_sorted_by_key(|benefit| benefit.kind));
    let text = toml::to_string(&catalogue).unwrap();
    assert_eq!(toml::from_str::<Catalogue>(&text).unwrap(), catalogue);
}

#[test]
fn scores_are_the_published_ones() {
    let model = default_policy().score;
    let score = |factor, against_ms, base_ms| {
        score_x100(
            &model,
            &[FactorSeen {
                factor,
                against_ms,
                base_ms,
            }],
        )
    };
    for (factor, against_ms, base_ms, expected) in [
        (Factor::HardBraking, 0, 0, 10_000),
        (Factor::HardBraking, 0, 72_000, 10_000),
        // US06 and the recorded day.
        (Factor::HardBraking, 2_000, 72_000, 8_225),
        (Factor::HardBraking, 8_000, 745_000, 9_434),
        (Factor::HardBraking, 1, 100, 9_477),
        (Factor::HardBraking, 52, 1_000, 5_549),
        // Capped at 5.2 %.
        (Factor::HardBraking, 500, 1_000, 5_549),
        (Factor::AggressiveTurning, 5, 100, 9_862),
        // 91.7049...
        (Factor::LateNight, 10, 100, 9_170),
        (Factor::ExcessiveSpeed, 5, 100, 9_716),
    ] {
        assert_eq!(
            score(factor, against_ms, base_ms),
            expected,
            "{factor:?} {against_ms}/{base_ms}"
        );
    }
    let worst: Vec<FactorSeen> = model
        .factors
        .iter()
        .map(|model| FactorSeen {
            factor: model.factor,
            against_ms: 1,
            base_ms: 1,
        })
        .collect();
    assert_eq!(score_x100(&model, &worst), 0);
}

#[test]
fn an_unobserved_factor_counts_as_the_policy_says() {
    let mut model = default_policy().score;
    assert_eq!(score_x100(&model, &[]), 10_000);
    model.factors[0].unobserved_percent = "1".parse().unwrap();
    assert_eq!(score_x100(&model, &[]), 9_477);
}

#[test]
fn carbon_avoided_is_petrol_less_grid() {
    let carbon = default_policy().carbon;
    assert_eq!(co2_avoided_g(&carbon, 12_888, 2_600), 1_068);
    assert_eq!(co2_avoided_g(&carbon, 0, 1), -1);
    assert_eq!(co2_avoided_g(&carbon, i64::MAX, i64::MIN), i64::MAX / 1_000);
}
