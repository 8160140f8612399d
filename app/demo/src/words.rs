//! The words of the captions, in both languages: made here and nowhere else.

use std::fmt::Display;
use std::path::Path;

use dashpoint_membership::policy::Carbon;
use dashpoint_membership::{
    Adjustment, CapId, Charge, CompiledPolicy, Evidence, Factor, Grade, RuleId, Trip, Verdict,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use vehicle_sim::{Cycle, Gear, Step as Says};

use crate::amounts::{thousandth, trip_co2_g};
use crate::head_unit::HeadUnitEntry;
use crate::report::Signals;
use dashpoint_ui::RowStatus;
use dashpoint_ui::locale::Language;
use dashpoint_ui::model::LimitData;
use dashpoint_ui::reason::cap_in_words;

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
    let at = at.to_zoned(zone.clone());
    match language {
        Language::English => at.strftime("%A %-d %B %Y").to_string(),
        Language::Chinese => {
            let weekday = ["一", "二", "三", "四", "五", "六", "日"];
            let weekday = weekday[usize::from(at.weekday().to_monday_zero_offset().unsigned_abs())];
            format!("{}星期{weekday}", at.strftime("%Y 年 %-m 月 %-d 日"))
        }
    }
}

/// An amount with its noun.
#[must_use]
pub fn points(language: Language, amount: i64) -> String {
    match (language, amount) {
        (Language::English, 1) => "1 point".to_owned(),
        (Language::English, amount) => format!("{amount} points"),
        (Language::Chinese, amount) => format!("{amount} 积分"),
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
            let what = language.choose("given back", "放电");
            format!("{kwh:.2} kWh {what}")
        }
        None => language.choose("the daily check-in", "每日签到").to_owned(),
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
            Language::English => format!(" ({hard_s} of {all_s} s of braking were hard)"),
            Language::Chinese => format!("（{all_s} 秒制动中有 {hard_s} 秒急刹）"),
        }
    });
    let unseen = match (trip.missed_s, language) {
        (0, _) => String::new(),
        (missed_s, Language::English) => format!(", {missed_s} s of it unseen"),
        (missed_s, Language::Chinese) => format!("，其中 {missed_s} 秒未记录"),
    };
    let km = thousandth(trip.odometer.length());
    let score = score(trip.score_x100);
    let co2 = co2(trip_co2_g(trip, carbon));
    match language {
        Language::English => {
            format!("one trip of {km:.2} km{unseen}, score {score}{why}, {co2} of CO2 avoided")
        }
        Language::Chinese => {
            format!("一次行程 {km:.2} km{unseen}，驾驶评分 {score}{why}，减少 CO2 {co2}")
        }
    }
}

fn charge_seen(language: Language, charge: &Charge) -> String {
    let kwh = thousandth(charge.charged.length());
    let percent = f64::from(charge.renewable_permille) / 10.0;
    let grade = grade(language, charge.grade);
    match language {
        Language::English => format!("{kwh:.2} kWh, {percent} % of it renewable ({grade})"),
        Language::Chinese => format!("{kwh:.2} kWh，可再生占比 {percent} %（{grade}）"),
    }
}

/// The word for a grade.
#[must_use]
pub const fn grade(language: Language, grade: Grade) -> &'static str {
    match grade {
        Grade::Metered => language.choose("metered", "实测"),
        Grade::Declared => language.choose("declared", "申报"),
        Grade::Estimated => language.choose("estimated", "估算"),
    }
}

/// Names the state of an entry, which the head unit tells in English.
#[must_use]
pub fn standing(language: Language, row: &HeadUnitEntry) -> &str {
    let told = RowStatus::named(&row.state);
    told.map_or(row.state.as_str(), |status| status.in_words(language))
}

