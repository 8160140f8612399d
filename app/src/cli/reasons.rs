//! Words of the reasons that an entry earned nothing, or less than its rules give.

use dashpoint_ui::locale::Language;

use super::words::thousands;
use crate::explain::decimal;
use crate::unpaid::UnpaidRule;
use dashpoint_ui::model::{Failed, LimitData};
use dashpoint_ui::reason::{cap_in_words, factor_name};

/// Says why an entry earned nothing.
#[must_use]
pub(crate) fn nothing(language: Language, failed: &Failed) -> String {
    let both = |en: String, zh: String| match language {
        Language::English => en,
        Language::Chinese => zh,
    };
    match failed {
        Failed::Score {
            got_x100,
            needed_x100,
        } => {
            let (got, needed) = (hundredths(*got_x100), hundredths(*needed_x100));
            both(
                format!("the score {got} is below {needed}"),
                format!("评分 {got} 低于 {needed}"),
            )
        }
        Failed::Distance { got_m, needed_m } => {
            let (got, needed) = (thousandths(*got_m), thousandths(*needed_m));
            both(
                format!("{got} km is less than {needed} km"),
                format!("{got} 公里，不足 {needed} 公里"),
            )
        }
        Failed::Renewable {
            got_permille,
            needed_permille,
        } => {
            let (got, needed) = (tenths(*got_permille), tenths(*needed_permille));
            both(
                format!("{got} % renewable is less than {needed} %"),
                format!("可再生占比 {got}%，不足 {needed}%"),
            )
        }
        Failed::Energy { got_wh, needed_wh } => {
            let (got, needed) = (thousandths(*got_wh), thousandths(*needed_wh));
            both(
                format!("{got} kWh is less than {needed} kWh"),
                format!("{got} 度，不足 {needed} 度"),
            )
        }
        Failed::Missed { got_s, most_s } => both(
            format!("{got_s} s were not seen, more than {most_s} s"),
            format!("{got_s} 秒无记录，超过 {most_s} 秒"),
        ),
        Failed::Unobserved { factor } => {
            let factor = factor_name(*factor, language);
            both(
                format!("the car has no signal for {factor}"),
                format!("车辆没有{factor}的信号"),
            )
        }
        Failed::NoEnergy => language
            .choose(
                "the car does not tell the energy that it uses",
                "车辆未提供用电信号",
            )
            .to_owned(),
        Failed::NothingAvoided => language
            .choose("no emissions were avoided", "没有减少排放")
            .to_owned(),
        Failed::Condition { rule, source } => {
            let rule = language.pick(rule);
            both(
                format!("{rule} asks for {source}"),
                format!("{rule}要求 {source}"),
            )
        }
        Failed::NoAmount { rule } => {
            let rule = language.pick(rule);
            both(
                format!("{rule} gives no amount for it"),
                format!("{rule}对此算不出数额"),
            )
        }
        Failed::TooLittle => language
            .choose("worth less than a thousandth of a point", "不足千分之一分")
            .to_owned(),
        Failed::Fraction { milli, is_carried } => {
            let milli = decimal(milli.get());
            if *is_carried {
                both(
                    format!("{milli} of a point, carried on to the next"),
                    format!("{milli} 分，零头累计至下次"),
                )
            } else {
                both(
                    format!("{milli} of a point: no whole one"),
                    format!("{milli} 分，不足一分"),
                )
            }
        }
        Failed::CapReached(reached) => {
            let limit = limit(language, reached);
            both(
                format!("the limit of {limit} is reached"),
                format!("已达上限（{limit}）"),
            )
        }
        Failed::Guest => language
            .choose("a guest was driving", "访客驾驶")
            .to_owned(),
        Failed::NoRule => language
            .choose("no rule applies to it", "没有适用的规则")
            .to_owned(),
    }
}

/// Says why an entry earned nothing: where its rules have reasons of their own, that of each.
#[must_use]
pub(crate) fn nothing_of_each(language: Language, failed: &Failed, each: &[UnpaidRule]) -> String {
    let is_one = each.iter().all(|unpaid| unpaid.failed == *failed);
    if is_one {
        return nothing(language, failed);
    }
    let reasons: Vec<String> = each
        .iter()
        .map(|unpaid| {
            let reason = nothing(language, &unpaid.failed);
            match &unpaid.failed {
                // These name their rule.
                Failed::Condition { .. } | Failed::NoAmount { .. } => reason,
                Failed::Score { .. }
                | Failed::Distance { .. }
                | Failed::Renewable { .. }
                | Failed::Energy { .. }
                | Failed::Missed { .. }
                | Failed::Unobserved { .. }
                | Failed::NoEnergy
                | Failed::NothingAvoided
                | Failed::TooLittle
                | Failed::Fraction { .. }
                | Failed::CapReached(_)
                | Failed::Guest
                | Failed::NoRule => {
                    let colon = language.choose(": ", "：");
                    format!("{}{colon}{reason}", language.pick(&unpaid.title))
                }
            }
        })
        .collect();
    reasons.join(language.choose("; ", "；"))
}

