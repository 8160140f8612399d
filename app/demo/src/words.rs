//! The words of the captions, in both languages: made here and nowhere else.

use std::fmt::Display;
use std::path::Path;

use dashpoint_membership::policy::Carbon;
use dashpoint_membership::{Adjustment, Charge, Evidence, Factor, Grade, Trip, Verdict};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use vehicle_sim::Cycle;

use crate::amounts::{thousandth, trip_co2_g};
use crate::head_unit::HeadUnitEntry;
use crate::language::Language;

/// The name of a cycle, as its makers write it.
#[must_use]
pub fn cycle_name(cycle: Cycle) -> &'static str {
    match cycle {
        Cycle::Udds => "UDDS",
        Cycle::Hwfet => "HWFET",
        Cycle::Us06 => "US06",
        Cycle::Wltc3b => "WLTC 3b",
    }
}

/// A minute of the story.
#[must_use]
pub fn minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// A day of the story.
#[must_use]
pub fn day(language: Language, at: Timestamp, zone: &TimeZone) -> String {
    let shape = language.pick("%A %-d %B %Y", "%Y 年 %-m 月 %-d 日");
    at.to_zoned(zone.clone()).strftime(shape).to_string()
}

/// An amount with its noun.
#[must_use]
pub fn points(language: Language, amount: i64) -> String {
    match (language, amount) {
        (Language::En, 1) => "1 point".to_owned(),
        (Language::En, amount) => format!("{amount} points"),
        (Language::Zh, amount) => format!("{amount} 积分"),
    }
}

/// Counts entries, in English.
#[must_use]
pub fn entries(count: impl Display) -> String {
    match count.to_string().as_str() {
        "1" => "1 entry".to_owned(),
        count => format!("{count} entries"),
    }
}

/// Describes the evidence of a drive or a charge.
#[must_use]
pub fn seen(language: Language, row: &HeadUnitEntry, carbon: &Carbon) -> String {
    match row.evidence() {
        Some(Evidence::Trip(trip)) => trip_seen(language, trip, carbon),
        Some(Evidence::Charge(charge)) => charge_seen(language, charge),
        Some(Evidence::Discharge(given)) => {
            let kwh = thousandth(given.discharged.length());
            let what = language.pick("given back", "放电");
            format!("{kwh:.2} kWh {what}")
        }
        None => language.pick("the daily check-in", "每日签到").to_owned(),
    }
}

fn trip_seen(language: Language, trip: &Trip, carbon: &Carbon) -> String {
    let braking = trip
        .factors
        .iter()
        .find(|seen| seen.factor == Factor::HardBraking && seen.against_ms > 0);
    let why = braking.map_or_else(String::new, |seen| {
        let (hard_s, all_s) = (seen.against_ms / 1000, seen.base_ms / 1000);
        match language {
            Language::En => format!(" ({hard_s} of {all_s} s of braking were hard)"),
            Language::Zh => format!("（{all_s} 秒制动中有 {hard_s} 秒急刹）"),
        }
    });
    let unseen = match (trip.missed_s, language) {
        (0, _) => String::new(),
        (missed_s, Language::En) => format!(", {missed_s} s of it unseen"),
        (missed_s, Language::Zh) => format!("，其中 {missed_s} 秒未记录"),
    };
    let km = thousandth(trip.odometer.length());
    let score = score(trip.score_x100);
    let co2 = co2(trip_co2_g(trip, carbon));
    match language {
        Language::En => {
            format!("one trip of {km:.2} km{unseen}, score {score}{why}, {co2} of CO2 avoided")
        }
        Language::Zh => {
            format!("一次行程 {km:.2} km{unseen}，驾驶评分 {score}{why}，减少 CO2 {co2}")
        }
    }
}

fn charge_seen(language: Language, charge: &Charge) -> String {
    let kwh = thousandth(charge.charged.length());
    let percent = f64::from(charge.renewable_permille) / 10.0;
    let grade = grade(language, charge.grade);
    match language {
        Language::En => format!("{kwh:.2} kWh, {percent} % of it renewable ({grade})"),
        Language::Zh => format!("{kwh:.2} kWh，绿电 {percent} %（{grade}）"),
    }
}

/// The word for a grade.
#[must_use]
pub const fn grade(language: Language, grade: Grade) -> &'static str {
    match grade {
        Grade::Metered => language.pick("metered", "实测"),
        Grade::Declared => language.pick("declared", "申报"),
        Grade::Estimated => language.pick("estimated", "估算"),
    }
}

