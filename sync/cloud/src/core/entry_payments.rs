//! The payments to a member for entries, the lots that they went into, and what is gone of them by itself.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Account, Cause, EntryRef, Growth, LedgerVersion, LotId, MemberId, Paid, Points, Verdict,
};

use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::accounts::{self, PeriodBegin};
use crate::store::{expiries, forgone};

/// One payment for an entry that was not taken back.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntryPayment {
    pub paid: Paid,
    /// The lot that it went into.
    pub lot: LotId,
    pub version: LedgerVersion,
}

/// Payments to a member for entries, and what was taken back of others: read once for an act, since a member can have a million.
#[derive(Debug, Default)]
pub(super) struct EntryPayments {
    standing: BTreeMap<EntryRef, EntryPayment>,
    /// By the first lot of a line.
    lots: BTreeMap<LotId, LotSums>,
    /// Lots whose points came from one that had expired, by the time it was given back: they are one line.
    came_from: BTreeMap<LotId, LotId>,
    expiries: Vec<OpenExpiry>,
    periods: Vec<PeriodBegin>,
}

/// One expiry that was not given back.
#[derive(Debug, Clone, Copy)]
struct OpenExpiry {
    line: LotId,
    version: LedgerVersion,
    /// Points of it that no act has asked for.
    left: i64,
}

/// The part of a payment that can be taken back, and what is gone by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub paid: Paid,
    /// The lot that it is in now.
    pub lot: LotId,
    pub of_this_period: bool,
    /// The parts that an expiry, or a review, has taken of it.
    pub forgone: Vec<(LedgerVersion, Paid)>,
}

/// Points of a line of lots over its whole life.
#[derive(Debug, Clone, Copy, Default)]
struct LotSums {
    /// Points paid in, those included that arrears took.
    paid_in: i64,
    /// Points that expired with it, and were not given back.
    expired: i64,
    /// Points taken back of the entries that were paid into it, those included that an expiry had taken when it was given back.
    taken: i64,
}

impl EntryPayments {
    pub(super) fn read(unit: &UnitOfWork<'_>, member: MemberId) -> Result<Self, CloudError> {
        let mut payments = Self {
            periods: accounts::period_begins(unit.db, member)?,
            ..Self::default()
        };
        let forgone = forgone::by_version(unit.db, member)?;
        let asked = |version| forgone.get(&version).map_or(0, |paid| paid.points.get());
        for restored in expiries::restored(unit.db, member)? {
            payments.join(restored.into, restored.from);
            let sums = payments.lot(restored.from);
            // No new points: those that were paid in before.
            sums.paid_in -= restored.points.get();
            sums.taken += asked(restored.version);
        }
        for (lot, points) in accounts::granted_by_lot(unit.db, member)? {
            payments.lot(lot).paid_in += points.get();
        }
        for expiry in expiries::by_lot(unit.db, member)? {
            let (version, points) = (expiry.version, expiry.points.get().abs());
            payments.lot(expiry.lot).expired += points;
            let line = payments.line(expiry.lot);
            let left = (points - asked(version)).max(0);
            payments.expiries.push(OpenExpiry {
                line,
                version,
                left,
            });
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

    /// The first lot of a lot's line.
    fn line(&self, lot: LotId) -> LotId {
        let mut first = lot;
        while let Some(before) = self.came_from.get(&first) {
            first = *before;
        }
        first
    }

    /// Makes one line of two lots.
    fn join(&mut self, lot: LotId, from: LotId) {
        let (line, first) = (self.line(lot), self.line(from));
        if line != first {
            self.came_from.insert(line, first);
            let sums = self.lots.remove(&line).unwrap_or_default();
            let all = self.lots.entry(first).or_default();
            all.paid_in += sums.paid_in;
            all.expired += sums.expired;
            all.taken += sums.taken;
        }
    }

    fn lot(&mut self, lot: LotId) -> &mut LotSums {
        self.lots.entry(self.line(lot)).or_default()
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

    /// Takes the payment for an entry out.
    pub(super) fn take_standing(&mut self, entry: EntryRef) -> Option<EntryPayment> {
        self.standing.remove(&entry)
    }

    /// Splits what is missing of a payment that was taken out into what can be taken back and what is gone by itself.
    pub(super) fn due(&mut self, payment: &EntryPayment, missing: Paid, account: &Account) -> Due {
        let line = self.line(payment.lot);
        let held = account.lots.iter().map(|held| held.id);
        let held = held.filter(|held| self.line(*held) == line).max();
        let sums = self.lots.get(&line).copied().unwrap_or_default();
        let mut points = missing.points;
        let mut forgone = Vec::new();
        if held.is_none() && sums.expired > 0 {
            let left = Points::new((sums.paid_in - sums.expired - sums.taken).max(0));
            points = points.min(left);
            self.forgo(line, missing.points.minus(points), &mut forgone);
        }
        self.lot(line).taken += points.get();
        let growth = self.growth_left(payment, missing.growth);
        if let Some(review) = growth.dropped_by
            && missing.growth > Growth::ZERO
        {
            forgone.push((
                review,
                Paid {
                    points: Points::ZERO,
                    growth: missing.growth,
                },
            ));
        }
        Due {
            paid: Paid {
                points,
                growth: growth.left,
            },
            lot: held.unwrap_or(payment.lot),
            of_this_period: growth.of_this_period,
            forgone,
        }
    }

    /// Books points that expired to the expiries of their line, the newest first.
    fn forgo(&mut self, line: LotId, points: Points, forgone: &mut Vec<(LedgerVersion, Paid)>) {
        let mut open = points.get();
        let of_line = self.expiries.iter_mut().rev();
        for expiry in of_line.filter(|expiry| expiry.line == line) {
            let part = open.min(expiry.left);
            if part > 0 {
                open -= part;
                expiry.left -= part;
                let paid = Paid {
                    points: Points::new(part),
                    growth: Growth::ZERO,
                };
                forgone.push((expiry.version, paid));
            }
        }
    }

    /// Returns the growth value that a payment may still have in the account, and whether it is of the present period.
    ///
    /// A review keeps what its period has and drops what is older: of what was paid before, it is gone once a period has begun
    /// and a later review has ended it.
    fn growth_left(&self, payment: &EntryPayment, growth: Growth) -> GrowthLeft {
        let since = |begin: &&PeriodBegin| match begin.is_review {
            true => begin.version > payment.version,
            false => begin.version >= payment.version,
        };
        let mut begins = self.periods.iter().filter(since);
        let of_this_period = begins.next().is_none();
        let dropped_by = begins
            .find(|begin| begin.is_review)
            .map(|begin| begin.version);
        GrowthLeft {
            left: if dropped_by.is_some() {
                Growth::ZERO
            } else {
                growth
            },
            of_this_period,
            dropped_by,
        }
    }
}

/// Growth value of a payment that may still be in the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GrowthLeft {
    left: Growth,
    of_this_period: bool,
    /// The review that dropped it.
    dropped_by: Option<LedgerVersion>,
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
            let found = payments.growth_left(&payment, Growth::new(5));
            let left = (found.left, found.of_this_period);
            assert_eq!(left, (Growth::new(growth), of_this_period), "{begins:?}");
            assert_eq!(found.dropped_by.is_some(), growth == 0, "{begins:?}");
        }
    }
}
