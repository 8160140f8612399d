//! The reason of a row's state, as the sentence that the activity page shows.

use dashpoint_membership::policy::Period;
use dashpoint_membership::{Adjustment, Factor, Rejection, ReviewReason, ServerTime};

use crate::Reason;
use crate::facts;
use crate::locale::{Language, Locale, number, percent, score, signed, tenths_of_thousandths};
use crate::model::{Failed, LimitData, RowData, RowOutcome, RowSubject, UnpaidRule};

/// Returns the reason of a row's state, with the arguments of its sentence.
#[must_use]
pub fn reason(row: &RowData, locale: &Locale, now: ServerTime) -> (Reason, String, String) {
    let plain = |reason| (reason, String::new(), String::new());
    match &row.outcome {
        RowOutcome::AwaitingConnection { .. } => match &row.cut {
            Some(limit) => (
                Reason::CutWaiting,
                locale.language.pick(&limit.over).to_owned(),
                room(limit, locale),
            ),
            None => plain(Reason::AwaitingConnection),
        },
        RowOutcome::Unpaid { .. } => plain(Reason::CarRefused),
        RowOutcome::AwaitingSignature { .. } => plain(Reason::AwaitingSignature),
        RowOutcome::InReview { reason, until, .. } => {
            let reason = match reason {
                ReviewReason::OverAllowance => Reason::OverAllowance,
                ReviewReason::Estimated => Reason::Estimated,
                ReviewReason::Forked => Reason::Forked,
                ReviewReason::Evidence => Reason::Evidence,
            };
            (reason, locale.date(*until, now), String::new())
        }
        RowOutcome::Booked { .. } => match &row.cut {
            Some(limit) => (
                Reason::Cut,
                locale.language.pick(&limit.over).to_owned(),
                room(limit, locale),
            ),
            None => booked(&row.subject, locale, now),
        },
        RowOutcome::Adjusted {
            paid,
            predicted,
            why,
        } => {
            if let (Adjustment::Cap { .. }, Some(limit)) = (why, &row.cut) {
                let (paid, predicted) = (signed(paid.get()), signed(predicted.get()));
                let amounts = match locale.language {
                    Language::English => format!("{paid} instead of {predicted}"),
                    Language::Chinese => format!("{paid}，而非 {predicted}"),
                };
                let words = cap_in_words(limit, locale.language);
                let room = limit.room.map(|room| number(room.get()));
                return match (room, locale.language) {
                    (Some(room), Language::English) => (
                        Reason::CapRoom,
                        format!("{amounts}: the limit of {words}"),
                        room,
                    ),
                    (Some(room), Language::Chinese) => {
                        (Reason::CapRoom, format!("{amounts}：上限（{words}）"), room)
                    }
                    (None, _) => (Reason::CapNamed, amounts, words),
                };
            }
            let reason = match why {
                Adjustment::Cap { .. } => Reason::CapNotHeld,
                Adjustment::Policy { .. } => Reason::OtherPolicy,
                Adjustment::Rule { .. } => Reason::OtherRule,
                Adjustment::Remainder { .. } => Reason::Remainder,
            };
            (reason, signed(paid.get()), signed(predicted.get()))
        }
        RowOutcome::Rejected { reason, .. } => plain(match reason {
            Rejection::NoBinding => Reason::NoBinding,
            Rejection::BindingNotValid => Reason::BindingNotValid,
            Rejection::AlreadyPaid => Reason::AlreadyPaid,
            Rejection::AlreadyRecorded => Reason::AlreadyRecorded,
            Rejection::Implausible => Reason::Implausible,
            Rejection::UnknownPolicy => Reason::UnknownPolicy,
        }),
        RowOutcome::PaidLate { was_rejected, .. } => plain(if *was_rejected {
            Reason::PaidLate
        } else {
            Reason::PaidAfterReview
        }),
        RowOutcome::Settled { .. } => plain(Reason::Settled),
        RowOutcome::Refused { .. } => plain(Reason::RefusedAfterReview),
        RowOutcome::TakenBack { paid, taken } if paid == taken => plain(Reason::ClawedBack),
        RowOutcome::TakenBack { paid, taken } => (
            Reason::ClawedBackInPart,
            number(taken.get()),
            number(paid.get()),
        ),
        // It is no award, and no rule is missing.
        RowOutcome::Nothing(_) if row.subject == RowSubject::MeterOpened => {
            plain(Reason::MeterOpened)
        }
        RowOutcome::Nothing(failed) if says_each(failed, &row.unpaid) => plain(Reason::EachRule),
        RowOutcome::Nothing(failed) => condition(failed, locale),
    }
}

/// Returns whether the reasons of the rules stand in the place of one.
fn says_each(failed: &Failed, rules: &[UnpaidRule]) -> bool {
    UnpaidRule::say(failed, UnpaidRule::told_beside(Some(failed), rules))
}

