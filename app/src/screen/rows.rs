//! The ledger as the member sees it: own entries with what came of them, and what else changed the account.

use dashpoint_membership::{
    Cause, EntryRef, Growth, LocalDay, Points, RuleId, ServerTime, Settlement, Text, Verdict,
};
use dashpoint_ui::model::{LimitData, RowData, RowOutcome, RowSubject, UnpaidRule};

use super::context::Shown;
use super::own::OwnEntry;
use super::titles::whole;
use crate::entry_status::EntryStatus;
use crate::unpaid::{AwardContext, deciding};

/// Returns whether the entry is this member's and may be shown: an old copy of the disk shows nothing of its own that
/// the cloud has not answered.
pub(super) fn is_shown(shown: &Shown<'_>, own: &OwnEntry) -> bool {
    let (books, statement) = (shown.books, &shown.book.statement);
    let binding = books.bindings.get(&own.entry.binding);
    let is_mine = binding.is_some_and(|binding| binding.member == statement.member);
    let cover = statement.covers.get(&books.identity.device);
    let overtaken = cover.is_some_and(|cover| cover.epoch > books.head.epoch);
    is_mine && (!overtaken || own.status.verdict().is_some())
}

/// All rows, newest first.
pub(super) fn rows(shown: &Shown<'_>, own: &[&OwnEntry]) -> Vec<RowData> {
    let mut rows: Vec<RowData> = own.iter().map(|own| own_row(shown, own)).collect();
    let settlements = shown.book.statement.settlements.iter();
    let is_told = |settlement: &&Settlement| {
        let mut own = own.iter();
        own.any(|own| is_in_row(settlement, entry_ref(shown, own), &own.status))
    };
    let others = settlements.filter(|settlement| !is_told(settlement));
    rows.extend(others.filter_map(|settlement| other_row(shown, settlement)));
    // Entries stay in the order of their chain: the sort is stable, and their times never go back along it.
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    rows
}

/// Returns whether the row of an own entry has a settlement in it: points that were taken back are not told twice.
fn is_in_row(settlement: &Settlement, entry: EntryRef, status: &EntryStatus) -> bool {
    let is_nothing = settlement.points.is_zero() && settlement.growth.is_zero();
    settlement.cause == Cause::ClawedBack { entry }
        && match status {
            EntryStatus::TakenBack { .. } => true,
            EntryStatus::Refused(_) => is_nothing,
            EntryStatus::Pending
            | EntryStatus::Unpaid
            | EntryStatus::Judged(_)
            | EntryStatus::Released { .. }
            | EntryStatus::CarriedTo(_)
            | EntryStatus::Settled => false,
        }
}

fn own_row(shown: &Shown<'_>, own: &OwnEntry) -> RowData {
    let transaction = own.entry.transaction();
    RowData {
        at: ServerTime::from_unix_s(own.entry.time.at.as_unix_s()),
        subject: RowSubject::of(transaction),
        outcome: outcome(shown, own),
        rule: paying_rules(shown, own),
        growth: growth(own),
        digest: transaction.digest().copied(),
        entry: Some(entry_ref(shown, own)),
        cut: cut(shown, own),
        unpaid: unpaid_rules(shown, own),
    }
}

/// Finds the policy and the account that an entry's awards are explained by; `None` when they are not held any more.
fn context<'a>(shown: &Shown<'a>, own: &OwnEntry) -> Option<AwardContext<'a>> {
    let later = shown
        .own
        .iter()
        .take_while(|later| later.point != own.point);
    let later = later
        .filter(|later| is_shown(shown, later))
        .map(|later| &later.entry);
    let earlier = shown
        .own
        .iter()
        .skip_while(|earlier| earlier.point != own.point);
    let earlier = earlier
        .skip(1)
        .filter(|earlier| is_shown(shown, earlier) && earlier.status.may_count())
        .map(|earlier| &earlier.entry);
    AwardContext::of(shown.books, &own.entry, earlier, later)
}

/// Lists the rules that pay nothing for an own entry.
pub(super) fn unpaid_rules(shown: &Shown<'_>, own: &OwnEntry) -> Vec<UnpaidRule> {
    let context = context(shown, own);
    context.map_or_else(Vec::new, |context| {
        context.unpaid_rules(&own.entry, &own.status)
    })
}

