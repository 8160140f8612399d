//! The ledger as the member sees it: own entries with what came of them, and what else changed the account.

use dashpoint_membership::{
    Cause, Entry, EntryRef, Evidence, Growth, MemberAction, Points, RuleId, ServerTime, Settlement,
    Text, Transaction, Verdict, Zone,
};

use super::data::{Shown, covers};
use super::home::{tier_title, whole};
use super::own::OwnEntry;
use crate::unpaid::Context;
use dashpoint_ui::model::{LimitData, RowData, RowOutcome, RowSubject};

/// Returns whether the entry is this member's and may be shown: an old copy of the disk shows nothing of its own that
/// the cloud has not answered.
pub(super) fn is_shown(shown: &Shown<'_>, own: &OwnEntry) -> bool {
    let (books, statement) = (shown.books, &shown.book.statement);
    let binding = books.bindings.get(&own.entry.binding);
    let is_mine = binding.is_some_and(|binding| binding.member == statement.member);
    let cover = statement.covers.get(&books.identity.device);
    let overtaken = cover.is_some_and(|cover| cover.epoch > books.head.epoch);
    is_mine && (!overtaken || own.verdict.is_some())
}

/// All rows, newest first.
pub(super) fn rows(shown: &Shown<'_>, own: &[&OwnEntry]) -> Vec<RowData> {
    let mut rows: Vec<RowData> = own.iter().map(|own| own_row(shown, own)).collect();
    let settlements = shown.book.statement.settlements.iter();
    rows.extend(settlements.filter_map(|settlement| other_row(shown, settlement)));
    // Entries stay in the order of their chain: the sort is stable, and their times never go back along it.
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    rows
}

fn own_row(shown: &Shown<'_>, own: &OwnEntry) -> RowData {
    let transaction = own.entry.transaction();
    RowData {
        at: ServerTime::from_unix_s(own.entry.time.at.as_unix_s()),
        subject: match transaction {
            Transaction::Earn { evidence, .. } => RowSubject::Measured(evidence.clone()),
            Transaction::Member {
                action: MemberAction::CheckIn,
                ..
            } => RowSubject::CheckIn,
        },
        outcome: outcome(shown, own),
        rule: deciding_rule(shown, own),
        growth: growth(own),
        digest: match transaction {
            Transaction::Earn { digest, .. } => Some(*digest),
            Transaction::Member { .. } => None,
        },
        entry: Some(entry_ref(shown, own)),
        cut: cut(shown, own),
    }
}

/// Looks at an entry with the policy that it was valued by; `None` when that policy is not held any more.
fn with_context<R>(
    shown: &Shown<'_>,
    own: &OwnEntry,
    look: impl FnOnce(&Context<'_>) -> Option<R>,
) -> Option<R> {
    let policies = shown.books.policies.as_ref()?;
    let later = shown
        .own
        .iter()
        .take_while(|later| later.point != own.point);
    let later: Vec<&Entry> = later
        .filter(|later| is_shown(shown, later))
        .map(|later| &later.entry)
        .collect();
    look(&Context {
        policy: policies.get(own.entry.policy)?,
        used: &shown.book.fold.account.used,
        zone: &Zone::of_member(&shown.book.statement.profile.zone),
        later: &later,
    })
}

/// Returns the cap that cut an own entry which was paid, or will be, in part.
pub(super) fn cut(shown: &Shown<'_>, own: &OwnEntry) -> Option<LimitData> {
    if own.entry.predicted().is_zero() && own.verdict.is_none() {
        return None;
    }
    with_context(shown, own, |context| {
        context.cut(&own.entry, own.verdict.as_ref())
    })
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
        let why = with_context(shown, own, |context| context.why_nothing(&own.entry));
        why.map(RowOutcome::Nothing)
    };
    match &own.verdict {
        None if covers(&shown.book.statement, shown.books.identity.device, own) => {
            earned_nothing().unwrap_or(RowOutcome::Booked { points: predicted })
        }
        None => earned_nothing().unwrap_or_else(|| RowOutcome::AwaitingConnection {
            predicted: expected(shown, own),
        }),
        Some(Verdict::Accepted { paid }) => earned_nothing().unwrap_or(RowOutcome::Booked {
            points: paid.points,
        }),
        Some(Verdict::Adjusted { paid, reasons }) => match reasons.first() {
            Some(why) if paid.points != predicted => RowOutcome::Adjusted {
                paid: paid.points,
                predicted,
                why: why.clone(),
            },
            Some(_) | None => RowOutcome::Booked {
                points: paid.points,
            },
        },
        Some(Verdict::Rejected { reason }) => RowOutcome::Rejected {
            predicted,
            reason: *reason,
        },
        Some(Verdict::Review {
            paid,
            reason,
            until,
        }) => {
            let held = entry_ref(shown, own);
            let mut pending = shown.book.statement.account.pending.iter();
            if pending.any(|pending| pending.entry == held)
                || !covers(&shown.book.statement, held.device, own)
            {
                RowOutcome::InReview {
                    points: paid.points,
                    reason: *reason,
                    until: *until,
                }
            } else {
                RowOutcome::Booked {
                    points: paid.points,
                }
            }
        }
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
    match &own.verdict {
        Some(verdict) => verdict.paid().growth,
        None => {
            let awards = own.entry.transaction().awards().iter();
            whole(awards.map(|award| award.growth.get()).sum())
        }
    }
}

/// The rule that pays most of an entry, with the policy that it was valued by.
fn deciding_rule(
    shown: &Shown<'_>,
    own: &OwnEntry,
) -> Option<(Text, dashpoint_membership::PolicyVersion)> {
    let awards = own.entry.transaction().awards();
    let first = awards
        .iter()
        .rev()
        .max_by_key(|award| (award.predicted, award.points))?;
    Some((rule_title(shown, own, &first.rule), own.entry.policy))
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
    let mut left = match outcome(shown, own) {
        RowOutcome::AwaitingConnection { predicted }
        | RowOutcome::AwaitingSignature { predicted } => predicted,
        RowOutcome::InReview { points, .. } | RowOutcome::Booked { points } => points,
        RowOutcome::Adjusted { paid, .. } => paid,
        RowOutcome::Rejected { .. } | RowOutcome::Nothing(_) => Points::ZERO,
    };
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
            from: tier_title(shown.policy, from),
            to: tier_title(shown.policy, to),
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

/// Returns the evidence of an entry.
pub(super) const fn evidence(own: &OwnEntry) -> Option<&Evidence> {
    match own.entry.transaction() {
        Transaction::Earn { evidence, .. } => Some(evidence),
        Transaction::Member { .. } => None,
    }
}
