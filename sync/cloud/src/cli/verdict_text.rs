//! Words for verdicts and for the causes of settlements.

use dashpoint_membership::policy::Period;
use dashpoint_membership::{Adjustment, Cause, Rejection, ReviewReason, Verdict};

use crate::core::NamedCap;

pub(super) fn cause(cause: &Cause, caps: &[NamedCap]) -> String {
    match cause {
        Cause::Entry { entry, verdict } => {
            format!("entry {entry}: {}", self::verdict(verdict, caps))
        }
        Cause::Released { entry } => format!("entry {entry}: paid since"),
        Cause::Spent { benefit } => format!("spent on {benefit}"),
        Cause::Reversed { of } => format!("reversal of {of}"),
        Cause::Expired { lot } => format!("lot {lot} expired"),
        Cause::ClawedBack { entry } => format!("entry {entry}: taken back"),
        Cause::Granted { reason } => format!("granted: {reason}"),
        Cause::TierChanged { from, to } => format!("tier {from} -> {to}"),
    }
}

pub(super) fn verdict(verdict: &Verdict, caps: &[NamedCap]) -> String {
    match verdict {
        Verdict::Accepted { paid } if paid.is_nothing() => "not earned".to_owned(),
        Verdict::Accepted { paid } => format!("confirmed {}", paid.points),
        Verdict::Adjusted { paid, reasons } => {
            let reasons = reasons.iter().map(|reason| adjustment(reason, caps));
            let reasons: Vec<_> = reasons.collect();
            format!("adjusted {}: {}", paid.points, reasons.join(", "))
        }
        Verdict::Rejected { reason } => format!("rejected: {}", rejection(*reason)),
        Verdict::Review {
            paid,
            reason,
            until,
        } => format!(
            "held back {}: {} until {until}",
            paid.points,
            review(*reason)
        ),
    }
}

fn adjustment(adjustment: &Adjustment, caps: &[NamedCap]) -> String {
    match adjustment {
        Adjustment::Cap { cap } => caps
            .iter()
            .find(|named| named.cap == *cap)
            .map_or_else(|| format!("cap {cap}"), cap_text),
        Adjustment::Policy { version } => format!("policy {version}"),
        Adjustment::Rule { rule } => format!("rule {rule}"),
        Adjustment::Remainder { rule } => format!("remainder of {rule}"),
    }
}

/// Words for a cap: the awards that it bounds, its most and its period, and the room that it had.
fn cap_text(cap: &NamedCap) -> String {
    let per = match cap.per {
        Period::Day => "a day",
        Period::Week => "a week",
        Period::Month => "a month",
        Period::Year => "a year",
    };
    let room = cap
        .room_points
        .map_or_else(String::new, |room| format!(" had room for {room}"));
    format!("cap of {} {per} for {}{room}", cap.most_points, cap.over.en)
}

const fn rejection(reason: Rejection) -> &'static str {
    match reason {
        Rejection::NoBinding => "no binding",
        Rejection::BindingNotValid => "binding not valid",
        Rejection::AlreadyPaid => "already paid",
        Rejection::AlreadyRecorded => "already recorded",
        Rejection::Implausible => "implausible",
        Rejection::UnknownPolicy => "unknown policy",
    }
}

pub(super) const fn review(reason: ReviewReason) -> &'static str {
    match reason {
        ReviewReason::OverAllowance => "over the offline allowance",
        ReviewReason::Estimated => "estimated",
        ReviewReason::Forked => "forked chain",
        ReviewReason::Evidence => "evidence in doubt",
    }
}