/// Says what came of an entry that the cloud has answered, or that earned nothing at once: of the latter no amount is paid.
/// `None` while its points are pending.
#[must_use]
pub fn outcome(language: Language, row: &HeadUnitEntry) -> Option<String> {
    let predicted = points(language, row.predicted);
    let state = standing(language, row);
    Some(match (is_nothing(row), row.paid, language) {
        (true, _, Language::English) => format!("{predicted} predicted: {state}"),
        (true, _, Language::Chinese) => format!("预计 {predicted}：{state}"),
        (false, Some(paid), Language::English) => format!("{predicted} predicted, {paid} {state}"),
        (false, Some(paid), Language::Chinese) => format!("预计 {predicted}，{state} {paid}"),
        (false, None, _) => return None,
    })
}

/// Returns whether an entry earned nothing, as its head unit says.
#[must_use]
pub fn is_nothing(row: &HeadUnitEntry) -> bool {
    RowStatus::named(&row.state) == Some(RowStatus::Nothing)
}

/// Counts the entries of each state, by the word for it: three that every story has, and any other that is there.
#[must_use]
pub fn counted(language: Language, rows: &[HeadUnitEntry]) -> String {
    let always = [
        RowStatus::Confirmed,
        RowStatus::Adjusted,
        RowStatus::Rejected,
    ];
    let others = RowStatus::ALL.into_iter();
    let others = others.filter(|status| !always.contains(status));
    let count = |status: RowStatus| {
        let of_state = rows.iter();
        of_state
            .filter(|row| RowStatus::named(&row.state) == Some(status))
            .count()
    };
    let counts = always.into_iter().chain(others);
    let counts = counts.map(|status| {
        (
            status.in_words(language),
            count(status),
            always.contains(&status),
        )
    });
    let told = counts.filter(|(_, count, is_always)| *is_always || *count > 0);
    let told: Vec<String> = told
        .map(|(word, count, _)| match language {
            Language::English => format!("{count} {word}"),
            Language::Chinese => format!("{word} {count}"),
        })
        .collect();
    told.join(language.choose(", ", "，"))
}

/// Words what the simulated car says; what names a signal or a fault, as it is typed.
#[must_use]
pub const fn car_says<'a>(language: Language, says: &Says, line: &'a str) -> &'a str {
    if let Says::Gear { select } = says {
        return match select {
            Gear::Park => language.choose("in park", "挡位 P"),
            Gear::Reverse => language.choose("in reverse", "挡位 R"),
            Gear::Neutral => language.choose("in neutral", "挡位 N"),
            Gear::Drive => language.choose("in drive", "挡位 D"),
        };
    }
    let chinese = match says {
        Says::Park {} => "驻车并熄火",
        Says::Offline {} => "车辆无网络",
        Says::Online {} => "车辆有网络",
        Says::Guest {} => "访客",
        Says::NoDriver {} => "不再报告驾驶人",
        Says::Day {} => "日间",
        Says::Night {} => "夜间",
        Says::Heal {} => "故障结束",
        Says::BrokerRestart {} => "消息代理重启",
        Says::Drive(_)
        | Says::TrafficLight { .. }
        | Says::Gear { .. }
        | Says::Charge(_)
        | Says::Sleep { .. }
        | Says::Driver(_)
        | Says::Language { .. }
        | Says::Clock { .. }
        | Says::Say { .. }
        | Says::Fault(_)
        | Says::MeterReplaced(_)
        | Says::Swap(_) => line,
    };
    language.choose(line, chinese)
}

