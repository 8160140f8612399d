//! The verdict on an entry and what it does to the account.

use super::given::Given;
use super::payment::{Appraised, Meters, Payment};
use crate::account::{Account, Cause, Pending, Settlement};
use crate::chain::{Arrival, Chain, ChainPosition, LATEST_ARRIVAL_DAYS};
use crate::entry::{Award, Entry, Transaction};
use crate::evidence::{Charge, Evidence, Grade};
use crate::ids::{EntryRef, RuleId};
use crate::points::{Growth, Points};
use crate::policy::{CompiledPolicy, Policies};
use crate::time::{LocalDay, ServerTime};
use crate::valuation::appraise;
use crate::verdict::{Adjustment, Paid, Rejection, ReviewReason, Verdict};
use crate::zone::{DAY_S, Zone};

/// Values an admissible entry again and pays it: the cloud's word when it arrives, the car's prediction before.
///
/// The caller has verified the signature, the place in the chain, the binding and that the meter interval is unpaid;
/// when one of these fails it calls [`reject`]. Always gives exactly one row of the ledger.
pub fn settle(
    account: &mut Account,
    chain: &mut Chain,
    zone: &Zone,
    policies: &Policies,
    at: EntryRef,
    entry: &Entry,
    arrival: Arrival,
) -> Settlement {
    settle_weighed(account, chain, zone, policies, at, entry, false, arrival).row
}

/// A row of the ledger, with the thousandths behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The row.
    pub row: Settlement,
    /// Amount that was paid, or is held back for a time, to the thousandth; `None` when nothing counts yet.
    pub given: Option<Given>,
}

/// Does what [`settle`] does in the cloud, which also knows whether the evidence is in doubt. Then whatever the entry would be
/// paid is held back for an operator, be it a thousandth. Neither remainders nor caps move before [`super::settle_late`] pays
/// it, so that a refusal leaves no trace.
///
/// The amount of a verdict on evidence in doubt is what the member saw in the car, as far as rules and caps allow it.
#[expect(
    clippy::too_many_arguments,
    reason = "an entry, where it stands, and what it changes"
)]
pub fn settle_weighed(
    account: &mut Account,
    chain: &mut Chain,
    zone: &Zone,
    policies: &Policies,
    at: EntryRef,
    entry: &Entry,
    is_in_doubt: bool,
    arrival: Arrival,
) -> Settled {
    let refuse = |account: &mut Account, chain: &mut Chain, reason| Settled {
        row: reject(account, chain, at, entry, reason, arrival),
        given: None,
    };
    let Some(signed) = policies.get(entry.policy) else {
        return refuse(account, chain, Rejection::UnknownPolicy);
    };
    if arrival.receipt_at > arrival.at {
        return refuse(account, chain, Rejection::Implausible);
    }
    let position = chain.advance(entry, arrival);
    let arrival = arrival.at;
    let policy = policies.valuing(signed, position.cap_time);
    let transaction = entry.transaction();
    let mut meters = Meters::take(account);
    let untouched = is_in_doubt.then(|| meters.clone());
    let payments = meters.pay(
        policy,
        transaction.kind(),
        zone.local_day(position.cap_time),
        &appraise(policy, transaction, entry.time.utc_offset_min),
    );
    untouched.unwrap_or(meters).put_into(account);
    let day = zone.local_day(position.cap_time);
    let given = Given::of(policy.version(), transaction.kind(), day, &payments);
    prune(account, policies, zone.local_day(arrival));
    let paid = Paid::sum(payments.iter().map(|payment| payment.paid));
    // What the device predicts moves no allowance.
    chain.earned(paid.points);
    let held = if is_in_doubt {
        held_in_doubt(entry, policy, &payments)
    } else {
        held_back(transaction, policy, &position)
            .filter(|_| !paid.is_nothing())
            .map(|(reason, days)| (paid, reason, days))
    };
    let verdict = match held {
        Some((paid, reason, days)) => Verdict::Review {
            paid,
            reason,
            until: arrival.plus_s(i64::from(days) * DAY_S),
        },
        None => judge(entry, policy, &payments, paid),
    };
    let expires = live_until(policy, position.cap_time, arrival, zone);
    let tiers = policies.in_force_at(arrival);
    Settled {
        row: enter(account, at, &verdict, arrival, expires, tiers, zone),
        given: (!is_in_doubt).then_some(given),
    }
}

/// Records that an authentic entry is not admissible: nothing is paid, the chain counts it.
pub fn reject(
    account: &mut Account,
    chain: &mut Chain,
    at: EntryRef,
    entry: &Entry,
    reason: Rejection,
    arrival: Arrival,
) -> Settlement {
    chain.count(entry, arrival);
    let cause = Cause::Entry {
        entry: at,
        verdict: Verdict::Rejected { reason },
    };
    account.row(arrival.at, cause)
}

/// The expiry of points that count for `cap_time` and are paid at `now`: their own, or that of points earned now when it is over.
pub(super) fn live_until(
    policy: &CompiledPolicy,
    cap_time: ServerTime,
    now: ServerTime,
    zone: &Zone,
) -> ServerTime {
    let expiry = &policy.policy().expiry;
    let own = expiry.of_points_earned(cap_time, zone);
    if own > now {
        own
    } else {
        expiry.of_points_earned(now, zone)
    }
}

fn judge(entry: &Entry, policy: &CompiledPolicy, payments: &[Payment], paid: Paid) -> Verdict {
    let reasons = adjustments(entry, policy, payments);
    if reasons.is_empty() {
        Verdict::Accepted { paid }
    } else {
        Verdict::Adjusted { paid, reasons }
    }
}

