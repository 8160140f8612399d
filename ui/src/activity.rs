//! The activity list: the ledger as the member sees it, each row opening to its reason and its evidence.

use dashpoint_membership::policy::Period;
use dashpoint_membership::{
    Adjustment, EntryRef, Evidence, EvidenceDigest, Factor, Growth, Points, PolicyVersion,
    Rejection, ReviewReason, ServerTime, Text,
};

use crate::data::Held;
use crate::facts;
use crate::locale::{Language, Locale, number, percent, score, signed, tenths_of_thousandths};
use crate::nav::Nav;
use crate::paging::{self, Paged};
use crate::{Absence, FactLine, LedgerDetail, LedgerRow, Reason, RowKind, RowStatus};

/// Rows on one page when the car is parked.
pub const ROWS: usize = 5;

/// Rows while driving: the newest ones, and no others.
pub const ROWS_MOVING: usize = 6;

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowData {
    /// Time of the event.
    pub at: ServerTime,
    /// The subject of the row.
    pub subject: Subject,
    /// The result of the row.
    pub outcome: Outcome,
    /// The rule that decided most of it, and the version of the policy.
    pub rule: Option<(Text, PolicyVersion)>,
    /// Change of the growth value.
    pub growth: Growth,
    /// Digest of the private evidence.
    pub digest: Option<EvidenceDigest>,
    /// The signed entry.
    pub entry: Option<EntryRef>,
    /// The cap that cut it, when it was paid in part.
    pub cut: Option<LimitData>,
}

/// The subject of a row of the activity list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A trip, a charge or a discharge.
    Measured(Evidence),
    /// The daily check-in.
    CheckIn,
    /// Points went for a benefit.
    Spent {
        /// The benefit that was redeemed.
        benefit: Text,
    },
    /// An operator gave points.
    Granted {
        /// The reason, as the operator wrote it.
        reason: String,
    },
    /// Points expired.
    Expiry {
        /// Time at which the points were earned.
        earned: ServerTime,
    },
    /// A payment was taken back.
    Reversal,
    /// An award was taken back.
    Clawback,
    /// The tier changed.
    Tier {
        /// From.
        from: Text,
        /// To.
        to: Text,
    },
}

/// The result of a row: its state, with amounts and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Signed, and not yet sent or answered.
    AwaitingConnection {
        /// Points that the car predicts.
        predicted: Points,
    },
    /// Kept without a signature.
    AwaitingSignature {
        /// Points that the car predicts.
        predicted: Points,
    },
    /// The cloud holds it back.
    InReview {
        /// Points that are held back.
        points: Points,
        /// The reason of the review.
        reason: ReviewReason,
        /// Until when.
        until: ServerTime,
    },
    /// Booked as it stands.
    Booked {
        /// Points booked; negative for a debit.
        points: Points,
    },
    /// Paid otherwise than predicted.
    Adjusted {
        /// Points that were paid.
        paid: Points,
        /// Points that the car had predicted.
        predicted: Points,
        /// The reason of the difference.
        why: Adjustment,
    },
    /// Not admissible.
    Rejected {
        /// Points that the car had predicted.
        predicted: Points,
        /// The reason of the rejection.
        reason: Rejection,
    },
    /// It earned nothing.
    Nothing(Failed),
}

