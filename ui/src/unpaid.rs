//! The reasons of the rules that pay nothing for an entry, in words: the same on the screen and on the command line.

use slint::SharedString;

use crate::facts::exact_thousandths;
use crate::locale::{Language, Locale};
use crate::model::{Failed, RowOutcome, UnpaidRule};
use crate::reason::{cap_in_words, factor_name};

/// Lines of a page for the rules that paid nothing, as far as there is room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnpaidLines {
    /// One line for each.
    pub lines: Vec<SharedString>,
    /// Rules for which there is no room.
    pub more: usize,
}

impl UnpaidLines {
    /// Words the rules that are told beside the reason of an entry.
    #[must_use]
    pub fn of(outcome: &RowOutcome, rules: &[UnpaidRule], room: usize, locale: &Locale) -> Self {
        let failed = match outcome {
            RowOutcome::Nothing(failed) => Some(failed),
            RowOutcome::AwaitingConnection { .. }
            | RowOutcome::Unpaid { .. }
            | RowOutcome::AwaitingSignature { .. }
            | RowOutcome::InReview { .. }
            | RowOutcome::Booked { .. }
            | RowOutcome::Adjusted { .. }
            | RowOutcome::Rejected { .. }
            | RowOutcome::PaidLate { .. }
            | RowOutcome::Settled { .. }
            | RowOutcome::Refused { .. }
            | RowOutcome::TakenBack { .. } => None,
        };
        let told = UnpaidRule::told_beside(failed, rules);
        let lines = told.iter().take(room);
        Self {
            lines: lines
                .map(|rule| rule_in_words(locale.language, rule).into())
                .collect(),
            more: told.len().saturating_sub(room),
        }
    }
}

/// Says why a rule pays nothing, with its title.
#[must_use]
pub fn rule_in_words(language: Language, rule: &UnpaidRule) -> String {
    let reason = failed_in_words(language, &rule.failed);
    match &rule.failed {
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
            format!("{}{colon}{reason}", language.pick(&rule.title))
        }
    }
}

/// Says why an entry earned nothing, or why rules paid nothing beside those that did; empty when there is nothing to say.
#[must_use]
pub fn unpaid_in_words(
    language: Language,
    failed: Option<&Failed>,
    rules: &[UnpaidRule],
) -> String {
    let told = UnpaidRule::told_beside(failed, rules);
    let own = failed.filter(|failed| !UnpaidRule::say(failed, told));
    let own = own.map(|failed| failed_in_words(language, failed));
    let each = told.iter().map(|rule| rule_in_words(language, rule));
    let reasons: Vec<String> = own.into_iter().chain(each).collect();
    reasons.join(language.choose("; ", "；"))
}

/// Says why an entry, or a rule, earned nothing.
#[must_use]
pub fn failed_in_words(language: Language, failed: &Failed) -> String {
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
                format!("驾驶评分 {got} 低于 {needed}"),
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
            let milli = exact_thousandths(*milli);
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
            let limit = cap_in_words(reached, language);
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

fn hundredths(x100: u16) -> String {
    format!("{}.{:02}", x100 / 100, x100 % 100)
}

fn tenths(permille: u16) -> String {
    format!("{}.{}", permille / 10, permille % 10)
}

fn thousandths(units: u64) -> String {
    format!("{}.{:03}", units / 1_000, units % 1_000)
}