/// Lists the reasons for a payment other than predicted; empty when it is as predicted.
#[must_use]
pub fn reasons(
    language: Language,
    verdict: Option<&Verdict>,
    policy: &CompiledPolicy,
) -> Vec<String> {
    let Some(Verdict::Adjusted { reasons, .. }) = verdict else {
        return Vec::new();
    };
    let reasons = reasons.iter();
    reasons
        .map(|reason| match reason {
            Adjustment::Cap { cap } => cap_reason(language, cap, policy),
            Adjustment::Policy { version } => match language {
                Language::English => format!("version {version} of the policy values it"),
                Language::Chinese => format!("按规则第 {version} 版计算"),
            },
            Adjustment::Rule { rule } => {
                let rule = rule_title(language, rule, policy);
                match language {
                    Language::English => format!("the rule \"{rule}\" gives another amount"),
                    Language::Chinese => format!("规则“{rule}”计算结果不同"),
                }
            }
            Adjustment::Remainder { rule } => {
                let rule = rule_title(language, rule, policy);
                match language {
                    Language::English => {
                        format!("a remainder of the rule \"{rule}\" made a whole point")
                    }
                    Language::Chinese => format!("规则“{rule}”的零头凑成整分"),
                }
            }
        })
        .collect()
}

/// Names the cap that cut; a cap that this policy does not have, by its id.
fn cap_reason(language: Language, cap: &CapId, policy: &CompiledPolicy) -> String {
    let caps = &policy.policy().caps;
    let known = caps.iter().find(|known| known.id == *cap);
    let limit = known.map(|known| LimitData::of(policy, known, None));
    let cap = limit.map_or_else(|| cap.to_string(), |limit| cap_in_words(&limit, language));
    match language {
        Language::English => format!("the limit of {cap} had less room than this car could know"),
        Language::Chinese => format!("上限（{cap}）的余量比本车所知的少"),
    }
}

fn rule_title(language: Language, rule: &RuleId, policy: &CompiledPolicy) -> String {
    policy.rule(rule).map_or_else(
        || rule.to_string(),
        |(rule, _)| language.pick(&rule.title).to_owned(),
    )
}

