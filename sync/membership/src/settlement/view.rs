//! The values of a member's card, as one value.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::fold::Fold;
use crate::account::{Cause, Remainder, Settlement};
use crate::chain::AllowanceState;
use crate::ids::{CapId, EntryRef, RuleId, TierId};
use crate::points::{Growth, Milli, Points};
use crate::policy::{Cap, CapOver, CompiledPolicy, Period};
use crate::statement::Statement;
use crate::time::ServerTime;
use crate::trigger::Trigger;
use crate::verdict::{Paid, ReviewReason, Verdict};
use crate::zone::DAY_S;

/// A member's card: what is confirmed, and what is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Confirmed points that can be spent.
    pub balance: Points,
    /// Their worth, in hundredths of a yuan.
    pub worth_fen: i64,
    /// Confirmed points owed; awards pay them first.
    pub arrears: Points,
    /// Points on their way: the sum of `pending_items`.
    pub pending: Points,
    /// Pending items, oldest first.
    pub pending_items: Vec<PendingItem>,
    /// Points that expire within the time of the first reminder, soonest first.
    pub expiring: Vec<(ServerTime, Points)>,
    /// Confirmed growth value.
    pub growth: Growth,
    /// The confirmed tier.
    pub tier: TierId,
    /// The tier that the pending entries would lead to, when it is another: opens no benefit yet.
    pub provisional_tier: Option<TierId>,
    /// The tier above the confirmed one; `None` on the highest.
    pub next_tier: Option<NextTier>,
    /// Growth value that keeps the confirmed tier; `None` for the lowest.
    pub keep: Option<KeepTier>,
    /// Each cap with what counts against it in its present period, pending entries included, in the order of the policy.
    pub caps: Vec<CapNow>,
    /// The most whole points that all rules together still give today, by the caps of every period; `None` when none bounds them.
    pub room_today: Option<Points>,
    /// Thousandths that rules carry to their next points, pending entries included.
    pub carried: Milli,
    /// State of the offline allowance.
    pub allowance: AllowanceState,
    /// Time of the cloud for the confirmed values.
    pub as_of: ServerTime,
}

/// One award on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingItem {
    /// For which entry.
    pub entry: EntryRef,
    /// Amount that is expected.
    pub paid: Paid,
    /// The event that it waits for.
    pub state: PendingState,
}

/// The event that a pending award waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingState {
    /// The cloud's verdict.
    Unconfirmed,
    /// The cloud's verdict, which will hold it back.
    NeedsConfirmation {
        /// The reason.
        reason: ReviewReason,
    },
    /// The end of the time for which the cloud holds it back.
    HeldBack {
        /// The reason.
        reason: ReviewReason,
        /// Time at which it is paid unless somebody objects.
        until: ServerTime,
    },
}

/// The way to the next tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextTier {
    /// The tier.
    pub tier: TierId,
    /// Growth value that is missing.
    pub missing: Growth,
}

/// Growth value that keeps the tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepTier {
    /// Time of the review.
    pub by: ServerTime,
    /// Growth value that is missing until then; nothing when it is safe.
    pub missing: Growth,
}

/// A cap, and what its present period has left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapNow {
    /// The cap.
    pub cap: CapId,
    /// The period that is counted.
    pub per: Period,
    /// The payments that it adds up.
    pub over: CapOver,
    /// Thousandths paid against it; whole points follow from them by rule, and a rule carries what is left.
    pub used: Milli,
    /// The most whole points that it still lets through: what a rule carries can complete one.
    pub room: Points,
    /// The most.
    pub most: Points,
}

/// Makes the view: `statement + fold`, and nothing else.
///
/// `fold` must have been made from the same statement.
#[must_use]
pub fn view(statement: &Statement, fold: &Fold, policy: &CompiledPolicy, now: ServerTime) -> View {
    let confirmed = &statement.account;
    let balance = fold.confirmed.balance;
    let pending_items = pending_items(statement, fold);
    let tier = confirmed.tier.tier.clone();
    let provisional = &fold.account.tier.tier;
    let (next_tier, keep) = tier_outlook(statement, policy);
    View {
        balance,
        worth_fen: policy.policy().worth_fen(balance),
        arrears: confirmed.arrears,
        pending: pending_items.iter().map(|item| item.paid.points).sum(),
        pending_items,
        expiring: expiring(fold, policy, now),
        growth: confirmed.growth,
        provisional_tier: (*provisional != tier).then(|| provisional.clone()),
        tier,
        next_tier,
        keep,
        caps: caps(fold, policy, now),
        room_today: room_today(fold, policy, now),
        carried: paying(policy)
            .filter_map(|(rule, _)| fold.account.remainders.get(rule))
            .map(|remainder| remainder.points)
            .sum(),
        allowance: fold
            .chain
            .allowance(&policy.policy().allowance, statement.issued, now),
        as_of: statement.issued,
    }
}

fn pending_items(statement: &Statement, fold: &Fold) -> Vec<PendingItem> {
    let held = statement.account.pending.iter().map(|held| PendingItem {
        entry: held.entry,
        paid: held.paid,
        state: PendingState::HeldBack {
            reason: held.reason,
            until: held.until,
        },
    });
    held.chain(fold.settlements.iter().filter_map(expected))
        .collect()
}