/// Returns the amount of an entry in doubt, with the reason and the days; `None` when not a thousandth is due. The opening of a
/// meter waits for its operator although it is worth nothing: others wait for it.
fn held_in_doubt(
    entry: &Entry,
    policy: &CompiledPolicy,
    payments: &[Payment],
) -> Option<(Paid, ReviewReason, u16)> {
    let is_opening = entry.transaction().opening().is_some();
    (is_opening || payments.iter().any(Payment::gives)).then(|| {
        let shown = payments.iter().map(|payment| shown_in_car(entry, payment));
        let days = policy.policy().allowance.confirm_days;
        (Paid::sum(shown), ReviewReason::Evidence, days)
    })
}

/// The whole points of a payment as the car predicted them, where that is what the payment is without its thousandths or with
/// those that came before; else without.
fn shown_in_car(entry: &Entry, payment: &Payment) -> Paid {
    let (least, part) = payment.given.points.split();
    let most = least + i64::from(!part.is_zero());
    let awards = entry.transaction().awards();
    let signed = awards.iter().find(|award| award.rule == payment.rule);
    let signed = signed.filter(|award| Appraised::of(award) == payment.raw);
    let points = signed.map_or(least, |award| award.predicted.get().clamp(least, most));
    Paid {
        points: Points::new(points),
        growth: Growth::new(payment.given.growth.split().0),
    }
}

/// Returns the reason and the days for which a payment is held back, if it is.
fn held_back(
    transaction: &Transaction,
    policy: &CompiledPolicy,
    position: &ChainPosition,
) -> Option<(ReviewReason, u16)> {
    let policy = policy.policy();
    if position.minted.reaches(&policy.allowance.hard) {
        return Some((ReviewReason::OverAllowance, policy.allowance.confirm_days));
    }
    let estimated = matches!(
        transaction.evidence(),
        Some(Evidence::Charge(Charge {
            grade: Grade::Estimated,
            ..
        }))
    );
    (estimated && policy.estimate_hold_days > 0)
        .then_some((ReviewReason::Estimated, policy.estimate_hold_days))
}

/// One reason for each rule that pays other than predicted, in the order of the rules; then the rules that pay nothing.
fn adjustments(entry: &Entry, policy: &CompiledPolicy, payments: &[Payment]) -> Vec<Adjustment> {
    let awards = entry.transaction().awards();
    let mut reasons = Vec::new();
    let mut add = |reason: Adjustment| {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    };
    for payment in payments {
        let award = awards.iter().find(|award| award.rule == payment.rule);
        let predicted = award.map_or(Points::ZERO, |award| award.predicted);
        if payment.paid.points != predicted {
            add(reason_for(entry, policy, payment, award));
        }
    }
    let unpaid = |award: &&Award| payments.iter().all(|payment| payment.rule != award.rule);
    for award in awards.iter().filter(unpaid) {
        if !award.predicted.is_zero() {
            add(other_value(entry, policy, &award.rule));
        }
    }
    reasons
}

fn reason_for(
    entry: &Entry,
    policy: &CompiledPolicy,
    payment: &Payment,
    award: Option<&Award>,
) -> Adjustment {
    if award.map(Appraised::of) != Some(payment.raw) {
        return other_value(entry, policy, &payment.rule);
    }
    // A remainder only ever adds, so a prediction below the whole points of the award was cut by a cap in the car.
    let least = payment.raw.points.split().0;
    let predicted = award.map_or(Points::ZERO, |award| award.predicted);
    match &payment.tightest {
        Some((cap, cut)) if *cut || predicted.get() < least => Adjustment::Cap { cap: cap.clone() },
        Some(_) | None => Adjustment::Remainder {
            rule: payment.rule.clone(),
        },
    }
}

fn other_value(entry: &Entry, policy: &CompiledPolicy, rule: &RuleId) -> Adjustment {
    if policy.version() == entry.policy {
        Adjustment::Rule { rule: rule.clone() }
    } else {
        Adjustment::Policy {
            version: policy.version(),
        }
    }
}

fn enter(
    account: &mut Account,
    at: EntryRef,
    verdict: &Verdict,
    arrival: ServerTime,
    expires: ServerTime,
    tiers: &CompiledPolicy,
    zone: &Zone,
) -> Settlement {
    let cause = Cause::Entry {
        entry: at,
        verdict: verdict.clone(),
    };
    let mut row = account.row(arrival, cause);
    match verdict {
        Verdict::Accepted { paid } | Verdict::Adjusted { paid, .. } => {
            account.pay_in(&mut row, paid.points, expires);
            account.grow(&mut row, paid.growth, tiers, zone);
        }
        Verdict::Review {
            paid,
            reason,
            until,
        } => account.pending.push(Pending {
            entry: at,
            paid: *paid,
            reason: *reason,
            until: *until,
            expires,
        }),
        Verdict::Rejected { .. } => {}
    }
    row
}

/// Forgets what was paid against caps in stretches that no entry can count for any more.
fn prune(account: &mut Account, policies: &Policies, today: LocalDay) {
    let earliest = earliest_counted(today);
    account.used.retain(|cap, periods| {
        let per = policies.cap_period(cap);
        periods.retain(|first, _| per.last_day(*first) >= earliest);
        !periods.is_empty()
    });
}

/// The earliest day of which an account still knows what was paid against caps.
pub(super) fn earliest_counted(today: LocalDay) -> LocalDay {
    let reach = i32::try_from(LATEST_ARRIVAL_DAYS).unwrap_or(i32::MAX);
    LocalDay::new(today.get().saturating_sub(reach + 1))
}
