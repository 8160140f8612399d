//! The summary of a trip, once, when it has ended in park.

use dashpoint_membership::{Factor, ServerTime};
use slint::SharedString;

use crate::facts::{energy, fact, thousandths};
use crate::locale::{Locale, percent, points_or_dash, score, tenths_of_thousandths};
use crate::model::{RowData, RowOutcome, RowSubject, TripData};
use crate::paging::shown;
use crate::reason::reason;
use crate::unpaid::UnpaidLines;
use crate::{AwardLine, Cause, CauseLine, Fact, FactLine, Reason, TripShown};

/// Awards that the page has room for; the rest are summed in the points.
pub const AWARDS: usize = 3;

/// Rules for which the page has room where none of them pays.
pub const UNPAID: usize = 3;

/// Causes that the page has room for: the costliest.
pub const CAUSES: usize = 4;

/// View-state of the trip summary.
#[derive(Debug, Clone, PartialEq)]
pub struct TripState {
    /// The big numbers.
    pub shown: TripShown,
    /// Points of each rule.
    pub awards: Vec<AwardLine>,
    /// The factors that lowered the score.
    pub causes: Vec<CauseLine>,
    /// Distance, time, energy.
    pub facts: Vec<FactLine>,
    /// The rules that paid nothing, each with its reason.
    pub unpaid: Vec<SharedString>,
}

/// Makes the view-state of the trip summary.
#[must_use]
pub fn trip(data: &TripData, locale: &Locale, now: ServerTime) -> TripState {
    // Each rule has one line: those that pay come first.
    let room = UNPAID.saturating_sub(data.awards.len());
    let unpaid = UnpaidLines::of(&data.outcome, &data.unpaid, room, locale);
    TripState {
        shown: numbers(data, unpaid.more, locale, now),
        awards: data
            .awards
            .iter()
            .take(AWARDS)
            .map(|(rule, points)| AwardLine {
                rule: locale.language.pick(rule).into(),
                // Where the sum is not known, no part of it is.
                points: points_or_dash(data.outcome.points().map(|_| *points)).into(),
            })
            .collect(),
        causes: data
            .causes
            .iter()
            .take(CAUSES)
            .map(|cause| CauseLine {
                cause: cause_of(cause.factor),
                at: locale.time(cause.at).into(),
                seconds: cause.seconds.to_string().into(),
            })
            .collect(),
        facts: measured(data),
        unpaid: unpaid.lines,
    }
}

fn numbers(data: &TripData, more: usize, locale: &Locale, now: ServerTime) -> TripShown {
    let unsigned = matches!(data.outcome, RowOutcome::AwaitingSignature { .. });
    let pending = unsigned || matches!(data.outcome, RowOutcome::AwaitingConnection { .. });
    let (reason, a, b) = match &data.outcome {
        // Said by the line at the foot of the card.
        RowOutcome::AwaitingConnection { .. } | RowOutcome::AwaitingSignature { .. } => {
            (Reason::None, String::new(), String::new())
        }
        RowOutcome::Unpaid { .. }
        | RowOutcome::InReview { .. }
        | RowOutcome::Booked { .. }
        | RowOutcome::Adjusted { .. }
        | RowOutcome::PaidLate { .. }
        | RowOutcome::Rejected { .. }
        | RowOutcome::Settled { .. }
        | RowOutcome::Refused { .. }
        | RowOutcome::TakenBack { .. }
        | RowOutcome::Nothing(_) => reason(&as_row(data), locale, now),
    };
    TripShown {
        span: format!(
            "{} – {}",
            locale.time(data.started),
            locale.time(data.ended)
        )
        .into(),
        distance: thousandths(data.trip.odometer.length()).into(),
        points: points_or_dash(data.outcome.points()).into(),
        pending,
        reason,
        a: a.into(),
        b: b.into(),
        score: score(data.trip.score_x100).into(),
        score_fraction: f32::from(data.trip.score_x100 / 100) / 100.0,
        unobserved: shown(data.factors.saturating_sub(data.trip.factors.len())),
        missed: if data.trip.missed_s == 0 {
            Default::default()
        } else {
            data.trip.missed_s.to_string().into()
        },
        unsigned,
        more: shown(more),
        co2: data
            .co2_avoided_g
            .map(|grams| tenths_of_thousandths(grams).into())
            .unwrap_or_default(),
    }
}

fn as_row(data: &TripData) -> RowData {
    RowData {
        at: data.ended,
        subject: RowSubject::Measured(dashpoint_membership::Evidence::Trip(data.trip.clone())),
        outcome: data.outcome.clone(),
        rule: None,
        growth: dashpoint_membership::Growth::ZERO,
        digest: None,
        entry: None,
        cut: data.cut.clone(),
        unpaid: data.unpaid.clone(),
    }
}

fn measured(data: &TripData) -> Vec<FactLine> {
    let minutes = data.trip.driving.minutes().to_string();
    let mut lines = vec![fact(Fact::DrivingTime, minutes)];
    lines.extend(energy(&data.trip));
    if let Some(permille) = data.renewable_permille {
        lines.push(fact(Fact::Renewable, percent(permille)));
    }
    lines
}

const fn cause_of(factor: Factor) -> Cause {
    match factor {
        Factor::HardBraking => Cause::HardBraking,
        Factor::AggressiveTurning => Cause::AggressiveTurning,
        Factor::UnsafeFollowing => Cause::UnsafeFollowing,
        Factor::LateNight => Cause::LateNight,
        Factor::ExcessiveSpeed => Cause::ExcessiveSpeed,
        Factor::Unbuckled => Cause::Unbuckled,
    }
}