fn booked(subject: &RowSubject, locale: &Locale, now: ServerTime) -> (Reason, String, String) {
    let (reason, a, b) = match subject {
        RowSubject::Measured(_) | RowSubject::CheckIn => (Reason::PaidAsPredicted, "", ""),
        RowSubject::MeterOpened => (Reason::MeterOpened, "", ""),
        RowSubject::Spent { benefit } => (Reason::Spent, locale.language.pick(benefit), ""),
        RowSubject::Granted { reason } => (Reason::Operator, reason.as_str(), ""),
        RowSubject::Expiry { earned } => {
            return (Reason::LotExpired, locale.date(*earned, now), String::new());
        }
        RowSubject::Reversal => (Reason::Reversed, "", ""),
        RowSubject::Clawback => (Reason::ClawedBack, "", ""),
        RowSubject::Tier { from, to } => (
            Reason::TierChanged,
            locale.language.pick(from),
            locale.language.pick(to),
        ),
    };
    (reason, a.to_owned(), b.to_owned())
}

/// The sentence of the reason that nothing was earned.
#[must_use]
pub fn condition(failed: &Failed, locale: &Locale) -> (Reason, String, String) {
    let plain = |reason| (reason, String::new(), String::new());
    match failed {
        Failed::Score {
            got_x100,
            needed_x100,
        } => (Reason::LowScore, score(*got_x100), score(*needed_x100)),
        Failed::Distance { got_m, needed_m } => (
            Reason::ShortDistance,
            facts::thousandths(*got_m),
            tenths(*needed_m),
        ),
        Failed::Renewable {
            got_permille,
            needed_permille,
        } => (
            Reason::LowRenewable,
            percent(*got_permille),
            percent(*needed_permille),
        ),
        Failed::Energy { got_wh, needed_wh } => (
            Reason::LowEnergy,
            facts::thousandths(*got_wh),
            tenths(*needed_wh),
        ),
        Failed::Missed { got_s, most_s } => (Reason::Missed, got_s.to_string(), most_s.to_string()),
        Failed::Unobserved { factor } => (
            Reason::Unobserved,
            factor_name(*factor, locale.language).to_owned(),
            String::new(),
        ),
        Failed::NoEnergy => plain(Reason::NoEnergy),
        Failed::NothingAvoided => plain(Reason::NothingAvoided),
        Failed::Condition { rule, source } => (
            Reason::Condition,
            locale.language.pick(rule).to_owned(),
            source.clone(),
        ),
        Failed::NoAmount { rule } => (
            Reason::NoAmount,
            locale.language.pick(rule).to_owned(),
            String::new(),
        ),
        Failed::TooLittle => plain(Reason::TooLittle),
        Failed::Fraction { milli, is_carried } => {
            let reason = if *is_carried {
                Reason::CarriedOn
            } else {
                Reason::Fraction
            };
            (reason, facts::exact_thousandths(*milli), String::new())
        }
        Failed::CapReached(limit) => (
            Reason::CapReached,
            cap_in_words(limit, locale.language),
            String::new(),
        ),
        Failed::Guest => plain(Reason::Guest),
        Failed::NoRule => plain(Reason::NoRule),
    }
}

fn tenths(thousandths: u64) -> String {
    tenths_of_thousandths(i64::try_from(thousandths).unwrap_or(i64::MAX))
}

/// Names a cap by its most, its period and what it bounds.
#[must_use]
pub fn cap_in_words(limit: &LimitData, language: Language) -> String {
    let over = language.pick(&limit.over);
    let most = number(limit.most.get());
    let per = period(limit.per, language);
    match language {
        Language::English => format!("{most} {per} for {over}"),
        Language::Chinese => format!("{over}{per} {most}"),
    }
}

/// The room that a cap had, where it is known, of its most in its period.
fn room(limit: &LimitData, locale: &Locale) -> String {
    let room = limit.room.map(|room| number(room.get()));
    let most = number(limit.most.get());
    let per = period(limit.per, locale.language);
    match (room, locale.language) {
        (Some(room), Language::English) => format!("{room} of {most} {per}"),
        (Some(room), Language::Chinese) => format!("{per} {most} 中的 {room}"),
        (None, Language::English) => format!("part of {most} {per}"),
        (None, Language::Chinese) => format!("{per} {most} 中的一部分"),
    }
}

const fn period(per: Period, language: Language) -> &'static str {
    match (language, per) {
        (Language::English, Period::Day) => "a day",
        (Language::English, Period::Week) => "a week",
        (Language::English, Period::Month) => "a month",
        (Language::English, Period::Year) => "a year",
        (Language::Chinese, Period::Day) => "每日",
        (Language::Chinese, Period::Week) => "每周",
        (Language::Chinese, Period::Month) => "每月",
        (Language::Chinese, Period::Year) => "每年",
    }
}

/// Names a factor within a sentence.
#[must_use]
pub const fn factor_name(factor: Factor, language: Language) -> &'static str {
    match (language, factor) {
        (Language::English, Factor::HardBraking) => "hard braking",
        (Language::English, Factor::AggressiveTurning) => "sharp turning",
        (Language::English, Factor::UnsafeFollowing) => "close following",
        (Language::English, Factor::LateNight) => "driving late at night",
        (Language::English, Factor::ExcessiveSpeed) => "high speed",
        (Language::English, Factor::Unbuckled) => "the seat belt",
        (Language::Chinese, Factor::HardBraking) => "急刹车",
        (Language::Chinese, Factor::AggressiveTurning) => "急转弯",
        (Language::Chinese, Factor::UnsafeFollowing) => "跟车过近",
        (Language::Chinese, Factor::LateNight) => "深夜驾驶",
        (Language::Chinese, Factor::ExcessiveSpeed) => "超高速",
        (Language::Chinese, Factor::Unbuckled) => "安全带",
    }
}
