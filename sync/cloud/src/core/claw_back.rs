//! Taking back what a member was paid for entries: their own thousandths, and nothing that is gone by itself.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Account, Cause, EntryRef, Growth, LedgerVersion, LotId, MemberId, Paid, Points, Settlement,
    Verdict,
};

use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::accounts::{self, PeriodBegin};
use crate::store::intervals::MeterStretch;

/// One payment for an entry that was not taken back.
#[derive(Debug, Clone, Copy)]
struct EntryPayment {
    paid: Paid,
    /// The lot that it went into.
    lot: LotId,
    version: LedgerVersion,
}

/// Payments to a member for entries, and what was taken back of others: read once for an act, since a member can have a million.
#[derive(Debug, Default)]
pub(super) struct EntryPayments {
    standing: BTreeMap<EntryRef, EntryPayment>,
    lots: BTreeMap<LotId, LotSums>,
    periods: Vec<PeriodBegin>,
}

/// Points of a lot over its whole life.
#[derive(Debug, Clone, Copy, Default)]
struct LotSums {
    /// Points paid in, those included that arrears took.
    paid_in: i64,
    /// Points that expired with it.
    expired: i64,
    /// Points taken back of the entries that were paid into it.
    taken: i64,
}

impl EntryPayments {
    pub(super) fn read(unit: &UnitOfWork<'_>, member: MemberId) -> Result<Self, CloudError> {
        let mut payments = Self {
            periods: accounts::period_begins(unit.db, member)?,
            ..Self::default()
        };
        for (lot, points) in accounts::granted_by_lot(unit.db, member)? {
            payments.lot(lot).paid_in += points.get();
        }
        for (lot, points) in accounts::expired_by_lot(unit.db, member)? {
            payments.lot(lot).expired += points.get();
        }
        for row in accounts::about_entries(unit.db, member)? {
            let (lot, version) = (row.lot, row.version);
            let payment = |paid| EntryPayment { paid, lot, version };
            match row.cause {
                Cause::Entry { entry, verdict } => match verdict {
                    Verdict::Accepted { paid } | Verdict::Adjusted { paid, .. } => {
                        payments.pay(entry, payment(paid));
                    }
                    Verdict::Review { .. } | Verdict::Rejected { .. } => {}
                },
                // The row has the amount: an entry that came second was paid nothing by its verdict.
                Cause::Released { entry } => {
                    payments.pay(entry, payment(row.paid));
                }
                Cause::ClawedBack { entry } => {
                    if let Some(gone) = payments.standing.remove(&entry) {
                        payments.lot(gone.lot).taken -= row.paid.points.get();
                    }
                }
                Cause::Spent { .. }
                | Cause::Reversed { .. }
                | Cause::Expired { .. }
                | Cause::Granted { .. }
                | Cause::TierChanged { .. } => {}
            }
        }
        Ok(payments)
    }

    fn lot(&mut self, lot: LotId) -> &mut LotSums {
        self.lots.entry(lot).or_default()
    }

    fn pay(&mut self, entry: EntryRef, payment: EntryPayment) {
        self.lot(payment.lot).paid_in += payment.paid.points.get();
        self.standing.insert(entry, payment);
    }

    /// Returns whether whole points, or growth value, were paid for an entry and not taken back.
    pub(super) fn has_paid(&self, entry: EntryRef) -> bool {
        let standing = self.standing.get(&entry);
        standing.is_some_and(|payment| !payment.paid.is_nothing())
    }

    /// Returns the points of a lot's payments that may still be taken back: of one that expired, those that were spent before.
    /// `None` without a bound.
    fn points_left(&self, account: &Account, lot: LotId) -> Option<Points> {
        let sums = self.lots.get(&lot).copied().unwrap_or_default();
        let is_there = account.lots.iter().any(|held| held.id == lot);
        let has_expired = !is_there && sums.expired > 0;
        has_expired.then(|| Points::new((sums.paid_in - sums.expired - sums.taken).max(0)))
    }

    /// Returns the growth value that a payment may still have in the account, and whether it is of the present period.
    ///
    /// A review keeps what its period has and drops what is older: of what was paid before, it is gone once a period has begun
    /// and a later review has ended it.
    fn growth_left(&self, payment: &EntryPayment, growth: Growth) -> (Growth, bool) {
        let since = |begin: &&PeriodBegin| match begin.is_review {
            true => begin.version > payment.version,
            false => begin.version >= payment.version,
        };
        let mut begins = self.periods.iter().filter(since);
        let of_this_period = begins.next().is_none();
        let is_gone = begins.any(|begin| begin.is_review);
        (if is_gone { Growth::ZERO } else { growth }, of_this_period)
    }
}

impl UnitOfWork<'_> {
    /// Takes back what a member was paid for stretches that their entries lost, and gives up what is held back for them.
    pub(super) fn claw_back(
        &self,
        member: MemberId,
        lost: &[&MeterStretch],
    ) -> Result<Points, CloudError> {
        let mut account = self.account(member)?;
        let zone = self.zone(member)?;
        let mut payments = EntryPayments::read(self, member)?;
        let mut rows: Vec<Settlement> = Vec::new();
        for stretch in lost {
            let (entry, given) = (stretch.entry, stretch.given.as_ref());
            if let Some(row) = account.refuse(entry, given, self.now, &zone, self.policies) {
                rows.push(row);
                continue;
            }
            let Some(payment) = payments.standing.remove(&entry) else {
                continue;
            };
            if payment.paid.is_nothing() && given.is_none_or(|given| given.is_nothing()) {
                continue;
            }
            let due = match given {
                Some(given) => account.undo(given, self.policies),
                None => payment.paid,
            };
            let (growth, of_this_period) = payments.growth_left(&payment, due.growth);
            let left = payments.points_left(&account, payment.lot);
            let due = Paid {
                points: left.map_or(due.points, |left| due.points.min(left)),
                growth,
            };
            let row = account.claw_back(entry, due, payment.lot, of_this_period, self.now);
            payments.lot(payment.lot).taken += due.points.get();
            rows.push(row);
        }
        let change = |row: &Settlement| row.points.minus(row.arrears);
        let taken = rows.iter().map(change).sum::<Points>();
        if !rows.is_empty() {
            accounts::save(self.db, member, &account, &rows)?;
        }
        Ok(Points::ZERO.minus(taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_value_is_gone_once_a_review_has_dropped_it() {
        let (review, higher_tier) = (true, false);
        for (begins, growth, of_this_period) in [
            (&[][..], 5, true),
            (&[(3, review)], 5, true),
            (&[(4, higher_tier)], 5, false),
            (&[(7, higher_tier)], 5, false),
            (&[(7, review)], 5, false),
            (&[(7, review), (9, review)], 0, false),
            (&[(4, higher_tier), (9, review)], 0, false),
            (&[(7, review), (9, higher_tier)], 5, false),
            (&[(7, review), (8, higher_tier), (9, review)], 0, false),
        ] {
            let begin = |(version, is_review): &(u64, bool)| PeriodBegin {
                version: LedgerVersion::new(*version),
                is_review: *is_review,
            };
            let payments = EntryPayments {
                periods: begins.iter().map(begin).collect(),
                ..EntryPayments::default()
            };
            let payment = EntryPayment {
                paid: Paid::NOTHING,
                lot: LotId::new(4),
                version: LedgerVersion::new(4),
            };
            let left = payments.growth_left(&payment, Growth::new(5));
            assert_eq!(left, (Growth::new(growth), of_this_period), "{begins:?}");
        }
    }
}
