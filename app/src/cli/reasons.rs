//! Words of the reasons that an entry earned nothing, or less than its rules give.

use dashpoint_membership::Milli;
use dashpoint_ui::locale::Language;

use super::words::thousands;
use crate::explain::decimal;
use dashpoint_ui::model::LimitData;
use dashpoint_ui::reason::cap_in_words;

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

/// Says that the cloud refuses this car.
#[must_use]
pub(super) const fn refuses_car(language: Language) -> &'static str {
    language.choose("the cloud refuses this car", "云端拒绝本车接入")
}

/// Says of so many entries that they are not paid, because the cloud refuses this car.
#[must_use]
pub(crate) fn not_paid(language: Language, entries: u64) -> String {
    let why = refuses_car(language);
    match (language, entries) {
        (Language::English, 1) => format!("not paid: {why}"),
        (Language::English, entries) => format!("{entries} entries are not paid: {why}"),
        (Language::Chinese, 1) => format!("不会到账：{why}"),
        (Language::Chinese, entries) => format!("{entries} 条记录不会到账：{why}"),
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

/// Says which part of the points earlier awards had carried on.
#[must_use]
pub(crate) fn from_before(language: Language, milli: Milli) -> String {
    let milli = decimal(milli.get());
    match language {
        Language::English => format!("{milli} of them left over from before"),
        Language::Chinese => format!("其中 {milli} 来自此前零头"),
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