/// Returns the day for which an own entry counts; `None` when its policy is not held any more.
pub(super) fn day_of(shown: &Shown<'_>, own: &OwnEntry) -> Option<LocalDay> {
    Some(context(shown, own)?.day_of(&own.entry))
}

/// Returns the cap that cut an own entry which was paid, or will be, in part.
pub(super) fn cut(shown: &Shown<'_>, own: &OwnEntry) -> Option<LimitData> {
    let verdict = own.status.verdict();
    let is_unpaid = own.status == EntryStatus::Unpaid;
    if is_unpaid || (own.entry.predicted().is_zero() && verdict.is_none()) {
        return None;
    }
    context(shown, own)?.cut(&own.entry, verdict)
}

fn entry_ref(shown: &Shown<'_>, own: &OwnEntry) -> EntryRef {
    EntryRef {
        device: shown.books.identity.device,
        epoch: own.point.epoch,
        seq: own.point.seq,
    }
}

/// Returns the outcome of an own entry.
pub(super) fn outcome(shown: &Shown<'_>, own: &OwnEntry) -> RowOutcome {
    let predicted = own.entry.predicted();
    let earned_nothing = || {
        let context = context(shown, own);
        let why = context.and_then(|context| context.why_nothing(&own.entry, &own.status));
        why.map(RowOutcome::Nothing)
    };
    let booked = |points| RowOutcome::Booked { points };
    match &own.status {
        // An entry that another one says again is not in the list; what it says is not answered yet.
        EntryStatus::Pending | EntryStatus::CarriedTo(_) => {
            earned_nothing().unwrap_or_else(|| RowOutcome::AwaitingConnection {
                predicted: expected(shown, own),
            })
        }
        EntryStatus::Unpaid => earned_nothing().unwrap_or(RowOutcome::Unpaid { predicted }),
        EntryStatus::Settled => earned_nothing().unwrap_or(RowOutcome::Settled { predicted }),
        EntryStatus::Released {
            verdict: Verdict::Review { .. },
            points,
        } if *points == predicted => booked(*points),
        EntryStatus::Released { verdict, points } => RowOutcome::PaidLate {
            points: *points,
            predicted,
            was_rejected: matches!(verdict, Verdict::Rejected { .. }),
        },
        EntryStatus::Refused(_) => RowOutcome::Refused { predicted },
        EntryStatus::TakenBack { paid, taken, .. } => RowOutcome::TakenBack {
            paid: paid.points,
            taken: taken.points,
        },
        EntryStatus::Judged(Verdict::Accepted { paid }) => {
            earned_nothing().unwrap_or(booked(paid.points))
        }
        EntryStatus::Judged(Verdict::Adjusted { paid, reasons }) => {
            match deciding(reasons, paid.points, predicted) {
                Some(why) if paid.points != predicted => RowOutcome::Adjusted {
                    paid: paid.points,
                    predicted,
                    why: why.clone(),
                },
                Some(_) | None => booked(paid.points),
            }
        }
        EntryStatus::Judged(Verdict::Rejected { reason }) => RowOutcome::Rejected {
            predicted,
            reason: *reason,
        },
        EntryStatus::Judged(Verdict::Review {
            paid,
            reason,
            until,
        }) => RowOutcome::InReview {
            points: paid.points,
            reason: *reason,
            until: *until,
        },
    }
}

/// Returns the points that the fold gives a waiting entry now.
fn expected(shown: &Shown<'_>, own: &OwnEntry) -> Points {
    let mine = entry_ref(shown, own);
    let settlements = shown.book.fold.settlements.iter();
    let mut verdicts = settlements.filter_map(|settlement| {
        if let Cause::Entry { entry, verdict } = &settlement.cause
            && *entry == mine
        {
            Some(verdict.paid().points)
        } else {
            None
        }
    });
    verdicts.next().unwrap_or_else(|| own.entry.predicted())
}

fn growth(own: &OwnEntry) -> Growth {
    match (own.status.verdict(), &own.status) {
        (_, EntryStatus::TakenBack { paid, taken, .. }) => paid.growth.minus(taken.growth),
        (_, EntryStatus::Refused(_)) => Growth::ZERO,
        (Some(verdict), _) => verdict.paid().growth,
        // Of the one nothing is paid; of the other it is not known what was.
        (None, EntryStatus::Unpaid | EntryStatus::Settled) => Growth::ZERO,
        (None, _) => {
            let awards = own.entry.transaction().awards().iter();
            whole(awards.map(|award| award.growth.get()).sum())
        }
    }
}

