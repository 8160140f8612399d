//! Words of the command line for an entry: its kind, its state and the reason of it.

use dashpoint_membership::{Adjustment, EntryKind, Rejection, ReviewReason, Verdict};
use dashpoint_ui::locale::Language;
use jiff::tz::TimeZone;

use super::reasons::refuses_car;
use super::words::{day, thousands};
use crate::entry_status::EntryStatus;

/// Names the kind of an entry.
#[must_use]
pub(super) const fn entry_kind(language: Language, kind: EntryKind) -> &'static str {
    let chinese = match kind {
        EntryKind::Trip => "行程",
        EntryKind::Charge => "充电",
        EntryKind::Discharge => "放电",
        EntryKind::CheckIn => "签到",
        EntryKind::OpenMeter => "更换计量表",
    };
    language.choose(kind.name(), chinese)
}

/// Names the state of an entry.
#[must_use]
pub(crate) const fn entry_status(language: Language, status: &EntryStatus) -> &'static str {
    status.named().in_words(language)
}

/// Gives the reason of an entry's state, as the cloud has given it; empty when there is none.
#[must_use]
pub(crate) fn reason(language: Language, status: &EntryStatus, zone: &TimeZone) -> String {
    match status {
        EntryStatus::Unpaid => refuses_car(language).to_owned(),
        EntryStatus::Judged(Verdict::Review { reason, until, .. }) => {
            let (why, by) = (review(language, *reason), day(*until, zone));
            match (reason, language) {
                (ReviewReason::Evidence, Language::English) => {
                    format!("{why}; the programme decides by {by}")
                }
                (_, Language::English) => format!("{why}; in review until {by}"),
                (ReviewReason::Evidence, Language::Chinese) => {
                    format!("{why}；最迟 {by} 作出决定")
                }
                (_, Language::Chinese) => format!("{why}；审核至 {by}"),
            }
        }
        EntryStatus::Pending | EntryStatus::CarriedTo(_) | EntryStatus::Settled => String::new(),
        EntryStatus::Judged(verdict) => said(language, verdict),
        EntryStatus::Released { verdict, .. } => {
            let before = said(language, verdict);
            match (verdict, language) {
                (Verdict::Rejected { .. }, Language::English) => {
                    format!("rejected at first ({before}), and paid since")
                }
                (Verdict::Rejected { .. }, Language::Chinese) => {
                    format!("起初未通过（{before}），后已到账")
                }
                (_, Language::English) => format!("paid after a review ({before})"),
                (_, Language::Chinese) => format!("审核后到账（{before}）"),
            }
        }
        EntryStatus::Refused(verdict) => {
            let before = said(language, verdict);
            match language {
                Language::English => format!("refused after a review: {before}"),
                Language::Chinese => format!("审核未通过：{before}"),
            }
        }
        EntryStatus::TakenBack { paid, taken, .. } if paid.points == taken.points => language
            .choose(
                "confirmed before; it turned out wrong and was taken back",
                "曾确认，后查明有误，已收回",
            )
            .to_owned(),
        EntryStatus::TakenBack { paid, taken, .. } => {
            let (paid, taken) = (thousands(paid.points.get()), thousands(taken.points.get()));
            match language {
                Language::English => {
                    format!(
                        "confirmed before; it turned out wrong: {taken} of {paid} points were taken back"
                    )
                }
                Language::Chinese => format!("曾确认，后查明有误：已收回 {taken}，原到账 {paid}"),
            }
        }
    }
}

/// Says that reasons are missing, and when they come back.
#[must_use]
pub(super) const fn no_statement(language: Language) -> &'static str {
    language.choose(
        "no statement of the cloud is held: why an entry earned less is told after the next contact",
        "未持有云端对账单：少得积分的原因在下次联网后显示",
    )
}

fn said(language: Language, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted { .. } => String::new(),
        Verdict::Adjusted { reasons, .. } => {
            let reasons: Vec<_> = reasons
                .iter()
                .map(|reason| adjustment(language, reason))
                .collect();
            reasons.join(language.choose(", ", "，"))
        }
        Verdict::Rejected { reason } => rejection(language, *reason).to_owned(),
        Verdict::Review { reason, .. } => review(language, *reason).to_owned(),
    }
}

fn adjustment(language: Language, adjustment: &Adjustment) -> String {
    match adjustment {
        Adjustment::Cap { cap } => format!("{} {cap}", language.choose("cap", "达到上限")),
        Adjustment::Policy { version } => {
            format!(
                "{} {version}",
                language.choose("valued by policy", "按积分规则版本")
            )
        }
        Adjustment::Rule { rule } => format!(
            "{} {rule}",
            language.choose("rule gives another amount:", "规则结果不同：")
        ),
        Adjustment::Remainder { rule } => {
            format!("{} {rule}", language.choose("remainder of", "零头累计："))
        }
    }
}

const fn rejection(language: Language, rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::NoBinding => {
            language.choose("this car is not bound to the member", "车辆未绑定该会员")
        }
        Rejection::BindingNotValid => {
            language.choose("the binding was not valid then", "绑定当时无效")
        }
        Rejection::AlreadyPaid => language.choose(
            "the same metres or kilowatt-hours were paid before",
            "该里程或电量已计分",
        ),
        Rejection::AlreadyRecorded => {
            language.choose("recorded before under its original", "原记录已入账")
        }
        Rejection::Implausible => {
            language.choose("the evidence contradicts itself", "数据自相矛盾")
        }
        Rejection::UnknownPolicy => {
            language.choose("unknown version of the policy", "未知的规则版本")
        }
    }
}

const fn review(language: Language, reason: ReviewReason) -> &'static str {
    match reason {
        ReviewReason::OverAllowance => {
            language.choose("beyond the offline allowance", "超过离线额度")
        }
        ReviewReason::Estimated => language.choose("rests on an estimate", "数据为估算"),
        ReviewReason::Forked => language.choose("this head unit was copied", "设备被复制"),
        ReviewReason::Evidence => language.choose(
            "does not fit the car's other readings",
            "与车辆其他读数不符",
        ),
    }
}