/// The reason that nothing was earned: the condition that was not met, or the cap that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The driving score, times 100.
    Score {
        /// The measured score times 100.
        got_x100: u16,
        /// The score times 100 that the rule requires.
        needed_x100: u16,
    },
    /// The distance.
    Distance {
        /// The measured distance, in metres.
        got_m: u64,
        /// The distance that the rule requires, in metres.
        needed_m: u64,
    },
    /// The share of renewable energy.
    Renewable {
        /// The measured share, in permille.
        got_permille: u16,
        /// The share that the rule requires, in permille.
        needed_permille: u16,
    },
    /// The energy of a session.
    Energy {
        /// The measured energy, in watt-hours.
        got_wh: u64,
        /// The energy that the rule requires, in watt-hours.
        needed_wh: u64,
    },
    /// The time of the trip of which nothing was seen.
    Missed {
        /// That time, in seconds.
        got_s: u64,
        /// The most that the rule allows, in seconds.
        most_s: u64,
    },
    /// The car has no signal for a factor of the score.
    Unobserved {
        /// The factor.
        factor: Factor,
    },
    /// The car has no signal for the energy that it draws.
    NoEnergy,
    /// No emission was avoided.
    NothingAvoided,
    /// Another condition of a rule.
    Condition {
        /// Title of the rule.
        rule: Text,
        /// The condition, as rules are written.
        source: String,
    },
    /// A rule gives no amount for it.
    NoAmount {
        /// Title of the rule.
        rule: Text,
    },
    /// It is worth less than a thousandth of a point.
    TooLittle,
    /// A cap was reached before.
    CapReached(LimitData),
    /// A guest was driving.
    Guest,
    /// No rule looks at it.
    NoRule,
}

/// A cap of the policy and the room that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitData {
    /// The awards that it bounds.
    pub over: Text,
    /// The stretch of the calendar that it counts.
    pub per: Period,
    /// The most points in it.
    pub most: Points,
    /// Points that it had room for.
    pub room: Points,
}

/// View-state of the activity page.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityState {
    /// The reason for an empty list.
    pub absence: Absence,
    /// Only the newest rows, and none opens.
    pub restricted: bool,
    /// The rows of this page.
    pub rows: Vec<LedgerRow>,
    /// Index of the open row.
    pub selected: usize,
    /// Page of the list, from 1.
    pub page: usize,
    /// Pages of the list.
    pub pages: usize,
    /// The open one.
    pub detail: LedgerDetail,
    /// Its points: predicted, paid, growth.
    pub values: Vec<FactLine>,
    /// The measurements of the open row.
    pub evidence: Vec<FactLine>,
}

/// Makes the view-state of the activity page.
#[must_use]
pub fn activity(
    ledger: &Held<Vec<RowData>>,
    nav: &Nav,
    restricted: bool,
    locale: &Locale,
    now: ServerTime,
) -> ActivityState {
    let absence = match ledger {
        Held::Here(rows) if rows.is_empty() => Absence::Empty,
        Held::Here(_) => Absence::None,
        Held::NotYet => Absence::NotYet,
        Held::Damaged => Absence::Damaged,
        Held::OtherCar => Absence::OtherCar,
    };
    let mut state = ActivityState {
        absence,
        restricted,
        rows: Vec::new(),
        selected: 0,
        page: 1,
        pages: 1,
        detail: LedgerDetail::default(),
        values: Vec::new(),
        evidence: Vec::new(),
    };
    let Held::Here(ledger) = ledger else {
        return state;
    };
    if restricted {
        let newest = &ledger[..ledger.len().min(ROWS_MOVING)];
        state.rows = newest.iter().map(|row| line(row, locale, now)).collect();
        return state;
    }
    let Paged { rows, page, pages } = paging::page(ledger, nav.activity_page(), ROWS);
    state.rows = rows.iter().map(|row| line(row, locale, now)).collect();
    (state.page, state.pages) = (page, pages);
    if let Some(open) = rows.get(nav.activity_row()).or(rows.last()) {
        state.selected = nav.activity_row().min(rows.len() - 1);
        state.detail = detail(open, nav.evidence_open(), locale, now);
        state.values = facts::values(open);
        state.evidence = facts::evidence(open);
    }
    state
}

