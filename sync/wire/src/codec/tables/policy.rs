//! The policy bundle.

use dashpoint_membership::Policy;
use dashpoint_membership::policy::{
    Allowance, AllowanceLimit, Cap, CapOver, Carbon, CleanWindow, Demotion, EarningRule, Expiry,
    FactorModel, FasterThanAhead, LateHour, Period, RuleKind, ScoreModel, SiteMix, Thresholds,
    Tier, Tiers, Trigger,
};

use crate::codec::{Cbor, CborReader, CborWriter, Schema, cbor_choice, cbor_map, decode, encode};
use crate::error::WireError;

cbor_map! { signed:
    Policy {
        1 => version,
        2 => valid_from,
        3 => valid_until,
        4 => grace_s,
        5 => zone_data,
        6 => points_per_yuan,
        7 => rules,
        8 => caps,
        9 => score,
        10 => carbon,
        11 => sites,
        12 => windows,
        13 => tiers,
        14 => expiry,
        15 => remind_days,
        16 => allowance,
        17 => estimate_hold_days,
        18 => rule_profile,
    }
}

cbor_map! {
    EarningRule {
        1 => id,
        2 => on,
        3 => title,
        4 => when,
        5 => points,
        6 => growth,
        7 => shadow,
    }
    Cap { 1 => id, 2 => over, 3 => per, 4 => points }
    Allowance { 1 => soft, 2 => hard, 3 => confirm_days, 4 => meters_per_year }
    AllowanceLimit { 1 => points, 2 => entries, 3 => days }
    Carbon { 1 => petrol_g_per_km, 2 => grid_g_per_kwh }
    SiteMix { 1 => evse_prefix, 2 => renewable_permille }
    CleanWindow { 1 => from_min, 2 => to_min, 3 => renewable_permille }
    ScoreModel {
        1 => intercept,
        2 => slope,
        3 => base,
        4 => factors,
        5 => thresholds,
        6 => late_hours,
        7 => model,
    }
    FactorModel { 1 => factor, 2 => coefficient, 3 => cap_percent, 4 => unobserved_percent }
    Thresholds {
        1 => brake_hard_mg,
        2 => brake_soft_mg,
        3 => turn_hard_mg,
        4 => turn_soft_mg,
        5 => headway_short_ms,
        6 => headway_long_ms,
        7 => headway_speed_m_per_h,
        8 => excessive_speed_m_per_h,
        9 => unbuckled_speed_m_per_h,
        10 => faster_than_ahead,
    }
    FasterThanAhead { 1 => percent, 2 => within_m, 3 => ahead_m_per_h }
    LateHour { 1 => hour, 2 => weight_percent }
    Tier { 1 => id, 2 => title, 3 => threshold }
    Tiers { 1 => ladder, 2 => months, 3 => demotion }
}

cbor_choice! {
    CapOver { 1 => Rule(rule), 2 => Kind(trigger), 3 => All }
    Period { 1 => Day, 2 => Week, 3 => Month, 4 => Year }
    Demotion { 1 => OneStep, 2 => ToFit }
    Expiry { 1 => Months(months), 2 => CalendarYears(years) }
}

impl Cbor for RuleKind {
    fn write(&self, out: &mut CborWriter) {
        match self {
            Self::Known(kind) => kind.write(out),
            Self::Unknown(number) => out.uint(*number),
        }
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        let number = input.uint()?;
        match decode::<Trigger>(&encode(&number)) {
            Ok(kind) => Ok(Self::Known(kind)),
            Err(_) if input.is_tolerant() => Ok(Self::Unknown(number)),
            Err(_) => Err(input.value("one of the numbers of Trigger")),
        }
    }

    fn describe(schema: &mut Schema) -> String {
        Trigger::describe(schema)
    }
}