/// Names the state of an entry.
#[must_use]
pub const fn standing(language: Language, verdict: Option<&Verdict>) -> &'static str {
    match verdict {
        None => language.pick("pending", "待确认"),
        Some(Verdict::Accepted { .. }) => language.pick("confirmed", "已确认"),
        Some(Verdict::Adjusted { .. }) => language.pick("adjusted", "已调整"),
        Some(Verdict::Rejected { .. }) => language.pick("rejected", "未通过"),
        Some(Verdict::Review { .. }) => language.pick("held back", "暂扣"),
    }
}

/// Lists the reasons for a payment other than predicted; empty when it is as predicted.
#[must_use]
pub fn reasons(language: Language, verdict: Option<&Verdict>) -> Vec<String> {
    let Some(Verdict::Adjusted { reasons, .. }) = verdict else {
        return Vec::new();
    };
    reasons
        .iter()
        .map(|reason| match (language, reason) {
            (Language::En, Adjustment::Cap { cap }) => {
                format!("the cap {cap} had less room than this car could know")
            }
            (Language::Zh, Adjustment::Cap { cap }) => {
                format!("上限 {cap} 的余量比本车所知的少")
            }
            (Language::En, Adjustment::Policy { version }) => {
                format!("version {version} of the policy values it")
            }
            (Language::Zh, Adjustment::Policy { version }) => format!("按规则第 {version} 版计算"),
            (Language::En, Adjustment::Rule { rule }) => {
                format!("the rule {rule} gives another amount")
            }
            (Language::Zh, Adjustment::Rule { rule }) => format!("规则 {rule} 计算结果不同"),
            (Language::En, Adjustment::Remainder { rule }) => {
                format!("a remainder of the rule {rule} made a whole point")
            }
            (Language::Zh, Adjustment::Remainder { rule }) => {
                format!("规则 {rule} 的余数凑成整分")
            }
        })
        .collect()
}

/// That everything is as it should be; `settled` when the cloud has heard of all.
#[must_use]
pub const fn held(language: Language, settled: bool) -> &'static str {
    if settled {
        language.pick(
            "The promise held: every point is there, once, and both sides say so",
            "承诺兑现：每一分都在，且只算一次，车端与云端一致",
        )
    } else {
        language.pick(
            "The promise holds so far: every point is there, once; the cloud has yet to hear of some",
            "至此承诺有效：每一分都在，且只算一次；部分尚待云端确认",
        )
    }
}

/// Says in which folder a play was kept.
#[must_use]
pub fn kept(language: Language, folder: &Path) -> String {
    let config = folder.join("dashpoint.toml");
    let (folder, config) = (folder.display(), config.display());
    match language {
        Language::En => {
            format!("Kept in {folder}; look into it with `dashpoint ledger --config {config}`")
        }
        Language::Zh => {
            format!("保存在 {folder}；可用 `dashpoint ledger --config {config}` 查看")
        }
    }
}

/// A score with its two places.
#[must_use]
pub fn score(score_x100: u16) -> String {
    format!("{}.{:02}", score_x100 / 100, score_x100 % 100)
}

/// Grams as kilograms.
#[must_use]
pub fn co2(grams: i64) -> String {
    let sign = if grams < 0 { "-" } else { "" };
    format!("{sign}{:.2} kg", thousandth(grams.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dashpoint_membership::{Growth, Paid, Points};

    #[test]
    fn amounts_read_well() {
        assert_eq!(points(Language::En, 1), "1 point");
        assert_eq!(points(Language::En, 0), "0 points");
        assert_eq!(points(Language::Zh, 1), "1 积分");
        assert_eq!(score(8_225), "82.25");
        assert_eq!(score(10_000), "100.00");
        assert_eq!(co2(-1_204), "-1.20 kg");
    }

    #[test]
    fn an_adjustment_names_its_cap_in_both_languages() {
        let verdict = Verdict::Adjusted {
            paid: Paid {
                points: Points::new(4),
                growth: Growth::ZERO,
            },
            reasons: vec![Adjustment::Cap {
                cap: "all-day".parse().unwrap(),
            }],
        };
        for language in [Language::En, Language::Zh] {
            let reasons = reasons(language, Some(&verdict));
            assert!(reasons.len() == 1 && reasons[0].contains("all-day"));
        }
    }
}