fn line(row: &RowData, locale: &Locale, now: ServerTime) -> LedgerRow {
    let (reason, a, b) = reason(row, locale, now);
    LedgerRow {
        kind: kind(&row.subject),
        status: status(row),
        subject: match &row.subject {
            Subject::Spent { benefit } => locale.language.pick(benefit).into(),
            Subject::Tier { to, .. } => locale.language.pick(to).into(),
            Subject::Measured(_)
            | Subject::CheckIn
            | Subject::Granted { .. }
            | Subject::Expiry { .. }
            | Subject::Reversal
            | Subject::Clawback => Default::default(),
        },
        points: signed(points(&row.outcome).get()).into(),
        when: locale.day_or_time(row.at, now).into(),
        measure: measure(&row.subject).into(),
        reason,
        a: a.into(),
        b: b.into(),
    }
}

fn detail(row: &RowData, evidence_open: bool, locale: &Locale, now: ServerTime) -> LedgerDetail {
    let (rule, policy) = row
        .rule
        .as_ref()
        .map_or_else(Default::default, |(title, version)| {
            (
                locale.language.pick(title).into(),
                version.get().to_string().into(),
            )
        });
    LedgerDetail {
        row: line(row, locale, now),
        rule,
        policy,
        evidence_open,
    }
}

const fn kind(subject: &Subject) -> RowKind {
    match subject {
        Subject::Measured(Evidence::Trip(_)) => RowKind::Trip,
        Subject::Measured(Evidence::Charge(_)) => RowKind::Charge,
        Subject::Measured(Evidence::Discharge(_)) => RowKind::Discharge,
        Subject::CheckIn => RowKind::CheckIn,
        Subject::Spent { .. } => RowKind::Spent,
        Subject::Granted { .. } => RowKind::Granted,
        Subject::Expiry { .. } => RowKind::Expiry,
        Subject::Reversal => RowKind::Reversal,
        Subject::Clawback => RowKind::Clawback,
        Subject::Tier { .. } => RowKind::Tier,
    }
}

const fn status(row: &RowData) -> RowStatus {
    match (&row.outcome, &row.subject) {
        (
            Outcome::AwaitingConnection { .. }
            | Outcome::AwaitingSignature { .. }
            | Outcome::InReview { .. },
            _,
        ) => RowStatus::Pending,
        (Outcome::Booked { .. }, Subject::Expiry { .. }) => RowStatus::Expired,
        (Outcome::Booked { .. }, _) => RowStatus::Confirmed,
        (Outcome::Adjusted { .. }, _) => RowStatus::Adjusted,
        (Outcome::Rejected { .. }, _) => RowStatus::Rejected,
        (Outcome::Nothing(_), _) => RowStatus::Nothing,
    }
}

const fn points(outcome: &Outcome) -> Points {
    match outcome {
        Outcome::AwaitingConnection { predicted } | Outcome::AwaitingSignature { predicted } => {
            *predicted
        }
        Outcome::InReview { points, .. } | Outcome::Booked { points } => *points,
        Outcome::Adjusted { paid, .. } => *paid,
        Outcome::Rejected { .. } | Outcome::Nothing(_) => Points::ZERO,
    }
}

/// Distance or energy with one decimal; nothing for what has none.
fn measure(subject: &Subject) -> String {
    match subject {
        Subject::Measured(evidence) => facts::thousandths(evidence.interval().length()),
        Subject::CheckIn
        | Subject::Spent { .. }
        | Subject::Granted { .. }
        | Subject::Expiry { .. }
        | Subject::Reversal
        | Subject::Clawback
        | Subject::Tier { .. } => String::new(),
    }
}