/// Says that a guest is set, whose trips earn nothing, and the way out.
#[must_use]
pub(crate) const fn guest(language: Language) -> &'static str {
    language.choose(
        "a guest drives: trips earn nothing; turn it off on the screen, in Settings, Driver",
        "访客驾驶，行程不累计积分；请在屏幕“设置”的“驾驶人”中关闭",
    )
}

/// Says that the car itself knows no member at the wheel, and the way out.
#[must_use]
pub(crate) const fn guest_by_car(language: Language) -> &'static str {
    language.choose(
        "the car says that a guest drives, or somebody who is no member here: trips earn nothing; sign in to the car as the \
         member",
        "车辆识别为访客或未绑定的驾驶人，行程不累计积分；请以会员账号登录车辆",
    )
}

/// Says how many of the last trips and sessions earned nothing because nobody's membership was driving.
#[must_use]
pub(crate) fn earned_by_guest(language: Language, times: u64) -> String {
    match (language, times) {
        (Language::English, 1) => {
            "the last trip or session earned nothing: no member was driving".to_owned()
        }
        (Language::English, times) => {
            format!("the last {times} trips and sessions earned nothing: no member was driving")
        }
        (Language::Chinese, times) => format!("最近 {times} 次行程或充电未计分：驾驶人不是会员"),
    }
}

/// Says of so many entries that they are not paid, because the cloud refuses this car.
#[must_use]
pub(crate) fn not_paid(language: Language, entries: u64) -> String {
    match (language, entries) {
        (Language::English, 1) => "not paid: the cloud refuses this car".to_owned(),
        (Language::English, entries) => {
            format!("{entries} entries are not paid: the cloud refuses this car")
        }
        (Language::Chinese, 1) => "不会到账：云端拒绝本车接入".to_owned(),
        (Language::Chinese, entries) => format!("{entries} 条记录不会到账：云端拒绝本车接入"),
    }
}

/// Says that the cloud refuses this car, and the way out.
#[must_use]
pub(crate) fn refused_car(language: Language, status: u16) -> String {
    match language {
        Language::English => format!(
            "the cloud refuses this car (status {status}): what is pending is not paid and nothing more is earned; ask service, who \
             may enrol it again"
        ),
        Language::Chinese => format!(
            "云端拒绝本车接入（状态码 {status}）：待确认的积分不会到账，也不再累计；请联系售后重新绑定"
        ),
    }
}

/// Says which cap cut an entry, with its room where that is known.
#[must_use]
pub(crate) fn cut(language: Language, cut: &LimitData) -> String {
    let limit = limit(language, cut);
    match (cut.room.map(|room| thousands(room.get())), language) {
        (Some(room), Language::English) => {
            format!("cut by the limit of {limit}: room for {room}")
        }
        (Some(room), Language::Chinese) => format!("受上限（{limit}）影响：只余 {room}"),
        (None, Language::English) => format!("cut by the limit of {limit}"),
        (None, Language::Chinese) => format!("受上限（{limit}）影响"),
    }
}

/// Says that less is held back than the car had shown, with the cap that another car of the member used, where that is certain.
#[must_use]
pub(crate) fn held_less(language: Language, used: Option<&LimitData>) -> String {
    match (used.map(|used| limit(language, used)), language) {
        (Some(limit), Language::English) => {
            format!("less than was shown: another car of yours used the limit of {limit}")
        }
        (Some(limit), Language::Chinese) => format!("少于所示：您的另一辆车已用完上限（{limit}）"),
        (None, Language::English) => "less is held back than was shown".to_owned(),
        (None, Language::Chinese) => "所扣留的少于所示".to_owned(),
    }
}

/// Names a cap by its most, its period and what it bounds.
fn limit(language: Language, limit: &LimitData) -> String {
    cap_in_words(limit, language)
}

fn hundredths(x100: u16) -> String {
    format!("{}.{:02}", x100 / 100, x100 % 100)
}

fn tenths(permille: u16) -> String {
    format!("{}.{}", permille / 10, permille % 10)
}

fn thousandths(units: u64) -> String {
    format!("{}.{:03}", units / 1_000, units % 1_000)
}
