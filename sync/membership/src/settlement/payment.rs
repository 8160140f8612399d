//! From what the rules say to what is paid: remainders and caps.

use std::collections::BTreeMap;
use std::mem;

use crate::account::{Account, Remainder};
use crate::entry::{Award, EntryKind};
use crate::ids::{CapId, RuleId};
use crate::points::{Growth, Milli, Points};
use crate::policy::{Cap, CapOver, CompiledPolicy, Trigger};
use crate::time::LocalDay;
use crate::valuation::Appraisal;
use crate::verdict::Paid;

/// Payment of one rule for one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payment {
    pub(super) rule: RuleId,
    /// Amounts that the rule gives.
    pub(super) raw: Appraised,
    /// Amounts that caps leave of them.
    pub(super) given: Appraised,
    /// Whole amounts that are paid, with what was carried.
    pub(super) paid: Paid,
    /// The cap with the least room, and whether it cut the payment.
    pub(super) tightest: Option<(CapId, bool)>,
}

/// Thousandths of both accounts, as a rule gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Appraised {
    pub(super) points: Milli,
    pub(super) growth: Milli,
}

impl Payment {
    /// Returns whether a thousandth is paid at least.
    pub(super) fn gives(&self) -> bool {
        self.given.points > Milli::ZERO || self.given.growth > Milli::ZERO
    }
}

impl Appraised {
    pub(super) const fn of(award: &Award) -> Self {
        Self {
            points: award.points,
            growth: award.growth,
        }
    }
}

/// The parts of an account beside its points that payments change.
#[derive(Debug, Clone)]
pub(super) struct Meters {
    used: BTreeMap<CapId, BTreeMap<LocalDay, Milli>>,
    remainders: BTreeMap<RuleId, Remainder>,
}

impl Meters {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            used: account.used.clone(),
            remainders: account.remainders.clone(),
        }
    }

    /// Takes them out of the account, to be put back.
    pub(super) fn take(account: &mut Account) -> Self {
        Self {
            used: mem::take(&mut account.used),
            remainders: mem::take(&mut account.remainders),
        }
    }

    pub(super) fn put_into(self, account: &mut Account) {
        account.used = self.used;
        account.remainders = self.remainders;
    }

    /// Pays what the rules say, in their order, as far as the caps of the day have room.
    pub(super) fn pay(
        &mut self,
        policy: &CompiledPolicy,
        kind: EntryKind,
        day: LocalDay,
        appraisals: &[Appraisal],
    ) -> Vec<Payment> {
        appraisals
            .iter()
            .filter(|appraisal| appraisal.pays())
            .map(|appraisal| self.pay_one(policy, kind, day, appraisal))
            .collect()
    }

    fn pay_one(
        &mut self,
        policy: &CompiledPolicy,
        kind: EntryKind,
        day: LocalDay,
        appraisal: &Appraisal,
    ) -> Payment {
        let raw = Appraised {
            points: appraisal.points,
            growth: appraisal.growth,
        };
        let caps = policy.policy().caps.iter();
        let caps: Vec<&Cap> = caps
            .filter(|cap| cap.applies_to(&appraisal.rule, kind))
            .collect();
        let room = |cap: &Cap| Milli::from_whole(cap.points.get()).minus(self.used(cap, day));
        // Of two with the same room the first of the policy is named.
        let tightest = caps.iter().min_by_key(|cap| room(cap));
        let paid = tightest.map_or(raw.points, |cap| raw.points.min(room(cap)).max(Milli::ZERO));
        let tightest = tightest.map(|cap| (cap.id.clone(), paid < raw.points));
        for cap in caps {
            self.use_up(cap, day, paid);
        }
        let growth = scaled(raw.growth, paid, raw.points);
        Payment {
            rule: appraisal.rule.clone(),
            raw,
            given: Appraised {
                points: paid,
                growth,
            },
            paid: self.carry(&appraisal.rule, paid, growth),
            tightest,
        }
    }

    fn used(&self, cap: &Cap, day: LocalDay) -> Milli {
        let periods = self.used.get(&cap.id);
        periods
            .and_then(|periods| periods.get(&cap.per.first_day(day)))
            .copied()
            .unwrap_or(Milli::ZERO)
    }

    fn use_up(&mut self, cap: &Cap, day: LocalDay, paid: Milli) {
        if paid > Milli::ZERO {
            let periods = self.used.entry(cap.id.clone()).or_default();
            let used = periods.entry(cap.per.first_day(day)).or_insert(Milli::ZERO);
            *used = used.plus(paid);
        }
    }

    /// Adds thousandths to what the rule carries, and takes out the wholes.
    fn carry(&mut self, rule: &RuleId, points: Milli, growth: Milli) -> Paid {
        let nothing = Remainder {
            points: Milli::ZERO,
            growth: Milli::ZERO,
        };
        let carried = self.remainders.get(rule).copied().unwrap_or(nothing);
        let (points, points_left) = carried.points.plus(points).split();
        let (growth, growth_left) = carried.growth.plus(growth).split();
        let left = Remainder {
            points: points_left,
            growth: growth_left,
        };
        if left == nothing {
            self.remainders.remove(rule);
        } else {
            self.remainders.insert(rule.clone(), left);
        }
        Paid {
            points: Points::new(points),
            growth: Growth::new(growth),
        }
    }
}

impl Appraisal {
    fn pays(&self) -> bool {
        let something = self.points > Milli::ZERO || self.growth > Milli::ZERO;
        self.held && !self.shadow && something
    }
}

impl Cap {
    /// Returns whether payments of a rule for an entry of this kind count against the cap.
    #[must_use]
    pub fn applies_to(&self, rule: &RuleId, kind: EntryKind) -> bool {
        self.covers(rule, Trigger::of(kind))
    }

    /// Returns whether payments of a rule on that trigger count against the cap.
    pub(crate) fn covers(&self, rule: &RuleId, on: Option<Trigger>) -> bool {
        match &self.over {
            CapOver::Rule(over) => over == rule,
            CapOver::Kind(over) => on.is_some_and(|on| *over == on),
            CapOver::All => true,
        }
    }
}

/// The growth value that goes with the part of the points that is paid.
fn scaled(growth: Milli, paid: Milli, raw: Milli) -> Milli {
    if paid == raw || raw.is_zero() {
        return growth;
    }
    let share = i128::from(growth.get()) * i128::from(paid.get()) / i128::from(raw.get());
    Milli::new(i64::try_from(share).unwrap_or(i64::MAX))
}