/// That everything is as it should be; `settled` when the cloud has heard of all.
#[must_use]
pub const fn held(language: Language, settled: bool) -> &'static str {
    if settled {
        language.choose(
            "The promise held: every point is there, once, and both sides say so",
            "承诺兑现：每一分都在，且只算一次，车端与云端一致",
        )
    } else {
        language.choose(
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
        Language::English => {
            format!("Kept in {folder}; look into it with `dashpoint ledger --config {config}`")
        }
        Language::Chinese => {
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

/// Signals with rejected messages that the end of a story names.
const REJECTED_NAMED: usize = 3;

/// Names the signals of which most was rejected, and why; empty where nothing was.
#[must_use]
pub fn rejected_signals(language: Language, signals: &Signals) -> String {
    let all = signals.rejected_of.iter().flat_map(|(path, kinds)| {
        let kinds = kinds.iter();
        kinds.map(move |(kind, times)| (*times, path, kind))
    });
    let mut all: Vec<_> = all.collect();
    // The sort is stable: of as many the paths are in order.
    all.sort_by_key(|(times, ..)| std::cmp::Reverse(*times));
    let named = &all[..all.len().min(REJECTED_NAMED)];
    let mut parts: Vec<String> = named
        .iter()
        .map(|(times, path, kind)| match language {
            Language::English => format!("{times} of {path} ({})", rejection(language, kind)),
            Language::Chinese => format!("{path} {times} 次（{}）", rejection(language, kind)),
        })
        .collect();
    let told: u64 = named.iter().map(|(times, ..)| times).sum();
    let rest = signals.rejected.saturating_sub(told);
    if rest > 0 && !parts.is_empty() {
        parts.push(match language {
            Language::English => format!("{rest} more"),
            Language::Chinese => format!("其他 {rest} 次"),
        });
    }
    if parts.is_empty() {
        return String::new();
    }
    let (colon, comma) = match language {
        Language::English => (": ", ", "),
        Language::Chinese => ("：", "，"),
    };
    format!("{colon}{}", parts.join(comma))
}

/// Says why a message was rejected; a kind that is not known here by its name in the logs.
fn rejection(language: Language, kind: &str) -> &str {
    match kind {
        "bad-time" => language.choose("no time that can be read", "时间无法识别"),
        "duplicate" => language.choose("taken before", "重复"),
        "empty" => language.choose("empty", "空报文"),
        "jumped" => language.choose(
            "a lifetime meter higher than the time allows",
            "累计值增长过快",
        ),
        "late" => language.choose("more than two seconds late", "迟到两秒以上"),
        "not-available" => language.choose("the counter said that it has none", "表示无读数"),
        "not-a-data-point" => language.choose("no data point", "不是数据点"),
        "not-a-number" => language.choose("not a number", "不是数字"),
        "out-of-range" => language.choose("out of range", "超出范围"),
        "too-long" => language.choose("too long", "过长"),
        "went-back" => language.choose("a lifetime meter lower than before", "累计值变小"),
        "wrong-type" => language.choose("another type of value", "类型不符"),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dashpoint_membership::{DEFAULT_POLICY_TOML, Growth, Paid, Points};

    #[test]
    fn amounts_read_well() {
        assert_eq!(points(Language::English, 1), "1 point");
        assert_eq!(points(Language::English, 0), "0 points");
        assert_eq!(points(Language::Chinese, 1), "1 积分");
        assert_eq!(score(8_225), "82.25");
        assert_eq!(score(10_000), "100.00");
        assert_eq!(co2(-1_204), "-1.20 kg");
    }

    #[test]
    fn a_gear_is_told_in_words() {
        for (select, en, zh) in [
            ("park", "in park", "挡位 P"),
            ("reverse", "in reverse", "挡位 R"),
        ] {
            let line = format!("gear = {{ select = \"{select}\" }}");
            let says: Says = line.parse().unwrap();
            assert_eq!(car_says(Language::English, &says, &line), en);
            assert_eq!(car_says(Language::Chinese, &says, &line), zh);
        }
    }

    #[test]
    fn rejected_signals_are_named() {
        let mut signals = Signals::default();
        assert_eq!(rejected_signals(Language::English, &signals), "");
        for (path, kind, times) in [
            ("Vehicle.IsMoving", "late", 2),
            ("Vehicle.Speed", "late", 8),
            ("Vehicle.Speed", "out-of-range", 1),
            ("Vehicle.TraveledDistance", "jumped", 3),
        ] {
            signals.rejected += times;
            let kinds = signals.rejected_of.entry(path.to_owned()).or_default();
            kinds.insert(kind.to_owned(), times);
        }
        assert_eq!(
            rejected_signals(Language::English, &signals),
            ": 8 of Vehicle.Speed (more than two seconds late), 3 of Vehicle.TraveledDistance (a lifetime meter higher than \
             the time allows), 2 of Vehicle.IsMoving (more than two seconds late), 1 more"
        );
        assert_eq!(
            rejected_signals(Language::Chinese, &signals),
            "：Vehicle.Speed 8 次（迟到两秒以上），Vehicle.TraveledDistance 3 次（累计值增长过快），Vehicle.IsMoving 2 次（迟到两秒以上），其他 1 \
             次"
        );
    }

    #[test]
    fn an_adjustment_names_its_cap_in_both_languages() {
        let policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
        let policy = CompiledPolicy::compile(policy).unwrap();
        let verdict = Verdict::Adjusted {
            paid: Paid {
                points: Points::new(4),
                growth: Growth::ZERO,
            },
            reasons: vec![
                Adjustment::Cap {
                    cap: "all-day".parse().unwrap(),
                },
                Adjustment::Rule {
                    rule: "safe-trip".parse().unwrap(),
                },
            ],
        };
        let said = |language| reasons(language, Some(&verdict), &policy);
        assert_eq!(
            said(Language::English),
            [
                "the limit of 100 a day for all points had less room than this car could know",
                "the rule \"Safe trip\" gives another amount",
            ]
        );
        assert_eq!(
            said(Language::Chinese),
            [
                "上限（全部积分每日 100）的余量比本车所知的少",
                "规则“安全出行”计算结果不同",
            ]
        );
    }
}
