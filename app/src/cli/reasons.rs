//! Words of the reasons that an entry earned nothing, or less than its rules give.

use dashpoint_membership::Factor;

pub(crate) use super::args::Language;
use super::words::{pick, text, thousands};
use dashpoint_ui::model::{Failed, LimitData};
use dashpoint_ui::reason::cap_in_words;

/// Says why an entry earned nothing.
#[must_use]
pub(crate) fn nothing(language: Language, failed: &Failed) -> String {
    let both = |en: String, zh: String| match language {
        Language::En => en,
        Language::Zh => zh,
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
            let factor = factor_in_sentence(language, *factor);
            both(
                format!("the car has no signal for {factor}"),
                format!("车辆没有{factor}的信号"),
            )
        }
        Failed::NoEnergy => pick(
            language,
            "the car does not tell the energy that it uses",
            "车辆未提供用电信号",
        )
        .to_owned(),
        Failed::NothingAvoided => {
            pick(language, "no emissions were avoided", "没有减少排放").to_owned()
        }
        Failed::Condition { rule, source } => {
            let rule = text(language, rule);
            both(
                format!("{rule} asks for {source}"),
                format!("{rule}要求 {source}"),
            )
        }
        Failed::NoAmount { rule } => {
            let rule = text(language, rule);
            both(
                format!("{rule} gives no amount for it"),
                format!("{rule}对此算不出数额"),
            )
        }
        Failed::TooLittle => pick(
            language,
            "worth less than a thousandth of a point",
            "不足千分之一分",
        )
        .to_owned(),
        Failed::CapReached(reached) => {
            let limit = limit(language, reached);
            both(
                format!("the limit of {limit} is reached"),
                format!("已达上限（{limit}）"),
            )
        }
        Failed::Guest => pick(language, "a guest was driving", "访客驾驶").to_owned(),
        Failed::NoRule => pick(language, "no rule applies to it", "没有适用的规则").to_owned(),
    }
}

/// Says that a guest is set, whose trips earn nothing, and the way out.
#[must_use]
pub(crate) const fn guest(language: Language) -> &'static str {
    pick(
        language,
        "a guest drives: trips earn nothing; turn it off on the screen, in Settings, Driver",
        "访客驾驶，行程不累计积分；请在屏幕“设置”的“驾驶人”中关闭",
    )
}

/// Says that the cloud refuses this car, and the way out.
#[must_use]
pub(crate) fn refused_car(language: Language, status: u16) -> String {
    match language {
        Language::En => format!(
            "the cloud refuses this car (status {status}): what is pending is not paid and nothing more is earned; ask service, who \
             may enrol it again"
        ),
        Language::Zh => format!(
            "云端拒收本车记录（状态码 {status}）：待确认的积分不会到账，也不再累计；请联系售后重新绑定"
        ),
    }
}

/// Says which cap cut an entry, with its room.
#[must_use]
pub(crate) fn cut(language: Language, cut: &LimitData) -> String {
    let (limit, room) = (limit(language, cut), thousands(cut.room.get()));
    match language {
        Language::En => format!("cut by the limit of {limit}: room for {room}"),
        Language::Zh => format!("受上限（{limit}）影响：只余 {room}"),
    }
}

/// Names a cap by its most, its period and what it bounds.
fn limit(language: Language, limit: &LimitData) -> String {
    cap_in_words(limit, language.into())
}

pub(super) const fn factor_in_sentence(language: Language, factor: Factor) -> &'static str {
    match factor {
        Factor::HardBraking => pick(language, "hard braking", "急刹车"),
        Factor::AggressiveTurning => pick(language, "sharp turning", "急转弯"),
        Factor::UnsafeFollowing => pick(language, "close following", "跟车过近"),
        Factor::LateNight => pick(language, "driving late at night", "深夜驾驶"),
        Factor::ExcessiveSpeed => pick(language, "high speed", "高速行驶"),
        Factor::Unbuckled => pick(language, "the seat belt", "安全带"),
    }
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