/// Returns the reason of a row's state, with the arguments of its sentence.
#[must_use]
pub fn reason(row: &RowData, locale: &Locale, now: ServerTime) -> (Reason, String, String) {
    let plain = |reason| (reason, String::new(), String::new());
    match &row.outcome {
        Outcome::AwaitingConnection { .. } => match &row.cut {
            Some(limit) => (
                Reason::CutWaiting,
                locale.language.pick(&limit.over).to_owned(),
                room(limit, locale),
            ),
            None => plain(Reason::AwaitingConnection),
        },
        Outcome::AwaitingSignature { .. } => plain(Reason::AwaitingSignature),
        Outcome::InReview { reason, until, .. } => {
            let reason = match reason {
                ReviewReason::OverAllowance => Reason::OverAllowance,
                ReviewReason::Estimated => Reason::Estimated,
                ReviewReason::Forked => Reason::Forked,
                ReviewReason::Evidence => Reason::Evidence,
            };
            (reason, locale.date(*until, now), String::new())
        }
        Outcome::Booked { .. } => match &row.cut {
            Some(limit) => (
                Reason::Cut,
                locale.language.pick(&limit.over).to_owned(),
                room(limit, locale),
            ),
            None => booked(&row.subject, locale, now),
        },
        Outcome::Adjusted {
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
                return (Reason::CapNamed, amounts, named(limit, locale));
            }
            let reason = match why {
                Adjustment::Cap { .. } => Reason::Cap,
                Adjustment::Policy { .. } => Reason::OtherPolicy,
                Adjustment::Rule { .. } => Reason::OtherRule,
                Adjustment::Remainder { .. } => Reason::Remainder,
            };
            (reason, signed(paid.get()), signed(predicted.get()))
        }
        Outcome::Rejected { reason, .. } => plain(match reason {
            Rejection::NoBinding => Reason::NoBinding,
            Rejection::BindingNotValid => Reason::BindingNotValid,
            Rejection::AlreadyPaid => Reason::AlreadyPaid,
            Rejection::AlreadyRecorded => Reason::AlreadyRecorded,
            Rejection::Implausible => Reason::Implausible,
            Rejection::UnknownPolicy => Reason::UnknownPolicy,
        }),
        Outcome::Nothing(failed) => condition(failed, locale),
    }
}

fn booked(subject: &Subject, locale: &Locale, now: ServerTime) -> (Reason, String, String) {
    let (reason, a, b) = match subject {
        Subject::Measured(_) | Subject::CheckIn => (Reason::PaidAsPredicted, "", ""),
        Subject::Spent { benefit } => (Reason::Spent, locale.language.pick(benefit), ""),
        Subject::Granted { reason } => (Reason::Operator, reason.as_str(), ""),
        Subject::Expiry { earned } => {
            return (Reason::LotExpired, locale.date(*earned, now), String::new());
        }
        Subject::Reversal => (Reason::Reversed, "", ""),
        Subject::Clawback => (Reason::ClawedBack, "", ""),
        Subject::Tier { from, to } => (
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
        Failed::CapReached(limit) => (Reason::CapReached, named(limit, locale), String::new()),
        Failed::Guest => plain(Reason::Guest),
        Failed::NoRule => plain(Reason::NoRule),
    }
}

fn tenths(thousandths: u64) -> String {
    tenths_of_thousandths(i64::try_from(thousandths).unwrap_or(i64::MAX))
}

/// A cap by what it bounds, its most and its period.
fn named(limit: &LimitData, locale: &Locale) -> String {
    let over = locale.language.pick(&limit.over);
    let most = number(limit.most.get());
    let per = period(limit.per, locale.language);
    match locale.language {
        Language::English => format!("{most} {per} for {over}"),
        Language::Chinese => format!("{over}{per} {most}"),
    }
}

/// The room that a cap had, of its most in its period.
fn room(limit: &LimitData, locale: &Locale) -> String {
    let (room, most) = (number(limit.room.get()), number(limit.most.get()));
    let per = period(limit.per, locale.language);
    match locale.language {
        Language::English => format!("{room} of {most} {per}"),
        Language::Chinese => format!("{per} {most} 中的 {room}"),
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
const fn factor_name(factor: Factor, language: Language) -> &'static str {
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
        (Language::Chinese, Factor::ExcessiveSpeed) => "高速行驶",
        (Language::Chinese, Factor::Unbuckled) => "安全带",
    }
}
