//! A policy and a catalogue with every kind of rule, cap and benefit, and those that the project ships.

use dashpoint_membership::policy::{
    Allowance, AllowanceLimit, Cap, CapOver, Carbon, CleanWindow, DEFAULT_POLICY_TOML, Decimal8,
    Demotion, EarningRule, Expiry, FactorModel, LateHour, Period, ScoreModel, SiteMix, Thresholds,
    Tier, Tiers, Trigger,
};
use dashpoint_membership::{
    Benefit, BenefitId, BenefitKind, CapId, Catalogue, CatalogueVersion, DEFAULT_CATALOGUE_TOML,
    Factor, Growth, Points, Policy, PolicyVersion, RuleId, Suits, Text, TierId,
};

use super::NOW;

pub fn policy() -> Policy {
    Policy {
        version: PolicyVersion::new(1),
        valid_from: NOW.plus_s(-30 * 86_400),
        valid_until: NOW.plus_s(335 * 86_400),
        grace_s: 30 * 86_400,
        zone_data: "2026e".to_owned(),
        points_per_yuan: 10,
        rules: rules(),
        caps: caps(),
        score: score(),
        carbon: Carbon {
            petrol_g_per_km: 180,
            grid_g_per_kwh: 530,
        },
        sites: vec![SiteMix {
            evse_prefix: "CN*GRN".to_owned(),
            renewable_permille: 900,
        }],
        windows: vec![CleanWindow {
            from_min: 660,
            to_min: 840,
            renewable_permille: 450,
        }],
        tiers: tiers(),
        expiry: Expiry::Months(24),
        remind_days: vec![60, 30],
        allowance: Allowance {
            soft: limit(1_000, 100, 14),
            hard: limit(3_000, 300, 45),
            confirm_days: 7,
            meters_per_year: None,
        },
        estimate_hold_days: 0,
        rule_profile: None,
    }
}

/// The same with a bound on the meters that a vehicle opens.
pub fn policy_with_meters() -> Policy {
    let mut policy = policy();
    policy.allowance.meters_per_year = Some(2);
    policy
}

/// The policy that the project ships.
pub fn shipped_policy() -> Policy {
    toml::from_str(DEFAULT_POLICY_TOML).unwrap()
}

/// The catalogue that the project ships.
pub fn shipped_catalogue() -> Catalogue {
    toml::from_str(DEFAULT_CATALOGUE_TOML).unwrap()
}

pub fn catalogue() -> Catalogue {
    let benefit = |id: &str, kind, suits| Benefit {
        id: BenefitId::new(id).unwrap(),
        kind,
        title: text("Car wash", "洗车"),
        terms: text("Once, at any partner.", "全国合作门店可用一次。"),
        price: Points::new(300),
        tier: TierId::new("basic").unwrap(),
        suits,
        valid_days: 30,
    };
    Catalogue {
        version: CatalogueVersion::new(1),
        issued: NOW,
        benefits: vec![
            benefit("service-voucher", BenefitKind::Main, Suits::ServiceDue),
            benefit("charging-voucher", BenefitKind::Main, Suits::LowCharge),
            benefit("car-wash", BenefitKind::Partner, Suits::Always),
            benefit("plant-a-tree", BenefitKind::Charity, Suits::Always),
        ],
    }
}

fn text(en: &str, zh: &str) -> Text {
    Text {
        en: en.to_owned(),
        zh: zh.to_owned(),
    }
}

fn rules() -> Vec<EarningRule> {
    let rule = |id: &str, on: Trigger, when: &str, points: &str, shadow| EarningRule {
        id: RuleId::new(id).unwrap(),
        on: on.into(),
        title: text("Rule", "规则"),
        when: when.to_owned(),
        points: points.to_owned(),
        growth: points.to_owned(),
        shadow,
    };
    vec![
        rule(
            "safe-trip",
            Trigger::Trip,
            "score_x100 >= 9000",
            "distance_m / 10",
            false,
        ),
        rule(
            "clean-charge",
            Trigger::Charge,
            "energy_wh >= 500",
            "energy_wh * 4",
            false,
        ),
        rule("give-back", Trigger::Discharge, "true", "energy_wh", true),
        rule("check-in", Trigger::CheckIn, "true", "1000", false),
    ]
}

fn caps() -> Vec<Cap> {
    let cap = |id: &str, over, per, points| Cap {
        id: CapId::new(id).unwrap(),
        over,
        per,
        points: Points::new(points),
    };
    vec![
        cap(
            "check-in-day",
            CapOver::Rule(RuleId::new("check-in").unwrap()),
            Period::Day,
            1,
        ),
        cap(
            "charge-week",
            CapOver::Kind(Trigger::Charge.into()),
            Period::Week,
            500,
        ),
        cap("month", CapOver::All, Period::Month, 3_000),
        cap("year", CapOver::All, Period::Year, 20_000),
    ]
}

fn limit(points: i64, entries: u32, days: u16) -> AllowanceLimit {
    AllowanceLimit {
        points: Points::new(points),
        entries,
        days,
    }
}

fn score() -> ScoreModel {
    ScoreModel {
        intercept: Decimal8::from_units(12_215_240_383),
        slope: Decimal8::from_units(3_872_921_203),
        base: Decimal8::from_units(57_198_191),
        factors: vec![FactorModel {
            factor: Factor::HardBraking,
            coefficient: Decimal8::from_units(123_599_110),
            cap_percent: Decimal8::from_units(520_000_000),
            unobserved_percent: Decimal8::from_units(0),
        }],
        thresholds: Thresholds {
            brake_hard_mg: 300,
            brake_soft_mg: 100,
            turn_hard_mg: 400,
            turn_soft_mg: 200,
            headway_short_ms: 1_000,
            headway_long_ms: 3_000,
            headway_speed_m_per_h: 80_500,
            excessive_speed_m_per_h: 137_000,
            unbuckled_speed_m_per_h: 16_000,
            faster_than_ahead: None,
        },
        late_hours: vec![LateHour {
            hour: 23,
            weight_percent: 21,
        }],
        model: None,
    }
}

fn tiers() -> Tiers {
    let tier = |id: &str, en, zh, threshold| Tier {
        id: TierId::new(id).unwrap(),
        title: text(en, zh),
        threshold: Growth::new(threshold),
    };
    Tiers {
        ladder: vec![
            tier("basic", "Basic", "普通", 0),
            tier("silver", "Silver", "白银", 2_000),
        ],
        months: 12,
        demotion: Demotion::OneStep,
    }
}
