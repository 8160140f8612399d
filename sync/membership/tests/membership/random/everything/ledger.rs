//! The rows of the ledger, added up beside the account, and the caps that hold over all of them.

use std::collections::BTreeMap;

use dashpoint_membership::policy::{CapOver, Trigger};
use dashpoint_membership::*;

use super::World;

/// Sums over the rows of the ledger.
#[derive(Default)]
pub(super) struct Ledger {
    version: u64,
    balance: i64,
    arrears: i64,
    growth: i64,
}

impl World<'_> {
    pub(super) fn book_result(&mut self, result: Result<Settlement, AccountError>) {
        match result {
            Ok(row) => self.book(row),
            Err(error) => {
                assert!(!error.is_flaw(), "{error}");
                let name = format!("{error:?}");
                self.coverage
                    .hit(name.split(['(', ' ']).next().unwrap_or_default());
                self.assert_ledger();
            }
        }
    }

    pub(super) fn book_all(&mut self, rows: impl IntoIterator<Item = Settlement>, what: &str) {
        for row in rows {
            self.coverage.hit(what);
            // Rows of one call have all been applied: only the last state is checked.
            self.add(&row);
            self.rows.push(row);
        }
        self.assert_ledger();
    }

    pub(super) fn book(&mut self, row: Settlement) {
        self.add(&row);
        self.rows.push(row);
        self.assert_ledger();
    }

    fn add(&mut self, row: &Settlement) {
        self.ledger.version += 1;
        assert_eq!(row.version.get(), self.ledger.version);
        self.ledger.balance += row.points.get();
        self.ledger.arrears += row.arrears.get();
        self.ledger.growth += row.growth.get();
        let allocated: Points = row.allocations.iter().map(|part| part.points).sum();
        let gives_back = matches!(row.cause, Cause::Reversed { .. });
        let is_paid_into_a_lot = !row.allocations.is_empty();
        if row.points < Points::ZERO || gives_back || is_paid_into_a_lot {
            assert_eq!(allocated.get(), row.points.get().abs(), "{row:?}");
        }
        if row.points > Points::ZERO && !gives_back && is_paid_into_a_lot {
            assert_eq!(row.allocations.len(), 1);
            self.coverage.hit("paid into a lot");
        }
        if row.promoted.is_some() {
            self.coverage.hit("promoted");
        }
        if row.arrears < Points::ZERO {
            self.coverage.hit("arrears paid");
        }
    }

    fn assert_ledger(&self) {
        let account = &self.cloud.account;
        account.check().unwrap();
        assert_eq!(account.version.get(), self.ledger.version);
        assert_eq!(account.balance().get(), self.ledger.balance);
        assert_eq!(account.arrears.get(), self.ledger.arrears);
        assert_eq!(account.growth.get(), self.ledger.growth);
        let shown = account.clone().by_expiry();
        shown.check().unwrap();
        assert_eq!(shown.expiring(), account.expiring());
        assert_eq!(shown.lots.len(), account.expiring().len());
    }

    /// Whatever the cars foresaw: no cap is exceeded by a thousandth, and the points add up to no more than that and
    /// the thousandths that each rule carried into the stretch.
    pub(super) fn assert_caps(&self) {
        for cap in &self.policy.caps {
            let most = Milli::from_whole(cap.points.get());
            for used in self
                .cloud
                .account
                .used
                .get(&cap.id)
                .iter()
                .flat_map(|periods| periods.values())
            {
                assert!(*used <= most, "{}: {used}", cap.id);
                if *used == most {
                    self.coverage.hit(cap.id.as_str());
                }
            }
            let counts = |kind: Trigger| match &cap.over {
                CapOver::Rule(rule) => {
                    (rule.as_str() == "check-in" && kind == Trigger::CheckIn)
                        || (rule.as_str() == "clean-charging" && kind == Trigger::Charge)
                }
                CapOver::Kind(over) => *over == kind,
                CapOver::All => true,
            };
            let mut sums = BTreeMap::new();
            for (kind, time, paid) in self.earned.iter().filter(|(kind, ..)| counts(*kind)) {
                let _kind = kind;
                let period = self.cloud.zone.period_start(*time, cap.per);
                *sums.entry(period).or_insert(0) += paid;
            }
            for sum in sums.values() {
                assert!(sum * 1_000 <= most.get() + 4 * 999, "{}: {sum}", cap.id);
            }
        }
    }
}
