//! The amounts that an entry was given, to the thousandth, and their undoing.

use serde::{Deserialize, Serialize};

use super::payment::Payment;
use crate::account::{Account, Cause, Remainder, Settlement};
use crate::entry::EntryKind;
use crate::ids::{EntryRef, PolicyVersion, RuleId};
use crate::points::{Growth, Milli, Points};
use crate::policy::Policies;
use crate::time::{LocalDay, ServerTime};
use crate::verdict::Paid;
use crate::zone::Zone;

/// Thousandths that an entry was given by each rule after caps, with the caps that they count against: what makes room again, and
/// no other entry's part of a whole point goes, when it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The policy that valued it.
    pub policy: PolicyVersion,
    /// The kind of the entry.
    pub kind: EntryKind,
    /// The day whose caps it counts against.
    pub day: LocalDay,
    /// Amounts by rule; those that gave something.
    pub parts: Vec<GivenPart>,
}

/// Amounts that one rule gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenPart {
    /// The rule.
    pub rule: RuleId,
    /// Thousandths of points.
    pub points: Milli,
    /// Thousandths of growth value.
    pub growth: Milli,
}

impl Given {
    pub(super) fn of(
        policy: PolicyVersion,
        kind: EntryKind,
        day: LocalDay,
        payments: &[Payment],
    ) -> Self {
        let parts = payments.iter().filter(|payment| payment.gives());
        Self {
            policy,
            kind,
            day,
            parts: parts
                .map(|payment| GivenPart {
                    rule: payment.rule.clone(),
                    points: payment.given.points,
                    growth: payment.given.growth,
                })
                .collect(),
        }
    }

    /// Returns whether not a thousandth was given.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.parts.is_empty()
    }
}

impl Account {
    /// Takes what an entry was given out of remainders and caps, as if the entry had never been, and returns the whole amounts
    /// that are missing then: one more or one less of each rule than it was paid, where other entries completed a whole with it.
    ///
    /// A period of a cap that is forgotten stays so.
    #[must_use = "the whole amounts are to be taken from the balance"]
    pub fn undo(&mut self, given: &Given, policies: &Policies) -> Paid {
        let policy = policies.get(given.policy);
        let caps = policy.map_or(&[][..], |policy| &policy.policy().caps);
        let mut missing = Paid::NOTHING;
        for part in &given.parts {
            let (points, growth) = self.take_from_remainder(part);
            missing.points = missing.points.plus(points);
            missing.growth = missing.growth.plus(growth);
            for cap in caps
                .iter()
                .filter(|cap| cap.applies_to(&part.rule, given.kind))
            {
                let Some(periods) = self.used.get_mut(&cap.id) else {
                    continue;
                };
                let first = cap.per.first_day(given.day);
                if let Some(used) = periods.get_mut(&first) {
                    *used = used.minus(part.points).max(Milli::ZERO);
                    if used.is_zero() {
                        periods.remove(&first);
                    }
                }
                if periods.is_empty() {
                    self.used.remove(&cap.id);
                }
            }
        }
        missing
    }

    /// Gives up what is held back for one entry, after somebody objected; `None` when nothing is.
    ///
    /// The room of caps and the thousandths that it took are as if it had never been, where `given` tells them. Wholes that other
    /// entries completed with it are paid or taken then. Evidence in doubt has taken none.
    #[must_use = "the row belongs in the ledger"]
    pub fn refuse(
        &mut self,
        entry: EntryRef,
        given: Option<&Given>,
        now: ServerTime,
        zone: &Zone,
        policies: &Policies,
    ) -> Option<Settlement> {
        let place = self.pending.iter().position(|held| held.entry == entry)?;
        let held = self.pending.remove(place);
        let mut row = self.row(now, Cause::ClawedBack { entry });
        if let Some(given) = given {
            let missing = self.undo(given, policies);
            let policy = policies.in_force_at(now);
            let points = held.paid.points.minus(missing.points);
            let growth = held.paid.growth.minus(missing.growth);
            self.pay_in(
                &mut row,
                points.max(Points::ZERO),
                held.expiry(now, zone, policy),
            );
            if growth > Growth::ZERO {
                self.grow(&mut row, growth, policy, zone);
            }
            let over = Paid {
                points: Points::ZERO.minus(points),
                growth: Growth::ZERO.minus(growth),
            };
            let lot = row.version;
            self.take_back(&mut row, over, lot, true);
        }
        Some(row)
    }

    fn take_from_remainder(&mut self, part: &GivenPart) -> (Points, Growth) {
        let nothing = Remainder {
            points: Milli::ZERO,
            growth: Milli::ZERO,
        };
        let carried = self.remainders.get(&part.rule).copied().unwrap_or(nothing);
        let (points, points_left) = carried.points.minus(part.points).split();
        let (growth, growth_left) = carried.growth.minus(part.growth).split();
        let left = Remainder {
            points: points_left,
            growth: growth_left,
        };
        if left == nothing {
            self.remainders.remove(&part.rule);
        } else {
            self.remainders.insert(part.rule.clone(), left);
        }
        (
            Points::ZERO.minus(Points::new(points)),
            Growth::ZERO.minus(Growth::new(growth)),
        )
    }
}