fn expected(settlement: &Settlement) -> Option<PendingItem> {
    let Cause::Entry { entry, verdict } = &settlement.cause else {
        return None;
    };
    let state = match verdict {
        Verdict::Accepted { .. } | Verdict::Adjusted { .. } => PendingState::Unconfirmed,
        Verdict::Review { reason, .. } => PendingState::NeedsConfirmation { reason: *reason },
        Verdict::Rejected { .. } => return None,
    };
    Some(PendingItem {
        entry: *entry,
        paid: verdict.paid(),
        state,
    })
}

fn expiring(fold: &Fold, policy: &CompiledPolicy, now: ServerTime) -> Vec<(ServerTime, Points)> {
    let days = policy.policy().remind_days.iter().max().copied();
    let horizon = now.plus_s(i64::from(days.unwrap_or(0)) * DAY_S);
    let expiring = &fold.confirmed.expiring;
    expiring
        .range(..=horizon)
        .map(|(at, sum)| (*at, *sum))
        .collect()
}

fn tier_outlook(
    statement: &Statement,
    policy: &CompiledPolicy,
) -> (Option<NextTier>, Option<KeepTier>) {
    let account = &statement.account;
    let tiers = &policy.policy().tiers;
    let missing = |threshold: Growth, growth: Growth| threshold.minus(growth).max(Growth::ZERO);
    let rank = tiers.rank(&account.tier.tier);
    let above = rank.map_or(tiers.reached(account.growth), |rank| rank) + 1;
    let next = tiers.ladder.get(above).map(|tier| NextTier {
        tier: tier.id.clone(),
        missing: missing(tier.threshold, account.growth),
    });
    let threshold = rank.map_or(Growth::ZERO, |rank| tiers.ladder[rank].threshold);
    let keep = account.tier.until.map(|by| KeepTier {
        by,
        missing: missing(threshold, account.growth_in_period),
    });
    (next, keep)
}

fn caps(fold: &Fold, policy: &CompiledPolicy, now: ServerTime) -> Vec<CapNow> {
    let caps = policy.policy().caps.iter();
    caps.map(|cap: &Cap| {
        let used = used_now(fold, cap, now);
        CapNow {
            cap: cap.id.clone(),
            per: cap.per,
            over: cap.over.clone(),
            used,
            room: room(policy, cap, used, &fold.account.remainders),
            most: cap.points,
        }
    })
    .collect()
}

/// Reads what counts against a cap in its present period.
fn used_now(fold: &Fold, cap: &Cap, now: ServerTime) -> Milli {
    let first_day = cap.per.first_day(fold.zone.local_day(now));
    let periods = fold.account.used.get(&cap.id);
    let used = periods.and_then(|periods| periods.get(&first_day));
    used.copied().unwrap_or(Milli::ZERO)
}

/// Counts the most whole points that all rules together still give today: by the caps over all, and by what the caps of kinds and
/// of rules leave, whatever their period.
fn room_today(fold: &Fold, policy: &CompiledPolicy, now: ServerTime) -> Option<Points> {
    let left = |is_over: &dyn Fn(&CapOver) -> bool| {
        let caps = policy.policy().caps.iter();
        caps.filter(|cap| is_over(&cap.over))
            .map(|cap| {
                room(
                    policy,
                    cap,
                    used_now(fold, cap, now),
                    &fold.account.remainders,
                )
            })
            .min()
    };
    let of_rule = |rule: &RuleId| left(&|over| matches!(over, CapOver::Rule(of) if of == rule));
    let of_kind = |kind: Trigger| {
        let rules = paying(policy).filter(|(_, on)| *on == kind);
        let by_rules = sum_of(rules.map(|(rule, _)| of_rule(rule)));
        least(
            left(&|over| matches!(over, CapOver::Kind(of) if *of == kind)),
            by_rules,
        )
    };
    let kinds: BTreeSet<Trigger> = paying(policy).map(|(_, on)| on).collect();
    let by_kinds = sum_of(kinds.into_iter().map(of_kind));
    least(left(&|over| *over == CapOver::All), by_kinds)
}

/// Adds up bounds; `None` when one of them is none.
fn sum_of(mut bounds: impl Iterator<Item = Option<Points>>) -> Option<Points> {
    bounds.try_fold(Points::ZERO, |sum, bound| Some(sum.plus(bound?)))
}

/// Returns the lower one of two bounds, of which either may be none.
fn least(one: Option<Points>, other: Option<Points>) -> Option<Points> {
    one.into_iter().chain(other).min()
}

/// Counts the most whole points that a cap still lets through, with those that complete what its rules carry.
fn room(
    policy: &CompiledPolicy,
    cap: &Cap,
    used: Milli,
    remainders: &BTreeMap<RuleId, Remainder>,
) -> Points {
    let mut left = Milli::from_whole(cap.points.get()).minus(used);
    let mut carried: Vec<Milli> = paying(policy)
        .filter(|(rule, on)| cap.covers(rule, Some(*on)))
        .filter_map(|(rule, _)| remainders.get(rule))
        .map(|remainder| remainder.points)
        .collect();
    carried.sort_unstable_by_key(|carried| Reverse(*carried));
    let mut completed = 0;
    for carried in carried {
        let missing = Milli::from_whole(1).minus(carried);
        if missing > left {
            break;
        }
        left = left.minus(missing);
        completed += 1;
    }
    Points::new(completed + left.max(Milli::ZERO).split().0)
}

/// Lists the rules that pay, each with what evaluates it.
fn paying(policy: &CompiledPolicy) -> impl Iterator<Item = (&RuleId, Trigger)> {
    let rules = policy.rules().filter(|(rule, _)| !rule.shadow);
    rules.map(|(rule, compiled)| (&rule.id, compiled.on()))
}