/// The rules that pay for an entry, by their titles, with the policy that it was valued by: the amounts beside them are of all
/// together.
fn paying_rules(
    shown: &Shown<'_>,
    own: &OwnEntry,
) -> Option<(Text, dashpoint_membership::PolicyVersion)> {
    let awards = own.entry.transaction().awards().iter();
    let titles = awards.map(|award| rule_title(shown, own, &award.rule));
    let together = titles.reduce(|first, next| Text {
        en: format!("{}, {}", first.en, next.en),
        zh: format!("{}、{}", first.zh, next.zh),
    });
    Some((together?, own.entry.policy))
}

/// Returns the title of a rule; its id when no policy held has it.
pub(super) fn rule_title(shown: &Shown<'_>, own: &OwnEntry, rule: &RuleId) -> Text {
    let policies = shown.books.policies.as_ref();
    let valued_by = policies.and_then(|policies| policies.get(own.entry.policy));
    let rules = &valued_by.unwrap_or(shown.policy).policy().rules;
    rules.iter().find(|known| known.id == *rule).map_or_else(
        || Text {
            en: rule.to_string(),
            zh: rule.to_string(),
        },
        |known| known.title.clone(),
    )
}

/// Splits the payment of an entry by rule: as predicted, and cut from the last where the cloud pays less in all.
pub(super) fn paid_by_rule(shown: &Shown<'_>, own: &OwnEntry) -> Vec<(RuleId, Points)> {
    let awards = own.entry.transaction().awards();
    let outcome = outcome(shown, own);
    // Held back is not earned yet.
    let is_held = matches!(outcome, RowOutcome::InReview { .. });
    let paid = outcome.points().filter(|_| !is_held);
    let mut left = paid.unwrap_or(Points::ZERO);
    let last = awards.len().saturating_sub(1);
    awards
        .iter()
        .enumerate()
        .map(|(index, award)| {
            let paid = if index == last {
                left
            } else {
                award.predicted.min(left)
            };
            left = left.minus(paid);
            (award.rule.clone(), paid)
        })
        .collect()
}

/// Makes the row of a settlement that is no entry of this car.
fn other_row(shown: &Shown<'_>, settlement: &Settlement) -> Option<RowData> {
    let subject = match &settlement.cause {
        // Own entries are in the list already; what another car earned is told by that car.
        Cause::Entry { .. } | Cause::Released { .. } => return None,
        Cause::Spent { benefit } => {
            let catalogue = shown.books.catalogue.as_ref();
            let mut known = catalogue.into_iter().flat_map(|known| &known.benefits);
            let found = known.find(|known| known.id == *benefit);
            RowSubject::Spent {
                benefit: found.map_or_else(
                    || Text {
                        en: benefit.to_string(),
                        zh: benefit.to_string(),
                    },
                    |found| found.title.clone(),
                ),
            }
        }
        Cause::Reversed { .. } => RowSubject::Reversal,
        Cause::Expired { .. } => RowSubject::Expiry {
            earned: earned(shown, settlement),
        },
        Cause::ClawedBack { .. } => RowSubject::Clawback,
        Cause::Granted { reason } => RowSubject::Granted {
            reason: reason.clone(),
        },
        Cause::TierChanged { from, to } => RowSubject::Tier {
            from: shown.books.tier_title(from, shown.now),
            to: shown.books.tier_title(to, shown.now),
        },
    };
    Some(RowData {
        at: settlement.at,
        subject,
        outcome: RowOutcome::Booked {
            points: settlement.points,
        },
        rule: None,
        growth: settlement.growth,
        digest: None,
        entry: None,
        cut: None,
        unpaid: Vec::new(),
    })
}

/// Returns the time at which the points of an expired lot were earned: that of the settlement that made it, or, when it
/// is not held any more, the day on which they expired.
fn earned(shown: &Shown<'_>, settlement: &Settlement) -> ServerTime {
    let Cause::Expired { lot } = &settlement.cause else {
        return settlement.at;
    };
    let settlements = &shown.book.statement.settlements;
    let made = settlements.iter().find(|made| made.version == *lot);
    made.map_or(settlement.at, |made| made.at)
}
