//! Taking back what a member was paid for entries: their own thousandths, and nothing that is gone by itself.

use dashpoint_membership::{MemberId, Points, Settlement};

use super::entry_payments::EntryPayments;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::intervals::MeterStretch;
use crate::store::{accounts, forgone};

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
        let mut forgone = Vec::new();
        for stretch in lost {
            let (entry, given) = (stretch.entry, stretch.given.as_ref());
            if let Some(row) = account.refuse(entry, given, self.now, &zone, self.policies) {
                rows.push(row);
                continue;
            }
            let Some(payment) = payments.take_standing(entry) else {
                continue;
            };
            if payment.paid.is_nothing() && given.is_none_or(|given| given.is_nothing()) {
                continue;
            }
            let missing = match given {
                Some(given) => account.undo(given, self.policies),
                None => payment.paid,
            };
            let due = payments.due(&payment, missing, &account);
            let row = account.claw_back(entry, due.paid, due.lot, due.of_this_period, self.now);
            forgone.extend(
                due.forgone
                    .into_iter()
                    .map(|(by, paid)| (by, row.version, paid)),
            );
            rows.push(row);
        }
        let change = |row: &Settlement| row.points.minus(row.arrears);
        let taken = rows.iter().map(change).sum::<Points>();
        if !rows.is_empty() {
            accounts::save(self.db, member, &account, &rows)?;
        }
        for (taken_by, row, paid) in forgone {
            forgone::keep(self.db, member, taken_by, row, paid)?;
        }
        Ok(Points::ZERO.minus(taken))
    }
}
